"""Production: generators that run in this process for others. The executor's side of a stream.

Items go out as they come; references inside one are held until its owner has recorded them. With
back-pressure the generator's thread asks ``has_room`` before it makes the next item, and WakeProducer tells
it to ask again. How many items the consumer has taken is kept from the push to the answer, in
``ExecutionMachine.taken``.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.borrowing import BorrowMachine
from gnomon._core.effects import Effects, InterruptTask, WakeProducer
from gnomon._core.events import ItemProduced
from gnomon._core.execution import ExecutionMachine
from gnomon._messages.base import Contained
from gnomon._messages.tasks import ItemsTaken, ItemYielded
from gnomon.ids import TaskID, WorkerID, attempt_id, object_id


class ProductionMachine:
    """The generators among what this process executes."""

    def __init__(
        self, effects: Callable[[], Effects], execution: ExecutionMachine, borrowing: BorrowMachine
    ) -> None:
        self._effects = effects
        self.execution = execution
        self.borrowing = borrowing

    def produced(self, event: ItemProduced) -> None:
        """A generator has made an item: send it to its owner."""
        owner, pushed = self.execution.running[event.task]
        if event.inner:
            contained = (Contained(object_id(event.task, event.index), event.inner),)
            attempt = attempt_id(event.task, pushed.attempt)
            self.borrowing.hold_results(attempt, owner, contained, event.index)
        self._effects().send(
            owner, ItemYielded(event.task, pushed.attempt, event.index, event.value, event.inner)
        )

    def on_taken(self, sender: WorkerID, message: ItemsTaken) -> None:
        """Its consumer has taken items; it may not have begun yet."""
        execution = self.execution
        task = message.task
        found = execution.running.get(task)
        if found is None:
            found = next((pair for pair in list(execution.queue) if pair[1].task == task), None)
            found = found or execution.running.get(task)  # an executing thread may have taken it this instant
        if found is not None and found[1].attempt == message.attempt:
            execution.taken[task] = max(message.taken, execution.taken.get(task, 0))
            self._effects().do(WakeProducer(task))

    def has_room(self, task: TaskID, made: int, backpressure: int) -> bool:
        """Whether a generator that has ``made`` so many items may go on; called by executing threads."""
        return not backpressure or made - self.execution.taken.get(task, 0) < backpressure

    def on_process_lost(self, process: WorkerID) -> None:
        """An owner is dead: its generators, which may be endless, make items for nobody. So does a call of an async
        actor wait for nobody; that of another runs to its end, for no place in it is safe to strike.
        """
        for task, (owner, pushed) in list(self.execution.running.items()):
            if owner == process and (pushed.num_returns < 0 or self.execution.is_async):
                self.execution.note_cancelled(task, True)
                self._effects().do(InterruptTask(task, False))
