"""Looks after the node's memory, in a thread of its own: below the threshold that is all, above it the role is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from gnomon._core.pressure import MemoryHigh
from gnomon._shell.memory_usage import MemoryUsage


class MemoryMonitor:
    """See the module.

    Args:
        usage: reads it.
        threshold: share of the limit above which the role is told.
        period_s: between two looks.
        pids: of the workers.
        post: tells the role.
    """

    def __init__(
        self,
        usage: MemoryUsage,
        threshold: float,
        period_s: float,
        pids: Callable[[], Iterable[int]],
        post: Callable[[MemoryHigh], None],
    ) -> None:
        self._usage = usage
        self._threshold = threshold
        self._period_s = period_s
        self._pids = pids
        self._post = post
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory monitor", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._closing.set()
        self._thread.join(5.0)

    def look(self) -> None:
        """Once."""
        reading = self._usage.read()
        if reading is None or reading.used <= self._threshold * reading.limit:
            return
        sizes = self._usage.own_bytes(self._pids())
        self._post(MemoryHigh(reading.used, reading.limit, self._threshold, sizes, reading.kind))

    def _run(self) -> None:
        while not self._closing.wait(self._period_s):
            self.look()
