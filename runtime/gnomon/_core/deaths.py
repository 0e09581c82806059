"""Deaths: what a process does when another one has died. One machine per process.

    ProcessLost ----> dying ----> lost        at once, if no answer of it is awaited
                  its last answers are heard for ``Worker.settle_s`` more

The rule for a changer: a machine that keeps something for other processes is told in ``_lose``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gnomon._core.effects import DropPeer, Effects
from gnomon._messages.cluster import ProcessLost
from gnomon._messages.objects import UseAsked
from gnomon.ids import WorkerID

if TYPE_CHECKING:
    from gnomon._core.worker import Worker


class DeathMachine:
    """See the module.

    Attributes:
        dying: processes that died a moment ago and whose answers were still awaited, and how long they are heard.
    """

    def __init__(self, role: Worker, effects: Callable[[], Effects]) -> None:
        self._role = role
        self._effects = effects
        self.dying: dict[WorkerID, tuple[float, ProcessLost]] = {}
        self._use_asked: UseAsked | None = None

    def on_process_lost(self, message: ProcessLost) -> None:
        """The node or head tells of a death."""
        role, process = self._role, message.process
        if role.calls.clients.awaits(process) or role.tasks.dispatch.awaits(process):
            self.dying.setdefault(process, (role.now + role.settle_s, message))
        else:
            self._lose(message)

    def run(self, now: float) -> None:
        """In each batch of events while some are ``dying``."""
        for process, (due, message) in list(self.dying.items()):
            if now >= due:
                del self.dying[process]
                self._lose(message)
        if self._use_asked is not None and not self.dying:
            self._tell_use(self._use_asked)

    def _lose(self, message: ProcessLost) -> None:
        role, process = self._role, message.process
        role.links.forget(process)
        self._effects().do(DropPeer(process))
        role.tasks.on_worker_lost(message, role.now)
        role.tasks.dispatch.lose_node(process)
        role.copies.node_lost(process)
        role.references.on_process_lost(process, message.reason)
        role.calls.last_reads.on_process_lost(process)
        role.calls.clients.on_worker_lost(process, message.last_started, role.now)
        role.borrowing.on_process_lost(process)
        role.reporting.on_process_lost(process, message.reason)
        role.execution.on_process_lost(process, message.node)
        role.production.on_process_lost(process)
        role.pace.on_process_lost(process)

    # -- who asks what is in use, since somebody has died ---------------------------------------------------------

    def on_use_asked(self, message: UseAsked) -> None:
        """Answered when nothing of the dead is heard any more."""
        role = self._role
        for process in message.dead:
            if process not in self.dying and not role.references.is_lost(process):
                role.links.forget(process)
                role.references.lost[process] = ""  # on_process_lost follows if it is of any concern here
                role.calls.clients.note_death(process)
        if self.dying:
            self._use_asked = message
        else:
            self._tell_use(message)

    def _tell_use(self, message: UseAsked) -> None:
        self._use_asked = None
        self._role.execution.hold_blocks(frozenset(message.blocks))
        self._role.references.block_use.answer(message)
