"""Errors that the runtime itself makes, as values that travel: no pickle, so that head and node can make
them.

A value's first byte tells its kind (``_wire.pickling`` has the full list). Kinds 1 and 3 are errors: 1 is a
pickled exception of the user's, 3 is one of ours, by the name of its class in ``gnomon.exceptions`` and
fields.
"""

from __future__ import annotations

from typing import Any

import msgspec

from gnomon._messages.base import Block, Value
from gnomon.ids import NodeID

RAISED_KIND = 1
FAILURE_KIND = 3
_PREFIX = bytes([FAILURE_KIND])
_RAISED = bytes([RAISED_KIND])
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, dict[str, Any]]).decode


class ProcessEnd(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a process has ended.

    Attributes:
        code: exit code, or minus the signal's number; None while unknown.
        last_output: the last lines that it wrote, some 2,000 characters at most.
    """

    node: NodeID
    pid: int
    code: int | None = None
    last_output: str = ""

    def facts(self) -> dict[str, Any]:
        """As fields of the exceptions that tell of it."""
        return {
            "pid": self.pid,
            "node_id": self.node.hex(),
            "exit_code": self.code,
            "last_output": self.last_output,
        }


def failure(name: str, **fields: Any) -> bytes:
    """An error value: the exception class ``name`` with constructor arguments ``fields``."""
    return _PREFIX + _encode((name, fields))


STREAM_END = failure("ObjectRefStreamEndOfStreamError")
"""In place of the item after a generator's last."""


def read_failure(blob: bytes | memoryview) -> tuple[str, dict[str, Any]]:
    """The class name and fields of an error value of kind 3."""
    return _decode(memoryview(blob)[1:])


def is_failure(value: Value | None) -> bool:
    """Whether a value is an error of either kind."""
    if value is None or isinstance(value, Block) or not value:
        return False
    return value[0] in (RAISED_KIND, FAILURE_KIND)


def is_raised(value: Value | None) -> bool:
    """Whether a value is an exception of the user's code, which may hold anything that a value may."""
    return isinstance(value, bytes) and value[:1] == _RAISED
