"""The thread in which a pool calls the user's callbacks: one after another, in the order of the outcomes."""

from __future__ import annotations

import logging
import queue
import threading
import weakref
from collections.abc import Callable

_logger = logging.getLogger(__name__)

_Work = queue.SimpleQueue[Callable[[], object] | None]


class Callbacks:
    """Starts its thread on first use, and ends it with :meth:`stop` or with itself."""

    def __init__(self) -> None:
        self._work: _Work = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def call(self, function: Callable[[], object]) -> None:
        """Call ``function`` soon; what it raises is logged."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=_serve, args=(self._work,), name="gnomon-pool-callbacks", daemon=True
                )
                self._thread.start()
                weakref.finalize(self, self._work.put, None)
        self._work.put(function)

    def stop(self) -> None:
        """End the thread after what was asked for; returns when it has ended."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._work.put(None)
            if thread is not threading.current_thread():
                thread.join()


def _serve(work: _Work) -> None:
    while (function := work.get()) is not None:
        try:
            function()
        except Exception:
            _logger.exception("A callback of a pool raised; the results are not affected.")
        function = None  # or it would keep a result alive until the next one
