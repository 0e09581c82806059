"""Actor calls as their caller sees them. One machine per process; one client per actor it has a handle of.

    client   PENDING ----> ALIVE <----> RESTARTING ----> DEAD          (head's ActorChanged, by incarnation)

    call     QUEUED ----> PUSHED ----> finished
                ^            |
                +------------+  the incarnation died and the call has retries left: to its old place

Calls of one caller start in submission order, through restarts and retries: the queue is pushed from its
front only, a call that waits for an argument holds up those behind it (not of async actors, which may start
in any order), and a retried call goes back before all that were submitted later. The rule for a changer:
``queue`` is always sorted by ``number``.
"""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Callable

from gnomon._core.borrowing import BorrowMachine
from gnomon._core.effects import Effects
from gnomon._core.events import CallSubmitted
from gnomon._core.ledger import Ledger, TaskRow, TaskState
from gnomon._core.references import ReferenceMachine
from gnomon._core.streams import Stream, StreamMachine
from gnomon._core.tasks import drop_results, open_row, settle_results
from gnomon._messages.actors import ALIVE, DEAD, PENDING, ActorChanged, ActorKilled, ActorSubscribed
from gnomon._messages.base import Value
from gnomon._messages.failures import FAILURE_KIND, failure, is_failure
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
from gnomon.ids import ActorID, ObjectID, TaskID, WorkerID, handle_object, object_id


class CallRecord:
    """One unfinished call."""

    __slots__ = (
        "attempt",
        "cancelled",
        "event",
        "holds",
        "missing",
        "number",
        "pushed",
        "row",
        "stream",
        "values",
    )

    def __init__(self, event: CallSubmitted, row: TaskRow, number: int) -> None:
        self.event = event
        self.row = row
        self.number = number
        self.attempt = 0
        self.missing: set[ObjectID] | None = None
        self.values: tuple[Value, ...] = ()
        self.holds: tuple[ObjectID, ...] = ()
        self.pushed = False
        self.cancelled = False
        self.stream: Stream | None = None


class ActorClient:
    """One actor, from here.

    Attributes:
        refused: an incarnation that refuses calls; wait for the next.
    """

    __slots__ = ("actor", "cause", "class_name", "done", "error", "incarnation", "inflight", "pid", "queue",
                 "refused", "running", "state", "worker")  # fmt: skip

    def __init__(self, actor: ActorID, class_name: str) -> None:
        self.actor = actor
        self.class_name = class_name
        self.state = PENDING
        self.incarnation = -1
        self.worker: WorkerID | None = None
        self.pid = 0
        self.cause = ""
        self.error = b""
        self.refused = -1
        self.done = 0
        self.running: CallRecord | None = None
        self.queue: deque[CallRecord] = deque()
        self.inflight: dict[TaskID, CallRecord] = {}


class CallMachine:
    """All actors that this process calls."""

    def __init__(
        self,
        head: WorkerID,
        effects: Callable[[], Effects],
        ledger: Ledger,
        references: ReferenceMachine,
        borrowing: BorrowMachine,
        streams: StreamMachine,
        fold_period_s: float = 0.05,
    ) -> None:
        self.head = head
        self._effects = effects
        self.ledger = ledger
        self.references = references
        self.borrowing = borrowing
        self.streams = streams
        self.clients: dict[ActorID, ActorClient] = {}
        self.records: dict[TaskID, tuple[ActorClient, CallRecord]] = {}
        self._waiting_on: dict[ObjectID, list[tuple[ActorClient, CallRecord]]] = {}
        self.fold_period_s = fold_period_s
        self._dirty: dict[ActorID, None] = {}
        self._stale: dict[ActorID, None] = {}
        self._fold_at = 0.0
        self._number = 0

    def client(self, actor: ActorID, class_name: str = "", subscribe: bool = True) -> ActorClient:
        """What is known of an actor; asks head when nothing is."""
        known = self.clients.get(actor)
        if known is None:
            known = self.clients[actor] = ActorClient(actor, class_name)
            if subscribe:
                self._effects().send(self.head, ActorSubscribed(actor))
        return known

    def submit(self, event: CallSubmitted, now: float) -> None:
        """A new call: last in the queue."""
        client = self.client(event.actor, event.group.rsplit(".", 1)[0])
        self._number += 1
        row = open_row(self.ledger, event, now, event.name)  # type: ignore[arg-type]
        record = CallRecord(event, row, self._number)
        references = self.references
        for index in range(1, event.num_returns + 1):
            references.expect(object_id(event.task, index), event.group, record.row.cell)
        if event.num_returns < 0:
            record.stream = self.streams.open(event, record.row.cell)
        handle = handle_object(event.actor)
        holds = event.dependencies + event.contained
        if handle in references.entries:
            holds += (handle,)
        record.holds = holds
        references.hold(holds)
        self.records[event.task] = (client, record)
        if event.dependencies:
            values = references.values
            missing = {identity for identity in event.dependencies if identity not in values}
            if missing:
                record.missing = missing
                for identity in sorted(missing):
                    self._waiting_on.setdefault(identity, []).append((client, record))
                    references.need(identity)
        client.queue.append(record)
        self._dirty[event.actor] = None

    def on_ready(self, identity: ObjectID) -> None:
        """A dependency has its value."""
        for client, record in self._waiting_on.pop(identity, ()):
            if record.missing is not None:
                record.missing.discard(identity)
                self._dirty[client.actor] = None

    # -- pushing --------------------------------------------------------------------------------------------------

    def run(self, now: float) -> None:
        """At the end of each batch of events: push what can be pushed, fold counts into rows."""
        while self._dirty:
            dirty, self._dirty = self._dirty, {}
            for actor in dirty:
                client = self.clients[actor]
                if client.state == ALIVE and client.incarnation > client.refused:
                    self._push(client, now)
                elif client.state == DEAD:
                    self._fail_all(client, now)
                self._stale[actor] = None
        if self._stale and now >= self._fold_at:
            self._fold_at = now + self.fold_period_s
            stale, self._stale = self._stale, {}
            for actor in stale:
                self._fold(self.clients[actor])

    def next_wakeup(self) -> float | None:
        """When rows of actors are folded next, if any has changed."""
        return self._fold_at if self._stale else None

    def _push(self, client: ActorClient, now: float) -> None:
        queue = client.queue
        worker = client.worker
        assert worker is not None
        effects = self._effects()
        waiting: list[CallRecord] = []
        while queue:
            if queue[0].missing:
                if queue[0].event.in_order:
                    break
                waiting.append(queue.popleft())
                continue
            record = queue.popleft()
            event = record.event
            if event.dependencies:
                values = tuple(self.references.values[identity] for identity in event.dependencies)
                bad = next((value for value in values if is_failure(value)), None)
                if bad is not None:
                    self._finish(client, record, TaskState.FAILED, (bad,), now, "an argument failed")
                    continue
                record.values = values
            record.pushed = True
            client.inflight[event.task] = record
            effects.send(
                worker,
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
                ),
            )
            if record.stream is not None and record.stream.room:
                effects.send(worker, ItemsTaken(event.task, record.attempt, record.stream.room))
            row = record.row
            row.worker = self.ledger.workers.number((worker.hex(), client.pid, f"actor {client.class_name}"))
            self.ledger.task_changed(row, TaskState.READY)
            self._show_running(client, record, now)
        queue.extendleft(reversed(waiting))

    def _show_running(self, client: ActorClient, record: CallRecord, now: float) -> None:
        """For the views: of an ordered actor's calls the oldest runs and the others are in its mailbox."""
        if record.event.in_order and client.running is not None:
            return
        if record.event.in_order:
            client.running = record
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
            return True
        client.inflight.pop(message.task, None)
        if client.running is record:
            client.running = None
            oldest = next(iter(client.inflight.values()), None)
            if oldest is not None:
                self._show_running(client, oldest, message.finished)
        self._dirty[client.actor] = None
        row = record.row
        row.started = message.started
        row.finished = message.finished
        outcome = message.outcome
        if outcome == OK:
            client.done += 1
            self._finish(client, record, TaskState.DONE, message.values, now, "", worker, message)
        elif outcome == REFUSED and not record.cancelled:
            client.refused = client.incarnation
            self._requeue(client, record)
        elif outcome == RAISED and message.retriable and self._may_retry(record):
            drop_results(self.references, self.borrowing, worker, message)
            self.borrowing.settle_arguments(worker, message.borrows, ())
            record.attempt += 1
            self._requeue(client, record)
        elif outcome in (CANCELLED, REFUSED):
            values = message.values or (self._cancelled_value(record),)
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

    def _requeue(self, client: ActorClient, record: CallRecord) -> None:
        """Back to its old place: before all calls that were submitted later."""
        record.pushed = False
        self.ledger.task_changed(record.row, TaskState.READY)
        bisect.insort(client.queue, record, key=lambda each: each.number)
        self._dirty[client.actor] = None

    def on_actor_changed(self, message: ActorChanged, now: float) -> None:
        """Head tells of birth, restart or death."""
        client = self.client(message.actor, subscribe=False)
        if message.incarnation < client.incarnation or client.state == DEAD:
            return
        if message.incarnation > client.incarnation or message.state not in (ALIVE, PENDING):
            self._lose_inflight(client, message, now)
        client.state = message.state
        client.incarnation = message.incarnation
        client.pid = message.pid
        client.cause = message.cause
        client.error = message.error
        client.worker = message.worker if message.state == ALIVE else None
        self._dirty[client.actor] = None

    def _lose_inflight(self, client: ActorClient, message: ActorChanged, now: float) -> None:
        """The incarnation that had these calls is gone."""
        lost, client.inflight = list(client.inflight.values()), {}
        client.running = None
        for record in lost:
            if record.cancelled:
                value = self._cancelled_value(record)
                self._finish(client, record, TaskState.CANCELLED, (value,), now, "cancelled")
            elif message.state != DEAD and self._may_retry(record):
                record.attempt += 1
                self._requeue(client, record)
            elif message.state == DEAD:
                client.cause, client.error = message.cause, message.error
                self._finish(
                    client, record, TaskState.FAILED, (self._died(client, record),), now, message.cause
                )
            else:
                value = failure(
                    "ActorUnavailableError",
                    class_name=client.class_name,
                    actor_id=client.actor.hex(),
                    reason=message.cause,
                )
                self._finish(client, record, TaskState.FAILED, (value,), now, message.cause)

    def _fail_all(self, client: ActorClient, now: float) -> None:
        queued, client.queue = client.queue, deque()
        for record in queued:
            self._finish(client, record, TaskState.FAILED, (self._died(client, record),), now, client.cause)

    def _died(self, client: ActorClient, record: CallRecord) -> bytes:
        if client.error and client.error[0] == FAILURE_KIND:
            return client.error  # it never came to be, and that error of ours says why
        return failure(
            "ActorDiedError",
            class_name=client.class_name,
            actor_id=client.actor.hex(),
            reason=client.cause,
            creation_error=client.error,
        )

    def _cancelled_value(self, record: CallRecord) -> bytes:
        return failure(
            "TaskCancelledError", task_id=record.event.task.hex(), function_name=record.event.group
        )

    def on_process_lost(self, process: WorkerID) -> None:
        """A process is dead. If it was an actor, calls wait for what head says rather than be lost with it."""
        for client in self.clients.values():
            if client.worker == process:
                client.refused = client.incarnation

    def kill(self, actor: ActorID, no_restart: bool, now: float) -> None:
        """``kill``: head ends it; here it counts as ended at once, so that the next call does not reach it."""
        self._effects().send(self.head, ActorKilled(actor, no_restart))
        client = self.client(actor)
        if no_restart and client.state != DEAD:
            cause = "it was killed by gnomon.kill"
            self.on_actor_changed(
                ActorChanged(actor, DEAD, max(0, client.incarnation), WorkerID(b""), client.pid, cause), now
            )
        else:
            client.refused = max(client.refused, client.incarnation)

    # -- cancellation and the end ---------------------------------------------------------------------------------

    def cancel(self, task: TaskID, force: bool, recursive: bool, now: float) -> tuple[int, int]:
        """Cancel one call; returns (cancelled, running) as 0 or 1 each."""
        found = self.records.get(task)
        if found is None or found[1].cancelled:
            return (0, 0)
        client, record = found
        record.cancelled = True
        if record.pushed and client.worker is not None:
            self._effects().send(client.worker, TaskCancelled(task, record.attempt, False, recursive))
            return (1, 1)
        client.queue.remove(record)
        value = self._cancelled_value(record)
        self._finish(client, record, TaskState.CANCELLED, (value,), now, "cancelled")
        self._dirty[client.actor] = None
        return (1, 0)

    def cancel_where(self, chosen: Callable[[CallSubmitted], bool], now: float) -> tuple[int, int]:
        """Cancel all unfinished calls that ``chosen`` picks."""
        cancelled = running = 0
        for task, (_, record) in list(self.records.items()):
            if chosen(record.event):
                one = self.cancel(task, False, True, now)
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
        if record.missing:
            for identity in record.missing:
                waiting = self._waiting_on.get(identity)
                if waiting is not None and (client, record) in waiting:
                    waiting.remove((client, record))
        if summary:
            row.error = summary
        if not row.finished:
            row.finished = now
        self.ledger.task_changed(row, state)
        references = self.references
        if message is not None and worker is not None:
            if message.contained:
                self.borrowing.adopt_contained(worker, event.task, message.contained)
            if message.borrows:
                self.borrowing.settle_arguments(worker, message.borrows, record.holds)
            elif record.holds:
                references.release(record.holds)
        else:
            references.release(record.holds)
        if record.stream is not None:
            self.streams.finish(record.stream, values, message)
        else:
            settle_results(references, event.task, event.num_returns, state, values)

    def _fold(self, client: ActorClient) -> None:
        key = client.actor.hex()
        current = next((record.event.method for record in client.inflight.values()), "")
        # The actor itself knows of everybody's calls and may have told (``ActorReported``).
        told: int = self.ledger.actors.get(key, {}).get("done", 0)
        self.ledger.actor_changed(
            key,
            **{
                "class": client.class_name,
                "state": client.state,
                "pid": client.pid,
                "pending": len(client.queue) + len(client.inflight),
                "done": max(client.done, told),
                "current": current,
                "restarts": max(0, client.incarnation),
                "cause": client.cause,
            },
        )

    def check(self) -> None:
        """Queues are in order; pushed calls are in flight and nowhere else."""
        for client in self.clients.values():
            numbers = [record.number for record in client.queue]
            assert numbers == sorted(numbers), numbers
            assert all(not record.pushed for record in client.queue)
            assert all(record.pushed for record in client.inflight.values())
            assert client.state == ALIVE or not client.inflight
