"""Serving: sending parts of this node's blocks to nodes that pull them (``pulls`` is their side).

A block is pinned from the moment its chunks are asked for until the shell has sent them. Whoever reads the
value at the other end holds its object, so usually nobody frees the block meanwhile. But its owner may die, or the
reader and with it the last to hold the object; then the room must not be given to somebody else while it is
being read from here.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.blocks import BlockMachine
from gnomon._core.effects import Effects, SendChunks
from gnomon._core.restoring import Reader
from gnomon._messages.pulls import ChunksRefused, ChunksWanted
from gnomon._messages.spilling import NO_PLACE, BlockThere
from gnomon.ids import WorkerID


class ServingMachine:
    """What this node sends to others."""

    def __init__(self, effects: Callable[[], Effects], blocks: BlockMachine) -> None:
        self._effects = effects
        self.blocks = blocks

    def on_wanted(self, node: WorkerID, message: ChunksWanted, now: float) -> None:
        """A node asks for chunks."""
        block = message.block
        if node in self.blocks.lost:
            return
        reader = Reader(node, lambda there: self._send(node, message, there), False)
        self.blocks.restoring.find(block.name, reader, now)

    def _send(self, node: WorkerID, message: ChunksWanted, there: BlockThere) -> None:
        if there.place == NO_PLACE:
            is_there = message.block.name in self.blocks.spilling.parted
            self._effects().send(node, ChunksRefused(message.pull, is_there))
            return
        self.blocks.pin(there.place)
        command = SendChunks(
            node, message.pull, there.place, message.block.size, message.first, message.count
        )
        self._effects().do(command)

    def on_sent(self, place: int) -> None:
        """They have been sent."""
        self.blocks.unpin(place)
