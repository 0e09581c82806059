"""Actor calls as their caller sees them. One machine per process.

    QUEUED ----> PUSHED ----> finished
       ^            |
       +------------+  the incarnation died and the call has retries left: to its old place

Calls of one lane (a submitting task, a group) start in submission order, through restarts and retries; which
may be pushed is ``CallQueue``'s matter, to whom and until when ``ClientMachine``'s.

The rule for a changer: a call is in its client's ``queue`` or ``inflight``, and leaves by ``_finish``, once.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.actor_client import ActorClient, GroupShown
from gnomon._core.borrowing import BorrowMachine
from gnomon._core.call_queue import CallRecord
from gnomon._core.clients import ClientMachine
from gnomon._core.effects import Effects
from gnomon._core.entry import Recipe
from gnomon._core.events import CallSubmitted
from gnomon._core.failed_arguments import keep_cause
from gnomon._core.last_reads import LastReads
from gnomon._core.ledger import Ledger, TaskState
from gnomon._core.lineage import LineageMachine
from gnomon._core.references import ReferenceMachine
from gnomon._core.streams import Stream, StreamMachine
from gnomon._core.tasks import drop_results, open_row, settle_results
from gnomon._messages.actors import DEAD, ActorChanged
from gnomon._messages.base import Block, Value
from gnomon._messages.failures import failure, is_failure
from gnomon._messages.tasks import (
    CANCELLED,
    OK,
    RAISED,
    REFUSED,
    CallPushed,
    ItemsTaken,
    ItemYielded,
    TaskCancelled,
    TaskFinished,
)
from gnomon.ids import ActorID, ObjectID, TaskID, WorkerID, attempt_id, handle_object, object_id


class CallMachine:
    """The calls that this process has submitted and that have not finished.

    Attributes:
        clients: the actors that it calls.
        last_reads: what is kept for those of them that are being killed.
        gated: calls that are pushed wait at a gate (``gate``), and their actor says when they begin.
        serial: this process is an actor that runs one call at a time: all that it submits is one lane.
    """

    def __init__(
        self,
        head: WorkerID,
        effects: Callable[[], Effects],
        ledger: Ledger,
        references: ReferenceMachine,
        borrowing: BorrowMachine,
        streams: StreamMachine,
        lineage: LineageMachine,
    ) -> None:
        self._effects = effects
        self.ledger = ledger
        self.references = references
        self.borrowing = borrowing
        self.streams = streams
        self.lineage = lineage
        self.clients = ClientMachine(head, effects, ledger, references, self._lose_inflight)
        self.last_reads = LastReads(references)
        self.gated = self.serial = False
        self.records: dict[TaskID, tuple[ActorClient, CallRecord]] = {}
        self._waiting_on: dict[ObjectID, dict[TaskID, None]] = {}
        self._number = 0

    def submit(self, event: CallSubmitted, now: float) -> None:
        """A new call: last in the queue."""
        client = self.clients.client(event.actor, event.group.rsplit(".", 1)[0])
        self._number += 1
        row = open_row(self.ledger, event, now, event.name)  # type: ignore[arg-type]
        lane = (None if self.serial else event.parent, event.concurrency_group)
        record = CallRecord(event, row, self._number, lane)
        references = self.references
        for index in range(1, event.num_returns + 1):
            references.expect(object_id(event.task, index), event.group, record.row.cell)
        if event.num_returns < 0:
            record.stream = self.streams.open(event, record.row.cell)
        handle = handle_object(event.actor)
        holds = event.dependencies + event.contained
        if handle in references.entries:
            holds += (handle,)
            client.unheld = False
        else:
            client.unheld = True
        record.holds = holds
        references.hold(holds)
        self._add(client, record)

    def _add(self, client: ActorClient, record: CallRecord) -> None:
        event = record.event
        self.records[event.task] = (client, record)
        client.unfinished += 1
        if event.dependencies:
            self._await_missing(record)
        client.queue.add(record)
        self.clients.dirty[event.actor] = None

    def _await_missing(self, record: CallRecord) -> None:
        values = self.references.values
        missing = {identity for identity in record.event.dependencies if identity not in values}
        if missing:
            record.missing = missing
            for identity in sorted(missing):
                self._waiting_on.setdefault(identity, {})[record.event.task] = None
                self.references.need(identity)

    def replay(self, recipe: Recipe, stream: Stream | None, now: float) -> None:
        """A finished call runs again, for those of its results that are lost; before all that are queued."""
        event, row = recipe.event, recipe.row
        assert isinstance(event, CallSubmitted)
        client = self.clients.client(event.actor, event.group.rsplit(".", 1)[0])
        record = CallRecord(event, row, 0, (event.task, ""))
        record.attempt, record.stream, record.replay = recipe.attempt, stream, recipe
        self.ledger.tried(row, row.finished, "")
        self.ledger.task_changed(row, TaskState.WAITING)
        client.unheld = handle_object(event.actor) not in self.references.entries
        record.holds = self.lineage.hold_again(event)
        self._add(client, record)

    def is_unfinished(self, task: TaskID) -> bool:
        """Whether a call has not ended, or runs again."""
        return task in self.records

    def on_ready(self, identity: ObjectID) -> None:
        """A dependency has its value."""
        for task in self._waiting_on.pop(identity, ()):
            client, record = self.records[task]
            if record.missing:
                record.missing.discard(identity)
                if not record.missing:
                    client.queue.arguments_there(record)
                    self.clients.dirty[client.actor] = None

    # -- pushing --------------------------------------------------------------------------------------------------

    def run(self, now: float) -> None:
        """At the end of each batch of events: push what can be pushed."""
        clients = self.clients
        if clients.ending:
            clients.settle_late(now)
        while clients.dirty:
            dirty, clients.dirty = clients.dirty, {}
            for actor in dirty:
                client = clients.clients.get(actor)
                if client is None:
                    continue  # forgotten meanwhile
                clients.stale[actor] = None
                if client.target is not None:
                    self._push(client, client.target, now)
                elif client.state == DEAD:
                    self._fail_all(client, now)
        if clients.stale:
            clients.fold(now)

    def next_wakeup(self) -> float | None:
        """When the clients want to be looked at."""
        return self.clients.next_wakeup()

    def _push(self, client: ActorClient, target: WorkerID, now: float) -> None:
        effects = self._effects()
        queue = client.queue
        while queue.ready:
            record = queue.take()
            if record is None:
                return
            event = record.event
            if event.dependencies:
                known = self.references.values
                if record.missing or any(identity not in known for identity in event.dependencies):
                    if self._wait_again(client, record):
                        return
                    continue
                values = tuple(known[identity] for identity in event.dependencies)
                bad = next((value for value in values if is_failure(value)), None)
                if bad is not None:
                    argument = event.dependencies[values.index(bad)]
                    keep_cause(self.references, record, argument)
                    self._finish(client, record, TaskState.FAILED, (bad,), now, "an argument failed")
                    continue
                record.values = values
            record.pushed = True
            client.inflight[event.task] = record
            effects.send(
                target,
                CallPushed(
                    event.task,
                    event.actor,
                    client.incarnation,
                    event.method,
                    event.arguments,
                    record.values,
                    event.num_returns,
                    record.attempt,
                    event.retry_exceptions,
                    event.concurrency_group,
                    event.provenance,
                    record.stream.produced if record.stream is not None else 0,
                    event.backpressure,
                    name=event.name,
                    retry_on=event.retry_on,
                ),
            )
            if record.stream is not None and record.stream.room:
                effects.send(target, ItemsTaken(event.task, record.attempt, record.stream.room))
            row = record.row
            row.worker = self.ledger.workers.number((target.hex(), client.pid, f"actor {client.class_name}"))
            self.ledger.task_changed(row, TaskState.READY)
            self._show_running(client, record, now)

    def _wait_again(self, client: ActorClient, record: CallRecord) -> bool:
        """An argument was lost while the call was queued, and is made again. Whether those behind it wait, too."""
        if not record.missing:
            self._await_missing(record)
        if record.replay is not None:
            client.queue.held[record] = None
            return False
        client.queue.ready.appendleft(record)
        return True

    def _show_running(self, client: ActorClient, record: CallRecord, now: float) -> None:
        """For the views: of an ordered actor's calls the oldest runs (or the oldest ``at_once`` of each group) and
        the others are in its mailbox.
        """
        event = record.event
        if event.at_once:
            if not client.groups.setdefault(event.concurrency_group, GroupShown()).enter(record):
                return
        elif event.in_order:
            if client.running is not None:
                return
            client.running = record
        self._show(record, now)

    def _show(self, record: CallRecord, now: float) -> None:
        if not self.gated:  # else the actor says when it begins
            record.row.started = now
            self.ledger.task_changed(record.row, TaskState.RUNNING)

    # -- answers --------------------------------------------------------------------------------------------------

    def on_finished(self, worker: WorkerID, message: TaskFinished, now: float) -> bool:
        """An actor says how a call ended. False when it is no call of ours."""
        found = self.records.get(message.task)
        if found is None:
            return False
        client, record = found
        if record.attempt != message.attempt or client.worker != worker or not record.pushed:
            drop_results(self.references, self.borrowing, worker, message)
            return True
        client.inflight.pop(message.task, None)
        if client.running is record:
            client.running = None
            oldest = next(iter(client.inflight.values()), None)
            if oldest is not None:
                self._show_running(client, oldest, message.finished)
        elif record.event.at_once:
            shown = client.groups.get(record.event.concurrency_group)
            following = shown.leave(record, client.inflight) if shown is not None else None
            if following is not None:
                self._show(following, message.finished)
        (self.clients.dirty if client.queue.ready else self.clients.stale)[client.actor] = None
        row = record.row
        row.started = message.started
        row.finished = message.finished
        outcome = message.outcome
        if outcome == OK:
            client.done += 1
            self._finish(client, record, TaskState.DONE, message.values, now, "", worker, message)
        elif outcome == REFUSED and not record.cancelled:
            client.refused = client.incarnation
            client.target = None
            self._put_back(client, (record,))
        elif outcome == RAISED and message.retriable and self._may_retry(record):
            drop_results(self.references, self.borrowing, worker, message)
            record.attempt += 1
            self.ledger.tried(row, message.finished, message.summary)
            self._put_back(client, (record,))
        elif outcome in (CANCELLED, REFUSED):
            values = message.values or (_cancelled(record),)
            self._finish(client, record, TaskState.CANCELLED, values, now, "cancelled", worker, message)
        else:
            self._finish(
                client, record, TaskState.FAILED, message.values, now, message.summary, worker, message
            )
        return True

    def on_item(self, worker: WorkerID, message: ItemYielded) -> bool:
        """An actor has made an item of a generator. False when it is no call of ours."""
        found = self.records.get(message.task)
        if found is None:
            return False
        client, record = found
        if (
            record.stream is None
            or message.attempt != record.attempt
            or client.worker != worker
            or not record.pushed
        ):
            self.streams.drop_item(worker, message)
        elif record.replay is not None:
            self.lineage.on_item(record, worker, message)
        else:
            self.streams.on_item(record.stream, worker, message)
        return True

    def tell_taken(self, task: TaskID, taken: int) -> bool:
        """The consumer of a generator has taken items. False when it is no call of ours."""
        found = self.records.get(task)
        if found is None:
            return False
        client, record = found
        if record.pushed and client.worker is not None:
            self._effects().send(client.worker, ItemsTaken(task, record.attempt, taken))
        return True

    def _may_retry(self, record: CallRecord) -> bool:
        limit = record.event.max_retries
        return not record.cancelled and (limit < 0 or record.attempt < limit)

    def _put_back(self, client: ActorClient, records: tuple[CallRecord, ...]) -> None:
        """To their old places: before all calls that were submitted later."""
        for record in records:
            record.pushed = False
            self.ledger.task_changed(record.row, TaskState.READY)
        client.queue.put_back(records)
        self.clients.dirty[client.actor] = None

    def _lose_inflight(self, client: ActorClient, message: ActorChanged, now: float) -> None:
        """The incarnation that had these calls is gone. Those behind the one it began last have not run."""
        lost, client.inflight, client.running = client.inflight, {}, None
        client.groups.clear()
        if client.worker is not None and not self.references.is_lost(client.worker):
            self.last_reads.keep(client.worker, lost.values())
        started = True
        back: list[CallRecord] = []
        for task, record in lost.items():
            last = attempt_id(task, record.attempt) == client.last_started
            self.borrowing.doubt(record.holds)
            if record.cancelled:
                value = _cancelled(record)
                self._finish(client, record, TaskState.CANCELLED, (value,), now, "cancelled")
            elif message.state == DEAD:
                value = client.died(started)
                self._finish(client, record, TaskState.FAILED, (value,), now, client.cause)
            elif self._may_retry(record) or (not started and record.event.max_retries):
                record.attempt += started
                self.ledger.tried(record.row, now, message.cause, started)
                back.append(record)
            else:
                value = client.unavailable(started)
                self._finish(client, record, TaskState.FAILED, (value,), now, message.cause)
            started = started and not last
        if back:
            self._put_back(client, tuple(back))

    def _fail_all(self, client: ActorClient, now: float) -> None:
        for record in client.queue.drain():
            self._finish(client, record, TaskState.FAILED, (client.died(False),), now, client.cause)

    # -- cancellation and the end ---------------------------------------------------------------------------------

    def cancel(self, task: TaskID, recursive: bool, now: float) -> tuple[int, int]:
        """Cancel one call; returns (cancelled, running) as 0 or 1 each."""
        found = self.records.get(task)
        if found is None or found[1].cancelled:
            return (0, 0)
        client, record = found
        record.cancelled = True
        if record.pushed and client.worker is not None:
            self._effects().send(client.worker, TaskCancelled(task, record.attempt, False, recursive))
            return (1, int(record.row.state == TaskState.RUNNING))  # or it is in the mailbox, or at a gate
        record.ended = True
        client.queue.withdraw(record)  # first: others in the queue may wait for its result
        self._finish(client, record, TaskState.CANCELLED, (_cancelled(record),), now, "cancelled")
        self.clients.dirty[client.actor] = None
        return (1, 0)

    def cancel_where(self, chosen: Callable[[CallSubmitted], bool], now: float) -> tuple[int, int]:
        """Cancel all unfinished calls that ``chosen`` picks."""
        cancelled = running = 0
        for task, (_, record) in list(self.records.items()):
            if chosen(record.event):
                one = self.cancel(task, True, now)
                cancelled += one[0]
                running += one[1]
        return cancelled, running

    def _finish(
        self,
        client: ActorClient,
        record: CallRecord,
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
        record.ended = True
        client.unfinished -= 1
        if client.unheld and not client.unfinished:
            self.clients.unused(client)
        if event.pending is not None:
            event.pending.ended += 1
        if record.missing:
            for identity in record.missing:
                waiting = self._waiting_on.get(identity, {})
                waiting.pop(event.task, None)
                if not waiting:
                    self._waiting_on.pop(identity, None)
        if summary:
            row.error = summary
        if not row.finished:
            row.finished = now
        self.ledger.task_changed(row, state)
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
            if message.borrows:
                self.borrowing.settle_arguments(worker, message.borrows, record.holds)
            elif record.holds:
                references.release(record.holds)
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
        """Every unfinished call is counted by its client."""
        self.clients.check()
        unfinished: dict[ActorID, int] = {}
        for client, _ in self.records.values():
            unfinished[client.actor] = unfinished.get(client.actor, 0) + 1
        for actor, client in self.clients.clients.items():
            assert client.unfinished == unfinished.pop(actor, 0)
        assert not unfinished, "calls to actors that are forgotten"
        assert all(task in self.records for waiting in self._waiting_on.values() for task in waiting)


def _cancelled(record: CallRecord) -> bytes:
    return failure("TaskCancelledError", task_id=record.event.task.hex(), function_name=record.event.group)
