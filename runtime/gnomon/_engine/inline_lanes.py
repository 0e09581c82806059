"""Lanes of an inline actor: its calls start in the order in which they were submitted.

    plain      one call at a time, in the thread that submits it; where an argument is still being made, that
               call and those after it run in a thread of the lane, in order
    threaded   (max_concurrency > 1, or concurrency groups) up to ``limit`` at a time, in threads of the lane

A call is at the head of its lane until its arguments are there. Threads end when their lane is empty.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from gnomon._engine.inline_calls import InlineCall, InlineCalls, with_stack
from gnomon._engine.inline_waits import Waits

Run = Callable[[], object]


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
            threading.Thread(target=self._work, name=f"gnomon-inline-{self._name}", daemon=True).start()

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
