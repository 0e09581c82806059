"""Restoring: blocks that have been moved are found, and brought back from the disk, for whoever wants to read them.

    BlockWanted ---- it is in memory ------------------------------------------> BlockThere (a place)
             `------ only on disk ----> room is made ----> read, checked ------> BlockThere (a place)
                                   `--- there is none -------------------------> BlockThere (a file)
                                                      `--- it can not be read -> BlockThere (lost)

A reader for whose value there is no room reads the file itself, so that nobody ever waits for those who have filled
the store and wait for more. To other nodes the file is sent as it is (``locate``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from gnomon._core.effects import Effects, ReadSpillFile
from gnomon._core.events import BlockRestored
from gnomon._core.spilling import Parted, SpillMachine
from gnomon._messages.base import BlockName
from gnomon._messages.spilling import NO_PLACE, BlockThere, BlockWanted
from gnomon.ids import WorkerID


class Room(Protocol):
    """What this machine needs of ``BlockMachine``."""

    def is_home(self, name: BlockName) -> bool:
        """Whether that block is where it was written, and only there."""
        ...

    def take_place(self, size: int) -> int | None:
        """A range of the arena for ``size`` bytes."""
        ...

    def free_place(self, place: int) -> None:
        """Give it back."""
        ...


class Reader(NamedTuple):
    """Who wants to look at a block.

    Attributes:
        process: with it goes the wish.
        answer: told where the block is.
    """

    process: WorkerID
    answer: Callable[[BlockThere], None]


class RestoreMachine:
    """Readers of blocks that have been moved.

    Attributes:
        wants: who waits for a block that is only on disk.
        reading: places of blocks that are being read.
        patience_s: how long a reader waits for room.
        on_read: told of each block that was read back: since when, and how large.
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        room: Room,
        spilling: SpillMachine,
        on_lost: Callable[[BlockName, WorkerID, str], None],
        patience_s: float = 0.5,
    ) -> None:
        self._effects = effects
        self._room = room
        self._spilling = spilling
        self._on_lost = on_lost
        self.patience_s = patience_s
        self.wants: dict[BlockName, list[Reader]] = {}
        self.reading: dict[BlockName, int] = {}
        self._due: dict[BlockName, float] = {}
        self._began: dict[BlockName, float] = {}
        self.on_read: Callable[[float, int], None] = lambda began, size: None

    def on_wanted(self, asker: WorkerID, message: BlockWanted, now: float) -> None:
        """A process has not found a block where it was written."""
        request = message.request

        def answer(there: BlockThere) -> None:
            self._effects().send(asker, msgspec.structs.replace(there, request=request))

        self.find(message.block, Reader(asker, answer), now)

    def find(self, name: BlockName, reader: Reader, now: float) -> None:
        """Answer with the place of a block, now or when it is in memory."""
        there = self.locate(name)
        if there.path:
            self.wants.setdefault(name, []).append(reader)
            self._due.setdefault(name, now + self.patience_s)
        else:
            reader.answer(there)

    def locate(self, name: BlockName) -> BlockThere:
        """Where a block is now: in memory, in a file, or nowhere."""
        record = self._spilling.parted.get(name)
        if self._room.is_home(name):
            self._spilling.touch(name)
            return BlockThere(0, name[0])
        if record is None:
            return BlockThere(0, NO_PLACE, lost="it was freed")
        if record.lost:
            return BlockThere(0, NO_PLACE, lost=record.lost)
        if record.place != NO_PLACE:
            self._spilling.touch(name)
            return BlockThere(0, record.place)
        return self._in_file(record)

    def run(self, now: float) -> int:
        """Begin to read what there is room for. Returns how many bytes the next one needs."""
        for name in [name for name in self.wants if name not in self.reading]:
            record = self._spilling.parted[name]
            place = self._room.take_place(record.copy.size)
            if place is None:
                if now < self._due[name]:
                    return record.copy.size
                self._answer_with_file(name, record)
                continue
            self.reading[name] = place
            self._began[name] = now
            copy = record.copy
            path = self._spilling.files.files[copy.file].path
            self._effects().do(ReadSpillFile(name, place, path, copy.position, copy.size, copy.crcs))
        return 0

    def give_up(self) -> None:
        """No room can be made now."""
        for name in [name for name in self.wants if name not in self.reading]:
            self._answer_with_file(name, self._spilling.parted[name])

    def next_wakeup(self) -> float | None:
        """When the first reader loses patience."""
        return min((due for name, due in self._due.items() if name not in self.reading), default=None)

    def on_restored(self, event: BlockRestored) -> None:
        """A block is in memory again, or is not."""
        name = event.block
        place, began = self.reading.pop(name), self._began.pop(name)
        record = self._spilling.parted.get(name)
        if record is None or event.error or event.no_memory:
            self._room.free_place(place)
        if record is None:
            return
        if event.error:
            self.on_unreadable(name, event.error)
        elif event.no_memory:
            self._answer_with_file(name, record)
        else:
            record.place = place
            self.on_read(began, record.copy.size)
            self._spilling.add(name, record.copy.size)
            self._answer(name, BlockThere(0, place))
            self._spilling.tell_owners((name,), True)

    def on_unreadable(self, name: BlockName, error: str) -> None:
        """Its bytes on disk are not what was written."""
        record = self._spilling.parted.get(name)
        if record is not None and not record.lost and record.place == NO_PLACE:
            record.lost = error
            self._answer(name, BlockThere(0, NO_PLACE, lost=error))
            self._on_lost(name, record.owner, error)

    def forget(self, name: BlockName) -> None:
        """It was freed: whoever waits for it is dead, or has let go."""
        self._answer(name, BlockThere(0, NO_PLACE, lost="it was freed"))

    def lose(self, process: WorkerID) -> None:
        """A process is dead."""
        for name, readers in list(self.wants.items()):
            self.wants[name] = [reader for reader in readers if reader.process != process]
            if not self.wants[name] and name not in self.reading:
                self._answer(name, BlockThere(0, NO_PLACE))

    def _answer_with_file(self, name: BlockName, record: Parted) -> None:
        self._answer(name, self._in_file(record))

    def _in_file(self, record: Parted) -> BlockThere:
        copy = record.copy
        path = self._spilling.files.files[copy.file].path
        return BlockThere(0, NO_PLACE, path, copy.position, copy.crcs)

    def _answer(self, name: BlockName, there: BlockThere) -> None:
        self._due.pop(name, None)
        for reader in self.wants.pop(name, ()):
            reader.answer(there)

    def check(self) -> None:
        """Who waits is waited on until some time; what is read is wanted or was."""
        assert self.wants.keys() == self._due.keys(), (self.wants, self._due)
        assert all(name in self._spilling.parted for name in self.wants)
