"""The table: which faults meet which places, and what is to come of it."""

from __future__ import annotations

import random
import re
from typing import Any, NamedTuple

from gnomon import exceptions
from gnomon.testing.storms.crash_matrix.faults import DIES, FAULTS, HANGS, LEAVES, RAISES, STARVES, Fault
from gnomon.testing.storms.crash_matrix.places import HARMLESS, PLACES, RETRIES, TASK, VALUE, Place

_RAISED = (exceptions.TaskError, exceptions.SerializationError)

# (fault, place) -> why they do not meet
_GOES_ON = "it goes on in a thread when its task has ended, and would hit what its worker does next"
LEFT_OUT = {
    ("starved", "get in a task"): _GOES_ON,
    ("memory used up", "get in a task"): _GOES_ON,
    (
        "wait",
        "a threaded method",
    ): "Python interrupts a thread that is not the main one between two bytecodes only",
}


class Expected(NamedTuple):
    """What is to come of a cell: the value, or one of some errors whose text matches."""

    errors: tuple[type[BaseException], ...]
    says: str = ""
    or_value: bool = False

    def judge(self, outcome: Any) -> str:
        """What is wrong with an outcome (a value, or an exception); "" when nothing is."""
        if not isinstance(outcome, BaseException):
            is_right = outcome == VALUE and (not self.errors or self.or_value)
            return "" if is_right else f"it has the value {outcome!r}"
        told = f"{type(outcome).__name__}: {outcome}"
        if not isinstance(outcome, self.errors):
            return f"it failed with {told}"
        return "" if re.search(self.says, told) else f"{self.says!r} is not in {told}"


class Cell(NamedTuple):
    """A fault at a place."""

    fault: Fault
    place: Place
    expected: Expected

    @property
    def name(self) -> str:
        """For the report."""
        return f"{self.fault.name} in {self.place.name}"


def all_cells() -> list[Cell]:
    """Every cell, in the order of the table."""
    return [
        Cell(fault, place, expected(fault, place))
        for fault in FAULTS.values()
        for place in PLACES.values()
        if (fault.name, place.name) not in LEFT_OUT
        and (fault.kind != HANGS or _can_be_cancelled(fault, place))
    ]


def some_cells(count: int, seed: int) -> list[Cell]:
    """``count`` cells in random order, such that all faults and all places are among them if that is possible."""
    chooser = random.Random(seed)
    left = all_cells()
    chooser.shuffle(left)
    seen: dict[str, int] = {}

    def how_often(cell: Cell) -> int:
        return seen.get(cell.fault.name, 0) + seen.get(cell.place.name, 0)

    chosen: list[Cell] = []
    while left and len(chosen) < count:
        cell = min(left, key=how_often)
        left.remove(cell)
        chosen.append(cell)
        for name in (cell.fault.name, cell.place.name):
            seen[name] = seen.get(name, 0) + 1
    return chosen


def _can_be_cancelled(fault: Fault, place: Place) -> bool:
    """An actor that is deaf can not be cancelled: only a task's worker is killed for that."""
    if place.streams:
        return False
    if place.owner == TASK:
        return place.heard
    return place.cancellable and not fault.forced


def expected(fault: Fault, place: Place) -> Expected:
    """What is to come of ``fault`` at ``place``."""
    if place.name in HARMLESS:
        return Expected(())
    if fault.kind == HANGS:
        return Expected((exceptions.TaskCancelledError,), fault.says)
    dead: tuple[type[BaseException], ...] = (exceptions.ActorDiedError,)
    if place.owner == TASK:
        dead = (exceptions.WorkerCrashedError,)
    if fault.kind == DIES:
        attempts = f"attempt {1 + RETRIES}.*" if place.owner == TASK and place.name != "a nested task" else ""
        return Expected(dead, attempts + fault.says)
    if fault.kind == STARVES:
        return Expected((*dead, *_RAISED), f"{fault.says}|Thrown", or_value=not place.heard)
    assert fault.kind in (RAISES, LEAVES)
    return _expected_of_raising(fault, place, dead)


def _expected_of_raising(fault: Fault, place: Place, dead: tuple[type[BaseException], ...]) -> Expected:
    if not place.heard:
        return Expected(())
    if place.throws:
        return Expected(_RAISED, "Thrown")  # it is told, and what went wrong in pickling it is not
    if fault.kind == LEAVES or place.name.startswith("a constructor"):
        return Expected(dead, fault.says)
    if place.name.startswith("an async") and fault.name == "CancelledError":
        return Expected((exceptions.TaskCancelledError,), "cancelled")
    return Expected(_RAISED, fault.says)
