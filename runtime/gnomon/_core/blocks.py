"""Blocks: who has which range of a node's arena.

    asked ----> RESERVING ----> WRITTEN BY writer, FOR owner ----> ADOPTED ----> freed
                   (pages)        (same process: at once)        (owner has heard of it)

A block belongs to its object's owner from the start. If the writer dies before the owner has heard of the
block, nobody will ever name it: it is freed once the owner has told that it knows of the death (``settle``),
because only then can no late message of the writer name it any more.

If the owner dies, readers may still look at its blocks, and a writer may still be writing one: they are
doubtful (``reclamation``). So are those whose owner says so: one of their holders has died. Nothing is given out
for an owner who is dead.

Requests that find no room wait in line and are refused after ``patience_s``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from gnomon._core.effects import Effects, ReserveBlock
from gnomon._core.reclamation import ReclamationMachine
from gnomon._messages.base import Block
from gnomon._messages.objects import NOWHERE, BlockAsked, BlockGiven, BlockRefused
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
        pinned: readers at other nodes by offset; a pinned block that is freed is ``parting`` until it is unpinned.
        on_room: answers ``reserve`` with the request's number and an offset (None: there is no room).
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        allocator: Allocator,
        patience_s: float = 2.0,
        me: WorkerID = NOWHERE,
    ) -> None:
        self._effects = effects
        self.me = me
        self.on_room: Callable[[int, int | None], None] = _no_room_wanted
        self.objects: dict[int, Block] = {}
        self.copies: dict[ObjectID, Block] = {}
        self.pinned: dict[int, int] = {}
        self.parting: dict[int, None] = {}
        self.allocator = allocator
        self.patience_s = patience_s
        self.owners: dict[int, WorkerID] = {}
        self.unheard: dict[int, WorkerID] = {}
        self.reserving: dict[int, None] = {}
        self.line: deque[tuple[WorkerID, BlockAsked, float]] = deque()
        self.lost: dict[WorkerID, None] = {}
        self.reclamation = ReclamationMachine(effects, self._release)

    def on_asked(self, asker: WorkerID, message: BlockAsked, now: float) -> None:
        """Room is wanted."""
        if message.size > self.allocator.capacity_bytes or message.owner in self.lost:
            self._refuse(asker, message)
        elif self.line or not self._try(asker, message):
            self.line.append((asker, message, now + self.patience_s))

    def _try(self, asker: WorkerID, message: BlockAsked) -> bool:
        offset = self.allocator.allocate(message.size)
        if offset is None:
            return False
        self.owners[offset] = message.owner
        self.objects[offset] = Block(self.me, offset, message.size, message.object)
        if message.owner != asker:
            self.unheard[offset] = asker
        self.reserving[offset] = None
        self._effects().do(ReserveBlock(message.request, asker, offset, message.size))
        return True

    def on_reserved(self, request: int, asker: WorkerID, offset: int, failed: bool) -> None:
        """The shell has really allocated the pages, or the machine is out of memory."""
        self.reserving.pop(offset, None)
        if failed or (asker not in self.lost and self.owners[offset] in self.lost):
            self._release(offset)
            size, used = 0, self.allocator.used_bytes
            self._answer(asker, BlockRefused(request, size, used, self.allocator.capacity_bytes), None)
        elif asker in self.lost:
            self._release(offset)
        else:
            self._answer(asker, BlockGiven(request, offset), offset)

    def _refuse(self, asker: WorkerID, message: BlockAsked) -> None:
        allocator = self.allocator
        refusal = BlockRefused(message.request, message.size, allocator.used_bytes, allocator.capacity_bytes)
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
        self._release(offset)
        self._serve_line()

    def adopt_copy(self, copy: Block, owner: WorkerID) -> None:
        """It has brought the value, and now it is the owner's to free; or nobody's, if the owner is dead."""
        self.owners[copy.offset] = owner
        self.copies[copy.object] = copy
        if owner in self.lost:
            self.reclamation.doubt(copy.offset)

    def copy_of(self, identity: ObjectID) -> Block | None:
        """Where a value lies here, whole, if it does."""
        return self.copies.get(identity)

    def holds(self, block: Block) -> bool:
        """Whether that value lies there (and not somebody else's, since it was freed)."""
        return self.objects.get(block.offset) == block

    def pin(self, offset: int) -> None:
        """Do not give this room to anybody else for a while, even if it is freed."""
        self.pinned[offset] = self.pinned.get(offset, 0) + 1

    def unpin(self, offset: int) -> None:
        """The opposite, once for each."""
        self.pinned[offset] -= 1
        if not self.pinned[offset]:
            del self.pinned[offset]
            if self.parting.pop(offset, self) is None:
                self.allocator.free(offset)
                self._serve_line()

    def on_adopted(self, owner: WorkerID, offsets: tuple[int, ...]) -> None:
        """The owner has heard of blocks written for it."""
        for offset in offsets:
            if self.unheard.pop(offset, None) is not None:
                block = self.objects[offset]
                self.copies.setdefault(block.object, block)

    def on_freed(self, sender: WorkerID, offsets: tuple[int, ...]) -> None:
        """The owner no longer needs them (or the writer never told him)."""
        for offset in offsets:
            if self._may_free(sender, offset):
                self._release(offset)
        self._serve_line()

    def on_doubted(self, sender: WorkerID, offsets: tuple[int, ...]) -> None:
        """The owner no longer needs them, but others may: a process has died that had lent them on."""
        for offset in offsets:
            if self._may_free(sender, offset):
                self.reclamation.doubt(offset)

    def _may_free(self, sender: WorkerID, offset: int) -> bool:
        return self.owners.get(offset) == sender or self.unheard.get(offset) == sender

    def settle(self, owner: WorkerID, writer: WorkerID) -> None:
        """``owner`` knows that ``writer`` is dead. Or the reverse: the writer knows it of the owner."""
        lost = [o for o, w in self.unheard.items() if w == writer and self.owners[o] == owner]
        for offset in lost:
            if offset not in self.reserving:
                self._release(offset)
        dead, sender = writer, owner
        self.reclamation.settle(sender, lambda offset: self.owners[offset] == dead)
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
                self.reclamation.doubt(offset, None if writer in self.lost else writer)
        self.reclamation.lose(process)
        self._serve_line()

    def run(self, processes: Callable[[], Iterable[WorkerID]]) -> None:
        """At the end of each batch of events."""
        self.reclamation.run(processes)
        self._serve_line()

    def _release(self, offset: int) -> None:
        del self.owners[offset]
        self.unheard.pop(offset, None)
        block = self.objects.pop(offset)
        if self.copies.get(block.object) == block:
            del self.copies[block.object]
        if offset in self.pinned:
            self.parting[offset] = None
        else:
            self.allocator.free(offset)

    def _serve_line(self) -> None:
        while self.line:
            asker, message, _ = self.line[0]
            if not self._try(asker, message):
                return
            self.line.popleft()

    def on_time(self, now: float) -> None:
        """Refuse those who have waited too long."""
        while self.line and now >= self.line[0][2]:
            asker, message, _ = self.line.popleft()
            self._refuse(asker, message)
        self._serve_line()

    def next_wakeup(self) -> float | None:
        """When the first in line loses patience."""
        return self.line[0][2] if self.line else None

    def check(self) -> None:
        """OD8: every block has an owner; the allocator agrees."""
        self.allocator.check()
        assert all(offset in self.owners for offset in self.unheard)
        assert all(offset in self.owners for offset in self.reclamation.doubtful)
        self.reclamation.check()
        assert self.objects.keys() == self.owners.keys()
        assert all(self.objects[copy.offset] == copy for copy in self.copies.values())
        assert all(offset in self.pinned and offset not in self.owners for offset in self.parting)
