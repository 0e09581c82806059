"""The other end of the raw ping-pong, run by path: ``PYTHON echo.py INBOUND OUTBOUND``.

It sends every message back.
"""

from __future__ import annotations

import sys

import zmq

PATIENCE_MS = 10_000
"""After this silence the other side must be gone."""


def echo(inbound_address: str, outbound_address: str) -> None:
    """Echo until an empty message comes, or none for too long."""
    with zmq.Context() as context, context.socket(zmq.PULL) as inbound, context.socket(zmq.PUSH) as outbound:
        inbound.rcvtimeo = PATIENCE_MS
        outbound.linger = 0
        inbound.bind(inbound_address)
        outbound.connect(outbound_address)
        try:
            while message := inbound.recv():
                outbound.send(message)
        except zmq.Again:
            return


if __name__ == "__main__":
    echo(sys.argv[1], sys.argv[2])
