"""Blocks: who has which range of a node's arena.

    asked ----> RESERVING ----> WRITTEN BY writer, FOR owner ----> ADOPTED ----> freed
                   (pages)        (same process: at once)        (owner has heard of it)

A block belongs to its object's owner from the start. If the writer dies before the owner has heard of the
block, nobody will ever name it: it is freed once the owner has told that it knows of the death (``settle``),
because only then can no late message of the writer name it any more.

If the owner dies, readers may still look at its blocks, and a writer may still be writing one: they are
doubtful (``reclamation``). So are those whose owner says so: one of their holders has died. Nothing is given out
for an owner who is dead.

Requests that find no room wait in line while blocks are spilled. When none can be made for ``fallback_s``, since all is
in use, the block is written to disk (``fallback``); where that can not be, it is refused after ``patience_s``. Here are
the blocks that are where they were written and only there; the others are ``spilling``'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from math import inf
from typing import Protocol

from gnomon._core.effects import Effects, ReserveBlock
from gnomon._core.fallback import FallbackMachine
from gnomon._core.reclamation import ReclamationMachine
from gnomon._core.restoring import RestoreMachine
from gnomon._core.spill_files import SpillFiles
from gnomon._core.spilling import SpillMachine
from gnomon._messages.base import HEADER_BYTES, Block, BlockName
from gnomon._messages.objects import NOWHERE, BlockAsked, BlockGiven, BlockRefused, BlockWritten
from gnomon._messages.pulls import CopyParted
from gnomon._messages.spilling import NO_PLACE
from gnomon.ids import ObjectID, WorkerID


class Allocator(Protocol):
    """What this machine needs of ``ArenaAllocator``."""

    def allocate(self, size: int) -> int | None:
        """Offset of a free range, or None."""
        ...

    def free(self, offset: int) -> None:
        """Give a range back."""
        ...

    @property
    def used_bytes(self) -> int:
        """Allocated now."""
        ...

    @property
    def capacity_bytes(self) -> int:
        """In all."""
        ...

    def check(self) -> None:
        """Invariants."""
        ...


def _no_room_wanted(request: int, offset: int | None) -> None:
    raise AssertionError(f"room {request} for nobody")


class BlockMachine:
    """All blocks of a node.

    Attributes:
        owners: by offset; the node itself owns the room of a pull that is under way.
        objects: by offset, the block, which says whose value it is.
        copies: by object, where a value lies here of which its owner has heard: what it has pulled, and what tasks
            here have made.
        pinned: readers at other nodes by place; a pinned place that is freed is ``parting`` until it is unpinned.
        on_room: answers ``reserve`` with the request's number and an offset (None: there is no room).
        stall_s: how long a disk may take for one batch.
        fallback_s: how long a writer waits for room that can not be made. Most readers look at a value for less.
        extra_bytes: of the arena, not for objects.
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        allocator: Allocator,
        patience_s: float = 2.0,
        me: WorkerID = NOWHERE,
        files: SpillFiles | None = None,
        on_lost: Callable[[BlockName, WorkerID, str], None] = lambda name, owner, reason: None,
        stall_s: float = 60.0,
        fallback_s: float = 0.1,
        extra_bytes: int = 0,
    ) -> None:
        self._effects = effects
        self.me = me
        self.on_room: Callable[[int, int | None], None] = _no_room_wanted
        self.objects: dict[int, Block] = {}
        self.copies: dict[ObjectID, Block] = {}
        self.pinned: dict[int, int] = {}
        self.parting: dict[int, None] = {}
        self.stall_s = stall_s
        self.spilling = SpillMachine(effects, self, files or SpillFiles())
        self.restoring = RestoreMachine(effects, self, self.spilling, self._copy_lost)
        self.fallback = FallbackMachine(effects, self.spilling)
        self.fallback_s = fallback_s
        self._on_lost = on_lost
        self.allocator = allocator
        self._own_bytes = allocator.used_bytes
        self.extra_bytes = extra_bytes
        self.patience_s = patience_s
        self.owners: dict[int, WorkerID] = {}
        self.unheard: dict[int, WorkerID] = {}
        self.reserving: dict[int, int] = {}
        self.line: deque[tuple[WorkerID, BlockAsked, float]] = deque()
        self.lost: dict[WorkerID, None] = {}
        self.reclamation = ReclamationMachine(effects, self._release)

    def filling(self) -> tuple[int, int]:
        """Bytes in use and in all, as people are told: without what the runtime keeps in the arena for itself."""
        capacity = self.allocator.capacity_bytes - self.extra_bytes
        return min(max(0, self.allocator.used_bytes - self._own_bytes), capacity), capacity

    def on_asked(self, asker: WorkerID, message: BlockAsked, now: float) -> None:
        """Room is wanted."""
        if message.size + HEADER_BYTES > self.allocator.capacity_bytes or message.owner in self.lost:
            self._refuse(asker, message)
        elif self.line or not self._try(asker, message):
            self.line.append((asker, message, now + self.patience_s))

    def _try(self, asker: WorkerID, message: BlockAsked) -> bool:
        size = message.size + HEADER_BYTES
        offset = self._allocate(size, message.object)
        if offset is None:
            return False
        self.owners[offset] = message.owner
        self.objects[offset] = Block(self.me, offset, message.size, message.object)
        if message.owner != asker:
            self.unheard[offset] = asker
        self.reserving[offset] = size
        self._effects().do(ReserveBlock(message.request, asker, offset, size))
        return True

    def _allocate(self, size: int, identity: ObjectID) -> int | None:
        """A range that gives the block a new name: the last one made of that object may be on disk, under its own, or was
        given up, and some may still name it.
        """
        taken: list[int] = []
        offset = self.allocator.allocate(size)
        spilling = self.spilling
        while offset is not None and (
            (offset, identity) in spilling.parted or (offset, identity) in spilling.given_up
        ):
            taken.append(offset)
            offset = self.allocator.allocate(size)
        for other in taken:
            self.allocator.free(other)
        return offset

    def on_written(self, writer: WorkerID, message: BlockWritten, now: float) -> None:
        """A block was written to disk at once, or could not be."""
        name = message.block
        asked = self.fallback.writing.get(name)
        if not self.fallback.on_written(writer, message, now):
            size = 0 if asked is None else asked.size - HEADER_BYTES
            self._refuse(writer, BlockAsked(message.request, size, writer))
        elif asked is not None and asked.owner in self.lost and name in self.spilling.parted:
            self.reclamation.doubt(name)

    def on_reserved(self, request: int, asker: WorkerID, offset: int, failed: bool) -> None:
        """The shell has really allocated the pages, or the machine is out of memory."""
        size = self.reserving.pop(offset)
        name = self.objects[offset].name
        if failed or (asker not in self.lost and self.owners[offset] in self.lost):
            self._release(name)
            self._answer(asker, BlockRefused(request, 0, *self.filling()), None)
        elif asker in self.lost:
            self._release(name)
        else:
            if asker != self.me:
                self.spilling.add(name, size)
            self._answer(asker, BlockGiven(request, offset, name[1]), offset)

    def _refuse(self, asker: WorkerID, message: BlockAsked) -> None:
        refusal = BlockRefused(
            message.request,
            message.size,
            *self.filling(),
            self.spilling.files.error,
            self.spilling.busy_bytes,
        )
        self._answer(asker, refusal, None)

    def _answer(self, asker: WorkerID, answer: BlockGiven | BlockRefused, offset: int | None) -> None:
        if asker == self.me:
            self.on_room(answer.request, offset)
        else:
            self._effects().send(asker, answer)

    # -- between nodes --------------------------------------------------------------------------------------------

    def reserve(self, message: BlockAsked, now: float) -> None:
        """Room for a value that this node itself brings here; ``on_room`` hears of it."""
        self.on_asked(self.me, message, now)

    def release(self, offset: int) -> None:
        """It does not need that room any more."""
        self._release((offset, self.objects[offset].object))
        self._serve_line()

    def adopt_copy(self, copy: Block, owner: WorkerID) -> None:
        """It has brought the value, and now it is the owner's to free; or nobody's, if the owner is dead."""
        self.owners[copy.offset] = owner
        self.copies[copy.object] = copy
        if owner in self.lost:
            self.reclamation.doubt(copy.name)
        else:
            self.spilling.add(copy.name, copy.size + HEADER_BYTES)

    def copy_of(self, identity: ObjectID) -> Block | None:
        """Where a value lies here, whole, if it does."""
        return self.copies.get(identity)

    def holds(self, block: Block) -> bool:
        """Whether this node has that value under that name: there, elsewhere in the arena, or on disk."""
        if block.node != self.me:
            return False
        record = self.spilling.parted.get(block.name)
        return self.objects.get(block.offset) == block if record is None else not record.lost

    def pin(self, place: int) -> None:
        """Do not give this room to anybody else for a while, even if it is freed."""
        self.pinned[place] = self.pinned.get(place, 0) + 1

    def unpin(self, place: int) -> None:
        """The opposite, once for each."""
        self.pinned[place] -= 1
        if not self.pinned[place]:
            del self.pinned[place]
            if self.parting.pop(place, self) is None:
                self.allocator.free(place)
                self._serve_line()

    def on_adopted(self, owner: WorkerID, names: tuple[BlockName, ...]) -> None:
        """The owner has heard of blocks written for it."""
        for name in names:
            if self.is_home(name) and self.unheard.pop(name[0], None) is not None:
                self.copies.setdefault(name[1], self.objects[name[0]])
            elif self.fallback.unheard.pop(name, None) is not None:
                size = self.spilling.parted[name].copy.size - HEADER_BYTES
                self.copies.setdefault(name[1], Block(self.me, name[0], size, name[1]))

    def on_freed(self, sender: WorkerID, names: tuple[BlockName, ...]) -> None:
        """The owner no longer needs them (or the writer never told him)."""
        for name in names:
            if self._may_free(sender, name):
                self._release(name)
            elif self.spilling.given_up.pop(name, None) is None:  # else it has gone already
                self.fallback.abandon(name, sender)
        self._serve_line()

    def on_parted(self, owner: WorkerID, message: CopyParted) -> None:
        """The owner does not take it for a copy any more: it goes when nobody looks at it, or is freed with its object."""
        block = message.block
        if self._may_free(owner, block.name):
            if self.copies.get(block.object) == block:
                del self.copies[block.object]
            self.spilling.give_up(block.name, owner)

    def on_doubted(self, sender: WorkerID, names: tuple[BlockName, ...]) -> None:
        """The owner no longer needs them, but others may: a process has died that had lent them on."""
        for name in names:
            if self._may_free(sender, name):
                self.reclamation.doubt(name)
            else:
                self.spilling.given_up.pop(name, None)

    def _may_free(self, sender: WorkerID, name: BlockName) -> bool:
        if not self.is_home(name):
            is_here = name in self.spilling.parted
            return is_here and sender in (self._owner(name), self.fallback.unheard.get(name))
        return self.owners[name[0]] == sender or self.unheard.get(name[0]) == sender

    def _owner(self, name: BlockName) -> WorkerID:
        record = self.spilling.parted.get(name)
        return self.owners[name[0]] if record is None else record.owner

    def settle(self, owner: WorkerID, writer: WorkerID) -> None:
        """``owner`` knows that ``writer`` is dead. Or the reverse: the writer knows it of the owner."""
        lost = [o for o, w in self.unheard.items() if w == writer and self.owners[o] == owner]
        for offset in lost:
            if offset not in self.reserving:
                self._release(self.objects[offset].name)
        for name in self.fallback.settled(owner, writer):
            self._release(name)
        dead, sender = writer, owner
        self.reclamation.settle(sender, lambda name: self._owner(name) == dead)
        self._serve_line()

    def lose(self, process: WorkerID) -> None:
        """A process is dead. What it was writing for a living owner waits for ``settle``."""
        self.lost[process] = None
        line, self.line = self.line, deque()
        for asker, message, due in line:
            if message.owner == process and asker != process:
                self._refuse(asker, message)
            elif asker != process:
                self.line.append((asker, message, due))
        for offset, owner in self.owners.items():
            if owner == process and offset not in self.reserving:
                writer = self.unheard.pop(offset, None)
                self.reclamation.doubt(self.objects[offset].name, None if writer in self.lost else writer)
        for name, record in self.spilling.parted.items():
            if record.owner == process:
                self.fallback.unheard.pop(name, None)
                self.reclamation.doubt(name)
        self.fallback.lose(process)
        self.spilling.lose(process)
        self.restoring.lose(process)
        self.reclamation.lose(process)
        self._serve_line()

    def join(self, process: WorkerID) -> None:
        """A process begins."""
        self.reclamation.join(process)
        self.spilling.join(process)

    def run(self, processes: Callable[[], Iterable[WorkerID]], now: float) -> None:
        """At the end of each batch of events."""
        self.reclamation.run(processes)
        spilling = self.spilling
        if spilling.batch is not None:
            spilling.advance(now)
        if spilling.given_up and spilling.batch is None:
            spilling.begin_given_up(now, processes)
        wanted = self._wanted(now)
        while wanted and spilling.batch is None:
            if now < spilling.retry_at or not spilling.begin(wanted, now, processes):
                self.restoring.give_up()
                return
            wanted = self._wanted(now)

    def _wanted(self, now: float) -> int:
        """Serve whom there is room for, readers first. Returns how many bytes the next one needs."""
        wanted = self.restoring.run(now) if self.restoring.wants else 0
        if not wanted and self.line:
            self._serve_line()
            wanted = self.line[0][1].size + HEADER_BYTES if self.line else 0
        return wanted

    def _release(self, name: BlockName) -> None:
        copy = self.copies.get(name[1])
        if copy is not None and copy.offset == name[0]:
            del self.copies[name[1]]
        if name in self.spilling.parted:
            self.fallback.unheard.pop(name, None)
            self.restoring.forget(name)
            self.spilling.free(name)
        else:
            self.spilling.forget(name)
            self.part(name)
            self.free_place(name[0])

    def _copy_lost(self, name: BlockName, owner: WorkerID, reason: str) -> None:
        self.copies.pop(name[1], None)
        self._on_lost(name, owner, reason)

    # -- for spilling and restoring -------------------------------------------------------------------------------

    def is_home(self, name: BlockName) -> bool:
        """Whether that block is where it was written, and only there."""
        block = self.objects.get(name[0])
        return block is not None and block.object == name[1]

    def movable(self, name: BlockName, place: int) -> bool:
        """Whether this block, which is at ``place``, may be moved now."""
        heard = place != name[0] or place not in self.unheard
        return heard and not self.is_doubtful(name) and place not in self.pinned

    def is_doubtful(self, name: BlockName) -> bool:
        """Whether everybody is asked for that block."""
        return name in self.reclamation.doubtful

    def part(self, name: BlockName) -> WorkerID:
        """It is not only here any more. Returns its owner."""
        offset = name[0]
        del self.objects[offset]
        self.unheard.pop(offset, None)
        return self.owners.pop(offset)

    def take_place(self, size: int) -> int | None:
        """A range of the arena for a block that comes back."""
        return self.allocator.allocate(size)

    def free_place(self, place: int) -> None:
        """Give a range back, as soon as nobody reads it for another node."""
        if place in self.pinned:
            self.parting[place] = None
        else:
            self.allocator.free(place)

    def drop(self, name: BlockName) -> None:
        """Forget a block that was given up, and its place."""
        self.part(name)
        self.free_place(name[0])

    def capacity(self) -> int:
        """Of the arena in bytes."""
        return self.allocator.capacity_bytes

    def _serve_line(self) -> None:
        while self.line:
            asker, message, _ = self.line[0]
            if not self._try(asker, message):
                return
            self.line.popleft()

    def on_time(self, now: float) -> None:
        """Let those who have waited too long write to disk, or refuse them."""
        self._serve_line()
        while self.line:
            asker, message, due = self.line[0]
            falls_back = now >= self._fallback_due() and self.fallback.begin(asker, message, now)
            if not falls_back:
                if now < self._refusal(due):
                    return
                self._refuse(asker, message)
            self.line.popleft()

    def _fallback_due(self) -> float:
        """When the first in line need not wait for room any more; what a pull brings comes to memory."""
        asker, _, due = self.line[0]
        if self.spilling.batch is not None or asker == self.me:
            return inf
        waited = max(due - self.patience_s, self.spilling.progressed_at) + self.fallback_s
        return max(waited, self.spilling.files.usable_at())

    def next_wakeup(self) -> float | None:
        """When the first in line loses patience, or what was given up is looked at again."""
        restoring = self.restoring.next_wakeup() or inf
        if self.spilling.given_up:
            restoring = min(restoring, self.spilling.next_look())
        if not self.line:
            return restoring if restoring < inf else None
        retry_at = self.spilling.retry_at if self.spilling.batch is None else inf
        return min(self._refusal(self.line[0][2]), self._fallback_due(), restoring, retry_at)

    def _refusal(self, due: float) -> float:
        """When who is due at that time is really refused: not while room is being made."""
        batch = self.spilling.batch
        if batch is not None:
            return max(due, batch.began + self.stall_s)
        return max(due, self.spilling.progressed_at + self.patience_s)

    def check(self) -> None:
        """OD8: every block has an owner; the allocator agrees."""
        self.allocator.check()
        assert all(offset in self.owners for offset in self.unheard)
        assert self.objects.keys() == self.owners.keys()
        known = [name for name in self.reclamation.doubtful if not self.is_home(name)]
        assert all(name in self.spilling.parted for name in known), known
        places = [record.place for record in self.spilling.parted.values() if record.place != NO_PLACE]
        places += self.restoring.reading.values()
        assert len({*places, *self.owners}) == len(places) + len(self.owners), "two blocks at one place"
        self.reclamation.check()
        for copy in self.copies.values():
            assert self.holds(copy), copy
        assert all(place in self.pinned and place not in self.owners for place in self.parting)
        self.spilling.check()
        self.restoring.check()
        self.fallback.check()
