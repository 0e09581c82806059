"""The loop: one thread that reads a process's one inbound socket, wakes its role, and performs what comes out.

    other processes --PULL--> |      |              |--PUSH per peer--> other processes
    user threads -- post ---> | loop | -- role ---> |-- commands -----> perform()
    user threads -- apply --> |      |              |

``post`` hands an event to the loop's thread: one append, and one write to wake it if it sleeps. Nothing of the role is
touched by the caller, so an interrupt (Ctrl-C) can strike at any instruction. ``submit`` is the same for events that are mostly
followed by a wait or by many of their kind: it leaves a dozing loop alone. ``apply`` runs the role in the calling thread, under
the lock: a hand-over between threads fewer (20-40 us each, most of a short call); in a main thread SIGINT is put off
for that moment. All sockets but the inbound one are used under the lock, whose acquisition is the full fence that libzmq asks for
when a socket changes threads.

The rule for a changer: nothing that runs under the lock may wait for anything but it.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import zmq

from gnomon._core.effects import Command
from gnomon._core.events import HandlesDropped
from gnomon._core.station import Outgoing, Station
from gnomon._messages.envelope import Envelope
from gnomon._shell.interrupts import Deferred
from gnomon._shell.session_directory import socket_path
from gnomon.ids import ObjectID, WorkerID

ENVELOPES_PER_TURN = 200
"""Envelopes read before the role is run, so that a flood can not keep the others waiting."""

MESSAGE_BYTES_MAX = 1 << 30
"""Larger frames are refused by the socket: nobody sends them (large values lie in the arena)."""

DOZE_S = 0.001
"""After activity the loop looks again this soon, for events that did not wake it ..."""

DOZES = 20
"""... this often; then once after ``LAST_DOZE_S``, and then it sleeps until something wakes it."""

LAST_DOZE_S = 0.02

BURST = 16
"""Submissions that gather before a dozing loop is woken."""

_AWAKE, _DOZING, _ASLEEP = 0, 1, 2


class Waker:
    """An fd that one thread polls and others write to."""

    def __init__(self) -> None:
        if hasattr(os, "eventfd"):
            self.read_fd = self.write_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self.read_fd, self.write_fd = os.pipe()
            os.set_blocking(self.read_fd, False)
            os.set_blocking(self.write_fd, False)

    def wake(self) -> None:
        """Make the fd readable."""
        try:
            os.write(self.write_fd, b"\1\0\0\0\0\0\0\0")
        except (BlockingIOError, OSError):
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


class Loop:
    """A role at work.

    Args:
        station: the role behind its links.
        me: this process.
        directory: of the session.
        perform: carries out one command; called under the lock, must not wait.
        watched: fds to poll besides the socket, and what to call when one is readable.
    """

    def __init__(
        self,
        station: Station,
        me: WorkerID,
        directory: str,
        perform: Callable[[Command], None],
        watched: dict[int, Callable[[], None]] | None = None,
    ) -> None:
        self.station = station
        self.me = me
        self.directory = directory
        self.lock = threading.Lock()
        self.inbox: deque[Any] = deque()
        self._perform = perform
        self._watched = watched or {}
        self._state = _AWAKE
        self._stopping = False
        self._poll_set: list[tuple[Any, int]] = []
        self._waker = Waker()
        self._context = zmq.Context(io_threads=1)
        self._context.max_sockets = 65_000
        self._inbound = self._context.socket(zmq.PULL)
        self._inbound.setsockopt(zmq.RCVHWM, 0)
        self._inbound.setsockopt(zmq.LINGER, 0)
        self._inbound.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES_MAX)
        self._inbound.bind("ipc://" + socket_path(directory, me))
        self._outbound: dict[WorkerID, zmq.Socket[bytes]] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(Envelope).decode
        self._thread: threading.Thread | None = None
        self._main_thread = threading.main_thread().ident
        self.malformed = 0

    # -- for other threads ----------------------------------------------------------------------------------------

    def post(self, event: Any) -> None:
        """Hand an event to the loop's thread."""
        self.inbox.append(event)
        if self._state:
            self._state = _AWAKE
            self._waker.wake()

    def submit(self, event: Any) -> None:
        """Hand over an event that can wait for a moment: the caller will wait for its outcome, or submit more."""
        self.inbox.append(event)
        state = self._state
        if state == _ASLEEP or (state and len(self.inbox) >= BURST):
            self._state = _AWAKE
            self._waker.wake()

    def drop(self, identity: bytes) -> None:
        """A handle has been collected: any thread, any instruction. Wakes the loop only from its deep sleep."""
        self.inbox.append(identity)
        if self._state == _ASLEEP:
            self._state = _AWAKE
            self._waker.wake()

    def apply(self, events: list[Any]) -> None:
        """Run the role here and now."""
        if threading.get_ident() == self._main_thread:
            with Deferred():
                self._apply(events)
        else:
            self._apply(events)

    def _apply(self, events: list[Any]) -> None:
        with self.lock:
            self._turn(events)
        if self._state == _ASLEEP and self.station.next_wakeup() is not None:
            self._waker.wake()

    # -- the loop's thread ----------------------------------------------------------------------------------------

    def start(self, name: str) -> None:
        """Run in a thread of its own."""
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Run until ``stop``."""
        poll_set = self._poll_set
        poll_set += [(self._inbound, zmq.POLLIN), (self._waker.read_fd, zmq.POLLIN)]
        poll_set += [(fd, zmq.POLLIN) for fd in self._watched]
        inbound, wake_fd = self._inbound, self._waker.read_fd
        with self.lock:
            self._turn([])
        quiet = 0
        while not self._stopping:
            timeout = self._timeout(quiet)
            self._state = _ASLEEP if quiet > DOZES else _DOZING
            if self.inbox:
                timeout = 0
            ready = zmq.zmq_poll(poll_set, timeout)
            self._state = _AWAKE
            quiet = quiet + 1 if not ready and not self.inbox else 0
            envelopes: list[Envelope] = []
            for source, _ in ready:
                if source is inbound:
                    envelopes = self._read()
                elif source == wake_fd:
                    self._waker.clear()
                else:
                    self._watched[source]()
            with self.lock:
                self._turn(self.station.receive(envelopes, time.monotonic()) if envelopes else [])
        self._close()

    def _timeout(self, quiet: int) -> int:
        """Milliseconds to sleep after ``quiet`` rounds without anything to do; -1 is until woken."""
        wakeup = self.station.next_wakeup()
        left = -1 if wakeup is None else max(0, int((wakeup - time.monotonic()) * 1000) + 1)
        if quiet > DOZES:
            return left
        doze = int((DOZE_S if quiet < DOZES else LAST_DOZE_S) * 1000)
        return doze if left < 0 else min(left, doze)

    def _read(self) -> list[Envelope]:
        envelopes = []
        inbound = self._inbound
        for _ in range(ENVELOPES_PER_TURN):
            try:
                frame = inbound.recv(zmq.NOBLOCK)
            except zmq.Again:
                break
            try:
                envelopes.append(self._decode(frame))
            except msgspec.MsgspecError:
                self.malformed += 1
        return envelopes

    def _turn(self, events: list[Any]) -> None:
        """Under the lock: give the role what there is, send and perform what comes out."""
        inbox = self.inbox
        if inbox:
            events = self._drain(events)
        now = time.monotonic()
        outgoing, commands = self.station.handle(events, now)
        if outgoing:
            self._send(outgoing)
        for command in commands:
            self._perform(command)

    def _drain(self, events: list[Any]) -> list[Any]:
        """What user threads have posted comes first: it is older."""
        inbox = self.inbox
        mine: list[Any] = []
        dropped: list[ObjectID] = []
        for _ in range(len(inbox)):
            item = inbox.popleft()
            if type(item) is bytes:
                dropped.append(ObjectID(item))
                continue
            if dropped:
                mine.append(HandlesDropped(tuple(dropped)))
                dropped = []
            mine.append(item)
        if dropped:
            mine.append(HandlesDropped(tuple(dropped)))
        return mine + events if events else mine

    def _send(self, outgoing: Outgoing) -> None:
        outbound = self._outbound
        for target, envelope in outgoing:
            socket = outbound.get(target)
            if socket is None:
                socket = self._connect(target)
            socket.send(self._encode(envelope), zmq.NOBLOCK)

    def _connect(self, target: WorkerID) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.PUSH)
        socket.setsockopt(zmq.SNDHWM, 0)
        socket.setsockopt(zmq.LINGER, 200)
        socket.setsockopt(zmq.RECONNECT_IVL, 2)
        socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        socket.connect("ipc://" + socket_path(self.directory, target))
        self._outbound[target] = socket
        return socket

    def unwatch(self, fd: int) -> None:
        """Poll ``fd`` no longer; from the loop's thread."""
        self._poll_set.remove((fd, zmq.POLLIN))

    def disconnect(self, peer: WorkerID) -> None:
        """The peer is dead. Under the lock."""
        socket = self._outbound.pop(peer, None)
        if socket is not None:
            socket.close(0)

    def stop(self) -> None:
        """End the loop; from its own thread or another."""
        self._stopping = True
        self._waker.wake()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(5.0)

    def _close(self) -> None:
        with self.lock:
            for socket in self._outbound.values():
                socket.close(200)
            self._outbound.clear()
            self._inbound.close(0)
        self._context.term()
        self._waker.close()
