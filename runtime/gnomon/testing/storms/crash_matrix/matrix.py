"""Running the cells: some at a time, among innocent tasks and calls that share their workers."""

from __future__ import annotations

import random
from typing import Any

import gnomon
from gnomon.exceptions import GetTimeoutError
from gnomon.testing.processes import wait_until
from gnomon.testing.run_count import RunCount
from gnomon.testing.storms.crash_matrix.cells import Cell, some_cells
from gnomon.testing.storms.crash_matrix.faults import HANGS, Trigger
from gnomon.testing.storms.crash_matrix.places import TASK
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import scratch, storm_session, told

CPUS = 3
GROUP = 8
"""Cells at a time."""

CELL_S = 15.0
"""How long the outcome of a cell may take."""

CALLS = 50
"""Of the innocent futures of a group so many are calls of an actor that lives through all."""


@gnomon.remote
def _innocent(number: int) -> int:
    return number + 1


class _Bystander:
    def __init__(self) -> None:
        self.calls = 0

    def call(self) -> int:
        self.calls += 1
        return self.calls


_BYSTANDER: Any = gnomon.remote(num_cpus=0)(_Bystander)


def run(report: Report, seed: int, cells: int, innocents: int) -> None:
    """Run that many cells, with that many innocent futures around each group of them."""
    run_cells(report, some_cells(cells, seed), seed, innocents)


def run_cells(report: Report, cells: list[Cell], seed: int, innocents: int) -> None:
    """Run these cells."""
    report.facts = {"cells": len(cells), "innocents": 0}
    chooser = random.Random(seed)
    with storm_session(report, num_cpus=CPUS, object_store_memory=128 * 2**20):
        bystander: Any = _BYSTANDER.remote()
        for first in range(0, len(cells), GROUP):
            if report.is_late():
                break
            # what hangs comes last: it may take every CPU, and some places wait for others before they return
            group = sorted(cells[first : first + GROUP], key=lambda cell: cell.fault.kind == HANGS)
            with told(report):
                _run_group(report, group, bystander, innocents, chooser)
            report.progress(f"{first + len(group)} cells")
        del bystander


def _run_group(
    report: Report, group: list[Cell], bystander: Any, innocents: int, chooser: random.Random
) -> None:
    names = ", ".join(cell.name for cell in group)
    retries = [chooser.choice((3, 3, 1, 0)) for _ in range(innocents - CALLS)]
    half = len(retries) // 2
    with scratch() as folder:
        refs = [_innocent.options(max_retries=each).remote(n) for n, each in enumerate(retries[:half])]
        notes = [RunCount(folder / str(number)) for number in range(len(group))]
        guilty = [_start(cell, note) for cell, note in zip(group, notes, strict=True)]
        refs += [_innocent.options(max_retries=each).remote(n) for n, each in enumerate(retries[half:], half)]
        calls = [bystander.call.remote() for _ in range(CALLS)]
        with told(report):
            _cancel_what_hangs(list(zip(group, notes, guilty, strict=True)))
        for cell, ref in zip(group, guilty, strict=True):
            with told(report):
                _judge(report, cell, ref)
        for number, ref in enumerate(refs):
            with told(report):
                value = gnomon.get(ref, timeout=CELL_S)
                report.expect(
                    value == number + 1, f"innocent task {number} has the value {value}, near {names}"
                )
        values = gnomon.get(calls, timeout=CELL_S)
        report.expect(values == list(range(values[0], values[0] + CALLS)), f"calls out of order near {names}")
    report.facts["innocents"] = int(report.facts["innocents"]) + innocents


def _start(cell: Cell, note: RunCount) -> Any:
    """The reference of the outcome; or what was raised instead, which is the outcome."""
    try:
        return cell.place.start(Trigger(cell.fault.name, note))
    except Exception as error:
        return error


def _cancel_what_hangs(cells: list[tuple[Cell, RunCount, Any]]) -> None:
    """Each of the cells that hang as soon as it has begun, since the others may wait for its CPU."""
    left = [each for each in cells if each[0].fault.kind == HANGS]

    def all_begun() -> bool:
        for each in [each for each in left if each[1].entries()]:
            left.remove(each)
            gnomon.cancel(each[2])
        return not left

    try:
        wait_until(all_begun, f"{', '.join(cell.name for cell, _, _ in left)} begin", CELL_S)
    finally:
        for _, _, ref in left:
            gnomon.cancel(ref)


def _judge(report: Report, cell: Cell, ref: Any) -> None:
    outcome: Any
    try:
        outcome = ref if isinstance(ref, Exception) else gnomon.get(ref, timeout=CELL_S)
    except GetTimeoutError:
        report.fault(f"{cell.name}: it has not ended within {CELL_S:g} s")
        gnomon.cancel(ref, force=cell.place.owner == TASK)
        return
    except BaseException as error:
        outcome = error
    wrong = cell.expected.judge(outcome)
    if wrong:
        report.fault(f"{cell.name}: {wrong}")
    del outcome
