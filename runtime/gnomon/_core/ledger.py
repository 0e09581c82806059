"""Ledger: what has happened, folded into rows as it happens; the source of every view.

The engine's own thread writes; a reader in another thread drains ``changed_*`` with ``popleft`` (one atomic
step). It is bounded: at most ``tasks_listed_max`` tasks have a row in the list. When it is full, rows of tasks that have
ended leave it for new ones (``turnover.py``); tasks without a row are in the counts by function. While nobody reads
(``readers == 0``) nothing is queued for readers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from typing import Any

from gnomon._core.task_rows import TASK_STATES as TASK_STATES
from gnomon._core.task_rows import PastAttempt as PastAttempt
from gnomon._core.task_rows import TaskRow as TaskRow
from gnomon._core.task_rows import TaskState as TaskState
from gnomon._core.turnover import Turnover, leaving
from gnomon.ids import TASK_ID_BYTES

SPANS_KEPT = 2_000
"""What took time and is no task: so many, the latest, are kept."""

ATTEMPTS_KEPT = 1_000
"""Attempts that were not the last one of their task: so many, the latest, are kept."""

SESSION_ENDED = "the session ended"
"""Why what was not over yet is over."""


class Names:
    """A growing list of names with numbers; numbers never change their meaning."""

    __slots__ = ("entries", "numbers")

    def __init__(self, *first: Any) -> None:
        self.entries: list[Any] = list(first)
        self.numbers: dict[Any, int] = {entry: number for number, entry in enumerate(first)}

    def number(self, entry: Any) -> int:
        """The number of ``entry`` (hashable), given on first use."""
        known = self.numbers.get(entry)
        if known is None:
            known = self.numbers[entry] = len(self.entries)
            self.entries.append(entry)
        return known


class Ledger:
    """Rows and counts of tasks, objects, actors and nodes.

    Attributes:
        session: changes when the cluster is restarted.
        names: function names by group number.
        cells: ``(cell id, label)`` by cell number; 0 is "no cell".
        workers: ``(id in hex, pid, label)`` by worker number.
        counts: per group, tasks by :class:`TaskState`.
        foreign_counts: those of them that other processes own.
        tasks: the listed rows, in the order of their numbers. A row that comes is appended; when some go, another list
            takes its place, so who reads keeps what he has.
        numbers_given: the next listed row's number.
        shown: by a listed row's number, the one that the views have called it by, in a copy with other numbers; else empty.
        objects: per object id in hex ``[size_bytes, state, producer, holders, cell, node]``.
        actors: per actor id in hex, the row as the wire format of the feed has it.
        nodes: per node id in hex, likewise.
        spans: what took time and is no task, the latest ones, numbered: (number, ``cluster.ReportedSpan``);
            ``spans_total`` counts all.
        attempts: that were not the last one of their task, the latest ones, numbered likewise; ``attempts_total`` counts all.
        tempo: how fast work begins, the fields of ``tempo.TempoFacts``; empty while it begins freely.
        repeated: by cell, its label, line and function, ``[size_bytes, times]`` of a large argument that was passed by value
            more than once.
        totals: ``count``, ``memory_bytes``, ``store_used_bytes``, ``store_capacity_bytes`` of the objects.
        gone_tasks: numbers of rows that have left the list, for readers.
        unlisted: where ended tasks without a listed row go; None while nobody keeps them.
        began_early: when the first task of ``(cell, line, group)`` was submitted, of those whose rows have left the list.
        ended_late: per group, when the task without a listed row ended whose end was told last; 0 if there is none.
    """

    def __init__(self, session: str, tasks_listed_max: int = 10_000) -> None:
        self.session = session
        self.tasks_listed_max = tasks_listed_max
        self.tasks_total = 0
        self.names = Names()
        self.cells = Names(("", ""))
        self.workers = Names()
        self.counts: list[list[int]] = []
        self.foreign_counts: list[list[int]] = []
        self.tasks: list[TaskRow] = []
        self.numbers_given = 0
        self.shown: dict[int, int] = {}
        self._turnover = Turnover()
        self._numbers: dict[bytes, int] = {}
        self.objects: dict[str, list[Any]] = {}
        self.actors: dict[str, dict[str, Any]] = {}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.totals: dict[str, int] = {
            "count": 0,
            "memory_bytes": 0,
            "store_used_bytes": 0,
            "store_capacity_bytes": 0,
        }
        self.tempo: dict[str, Any] = {}
        self.repeated: dict[tuple[str, str, int, str], list[int]] = {}
        self.spans: deque[tuple[int, Any]] = deque(maxlen=SPANS_KEPT)
        self.spans_total = 0
        self.attempts: deque[tuple[int, PastAttempt]] = deque(maxlen=ATTEMPTS_KEPT)
        self.attempts_total = 0
        self.readers = 0
        self.changed_tasks: deque[TaskRow] = deque()
        self.gone_tasks: deque[int] = deque()
        self.changed_objects: deque[str] = deque()
        self.changed_actors: deque[str] = deque()
        self.changed_nodes: deque[str] = deque()
        self.unlisted: deque[TaskRow] | None = None
        self.began_early: dict[tuple[int, int, int], float] = {}
        self.ended_late: list[float] = []

    def spans_noted(self, spans: Iterable[Any]) -> None:
        """Somebody has told what took time."""
        for span in spans:
            self.spans.append((self.spans_total, span))
            self.spans_total += 1

    def tried(self, row: TaskRow, now: float, reason: str, begun: bool = True) -> None:
        """An attempt has ended, and another one follows; nothing has happened if it had not ``begun``."""
        if not begun:
            return
        if row.started > 0:
            state = row.state if row.state in (TaskState.DONE, TaskState.FAILED) else TaskState.FAILED
            self.attempt_noted(PastAttempt(row, row.attempt, row.worker, row.started, now, state, reason))
        row.started = row.finished = 0.0
        row.worker, row.error = -1, ""
        row.attempt += 1

    def attempt_noted(self, attempt: PastAttempt) -> None:
        """Somebody has told of an attempt that another one follows."""
        self.attempts.append((self.attempts_total, attempt))
        self.attempts_total += 1

    def stop_noting(self) -> None:
        """Nobody reads any more: what was noted for readers is dropped, and nothing more is until somebody reads again."""
        self.readers = 0
        self.changed_tasks.clear()
        self.gone_tasks.clear()
        for queue in (self.changed_objects, self.changed_actors, self.changed_nodes):
            queue.clear()

    def producers(self, objects: Iterable[bytes]) -> tuple[int, ...]:
        """Numbers of the listed tasks that make ``objects``, without repetition."""
        numbers = self._numbers
        found = dict.fromkeys(numbers.get(identity[:TASK_ID_BYTES], -1) for identity in objects)
        found.pop(-1, None)
        return tuple(found)

    def parent(self, task: bytes) -> int:
        """Number of a listed task, or -1."""
        return self._numbers.get(task, -1)

    def row(self, number: int) -> TaskRow | None:
        """The listed row with that number; None if it has left the list, or none has it yet."""
        rows = self.tasks
        place = bisect_left(rows, number, key=_number)
        return rows[place] if place < len(rows) and rows[place].index == number else None

    def row_of(self, task: bytes) -> TaskRow | None:
        """The listed row of a task."""
        return self.row(self._numbers.get(task, -1))

    def rows_from(self, number: int) -> list[TaskRow]:
        """The listed rows with that number and later ones."""
        rows = self.tasks
        return rows[bisect_left(rows, number, key=_number) :]

    def group(self, name: str) -> int:
        """The number of a function's group."""
        number = self.names.number(name)
        if number == len(self.counts):
            self.counts.append([0] * TASK_STATES)
            self.foreign_counts.append([0] * TASK_STATES)
            self.ended_late.append(0.0)
        return number

    def task_submitted(self, row: TaskRow, now: float) -> None:
        """A task exists; its row is listed if there is room, or some can be made."""
        row.created = now
        self.counts[row.group][row.state] += 1
        if row.foreign:
            self.foreign_counts[row.group][row.state] += 1
        self.tasks_total += 1
        turnover = self._turnover
        if len(self.tasks) < self.tasks_listed_max or (
            (now >= turnover.shut_until or row.cell > turnover.cell) and self._make_room(row.cell, now)
        ):
            row.index = self.numbers_given
            self.numbers_given += 1
            self._numbers[row.task] = row.index
            self.tasks.append(row)

    def _make_room(self, cell: int, now: float) -> bool:
        """Let rows leave the list so that a task of a cell can have one; whether it can."""
        rows, rows_max = self.tasks, self.tasks_listed_max
        share = self._turnover.share(cell, now, rows, rows_max)
        if not share:
            return False
        going = leaving(rows, share, self._held_tasks, rows_max)
        self._turnover.spent(len(going), share, now)
        if not going:
            return False
        numbers = {row.index for row in going}
        for row in going:
            self._numbers.pop(row.task, None)
            self.began_early.setdefault((row.cell, row.line, row.group), row.created)
        # other threads read meanwhile: a row is kept elsewhere before it has left, and is told to have left when it has
        if self.unlisted is not None:
            self.unlisted.extend(going)
        self.tasks = [row for row in rows if row.index not in numbers]
        if self.readers:
            self.gone_tasks.extend(sorted(numbers))
        return True

    def _held_tasks(self) -> set[str]:
        """Ids in hex of the tasks whose results have a row."""
        return {key[: 2 * TASK_ID_BYTES] for key in self.objects}

    def task_changed(self, row: TaskRow, state: int) -> None:
        """A task is in another state; the caller has set the row's times and worker."""
        counts = self.counts[row.group]
        counts[row.state] -= 1
        counts[state] += 1
        if row.foreign:
            foreign = self.foreign_counts[row.group]
            foreign[row.state] -= 1
            foreign[state] += 1
        row.state = state
        if row.index >= 0:
            if self.readers:
                self.changed_tasks.append(row)
        elif state >= TaskState.DONE:
            self.ended_late[row.group] = row.finished
            if self.unlisted is not None:
                self.unlisted.append(row)

    def end(self, now: float) -> None:
        """The session is over: what had no outcome is cancelled, whoever owned it, and nothing lives any more. Idempotent;
        called when nobody else writes.
        """
        for row in self.tasks:
            if row.state < TaskState.DONE:
                row.finished, row.error = now, SESSION_ENDED
                self.task_changed(row, TaskState.CANCELLED)
        for counts in (*self.counts, *self.foreign_counts):  # those without a row
            counts[TaskState.CANCELLED] += sum(counts[: TaskState.DONE])
            counts[: TaskState.DONE] = [0] * TaskState.DONE
        for key, actor in list(self.actors.items()):
            if actor.get("state") != "dead":
                self.actor_changed(key, state="dead", current="", pending=0, cause=SESSION_ENDED)
        for key in list(self.nodes):
            self.node_changed(key, alive=False, available={}, workers=0, store_used_bytes=0)
        for key in list(self.objects):
            self.object_gone(key)
        self.totals.update(count=0, memory_bytes=0, store_used_bytes=0)

    def object_changed(
        self, key: str, size_bytes: int, state: str, producer: str, holders: int, cell: int, node: str
    ) -> None:
        """An object exists, or is in another state."""
        self.objects[key] = [size_bytes, state, producer, holders, cell, node]
        if self.readers:
            self.changed_objects.append(key)

    def object_moved(self, key: str, state: str) -> None:
        """Its value is in another place."""
        row = self.objects.get(key)
        if row is not None:
            row[1] = state
            if self.readers:
                self.changed_objects.append(key)

    def object_gone(self, key: str) -> None:
        """An object was freed."""
        if self.objects.pop(key, None) is not None and self.readers:
            self.changed_objects.append(key)

    def actor_changed(self, key: str, **fields: Any) -> None:
        """An actor exists, or some of its fields changed."""
        row = self.actors.setdefault(key, {"id": key})
        row.update(fields)
        if self.readers:
            self.changed_actors.append(key)

    def node_changed(self, key: str, **fields: Any) -> None:
        """A node exists, or some of its fields changed."""
        row = self.nodes.setdefault(key, {"id": key})
        row.update(fields)
        if self.readers:
            self.changed_nodes.append(key)


def _number(row: TaskRow) -> int:
    return row.index
