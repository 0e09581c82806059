"""Block views: which places of the node's arena are looked at in this process. ``spilling`` tells why the node asks.

Written by any thread that reads or writes a block, by the finalizers of views, and by the role. Every step is one
operation on a dict, which the interpreter does not interrupt; what makes it safe is the order of two:

    a reader       registers its view      then looks whether its place is in question
    the role       puts it in question     then looks who has registered

Whoever comes second sees the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

from gnomon._core.effects import Effects
from gnomon._messages.spilling import SpillAsked, SpillDone, SpillTold
from gnomon.ids import WorkerID


class BlockViews:
    """The views of one process.

    Attributes:
        viewing: places, by the view's token; what the node has just given, by minus the number of the request.
        questioned: places that must not be looked at without asking the node.
        tokens: the next view's.
    """

    def __init__(self, node: WorkerID, effects: Callable[[], Effects]) -> None:
        self.node = node
        self._effects = effects
        self.viewing: dict[int, int] = {}
        self.questioned: dict[int, None] = {}
        self.tokens = itertools.count(1)

    def grant(self, request: int, place: int) -> None:
        """The node has named a place to whoever asked: it is theirs until ``end_grant``."""
        self.viewing[-request] = place

    def end_grant(self, request: int) -> None:
        """They have registered a view of their own, or are done, or gone; idempotent."""
        self.viewing.pop(-request, None)

    def on_asked(self, message: SpillAsked) -> None:
        """The node would like to use these places for something else."""
        self.questioned.update(dict.fromkeys(message.places))
        viewed = set(self.viewing.copy().values())
        told = tuple(place for place in message.places if place in viewed)
        self._effects().send(self.node, SpillTold(message.round, told))

    def on_done(self, message: SpillDone) -> None:
        """It has made up its mind."""
        for place in message.places:
            self.questioned.pop(place, None)
