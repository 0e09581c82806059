"""Failed tasks: the submissions of the last ones, so that one can be run again by who wants to debug it.

A task whose code has raised keeps its arguments as long as somebody holds its (first) result, as if they were inside
that error: Python's own errors keep theirs, too. Not so actors, which would live on for it. Only the last
``TASKS_MAX`` do so. The rule for a changer: a hold is in ``Entry.inner`` of that result, and ``ReferenceMachine``
releases it with the result, or ``_let_go`` before.
"""

from __future__ import annotations

from gnomon._core.events import TaskSubmitted
from gnomon._core.references import ReferenceMachine
from gnomon._messages.failures import is_failure
from gnomon.ids import HANDLE_INDEX, ObjectID, TaskID, index_of, object_id

TASKS_MAX = 20
BYTES_MAX = 16 * 2**20


class FailedTasks:
    """See the module; the oldest are forgotten.

    Attributes:
        tasks: by id; with what is held for each, and the argument that was an error, if that is why.
        bytes: of their arguments.
    """

    def __init__(
        self, references: ReferenceMachine, tasks_max: int = TASKS_MAX, bytes_max: int = BYTES_MAX
    ) -> None:
        self._references = references
        self._tasks_max = tasks_max
        self._bytes_max = bytes_max
        self.tasks: dict[TaskID, tuple[TaskSubmitted, tuple[ObjectID, ...], ObjectID | None]] = {}
        self.bytes = 0

    def add(self, event: TaskSubmitted, raised: bool) -> None:
        """One has failed, and its arguments are still held; ``raised``: it has run, and its own code has raised."""
        if event.task in self.tasks:
            return  # it was run again, for a result that was lost
        held: tuple[ObjectID, ...] = ()
        entry = self._references.entries.get(object_id(event.task, 1)) if event.num_returns > 0 else None
        if raised and entry is not None:
            needed = event.dependencies + event.contained
            held = tuple(identity for identity in needed if index_of(identity) != HANDLE_INDEX)
            entry.inner += held
            self._references.hold(held)
        known = self._references.values
        bad = (
            None
            if raised
            else next((each for each in event.dependencies if is_failure(known.get(each))), None)
        )
        self.tasks[event.task] = event, held, bad
        self.bytes += _size(event)
        while len(self.tasks) > self._tasks_max or self.bytes > self._bytes_max:
            self._let_go(next(iter(self.tasks)))

    def _let_go(self, task: TaskID) -> None:
        event, held, _ = self.tasks.pop(task)
        self.bytes -= _size(event)
        entry = self._references.entries.get(object_id(task, 1))
        if held and entry is not None and entry.inner[: len(held)] == held:
            entry.inner = entry.inner[len(held) :]
            self._references.release(held)


def _size(event: TaskSubmitted) -> int:
    return len(event.arguments) if isinstance(event.arguments, bytes) else 0
