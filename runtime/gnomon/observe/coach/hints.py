"""A hint: what a notebook does that costs it time or memory, how much, where, and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass

LOOP, ARGUMENT, TINY, PINNED, NESTED = (
    "get-in-a-loop",
    "large-argument",
    "tiny-tasks",
    "pinned-outputs",
    "nested-get",
)
KINDS = (LOOP, ARGUMENT, TINY, PINNED, NESTED)


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint.

    Attributes:
        kind: one of ``KINDS``.
        cell: id of the cell that it is about; with ``label``, as people read it, and the line in it (0: none).
        finding: what was seen, with the measured cost: a sentence.
        advice: what to write instead: a sentence.
    """

    kind: str
    cell: str
    label: str
    line: int
    finding: str
    advice: str

    @property
    def place(self) -> str:
        """``In [3], line 4``."""
        return f"{self.label}, line {self.line}" if self.line else self.label

    def text(self) -> str:
        """``In [3], line 4: ...`` with what was seen and what to write instead."""
        return f"{self.place}: {self.finding} {self.advice}"


def count(number: int, noun: str) -> str:
    """``1 task``, ``2,000 tasks``."""
    return f"{number:,} {noun}{'s'[: number != 1]}"


def seconds(value: float) -> str:
    """``0.02 ms``, ``350 ms``, ``4.1 s``, ``2 min 05 s``."""
    if value < 0.1:
        return f"{value * 1e3:.2g} ms"
    if value < 1:
        return f"{value * 1e3:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    return f"{int(value) // 60} min {int(value) % 60:02d} s"
