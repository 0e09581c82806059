"""The calls of one actor that have not been pushed: which may go now, and which wait for which.

    in order       lane (submitting task, group):  waits for an argument <- later calls of the same lane
    out of order   held until its own arguments are there
    both           ready ----> pushed, in the order of submission

A lane exists only while its first call waits for an argument: a call that finds no lane is ready at once, so
the plain case is one append. A retried call goes back among the ready ones, before all that were submitted
later: what is in a lane always is. The rule for a changer: calls of one lane become ready in their order, and
``take`` gives ready ones by number. Nothing here costs more than the calls it moves.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Iterable

from gnomon._core.entry import Recipe
from gnomon._core.events import CallSubmitted
from gnomon._core.ledger import TaskRow
from gnomon._core.streams import Stream
from gnomon._messages.base import Value
from gnomon.ids import ObjectID, TaskID

LaneKey = tuple[TaskID | None, str]

_COMPACT_MIN = 1_000
"""Withdrawn calls that may lie among the ready ones; more are swept out once they are half of them."""

_number = operator.attrgetter("number")


class CallRecord:
    """One unfinished call.

    Attributes:
        number: counts the calls of this process.
        lane: which others it keeps its order with.
        missing: arguments without a value.
        pushed: sent to the actor, and not back in the queue.
        cancelled: somebody asked; it may still run.
        ended: it has its outcome; what still lists it may forget it.
        stream: the items of a call that yields.
        replay: it has finished before and makes lost results again, from this. It keeps no order with others: one of them
            may wait for its result.
    """

    __slots__ = (
        "attempt", "cancelled", "ended", "event", "holds", "lane", "missing", "number", "pushed", "replay", "row", "stream",
        "values",
    )  # fmt: skip

    def __init__(self, event: CallSubmitted, row: TaskRow, number: int, lane: LaneKey) -> None:
        self.event = event
        self.row = row
        self.number = number
        self.lane = lane
        self.attempt = 0
        self.missing: set[ObjectID] | None = None
        self.values: tuple[Value, ...] = ()
        self.holds: tuple[ObjectID, ...] = ()
        self.pushed = False
        self.cancelled = False
        self.ended = False
        self.stream: Stream | None = None
        self.replay: Recipe | None = None


class CallQueue:
    """See the module.

    Attributes:
        ready: may be pushed; sorted by number unless ``_disordered``.
        lanes: each with a first call that waits for an argument.
        held: calls that wait for their own arguments alone.
    """

    __slots__ = ("_disordered", "_withdrawn", "held", "lanes", "ready")

    def __init__(self) -> None:
        self.ready: deque[CallRecord] = deque()
        self.lanes: dict[LaneKey, deque[CallRecord]] = {}
        self.held: dict[CallRecord, None] = {}
        self._disordered = False
        self._withdrawn = 0

    def add(self, record: CallRecord) -> None:
        """A new call; its ``missing`` is known."""
        if record.replay is not None:
            if record.missing:
                self.held[record] = None
            else:
                self._make_ready(record)
        elif record.event.in_order:
            lane = self.lanes.get(record.lane) if self.lanes else None
            if lane is not None:
                lane.append(record)
            elif record.missing:
                self.lanes[record.lane] = deque((record,))
            else:
                self.ready.append(record)
        elif record.missing:
            self.held[record] = None
        else:
            self.ready.append(record)

    def arguments_there(self, record: CallRecord) -> None:
        """Its last missing argument has come."""
        if record.event.in_order and record.replay is None:
            self._advance(record.lane)
        elif self.held.pop(record, record) is None:
            self._make_ready(record)

    def _advance(self, key: LaneKey) -> None:
        """Let those at the head of a lane go whose arguments are there."""
        lane = self.lanes.get(key)
        if lane is None:
            return
        while lane and (lane[0].ended or not lane[0].missing):
            record = lane.popleft()
            if not record.ended:
                self._make_ready(record)
        if not lane:
            del self.lanes[key]

    def _make_ready(self, record: CallRecord) -> None:
        if self.ready and self.ready[-1].number > record.number:
            self._disordered = True
        self.ready.append(record)

    def put_back(self, records: Iterable[CallRecord]) -> None:
        """Retried calls: to their old places."""
        for record in records:
            self._make_ready(record)

    def take(self) -> CallRecord | None:
        """The next call to push."""
        if self._disordered:
            self.ready = deque(sorted(self.ready, key=_number))
            self._disordered = False
        ready = self.ready
        while ready:
            record = ready.popleft()
            if not record.ended:
                return record
            self._withdrawn -= 1
        return None

    def withdraw(self, record: CallRecord) -> None:
        """It has ended (``ended`` is set) without having been pushed."""
        if self.held.pop(record, record) is None:
            return
        lane = self.lanes.get(record.lane)
        if lane is not None and lane[0].number <= record.number and not record.pushed:
            self._advance(record.lane)
            return
        self._withdrawn += 1
        if self._withdrawn > _COMPACT_MIN and self._withdrawn * 2 > len(self.ready):
            self.ready = deque(each for each in self.ready if not each.ended)
            self._withdrawn = 0

    def drain(self) -> list[CallRecord]:
        """All calls, by number; none is left."""
        found = [*self.ready, *self.held]
        for lane in self.lanes.values():
            found += lane
        self.ready, self.held, self.lanes = deque(), {}, {}
        self._disordered, self._withdrawn = False, 0
        return sorted((record for record in found if not record.ended), key=_number)

    def check(self) -> None:
        """Order, and nobody waits for nothing."""
        numbers = [record.number for record in self.ready]
        assert self._disordered or numbers == sorted(numbers), numbers
        assert sum(record.ended for record in self.ready) == self._withdrawn
        assert not any(record.pushed for record in self.ready if not record.ended)
        for lane in self.lanes.values():
            assert lane[0].missing, "a lane waits for nothing"
            assert not lane[0].ended
            numbers = [record.number for record in lane]
            assert numbers == sorted(numbers), numbers
        assert all(record.missing for record in self.held)
