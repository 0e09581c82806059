"""How often views are told: five times a second, and less often while the kernel has its hands full.

What a view costs, it costs at each message: here, in the server between, in the browser, all of them often on the
machine that does the work. While this process computes without a pause, as when it submits tasks by the ten
thousand, nobody can follow five pictures a second anyway; then two must do.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from gnomon import observe

PERIOD_S = 1 / observe.MESSAGES_PER_SECOND_MAX
BUSY_PERIOD_S = 0.5

_BUSY_SHARE = 0.5
"""Of one processor: above it this process is what the work waits for."""


class FeedPace:
    """Tells how long to wait for the next message. Used by one thread.

    Args:
        now: the clock, in seconds.
        used_s: processor time that this process has used, in seconds.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, used_s: Callable[[], float] = time.process_time
    ) -> None:
        self._now, self._used_s = now, used_s
        self._looked = now()
        self._used_before_s = used_s()
        self._busy = False

    def period_s(self) -> float:
        """The time between two messages to one view, by how busy this process has been since the last look."""
        now = self._now()
        passed = now - self._looked
        if passed >= PERIOD_S:  # the processor's clock is too coarse for less
            used = self._used_s()
            self._busy = used - self._used_before_s > _BUSY_SHARE * passed
            self._looked, self._used_before_s = now, used
        return BUSY_PERIOD_S if self._busy else PERIOD_S
