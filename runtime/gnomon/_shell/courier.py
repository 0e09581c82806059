"""Courier: chunks of values from arena to arena, on sockets and in threads of their own, so that no control message
waits behind them.

    loop's thread           sending thread                            receiving thread         loop's thread
      send(command)  -->     checksum, zero-copy send   == ipc ==>     copy into the room  -->   ChunkArrived
      <-- ChunksSent         when ZeroMQ is done with it               (if there still is one)

Both threads start with the first chunk that is to be sent or received: a node that is alone has neither. What is
sent is read from the arena by ZeroMQ itself, while the role keeps the block pinned; what arrives is copied once. What
is only on disk is read from its file, chunk by chunk, by the sending thread.

The rule for a changer: a chunk is written only under ``_lock`` and only into a room that ``end`` has not taken away;
when ``end`` has returned, nothing is written there any more.
"""

from __future__ import annotations

import queue
import threading
import zlib
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import zmq

from gnomon._core.effects import SendChunks, SendFileChunks
from gnomon._core.events import ChunkArrived, ChunksSent, FileChunksSent
from gnomon._core.pulls import CHUNK_BYTES
from gnomon._messages.base import HEADER_BYTES
from gnomon._shell.session_directory import bulk_path
from gnomon._shell.spill_disk import read_chunks
from gnomon._store.arena import Arena
from gnomon.ids import ObjectID, WorkerID

_GLANCE_S = 0.02
"""While ZeroMQ is still sending, the sending thread looks this often for more work."""

_Header = tuple[int, int, int]
"""Number of the pull, number of the chunk, checksum."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Header).decode


class Courier:
    """Sends and receives for one node.

    Args:
        post: hands an event to the node's loop, from any thread.

    Attributes:
        dropped: chunks that came for no pull (any more).
    """

    def __init__(self, me: WorkerID, directory: str, arena: Arena, post: Callable[[Any], None]) -> None:
        self.me = me
        self.directory = directory
        self.arena = arena
        self.dropped = 0
        self._post = post
        self._context = zmq.Context(io_threads=1)
        self._lock = threading.Lock()
        self._rooms: dict[int, tuple[int, int]] = {}
        self._orders: queue.SimpleQueue[SendChunks | SendFileChunks | WorkerID | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._inbound: zmq.Socket[bytes] | None = None

    # -- the loop's thread ----------------------------------------------------------------------------------------

    def receive(self, pull: int, offset: int, size: int, identity: ObjectID) -> None:
        """Write what comes for ``pull`` into these bytes of the arena."""
        if self._inbound is None:
            self._inbound = self._context.socket(zmq.PULL)
            self._inbound.setsockopt(zmq.RCVHWM, 0)  # the role's budget is the limit
            self._inbound.setsockopt(zmq.LINGER, 0)
            self._inbound.setsockopt(zmq.MAXMSGSIZE, CHUNK_BYTES)
            self._inbound.bind("ipc://" + bulk_path(self.directory, self.me))
            self._start("gnomon-receive", self._receive_all)
        with self._lock:
            self._rooms[pull] = (offset + HEADER_BYTES, size)
        self.arena.write_header(offset, identity)

    def end(self, pull: int) -> None:
        """Write nothing there any more."""
        with self._lock:
            self._rooms.pop(pull, None)

    def send(self, order: SendChunks | SendFileChunks) -> None:
        """Send chunks, and post ChunksSent or FileChunksSent."""
        if not any(thread.name == "gnomon-send" for thread in self._threads):
            self._start("gnomon-send", self._send_all)
        self._orders.put(order)

    def disconnect(self, peer: WorkerID) -> None:
        """The peer is dead."""
        self._orders.put(peer)

    def close(self) -> None:
        """End both threads."""
        self._orders.put(None)
        for thread in self._threads:
            if thread.name == "gnomon-send":
                thread.join()
        self._context.term()  # wakes the receiving thread, which closes its socket
        for thread in self._threads:
            thread.join()

    def _start(self, name: str, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    # -- the receiving thread -------------------------------------------------------------------------------------

    def _receive_all(self) -> None:
        inbound = self._inbound
        assert inbound is not None
        try:
            while True:
                frames = inbound.recv_multipart(copy=False)
                arrived = self._take(frames)
                if arrived is None:
                    self.dropped += 1
                else:
                    self._post(arrived)
        except zmq.ContextTerminated:
            inbound.close(0)

    def _take(self, frames: list[zmq.Frame]) -> ChunkArrived | None:
        """Copy a chunk to where it belongs; None when it belongs nowhere."""
        if len(frames) != 2:
            return None
        try:
            pull, chunk, checksum = _decode(frames[0].buffer)
        except msgspec.MsgspecError:
            return None
        content = frames[1].buffer
        with self._lock:
            offset, size = self._rooms.get(pull, (0, 0))
            start = chunk * CHUNK_BYTES
            if not 0 <= start < size or len(content) != min(CHUNK_BYTES, size - start):
                return None
            room = self.arena.window(offset + start, len(content))
            room[:] = content
        return ChunkArrived(pull, chunk, zlib.crc32(room) == checksum)

    # -- the sending thread ---------------------------------------------------------------------------------------

    def _send_all(self) -> None:
        sockets: dict[WorkerID, zmq.Socket[bytes]] = {}
        on_the_way: deque[tuple[Any, int]] = deque()
        while True:
            order = self._next_order(on_the_way)
            if order is None:
                break
            if isinstance(order, SendChunks | SendFileChunks):
                socket = sockets.get(order.target)
                if socket is None:
                    socket = sockets[order.target] = self._connect(order.target)
                if isinstance(order, SendChunks):
                    on_the_way.append((self._send_run(socket, order), order.offset))
                else:
                    self._post(self._send_from_file(socket, order))
            elif order in sockets:
                sockets.pop(order).close(0)
        for socket in sockets.values():
            socket.close(0)

    def _next_order(
        self, on_the_way: deque[tuple[Any, int]]
    ) -> SendChunks | SendFileChunks | WorkerID | None:
        """The next thing to do; tells meanwhile of what ZeroMQ has done with."""
        while True:
            while on_the_way and on_the_way[0][0].done:
                self._post(ChunksSent(on_the_way.popleft()[1]))
            try:
                return self._orders.get(block=not on_the_way)
            except queue.Empty:
                try:
                    on_the_way[0][0].wait(_GLANCE_S)
                except zmq.NotDone:
                    continue

    def _connect(self, target: WorkerID) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.PUSH)
        socket.setsockopt(zmq.SNDHWM, 0)  # the receiver's budget is the limit
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RECONNECT_IVL, 2)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1_000)
        socket.connect("ipc://" + bulk_path(self.directory, target))
        return socket

    @staticmethod
    def _send_from_file(socket: zmq.Socket[bytes], order: SendFileChunks) -> FileChunksSent:
        """Each chunk is checked before it goes: its own checksum on the way would only say that it came as it was sent."""
        sent = FileChunksSent(order.target, order.pull, order.block, order.file)
        try:
            chunks = read_chunks(order.path, order.position, order.size, order.first, order.crcs)
            for (chunk, content), crc in zip(chunks, order.crcs, strict=True):
                socket.send(_encode((order.pull, chunk, crc)), zmq.SNDMORE)
                socket.send(content, copy=False)
        except OSError as error:
            sent.error = f"its copy on disk can not be read: {error}"
        return sent

    def _send_run(self, socket: zmq.Socket[bytes], order: SendChunks) -> zmq.MessageTracker:
        """Returns what tells when ZeroMQ no longer reads the arena for it."""
        trackers = []
        for chunk in range(order.first, order.first + order.count):
            start = chunk * CHUNK_BYTES
            content = self.arena.window(
                order.offset + HEADER_BYTES + start, min(CHUNK_BYTES, order.size - start)
            )
            socket.send(_encode((order.pull, chunk, zlib.crc32(content))), zmq.SNDMORE)
            tracker = socket.send(content, copy=False, track=True)
            assert isinstance(tracker, zmq.MessageTracker)
            trackers.append(tracker)
        return zmq.MessageTracker(*trackers)
