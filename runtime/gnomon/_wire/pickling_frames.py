"""Frames: how a pickled value lies in one run of bytes, in a message or in the shared-memory arena.

    small:    kind u1 | pickle bytes
    framed:   kind u1 (with FRAMED set) | 3 pad | count u4 | pickle size u8 | count x size u8 | pickle bytes |
              each buffer, at a multiple of 64 bytes from the start

Integers are little endian. A value without out-of-band buffers is small, any other is framed. The rule for a
changer: a framed blob may be read from memory that other processes map, so nothing in it may point outside
it, and buffers keep their alignment, which NumPy's and Arrow's vector code wants.
"""

from __future__ import annotations

import struct
from typing import Final

from gnomon._messages.failures import FAILURE_KIND, RAISED_KIND
from gnomon._wire.copying import copy_into
from gnomon.ids import ObjectID

VALUE: Final = 0
ERROR: Final = RAISED_KIND
"""An exception of the user's, never framed: see ``pickling_errors``."""
RAW: Final = 2
"""A large ``bytes`` object, always framed: no pickle, one buffer."""
FAILURE: Final = FAILURE_KIND
"""An error that the runtime made, never framed and without pickle: see ``gnomon._messages.failures``."""
POSITIONAL: Final = 4
"""Arguments of a call: the pickled tuple of positional ones; no keywords, no dependencies."""
CALL: Final = 5
"""Arguments of a call: pickled (positional list, keywords, slots)."""
EMPTY: Final = 6
"""Arguments of a call: none."""
RAW_ARRAY: Final = 7
"""A large ``bytearray``, as RAW."""
FRAMED: Final = 0x80
KIND_MASK: Final = 0x7F

BUFFER_ALIGNMENT: Final = 64
"""Bytes: a cache line, and what Arrow asks of its buffers."""

_HEAD = struct.Struct("<B3xIQ")


class Serialized:
    """A value taken apart: the pickle, the large buffers it refers to (not yet copied), the refs inside.

    Attributes:
        kind: one of the constants of this module, without FRAMED.
        inband: the pickle.
        buffers: contiguous byte views of the value's own memory; it must not change until they are copied.
        contained: ids of the references inside the value, each once, in the order of first sight.
        total_bytes: size of the blob that this becomes.
    """

    __slots__ = ("buffers", "contained", "inband", "kind", "total_bytes")

    def __init__(
        self, kind: int, inband: bytes, buffers: list[memoryview], contained: list[ObjectID]
    ) -> None:
        self.kind = kind
        self.inband = inband
        self.buffers = buffers
        self.contained = contained
        self.total_bytes = _framed_bytes(inband, buffers) if buffers else 1 + len(inband)

    def to_bytes(self) -> bytes:
        """The blob."""
        if not self.buffers:
            return _KIND_BYTES[self.kind] + self.inband
        sizes = [buffer.nbytes for buffer in self.buffers]
        pieces: list[bytes | memoryview] = [
            _HEAD.pack(self.kind | FRAMED, len(sizes), len(self.inband)),
            struct.pack(f"<{len(sizes)}Q", *sizes),
            self.inband,
        ]
        position = _HEAD.size + 8 * len(sizes) + len(self.inband)
        for buffer, size in zip(self.buffers, sizes, strict=True):
            start = _aligned(position)
            pieces += (bytes(start - position), buffer)
            position = start + size
        return b"".join(pieces)

    def write_into(self, target: memoryview) -> None:
        """Write the blob to the start of ``target``, a writable byte view of at least ``total_bytes``.

        Large buffers are copied without the GIL.

        Raises:
            ValueError: ``target`` is too small.
        """
        if target.nbytes < self.total_bytes:
            raise ValueError(f"{self.total_bytes} bytes do not fit into {target.nbytes}.")
        if not self.buffers:
            target[0] = self.kind
            copy_into(target, 1, self.inband)
            return
        sizes = [buffer.nbytes for buffer in self.buffers]
        _HEAD.pack_into(target, 0, self.kind | FRAMED, len(sizes), len(self.inband))
        struct.pack_into(f"<{len(sizes)}Q", target, _HEAD.size, *sizes)
        start = _HEAD.size + 8 * len(sizes)
        copy_into(target, start, self.inband)
        position = start + len(self.inband)
        for buffer, size in zip(self.buffers, sizes, strict=True):
            position = _aligned(position)
            copy_into(target, position, buffer)
            position += size


_KIND_BYTES = [bytes((kind,)) for kind in range(RAW_ARRAY + 1)]


def split(blob: bytes | memoryview) -> tuple[bytes | memoryview, list[memoryview]]:
    """The pickle and the buffers of a blob, as slices of it; the buffers are read-only.

    Raises:
        ValueError: the blob is cut short.
    """
    if not blob[0] & FRAMED:
        return blob[1:], []
    view = memoryview(blob).toreadonly()
    _, count, inband_bytes = _HEAD.unpack_from(view)
    sizes = struct.unpack_from(f"<{count}Q", view, _HEAD.size)
    start = _HEAD.size + 8 * count
    position = start + inband_bytes
    inband = view[start:position]
    buffers = []
    for size in sizes:
        position = _aligned(position)
        buffers.append(view[position : position + size])
        position += size
    if position > view.nbytes:
        raise ValueError(f"a blob of {position} bytes was cut short to {view.nbytes}.")
    return inband, buffers


def _aligned(position: int) -> int:
    return (position + BUFFER_ALIGNMENT - 1) & -BUFFER_ALIGNMENT


def _framed_bytes(inband: bytes, buffers: list[memoryview]) -> int:
    position = _HEAD.size + 8 * len(buffers) + len(inband)
    for buffer in buffers:
        position = _aligned(position) + buffer.nbytes
    return position
