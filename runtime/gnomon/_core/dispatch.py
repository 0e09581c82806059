"""Dispatch: which ready task goes to which leased worker, and how many leases are wanted. The owner's side.

Tasks that ask for the same resources share a *scheduling class*: one queue, one set of leased workers. A
worker's pipeline is as deep as its tasks are short (``horizon_s`` of work, at most ``depth_max``): deep for
microseconds, one for long tasks. Before a function's duration is known one task is sent to each worker. Two
things keep a long task from delaying short ones: a worker hands back what it has not started when one task
takes long, and when the queue is empty and a worker idle, the most loaded one is asked for the newer half of
its tasks.

Answers travel in batches, so a worker that crashes takes with it what it had done a moment before; and whoever
is pushed together with a task that crashes is hit again with each of its retries. Hence a task without a retry
left, and one that a worker died of, is *alone* on a worker: pushed to an empty one, with nothing behind it. So a
crash can not fail anybody but the task that runs.

A lease that is idle is kept for ``linger_s``, so that a loop of single calls needs no node; the node may ask
for it earlier (``reclaim``). The rule for a changer: a task is in ``ready`` of its class, or in ``inflight``
of one worker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gnomon._core.effects import Effects
from gnomon._core.events import TaskSubmitted
from gnomon._core.ledger import Ledger, TaskState
from gnomon._core.records import TaskRecord
from gnomon._core.scheduling_class import Asked, LeasedWorker, SchedulingClass
from gnomon._messages.base import Block
from gnomon._messages.leases import LeaseBroken, LeaseElsewhere, LeaseGranted, LeaseReturned, LeasesWanted
from gnomon._messages.session import NO_JOB
from gnomon._messages.tasks import (
    FunctionsForgotten,
    FunctionShipped,
    ItemsTaken,
    LeaseBegun,
    TaskPushed,
    TasksRecalled,
)
from gnomon._messages.tempo import TempoSet
from gnomon.ids import JobID, LeaseID, TaskID, WorkerID, attempt_id

NEAR_BYTES_MIN = 1 << 20
"""Arguments that are smaller than this in all are brought to wherever a worker is free."""

_FIRST_NEAR = 1 << 32


class DispatchMachine:
    """All scheduling classes of an owner.

    Attributes:
        job: this process's.
        tempo: while this process's job is slowed down: what a worker must hear before it gets anything.
        is_lost: whether a process, a node's among them, is known to be dead.
    """

    def __init__(
        self,
        node: WorkerID,
        effects: Callable[[], Effects],
        ledger: Ledger,
        horizon_s: float = 0.01,
        depth_max: int = 500,
        linger_s: float = 0.1,
        slice_s: float = 0.1,
        wanted_max: int = 1024,
    ) -> None:
        self.node = node
        self.job: JobID = NO_JOB
        self.tempo: TempoSet | None = None
        self.is_lost: Callable[[WorkerID], bool] = lambda process: False
        self._nearby: dict[tuple[int, WorkerID], int] = {}
        self._effects = effects
        self.ledger = ledger
        self.horizon_s = horizon_s
        self.depth_max = depth_max
        self.linger_s = linger_s
        self.slice_s = slice_s
        self.wanted_max = wanted_max
        self.classes: dict[int, SchedulingClass] = {}
        self.leased: dict[WorkerID, LeasedWorker] = {}
        self._dirty: dict[int, None] = {}
        self._reclaims: dict[WorkerID, float] = {}
        self._wakeup = 0.0

    def queue(self, record: TaskRecord, first: bool = False) -> None:
        """A task is ready; it is pushed when ``run`` is called at the end of the batch of events."""
        event = record.event
        key = event.class_key
        if record.values and not event.spread:
            key = self._near(record)
        one = self.classes.get(key)
        if one is None:
            one = self.classes[key] = SchedulingClass(
                key, event.resources, self.node, event.spread, event.max_retries != 0
            )
        if first:
            one.ready.appendleft(record)
        else:
            one.ready.append(record)
        self._dirty[key] = None

    def _near(self, record: TaskRecord) -> int:
        """The class of a task with arguments: one of its own for each node where large ones lie, which is asked first."""
        bytes_at: dict[WorkerID, int] = {}
        for value in record.values:
            if type(value) is Block:
                node = WorkerID(value.node)
                bytes_at[node] = bytes_at.get(node, 0) + value.size
        key = record.event.class_key
        best = max(bytes_at, key=bytes_at.__getitem__, default=self.node)
        if best == self.node or bytes_at[best] < NEAR_BYTES_MIN or self.is_lost(best):
            record.near = -1
            return key
        place = (key, best)
        near = self._nearby.get(place)
        if near is None:
            near = self._nearby[place] = _FIRST_NEAR + len(self._nearby)
            event = record.event
            self.classes[near] = SchedulingClass(
                near, event.resources, best, retriable=event.max_retries != 0
            )
        record.near = near
        return near

    def remove(self, record: TaskRecord) -> None:
        """A queued task is cancelled."""
        key = record.event.class_key if record.near < 0 else record.near
        self.classes[key].ready.remove(record)

    def has(self, record: TaskRecord) -> bool:
        """Whether it is queued."""
        return any(record in one.ready for one in self.classes.values())

    def is_running(self, record: TaskRecord) -> bool:
        """Whether what was pushed runs, as far as is known here: the oldest of what its worker has, unless that waits at a
        gate.
        """
        leased = self.leased.get(record.worker) if record.worker is not None else None
        oldest = next(iter(leased.inflight.values()), None) if leased is not None else None
        return oldest is record and record.row.state == TaskState.RUNNING

    def running(self) -> dict[WorkerID, str]:
        """What each leased worker does, as far as is known here: the oldest of what it has."""
        return {
            worker: next(iter(leased.inflight.values())).event.group
            for worker, leased in self.leased.items()
            if leased.inflight
        }

    def done(self, record: TaskRecord, worker: WorkerID, duration_s: float | None, now: float) -> None:
        """A task has left a worker: finished after ``duration_s``, or unstarted (None)."""
        leased = self.leased.get(worker)
        if leased is None or leased.inflight.pop(record.event.task, None) is None:
            return
        one = self.classes[leased.key]
        if duration_s is not None:
            mean = one.mean_s
            one.mean_s = duration_s if mean is None else mean + (duration_s - mean) * 0.1
            leased.stuck = False
        else:
            leased.recalled = False
            leased.stuck = True
        if not leased.inflight:
            leased.idle_since = now
            leased.recalled = leased.stuck = False
        self._dirty[leased.key] = None

    def spend(self, worker: WorkerID) -> None:
        """A worker's calls are used up: it hands back what it has not started, and gets no more."""
        leased = self.leased.get(worker)
        if leased is not None:
            leased.draining = leased.spent = True
            self._dirty[leased.key] = None

    def grant(self, node: WorkerID, message: LeaseGranted, now: float) -> None:
        """A node has given a worker."""
        one = self.classes[message.key]
        asked = one.at(node)
        asked.seen += 1
        if asked.wanted:
            asked.wanted -= 1
            one.wanted -= 1
        number = self.ledger.workers.number((message.worker.hex(), message.pid, f"worker {message.pid}"))
        leased = LeasedWorker(node, message, number, now)
        one.workers[message.worker] = leased
        self.leased[message.worker] = leased
        if self.tempo is not None:
            self._effects().send(message.worker, self.tempo)
        self._effects().send(message.worker, LeaseBegun(one.resources, message.gpus, message.lease))
        self._dirty[message.key] = None

    def awaits(self, worker: WorkerID) -> bool:
        """Whether tasks are in flight there."""
        leased = self.leased.get(worker)
        return leased is not None and bool(leased.inflight)

    def on_elsewhere(self, node: WorkerID, message: LeaseElsewhere) -> None:
        """``node`` says that another one should be asked for some leases; both hear what is wanted of them now."""
        one = self.classes[message.key]
        asked, there = one.at(node), one.at(message.node)
        moved = min(message.count, asked.wanted)
        if moved and asked is not there:
            asked.wanted -= moved
            there.wanted += moved
            there.hops = message.hops
            self._tell(one, node, asked)
            self._tell(one, message.node, there)

    def lose_node(self, node: WorkerID) -> None:
        """A node is dead: what was asked of it is asked at home. Its workers' deaths are told one by one."""
        for one in self.classes.values():
            asked = one.asked.pop(node, None)
            if one.home == node:
                one.home = self.node
                one.at(self.node)
            if asked is not None:
                one.wanted -= asked.wanted
                self._dirty[one.key] = None

    def lose(
        self, worker: WorkerID, last_started: TaskID | None, with_node: bool = False
    ) -> list[TaskRecord]:
        """A leased worker is dead; returns the tasks it had, oldest first.

        A worker starts tasks in the order of their arrival, so those up to ``last_started`` (the attempt
        it began last) may have run and cost an attempt; those after it have not, and cost nothing. When its node
        has died too (``with_node``) nobody knows which that was, and each may have begun.
        """
        leased = self.leased.pop(worker, None)
        if leased is None:
            return []
        self._reclaims.pop(worker, None)
        self.classes[leased.key].workers.pop(worker, None)
        self._dirty[leased.key] = None
        lost = list(leased.inflight.values())
        if with_node:
            for record in lost:
                record.started_elsewhere = True
                record.row.started = record.row.started or lost[0].row.started
            return lost
        for place, record in enumerate(lost):
            if attempt_id(record.event.task, record.attempt) == last_started:
                for begun in lost[: place + 1]:
                    begun.started_elsewhere = True
                    # all that is known of it: not before the first one
                    begun.row.started = begun.row.started or lost[0].row.started
                record.alone = True
                break
        return lost

    def kill(self, worker: WorkerID, task: TaskID) -> None:
        """Have the node kill a leased worker if it still runs this attempt; ``lose`` follows, or its end."""
        leased = self.leased.get(worker)
        if leased is not None:
            leased.draining = True
            self._effects().send(leased.node, LeaseBroken(leased.lease, task))

    def drop_class(self, key: int) -> list[TaskRecord]:
        """The class is infeasible; returns its queued tasks."""
        one = self.classes.get(key)
        if one is None:
            return []
        dropped = list(one.ready)
        one.ready.clear()
        one.wanted = 0
        for asked in one.asked.values():
            asked.wanted = 0
        return dropped

    def reclaim(self, node: WorkerID, lease: LeaseID, now: float) -> None:
        """A node asks for a lease back: at once when idle, else when its time slice is over."""
        for leased in self.leased.values():
            if leased.lease == lease and leased.node == node:
                if not leased.inflight and not self.classes[leased.key].ready:
                    self._give_back(leased)
                elif not leased.draining:
                    self._reclaims[leased.worker] = max(now, leased.granted + self.slice_s)
                    self._wake_by(self._reclaims[leased.worker])
                return

    # -- at the end of each batch ---------------------------------------------------------------------------------

    def run(self, now: float) -> None:
        """Push what can be pushed, say how many leases are wanted, return what is idle."""
        if self._dirty:
            dirty, self._dirty = self._dirty, {}
            for key in dirty:
                self._run_class(self.classes[key], now)
        if self._wakeup and now >= self._wakeup:
            self._on_time(now)

    def _run_class(self, one: SchedulingClass, now: float) -> None:
        ready = one.ready
        if ready and one.workers:
            self._fill(one)
        idle = None
        for leased in list(one.workers.values()):
            if leased.inflight:
                self._show_oldest(leased, now)
            elif leased.draining:
                self._give_back(leased)
            else:
                idle = leased
                self._wake_by(leased.idle_since + self.linger_s)
        if idle is not None and not ready:
            self._balance(one)
        self._ask(one)

    def _fill(self, one: SchedulingClass) -> None:
        """Give each worker its share, the emptiest first."""
        ready = one.ready
        depth = one.depth(self.horizon_s, self.depth_max) if self.tempo is None else 1
        workers = [leased for leased in one.workers.values() if not (leased.draining or leased.stuck)]
        if not workers:
            return
        if depth == 1 or len(ready) <= len(workers):
            depth = min(depth, max(1, -(-len(ready) // len(workers))))
            workers.sort(key=lambda leased: len(leased.inflight))
        else:
            depth = min(depth, -(-(len(ready) + sum(len(w.inflight) for w in workers)) // len(workers)))
        for leased in workers:
            room = depth - len(leased.inflight)
            if room > 0 and (room >= depth // 2 or depth < 8):
                self._push(leased, ready, room)
                if not ready:
                    return

    def _push(self, leased: LeasedWorker, ready: deque[TaskRecord], room: int) -> None:
        effects = self._effects()
        worker = leased.worker
        inflight = leased.inflight
        shipped = leased.shipped.sizes
        gated = self.tempo is not None
        while room > 0 and ready:
            record = ready.popleft()
            event = record.event
            if record.alone:
                if inflight:
                    ready.appendleft(record)
                    return
                leased.stuck = True
                room = 1
            if event.function not in shipped:
                self._ship(leased, event)
            effects.send(
                worker,
                TaskPushed(
                    event.task,
                    event.function,
                    event.arguments,
                    record.values,
                    event.num_returns,
                    record.attempt,
                    event.retry_exceptions,
                    event.group,
                    event.provenance,
                    record.stream.produced if record.stream is not None else 0,
                    event.backpressure,
                    event.max_calls,
                ),
            )
            inflight[event.task] = record
            record.worker = worker
            record.row.worker = leased.number
            record.gated = gated
            if record.stream is not None and record.stream.room:
                effects.send(worker, ItemsTaken(event.task, record.attempt, record.stream.room))
            room -= 1

    def _show_oldest(self, leased: LeasedWorker, now: float) -> None:
        """For the views: of what a worker has the oldest runs, and the others wait there. At a gate the worker says when."""
        record = next(iter(leased.inflight.values()))
        row = record.row
        if row.state == TaskState.READY and not record.gated:
            row.started = now
            self.ledger.task_changed(row, TaskState.RUNNING)

    def let_through(self, now: float) -> None:
        """The gates are open: what was pushed to them runs, or waits for what is before it alone."""
        for leased in self.leased.values():
            for record in leased.inflight.values():
                record.gated = False
            if leased.inflight:
                self._show_oldest(leased, now)

    def _ship(self, leased: LeasedWorker, event: TaskSubmitted) -> None:
        in_use = (record.event.function for record in leased.inflight.values())
        gone = leased.shipped.add(event.function, len(event.payload), in_use)
        if gone:
            self._effects().send(leased.worker, FunctionsForgotten(gone))
        self._effects().send(leased.worker, FunctionShipped(event.function, event.payload))

    def _balance(self, one: SchedulingClass) -> None:
        """A worker is idle and nothing is queued: take from the fullest what it has not started."""
        fullest = max(one.workers.values(), key=lambda leased: len(leased.inflight))
        waiting = len(fullest.inflight) - 1
        if waiting >= 1 and not fullest.recalled and waiting * (one.mean_s or 1.0) > 0.001:
            fullest.recalled = True
            self._effects().send(fullest.worker, TasksRecalled((waiting + 1) // 2))

    def _ask(self, one: SchedulingClass) -> None:
        """Say how many leases are wanted, in powers of two so that only real changes are heard of.

        What is more is asked at home, what is less is taken back from whoever was asked, from home first.
        """
        backlog = len(one.ready)
        wanted = 0
        if backlog:
            wanted = min(self.wanted_max, backlog if one.spread else 1 << (backlog - 1).bit_length())
        if wanted == one.wanted or (0 < wanted < one.wanted and one.wanted < 4 * wanted):
            return
        change, one.wanted = wanted - one.wanted, wanted
        home = one.asked[one.home]
        if change > 0 or home.wanted + change >= 0:
            home.wanted += change
            home.hops = 0
            self._tell(one, one.home, home)
            return
        for node, asked in one.asked.items():
            less = min(asked.wanted, -change)
            if less:
                asked.wanted -= less
                change += less
                self._tell(one, node, asked)

    def _tell(self, one: SchedulingClass, node: WorkerID, asked: Asked) -> None:
        message = LeasesWanted(
            one.key,
            one.resources,
            asked.wanted,
            asked.seen,
            self.job,
            asked.hops,
            one.spread,
            one.retriable,
        )
        self._effects().send(node, message)

    def _give_back(self, leased: LeasedWorker) -> None:
        self.leased.pop(leased.worker, None)
        self._reclaims.pop(leased.worker, None)
        self.classes[leased.key].workers.pop(leased.worker, None)
        self._effects().send(leased.node, LeaseReturned(leased.lease, leased.spent))

    def _on_time(self, now: float) -> None:
        self._wakeup = 0.0
        for worker, due in list(self._reclaims.items()):
            leased = self.leased[worker]
            if now < due:
                self._wake_by(due)
            elif not leased.inflight:
                self._give_back(leased)
            else:
                del self._reclaims[worker]
                leased.draining = True
                if len(leased.inflight) > 1 or self.tempo is not None:  # what waits at the gate has not begun
                    self._effects().send(worker, TasksRecalled(len(leased.inflight)))
        for leased in list(self.leased.values()):
            if not leased.inflight:
                due = leased.idle_since + self.linger_s
                if now >= due:
                    self._give_back(leased)
                else:
                    self._wake_by(due)

    def _wake_by(self, time: float) -> None:
        if not self._wakeup or time < self._wakeup:
            self._wakeup = time

    def next_wakeup(self) -> float | None:
        """When an idle lease has lingered, or a reclaimed one's slice is over."""
        return self._wakeup or None

    def check(self) -> None:
        """Tasks are queued once or in flight once; a class's workers are the leased ones."""
        seen: dict[TaskID, str] = {}
        for one in self.classes.values():
            for record in one.ready:
                assert record.event.task not in seen, seen[record.event.task]
                seen[record.event.task] = "queued"
                assert record.row.state == TaskState.READY
            assert one.home in one.asked
            assert one.wanted == sum(asked.wanted for asked in one.asked.values()), one.key
            for worker, leased in one.workers.items():
                assert self.leased.get(worker) is leased
                for task, record in leased.inflight.items():
                    assert len(leased.inflight) == 1 or not record.alone, f"{task.hex()} is not alone"
                    assert task not in seen, seen[task]
                    seen[task] = "in flight"
                    assert record.worker == worker
