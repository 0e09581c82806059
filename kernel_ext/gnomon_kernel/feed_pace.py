"""How often views are told: five times a second, and less often while the kernel has its hands full.

What a view costs, it costs at each message: here, in the server between, in the browser, all of them often on the
machine that does the work. While this process computes without a pause nobody can follow five pictures a second
anyway; then two must do, and one while tasks go by in thousands, however much of a loaded machine this process gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from gnomon import observe

PERIOD_S = 1 / observe.MESSAGES_PER_SECOND_MAX
BUSY_PERIOD_S = 0.5
FLOOD_PERIOD_S = 1.0

_BUSY_SHARE = 0.5
"""Of one processor: above it this process is what the work waits for."""

_FLOOD_PER_S = 1_000
"""Tasks submitted and ended, together: above it a picture tells of how many they are, and no more of each."""

_ENDED = ("done", "failed", "cancelled")


def steps_of_tasks() -> int:
    """How many tasks have been submitted and how many have ended, together."""
    tasks = observe.summary()["tasks"]
    return int(sum(tasks.values()) + sum(tasks[state] for state in _ENDED))


class FeedPace:
    """Tells how long to wait for the next message. Used by one thread.

    Args:
        now: the clock, in seconds.
        used_s: processor time that this process has used, in seconds.
        steps: a count that grows with each task that is submitted, and with each that ends.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        used_s: Callable[[], float] = time.process_time,
        steps: Callable[[], int] = steps_of_tasks,
    ) -> None:
        self._now, self._used_s, self._steps = now, used_s, steps
        self._looked = now()
        self._used_before_s = used_s()
        self._steps_before: int | None = None
        self._period_s = PERIOD_S

    def period_s(self) -> float:
        """The time between two messages to one view, by what has been done before the last look."""
        now = self._now()
        passed = now - self._looked
        if passed >= PERIOD_S:  # the processor's clock is too coarse for less
            used = self._used_s()
            busy = used - self._used_before_s > _BUSY_SHARE * passed
            self._looked, self._used_before_s = now, used
            steps, before = self._steps(), self._steps_before
            self._steps_before = steps
            if before is not None and steps - before > _FLOOD_PER_S * passed:
                self._period_s = FLOOD_PERIOD_S
            else:
                self._period_s = BUSY_PERIOD_S if busy else PERIOD_S
        return self._period_s
