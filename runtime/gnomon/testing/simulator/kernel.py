"""Kernel: a virtual clock and the things that will happen. It knows nothing of gnomon.

Whatever happens is an action at a time; actions at one time happen in the order in which they were asked for.
All chance comes from ``random``, which is made from the seed: nothing here may look at the real clock, at ids
of objects or at the order of a set.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any

from gnomon.testing.simulator.trace import Trace


class Timer:
    """An action in the future."""

    __slots__ = ("action", "args")

    def __init__(self, action: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.action: Callable[..., Any] | None = action
        self.args = args

    def cancel(self) -> None:
        """It will not happen."""
        self.action = None


class Kernel:
    """The clock and the heap of one simulation.

    Attributes:
        now: virtual seconds; starts above zero because roles read 0 as "no time".
        random: all chance of the simulation.
        steps: actions that have happened.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.now = 1.0
        self.random = random.Random(seed)
        self.trace = Trace()
        self.steps = 0
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = 0

    def after(self, delay_s: float, action: Callable[..., Any], *args: Any) -> Timer:
        """Do ``action(*args)`` in ``delay_s`` virtual seconds."""
        return self.at(self.now + delay_s, action, *args)

    def at(self, time_s: float, action: Callable[..., Any], *args: Any) -> Timer:
        """Do ``action(*args)`` at ``time_s``, or now when that has passed."""
        timer = Timer(action, args)
        self._sequence += 1
        heapq.heappush(self._heap, (max(time_s, self.now), self._sequence, timer))
        return timer

    def chance(self, probability: float) -> bool:
        """True with this probability; costs no random number when it is 0."""
        return probability > 0 and self.random.random() < probability

    def run(self, until: Callable[[], bool], deadline_s: float, steps_max: int) -> bool:
        """Let things happen.

        Args:
            until: stop when this is true (asked after each action).
            deadline_s: stop at this virtual time.
            steps_max: stop after so many actions in all.

        Returns:
            Whether ``until`` came true, or nothing is left to happen.
        """
        heap = self._heap
        while not until():
            if not heap:
                return True
            if heap[0][0] > deadline_s or self.steps >= steps_max:
                return False
            time, _, timer = heapq.heappop(heap)
            if timer.action is None:
                continue
            self.now = time
            self.steps += 1
            timer.action(*timer.args)
        return True
