"""``why``: what stands in the way of a value or an actor, in a sentence. ``debug``: a failed task, run again here."""

from __future__ import annotations

import dataclasses
from typing import Any

from gnomon._api import session
from gnomon._api.actor import ActorHandle
from gnomon._api.checks import shown
from gnomon._engine import staleness
from gnomon._engine.explanation import Explanation
from gnomon._wire.generators import DynamicObjectRefGenerator, ObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import (
    HANDLE_INDEX,
    OBJECT_ID_BYTES,
    TASK_ID_BYTES,
    ActorID,
    ObjectID,
    TaskID,
    handle_object,
    index_of,
    object_id,
)

_DEATHS = ("WorkerCrashedError", "OutOfMemoryError", "NodeDiedError")


def why(target: Any) -> Explanation:
    """Why a value is not there yet, has failed or was slow; what an actor does, or why it is dead.

    It asks the processes concerned, each for two seconds at most; nothing is noted for it beforehand. What it tells is
    true of the moment in which it asked.

    Args:
        target: a reference, a generator, an actor's handle, or an id in hexadecimal of an object, a task or an actor.

    Returns:
        An explanation; print it, or let the notebook show it.

    Raises:
        TypeError: ``target`` is something else.
        ValueError: ``target`` is a string that is no id.
        SessionMismatchError: it is of a session that has ended.
    """
    engine = session.engine()
    identity = identity_of(target, "why()")
    found = engine.why(identity)
    stale = staleness.stale_object(engine.ledger, identity)
    return dataclasses.replace(found, details=(*found.details, f"stale: {stale}")) if stale else found


def debug(target: Any) -> Any:
    """Run a failed task again, here and now, with its function and its arguments: for ``%debug`` and breakpoints.

    What it raises is raised here, in this process, so that a debugger can look at its frames; of tasks that failed
    because of an argument or of a task that they have called, it is the one that raised; if nothing is kept of that one any
    more, the nearest to it, and a note of the error says so. What it calls by ``.remote`` runs where tasks run. The last 20
    failed tasks of each process can be run again.

    Args:
        target: a reference of the task, or its id in hexadecimal.

    Returns:
        What the task returns, should it not fail this time.

    Raises:
        ValueError: there is no such task, it has not failed, or an argument of it is gone: the message says which.
        TypeError: ``target`` is something else.
    """
    __tracebackhide__ = True
    engine = session.engine()
    identity = identity_of(target, "debug()")
    if index_of(identity) == HANDLE_INDEX:
        raise ValueError("debug() runs tasks again, not actors: their state is theirs alone.")
    _refuse_death(engine.why(identity))
    found = engine.rerun(identity)
    if found.run is None:
        raise ValueError(f"debug() can not run {found.name or 'that task'} again: {found.reason}.")
    try:
        return found.run()
    except BaseException as error:
        if found.instead:
            error.add_note(found.instead)
        raise


def _refuse_death(found: Explanation) -> None:
    """A task that has ended its process would end this one."""
    if found.state != "failed":
        raise ValueError(f"debug() runs a failed task again, and this one has not failed. {found.sentence}")
    if found.error in _DEATHS:
        raise ValueError(
            f"debug() does not run what has ended its process: it could end this one, too. {found.sentence}"
        )


def identity_of(target: Any, call: str) -> ObjectID:
    """The object that is meant; the handle object of an actor.

    Raises:
        TypeError: ``target`` is nothing that has an id.
        ValueError: ``target`` is a string that is no id.
    """
    if isinstance(target, ObjectRef | ObjectRefGenerator):
        return target._id
    if isinstance(target, ActorHandle):
        return handle_object(target._actor_id)
    if isinstance(target, str):
        return _identity_in(target, call)
    several = isinstance(target, list | tuple | dict | set | DynamicObjectRefGenerator)
    hint = " Ask about one of them." if several else ""
    raise TypeError(
        f"{call} takes a reference, a generator, the handle of an actor or an id, not {shown(target)}.{hint}"
    )


def _identity_in(text: str, call: str) -> ObjectID:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) == OBJECT_ID_BYTES:
        return ObjectID(found)
    if len(found) != TASK_ID_BYTES:
        raise ValueError(
            f"{call} takes an id of an object ({2 * OBJECT_ID_BYTES} hexadecimal digits), or of a task or an actor "
            f"({2 * TASK_ID_BYTES}), not {text!r}."
        )
    engine = session.engine()
    if found.hex() in engine.ledger.actors:
        return handle_object(ActorID(found))
    return object_id(TaskID(found), 1)
