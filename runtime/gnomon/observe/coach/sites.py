"""What the coach looks at: finished calls, put together by the line that has submitted them.

A *site* is one line of one cell and one function. Its rows are copied out of the ledger as plain facts, so that a
detector never sees one change.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import inf

from gnomon._core.ledger import Ledger, TaskRow, TaskState

ENDED = (TaskState.DONE, TaskState.FAILED, TaskState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Ran:
    """A call that has run. Times are seconds of one clock.

    Attributes:
        index: of its row.
        parent: index of the row of the task that has submitted it; -1 for the driver.
        created: when it was submitted.
    """

    index: int
    parent: int
    worker: int
    created: float
    started: float
    finished: float

    @property
    def took_s(self) -> float:
        """How long it ran."""
        return max(0.0, self.finished - self.started)


@dataclass(slots=True)
class Site:
    """A line that submits calls of one function.

    Attributes:
        is_method: they are calls of actors.
        open: rows that have not ended.
        ran: those that have ended well, in the order of submission.
        more: calls that have no row, since there were too many; known when all have ended.
        began: when the first of all of them was submitted.
        finished: when the last of all of them ended.
        is_timed: these two are known; not so of a line that goes on after a look at it, when there is no room for its rows.
    """

    cell: str
    label: str
    line: int
    name: str
    is_method: bool
    open: list[TaskRow] = field(default_factory=list)
    ran: list[Ran] = field(default_factory=list)
    more: int = 0
    began: float = inf
    finished: float = 0.0
    is_timed: bool = True

    def settle(self) -> bool:
        """Copy what has ended meanwhile; whether nothing is open any more."""
        still = []
        for row in self.open:
            if row.state not in ENDED:
                still.append(row)
                continue
            self.finished = max(self.finished, row.finished)
            if row.state == TaskState.DONE and row.started:
                self.ran.append(
                    Ran(row.index, row.parent, row.worker, row.created, row.started, row.finished)
                )
        self.open = still
        return not still


class Sites:
    """The sites of a session whose rows have not been looked at yet."""

    def __init__(self) -> None:
        self.sites: dict[tuple[int, int, int], Site] = {}
        self._seen = 0
        self._known: Counter[int] = Counter()
        self._newest: dict[int, tuple[int, int, int]] = {}
        self._ended: dict[tuple[int, int, int], float] = {}

    def read(self, ledger: Ledger) -> None:
        """Take in the rows that are new. Those without a cell are nobody's in the notebook."""
        rows = ledger.rows_from(self._seen)
        classes = {row.get("class", "") for row in ledger.actors.copy().values()}
        for row in rows:
            self._known[row.group] += 1
            if not row.cell:
                continue
            key = (row.cell, row.line, row.group)
            site = self.sites.get(key)
            if site is None:
                cell, label = ledger.cells.entries[row.cell]
                name = ledger.names.entries[row.group]
                site = self.sites[key] = Site(cell, label, row.line, name, name.partition(".")[0] in classes)
            site.open.append(row)
            site.began = min(site.began, row.created)
            self._newest[row.group] = key
        if rows:
            self._seen = rows[-1].index + 1

    def ended(self, ledger: Ledger) -> list[Site]:
        """The sites of which every call has ended, also those that have no row; they are forgotten here."""
        found = [key for key, site in self.sites.items() if site.settle() and not self._has_more(ledger, key)]
        return [self._taken(ledger, key) for key in found]

    def _has_more(self, ledger: Ledger, key: tuple[int, int, int]) -> bool:
        """Whether calls without a row, which are taken for those of the newest site of a function, have not ended."""
        counts = ledger.counts[key[2]]
        return (
            self._newest[key[2]] == key
            and any(counts[: TaskState.DONE])
            and sum(counts) > self._known[key[2]]
        )

    def _taken(self, ledger: Ledger, key: tuple[int, int, int]) -> Site:
        site = self.sites.pop(key)
        if self._newest[key[2]] == key:
            every = sum(ledger.counts[key[2]])
            site.more = max(0, every - self._known[key[2]])
            self._known[key[2]] = every
        if site.more:
            early = ledger.began_early.get(key, inf)
            site.is_timed = early >= self._ended.get(
                key, 0.0
            )  # else some of the rows that left were seen earlier
            site.began = min(site.began, early)
            site.finished = max(site.finished, ledger.ended_late[key[2]])
        self._ended[key] = site.finished
        return site
