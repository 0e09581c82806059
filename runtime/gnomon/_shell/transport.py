"""Transport: the sockets of a process. One PULL that everybody connects to, one PUSH per peer, over ipc.

Nothing here is locked: ``Loop`` says who may touch what. All of ZeroMQ's settings are in this file, in one
place.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial
from typing import Any

import msgspec
import zmq

from gnomon._core.station import Outgoing
from gnomon._messages.envelope import Envelope
from gnomon._shell.session_directory import socket_path
from gnomon.ids import WorkerID

ENVELOPES_PER_READ = 200
"""Envelopes taken before the role is run, so that a flood can not keep the others waiting."""

MESSAGE_BYTES_MAX = 1 << 30
"""Larger frames are refused by the socket: nobody sends them (large values lie in the arena)."""

RECONNECT_MS, RECONNECT_MAX_MS = 2, 1_000
"""A peer that is still starting is found at once, one that has ended costs next to nothing. Each attempt waits
twice as long as the last, so that a peer which starts for a second is found after two."""

FOUNDER_RECONNECT_MAX_MS = 10
"""Likewise for node and head: no process of a session goes on without them, so they are starting."""

LINGER_MS = 200
"""How long the last words of an ending process may take to leave it."""

SOCKETS_MAX = 65_000

GLANCES = 40
"""Looks at the socket before a thread that expects its answer at once goes to sleep: some 80 us. On a
virtual machine, waking an idle core costs as much as the rest of a short call (measured: 4 runs each,
alternating, 3,000-4,400 calls/s without, 4,200-7,400 with)."""

_READABLE = int(zmq.POLLIN)

# Made once, before the zygote forks: a decoder of so many types takes longer to make than a worker to start.
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Envelope).decode


class Waker:
    """An fd that one thread polls and others write to."""

    def __init__(self) -> None:
        if hasattr(os, "eventfd"):
            self.read_fd = self.write_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self.read_fd, self.write_fd = os.pipe()
            os.set_blocking(self.read_fd, False)
            os.set_blocking(self.write_fd, False)
        #: One C call, which no signal's handler can split; raises OSError when the fd is full or closed.
        self.write = partial(os.write, self.write_fd, b"\1\0\0\0\0\0\0\0")

    def wake(self) -> None:
        """Make the fd readable."""
        try:
            self.write()
        except OSError:
            return  # full: it is readable anyway; or closed: nobody sleeps any more

    def clear(self) -> None:
        """Make it unreadable again."""
        try:
            os.read(self.read_fd, 8)
        except BlockingIOError:
            return

    def close(self) -> None:
        """Close both ends."""
        for fd in {self.read_fd, self.write_fd}:
            os.close(fd)


class Transport:
    """The sockets of process ``me``.

    Args:
        me: this process.
        directory: of the session.
        watched: fds to poll besides the socket.
        founders: peers that exist as long as the session does.

    Attributes:
        malformed: frames dropped because they are no envelopes.
    """

    def __init__(
        self, me: WorkerID, directory: str, watched: Iterable[int], founders: Iterable[WorkerID] = ()
    ) -> None:
        self.directory = directory
        self._founders = frozenset(founders)
        self.malformed = 0
        self.waker = Waker()
        self._context = zmq.Context(io_threads=1)
        self._context.max_sockets = SOCKETS_MAX
        self._inbound = self._context.socket(zmq.PULL)
        self._inbound.setsockopt(zmq.RCVHWM, 0)
        self._inbound.setsockopt(zmq.LINGER, 0)
        self._inbound.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX)
        self._inbound.bind("ipc://" + socket_path(directory, me))
        self._outbound: dict[WorkerID, zmq.Socket[bytes]] = {}
        self._poll_set: list[tuple[Any, int]] = [
            (self._inbound, zmq.POLLIN),
            (self.waker.read_fd, zmq.POLLIN),
            *((fd, zmq.POLLIN) for fd in watched),
        ]

    def glance(self) -> bool:
        """Look for something to read for a moment without going to sleep; others may run meanwhile."""
        inbound = self._inbound
        for _ in range(GLANCES):
            if int(inbound.get(zmq.EVENTS)) & _READABLE:
                return True
            os.sched_yield()
        return False

    def poll(self, timeout_ms: int) -> tuple[bool, list[int]]:
        """Wait; returns whether there is something to read, and the watched fds that are readable."""
        readable = False
        others: list[int] = []
        for source, _ in zmq.zmq_poll(self._poll_set, timeout_ms):
            if source is self._inbound:
                readable = True
            elif source == self.waker.read_fd:
                self.waker.clear()
            else:
                others.append(source)
        return readable, others

    def read(self) -> list[Envelope]:
        """What has arrived; the caller knows that there is something."""
        envelopes = []
        inbound = self._inbound
        for _ in range(ENVELOPES_PER_READ):
            try:
                envelopes.append(_decode(inbound.recv(zmq.NOBLOCK)))
            except zmq.Again:
                break
            except msgspec.MsgspecError:
                self.malformed += 1
            if not int(inbound.get(zmq.EVENTS)) & _READABLE:
                break
        return envelopes

    def send(self, outgoing: Outgoing) -> None:
        """Send envelopes; never blocks."""
        outbound = self._outbound
        for target, envelope in outgoing:
            socket = outbound.get(target)
            if socket is None:
                socket = self._connect(target)
            socket.send(_encode(envelope), zmq.NOBLOCK)

    def _connect(self, target: WorkerID) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.PUSH)
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.LINGER, LINGER_MS)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        founder = target in self._founders
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, FOUNDER_RECONNECT_MAX_MS if founder else RECONNECT_MAX_MS)
        socket.connect("ipc://" + socket_path(self.directory, target))
        self._outbound[target] = socket
        return socket

    def watch(self, fd: int) -> None:
        """Poll ``fd`` for reading too."""
        self._poll_set.append((fd, zmq.POLLIN))

    def unwatch(self, fd: int) -> None:
        """Poll ``fd`` no longer."""
        self._poll_set.remove((fd, zmq.POLLIN))

    def disconnect(self, peer: WorkerID) -> None:
        """The peer is dead."""
        socket = self._outbound.pop(peer, None)
        if socket is not None:
            socket.close(0)

    def close(self) -> None:
        """Close everything; what was sent last has ``LINGER_MS`` to leave."""
        for socket in self._outbound.values():
            socket.close(LINGER_MS)
        self._outbound.clear()
        self._inbound.close(0)
        self._context.term()
        self.waker.close()
