"""Which large arguments a driver passes by value again and again, though they could be stored once.

    submit(f, data) --large? no--> nothing
                       | yes: it has been copied into the store just now, a block of its own
                       +--> its mark is compared with those that this line has passed before --> counted in the ledger

A mark is the size and a checksum of a few small pieces, so that it costs microseconds beside a copy that costs many.
"""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence

from gnomon._core.ledger import Ledger
from gnomon._messages.tasks import Provenance
from gnomon._wire.pickling_frames import Serialized

SITES_MAX = 1_000
"""Lines of the notebook that are remembered; the newest."""

_MARKS_MAX = 16
"""Different arguments that a line is remembered to have passed."""

_PIECE_BYTES = 1024
_LENGTH_MARGIN_BYTES = 64
"""What small arguments beside a large one may change in the length of a pickle."""

Mark = tuple[int, int, int]
Key = tuple[str, str, int, str]


class LargeArguments:
    """Of one driver. Called in the thread that submits, after the value was copied."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._marks: dict[Key, list[tuple[Mark, list[int]]]] = {}

    def note(self, name: str, provenance: Provenance | None, serialized: Serialized) -> None:
        """A call of ``name`` was given so large arguments that they became an object of their own."""
        if provenance is None:
            return  # not submitted in a notebook: nobody to tell
        key = (provenance.cell, provenance.label, provenance.line, name)
        mark = mark_of(serialized.inband, serialized.buffers)
        with self._lock:
            self._count(key, mark)

    def _count(self, key: Key, mark: Mark) -> None:
        marks = self._marks.setdefault(key, [])
        if len(self._marks) > SITES_MAX:
            oldest = next(iter(self._marks))
            del self._marks[oldest]
            self._ledger.repeated.pop(oldest, None)
        for known, counted in marks:
            if same(known, mark):
                counted[1] += 1
                self._ledger.repeated[key] = counted
                return
        marks.append((mark, [mark[0], 1]))
        if len(marks) > _MARKS_MAX:
            del marks[0]


def mark_of(inband: bytes, buffers: Sequence[memoryview]) -> Mark:
    """Size in bytes of the largest part, and a checksum of its start and of its end."""
    largest = max(buffers, key=lambda each: each.nbytes, default=None)
    if largest is None or largest.nbytes < len(inband):
        return len(inband), zlib.crc32(inband[:_PIECE_BYTES]), zlib.crc32(inband[-_PIECE_BYTES:])
    middle = largest.nbytes // 2
    start = zlib.crc32(largest[middle : middle + _PIECE_BYTES], zlib.crc32(largest[:_PIECE_BYTES]))
    return largest.nbytes, start, zlib.crc32(largest[-_PIECE_BYTES:], start)


def same(one: Mark, other: Mark) -> bool:
    """Whether two marks are of the same value: what stands beside it may change one end of a pickle."""
    if abs(one[0] - other[0]) > _LENGTH_MARGIN_BYTES:
        return False
    return one[1] == other[1] or one[2] == other[2]
