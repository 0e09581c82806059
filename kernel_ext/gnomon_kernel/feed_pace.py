"""How often views are told: five times a second, and less often while the kernel has its hands full.

What a view costs, it costs at each message: here, in the server between, in the browser, all of them often on the
machine that does the work. While this process computes without a pause nobody can follow five pictures a second
anyway; then two must do. While tasks go by in thousands, however much of a loaded machine this process gets, there is
one a second, or one in two seconds where the work has no processor to spare: a turn of all views takes about 0.1 s of one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from gnomon import observe

PERIOD_S = 1 / observe.MESSAGES_PER_SECOND_MAX
BUSY_PERIOD_S = 0.5

_FLOOD_CPU_S = 4.0
"""Of all processors together, between two messages in a flood: what the views use is then a fortieth."""


def flood_period_s(cpus: int) -> float:
    """The time between two messages in a flood, on a machine with so many processors."""
    return min(2.0, max(BUSY_PERIOD_S, _FLOOD_CPU_S / cpus))


FLOOD_PERIOD_S = flood_period_s(os.cpu_count() or 1)

_BUSY_SHARE = 0.5
"""Of one processor: above it this process is what the work waits for."""

_FLOOD_PER_S = 1_000
"""Tasks submitted and ended, together: above it a picture tells of how many they are, and no more of each."""

_QUIET_LOOKS = 6
"""So many looks without one, and a flood with tasks that are still to end is over."""

_ENDED = ("done", "failed", "cancelled")


def tasks_now() -> tuple[int, int]:
    """How many tasks have been submitted and how many have ended, together; and how many are still to end."""
    tasks = observe.summary()["tasks"]
    submitted, ended = sum(tasks.values()), sum(tasks[state] for state in _ENDED)
    return submitted + ended, submitted - ended


class FeedPace:
    """Tells how long to wait for the next message. Used by one thread.

    Args:
        now: the clock, in seconds.
        used_s: processor time that this process has used, in seconds.
        tasks: a count that grows with each task that is submitted and with each that ends, and how many are to end.

    Attributes:
        is_flood: tasks went by in thousands at the last look.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.monotonic,
        used_s: Callable[[], float] = time.process_time,
        tasks: Callable[[], tuple[int, int]] = tasks_now,
    ) -> None:
        self._now, self._used_s, self._tasks = now, used_s, tasks
        self._looked = now()
        self._used_before_s = used_s()
        self._steps: int | None = None
        self._quiet_looks = 0
        self._period_s = PERIOD_S
        self.is_flood = False

    def period_s(self) -> float:
        """The time between two messages to one view, by what has been done before the last look."""
        now = self._now()
        passed = now - self._looked
        if passed >= PERIOD_S:  # the processor's clock is too coarse for less
            used = self._used_s()
            busy = used - self._used_before_s > _BUSY_SHARE * passed
            self._looked, self._used_before_s = now, used
            self.is_flood = self._goes_by(passed)
            if self.is_flood:
                self._period_s = FLOOD_PERIOD_S
            else:
                self._period_s = BUSY_PERIOD_S if busy else PERIOD_S
        return self._period_s

    def is_brief(self) -> bool:
        """Whether messages are to tell of few tasks: in a flood, and when one may have begun since the last look."""
        begun = self._steps is not None and self._tasks()[0] - self._steps > _FLOOD_PER_S * PERIOD_S
        return self.is_flood or begun

    def _goes_by(self, passed: float) -> bool:
        """Whether there is a flood. On a loaded machine one may stop for a moment; that is not its end."""
        steps, left = self._tasks()
        before, self._steps = self._steps, steps
        if before is not None and steps - before > _FLOOD_PER_S * passed:
            self._quiet_looks = 0
            return True
        self._quiet_looks += 1
        return self.is_flood and left > 0 and self._quiet_looks < _QUIET_LOOKS
