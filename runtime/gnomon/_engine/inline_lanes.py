"""Lanes of an inline actor: its calls start in the order in which they were submitted.

    plain      one call at a time, in the thread that submits it; where an argument is still being made, that
               call and those after it run in a thread of the lane, in order
    threaded   (max_concurrency > 1, or concurrency groups) up to ``limit`` at a time, in threads of the lane

A call is at the head of its lane until its arguments are there. Threads end when their lane is empty. A call in a
plain lane first runs those generators to their end that calls before it have returned: it is their turn.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from gnomon._engine.inline_call import InlineCall
from gnomon._engine.inline_calls import InlineCalls, with_stack
from gnomon._engine.inline_streams import InlineStream
from gnomon._engine.inline_waits import Waits
from gnomon.exceptions import DeadlockError

Run = Callable[[], object]

DRAINED_MAX = 10_000
"""Items of a generator that a later call of its actor waits for: an endless one would never let it run."""


class Lane:
    """One lane.

    Args:
        name: for its threads.
        limit: how many calls run at a time.
        threaded: never run a call in the thread that submits it.

    Attributes:
        turn: held while a call of a plain lane runs; reentrant, because a call may call its own actor.
    """

    def __init__(self, name: str, limit: int, threaded: bool, calls: InlineCalls, waits: Waits) -> None:
        self.turn = threading.RLock()
        self._name = name
        self._limit = limit
        self._threaded = threaded
        self._calls = calls
        self._waits = waits
        self._queue: deque[tuple[InlineCall, Run]] = deque()
        self._threads = 0
        self._lock = threading.Lock()
        self._head = threading.Lock()
        self._streams: list[InlineStream] = []

    def submit(self, call: InlineCall, run: Run) -> None:
        """Run a call when it is its turn and its arguments are there: now, if that is so."""
        with self._lock:
            queued = self._threaded or bool(self._queue) or bool(self._calls.missing(call))
            if queued:
                self._queue.append((call, run))
                more = self._threads < self._limit
                self._threads += more
        if not queued:
            with self._waits.held(self.turn):
                with_stack(call.depth, run, self._waits)
        elif more:
            self._start_thread()

    def began(self, stream: InlineStream) -> None:
        """A call in this lane has returned a generator."""
        if not self._threaded:
            self._streams.append(stream)

    def drain(self) -> None:
        """It is the turn of a call that comes after generators.

        Raises:
            DeadlockError: one of them does not end.
        """
        for stream in self._streams:
            for _ in range(DRAINED_MAX):
                if stream.ended or stream.pull is None or not stream.pull():
                    break
            else:
                raise DeadlockError(
                    f"A call of {stream.call.name} yields without end, and only then it is this call's turn. (On the "
                    "inline engine a sync actor's generators run to their end when it is called again.)"
                )
        self._streams.clear()

    def _start_thread(self) -> None:
        name = f"gnomon-inline-{self._name}-{self._threads}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while self._run_next():
            pass

    def _run_next(self) -> bool:
        """Run the call at the head; False when there is none, and the thread is to end."""
        with self._waits.blocked():
            self._head.acquire()
        with self._lock:
            if not self._queue:
                self._threads -= 1
                self._head.release()
                return False
            call, run = self._queue[0]
        ready = self._calls.await_arguments(call)
        if self._threaded:
            self._leave_head()
            if ready:
                run()
            return True
        with self._waits.held(self.turn):
            self._leave_head()
            if ready:
                run()
        return True

    def _leave_head(self) -> None:
        with self._lock:
            self._queue.popleft()
        self._head.release()
