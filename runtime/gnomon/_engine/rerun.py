"""Rerun: a failed task that can be run again in the calling thread, or why it can not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from gnomon.exceptions import TaskError, asked_for
from gnomon.ids import ObjectID

NOT_KNOWN = (
    "nothing is kept of it: it has not failed, or is a call of an actor (whose state only the actor has), or many others "
    "have failed since"
)

_NOT_KNOWN_THERE = "it is a call of an actor, or the process that called it has ended or forgotten it"

DEPTH_MAX = 20
"""Tasks inside tasks that are looked into."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """A failed task, ready to be run.

    Attributes:
        name: of the task.
        run: runs it; raises what it raises.
        reason: why it can not be run; then ``run`` is None.
        instead: a sentence, where another task has raised which can not be run again.
    """

    name: str = ""
    run: Callable[[], Any] | None = None
    reason: str = ""
    instead: str = ""


def passed_through(error: BaseException | None) -> tuple[str, list[ObjectID]]:
    """Of the error of a task: the name of the task that raised, and what each one from the first on asked for that got it."""
    name = ""
    asked: list[ObjectID] = []
    while isinstance(error, TaskError) and len(asked) < DEPTH_MAX:
        name, error = error.function_name, error.cause
        if isinstance(error, TaskError) and asked_for(error):
            asked.append(ObjectID(bytes.fromhex(asked_for(error))))
    return name, asked


def deepest(error: BaseException | None, rerun: Callable[[ObjectID], Rerun], identity: ObjectID) -> Rerun:
    """The task that raised, if it can be run again; else the one nearest to it of those which the error has passed through.

    Args:
        error: the value of an object.
        rerun: of the failed task that makes an object.
        identity: of that first object.
    """
    name, asked = passed_through(error)
    instead = ""
    for each in (*reversed(asked), identity):
        found = rerun(each)
        if found.run is not None and instead:
            return replace(found, instead=f"{instead} {found.name} was run, which led to it.")
        if found.run is not None or each is identity:
            break
        reason = _NOT_KNOWN_THERE if found.reason == NOT_KNOWN else found.reason
        instead = instead or f"{name} raised this, but can not be run again here: {reason}."
    return found
