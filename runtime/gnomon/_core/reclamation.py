"""Reclamation: when a block whose user may have died can be given to somebody else. The node's side;
``block_use`` is the side of those who are asked.

Who holds an object is its owner's to know, and usually the owner says when a block is free. Not after a death:
the owner itself has died, or a process that had lent the object on. A reference may then be in use, or under
way, that nobody has on record. Such blocks are *doubtful*, and everybody is asked, in rounds:

    node                          every process of the node
      | UseAsked                --> |   which of these do you use, or have used since I asked last?
      | <-- UseTold                 |
      | <-- BlocksUnused            |   at any time: one that was used no longer is

A block that nobody has used in two rounds one after the other is free: at the moment between them nobody had
it, and nothing that names it was under way, since whoever sends a reference holds it until it has arrived. What
the dead had sent is the exception: with the question comes who has died, and who answers hears nothing of
these any more. A death during a round spoils that round. (Quiescent-state based reclamation is the name of this
in operating systems.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gnomon._core.effects import Effects
from gnomon._messages.base import BlockName
from gnomon._messages.objects import UseAsked
from gnomon.ids import WorkerID

_QUIET_ROUNDS = 2


class ReclamationMachine:
    """All doubtful blocks of a node.

    Attributes:
        doubtful: rounds without a user, by name.
        writers: the process that may still be writing a block, whose owner is dead.
        deaths_max: deaths remembered; a link remembers as many.
    """

    def __init__(
        self, effects: Callable[[], Effects], release: Callable[[BlockName], None], deaths_max: int = 10_000
    ) -> None:
        self._effects = effects
        self._release = release
        self.deaths_max = deaths_max
        self.doubtful: dict[BlockName, int] = {}
        self.writers: dict[BlockName, WorkerID] = {}
        self._deaths: list[WorkerID] = []
        self._forgotten = 0
        self._told: dict[WorkerID, int] = {}
        self._round = 0
        self._asked: dict[WorkerID, None] = {}
        self._members: tuple[BlockName, ...] = ()
        self._used: dict[BlockName, None] = {}
        self._disturbed = False
        self._wanted = False

    def doubt(self, name: BlockName, writer: WorkerID | None = None) -> None:
        """Free this block when it is certain that nobody uses it, and that ``writer`` does not write it."""
        self.doubtful[name] = 0
        if writer is not None:
            self.writers[name] = writer
        self._wanted = True

    def hand_out(self, name: BlockName) -> None:
        """The node itself names this block to somebody: who has answered already, may be the one."""
        if name in self.doubtful:
            self.doubtful[name] = 0
            self._disturbed = self._wanted = True

    def settle(self, writer: WorkerID, owned: Callable[[BlockName], bool] = lambda _name: True) -> None:
        """``writer`` writes no block any more for which ``owned`` is true."""
        for name in [name for name, who in self.writers.items() if who == writer and owned(name)]:
            del self.writers[name]
            self._wanted = True

    def join(self, process: WorkerID) -> None:
        """A process begins: the deaths until now do not concern it."""
        self._told[process] = self._forgotten + len(self._deaths)

    def lose(self, process: WorkerID) -> None:
        """A process is dead."""
        self._told.pop(process, None)
        self._deaths.append(process)
        if len(self._deaths) > self.deaths_max:
            excess = len(self._deaths) - self.deaths_max // 2
            del self._deaths[:excess]
            self._forgotten += excess
        self.settle(process)
        if self.doubtful:
            self._disturbed = self._wanted = True
            if self._asked.pop(process, self) is None and not self._asked:
                self._end_round()

    def on_told(self, process: WorkerID, number: int, used: Iterable[BlockName]) -> None:
        """An answer."""
        if number != self._round or process not in self._asked:
            return
        del self._asked[process]
        self._used.update(dict.fromkeys(used))
        if not self._asked:
            self._end_round()

    def on_unused(self) -> None:
        """Somebody has let go of something."""
        self._wanted = bool(self.doubtful)

    def _end_round(self) -> None:
        for name in self._members:
            if self._disturbed or name in self._used or name in self.writers:
                self.doubtful[name] = 0
                continue
            self.doubtful[name] += 1
            if self.doubtful[name] >= _QUIET_ROUNDS:
                del self.doubtful[name]
                self._release(name)
            else:
                self._wanted = True
        if not self.doubtful:
            self._wanted = True  # whoever was asked need not take notice any more

    def run(self, processes: Callable[[], Iterable[WorkerID]]) -> None:
        """At the end of each batch of events: begin a round if one is wanted and none is under way."""
        while self._wanted and not self._asked:
            self._wanted = self._disturbed = False
            self._round += 1
            self._members = tuple(self.doubtful)
            self._used = {}
            asked = dict.fromkeys(processes())
            for process in asked:
                self._ask(process)
            if self._members:
                self._asked = asked
                if not asked:
                    self._end_round()

    def _ask(self, process: WorkerID) -> None:
        known = self._told.get(process, 0)
        dead = tuple(self._deaths[max(0, known - self._forgotten) :])
        self._told[process] = self._forgotten + len(self._deaths)
        self._effects().send(process, UseAsked(self._round, self._members, dead))

    def check(self) -> None:
        """Who is asked is asked about something; what is written is in doubt."""
        assert not self._asked or self._members
        assert all(name in self.doubtful for name in self.writers), self.writers
