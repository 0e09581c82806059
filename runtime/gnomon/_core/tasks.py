"""Tasks as their owner sees them. One machine per process.

                 dependency missing            leased worker has room
    submitted ----> WAITING ----> READY ------------------------> PUSHED ----> DONE
                       |            ^  ^                            |  |-----> FAILED
                       |            |  +---- returned unstarted ----+  |
                       |            +------- worker lost, retried -----+
                       +----> CANCELLED  (from every state but the last three)

    WAITING    for the values of its dependencies
    READY      queued for a leased worker (``DispatchMachine``), or put off for a while (``BackoffMachine``)
    PUSHED     sent to one; it may still come back unstarted

A task leaves by ``finish`` and only once: an attempt's late answer is dropped because its attempt number is
old.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.backoff import BackoffMachine
from gnomon._core.borrowing import BorrowMachine
from gnomon._core.dispatch import DispatchMachine
from gnomon._core.effects import Effects
from gnomon._core.entry import Recipe
from gnomon._core.events import TaskSubmitted
from gnomon._core.failed_arguments import keep_cause
from gnomon._core.failed_tasks import FailedTasks
from gnomon._core.ledger import Ledger, TaskRow, TaskState
from gnomon._core.lineage import LineageMachine
from gnomon._core.records import TaskRecord
from gnomon._core.references import ReferenceMachine
from gnomon._core.streams import Stream, StreamMachine
from gnomon._messages.base import Block, Value
from gnomon._messages.cluster import ProcessLost
from gnomon._messages.failures import MemoryShortage, failure, is_failure, out_of_memory
from gnomon._messages.tasks import (
    CANCELLED,
    OK,
    RAISED,
    REFUSED,
    ItemsTaken,
    ItemYielded,
    TaskCancelled,
    TaskFinished,
    TasksReturned,
)
from gnomon.ids import ObjectID, TaskID, WorkerID, attempt_id, object_id

_FIRST = (1).to_bytes(4, "big")
_FINAL = (TaskState.DONE, TaskState.FAILED, TaskState.CANCELLED)


class TaskMachine:
    """The tasks that this process owns and that have not finished.

    Attributes:
        grace_s: a cancelled task that has not ended after this long is deaf (it may sit in a C loop that
            keeps its whole process busy): the node is asked to kill its worker.
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        ledger: Ledger,
        references: ReferenceMachine,
        borrowing: BorrowMachine,
        dispatch: DispatchMachine,
        streams: StreamMachine,
        lineage: LineageMachine,
        grace_s: float = 1.0,
    ) -> None:
        self._effects = effects
        self.ledger = ledger
        self.references = references
        self.borrowing = borrowing
        self.dispatch = dispatch
        self.streams = streams
        self.lineage = lineage
        self.grace_s = grace_s
        self.force_grace_s = grace_s / 5
        self.records: dict[TaskID, TaskRecord] = {}
        self.backoff = BackoffMachine()
        self.failed = FailedTasks(references)
        self._deaf: dict[TaskID, tuple[WorkerID, float]] = {}
        self._waiting_on: dict[ObjectID, list[TaskRecord]] = {}

    def submit(self, event: TaskSubmitted, now: float) -> None:
        """A new task: wait for its dependencies or queue it."""
        references = self.references
        record = TaskRecord(event, open_row(self.ledger, event, now))
        if event.max_retries == 0:
            record.alone = True
        task = event.task
        if event.num_returns == 1:
            references.expect(ObjectID(task + _FIRST), event.group, record.row.cell)
        elif event.num_returns < 0:
            record.stream = self.streams.open(event, record.row.cell)
        else:
            for index in range(1, event.num_returns + 1):
                references.expect(object_id(task, index), event.group, record.row.cell)
        self.records[task] = record
        if event.dependencies or event.contained:
            record.holds = event.dependencies + event.contained
            references.hold(record.holds)
            if event.dependencies and not (self._has_all(record) and self._resolve(record, now)):
                return
        self._queue(record)

    def replay(self, recipe: Recipe, stream: Stream | None, now: float) -> None:
        """A finished task runs again, for those of its results that are lost."""
        event, row = recipe.event, recipe.row
        assert isinstance(event, TaskSubmitted)
        record = TaskRecord(event, row, recipe.attempt, stream=stream, replay=recipe)
        record.alone = recipe.attempt == event.max_retries
        self.ledger.tried(row, row.finished, "")
        self.ledger.task_changed(row, TaskState.WAITING)
        self.records[event.task] = record
        record.holds = self.lineage.hold_again(event)
        if self._has_all(record) and self._resolve(record, now):
            self._queue(record)

    def is_unfinished(self, task: TaskID) -> bool:
        """Whether a task has not ended, or runs again."""
        return task in self.records

    def _has_all(self, record: TaskRecord) -> bool:
        """Whether its dependencies have values; else it waits for them."""
        values = self.references.values
        record.missing = {identity for identity in record.event.dependencies if identity not in values}
        for identity in sorted(record.missing):
            self._waiting_on.setdefault(identity, []).append(record)
            self.references.need(identity)
        return not record.missing

    def on_ready(self, identity: ObjectID, now: float) -> None:
        """A dependency has its value."""
        for record in self._waiting_on.pop(identity, ()):
            if isinstance(record.missing, set):
                record.missing.discard(identity)
            if (
                not record.missing
                and record.row.state == TaskState.WAITING
                and self._has_all(record)  # one that was there may have been lost meanwhile
                and self._resolve(record, now)
            ):
                self._queue(record)

    def _resolve(self, record: TaskRecord, now: float) -> bool:
        """Fill in the values; an error among them is the task's own outcome."""
        event = record.event
        values = tuple(self.references.values[identity] for identity in event.dependencies)
        for identity, value in zip(event.dependencies, values, strict=True):
            if is_failure(value):
                keep_cause(self.references, record, identity)
                self._finish(record, TaskState.FAILED, (value,), now, "an argument failed")
                return False
        record.values = values
        return True

    def _queue(self, record: TaskRecord) -> None:
        self.ledger.task_changed(record.row, TaskState.READY)
        self.dispatch.queue(record)

    # -- answers of executors -------------------------------------------------------------------------------------

    def on_finished(self, worker: WorkerID, message: TaskFinished, now: float) -> None:
        """An executor says how an attempt ended."""
        if message.last:
            self.dispatch.spend(worker)
        record = self.records.get(message.task)
        if record is None or message.attempt != record.attempt or record.worker != worker:
            drop_results(self.references, self.borrowing, worker, message)
            return
        self.dispatch.done(record, worker, message.finished - message.started, now)
        row = record.row
        row.started = message.started
        row.finished = message.finished
        outcome = message.outcome
        if outcome == OK:
            self._finish(record, TaskState.DONE, message.values, now, "", worker, message)
        elif outcome == REFUSED and not record.cancelled:
            record.worker = None
            self._queue(record)
        elif (
            outcome == RAISED and message.retriable and self._retry(record, message.finished, message.summary)
        ):
            drop_results(self.references, self.borrowing, worker, message)
            self._queue(record)
        elif outcome in (CANCELLED, REFUSED):
            values = message.values or (self._cancelled_value(record),)
            self._finish(record, TaskState.CANCELLED, values, now, "cancelled", worker, message)
        else:
            self._finish(record, TaskState.FAILED, message.values, now, message.summary, worker, message)

    def on_item(self, worker: WorkerID, message: ItemYielded) -> bool:
        """An executor has made an item of a generator. False when it is no task of ours."""
        record = self.records.get(message.task)
        if record is None:
            return False
        if record.stream is None or message.attempt != record.attempt or record.worker != worker:
            self.streams.drop_item(worker, message)
        elif record.replay is not None:
            self.lineage.on_item(record, worker, message)
        else:
            self.streams.on_item(record.stream, worker, message)
        return True

    def tell_taken(self, task: TaskID, taken: int) -> bool:
        """The consumer of a generator has taken items. False when it is no task of ours."""
        record = self.records.get(task)
        if record is None:
            return False
        if record.worker is not None:
            self._effects().send(record.worker, ItemsTaken(task, record.attempt, taken))
        return True

    def on_returned(self, worker: WorkerID, message: TasksReturned, now: float) -> None:
        """Tasks come back unstarted: they go first in the queue, in their order."""
        if message.last:
            self.dispatch.spend(worker)
        back = []
        for task in message.tasks:
            record = self.records.get(task)
            if record is not None and record.worker == worker:
                self.dispatch.done(record, worker, None, now)
                record.worker = None
                if record.cancelled:  # the cancel did not find it there any more
                    self._finish(
                        record, TaskState.CANCELLED, (self._cancelled_value(record),), now, "cancelled"
                    )
                else:
                    back.append(record)
        for record in reversed(back):
            record.row.started = 0.0
            self.ledger.task_changed(record.row, TaskState.READY)
            self.dispatch.queue(record, first=True)

    def on_worker_lost(self, message: ProcessLost, now: float) -> None:
        """A leased worker died: what it had not started is queued again, the rest is retried or fails.

        What it was doing goes last in the queue: should it kill every worker it meets, others still get on.
        """
        reason = message.reason
        shortage = message.end.shortage if message.end is not None else None
        lost = self.dispatch.lose(message.process, message.last_started, message.with_node)
        suspect = next((record for record in reversed(lost) if record.started_elsewhere), None)
        for record in reversed(lost):
            started, record.started_elsewhere = record.started_elsewhere, False
            self.borrowing.doubt(record.holds)
            if record.cancelled:
                self._finish(record, TaskState.CANCELLED, (self._cancelled_value(record),), now, "cancelled")
            elif record.replay is not None and self.lineage.is_made(record):
                self._finish(record, TaskState.DONE, (b"",), now, "")
            elif not started or self._may_begin_again(record, shortage, now, reason):
                record.worker = None
                record.row.started = 0.0
                self.ledger.task_changed(record.row, TaskState.READY)
                if started and shortage is not None:
                    self.backoff.put_off(record.event.task, now)
                else:
                    self.dispatch.queue(record, first=record is not suspect)
            else:
                value = self._crashed(record, message)
                self._finish(record, TaskState.FAILED, (value,), now, reason)

    def _may_begin_again(
        self, record: TaskRecord, shortage: MemoryShortage | None, now: float, reason: str
    ) -> bool:
        worthwhile = shortage is None or self.backoff.may_retry(record, shortage)
        return worthwhile and self._retry(record, now, reason)

    def _crashed(self, record: TaskRecord, message: ProcessLost) -> bytes:
        name, attempts, end = record.event.group, record.attempt + 1, message.end
        if end is not None and end.shortage is not None:
            named = {message.process: name, **self.dispatch.running()}
            return out_of_memory(end, name, attempts, self.backoff.deaths.get(record.event.task, 0), named)
        facts = end.facts() if end is not None else {}
        return failure(
            "WorkerCrashedError", function_name=name, reason=message.reason, attempts=attempts, **facts
        )

    def on_infeasible(self, key: int, asked: dict[str, int], has: dict[str, int], now: float) -> None:
        """No node can ever run tasks of this class."""
        for record in self.dispatch.drop_class(key):
            value = failure("InfeasibleError", what=record.event.group, asked=asked, has=has)
            self._finish(record, TaskState.FAILED, (value,), now, "infeasible resources")

    def _retry(self, record: TaskRecord, ended: float, reason: str) -> bool:
        limit = record.event.max_retries
        if record.cancelled or (limit >= 0 and record.attempt >= limit):
            return False
        record.attempt += 1
        self.ledger.tried(record.row, ended, reason)
        if record.attempt == limit:
            record.alone = True
        record.worker = None
        return True

    # -- cancellation ---------------------------------------------------------------------------------------------

    def cancel(self, task: TaskID, force: bool, recursive: bool, now: float) -> tuple[int, int]:
        """Cancel one task; returns (cancelled, running) as 0 or 1 each."""
        record = self.records.get(task)
        if record is None or record.cancelled:
            return (0, 0)
        record.cancelled = True
        if record.worker is not None:
            self._deaf[task] = (record.worker, now + (self.force_grace_s if force else self.grace_s))
            message = TaskCancelled(task, record.attempt, force, recursive)
            self._effects().send(record.worker, message)
            return (1, int(self.dispatch.is_running(record)))
        if record.row.state == TaskState.READY and not self.backoff.withdraw(task):
            self.dispatch.remove(record)
        self._finish(record, TaskState.CANCELLED, (self._cancelled_value(record),), now, "cancelled")
        return (1, 0)

    def run(self, now: float) -> None:
        """At the end of each batch of events: cancelled tasks that do not listen lose their worker, and what was put
        off is tried again.
        """
        if self.backoff.waiting:
            for task in self.backoff.due(now):
                self.dispatch.queue(self.records[task])
        if not self._deaf:
            return
        for task, (worker, deadline) in list(self._deaf.items()):
            record = self.records.get(task)
            if record is None or record.worker != worker:
                del self._deaf[task]
            elif now >= deadline:
                del self._deaf[task]
                self.dispatch.kill(worker, attempt_id(task, record.attempt))

    def next_wakeup(self) -> float | None:
        """When a cancelled task will have had its time to end, or one that was put off is due."""
        if not self._deaf and not self.backoff.waiting:
            return None
        times = [deadline for _, deadline in self._deaf.values()]
        times += self.backoff.waiting.values()
        return min(times, default=None)

    def cancel_cell(self, cell: str, now: float) -> tuple[int, int]:
        """Cancel every unfinished task that a cell submitted."""
        cancelled = running = 0
        for task, record in list(self.records.items()):
            provenance = record.event.provenance
            if provenance is not None and provenance.cell == cell:
                one = self.cancel(task, False, True, now)
                cancelled += one[0]
                running += one[1]
        return cancelled, running

    def cancel_children(self, parent: TaskID, force: bool, now: float) -> None:
        """Cancel the tasks that a cancelled task had submitted here."""
        for task, record in list(self.records.items()):
            if record.event.parent == parent:
                self.cancel(task, force, True, now)

    def _cancelled_value(self, record: TaskRecord) -> bytes:
        return failure(
            "TaskCancelledError", task_id=record.event.task.hex(), function_name=record.event.group
        )

    # -- the end --------------------------------------------------------------------------------------------------

    def _finish(
        self,
        record: TaskRecord,
        state: TaskState,
        values: tuple[Value, ...],
        now: float,
        summary: str,
        worker: WorkerID | None = None,
        message: TaskFinished | None = None,
    ) -> None:
        """The one way out of this machine."""
        event = record.event
        row = record.row
        del self.records[event.task]
        if self.backoff.deaths:
            self.backoff.deaths.pop(event.task, None)
        for identity in record.missing:
            waiting = self._waiting_on.get(identity)
            if waiting is not None and record in waiting:
                waiting.remove(record)
        if summary:
            row.error = summary
        if not row.finished:
            row.finished = now
        self.ledger.task_changed(row, state)
        if state == TaskState.FAILED:
            self.failed.add(event, message is not None and record.stream is None)
        references = self.references
        lineage = self.lineage
        recipe = None
        if record.stream is not None or len(values) > 1 or (values and type(values[0]) is Block):
            recipe = lineage.keep(record, state, values)
        if message is not None and worker is not None:
            if message.contained:
                if record.replay is not None:
                    lineage.adopt_contained(worker, message)
                else:
                    self.streams.adopt_contained(record.stream, worker, message)
            self.borrowing.settle_arguments(worker, message.borrows, record.holds)
        else:
            references.release(record.holds)
        if record.replay is not None:
            lineage.settle(record, state, values)
        elif record.stream is not None:
            self.streams.finish(record.stream, values, message)
        else:
            settle_results(references, event.task, event.num_returns, state, values)
        if recipe is not None:
            lineage.settled(recipe)
        if lineage.again:
            lineage.go_on(event.task)

    def check(self) -> None:
        """Every record is in exactly one place; finished ones are gone."""
        for task, record in self.records.items():
            assert record.event.task == task
            assert record.row.state not in _FINAL, (task.hex(), record.row.state)
            if record.row.state == TaskState.WAITING:
                assert record.missing, f"{task.hex()} waits for nothing"
            if record.row.state == TaskState.RUNNING:
                assert record.worker is not None
        for task in self.backoff.waiting:
            assert self.records[task].row.state == TaskState.READY, task.hex()
            assert not self.dispatch.has(self.records[task]), f"{task.hex()} is put off and queued"
        assert all(task in self.records for task in self.backoff.deaths)
        self.dispatch.check()


def settle_results(
    references: ReferenceMachine, task: TaskID, num_returns: int, state: TaskState, values: tuple[Value, ...]
) -> None:
    """Give every result of a finished task its value: its own, or the error for all that have none."""
    if state == TaskState.DONE:
        if num_returns == 1:
            references.fulfil(ObjectID(task + _FIRST), values[0])
            return
        for index, value in enumerate(values):
            references.fulfil(object_id(task, index + 1), value)
    else:
        last = len(values) - 1
        for index in range(num_returns):
            references.fulfil(object_id(task, index + 1), values[min(index, last)])


def drop_results(
    references: ReferenceMachine, borrowing: BorrowMachine, worker: WorkerID, message: TaskFinished
) -> None:
    """An answer that nobody waits for: its blocks and holds are let go, and what its process keeps is recorded."""
    for index, value in enumerate(message.values):
        references.fulfil_nobody(object_id(message.task, index + 1), value)
    if message.contained:
        borrowing.adopt_contained(worker, attempt_id(message.task, message.attempt), ())
    if message.borrows:
        borrowing.settle_arguments(worker, message.borrows, ())


def open_row(ledger: Ledger, event: TaskSubmitted, now: float, name: str = "") -> TaskRow:
    """The row of a new task or call, WAITING."""
    provenance = event.provenance
    cell = line = 0
    if provenance is not None:
        cell = ledger.cells.number((provenance.cell, provenance.label))
        line = provenance.line
    deps: tuple[int, ...] = ()
    if event.dependencies:
        deps = ledger.producers(event.dependencies)
    parent = ledger.parent(event.parent) if event.parent is not None else -1
    group = ledger.group(name or event.group)
    row = TaskRow(event.task, group, deps, cell, line, parent, event.parent or b"")
    ledger.task_submitted(row, now)
    return row
