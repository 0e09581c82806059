"""Placement: which node is the right one for a demand. Pure choices, made by nodes (tasks) and head (actors).

The policy is *hybrid*: a node that is less than half used is as good as an empty one, so work stays where it was asked for
(packed) until that node is half full, and then goes where most is free (spread). What is chosen is *debited* at
once, so that many demands are not all sent to the one node that seemed free; the next news replaces the debit.
"""

from __future__ import annotations

from collections.abc import Iterable

from gnomon._messages.cluster import NodeSeen
from gnomon.ids import ActorID, NodeID, WorkerID
from gnomon.resources import fits

PACKED_PER_MILLE = 500
"""Up to this share of use a node counts as empty."""


class NodeView:
    """A node as another process believes it to be.

    Attributes:
        available: in units, as last heard, without what has been sent there since.
        waiting: actors that wait there for something to become free; head alone knows.
        turn: when it was last chosen for something to be spread; the longest ago is the next.
    """

    __slots__ = ("available", "leaving", "node", "process", "total", "turn", "waiting")

    def __init__(self, seen: NodeSeen) -> None:
        self.process: WorkerID = seen.process
        self.node: NodeID = seen.node
        self.total = dict(seen.total)
        self.available = dict(seen.available)
        self.leaving = seen.leaving
        self.turn = 0
        self.waiting: tuple[ActorID, ...] = ()

    def feasible(self, asked: dict[str, int]) -> bool:
        """Whether it has so much when idle."""
        return not self.leaving and fits(asked, self.total)

    def has_room(self, asked: dict[str, int]) -> bool:
        """Whether so much is free there."""
        return not self.leaving and fits(asked, self.available) and fits(asked, self.total)

    def debit(self, asked: dict[str, int]) -> None:
        """So much has been sent there."""
        for name, units in asked.items():
            self.available[name] = max(0, self.available.get(name, 0) - units)

    def use(self) -> int:
        """How much of its scarcest resource is used, in thousandths."""
        return used_per_mille(self.total, self.available)


def used_per_mille(total: dict[str, int], available: dict[str, int]) -> int:
    """How much of the scarcest resource is used, in thousandths."""
    most = 0
    for name, units in total.items():
        if units:
            most = max(most, 1000 - 1000 * available.get(name, 0) // units)
    return most


def choose(
    asked: dict[str, int], views: Iterable[NodeView], home: WorkerID, spread: bool = False
) -> NodeView | None:
    """The best node with room; None when there is none. ``home`` wins among equals, then the first."""
    best: NodeView | None = None
    best_score = (0, 0, 0)
    for view in views:
        if view.has_room(asked):
            use, away = view.use(), int(view.process != home)
            score = (use, view.turn, away) if spread else (use if use >= PACKED_PER_MILLE else 0, away, 0)
            if best is None or score < best_score:
                best, best_score = view, score
    return best


def choose_busy(asked: dict[str, int], views: Iterable[NodeView], home: WorkerID) -> NodeView | None:
    """When none has room: where to wait. ``home`` if it could ever run it, else the least used that could."""
    best: NodeView | None = None
    best_score = (0, 0)
    for view in views:
        if view.feasible(asked):
            score = (int(view.process != home), view.use())
            if best is None or score < best_score:
                best, best_score = view, score
    return best


def most_of_each(views: Iterable[NodeView]) -> dict[str, int]:
    """Of each resource the most that one node has, for people who asked for more."""
    found: dict[str, int] = {}
    for view in views:
        for name, units in view.total.items():
            found[name] = max(units, found.get(name, 0))
    return found
