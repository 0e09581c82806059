"""Incarnation: this process becomes an actor, says that it lives, and leaves.

ActorAssigned ----> the constructor runs ----> ActorBorn | ActorStillborn ----> calls ----> ActorLeaving
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gnomon._core.borrowing import BorrowMachine
from gnomon._core.calls import CallMachine
from gnomon._core.effects import BecomeActor, Effects
from gnomon._core.events import ActorConstructed, ActorEnding
from gnomon._core.execution import ExecutionMachine
from gnomon._messages.actors import ASYNC_CALLS, ActorAssigned, ActorBorn, ActorLeaving, ActorStillborn
from gnomon._messages.tempo import TempoSet
from gnomon.ids import WorkerID


class IncarnationMachine:
    """What this process tells the head of the actor that it is."""

    def __init__(
        self,
        head: WorkerID,
        effects: Callable[[], Effects],
        execution: ExecutionMachine,
        borrowing: BorrowMachine,
        calls: CallMachine,
    ) -> None:
        self.head = head
        self._effects = effects
        self.execution = execution
        self.borrowing = borrowing
        self.calls = calls
        self.on_tempo: Callable[[TempoSet], None] = lambda message: None
        self.birth: tuple[Any, frozenset[int]] | None = None

    def on_assigned(self, sender: WorkerID, message: ActorAssigned) -> None:
        """The head wants this process to be an actor."""
        spec = message.spec
        execution = self.execution
        for tempo in message.tempos:
            self.on_tempo(tempo)
        execution.actor = spec.actor
        execution.done_before = execution.done
        execution.closed = (
            ""  # used up it may be for a function whose owner died: the node knows nothing of it
        )
        execution.resources = spec.resources
        execution.gpus = message.gpus
        execution.incarnation = message.incarnation
        execution.is_async = spec.is_async
        execution.open_groups(spec.groups)
        execution.room = {"": spec.max_concurrency or (ASYNC_CALLS if spec.is_async else 1), **spec.groups}
        execution.overlaps = spec.is_async
        self.calls.serial = not spec.is_async and not spec.groups and spec.max_concurrency <= 1
        if execution.gate is None:
            self._effects().do(BecomeActor(message))
        else:
            execution.gate.constructor = message

    def on_constructed(self, event: ActorConstructed) -> None:
        """The constructor has returned, or raised."""
        execution = self.execution
        assert execution.actor is not None
        execution.watches = event.watches
        if execution.gate is not None:
            execution.gate.waits = True  # whoever was let through is over
        if event.error:
            execution.close("the constructor raised")
            message: Any = ActorStillborn(execution.actor, execution.incarnation, event.error, event.summary)
        else:
            message = ActorBorn(execution.actor, execution.incarnation)
        self.birth = (message, self.borrowing.open_receipts())
        self.run()

    def run(self) -> None:
        """Announce the birth once the owners of what the constructor has kept know of it: on this word its
        arguments go.
        """
        if self.birth is None:
            return
        message, receipts = self.birth
        if not receipts & self.borrowing.open_receipts():
            self.birth = None
            self._effects().send(self.head, message)

    def on_ending(self, event: ActorEnding) -> None:
        """It leaves of itself."""
        execution = self.execution
        assert execution.actor is not None
        execution.close(event.reason)
        self._effects().send(self.head, ActorLeaving(execution.actor, execution.incarnation, event.reason))
