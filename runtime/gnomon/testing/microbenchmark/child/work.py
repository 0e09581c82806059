"""What a row is: a name, and a function that prepares its work on the system under test.

The functions and classes that a row sends to workers are all defined inside other functions: so they travel
by value, and the workers need not be able to import this package.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CLIENTS = 4
"""Clients of the rows with several of them."""

HALF_CORES = max(1, (os.cpu_count() or 2) // 2)
"""Actors of the rows whose number of actors follows the machine."""

QUICK_DIVISOR = 10
"""``--quick`` cuts the largest batches to a tenth; the rate is still one of the same work."""


@dataclass(frozen=True)
class Bench:
    """The system under test, and how large the batches are.

    Attributes:
        ray: the module under test (``gnomon`` or ``ray``), initialised.
        quick: whether the largest batches are cut.
    """

    ray: Any
    quick: bool

    def batch(self, calls: int) -> int:
        """The number of calls in a batch of ``calls`` (5,000 and more, else leave it as it is)."""
        return calls // QUICK_DIVISOR if self.quick else calls


@dataclass(frozen=True)
class Work:
    """One row made ready on one system.

    Attributes:
        run: does the work once and waits for its end.
        units: what one run counts for, in the row's unit.
        runs_before: how often it must have run before a run is what the row is about.
    """

    run: Callable[[], object]
    units: float = 1.0
    runs_before: int = 0


@dataclass(frozen=True)
class Row:
    """One row of the table: ``prepare`` is called once, its work then runs many times.

    Attributes:
        drifts: the rate changes while it is measured, as what is measured is new at first. So it is measured
            for as long as Ray's command does, even in a hurry, and the mean is what counts, as there.
    """

    name: str
    unit: str
    prepare: Callable[[Bench], Work]
    drifts: bool = False


class Rows:
    """The rows of one module, in the order in which they are written."""

    def __init__(self) -> None:
        self.all: list[Row] = []

    def row(
        self, name: str, unit: str = "1/s", drifts: bool = False
    ) -> Callable[[Callable[[Bench], Work]], Callable[[Bench], Work]]:
        """Decorator: the function prepares the row called ``name``."""

        def register(prepare: Callable[[Bench], Work]) -> Callable[[Bench], Work]:
            self.all.append(Row(name, unit, prepare, drifts))
            return prepare

        return register
