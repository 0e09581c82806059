"""Spill files: which values are in which file of which directory. It knows names, not disks.

    opened (a path, some values to come) ----> written ----> each value freed ----> deleted with the last

Directories are used in turn. One that fails is left alone for a while; the others are used meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import msgspec

MIN_BYTES = 100 * 2**20
"""So much is spilled at a time if there is so much (but no more than a quarter of the arena), and shares a file. As in
Ray."""


class Copy(msgspec.Struct, frozen=True, gc=False):
    """A block's bytes in a file, header and value.

    Attributes:
        crcs: zlib's crc32 of each of the value's chunks, as they travel between nodes.
    """

    file: int
    position: int
    size: int
    crcs: tuple[int, ...]


class SpillFile(msgspec.Struct, gc=False, eq=False):
    """One file.

    Attributes:
        values: how many in it are not freed.
        readers: how often it is being read for other nodes.
    """

    directory: str
    path: str
    values: int = 0
    readers: int = 0


class SpillFiles:
    """All files of a node.

    Args:
        directories: of this node alone; none: nothing can be spilled.
        rest_s: how long a directory that has failed is not used.
        min_bytes: see MIN_BYTES.
    """

    def __init__(
        self, directories: Sequence[str] = (), rest_s: float = 10.0, min_bytes: int = MIN_BYTES
    ) -> None:
        self.rest_s = rest_s
        self.min_bytes = min_bytes
        self.files: dict[int, SpillFile] = {}
        self.error = ""
        self._resting: dict[str, float] = dict.fromkeys(directories, 0.0)
        self._turn = 0
        self._number = 0

    def usable(self, now: float) -> bool:
        """Whether some directory may be written to."""
        return any(until <= now for until in self._resting.values())

    def usable_at(self) -> float:
        """From when on; never without any directory."""
        return min(self._resting.values(), default=inf)

    def open(self, now: float) -> int:
        """A new file in the next directory; ``usable`` must hold."""
        directories = [name for name, until in self._resting.items() if until <= now]
        directory = directories[self._turn % len(directories)]
        self._turn += 1
        self._number += 1
        self.files[self._number] = SpillFile(directory, f"{directory}/{self._number:08d}")
        return self._number

    def fail(self, number: int, error: str, now: float) -> None:
        """It could not be written."""
        file = self.files.pop(number)
        self._resting[file.directory] = now + self.rest_s
        self.error = error

    def keep(self, number: int) -> None:
        """One more value in it is needed."""
        self.files[number].values += 1

    def drop(self, number: int) -> str:
        """One fewer. Returns the path of a file that nobody needs any more, or ""."""
        self.files[number].values -= 1
        return self._unneeded(number)

    def begin_reading(self, number: int) -> None:
        """It stays until ``end_reading``."""
        self.files[number].readers += 1

    def end_reading(self, number: int) -> str:
        """Once for each ``begin_reading``; returns what ``drop`` does."""
        self.files[number].readers -= 1
        return self._unneeded(number)

    def _unneeded(self, number: int) -> str:
        file = self.files[number]
        if file.values or file.readers:
            return ""
        del self.files[number]
        return file.path

    def discard(self, number: int) -> str:
        """Nobody needs it. Returns its path."""
        return self.files.pop(number).path
