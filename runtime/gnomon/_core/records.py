"""TaskRecord: one unfinished task, shared by the machines of its owner."""

from __future__ import annotations

from gnomon._core.events import TaskSubmitted
from gnomon._core.ledger import TaskRow
from gnomon._messages.base import Value
from gnomon.ids import ObjectID, WorkerID


class TaskRecord:
    """Attributes:
    missing: dependencies without a value.
    values: of all dependencies, once there.
    holds: references held while it is unfinished.
    worker: to which it is pushed.
    cancelled: somebody asked; it may still be running.
    started_elsewhere: it may have begun on the worker it was pushed to (a lost one costs an attempt).
    """

    __slots__ = (
        "attempt", "cancelled", "event", "holds", "missing", "row", "started_elsewhere", "values", "worker",
    )  # fmt: skip

    def __init__(self, event: TaskSubmitted, row: TaskRow) -> None:
        self.event = event
        self.row = row
        self.attempt = 0
        self.missing: set[ObjectID] = _NONE
        self.values: tuple[Value, ...] = ()
        self.holds: tuple[ObjectID, ...] = ()
        self.worker: WorkerID | None = None
        self.cancelled = False
        self.started_elsewhere = False


_NONE: set[ObjectID] = set()
