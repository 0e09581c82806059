"""Fallback: values that find no room because all that is in memory is in use are written to disk at once.

    writer                        node
      | BlockAsked           -->    |   for ``fallback_s`` no room can be made
      | <-- BlockOnDisk             |   a name, and a file of its own
      | BlockWritten         -->    |   from now on it is a block like any other that was spilled
      | <-- BlockNoted              |   or BlockOnDisk once more, elsewhere: that directory is full; or BlockRefused

Such a block has a name like all others; its offset is one at which nothing was ever in memory. Readers do not find it
there and ask the node, as they do for whatever was moved. The writer names the block to nobody before it is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from gnomon._core.effects import Effects
from gnomon._core.spill_files import Copy
from gnomon._core.spilling import Parted, SpillMachine
from gnomon._messages.base import HEADER_BYTES, ON_DISK, BlockName
from gnomon._messages.objects import BlockAsked, BlockNoted, BlockOnDisk, BlockWritten
from gnomon._messages.spilling import NO_PLACE
from gnomon.ids import WorkerID

_STEP = 4096


class Writing(msgspec.Struct, gc=False, eq=False):
    """A block that is being written to a file by its writer. ``size``: with its header."""

    writer: WorkerID
    owner: WorkerID
    size: int
    file: int


class FallbackMachine:
    """What a node lets others write to its disk.

    Attributes:
        writing: what is not complete.
        unheard: by name, who has written what its owner has not heard of yet.
    """

    def __init__(self, effects: Callable[[], Effects], spilling: SpillMachine) -> None:
        self._effects = effects
        self._spilling = spilling
        self.writing: dict[BlockName, Writing] = {}
        self.unheard: dict[BlockName, WorkerID] = {}
        self._next = ON_DISK

    def begin(self, writer: WorkerID, message: BlockAsked, now: float) -> bool:
        """Let this block be written to disk. False when there is no directory for it."""
        if not self._spilling.files.usable(now):
            return False
        name = self._next, message.object
        self._next += _STEP
        writing = Writing(writer, message.owner, message.size + HEADER_BYTES, 0)
        self.writing[name] = writing
        self._open(name, writing, message.request, now)
        return True

    def _open(self, name: BlockName, writing: Writing, request: int, now: float) -> None:
        files = self._spilling.files
        writing.file = files.open(now)
        path = files.files[writing.file].path
        self._effects().send(writing.writer, BlockOnDisk(request, name[0], path, name[1]))

    def on_written(self, writer: WorkerID, message: BlockWritten, now: float) -> bool:
        """A file is complete, or it can not be written. False when the block is refused."""
        name, files = message.block, self._spilling.files
        writing = self.writing.get(name)
        if writing is None or writing.writer != writer:
            return False
        if message.error:
            files.fail(writing.file, message.error, now)
            if files.usable(now):
                self._open(name, writing, message.request, now)
                return True
            del self.writing[name]
            return False
        del self.writing[name]
        files.keep(writing.file)
        copy = Copy(writing.file, 0, writing.size, message.crcs)
        self._spilling.parted[name] = Parted(writing.owner, copy, NO_PLACE)
        if writing.owner != writer:
            self.unheard[name] = writer
        self._effects().send(writer, BlockNoted(message.request, *name))
        return True

    def abandon(self, name: BlockName, writer: WorkerID) -> None:
        """Its writer does not write it any more."""
        writing = self.writing.get(name)
        if writing is not None and writing.writer == writer:
            del self.writing[name]
            self._spilling.delete(self._spilling.files.discard(writing.file))

    def settled(self, owner: WorkerID, writer: WorkerID) -> Iterable[BlockName]:
        """``owner`` has heard all that ``writer``, which is dead, will ever say. Returns what is nobody's."""
        parted = self._spilling.parted
        return [name for name, who in self.unheard.items() if who == writer and parted[name].owner == owner]

    def lose(self, process: WorkerID) -> None:
        """A process is dead, and does not go on writing."""
        for name, writing in list(self.writing.items()):
            if writing.writer == process:
                self.abandon(name, process)

    def check(self) -> None:
        """What nobody has heard of is there; what is being written has a file."""
        assert all(name in self._spilling.parted for name in self.unheard), self.unheard
        assert all(each.file in self._spilling.files.files for each in self.writing.values())
