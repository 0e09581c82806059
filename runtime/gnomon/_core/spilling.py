"""Spilling: blocks that nobody looks at go to disk when their room is wanted. The node's side; ``block_views`` is
that of the processes, ``restoring`` is the way back.

A value stays ``Block(node, offset, size, object)`` for everybody for ever. (offset, object) is its *name*; only the
node knows where its bytes are: at that offset, at another since it was brought back, or in a file. Each block begins
with a header that holds its object's id, so that a reader sees at a glance whether what lies at its offset is what
it is looking for:

    reader   registers its view; the place is not in question, the header is right: it reads, and nobody is asked
             else it takes the registration back and asks its node: BlockWanted -> BlockThere (a place, registered
             for the reader before its process handles anything else)

To give places away the node makes sure that nobody looks there, and that the values are safe:

    ASKING ----------------> WRITING ----------------> CLEARING ----------------> freed
      everybody: do you view   values that are not       their headers, so that
      one of these places?     in a file yet             nobody finds them there

What is viewed, or asked for by BlockWanted meanwhile, stays; and so does all that comes to be in doubt. A process that
begins is asked, too: no place is freed before everybody has answered. One batch is under way at a time. A file that is
complete is kept until the value is freed: bringing it back changes nothing, and spilling it again costs no writing.
The files outlive processes, not the machine: nothing waits for the disk itself.

What its owner has given up, though it is there, goes the same way without being written: whoever names it later is
told that it was freed, and asks the owner for another value. While somebody views it, it is looked at now and then.

The rule for a changer: memory is given away only by ``_end``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from typing import Protocol

import msgspec

from gnomon._core.effects import ClearBlocks, DeleteSpillFile, Effects, WriteSpillFile
from gnomon._core.events import SpillFileWritten
from gnomon._core.spill_files import Copy, SpillFiles
from gnomon._messages.base import BlockName
from gnomon._messages.spilling import NO_PLACE, BlocksSpilled, SpillAsked, SpillDone, SpillTold
from gnomon.ids import ObjectID, WorkerID

_ASKING, _WRITING, _CLEARING = range(3)


class Blocks(Protocol):
    """What this machine needs of ``BlockMachine``: the blocks that are where they were written."""

    def movable(self, name: BlockName, place: int) -> bool:
        """Whether this block, which is at ``place``, may be moved now."""
        ...

    def is_home(self, name: BlockName) -> bool:
        """Whether that block is where it was written, and only there."""
        ...

    def is_doubtful(self, name: BlockName) -> bool:
        """Whether everybody is asked for that block: it goes when nobody uses it."""
        ...

    def part(self, name: BlockName) -> WorkerID:
        """It is in this machine's care from now on. Returns its owner."""
        ...

    def free_place(self, place: int) -> None:
        """Give a range of the arena back."""
        ...

    def drop(self, name: BlockName) -> None:
        """Forget a block that was given up, and its place."""
        ...

    def capacity(self) -> int:
        """Of the arena in bytes."""
        ...


class Parted(msgspec.Struct, gc=False, eq=False):
    """A block that has a copy on disk.

    Attributes:
        place: where it is in memory, or NO_PLACE.
        lost: what is wrong with the copy.
    """

    owner: WorkerID
    copy: Copy
    place: int
    lost: str = ""


class SpillBatch(msgspec.Struct, eq=False):
    """Blocks on their way out.

    Attributes:
        asked: all that is in question.
        leaving: places that will be freed, by name: fewer and fewer.
        parts: what is being written and not freed meanwhile.
        told: who has been asked.
        waiting: who has not answered.
        files: what is written, by file.
        began: in seconds.
        clearing: the shell has not said that it has cleared the headers.
        wrote: when writing began.
    """

    number: int
    asked: tuple[int, ...]
    leaving: dict[BlockName, int]
    parts: dict[BlockName, None]
    told: dict[WorkerID, None]
    waiting: dict[WorkerID, None]
    files: dict[int, tuple[BlockName, ...]]
    began: float
    phase: int = _ASKING
    clearing: bool = False
    wrote: float = 0.0


class SpillMachine:
    """All blocks of a node that could go, and those that have gone.

    Attributes:
        recent: bytes of each block in memory, the least recently used first.
        parted: blocks with a copy on disk.
        given_up: their owners, of blocks that are no copies of a value any more. Also after they have gone, until the
            object is freed: so long no other block gets that name.
        look_again_s: how often those in memory are looked at.
        retry_at: nothing can be given away before that time: all is in use.
        progressed_at: when room was last made; before the first time, never.
        busy_bytes: of what was viewed when all that is left was in use, the last time that was so.
        on_spilled: told of each file that was written: since when, and how large.
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        blocks: Blocks,
        files: SpillFiles,
        retry_s: float = 0.05,
        look_again_s: float = 1.0,
    ) -> None:
        self._effects = effects
        self._blocks = blocks
        self.files = files
        self.min_bytes = files.min_bytes
        self.retry_s = retry_s
        self.recent: dict[BlockName, int] = {}
        self.parted: dict[BlockName, Parted] = {}
        self.given_up: dict[BlockName, WorkerID] = {}
        self.look_again_s = look_again_s
        self._look_at = 0.0
        self.batch: SpillBatch | None = None
        self.retry_at = 0.0
        self.progressed_at = -inf
        self.busy_bytes = 0
        self.on_spilled: Callable[[float, int], None] = lambda began, size: None
        self._busy: dict[BlockName, None] = {}
        self._round = 0

    # -- what lies where ------------------------------------------------------------------------------------------

    def add(self, name: BlockName, size: int) -> None:
        """A block is in use from now on."""
        self.recent[name] = size

    def touch(self, name: BlockName) -> None:
        """Somebody wants to look at it: if it is about to leave, it stays."""
        if name in self.recent:
            self.recent[name] = self.recent.pop(name)
        if self.batch is not None:
            self.batch.leaving.pop(name, None)

    def forget(self, name: BlockName) -> None:
        """A block was freed where it was written."""
        self.recent.pop(name, None)
        self.given_up.pop(name, None)
        self._busy.pop(name, None)
        if self.batch is not None:
            self.batch.leaving.pop(name, None)
            self.batch.parts.pop(name, None)

    def free(self, name: BlockName) -> None:
        """A block with a copy on disk was freed."""
        self.forget(name)
        record = self.parted.pop(name)
        if record.place != NO_PLACE:
            self._blocks.free_place(record.place)
        self.delete(self.files.drop(record.copy.file))

    def delete(self, path: str) -> None:
        """Delete a file, unless it is ""."""
        if path:
            self._effects().do(DeleteSpillFile(path))

    # -- making room ----------------------------------------------------------------------------------------------

    def begin(self, wanted: int, now: float, processes: Callable[[], Iterable[WorkerID]]) -> bool:
        """``wanted`` bytes are waited for: begin to give places away, unless all that is here is in use."""
        leaving = self._choose(max(wanted, min(self.min_bytes, self._blocks.capacity() // 4)), now)
        if not leaving:
            if self._busy:  # else nobody was asked: without a disk nothing can go
                self.busy_bytes = sum(self.recent.get(name, 0) for name in self._busy)
            self._busy.clear()
            self.retry_at = now + self.retry_s
            return False
        self._start(leaving, now, processes)
        return True

    def give_up(self, name: BlockName, owner: WorkerID) -> None:
        """Its owner has other copies of the value, or none: nobody is given this one any more."""
        self.given_up[name] = owner
        self._look_at = 0.0

    def begin_given_up(self, now: float, processes: Callable[[], Iterable[WorkerID]]) -> None:
        """Begin to give away the places of what was given up, if it is time."""
        if now < self._look_at:
            return
        self._look_at = now + self.look_again_s
        leaving = {name: self._place(name) for name in self.given_up if name in self.recent}
        leaving = {name: place for name, place in leaving.items() if self._blocks.movable(name, place)}
        if leaving:
            self._start(leaving, now, processes)

    def next_look(self) -> float:
        """When ``begin_given_up`` wants to be called again."""
        if self.batch is not None:
            return inf
        doubtful = self._blocks.is_doubtful
        waits = any(name in self.recent and not doubtful(name) for name in self.given_up)
        return self._look_at if waits else inf

    def _place(self, name: BlockName) -> int:
        record = self.parted.get(name)
        return name[0] if record is None else record.place

    def _start(
        self, leaving: dict[BlockName, int], now: float, processes: Callable[[], Iterable[WorkerID]]
    ) -> None:
        self._round += 1
        places = tuple(leaving.values())
        asked = dict.fromkeys(processes())
        self.batch = SpillBatch(self._round, places, leaving, {}, dict(asked), asked, {}, now)
        for process in asked:
            self._effects().send(process, SpillAsked(self._round, places))
        self.advance(now)

    def advance(self, now: float) -> None:
        """At the end of each batch of events: the next phase, as soon as everybody has answered and the last one is
        over.
        """
        batch = self.batch
        while batch is not None and not batch.waiting:
            if batch.phase == _ASKING:
                batch.phase = _WRITING
                stays = self.parted.keys() | self.given_up.keys()
                self._write([name for name in batch.leaving if name not in stays], now)
            elif batch.files or batch.clearing:
                return
            elif batch.phase == _WRITING:
                batch.phase = _CLEARING
                if batch.leaving:
                    batch.clearing = True
                    self._effects().do(ClearBlocks(tuple(batch.leaving.values())))
            else:
                self._end(batch, now)
                return

    def _choose(self, wanted: int, now: float) -> dict[BlockName, int]:
        """The least recently used of those that may go, until they are ``wanted`` bytes."""
        chosen: dict[BlockName, int] = {}
        usable = self.files.usable(now)
        for name, size in self.recent.items():
            if wanted <= 0:
                break
            place = self._place(name)
            may_go = usable or name in self.parted or name in self.given_up
            if may_go and name not in self._busy and self._blocks.movable(name, place):
                chosen[name] = place
                wanted -= size
        return chosen

    def join(self, process: WorkerID) -> None:
        """A process begins: it may look where the others have said that they do not."""
        batch = self.batch
        if batch is not None:
            batch.waiting[process] = batch.told[process] = None
            self._effects().send(process, SpillAsked(batch.number, batch.asked))

    def lose(self, process: WorkerID) -> None:
        """A process is dead, and its views with it."""
        if self.batch is not None:
            self.batch.waiting.pop(process, None)
            self.batch.told.pop(process, None)
        for name in [name for name, owner in self.given_up.items() if owner == process]:
            if not self._blocks.is_home(name) and name not in self.parted:
                del self.given_up[name]

    def on_told(self, process: WorkerID, message: SpillTold) -> None:
        """An answer."""
        batch = self.batch
        if batch is None or message.round != batch.number or process not in batch.waiting:
            return
        del batch.waiting[process]
        viewed = dict.fromkeys(message.places)
        for name in [name for name, place in batch.leaving.items() if place in viewed]:
            del batch.leaving[name]
            self._busy[name] = None

    def _write(self, names: list[BlockName], now: float) -> None:
        """Write these into files; without a directory they stay."""
        batch = self.batch
        assert batch is not None
        batch.wrote = now
        if not self.files.usable(now):
            for name in names:
                batch.leaving.pop(name, None)
            return
        while names:
            size, count = 0, 0
            while count < len(names) and (not count or size + self.recent[names[count]] <= self.min_bytes):
                size += self.recent[names[count]]
                count += 1
            inside, names = tuple(names[:count]), names[count:]
            number = self.files.open(now)
            batch.files[number] = inside
            batch.parts.update(dict.fromkeys(inside))
            parts = tuple((name[0], self.recent[name]) for name in inside)
            self._effects().do(WriteSpillFile(number, self.files.files[number].path, parts))

    def on_written(self, event: SpillFileWritten, now: float) -> None:
        """A file is complete, or could not be written."""
        batch = self.batch
        assert batch is not None
        names = batch.files.pop(event.file)
        living = [name for name in names if batch.parts.pop(name, self) is None]
        if event.error:
            self.files.fail(event.file, event.error, now)
            self._write(living, now)
            return
        self.on_spilled(batch.wrote, sum(self.recent.get(name, 0) for name in names))
        for name, (position, crcs) in zip(names, event.parts, strict=True):
            if name in living:
                copy = Copy(event.file, position, self.recent[name], crcs)
                self.files.keep(event.file)
                self.parted[name] = Parted(self._blocks.part(name), copy, name[0])
        if not living:
            self._effects().do(DeleteSpillFile(self.files.discard(event.file)))

    def on_cleared(self) -> None:
        """The shell has done so."""
        if self.batch is not None:
            self.batch.clearing = False

    def _end(self, batch: SpillBatch, now: float) -> None:
        """Nobody views what is left in the batch, nobody finds it where it was, and it is on disk or was given up."""
        self.batch = None
        for name, place in batch.leaving.items():
            if name not in self.parted:
                # else it has come to be in doubt, or is read for another node
                if self._blocks.movable(name, place):
                    del self.recent[name]
                    self._blocks.drop(name)
                continue
            self.parted[name].place = NO_PLACE
            del self.recent[name]
            self._blocks.free_place(place)
        for process in batch.told:
            self._effects().send(process, SpillDone(batch.asked))
        if batch.leaving:
            self.progressed_at = now
            self.busy_bytes = 0
            self.tell_owners(batch.leaving, False)

    def tell_owners(self, names: Iterable[BlockName], in_memory: bool) -> None:
        """For the rows in their views, which do not show what was given up."""
        told: dict[WorkerID, list[ObjectID]] = {}
        for name in names:
            if name in self.given_up:
                continue
            told.setdefault(self.parted[name].owner, []).append(name[1])
        for owner, objects in told.items():
            self._effects().send(owner, BlocksSpilled(tuple(objects), in_memory))

    @property
    def spilled_bytes(self) -> int:
        """Of blocks that are only on disk."""
        return sum(record.copy.size for record in self.parted.values() if record.place == NO_PLACE)

    def check(self) -> None:
        """OD7: what is not in memory is in a file; what may go is in memory."""
        for name, record in self.parted.items():
            assert record.copy.file in self.files.files, f"the file of {name} is gone"
            assert (record.place == NO_PLACE) == (name not in self.recent), (name, record.place)
        living = sum(file.values for file in self.files.files.values())
        assert living == len(self.parted), f"{living} values in files, {len(self.parted)} are known"
        batch = self.batch
        if batch is not None:
            assert all(name in self.recent for name in batch.leaving), batch
            safe = self.parted.keys() | self.given_up.keys()
            assert batch.phase < _CLEARING or all(name in safe for name in batch.leaving), batch
