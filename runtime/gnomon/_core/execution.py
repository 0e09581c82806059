"""Execution: what has been pushed to this process and not been answered. The executor's side of tasks and
calls.

    pushed ----> queue ----> running ----> unanswered ----> TaskFinished
                   |
                   +----> TasksReturned     blocked in get; one task runs long; recalled
                   +----> TaskFinished(CANCELLED | REFUSED)

The executing threads take from the left of ``queue`` (``take``: one atomic step), this machine takes back
from its right, so a task is started or returned, never both. Only plain tasks are handed back; an actor's
calls stay. Each concurrency group of an actor has a queue of its own, with threads of its own. Outcomes are
handed over in batches; when the next task runs long, those that wait for company (``unanswered``) are asked
for (``AnswerEnded``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable

from gnomon._core.borrowing import BorrowMachine
from gnomon._core.effects import AnswerEnded, Effects, InterruptTask, WakeExecutor, WidenExecutor
from gnomon._core.events import TaskEnded
from gnomon._core.gate import Gate
from gnomon._messages.base import Block, BlockName
from gnomon._messages.objects import WriterSettled
from gnomon._messages.session import NOBODY
from gnomon._messages.tasks import (
    CANCELLED,
    REFUSED,
    CallPushed,
    TaskCancelled,
    TaskFinished,
    TaskPushed,
    TasksReturned,
)
from gnomon.ids import ActorID, LeaseID, ObjectID, TaskID, WorkerID, attempt_id


class ExecutionMachine:
    """Tasks and calls of this process.

    Attributes:
        queue: (submitter, message), oldest first.
        groups: the queues of an actor's concurrency groups; calls of none of them are in ``queue``.
        room: how many of each group run at a time.
        overlaps: an async actor's calls go on while others begin.
        gate: what stands between the queues and the executing threads; None while the job runs freely.
        running: by task, since when.
        unanswered: outcomes that executing threads have not handed over yet; filled and emptied by them.
        long_s: a task that runs longer gives the others back.
        done: tasks and calls that have ended here; ``done_before`` of them before this process became an actor.
        threads: of a threaded actor.
        is_async: this is an async actor: a call that is interrupted ends where it awaits something.
        widen_s: a call that runs longer makes another thread take the next.
        cancelled_max: cancelled tasks remembered; those that had ended already are never asked for.
        lease: the last by which this worker was lent; ``resources`` and ``gpus`` came with it.
        taken: items that the consumers of generators with back-pressure have taken (``production``).
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        borrowing: BorrowMachine,
        expect: Callable[[list[Block]], None] = lambda _blocks: None,
        long_s: float = 0.005,
        cancelled_max: int = 10_000,
    ) -> None:
        self._effects = effects
        self.borrowing = borrowing
        self._expect = expect
        self.long_s = long_s
        self.cancelled_max = cancelled_max
        self.queue: deque[tuple[WorkerID, TaskPushed | CallPushed]] = deque()
        self.groups: dict[str, deque[tuple[WorkerID, TaskPushed | CallPushed]]] = {}
        self.room: dict[str, int] = {"": 1}
        self.overlaps = False
        self.gate: Gate | None = None
        self.running: dict[TaskID, tuple[WorkerID, TaskPushed | CallPushed]] = {}
        self.unanswered: deque[TaskEnded] = deque()
        self.started_at = 0.0
        self.last_started: TaskID | None = None
        self.actor: ActorID | None = None
        self.watches = False
        self.resources: dict[str, int] = {}
        self.gpus: tuple[int | str, ...] = ()
        self.lease = LeaseID(0)
        self.done = 0
        self.done_before = 0
        self.threads = 1
        self.widen_s = 0.001
        self.incarnation = 0
        self.is_async = False
        self.closed = ""
        self.taken: dict[TaskID, int] = {}
        self._cancelled: dict[TaskID, bool] = {}
        self._holds: dict[TaskID, list[ObjectID]] = {}
        self._settling: dict[WorkerID, WorkerID] = {}
        self._withdrawn: dict[TaskID, tuple[WorkerID, TaskCancelled]] = {}
        self._woken = False
        self._woken_groups: dict[str, None] = {}

    def on_pushed(self, sender: WorkerID, message: TaskPushed | CallPushed) -> None:
        """Something to run."""
        if self.closed or (
            type(message) is CallPushed
            and (message.actor != self.actor or message.incarnation != self.incarnation)
        ):
            refused = (
                TasksReturned((message.task,), last=True)  # who was told of its last call has died
                if type(message) is TaskPushed
                else TaskFinished(message.task, message.attempt, REFUSED, ())
            )
            self._effects().send(sender, refused)
            return
        if message.values or type(message.arguments) is Block:
            self._expect(_blocks_of(message))
        if self.gate is not None:
            self.gate.arrived.append((sender, message))
        if self.groups and type(message) is CallPushed and message.group in self.groups:
            self.groups[message.group].append((sender, message))
            self._wake_group(message.group)
            return
        self.queue.append((sender, message))
        if not self._woken:
            self._woken = True
            self._effects().do(WakeExecutor())

    def open_groups(self, groups: dict[str, int]) -> None:
        """This process becomes an actor with these concurrency groups."""
        self.groups = {name: deque() for name in groups}

    def _queues(self) -> list[deque[tuple[WorkerID, TaskPushed | CallPushed]]]:
        return [self.queue, *self.groups.values()]

    def by_group(self) -> list[tuple[str, deque[tuple[WorkerID, TaskPushed | CallPushed]]]]:
        """All queues, with the names of their groups."""
        return [("", self.queue), *self.groups.items()]

    def _wake_group(self, group: str) -> None:
        if group not in self._woken_groups:
            self._woken_groups[group] = None
            self._effects().do(WakeExecutor(group))

    def batch_over(self) -> None:
        """At the end of each batch of events: what was cancelled leaves the queues, the next push wakes again."""
        if self._withdrawn:
            self._withdraw()
        self._woken = False
        if self._woken_groups:
            self._woken_groups.clear()

    def is_idle(self) -> bool:
        """Whether nothing is here to run, or runs."""
        return not (self.running or any(self._queues()))

    def take(self, now: float, group: str = "") -> tuple[WorkerID, TaskPushed | CallPushed] | None:
        """The next one to run; called by executing threads."""
        queue = self.groups[group] if group else self.queue
        gate = self.gate
        if gate is not None:
            admitted = gate.take(queue, group)
            if admitted is None:
                return None
            taken = admitted
        else:
            try:
                taken = queue.popleft()
            except IndexError:
                return None
        message = taken[1]
        task = message.task
        self.started_at = now
        self.last_started = attempt_id(task, message.attempt) if message.attempt else task
        self.running[task] = taken
        return taken

    def take_unanswered(self) -> list[TaskEnded]:
        """What has ended and not been handed over; called by executing threads and on ``AnswerEnded``."""
        taken: list[TaskEnded] = []
        while True:
            try:
                taken.append(self.unanswered.popleft())
            except IndexError:
                return taken

    def ended(self, event: TaskEnded) -> None:
        """An executing thread is done with one: answer."""
        self.done += 1
        sender, message = self.running.pop(event.task)
        borrows = self.borrowing.borrows_of(event.task)
        if event.contained:
            self.borrowing.hold_results(attempt_id(event.task, message.attempt), sender, event.contained)
            event.keep = None  # an error's frames may lead back to its event, which no collector looks into
        if self._cancelled:
            self._cancelled.pop(event.task, None)
        self._let_go(event.task)
        if sender in self._settling:
            self._settle(sender)
        self._effects().send(
            sender,
            TaskFinished(
                event.task,
                message.attempt,
                event.outcome,
                event.values,
                event.started,
                event.finished,
                event.retriable,
                borrows,
                event.contained,
                event.summary,
                event.last,
                event.items,
            ),
        )
        if event.last and self.actor is None:
            self.closed = "its calls are used up"
            self.give_back(len(self.queue))

    def facts(self) -> tuple[int, int, str]:
        """Calls ended, calls here, and the method that runs: for the views."""
        try:
            current = next(
                (pushed.method for _, pushed in self.running.values() if type(pushed) is CallPushed), ""
            )
        except RuntimeError:  # an executing thread has begun or ended one this instant
            current = ""
        return self.done - self.done_before, sum(map(len, self._queues())) + len(self.running), current

    def give_back(self, count: int) -> None:
        """Return up to ``count`` unstarted tasks, newest first, to whoever submitted them."""
        if self.actor is not None:
            return
        returned: dict[WorkerID, list[TaskID]] = {}
        while count > 0:
            try:
                sender, message = self.queue.pop()
            except IndexError:
                break
            self._let_go(message.task)
            returned.setdefault(sender, []).append(message.task)
            count -= 1
        for sender, tasks in returned.items():
            self._effects().send(sender, TasksReturned(tuple(reversed(tasks))))

    def on_cancelled(self, sender: WorkerID, message: TaskCancelled) -> None:
        """Cancel: unstarted ones never start, running ones are interrupted."""
        # An executing thread may take it this instant: it asks ``is_cancelled`` before the user's code runs.
        self.note_cancelled(message.task, message.recursive)
        running = self.running.get(message.task)
        if running is None:
            self._withdrawn[message.task] = (sender, message)
        elif running[1].attempt == message.attempt:
            self._effects().do(InterruptTask(message.task, message.force, message.recursive))

    def note_cancelled(self, task: TaskID, recursive: bool) -> None:
        """From now on ``is_cancelled``."""
        self._cancelled[task] = recursive
        if len(self._cancelled) > self.cancelled_max:
            del self._cancelled[next(iter(self._cancelled))]

    def _withdraw(self) -> None:
        """Answer for the cancelled ones that have not been taken: all of a batch in one pass over the queues."""
        wanted, self._withdrawn = self._withdrawn, {}
        for group, queue in self.by_group():
            if not queue:
                continue
            kept = []
            while queue:
                try:
                    pair = queue.pop()  # from the right: an executing thread takes from the left
                except IndexError:
                    break
                cancelled = wanted.pop(pair[1].task, None)
                if cancelled is None or cancelled[1].attempt != pair[1].attempt:
                    kept.append(pair)
                else:
                    self._cancelled.pop(pair[1].task, None)
                    self._let_go(pair[1].task)
                    answer = TaskFinished(pair[1].task, pair[1].attempt, CANCELLED, ())
                    self._effects().send(cancelled[0], answer)
            queue.extend(reversed(kept))
            if kept:
                self._effects().do(WakeExecutor(group))
        for task, (_, message) in wanted.items():  # taken meanwhile, or ended, or of another attempt
            running = self.running.get(task)
            if running is not None and running[1].attempt == message.attempt:
                self._effects().do(InterruptTask(task, message.force, message.recursive))

    def is_cancelled(self, task: TaskID) -> bool:
        """Whether a task's owner has cancelled it; called by executing threads."""
        return task in self._cancelled

    def take_recursive(self, task: TaskID) -> bool:
        """Whether what a cancelled task has submitted is to be cancelled too; True once. Called by executing
        threads.
        """
        recursive = self._cancelled.get(task, False)
        if recursive:
            self._cancelled[task] = False
        return recursive

    def on_time(self, now: float) -> None:
        """While something runs, after each batch of events: when it has run for long, answer for those before it and hand
        back those behind it.
        """
        if (self.queue or self.unanswered) and self.running and now - self.started_at >= self.long_s:
            if self.unanswered:
                self._effects().do(AnswerEnded())
            self.give_back(len(self.queue))
        if self._has_idle_threads() and now - self.started_at >= self.widen_s:
            self._effects().do(WidenExecutor())

    def _has_idle_threads(self) -> bool:
        """Whether calls wait in the queue of a threaded actor although it may run more at a time."""
        return bool(self.queue) and 0 < len(self.running) < self.threads and self.gate is None

    def next_wakeup(self) -> float | None:
        """When the running task will have run for long."""
        if self.running and (self.unanswered or (self.queue and self.actor is None)):
            return self.started_at + self.long_s
        if self._has_idle_threads():
            return self.started_at + self.widen_s
        return None

    def close(self, reason: str) -> None:
        """Refuse whatever comes from now on, and what is queued."""
        self.closed = reason
        for queue in self._queues():
            while queue:
                try:
                    sender, message = queue.popleft()
                except IndexError:
                    break  # an executing thread was faster
                self._let_go(message.task)
                self._effects().send(sender, TaskFinished(message.task, message.attempt, REFUSED, ()))

    def on_process_lost(self, process: WorkerID, node: WorkerID = NOBODY) -> None:
        """A submitter is dead: nobody wants the answers to what it has queued here.

        The node is told that nothing is written for it any more, now or when its running tasks have ended. So is
        the dead one's ``node``, if that is another: nothing that it has written there will be taken any more.
        """
        for queue in self._queues():
            for pair in [pair for pair in list(queue) if pair[0] == process]:
                try:
                    queue.remove(pair)
                except ValueError:
                    continue  # an executing thread was faster
                self._let_go(pair[1].task)
        self._settling[process] = node
        self._settle(process)

    def _settle(self, process: WorkerID) -> None:
        if not any(sender == process for sender, _ in list(self.running.values())):
            home, here = self._settling.pop(process), self.borrowing.references.node
            self._effects().send(here, WriterSettled(process))
            if home not in (NOBODY, here):
                self._effects().send(home, WriterSettled(process))

    # -- views of doubtful blocks ---------------------------------------------------------------------------

    def learn_views(self, task: TaskID) -> None:
        """A running task views large arguments: remember where they lie, as long as their objects are held."""
        taken = self.running.get(task)
        if taken is not None:
            for block in _blocks_of(taken[1]):
                self.borrowing.references.learn(block)

    def hold_blocks(self, names: Collection[BlockName]) -> None:
        """The node asks who uses these: hold those that pushed tasks view, or will, until they have ended."""
        references = self.borrowing.references
        waiting = [pair for queue in self._queues() for pair in list(queue)]
        for _, message in [*waiting, *list(self.running.values())]:
            for block in _blocks_of(message):
                here = block.node == references.node and block.name in names
                if here and block.object not in self._holds.get(message.task, ()):
                    references.hold((block.object,))
                    references.learn(block)
                    self._holds.setdefault(message.task, []).append(block.object)

    def kept(self) -> Iterable[list[ObjectID]]:
        """What ``hold_blocks`` holds, for each task."""
        return self._holds.values()

    def _let_go(self, task: TaskID) -> None:
        if self.taken:
            self.taken.pop(task, None)
        held = self._holds.pop(task, None)
        if held:
            self.borrowing.references.release(held)


def _blocks_of(message: TaskPushed | CallPushed) -> list[Block]:
    return [value for value in (message.arguments, *message.values) if isinstance(value, Block)]
