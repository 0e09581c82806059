"""What all messages have in common: frozen, positional on the wire, told apart by a small integer."""

from __future__ import annotations

import msgspec

from gnomon.ids import ObjectID


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A message is an event for its receiver; nothing else crosses a socket."""


BlockName = tuple[int, ObjectID]
"""A block for ever: where it was written, and whose value it is. Where its bytes are now is the node's to know."""

HEADER_BYTES = 64
"""Each block begins with so many bytes that say whose value it is; the value comes behind them."""


ON_DISK = 1 << 60
"""Offsets from here on are of no arena: names of blocks that were written to disk at once."""


class Block(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where a large value was written; its node may have moved it since (``_core.spilling``).

    Attributes:
        node: the process id of the node whose arena holds it.
        offset: of its header, in bytes from the start of the arena.
        size: of the value in bytes.
        object: whose value it is; a view of the block is a reference to that object.
    """

    node: bytes
    offset: int
    size: int
    object: ObjectID

    @property
    def name(self) -> BlockName:
        """What it is called on its node."""
        return self.offset, self.object


Value = bytes | Block
"""A value as it travels: itself when small, else where it lies."""


class Contained(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """References inside a value: ``inner`` are the objects that result ``outer`` holds on to."""

    outer: ObjectID
    inner: tuple[ObjectID, ...]


class Borrow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One stretch of time in which a process that is not the owner holds handles to an object.

    Attributes:
        episode: numbers the borrower's stretches, so that a late message of an earlier one changes nothing.
    """

    object: ObjectID
    episode: int
