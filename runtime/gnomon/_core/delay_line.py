"""Delay line: for a while, what a node's processes and those of other nodes say to each other is late. A fault made on
purpose.

    from or to another node's process ----> held ``by_s``, at the longest until the end ----> goes on, in order

What stays on the node is not touched: its network is slow, or cut (``by_s`` as long as the whole time), not its
processes. Each process of the node has a line of its own and knows the end, so that nobody need be alive, or be heard,
to lift it. The rule for a changer: nothing is ever dropped here, and nothing held beyond the end.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from gnomon.ids import WorkerID, node_tag


class DelayLine:
    """The line of one process.

    Args:
        me: the process.
        by_s: how late each message is.
        until: the end.
    """

    __slots__ = ("_arrived", "_leaving", "by_s", "tag", "until")

    def __init__(self, me: WorkerID, by_s: float, until: float) -> None:
        self.tag = node_tag(me)
        self.by_s = by_s
        self.until = until
        self._arrived: deque[tuple[float, Any]] = deque()
        self._leaving: deque[tuple[float, Any]] = deque()

    def change(self, by_s: float, until: float) -> None:
        """Another delay from now on; what is held already is due when it was, but not after the new end."""
        self.by_s, self.until = by_s, until
        for held in (self._arrived, self._leaving):
            for index, (due, item) in enumerate(held):
                held[index] = (min(due, until), item)

    def arrive(self, envelopes: list[Any], now: float) -> list[Any]:
        """What of these, and of those before, is heard now."""
        return self._pass(self._arrived, envelopes, [node_tag(each.sender) for each in envelopes], now)

    def leave(self, outgoing: list[Any], now: float) -> list[Any]:
        """What of these (target, envelope), and of those before, is sent now."""
        return self._pass(self._leaving, outgoing, [node_tag(each[0]) for each in outgoing], now)

    def _pass(
        self, held: deque[tuple[float, Any]], items: list[Any], tags: list[bytes], now: float
    ) -> list[Any]:
        due = min(now + self.by_s, self.until)
        passing = []
        for item, tag in zip(items, tags, strict=True):
            if tag == self.tag:
                passing.append(item)
            else:
                held.append((due, item))
        while held and held[0][0] <= now:
            passing.append(held.popleft()[1])
        return passing

    def next_wakeup(self) -> float:
        """When the first one that is held goes on, or the line ends."""
        return min((held[0][0] for held in (self._arrived, self._leaving) if held), default=self.until)

    def is_over(self, now: float) -> bool:
        """Whether it is needed no longer."""
        return now >= self.until and not self._arrived and not self._leaving
