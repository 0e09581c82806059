"""Errors that the runtime itself makes, as values that travel: no pickle, so that head and node can make
them.

A value's first byte tells its kind (``_wire.pickling`` has the full list). Kinds 1 and 3 are errors: 1 is a
pickled exception of the user's, 3 is one of ours, by the name of its class in ``gnomon.exceptions`` and
fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gnomon._messages.base import Block, Value
from gnomon.ids import NodeID, WorkerID

RAISED_KIND = 1
FAILURE_KIND = 3
_PREFIX = bytes([FAILURE_KIND])
_RAISED = bytes([RAISED_KIND])
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[str, dict[str, Any]]).decode


class MemoryUser(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one worker of a node that was short of memory had for itself.

    Attributes:
        used: in bytes, without what it shares with others.
        name: what it does, where the node knows.
    """

    worker: WorkerID
    pid: int
    used: int
    name: str = ""


class MemoryShortage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Why a node has ended a worker: its memory was nearly used up.

    Attributes:
        used, limit: of the node, in bytes.
        threshold: share of the limit above which workers are ended.
        store: bytes that values in its object store take.
        top: the workers that had most, the largest first.
        alone: it was the only one of its caller there: to run it again would end alike.
        kind: of the limit, for people.
    """

    used: int
    limit: int
    threshold: float
    store: int
    top: tuple[MemoryUser, ...]
    alone: bool = False
    kind: str = ""


class ProcessEnd(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a process has ended.

    Attributes:
        code: exit code, or minus the signal's number; None while unknown.
        last_output: the last lines that it wrote, some 2,000 characters at most.
        shortage: its node has ended it for want of memory.
    """

    node: NodeID
    pid: int
    code: int | None = None
    last_output: str = ""
    shortage: MemoryShortage | None = None

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


def out_of_memory(
    end: ProcessEnd, what: str, attempts: int, deaths: int = 0, names: Mapping[WorkerID, str] | None = None
) -> bytes:
    """The error of what ran in a process that was ended for want of memory.

    Args:
        end: of the process, with the shortage.
        what: the task or actor.
        attempts: how often it was begun; 0 where that is not known.
        deaths: how often it had been ended so before.
        names: what workers do, where that is known.
    """
    shortage = end.shortage
    assert shortage is not None
    known = names or {}
    return failure(
        "OutOfMemoryError",
        what=what,
        attempts=attempts,
        deaths=deaths + 1,
        alone=shortage.alone,
        used_bytes=shortage.used,
        limit_bytes=shortage.limit,
        kind=shortage.kind,
        threshold=shortage.threshold,
        store_bytes=shortage.store,
        top=[(user.pid, user.used, known.get(user.worker) or user.name) for user in shortage.top],
        pid=end.pid,
        node_id=end.node.hex(),
        last_output=end.last_output,
    )


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
