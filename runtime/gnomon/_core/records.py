"""TaskRecord: one unfinished task, shared by the machines of its owner."""

from __future__ import annotations

import msgspec

from gnomon._core.entry import Recipe
from gnomon._core.events import TaskSubmitted
from gnomon._core.ledger import TaskRow
from gnomon._core.streams import Stream
from gnomon._messages.base import Value
from gnomon.ids import ObjectID, WorkerID

_NONE: frozenset[ObjectID] = frozenset()


class TaskRecord(msgspec.Struct, gc=False, eq=False):
    """One unfinished task. No field may lead back to it: the collector does not look in here.

    Attributes:
        missing: dependencies without a value.
        values: of all dependencies, once there.
        holds: references held while it is unfinished.
        worker: to which it is pushed.
        cancelled: somebody asked; it may still be running.
        started_elsewhere: it may have begun on the worker it was pushed to (a lost one costs an attempt).
        alone: shares no worker with others, see ``dispatch``: it has no retry left that somebody else's crash
            could cost it, or it is what its last worker was doing when it died.
        stream: of a generator.
        gated: it was pushed to a gate, and has not been let through.
        near: its scheduling class, if that is one for tasks whose arguments lie on another node; else -1.
        replay: it has finished before and makes lost results again, from this.
    """

    event: TaskSubmitted
    row: TaskRow
    attempt: int = 0
    missing: set[ObjectID] | frozenset[ObjectID] = _NONE
    values: tuple[Value, ...] = ()
    holds: tuple[ObjectID, ...] = ()
    worker: WorkerID | None = None
    cancelled: bool = False
    started_elsewhere: bool = False
    stream: Stream | None = None
    alone: bool = False
    gated: bool = False
    near: int = -1
    replay: Recipe | None = None
