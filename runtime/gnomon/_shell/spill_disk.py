"""Spill disk: blocks to files and back, in threads of the node's process.

A file is the blocks of a batch one after the other, header and value each. It is written for as long as the session
lives: against the end of processes, not of the machine, so that nothing waits for the disk (no fsync).

Directories outside the session's own are found by ``session_directory.remove`` through links in that.
"""

from __future__ import annotations

import mmap
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from io import FileIO
from queue import SimpleQueue
from typing import Any

from gnomon._core import effects as fx
from gnomon._core.events import BlockRestored, SpillFileWritten
from gnomon._core.pulls import CHUNK_BYTES
from gnomon._messages.base import HEADER_BYTES, Block
from gnomon._store.arena import Arena, Writable

FOLDER = "gnomon-spilled-"
"""What a directory of ours is called in one that the user has named; the session's id follows."""


class SpillDisk:
    """The files of one node.

    Args:
        arena: of the node.
        post: takes events to the node's role, from any thread.
    """

    def __init__(self, arena: Arena, post: Callable[[Any], None]) -> None:
        self._arena = arena
        self._post = post
        self._lanes: dict[str, SimpleQueue[Callable[[], None] | None]] = {}
        self._threads: list[threading.Thread] = []

    def write(self, command: fx.WriteSpillFile) -> None:
        """Begin to write a file."""
        self._run("write", lambda: self._post(self._write(command)))

    def read(self, command: fx.ReadSpillFile) -> None:
        """Begin to bring a block back."""
        self._run("read", lambda: self._post(self._read(command)))

    def delete(self, command: fx.DeleteSpillFile) -> None:
        """Delete a file, after it has been written."""
        self._run("write", lambda: _unlink(command.path))

    def close(self) -> None:
        """End the threads; what has begun is finished."""
        for lane in self._lanes.values():
            lane.put(None)
        for thread in self._threads:
            thread.join(1.0)

    def _run(self, name: str, job: Callable[[], None]) -> None:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = SimpleQueue()
            thread = threading.Thread(target=_work, args=(lane,), name=f"gnomon-spill-{name}", daemon=True)
            self._threads.append(thread)
            thread.start()
        lane.put(job)

    def _write(self, command: fx.WriteSpillFile) -> SpillFileWritten:
        parts: list[tuple[int, tuple[int, ...]]] = []
        try:
            os.makedirs(os.path.dirname(command.path), 0o700, exist_ok=True)
            with open(command.path, "xb", buffering=0) as file:
                for place, size in command.parts:
                    parts.append((file.tell(), self._write_block(file.fileno(), place, size)))
        except OSError as error:
            _unlink(command.path)
            return SpillFileWritten(command.file, (), str(error))
        return SpillFileWritten(command.file, tuple(parts))

    def _write_block(self, fd: int, place: int, size: int) -> tuple[int, ...]:
        with self._arena.window(place, size) as block:
            return write_block(fd, block[:HEADER_BYTES], block[HEADER_BYTES:])

    def _read(self, command: fx.ReadSpillFile) -> BlockRestored:
        place, size = command.place, command.size
        try:
            with self._arena.window(place + HEADER_BYTES, size - HEADER_BYTES) as target:
                _read_checked(command.path, command.position, command.block[1], target, command.crcs)
        except OSError as error:
            return BlockRestored(command.block, f"its copy on disk can not be read: {error}")
        self._arena.write_header(place, command.block[1])
        return BlockRestored(command.block)


def write_block(fd: int, header: bytes | memoryview, value: memoryview) -> tuple[int, ...]:
    """Write a block where a file has got to. Returns the crcs of the value's chunks.

    Raises:
        OSError: the disk is full, or broken.
    """
    _write_all(fd, memoryview(header))
    crcs = []
    for start in range(0, len(value), CHUNK_BYTES):
        with value[start : start + CHUNK_BYTES] as chunk:
            _write_all(fd, chunk)
            crcs.append(zlib.crc32(chunk))  # while the processor's cache may still have it
    return tuple(crcs)


def write_value(path: str, identity: bytes, value: Writable) -> tuple[int, ...]:
    """Write a new file with one block: a value that never was in the arena. Returns the crcs of its chunks.

    Raises:
        OSError: the disk is full, or broken.
    """
    os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
    try:
        return _write_value(path, identity, value)
    except BaseException:
        _unlink(path)
        raise


def _write_value(path: str, identity: bytes, value: Writable) -> tuple[int, ...]:
    size = HEADER_BYTES + value.total_bytes
    with open(path, "x+b", buffering=0) as file:
        if hasattr(os, "posix_fallocate"):  # else a full disk would be a SIGBUS below
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.write(bytes(size))
        with mmap.mmap(file.fileno(), size) as mapped, memoryview(mapped) as block:
            with block[:HEADER_BYTES] as header, block[HEADER_BYTES:] as target:
                header[: len(identity)] = identity
                value.write_into(target)
                return _crcs(target)


def _crcs(value: memoryview) -> tuple[int, ...]:
    crcs = []
    for start in range(0, len(value), CHUNK_BYTES):
        with value[start : start + CHUNK_BYTES] as chunk:
            crcs.append(zlib.crc32(chunk))
    return tuple(crcs)


def _write_all(fd: int, part: memoryview) -> None:
    while len(part):
        part = part[os.write(fd, part) :]


def read(path: str, position: int, value: Block, crcs: tuple[int, ...]) -> memoryview:
    """A value out of a file, for a reader who finds no room in the store.

    Raises:
        OSError: the file can not be read, or is damaged.
    """
    blob = bytearray(value.size)
    _read_checked(path, position, value.object, memoryview(blob), crcs)
    return memoryview(blob).toreadonly()


def read_chunks(
    path: str, position: int, size: int, first: int, crcs: tuple[int, ...]
) -> Iterator[tuple[int, bytearray]]:
    """(number, bytes) of some chunks of a value of ``size`` bytes whose block begins at ``position``.

    Raises:
        OSError: the file can not be read, or is damaged.
    """
    with open(path, "rb", buffering=0) as file:
        for chunk, crc in enumerate(crcs, first):
            start = chunk * CHUNK_BYTES
            content = bytearray(min(CHUNK_BYTES, size - start))
            _read_chunk(file, position + HEADER_BYTES + start, memoryview(content), crc)
            yield chunk, content


def _read_checked(
    path: str, position: int, identity: bytes, target: memoryview, crcs: tuple[int, ...]
) -> None:
    with open(path, "rb", buffering=0) as file:
        if os.pread(file.fileno(), HEADER_BYTES, position)[: len(identity)] != identity:
            raise OSError(f"{path} is damaged: another value lies where this one should")
        position += HEADER_BYTES
        for start, crc in zip(range(0, len(target), CHUNK_BYTES), crcs, strict=True):
            with target[start : start + CHUNK_BYTES] as chunk:
                _read_chunk(file, position + start, chunk, crc)


def _read_chunk(file: FileIO, position: int, chunk: memoryview, crc: int) -> None:
    done = 0
    while done < len(chunk):
        with chunk[done:] as rest:
            count = os.preadv(file.fileno(), [rest], position + done)
        if not count:
            raise OSError(f"{file.name!r} ends too early")
        done += count
    if zlib.crc32(chunk) != crc:
        raise OSError(f"{file.name!r} is damaged: its checksum is not that of what was written")


def _work(lane: SimpleQueue[Callable[[], None] | None]) -> None:
    while (job := lane.get()) is not None:
        job()


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:  # gone already, or its directory is
        return
