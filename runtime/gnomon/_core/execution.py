"""Execution: what has been pushed to this process and not been answered. The executor's side of tasks and calls.

    pushed ----> queue ----> running ----> TaskFinished
                   |
                   +----> TasksReturned     blocked in get; one task runs long; recalled
                   +----> TaskFinished(CANCELLED | REFUSED)

The executing threads take from the left of ``queue`` (``take``: one atomic step), this machine takes back from its right,
so a task is started or returned, never both. Only plain tasks are handed back; an actor's calls stay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gnomon._core.borrowing import BorrowMachine
from gnomon._core.effects import Effects, InterruptTask, WakeExecutor
from gnomon._core.events import TaskEnded
from gnomon._messages.tasks import (
    CANCELLED,
    REFUSED,
    CallPushed,
    TaskCancelled,
    TaskFinished,
    TaskPushed,
    TasksReturned,
)
from gnomon.ids import ActorID, TaskID, WorkerID


class ExecutionMachine:
    """Tasks and calls of this process.

    Attributes:
        queue: (submitter, message), oldest first.
        running: by task, since when.
        long_s: a task that runs longer gives the others back.
    """

    def __init__(
        self, effects: Callable[[], Effects], borrowing: BorrowMachine, long_s: float = 0.005
    ) -> None:
        self._effects = effects
        self.borrowing = borrowing
        self.long_s = long_s
        self.queue: deque[tuple[WorkerID, TaskPushed | CallPushed]] = deque()
        self.running: dict[TaskID, tuple[WorkerID, TaskPushed | CallPushed]] = {}
        self.started_at = 0.0
        self.last_started: TaskID | None = None
        self.actor: ActorID | None = None
        self.incarnation = 0
        self.closed = ""
        self._cancelled: dict[TaskID, None] = {}
        self._woken = False

    def on_pushed(self, sender: WorkerID, message: TaskPushed | CallPushed) -> None:
        """Something to run."""
        if self.closed or (
            type(message) is CallPushed
            and (message.actor != self.actor or message.incarnation != self.incarnation)
        ):
            self._effects().send(sender, TaskFinished(message.task, message.attempt, REFUSED, ()))
            return
        self.queue.append((sender, message))
        if not self._woken:
            self._woken = True
            self._effects().do(WakeExecutor())

    def batch_over(self) -> None:
        """At the end of each batch of events: the next push wakes the executor again."""
        self._woken = False

    def take(self, now: float) -> tuple[WorkerID, TaskPushed | CallPushed] | None:
        """The next one to run; called by executing threads."""
        try:
            taken = self.queue.popleft()
        except IndexError:
            return None
        task = taken[1].task
        self.started_at = now
        self.last_started = task
        self.running[task] = taken
        return taken

    def ended(self, event: TaskEnded) -> None:
        """An executing thread is done with one: answer."""
        sender, message = self.running.pop(event.task)
        borrows = self.borrowing.borrows_of(event.task)
        if event.contained:
            self.borrowing.hold_results(event.task, sender, event.contained)
        if self._cancelled:
            self._cancelled.pop(event.task, None)
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
            ),
        )

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
            returned.setdefault(sender, []).append(message.task)
            count -= 1
        for sender, tasks in returned.items():
            self._effects().send(sender, TasksReturned(tuple(reversed(tasks))))

    def on_cancelled(self, sender: WorkerID, message: TaskCancelled) -> None:
        """Cancel: unstarted ones never start, running ones are interrupted."""
        for index, (submitter, pushed) in enumerate(list(self.queue)):
            if pushed.task == message.task and pushed.attempt == message.attempt:
                try:
                    self.queue.remove((submitter, pushed))
                except ValueError:
                    break  # an executing thread was faster
                self._effects().send(sender, TaskFinished(message.task, message.attempt, CANCELLED, ()))
                return
            if index > 100_000:
                break
        running = self.running.get(message.task)
        if running is not None and running[1].attempt == message.attempt:
            self._cancelled[message.task] = None
            self._effects().do(InterruptTask(message.task, message.force, message.recursive))

    def is_cancelled(self, task: TaskID) -> bool:
        """Whether a running task's owner has cancelled it."""
        return task in self._cancelled

    def on_time(self, now: float) -> None:
        """One task has run for long: hand back the others."""
        if self.queue and self.running and self.actor is None and now - self.started_at >= self.long_s:
            self.give_back(len(self.queue))

    def next_wakeup(self) -> float | None:
        """When the running task will have run for long."""
        if self.queue and self.running and self.actor is None:
            return self.started_at + self.long_s
        return None

    def close(self, reason: str) -> None:
        """Refuse whatever comes from now on, and what is queued."""
        self.closed = reason
        while self.queue:
            sender, message = self.queue.popleft()
            self._effects().send(sender, TaskFinished(message.task, message.attempt, REFUSED, ()))

    def on_process_lost(self, process: WorkerID) -> None:
        """A submitter is dead: nobody wants the answers to what it has queued here."""
        kept = [pair for pair in self.queue if pair[0] != process]
        if len(kept) != len(self.queue):
            self.queue.clear()
            self.queue.extend(kept)
