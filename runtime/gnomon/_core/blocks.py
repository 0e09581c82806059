"""Blocks: who has which range of a node's arena.

    asked ----> RESERVING ----> WRITTEN BY writer, FOR owner ----> ADOPTED ----> freed
                   (pages)        (same process: at once)        (owner has heard of it)

A block belongs to its object's owner from the start. If the writer dies before the owner has heard of the
block, nobody will ever name it: it is freed once the owner has told that it knows of the death (``settle``),
because only then can no late message of the writer name it any more.

If the owner dies, readers may still look at its blocks: everybody is asked (``BlocksOrphaned``), and a block
is free when all have answered and nobody uses it any more. A block whose owner dies before this node knows
that he has heard of it may also still be being written: it waits for its writer too, until that one has told
that it knows of the death and writes no more (``settle`` again). Nothing is given out for an owner who is
dead.

Requests that find no room wait in line and are refused after ``patience_s``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from gnomon._core.effects import Effects, ReserveBlock
from gnomon._messages.objects import BlockAsked, BlockGiven, BlockRefused, BlocksOrphaned
from gnomon.ids import WorkerID


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


class _Orphans:
    """Blocks of a dead owner.

    Attributes:
        asked: processes that have not answered yet.
        pins: per block, the processes that use it.
        writers: the process that may still be writing a block.
    """

    __slots__ = ("asked", "pins", "writers")

    def __init__(self, asked: dict[WorkerID, None], offsets: list[int], writers: dict[int, WorkerID]) -> None:
        self.asked = asked
        self.pins: dict[int, dict[WorkerID, None]] = {offset: {} for offset in offsets}
        self.writers = writers

    def stop_writing(self, process: WorkerID) -> None:
        """That process writes none of them any more."""
        for offset in [offset for offset, writer in self.writers.items() if writer == process]:
            del self.writers[offset]


class BlockMachine:
    """All blocks of a node."""

    def __init__(self, effects: Callable[[], Effects], allocator: Allocator, patience_s: float = 2.0) -> None:
        self._effects = effects
        self.allocator = allocator
        self.patience_s = patience_s
        self.owners: dict[int, WorkerID] = {}
        self.unheard: dict[int, WorkerID] = {}
        self.reserving: dict[int, None] = {}
        self.line: deque[tuple[WorkerID, BlockAsked, float]] = deque()
        self.lost: dict[WorkerID, None] = {}
        self.orphans: dict[WorkerID, _Orphans] = {}

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
            refusal = BlockRefused(request, size, used, self.allocator.capacity_bytes)
            self._effects().send(asker, refusal)
        elif asker in self.lost:
            self._release(offset)
        else:
            self._effects().send(asker, BlockGiven(request, offset))

    def _refuse(self, asker: WorkerID, message: BlockAsked) -> None:
        allocator = self.allocator
        self._effects().send(
            asker,
            BlockRefused(message.request, message.size, allocator.used_bytes, allocator.capacity_bytes),
        )

    def on_adopted(self, owner: WorkerID, offsets: tuple[int, ...]) -> None:
        """The owner has heard of blocks written for it."""
        for offset in offsets:
            self.unheard.pop(offset, None)

    def on_freed(self, sender: WorkerID, offsets: tuple[int, ...]) -> None:
        """The owner no longer needs them (or the writer never told him)."""
        for offset in offsets:
            if self.owners.get(offset) == sender or self.unheard.get(offset) == sender:
                self._release(offset)
        self._serve_line()

    def settle(self, owner: WorkerID, writer: WorkerID) -> None:
        """``owner`` knows that ``writer`` is dead. Or the reverse: the writer knows it of the owner."""
        for offset in [o for o, w in self.unheard.items() if w == writer and self.owners[o] == owner]:
            self._release(offset)
        dead, sender = writer, owner
        orphans = self.orphans.get(dead)
        if orphans is not None:
            orphans.stop_writing(sender)
            self._free_orphans(dead)
        self._serve_line()

    def lose(self, process: WorkerID, others: list[WorkerID]) -> None:
        """A process is dead. What it was writing for a living owner waits for ``settle``."""
        self.lost[process] = None
        line, self.line = self.line, deque()
        for asker, message, due in line:
            if message.owner == process and asker != process:
                self._refuse(asker, message)
            elif asker != process:
                self.line.append((asker, message, due))
        for owner in list(self.orphans):
            self._drop_pins(owner, process)
        mine = [
            offset
            for offset, owner in self.owners.items()
            if owner == process and offset not in self.reserving
        ]
        if mine:
            writers = {offset: self.unheard.pop(offset) for offset in mine if offset in self.unheard}
            orphans = self.orphans[process] = _Orphans(dict.fromkeys(others), mine, writers)
            for writer in [writer for writer in writers.values() if writer in self.lost]:
                orphans.stop_writing(writer)
            for other in others:
                self._effects().send(other, BlocksOrphaned(process, tuple(mine)))
            self._free_orphans(process)
        self._serve_line()

    def on_pinned(self, process: WorkerID, owner: WorkerID, offsets: tuple[int, ...]) -> None:
        """A process says which blocks of a dead owner it still uses."""
        orphans = self.orphans.get(owner)
        if orphans is not None:
            orphans.asked.pop(process, None)
            for offset in offsets:
                if offset in orphans.pins:
                    orphans.pins[offset][process] = None
            self._free_orphans(owner)
            self._serve_line()

    def on_unpinned(self, process: WorkerID, offsets: tuple[int, ...]) -> None:
        """It no longer does."""
        for owner, orphans in list(self.orphans.items()):
            for offset in offsets:
                orphans.pins.get(offset, {}).pop(process, None)
            self._free_orphans(owner)
        self._serve_line()

    def _drop_pins(self, owner: WorkerID, process: WorkerID) -> None:
        orphans = self.orphans[owner]
        orphans.asked.pop(process, None)
        orphans.stop_writing(process)
        for pins in orphans.pins.values():
            pins.pop(process, None)
        self._free_orphans(owner)

    def _free_orphans(self, owner: WorkerID) -> None:
        orphans = self.orphans[owner]
        if orphans.asked:
            return
        free = [offset for offset, pins in orphans.pins.items() if not pins and offset not in orphans.writers]
        for offset in free:
            del orphans.pins[offset]
            self._release(offset)
        if not orphans.pins:
            del self.orphans[owner]

    def _release(self, offset: int) -> None:
        del self.owners[offset]
        self.unheard.pop(offset, None)
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
