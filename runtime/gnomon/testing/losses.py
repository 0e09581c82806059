"""Losing values on purpose, for tests of what is done about losses. Not an API to build on."""

from __future__ import annotations

from typing import Any

from gnomon._api import session
from gnomon._api.checks import shown
from gnomon._core.events import AskedSomething, CopiesDropped
from gnomon._messages.base import Block
from gnomon._messages.pulls import CopyLost
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import WorkerID, owner_of


def drop_object(ref: ObjectRef[Any]) -> None:
    """Let the owner of ``ref`` believe that every copy of its value is lost (in another process: the copy known here).

    The room is given back with that of the object's new value: tasks may have been given it. If this process owns the
    object, the loss has happened when this returns, and what is done about it has begun.

    Args:
        ref: to a value that is ready and lies in the store.

    Raises:
        TypeError: ``ref`` is no reference.
        ValueError: the value is not there, or small: small values lie with their owner and can not be lost without it.
    """
    if not isinstance(ref, ObjectRef):
        raise TypeError(f"drop_object() takes a reference, not {shown(ref)}.")
    core = session.engine().core  # type: ignore[attr-defined]
    identity = ref._id
    value = core.values.get(identity)
    if not isinstance(value, Block):
        state = "has no value yet" if value is None else "is small (or an error) and lies with its owner"
        raise ValueError(
            f"ObjectRef({identity.hex()}) {state}. Wait for a value larger than inline_result_max_bytes."
        )
    owner = owner_of(identity)
    if owner == core.me:
        core.loop.apply([CopiesDropped(identity)])
    else:
        core.loop.apply([AskedSomething(owner, CopyLost(identity, WorkerID(value.node), there=True))])
