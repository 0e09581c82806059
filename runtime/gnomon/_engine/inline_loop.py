"""An event loop in a thread of its own: where the inline engine runs async actors."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Coroutine
from typing import Any


class _Selector(selectors.DefaultSelector):
    """Knows when its loop has nothing to do.

    Attributes:
        idle: the loop waits, and only another thread can wake it.
        turns: how often it has waited.
        probed: the turn in which it was last asked whether it is alive.
    """

    def __init__(self) -> None:
        super().__init__()
        self.idle = False
        self.turns = 0
        self.probed = 0

    def answer(self) -> None:
        """Called in the loop's thread."""
        self.probed = self.turns

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Called by the loop: without a timeout when neither callback nor timer is pending."""
        self.turns += 1
        self.idle = timeout is None and len(self.get_map()) <= 1  # one is the loop's own, for being woken
        try:
            return super().select(timeout)
        finally:
            self.idle = False


class LoopThread:
    """The loop; its thread starts on first use."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._selector: _Selector | None = None
        self._lock = threading.Lock()

    def inside(self) -> bool:
        """Whether the caller runs in it."""
        return threading.current_thread() is self._thread

    def is_mine(self, thread: threading.Thread) -> bool:
        """Whether it is the loop's thread."""
        return thread is self._thread

    def still(self) -> bool:
        """Whether the loop has done nothing since the last call but answer that call."""
        loop, selector = self._loop, self._selector
        if loop is None or selector is None:
            return True
        still = selector.idle and selector.turns == selector.probed + 1
        loop.call_soon_threadsafe(selector.answer)
        return still

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine; those started first, start first."""
        asyncio.run_coroutine_threadsafe(coroutine, self._ready())

    def call(self, function: Any, *args: Any) -> None:
        """Call a function in the loop's thread, soon; nothing happens when it was never started."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(function, *args)

    def stop(self) -> None:
        """End the loop and its thread; coroutines that still run are cancelled."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            if threading.current_thread() is not thread:
                thread.join()

    def _ready(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._selector = _Selector()
                self._loop = asyncio.SelectorEventLoop(self._selector)
                self._thread = threading.Thread(
                    target=_run, args=(self._loop,), name="gnomon-inline-loop", daemon=True
                )
                self._thread.start()
            return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        _run_until_stopped(loop)
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()


def _run_until_stopped(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        try:
            loop.run_forever()
        except SystemExit:  # raised in a task of the user's own: whoever awaits that gets it too
            continue
        return
