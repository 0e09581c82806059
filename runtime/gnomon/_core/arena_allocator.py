"""ArenaAllocator: which bytes of a node's shared-memory arena are in use. It knows offsets, not memory.

Free blocks lie in bins by size: 16 bins for every power of two, so that the sizes in a bin differ by at most
1/16; within a bin they are sorted by size, the most recently freed first among equals. A request takes the
smallest block that fits, at its low end: recently used memory is mapped already and often cached (a reused
block takes a copy at memory speed, a fresh page costs ten times that), and the never-used rest of the arena
is one large block at the high end, which is taken last. Neighbouring free blocks are always merged.

Costs: a search is two bisections and one step over a bit mask; adding to a bin moves the pointers behind the
place, which for 10,000 blocks of one size is about 2 us.
"""

from __future__ import annotations

from bisect import bisect_left, insort

from gnomon.exceptions import InternalError

GRANULE_BYTES = 4096
"""Blocks begin and end on pages, so that two objects never share one. Objects in the arena are large."""

_SPLIT_BITS = 4
"""2**4 bins per power of two."""

_Entry = tuple[int, int, int]
"""(size, minus the moment of freeing, offset): what a bin sorts by."""


class ArenaAllocator:
    """Allocates blocks of an arena.

    Args:
        capacity_bytes: rounded down to whole granules.
        granule_bytes: alignment of offsets and sizes, a power of two; at least 64 keeps buffers aligned.
    """

    def __init__(self, capacity_bytes: int, granule_bytes: int = GRANULE_BYTES) -> None:
        if granule_bytes < 64 or granule_bytes & (granule_bytes - 1):
            raise ValueError(f"granule_bytes must be a power of two of at least 64, not {granule_bytes}.")
        self._granule = granule_bytes
        self.capacity_bytes = capacity_bytes // granule_bytes * granule_bytes
        self.used_bytes = 0
        self._used: dict[int, int] = {}
        self._free: dict[int, _Entry] = {}
        self._free_ends: dict[int, int] = {}
        self._bins: dict[int, list[_Entry]] = {}
        self._filled = 0
        self._moment = 0
        if self.capacity_bytes:
            self._add(0, self.capacity_bytes)

    @property
    def free_bytes(self) -> int:
        """Bytes in no block; they may lie scattered."""
        return self.capacity_bytes - self.used_bytes

    @property
    def largest_free_bytes(self) -> int:
        """The largest request that would succeed now."""
        if not self._filled:
            return 0
        return self._bins[self._filled.bit_length() - 1][-1][0]

    def allocate(self, size: int) -> int | None:
        """The offset of a new block of at least ``size`` bytes, or None when no free block is so large.

        Raises:
            ValueError: ``size`` is not positive.
        """
        if size <= 0:
            raise ValueError(f"a block needs a positive size, not {size}.")
        size = self._rounded(size)
        entry = self._fitting(size)
        if entry is None:
            return None
        found, _, offset = entry
        self._remove(entry)
        if found > size:
            self._add(offset + size, found - size)
        self._used[offset] = size
        self.used_bytes += size
        return offset

    def free(self, offset: int) -> None:
        """Give a block back.

        Raises:
            InternalError: no block begins at ``offset``: it was freed twice, or never given.
        """
        size = self._used.pop(offset, None)
        if size is None:
            raise InternalError(f"the arena has no block at {offset} to free.")
        self.used_bytes -= size
        right = self._free.get(offset + size)
        if right is not None:
            self._remove(right)
            size += right[0]
        left = self._free_ends.get(offset)
        if left is not None:
            entry = self._free[left]
            self._remove(entry)
            offset, size = left, size + entry[0]
        self._add(offset, size)

    def size_of(self, offset: int) -> int:
        """Bytes of the block at ``offset``, rounded up to granules; KeyError when there is none."""
        return self._used[offset]

    def check(self) -> None:
        """The invariants: blocks tile the arena, free ones never touch, and every index agrees.

        Raises:
            InternalError: one of them is broken.
        """
        position, last_was_free = 0, False
        free = {offset: entry[0] for offset, entry in self._free.items()}
        for offset, size in sorted([*self._used.items(), *free.items()]):
            is_free = offset in free
            if offset != position or size <= 0 or size % self._granule:
                raise InternalError(
                    f"the arena's block at {offset} of {size} bytes should begin at {position}."
                )
            if is_free and last_was_free:
                raise InternalError(f"the arena's free block at {offset} was not merged with its neighbour.")
            position, last_was_free = offset + size, is_free
        binned = sorted(entry for entries in self._bins.values() for entry in entries)
        filled = sum(1 << number for number, entries in self._bins.items() if entries)
        agreed = (
            position == self.capacity_bytes
            and sum(self._used.values()) == self.used_bytes
            and binned == sorted(self._free.values())
            and filled == self._filled
            and self._free_ends == {offset + size: offset for offset, size in free.items()}
            and all(_bin(entry[0]) == number for number, bin_ in self._bins.items() for entry in bin_)
        )
        if not agreed:
            raise InternalError("the arena's indices disagree about what is free.")

    def _rounded(self, size: int) -> int:
        return (size + self._granule - 1) & -self._granule

    def _fitting(self, size: int) -> _Entry | None:
        """The smallest free block of at least ``size``; the most recently freed among equals."""
        number = _bin(size)
        entries = self._bins.get(number)
        if entries:
            place = bisect_left(entries, (size,))
            if place < len(entries):
                return entries[place]
        larger = self._filled >> (number + 1)
        if not larger:
            return None
        return self._bins[number + (larger & -larger).bit_length()][0]

    def _add(self, offset: int, size: int) -> None:
        self._moment += 1
        entry = (size, -self._moment, offset)
        self._free[offset] = entry
        self._free_ends[offset + size] = offset
        number = _bin(size)
        insort(self._bins.setdefault(number, []), entry)
        self._filled |= 1 << number

    def _remove(self, entry: _Entry) -> None:
        size, _, offset = entry
        del self._free[offset]
        del self._free_ends[offset + size]
        number = _bin(size)
        entries = self._bins[number]
        del entries[bisect_left(entries, entry)]
        if not entries:
            del self._bins[number]
            self._filled &= ~(1 << number)


def _bin(size: int) -> int:
    """Number of the bin for ``size``: 16 to a power of two, growing with the size."""
    exponent = size.bit_length() - 1
    return (exponent << _SPLIT_BITS) | ((size >> (exponent - _SPLIT_BITS)) - (1 << _SPLIT_BITS))
