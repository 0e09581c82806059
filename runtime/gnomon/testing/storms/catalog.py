"""Catalog: all storms, how large each is in full and in ``make test``, and how long it may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from gnomon.testing.storms import (
    actor_kills,
    cancellation,
    driver_kills,
    handoffs,
    interrupts,
    node_kills,
    poison,
    reconstruction,
    spill_faults,
    store_pressure,
    worker_kills,
)
from gnomon.testing.storms.crash_matrix import matrix
from gnomon.testing.storms.report import Report

Sizes = Mapping[str, int]


class Storm(NamedTuple):
    """A storm that can be run by name.

    Attributes:
        about: in one line.
        run: takes the report, ``seed`` and the sizes.
        full: its sizes, by the name of the option.
        small: those that differ in ``make test``.
        limit_s: its bound in time at full size, on a machine with other work.
    """

    about: str
    run: Callable[..., None]
    full: Sizes
    small: Sizes
    limit_s: float


STORMS = {
    "worker-kills": Storm(
        "workers killed at random while tasks run",
        worker_kills.run,
        {"tasks": 50_000, "kills": 300, "retries": -1},
        {"tasks": 2_000, "kills": 10},
        1_200.0,
    ),
    "actor-kills": Storm(
        "actors killed at random while they are called",
        actor_kills.run,
        {"calls": 100_000, "restarts": 200, "retries": -1},
        {"calls": 3_000, "restarts": 10},
        1_200.0,
    ),
    "refs": Storm(
        "references handed on through tasks, actors and containers, while those who hold them die",
        handoffs.run,
        {"handoffs": 100_000, "kills": 200},
        {"handoffs": 2_000, "kills": 6},
        2_400.0,
    ),
    "node-kills": Storm(
        "whole nodes killed and replaced while graphs of tasks run",
        node_kills.run,
        {"tasks": 30_000, "kills": 60, "large_per_cent": 10, "rebuilt": 1},
        {"tasks": 1_000, "kills": 3},
        2_400.0,
    ),
    "cancellation": Storm(
        "half of many tasks cancelled at random moments",
        cancellation.run,
        {"tasks": 50_000},
        {"tasks": 1_500},
        1_200.0,
    ),
    "crash-matrix": Storm(
        "every way to crash at every place",
        matrix.run,
        {"cells": 1_000, "innocents": 1_000},
        {"cells": 60, "innocents": 200},
        2_400.0,
    ),
    "poison": Storm(
        "tasks that kill every worker they meet",
        poison.run,
        {"poisons": 20, "innocents": 5_000, "retries": 3},
        {},
        300.0,
    ),
    "driver-kills": Storm(
        "drivers killed at random instants",
        driver_kills.run,
        {"repeats": 200},
        {"repeats": 3},
        3_600.0,
    ),
    "interrupts": Storm(
        "Ctrl-C at random instants",
        interrupts.run,
        {"times": 2_000},
        {"times": 80},
        3_600.0,
    ),
    "store-pressure": Storm(
        "many times the store flows through it",
        store_pressure.run,
        {"mib": 30 * 1_024, "store_mib": 1_024},
        {"mib": 400, "store_mib": 48},
        3_600.0,
    ),
    "spill-faults": Storm(
        "directories for spilled values vanish, and files in them are damaged",
        spill_faults.run,
        {"faults": 1_000},
        {"faults": 40},
        1_800.0,
    ),
    "reconstruction": Storm(
        "values lost at the end of long chains and all over wide graphs",
        reconstruction.run,
        {"depth": 10_000, "objects": 10_000, "losses": 1_000},
        {"depth": 300, "objects": 300, "losses": 40},
        1_800.0,
    ),
}
"""By name, in the order in which ``all`` runs them."""


def run_storm(
    name: str,
    seed: int = 1,
    small: bool = False,
    sizes: Sizes | None = None,
    limit_s: float | None = None,
    say: Callable[[str], None] | None = None,
) -> Report:
    """Run one storm.

    Args:
        name: in ``STORMS``.
        seed: of what is chosen at random.
        small: with the sizes of ``make test``.
        sizes: to be used instead, by name.
        limit_s: its bound in time, instead of the catalog's.
        say: prints a line of progress.

    Returns:
        What it has done, and what was wrong.

    Raises:
        KeyError: there is no storm of that name.
    """
    storm = STORMS[name]
    chosen = {**storm.full, **(storm.small if small else {}), **(sizes or {})}
    report = Report(name, {"seed": seed, **chosen}, limit_s or storm.limit_s, *([say] if say else []))
    storm.run(report, seed, **chosen)
    return report
