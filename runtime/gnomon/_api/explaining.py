"""``why``: what stands in the way of a value or an actor, in a sentence."""

from __future__ import annotations

from typing import Any

from gnomon._api import session
from gnomon._api.actor import ActorHandle
from gnomon._api.checks import shown
from gnomon._engine.explanation import Explanation
from gnomon._wire.generators import DynamicObjectRefGenerator, ObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import OBJECT_ID_BYTES, TASK_ID_BYTES, ActorID, ObjectID, TaskID, handle_object, object_id


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
    return engine.why(identity_of(target, "why()"))


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
