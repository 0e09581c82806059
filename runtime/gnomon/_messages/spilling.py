"""Any process and its node: where the bytes of a block are, when they may have moved.

reader                         node
  | BlockWanted            --> |
  | <-- BlockThere             |   brought back from the disk if need be
everybody                      node
  | <-- SpillAsked             |   which of these places do you view? Look nowhere there without asking me from now on
  | SpillTold              --> |
  | <-- SpillDone              |   and now you may
owner                          node
  | <-- BlocksSpilled          |   for the views
"""

from __future__ import annotations

from gnomon._messages.base import BlockName, Message
from gnomon.ids import ObjectID

NO_PLACE = -1
"""In place of an offset: not in the arena."""


class BlockWanted(Message, frozen=True, tag=110):
    """The sender wants to read this block, which may no longer be where it was written."""

    request: int
    block: BlockName


class BlockThere(Message, frozen=True, tag=111):
    """It is at ``place`` as long as the receiver views that; or, for want of room, in a file; or lost.

    Attributes:
        place: offset of the header, or NO_PLACE.
        path: the file that has it, from ``position`` on.
        crcs: of the value's chunks in that file.
        lost: why there is no such block.
    """

    request: int
    place: int
    path: str = ""
    position: int = 0
    crcs: tuple[int, ...] = ()
    lost: str = ""


class SpillAsked(Message, frozen=True, tag=112):
    """Who views one of these places keeps it from being given away."""

    round: int
    places: tuple[int, ...]


class SpillTold(Message, frozen=True, tag=113):
    """The sender views these."""

    round: int
    places: tuple[int, ...]


class SpillDone(Message, frozen=True, tag=114):
    """The question is over: what lies at these places says itself whose it is."""

    places: tuple[int, ...]


class BlocksSpilled(Message, frozen=True, tag=115):
    """Node to owner: the values of these objects are in memory, or only on disk."""

    objects: tuple[ObjectID, ...]
    in_memory: bool


__all__ = ["BlockThere", "BlockWanted", "BlocksSpilled", "SpillAsked", "SpillDone", "SpillTold"]
