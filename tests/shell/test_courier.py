"""Chunks between two arenas, over real sockets."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq
import zmq.utils.garbage

from gnomon._core.effects import SendChunks, SendFileChunks
from gnomon._core.events import ChunkArrived, ChunksSent, FileChunksSent
from gnomon._core.pulls import CHUNK_BYTES
from gnomon._messages.base import HEADER_BYTES
from gnomon._shell import spill_disk
from gnomon._shell.courier import Courier
from gnomon._shell.session_directory import bulk_path
from gnomon._store.arena import Arena, create_memfd
from gnomon.ids import WorkerID, object_id, task_id

HERE, THERE = WorkerID(b"node.her"), WorkerID(b"node.the")
OBJECT = object_id(task_id(HERE, 1), 1)
ARENA_BYTES = 24 * CHUNK_BYTES
DEADLINE_S = 20.0


class Side:
    """A node's end: its arena, its courier, and what the courier has posted."""

    def __init__(self, me: WorkerID, directory: str) -> None:
        self.arena = Arena(create_memfd(ARENA_BYTES), ARENA_BYTES)
        self.arena.reserve(0, ARENA_BYTES)
        self.posted: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.courier = Courier(me, directory, self.arena, self.posted.put)

    def next(self, kind: type) -> Any:
        event = self.posted.get(timeout=DEADLINE_S)
        assert type(event) is kind
        return event

    def close(self) -> None:
        self.courier.close()
        self.arena.close()


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Side, Side]]:
    monkeypatch.chdir(tmp_path)  # a socket's path may have 107 bytes
    source, target = Side(THERE, "."), Side(HERE, ".")
    yield source, target
    source.close()
    target.close()
    assert not [each for each in threading.enumerate() if each.name in ("gnomon-send", "gnomon-receive")]
    zmq.utils.garbage.gc.stop()  # pyzmq's own thread for what was sent uncopied


def test_a_value_arrives_whole_where_it_belongs(sides: tuple[Side, Side]) -> None:
    source, target = sides
    size = 9 * CHUNK_BYTES + 1234
    content = os.urandom(size)
    source.arena.window(4096 + HEADER_BYTES, size)[:] = content
    target.courier.receive(7, 8192, size, OBJECT)
    source.courier.send(SendChunks(HERE, 7, 4096, size, 0, 6))
    source.courier.send(SendChunks(HERE, 7, 4096, size, 6, 4))
    arrived = [target.next(ChunkArrived) for _ in range(10)]
    assert sorted(event.chunk for event in arrived) == list(range(10))
    assert all(event.intact and event.pull == 7 for event in arrived)
    assert bytes(target.arena.window(8192 + HEADER_BYTES, size)) == content
    assert target.arena.bears(8192, OBJECT)
    assert [source.next(ChunksSent).offset for _ in range(2)] == [4096, 4096]


def test_what_is_only_on_disk_is_sent_from_its_file(sides: tuple[Side, Side], tmp_path: Path) -> None:
    source, target = sides
    size, path = 3 * CHUNK_BYTES + 99, tmp_path / "00000001"
    content = os.urandom(size)
    with open(path, "xb", buffering=0) as file:
        file.write(b"another block")
        position = file.tell()
        crcs = spill_disk.write_block(file.fileno(), OBJECT.ljust(HEADER_BYTES, b"\0"), memoryview(content))
    order = SendFileChunks(HERE, 7, (0, OBJECT), 1, str(path), position, size, 1, crcs[1:])
    target.courier.receive(7, 8192, size, OBJECT)
    source.courier.send(order)
    assert source.next(FileChunksSent) == FileChunksSent(HERE, 7, (0, OBJECT), 1)
    assert [target.next(ChunkArrived) for _ in range(3)] == [
        ChunkArrived(7, each, True) for each in (1, 2, 3)
    ]
    there = 8192 + HEADER_BYTES + CHUNK_BYTES
    assert bytes(target.arena.window(there, size - CHUNK_BYTES)) == content[CHUNK_BYTES:]
    with open(path, "r+b") as file:
        file.seek(position + HEADER_BYTES + 2 * CHUNK_BYTES + 5)
        file.write(b"rubbish")
    source.courier.send(order)
    assert "is damaged" in source.next(FileChunksSent).error
    assert target.next(ChunkArrived) == ChunkArrived(7, 1, True), "what is damaged is not sent"
    path.unlink()
    source.courier.send(order)
    assert "No such file" in source.next(FileChunksSent).error


def test_what_comes_for_a_pull_that_has_ended_is_written_nowhere(sides: tuple[Side, Side]) -> None:
    source, target = sides
    source.arena.window(HEADER_BYTES, CHUNK_BYTES)[:] = b"x" * CHUNK_BYTES
    target.courier.receive(1, 0, CHUNK_BYTES, OBJECT)
    target.courier.receive(2, 2 * CHUNK_BYTES, CHUNK_BYTES, OBJECT)
    target.courier.end(1)
    for pull in (1, 2):
        source.courier.send(SendChunks(HERE, pull, 0, CHUNK_BYTES, 0, 1))
    assert target.next(ChunkArrived).pull == 2, "they come in order, so the first has come too"
    assert target.courier.dropped == 1
    assert bytes(target.arena.window(HEADER_BYTES, 16)) == bytes(16)


def test_chunks_that_are_not_what_they_say_are_told_or_dropped(sides: tuple[Side, Side]) -> None:
    _, target = sides
    target.courier.receive(3, 0, 2 * CHUNK_BYTES, OBJECT)
    with zmq.Context() as context, context.socket(zmq.PUSH) as stranger:
        stranger.connect("ipc://" + bulk_path(".", HERE))
        chunk = bytes(CHUNK_BYTES)
        stranger.send(b"no chunk")
        stranger.send_multipart([b"no header", chunk])
        stranger.send_multipart([msgspec.msgpack.encode((3, 0, 0)), b"short"])
        stranger.send_multipart([msgspec.msgpack.encode((3, 2, 0)), chunk])
        stranger.send_multipart([msgspec.msgpack.encode((3, -1, 0)), chunk])
        stranger.send_multipart([msgspec.msgpack.encode((3, 1, 12345)), chunk])
        event = target.next(ChunkArrived)
    assert (event.chunk, event.intact) == (1, False), "its checksum is wrong"
    assert target.courier.dropped == 5


def test_what_was_to_be_sent_to_a_dead_node_is_told_to_be_over(sides: tuple[Side, Side]) -> None:
    source, _ = sides
    source.courier.send(SendChunks(HERE, 1, 0, 4 * CHUNK_BYTES, 0, 4))  # nobody listens there
    source.courier.disconnect(HERE)
    assert source.next(ChunksSent).offset == 0
