"""Bringing values of other nodes to this one, as a thread that is about to read them waits for it.

What is returned comes with handles: they keep what is known of the objects until their values are viewed, so whoever
calls holds on to them until then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gnomon._core.events import BlocksNeeded, WaitEnded, WaitStarted
from gnomon._messages.base import Block, Value
from gnomon._messages.failures import is_failure
from gnomon._shell import task_context
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import GetTimeoutError
from gnomon.ids import ObjectID

if TYPE_CHECKING:
    from gnomon._shell.core_worker import CoreWorker

_NOBODY = ObjectID(b"")
Handles = list[ObjectRef[Any]]
Brought = tuple[dict[ObjectID, Value], Handles]


def with_handles(answer: dict[ObjectID, Value]) -> Brought:
    """The role's answer; each value in it is held once, from now on by these handles."""
    return answer, [ObjectRef(identity) for identity in answer]


def is_elsewhere(core: CoreWorker, values: Sequence[Value]) -> bool:
    """Whether any of these lies on another node."""
    node = core.config.node_process
    return any(type(value) is Block and value.node != node for value in values)


def elsewhere(core: CoreWorker, identity: ObjectID) -> Block | None:
    """Where the value of an object lies, if that is on another node."""
    value = core.values.get(identity)
    return value if isinstance(value, Block) and value.node != core.config.node_process else None


def bring(core: CoreWorker, blocks: Sequence[Block], timeout: float | None = None) -> Brought:
    """Have values of other nodes brought to this one; they are blocks here then, or errors, or small.

    Raises:
        GetTimeoutError: not within ``timeout`` seconds.
    """
    blocking = task_context.blocks()
    if blocking:
        core.loop.post(WaitStarted())
    try:
        brought: Brought = core.ask_role(lambda request: BlocksNeeded(request, tuple(blocks)), timeout)
        return brought
    finally:
        if blocking:
            core.loop.post(WaitEnded())


def bring_values(
    core: CoreWorker, values: Sequence[Value], timeout: float | None
) -> tuple[Sequence[Value], Handles]:
    """The same values, with all that lies on other nodes brought here, at once.

    Raises:
        GetTimeoutError: not within ``timeout`` seconds.
    """
    node = core.config.node_process
    blocks = [value for value in values if isinstance(value, Block) and value.node != node]
    try:
        brought, handles = bring(core, blocks, timeout)
    except GetTimeoutError:
        ready = len(values) - len(blocks)
        raise GetTimeoutError(timeout_s=timeout or 0.0, ready=ready, total=len(values)) from None
    return [
        brought.get(value.object, value) if isinstance(value, Block) else value for value in values
    ], handles


def bring_arguments(
    core: CoreWorker, blob: Value, values: tuple[Value, ...]
) -> tuple[Value, tuple[Value, ...], Handles]:
    """A task's arguments with all that lies on other nodes brought here, at once; raises what could not be brought."""
    (blob, *others), handles = bring_values(core, (blob, *values), None)
    for value in (blob, *others):
        if is_failure(value):
            core.load(_NOBODY, value)
    return blob, tuple(others), handles
