"""What the driver and the launcher it starts agree on: how the config travels, and what exit codes mean."""

from __future__ import annotations

import os

import msgspec

from gnomon._messages.session import SessionConfig

EXIT_ZYGOTE_LOST = 81
EXIT_HEAD_LOST = 82
EXIT_NODE_FAILED = 83

EXIT_REASONS = {
    EXIT_ZYGOTE_LOST: "the process that starts workers (the zygote) was killed or has crashed",
    EXIT_HEAD_LOST: "the head process was killed or has crashed",
    EXIT_NODE_FAILED: "the node process has failed",
}
"""Why the node, and by that the session, has ended."""

EXIT_RUNTIME_FAILED = 84
"""Of a worker whose loop can not go on."""

_LENGTH_BYTES = 4


def pack_config(config: SessionConfig) -> bytes:
    """The config as it is written into the pipe."""
    body = msgspec.msgpack.encode(config)
    # With its length: an end of file may never come, if the driver is forking in another thread just now.
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


def read_config(fd: int) -> SessionConfig:
    """Read and close the other end.

    Raises:
        EOFError: the driver ended before it had written all of it.
    """
    with os.fdopen(fd, "rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "big")
        body = file.read(length)
    if len(body) < length or not length:
        raise EOFError("The driver has ended while it was starting the session.")
    return msgspec.msgpack.decode(body, type=SessionConfig)
