"""Waiting on the inline engine, and noticing that nobody is left who could end a wait.

A thread that waits without a timeout looks up now and then: when every other thread waits too, and the event
loop of the async actors has nothing to do (no callback, no timer, no socket), then the value can not come, and
an error says so. Threads that were there when the session began and never used it (a notebook's own) do not
count, nor do those of the notebook's machinery; any other thread might still act, so while one runs, the wait goes
on. Of several waits one is told: that which blocks the event loop, else the one that began last. It is most often
what the others wait for; were one of those told first, its thread would go on, and this one wait for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gnomon._engine.inline_loop import LoopThread
from gnomon.exceptions import DeadlockError, NotInitializedError

LOOK_UP_S = 0.2
"""How often a wait without a timeout looks whether it can still end."""

LOOKS = 3
"""So many looks must agree that nothing moves: on a busy machine a thread may be slow to take its turn."""

_MACHINERY = ("IPython", "ipykernel", "zmq", "tornado", "jupyter", "debugpy", "_pydev")
"""Packages whose threads never call the user's code while a cell runs."""

_OWN_THREADS = ("gnomon-feed", "gnomon-output", "IOPub")
"""Names of threads that never do so either, and are of no class of their own."""


class Wait:
    """A thread's wait for some of several values; told of each under the store's lock.

    Args:
        left: how many values are still to come.
        hasty: an error among them ends the wait too.
    """

    __slots__ = ("_done", "_hasty", "_left")

    def __init__(self, left: int, hasty: bool) -> None:
        self._left = left
        self._hasty = hasty
        self._done = threading.Event()

    def tell(self, failed: bool) -> None:
        """One of the values has come."""
        self._left -= 1
        if self._left <= 0 or (failed and self._hasty):
            self._done.set()

    def end(self) -> None:
        """Nothing more will come."""
        self._done.set()

    def sleep(self, timeout: float | None) -> bool:
        """Whether the wait is over within so many seconds."""
        return self._done.wait(timeout)


class Waits:
    """All waits of one session.

    Args:
        loop: where async actors run.
    """

    def __init__(self, loop: LoopThread) -> None:
        self._loop = loop
        self._bystanders = {each for each in threading.enumerate() if each is not threading.main_thread()}
        self._blocked: dict[threading.Thread, int] = {}
        self._running: set[Wait] = set()
        self._endless: dict[Wait, threading.Thread] = {}
        self._deadlocks = 0
        self._closed = False

    def used(self) -> None:
        """The calling thread uses the session."""
        if self._bystanders:
            self._bystanders.discard(threading.current_thread())

    def sleep(self, wait: Wait, timeout: float | None) -> None:
        """Wait for so many seconds at most.

        Raises:
            DeadlockError: without a timeout, when nobody is left who could end the wait.
            NotInitializedError: the session ends meanwhile.
        """
        self._running.add(wait)
        try:
            if timeout is not None:
                wait.sleep(min(timeout, threading.TIMEOUT_MAX))
            else:
                self._sleep_without_end(wait)
        finally:
            self._running.discard(wait)
        self.refuse_closed()

    def refuse_closed(self) -> None:
        """Raise when the session has ended.

        Raises:
            NotInitializedError: it has.
        """
        if self._closed:
            raise NotInitializedError("The session has ended.")

    def close(self) -> None:
        """The session ends: everybody who waits is told."""
        self._closed = True
        for wait in list(self._running):
            wait.end()

    def _sleep_without_end(self, wait: Wait) -> None:
        self._endless[wait] = threading.current_thread()
        try:
            with self.blocked():
                still, seen = 0, self._deadlocks
                while not self._closed and not wait.sleep(LOOK_UP_S):
                    if seen != self._deadlocks:  # somebody was told, and goes on
                        still, seen = 0, self._deadlocks
                    still = still + 1 if self._standstill() else 0
                    if still >= LOOKS and self._is_first_told(wait):
                        self._deadlocks += 1
                        raise DeadlockError()
        finally:
            del self._endless[wait]

    def _is_first_told(self, wait: Wait) -> bool:
        waits = list(self._endless.items())
        in_loop = [each for each, thread in waits if self._loop.is_mine(thread)]
        return wait is (in_loop or [each for each, _ in waits])[-1]

    @contextmanager
    def held(self, lock: threading.RLock) -> Iterator[None]:
        """Hold a lock that other calls may hold for long."""
        with self.blocked():
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def blocked(self) -> Iterator[None]:
        """The calling thread waits for another one."""
        me = threading.current_thread()
        self._blocked[me] = self._blocked.get(me, 0) + 1
        try:
            yield
        finally:
            self._blocked[me] -= 1
            if not self._blocked[me]:
                del self._blocked[me]

    def _standstill(self) -> bool:
        """Whether nobody can act: every thread that might, waits."""
        still = self._loop.still()
        for thread in threading.enumerate():
            if thread in self._bystanders or thread in self._blocked or _is_machinery(thread):
                continue
            if not (still and self._loop.is_mine(thread)):
                return False
        return True


def _is_machinery(thread: threading.Thread) -> bool:
    return thread.name in _OWN_THREADS or type(thread).__module__.startswith(_MACHINERY)
