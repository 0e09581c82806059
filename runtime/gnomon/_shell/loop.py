"""The loop: reads a process's one inbound socket, runs its role, and performs what comes out.

    other processes --PULL--> |      |              |--PUSH per peer--> other processes
    user threads -- post ---> | loop | -- role ---> |-- commands -----> perform()
    user threads -- apply --> |      |              |

``post`` hands an event to the loop: one append, and one write to wake it if it sleeps. ``submit`` is the
same for events that are mostly followed by a wait or by many of their kind: it leaves a dozing loop alone.
``apply`` runs the role in the calling thread, under the lock.

Who reads. On one machine most of a short call is threads waking each other (20-40 us each), so a thread that
waits for an outcome reads the socket itself (``wait``). Reading is a role that one thread has at a time:

    loop's thread reads ----> somebody waits ----> loop's thread parks, waiting threads read ----> nobody has for a while

While parked it looks every ``PARK_S`` whether the socket is being read, so messages are never unread for
longer than that.

Safety. All sockets but the inbound one are used under ``lock``, the inbound one under ``_reading``: taking a
lock is the full fence that libzmq asks for when a socket changes threads. In a main thread, SIGINT is put
off while the lock is held. The rule for a
changer: nothing that runs under the lock may wait for anything but it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

from gnomon._core.effects import Command
from gnomon._core.events import HandlesDropped
from gnomon._core.station import Station
from gnomon._shell.interrupts import Deferred
from gnomon._shell.transport import Transport
from gnomon.ids import ObjectID, WorkerID

DOZE_S = 0.001
"""After activity the loop looks again this soon, for events that did not wake it ..."""

DOZES = 20
"""... this often; then once after ``LAST_DOZE_S``, and then it sleeps until something wakes it."""

LAST_DOZE_S = 0.02

BURST = 16
"""Submissions that gather before a dozing loop is woken."""

PARK_S = 0.005
"""How long the socket may be unread between two waits of other threads before the loop's thread reads it
again. It costs the others the interpreter's lock to look more often."""

LONG_WAIT_S, LONG_PARK_S = 0.01, 0.05
"""A wait that has lasted so long ends with waking the parked loop's thread, which looks less often
meanwhile."""

HEED_S = 1.0
"""The longest sleep of a thread that waits for an outcome: a Ctrl-C that comes just before it sleeps ends no sleep, and
would wait for the next message."""

BRISK_S = 0.0005
"""After a wait shorter than this the next is expected to be so, too."""

_AWAKE, _DOZING, _ASLEEP, _PARKED = 0, 1, 2, 3
_NOTHING = nullcontext()


def release(signal: threading.Lock) -> bool:
    """Wake the thread that waits for ``signal``. False if somebody (``Loop.rouse``, say) has released it already."""
    try:
        signal.release()
    except RuntimeError:
        return False
    return True


class Loop:
    """A role at work.

    Args:
        station: the role behind its links.
        me: this process.
        directory: of the session.
        perform: carries out one command; called under the lock, must not wait.
        watched: fds to poll besides the socket, and what to call when one is readable.
        founders: peers that exist as long as the session does, though perhaps not yet.
    """

    def __init__(
        self,
        station: Station,
        me: WorkerID,
        directory: str,
        perform: Callable[[Command], None],
        watched: dict[int, Callable[[], None]] | None = None,
        founders: Iterable[WorkerID] = (),
    ) -> None:
        self.station = station
        self.me = me
        self.lock = threading.Lock()
        self.inbox: deque[Any] = deque()
        self.transport = Transport(me, directory, watched or (), founders)
        self._write = self.transport.waker.write
        self._perform = perform
        self._watched = dict(watched or {})
        self._state = _AWAKE
        self._quiet = 0
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._main_thread = threading.main_thread().ident
        self._reading = threading.Lock()
        self._park = threading.Lock()
        self._park.acquire()
        self._reader = 0
        self._blocked: dict[int, threading.Lock] = {}
        self._parked = False
        self._wanted = False
        self._brisk = False
        self._waits = 0
        self._wait_began = 0.0

    # -- for other threads ----------------------------------------------------------------------------------------

    def post(self, event: Any) -> None:
        """Hand an event to the loop."""
        self.inbox.append(event)
        if self._state:
            self._announce()

    def submit(self, event: Any) -> None:
        """Hand over an event that can wait for a moment: the caller will wait for its outcome, or submit
        more.
        """
        self.inbox.append(event)
        state = self._state
        if state == _ASLEEP or (state and len(self.inbox) >= BURST):
            self._announce()

    def drop(self, identity: bytes) -> None:
        """A handle has been collected: any thread, any instruction. Wakes the loop only from its deep sleep."""
        self.inbox.append(identity)
        if self._state == _ASLEEP:
            self._announce()

    def _announce(self) -> None:
        """Wake whoever polls, or should. Nothing that Ctrl-C can strike runs between the change of state and
        the write.
        """
        parked = self._state == _PARKED
        try:
            write = self._write
            self._state = _AWAKE
            write()
        except OSError:
            return  # full: it is readable anyway; or closed: nobody polls any more
        if parked:
            self._unpark()

    def apply(self, events: list[Any]) -> None:
        """Run the role here and now."""
        with Deferred() if threading.get_ident() == self._main_thread else _NOTHING, self.lock:
            performed = self._turn(events)
        if performed:
            self.nudge()
        if self._state == _ASLEEP and self.station.next_wakeup() is not None:
            self.transport.waker.wake()

    def nudge(self) -> None:
        """A signal may have been released here: whoever waits for one by reading the socket looks at it."""
        if self._reader not in (0, threading.get_ident()):
            self.transport.waker.wake()

    def rouse(self, thread: int) -> None:
        """An exception is about to be raised in ``thread``: if it waits here, let it look up."""
        signal = self._blocked.get(thread)
        if signal is not None:
            release(signal)
        elif self._reader == thread:
            self.transport.waker.wake()

    def wait(self, signal: threading.Lock, timeout: float | None = None) -> bool:
        """Wait until somebody releases ``signal``, and take it. False after ``timeout`` seconds.

        The calling thread reads the socket meanwhile if it may: then the message that ends its wait needs no
        other thread.
        """
        me = threading.get_ident()
        began = time.monotonic()
        # Ctrl-C strikes when a function is entered and when a call has returned. Hence what is taken here is
        # noted while it is put off, and given back at the end by steps that no call separates.
        try:
            with Deferred() if me == self._main_thread else _NOTHING:
                # Said before it is looked whether anybody reads, as the loop's thread parks before it looks
                # whether anybody is blocked: so that never both rely on the other.
                self._blocked[me] = signal
                if self._parked and self._reading.acquire(blocking=False):
                    self._reader = me
                    del self._blocked[me]
            if self._reader != me:
                self._wanted = True
                return _acquire(signal, timeout)
            self._wait_began = began
            got = self._read_until(signal, None if timeout is None else began + timeout)
        finally:
            if self._reader == me:
                self._reader = 0
                self._state = _PARKED
                self._waits += 1
                self._reading.release()
                lasted = time.monotonic() - began
                self._brisk = lasted < BRISK_S
                if lasted > LONG_WAIT_S:
                    self._unpark()
            else:
                self._blocked.pop(me, None)
            if self._blocked:
                self._unpark()
        if got is not None:
            return got
        return _acquire(signal, None if timeout is None else max(0.0, began + timeout - time.monotonic()))

    def _read_until(self, signal: threading.Lock, deadline: float | None) -> bool | None:
        """Read until ``signal`` is released. False at the deadline, None when the loop ends: it wants the socket."""
        while not signal.acquire(blocking=False):
            left = HEED_S
            if deadline is not None:
                left = min(left, deadline - time.monotonic())
                if left <= 0:
                    return False
            if self._stopping:
                return None
            self._round(left, self._brisk)
            self._brisk = False
        return True

    # -- the loop's thread ----------------------------------------------------------------------------------------

    def start(self, name: str, on_failure: Callable[[BaseException], None]) -> None:
        """Run in a thread of its own.

        Args:
            name: of the thread.
            on_failure: called there when the loop can not go on (the user's code has closed its files, or used up
                the memory): nothing is heard and nothing answered from then on.
        """

        def run() -> None:
            try:
                self.run()
            except BaseException as error:
                on_failure(error)

        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Run until ``stop``."""
        with self.lock:
            self._turn([])
        while not self._stopping:
            if self._wanted:
                self._stay_parked()
            with self._reading:
                self._round(3600.0)
        with self._reading, self.lock:
            self.transport.close()

    def _stay_parked(self) -> None:
        """Leave reading to those who wait, as long as there are any."""
        self._wanted = False
        self._parked = True
        waits = -1
        while not self._stopping:
            reading = self._reading.locked()
            if not reading and self._somebody_is_blocked():
                break
            long = reading and time.monotonic() - self._wait_began > LONG_WAIT_S
            if self._park.acquire(timeout=LONG_PARK_S if long else PARK_S):
                break
            if not self._reading.locked() and waits == self._waits:
                break
            waits = self._waits
        self._parked = False

    def _somebody_is_blocked(self) -> bool:
        """Whether a thread waits without reading, for a signal that nobody has released yet."""
        return any(signal.locked() for signal in list(self._blocked.values()))

    def _unpark(self) -> None:
        release(self._park)

    def _round(self, longest: float, brisk: bool = False) -> None:
        """Wait for something to do, at most ``longest`` seconds, and do it. The caller has ``_reading``.

        With ``brisk`` it looks for a moment before it sleeps: the last wait was short, this one will be too.
        """
        if brisk and self.transport.glance():
            self._quiet = 0
            with Deferred() if threading.get_ident() == self._main_thread else _NOTHING:
                self._take(True, [])
            return
        timeout = self._timeout(longest)
        self._state = _ASLEEP if self._quiet > DOZES else _DOZING
        readable, others = self.transport.poll(0 if self.inbox else timeout)
        self._state = _AWAKE
        self._quiet = 0 if readable or others or self.inbox else self._quiet + 1
        with Deferred() if threading.get_ident() == self._main_thread else _NOTHING:
            self._take(readable, others)

    def _take(self, readable: bool, others: list[int]) -> None:
        for fd in others:
            self._watched[fd]()
        envelopes = self.transport.read() if readable else []
        with self.lock:
            self._turn(self.station.receive(envelopes, time.monotonic()) if envelopes else [])

    def _timeout(self, longest: float) -> int:
        """Milliseconds to sleep."""
        wakeup = self.station.next_wakeup()
        left = longest if wakeup is None else max(0.0, min(longest, wakeup - time.monotonic()))
        if self._quiet <= DOZES:
            left = min(left, DOZE_S if self._quiet < DOZES else LAST_DOZE_S)
        return int(left * 1000 + 0.999)

    def _turn(self, events: list[Any]) -> bool:
        """Under the lock: give the role what there is, send and perform what comes out. Whether there were
        commands.
        """
        inbox = self.inbox
        if inbox:
            events = self._drain(events)
        now = time.monotonic()
        outgoing, commands = self.station.handle(events, now)
        if outgoing:
            self.transport.send(outgoing)
        for command in commands:
            self._perform(command)
        return bool(commands)

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

    def watch(self, fd: int, callback: Callable[[], None]) -> None:
        """Poll ``fd`` too; from the thread that runs the loop."""
        self._watched[fd] = callback
        self.transport.watch(fd)

    def unwatch(self, fd: int) -> None:
        """Poll ``fd`` no longer; from a watched fd's callback."""
        self.transport.unwatch(fd)

    def disconnect(self, peer: WorkerID) -> None:
        """The peer is dead. Under the lock."""
        self.transport.disconnect(peer)

    def stop(self) -> None:
        """End the loop; from its own thread or another."""
        self._stopping = True
        self._unpark()
        self.transport.waker.wake()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(5.0)


def _acquire(signal: threading.Lock, timeout: float | None) -> bool:
    """Take ``signal`` when it is released, waking up now and then to heed interrupts."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        left = HEED_S if end is None else min(HEED_S, end - time.monotonic())
        if signal.acquire(timeout=max(0.0, left)):
            return True
        if end is not None and time.monotonic() >= end:
            return False
