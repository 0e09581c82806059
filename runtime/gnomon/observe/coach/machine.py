"""The coach: looks at what a session has done, whenever it is asked to, and says each thing once.

    look(ledger) --new rows--> Sites --a line whose calls have all ended--> detectors --> hints, less those told

No clock, no thread and nothing on the path of a task: rows are read that are there in any case. The one rule for a changer:
a hint must be worth its reader's time, so a detector that is not sure is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gnomon._core.ledger import Ledger
from gnomon._engine.memory import MemoryRow
from gnomon.observe.coach.hints import Hint
from gnomon.observe.coach.loops import submits_at, waits_needlessly
from gnomon.observe.coach.nested import nested_gets
from gnomon.observe.coach.pins import pinned_outputs
from gnomon.observe.coach.repeated import large_argument
from gnomon.observe.coach.serial import get_in_a_loop
from gnomon.observe.coach.sites import Ran, Site, Sites
from gnomon.observe.coach.tiny import tiny_tasks
from gnomon.observe.state import ledger_of

HINTS_AT_ONCE_MAX = 3
"""Hints given at one look; more have to wait for the next."""

CALLS_KEPT_MAX = 20_000
"""Ended calls remembered so that those which they have submitted, or were submitted by, can be found."""

SourcesOf = Callable[[str], Iterable[str]]
"""The texts of the notebook in which a line can stand: of the cell with this id first, then of others."""


class Coach:
    """What has been seen of a session, and said.

    Attributes:
        told: all hints of this session, oldest first.

    Args:
        sources_of: finds the code of a site.
    """

    def __init__(self, sources_of: SourcesOf = lambda cell: ()) -> None:
        self.told: list[Hint] = []
        self._sources_of = sources_of
        self._ledger: Ledger | None = None
        self._start()

    def _start(self) -> None:
        self._sites = Sites()
        self._children: dict[int, list[Ran]] = {}
        self._kept = 0
        self._parents: list[Site] = []
        self._waiting: list[Hint] = []
        self._known: set[tuple[str, str]] = set()
        self.told = []

    def look(self, ledger: Ledger | None = None) -> list[Hint]:
        """What is worth saying now of a ledger, by default that of the current session (nothing without one). The first
        look at another session forgets the one before.
        """
        ledger = ledger_of(ledger)
        if ledger is None:
            return []
        if ledger is not self._ledger:
            self._ledger = ledger
            self._start()
        self._sites.read(ledger)
        cpus = float(sum(row.get("resources", {}).get("CPU", 0) for row in ledger.nodes.copy().values()))
        ended = self._sites.ended(ledger)
        for site in ended:
            self._notice(get_in_a_loop(site, cpus, self._is_needless) or tiny_tasks(site))
        if self._keep_children(ended):
            for hint in nested_gets(self._parents, self._children, cpus):
                self._notice(hint)
        for key, (size_bytes, times) in ledger.repeated.copy().items():
            self._notice(large_argument(key, size_bytes, times))
        return self._say()

    def pins(self, rows: Iterable[MemoryRow], capacity_bytes: int, newest: int) -> bool:
        """Whether rows that one process knows of may be worth a hint; arguments as those of ``pinned_outputs``."""
        found = pinned_outputs(rows, capacity_bytes, newest)
        return any((hint.kind, hint.cell) not in self._known for hint in found)

    def look_at_outputs(self, rows: Iterable[MemoryRow], capacity_bytes: int, newest: int) -> list[Hint]:
        """What is worth saying of outputs; arguments as those of ``pinned_outputs``."""
        for hint in pinned_outputs(rows, capacity_bytes, newest):
            self._notice(hint)
        return self._say()

    def _notice(self, hint: Hint | None) -> None:
        """Once for each kind and cell."""
        if hint is not None and (hint.kind, hint.cell) not in self._known:
            self._known.add((hint.kind, hint.cell))
            self._waiting.append(hint)

    def _say(self) -> list[Hint]:
        said, self._waiting = self._waiting[:HINTS_AT_ONCE_MAX], self._waiting[HINTS_AT_ONCE_MAX:]
        self.told += said
        return said

    def _keep_children(self, ended: list[Site]) -> bool:
        """Remember who has submitted what; whether there is more of it than before. A task is often told of before those
        that it has submitted, so all are kept, until there are very many: then the coach begins anew.
        """
        if self._kept > CALLS_KEPT_MAX:
            self._children, self._parents, self._kept = {}, [], 0
        self._kept += sum(len(site.ran) for site in ended)
        self._parents += ended
        found = False
        for site in ended:
            for each in () if site.is_method else site.ran:
                if each.parent >= 0:
                    self._children.setdefault(each.parent, []).append(each)
                    found = True
        return found

    def _is_needless(self, site: Site) -> bool:
        """Whether the loop around a submission can be seen, and need not wait. The line may be that of a function which
        another cell has defined.
        """
        for source in self._sources_of(site.cell):
            if submits_at(source, site.line, site.name):
                return waits_needlessly(source, site.line, site.name)
        return False
