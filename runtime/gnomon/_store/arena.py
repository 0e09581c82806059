"""Arena: a node's shared memory, mapped once by each process and read without copying.

    node       create_memfd(capacity)  ->  the fd is inherited by every process of the node
    anybody    Arena(fd, capacity)         one sparse MAP_SHARED mapping, kept until the process ends
    node       reserve(offset, size)       pages exist before anybody writes: a full machine is an OSError
    writer     write(offset, value)        one pass; large buffers are copied without the GIL
    writer     write_header(place, object) whose value lies behind it
    reader     bears(place, object)        whether it does
    reader     view(offset, size, done)    read-only; ``done`` runs when the last array over it is gone

The memory has no name: it vanishes with the last process that holds it, however that process ends. Who may
use which bytes is decided elsewhere (``gnomon._core.arena_allocator``). The rule for a changer: the mapping
is never moved or closed under a view; ``close`` leaves it to the garbage collector while views are out.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
import tempfile
import warnings
import weakref
from collections.abc import Callable
from typing import Any, Protocol

_CHUNK_BYTES = 1 << 20
"""Pages are made 1 MiB at a time: one system call for many small objects, and at most 1 MiB too many."""
_MADV_POPULATE_READ = 22
"""Linux 5.14; Python's mmap has no name for it. Where the system does not know it, nothing happens."""


def _unknown(*_arguments: Any) -> int:
    return -1


_madvise: Callable[..., int] = _unknown
_mincore: Callable[..., int] = _unknown
_mremap: Callable[..., int | None] | None = None
_mmap: Callable[..., int | None] = _unknown
if sys.platform == "linux":
    _libc = ctypes.CDLL(None)  # its functions run without the GIL, which mmap.madvise keeps
    _libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    _libc.mincore.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
    _libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)
    _libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
    _libc.mmap.restype = _libc.mremap.restype = ctypes.c_void_p
    _madvise, _mincore, _mremap, _mmap = _libc.madvise, _libc.mincore, _libc.mremap, _libc.mmap

_MREMAP_MAYMOVE_FIXED = 1 | 2
_FAILED = ctypes.c_void_p(-1).value

_NO_HEADER = bytes(64)
"""Ids are shorter, and what follows begins at a multiple of 64 as buffers should."""

EXTRA_BYTES = 1 << 20
"""An arena is so much larger than what the user asks for: an object as large as the store has a header and what
pickling adds, and the progress page has its place, too."""


class Writable(Protocol):
    """A value that is ready to be laid out in memory."""

    total_bytes: int

    def write_into(self, target: memoryview) -> None:
        """Write ``total_bytes`` bytes to the start of ``target``."""
        ...


def create_memfd(capacity_bytes: int, directory: str | None = None) -> int:
    """A file descriptor of nameless shared memory, sparse, close-on-exec; the caller owns it.

    Args:
        capacity_bytes: its size.
        directory: where a nameless file is made instead if the system gives no such memory; it is slower.

    Raises:
        OSError: the system refuses both.
    """
    try:
        return _sized(os.memfd_create("gnomon-arena", os.MFD_CLOEXEC), capacity_bytes)
    except (AttributeError, OSError) as error:
        if not isinstance(error, AttributeError):
            warnings.warn(
                f"This system gives no shared memory of {capacity_bytes:,} bytes ({error}): the object store is a file in "
                f"{directory or tempfile.gettempdir()}, which is slower.",
                stacklevel=2,
            )
    fd, path = tempfile.mkstemp(prefix="gnomon-arena-", dir=directory)
    os.unlink(path)
    return _sized(fd, capacity_bytes)


def _sized(fd: int, capacity_bytes: int) -> int:
    try:
        os.ftruncate(fd, capacity_bytes)
    except BaseException:
        os.close(fd)
        raise
    return fd


class Arena:
    """The arena as this process sees it.

    Args:
        fd: from :func:`create_memfd`, here or in the parent. It belongs to the arena from now on.
        capacity_bytes: the size it was created with.
    """

    def __init__(self, fd: int, capacity_bytes: int) -> None:
        self.capacity_bytes = capacity_bytes
        self._fd = fd
        self._map = mmap.mmap(fd, capacity_bytes, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._target = memoryview(self._map)
        self._reserved = bytearray(-(-capacity_bytes // _CHUNK_BYTES))
        self._mapped = bytearray(len(self._reserved))

    def fileno(self) -> int:
        """The file descriptor, to be inherited by another process of the node."""
        return self._fd

    def reserve(self, offset: int, size: int) -> None:
        """Make sure that the pages of a block exist, before anybody is told of it. Only the node calls this.

        Raises:
            OSError: the machine has no memory left (``ENOSPC``, ``ENOMEM``); nothing else is lost.
            ValueError: the block does not lie in the arena.
        """
        self._must_hold(offset, size)
        chunk = offset // _CHUNK_BYTES
        end = -(-(offset + size) // _CHUNK_BYTES)
        while (chunk := self._reserved.find(0, chunk, end)) >= 0:
            after = self._reserved.find(1, chunk, end)
            if after < 0:
                after = end
            self._allocate(chunk, after)
            chunk = after

    def write(self, offset: int, value: Writable) -> int:
        """Write a value into a reserved block; returns its size in bytes.

        Raises:
            ValueError: it does not fit between ``offset`` and the end of the arena.
        """
        size = value.total_bytes
        self._must_hold(offset, size)
        if size >= _CHUNK_BYTES:
            self._warm(offset, size)
        with self._target[offset : offset + size] as target:
            value.write_into(target)
        return size

    def write_header(self, place: int, identity: bytes) -> None:
        """Say whose value lies behind the header at ``place``; ``b""`` for nobody's."""
        self._target[place : place + len(_NO_HEADER)] = identity.ljust(len(_NO_HEADER), b"\0")

    def bears(self, place: int, identity: bytes) -> bool:
        """Whether the header at ``place`` says that the value behind it is this object's."""
        return self._map[place : place + len(identity)] == identity

    def window(self, offset: int, size: int) -> memoryview:
        """A writable view of reserved bytes, for what is no object: shared counters, notes.

        Raises:
            ValueError: the bytes do not lie in the arena, or the arena is closed.
        """
        self._must_hold(offset, size)
        return self._target[offset : offset + size]

    def view(self, offset: int, size: int, on_release: Callable[[], None]) -> memoryview:
        """The bytes of a block, read-only and uncopied.

        Args:
            offset: in bytes.
            size: in bytes, at least 1.
            on_release: called once, when the view and all that was made of it (slices, NumPy arrays,
                Arrow buffers) are gone. It may run in any thread, in the middle of any Python code: it must
                be one quick step, like appending to a deque, and may take no lock.

        Raises:
            ValueError: the block does not lie in the arena, or the arena is closed.
        """
        self._must_hold(offset, size)
        span = self._span(offset, size)
        block = (ctypes.c_char * span).from_buffer(self._map, offset)
        weakref.finalize(block, on_release).atexit = False
        return memoryview(block).cast("B").toreadonly()[:size]

    def whose(self, place: int, length: int) -> bytes:
        """What the header at ``place`` says, an id of so many bytes."""
        return self._map[place : place + length]

    def detach(self, offset: int, size: int) -> bool:
        """Give the views of some bytes memory of this process's own, with what is there now: what others write to the arena
        is not seen there from now on. False where the system can not do it.

        Raises:
            ValueError: the bytes do not lie in the arena.
        """
        self._must_hold(offset, size)
        start = offset // mmap.PAGESIZE * mmap.PAGESIZE
        length = -(-(offset + size - start) // mmap.PAGESIZE) * mmap.PAGESIZE
        if _mremap is None:
            return False
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        copy = _mmap(None, length, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0)
        if copy is None or copy == _FAILED:
            return False
        there = ctypes.addressof(ctypes.c_char.from_buffer(self._map, start))
        ctypes.memmove(copy, there, min(length, self.capacity_bytes - start))
        return (
            _mremap(copy, length, length, _MREMAP_MAYMOVE_FIXED, there) == there
        )  # in one step for all readers

    def offset_of(self, address: int) -> int | None:
        """Where in the arena a machine address of this process lies; None if it lies elsewhere."""
        if self._fd < 0:
            return None
        offset = address - ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        return offset if 0 <= offset < self.capacity_bytes else None

    def close(self) -> None:
        """Give the arena up; idempotent. Views that are still out stay valid until they are gone."""
        if self._fd < 0:
            return
        self._target.release()
        os.close(self._fd)
        self._fd = -1
        try:
            self._map.close()
        except BufferError:  # views are out: the mapping ends with the last of them
            pass
        del self._map

    def _warm(self, offset: int, size: int) -> None:
        """Enter a block that was used before, by whomever, into this process's page table before it is written.

        Else the copy does that, with one fault for each page, and takes twice as long: *reading* shared memory
        enters many pages at once, for writing too. Memory that is new gains nothing: it has to be cleared page
        by page. So this matters once in each process that writes into an arena that others have filled.
        """
        chunk = offset // _CHUNK_BYTES
        end = (offset + size) // _CHUNK_BYTES
        while (chunk := self._mapped.find(0, chunk, end)) >= 0:
            after = chunk
            while after < end and not self._mapped[after] and self._is_used(after):
                after += 1
            if after > chunk:
                _madvise(self._address(chunk), (after - chunk) * _CHUNK_BYTES, _MADV_POPULATE_READ)
            after = max(after, chunk + 1)
            self._mapped[chunk:after] = b"\1" * (after - chunk)
            chunk = after

    def _is_used(self, chunk: int) -> bool:
        """Whether a chunk's first page has been written by anybody; reserved alone it has no contents yet."""
        answer = ctypes.c_ubyte()
        return _mincore(self._address(chunk), 1, ctypes.byref(answer)) == 0 and bool(answer.value & 1)

    def _address(self, chunk: int) -> int:
        return ctypes.addressof(ctypes.c_char.from_buffer(self._map, chunk * _CHUNK_BYTES))

    def _span(self, offset: int, size: int) -> int:
        """``size`` rounded up to a power of two where the arena is long enough for it.

        A ctypes array of every length is a class of its own, and making one costs more than the view.
        """
        span = 1 << (size - 1).bit_length()
        return span if offset + span <= self.capacity_bytes else size

    def _allocate(self, chunk: int, after: int) -> None:
        start = chunk * _CHUNK_BYTES
        end = min(after * _CHUNK_BYTES, self.capacity_bytes)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._fd, start, end - start)
        else:  # macOS: write a byte to each page that nobody has used yet
            for page in range(start, end, mmap.PAGESIZE):
                if os.pread(self._fd, 1, page) in (b"", b"\0"):
                    os.pwrite(self._fd, b"\0", page)
        self._reserved[chunk:after] = b"\1" * (after - chunk)

    def _must_hold(self, offset: int, size: int) -> None:
        if self._fd < 0:
            raise ValueError("the object store of this process is closed; call init() again.")
        if offset < 0 or size < 1 or offset + size > self.capacity_bytes:
            raise ValueError(
                f"{size} bytes at {offset} do not lie in an arena of {self.capacity_bytes} bytes."
            )
