"""Serving: sending parts of this node's blocks to nodes that pull them (``pulls`` is their side).

A block is pinned from the moment its chunks are asked for until the shell has sent them. Whoever reads the
value at the other end holds its object, so usually nobody frees the block meanwhile. But its owner may die, or the
reader and with it the last to hold the object; then the room must not be given to somebody else while it is
being read from here. What is only on disk is sent from its file, which stays as long: a store that is full of values
in use can serve others.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.blocks import BlockMachine
from gnomon._core.effects import Effects, SendChunks, SendFileChunks
from gnomon._core.events import FileChunksSent
from gnomon._messages.pulls import ChunksRefused, ChunksWanted
from gnomon._messages.spilling import NO_PLACE
from gnomon.ids import WorkerID


class ServingMachine:
    """What this node sends to others."""

    def __init__(self, effects: Callable[[], Effects], blocks: BlockMachine) -> None:
        self._effects = effects
        self.blocks = blocks

    def on_wanted(self, node: WorkerID, message: ChunksWanted) -> None:
        """A node asks for chunks."""
        if node in self.blocks.lost:
            return
        block, first, count = message.block, message.first, message.count
        there = self.blocks.restoring.locate(block.name)
        if there.place != NO_PLACE:
            self.blocks.pin(there.place)
            self._effects().do(SendChunks(node, message.pull, there.place, block.size, first, count))
        elif there.path:
            spilling = self.blocks.spilling
            file = spilling.parted[block.name].copy.file
            spilling.files.begin_reading(file)
            crcs = there.crcs[first : first + count]
            command = SendFileChunks(
                node, message.pull, block.name, file, there.path, there.position, block.size, first, crcs
            )
            self._effects().do(command)
        else:
            self._refuse(node, message.pull, block.name in self.blocks.spilling.parted)

    def _refuse(self, node: WorkerID, pull: int, there: bool) -> None:
        self._effects().send(node, ChunksRefused(pull, there))

    def on_sent(self, place: int) -> None:
        """They have been sent."""
        self.blocks.unpin(place)

    def on_file_sent(self, event: FileChunksSent) -> None:
        """The same of what was read from a file, if it could be."""
        spilling = self.blocks.spilling
        spilling.delete(spilling.files.end_reading(event.file))
        if event.error:
            self.blocks.restoring.on_unreadable(event.block, event.error)
            if event.target not in self.blocks.lost:
                self._refuse(event.target, event.pull, event.block in spilling.parted)
