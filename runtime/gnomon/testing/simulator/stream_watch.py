"""Stream watch: generators between executor and consumer, compared with what is promised.

each item once       an attempt goes on after those that its owner has          ``pushed``, ``item_said``
in order, all        whoever sees the end has seen every item, or an error      ``over``
back-pressure        an executor is not further ahead than it may               ``item_said``
early end            in fair weather nothing is made for who wants no more      ``item_said``
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gnomon._core import events as ev
from gnomon._messages.base import Block
from gnomon._messages.tasks import CallPushed, ItemYielded, TaskPushed
from gnomon.ids import HANDLE_INDEX, TASK_ID_BYTES, TaskID, owner_of
from gnomon.testing.simulator.losses import lose_while_made
from gnomon.testing.simulator.truth import TaskFacts, Truth

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost

_PATIENCE_S = 0.1
_HANDLE = HANDLE_INDEX.to_bytes(4, "big")


class StreamWatch:
    """The promises about generators of one simulation.

    Args:
        cancel: the owner hears that a generator is cancelled.
        fair: no faults: what takes long can not be explained by the weather.
    """

    def __init__(
        self,
        truth: Truth,
        now: Callable[[], float],
        cancel: Callable[[WorkerHost, TaskFacts], None],
        fair: bool,
    ) -> None:
        self.truth = truth
        self.now = now
        self.fair = fair
        self._cancel = cancel
        self._sent: dict[TaskID, tuple[int, int]] = {}

    # -- what owners hear ----------------------------------------------------------------------------------------

    def closed_heard(self, host: WorkerHost, event: ev.StreamClosed) -> None:
        """No more items are wanted."""
        self._close(host, self.truth.tasks[event.task])

    def dropped_heard(self, host: WorkerHost, event: ev.HandlesDropped) -> None:
        """Handles on generators may be among these."""
        for identity in event.objects:
            if identity.endswith(_HANDLE):
                facts = self.truth.tasks.get(TaskID(identity[:TASK_ID_BYTES]))
                if facts is not None:
                    self._close(host, facts)

    def _close(self, host: WorkerHost, facts: TaskFacts) -> None:
        if facts.closed_at is None:
            facts.closed_at = self.now()
            if not facts.completion:  # else somebody still waits for its end
                self._cancel(host, facts)

    def completion_heard(self, host: WorkerHost, event: ev.CompletionWanted) -> None:
        """Somebody wants to know when it ends."""
        self.truth.tasks[event.task].completion = True

    def item_heard(self, host: WorkerHost, message: ItemYielded) -> None:
        """An item reaches its owner, who keeps it if it is the next of the present attempt."""
        facts = self.truth.tasks[message.task]
        if owner_of(facts.task) == host.me and facts.closed_at is None and message.attempt == facts.attempt:
            facts.produced = max(facts.produced, message.index)
            if isinstance(message.value, Block):
                lose_while_made(host.session, message.value.object)

    # -- what is sent --------------------------------------------------------------------------------------------

    def pushed(self, facts: TaskFacts, message: TaskPushed | CallPushed) -> None:
        """An attempt is to go on after the items that are there."""
        if facts.closed_at is None and not facts.body.dynamic and not facts.replayed:
            name = facts.task.hex()
            assert message.skip == facts.produced, f"{name} skips {message.skip} of {facts.produced} items"
        self._sent[facts.task] = (message.attempt, message.skip)

    def item_said(self, message: ItemYielded) -> None:
        """An executor sends an item."""
        facts = self.truth.tasks[message.task]
        name = f"item {message.index} of {message.task.hex()}"
        attempt, last = self._sent[message.task]
        if attempt == message.attempt:
            assert message.index == last + 1, f"{name} is sent after item {last}"
            self._sent[message.task] = (attempt, message.index)
        ahead = message.index - facts.taken
        unlimited = not facts.backpressure or facts.closed_at is not None or facts.replayed
        assert unlimited or ahead <= facts.backpressure, f"{name} is made {ahead} ahead of its consumer"
        if self.fair and facts.closed_at is not None and not facts.completion:
            late = self.now() - facts.closed_at
            assert late < _PATIENCE_S, f"{name} is made {late:.3f} s after its consumer has closed"

    # -- what consumers see --------------------------------------------------------------------------------------

    def taken(self, facts: TaskFacts, index: int) -> None:
        """The consumer takes an item."""
        assert index == facts.taken + 1, f"item {index} of {facts.task.hex()} is taken after {facts.taken}"
        facts.taken = index

    def over(self, facts: TaskFacts, failed: bool) -> None:
        """The consumer sees the end; ``failed``: the last item was an error."""
        body, got = facts.body, facts.taken - failed
        fewer = failed or (body.shrinks and facts.attempt > 0)
        complete = got <= body.items if fewer else got == body.items
        assert complete, f"{facts.task.hex()} ends after {got} of {body.items} items"
