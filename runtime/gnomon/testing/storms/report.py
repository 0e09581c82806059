"""Report: what a storm has done and what was wrong, line by line, and how long it may go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

FAULTS_SHOWN = 12
"""Of many faults so many are told; a storm that fails mostly fails alike everywhere."""

PROGRESS_S = 5.0
"""Between two lines of progress."""


def _silent(_line: str) -> None:
    return


class Report:
    """One run of a storm.

    Args:
        name: of the storm.
        sizes: what it was asked for; shown in the verdict.
        limit_s: its bound in time: see ``left_s``.
        say: prints a line of progress.

    Attributes:
        facts: counts that the verdict tells, in order.
        faults: what was wrong; empty when all was well.
    """

    def __init__(
        self, name: str, sizes: Mapping[str, int], limit_s: float, say: Callable[[str], None] = _silent
    ) -> None:
        self.name = name
        self.sizes = dict(sizes)
        self.facts: dict[str, int | float | str] = {}
        self.faults: list[str] = []
        self._say = say
        self._began = time.monotonic()
        self._deadline = self._began + limit_s
        self._spoke = self._began

    def took_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    def left_s(self) -> float:
        """Seconds that it may still take, at least 1: what waits for an outcome waits no longer than this."""
        return max(1.0, self._deadline - time.monotonic())

    def is_late(self) -> bool:
        """Whether its time is over; that is a fault, told once."""
        if time.monotonic() < self._deadline:
            return False
        text = "its time was over before it had done all"
        if text not in self.faults:
            self.fault(text)
        return True

    def fault(self, text: str) -> None:
        """Something was wrong."""
        self.faults.append(text)
        if len(self.faults) <= FAULTS_SHOWN:
            self._say(f"{self.name}: WRONG: {text}")

    def expect(self, condition: bool, text: str) -> None:
        """A fault unless ``condition``."""
        if not condition:
            self.fault(text)

    def progress(self, text: str) -> None:
        """Where it is; printed every ``PROGRESS_S``."""
        now = time.monotonic()
        if now - self._spoke >= PROGRESS_S:
            self._spoke = now
            self._say(f"{self.name}: {text}, {self.took_s():.0f} s")

    def verdict(self) -> str:
        """All in one line."""
        sizes = " ".join(f"{name}={value}" for name, value in self.sizes.items())
        facts = ", ".join(f"{value} {name}" for name, value in self.facts.items())
        outcome = f"{len(self.faults)} WRONG: {self.faults[0]}" if self.faults else "all well"
        return f"{self.name}: {outcome} ({facts}; {self.took_s():.1f} s; {sizes})"
