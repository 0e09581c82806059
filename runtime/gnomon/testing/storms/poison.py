"""poison: tasks that kill every worker they meet, among innocent ones. They fail after their retries, nobody else does."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from typing import Any

import gnomon
from gnomon.exceptions import WorkerCrashedError
from gnomon.testing.run_count import RunCount
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import scratch, storm_session

CPUS = 2

INNOCENT_RETRIES = (3, 3, 3, 1, 0)
"""Retries of the innocent tasks, one of these at random. Those without any are the hardest to keep."""


@gnomon.remote
def _poison(number: int, count: RunCount) -> None:
    count.note(number)
    os.kill(os.getpid(), signal.SIGKILL)


@gnomon.remote
def _innocent(number: int) -> int:
    return number + 1


def run(report: Report, seed: int, poisons: int, innocents: int, retries: int) -> None:
    """See the module; ``retries`` are the poisons'."""
    chooser = random.Random(seed)
    everybody = list(range(poisons + innocents))
    poisonous = set(chooser.sample(everybody, poisons))
    with scratch() as folder, storm_session(report, num_cpus=CPUS):
        count = RunCount(folder / "runs")
        refs = [_submit(number, number in poisonous, chooser, retries, count) for number in everybody]
        _check(report, refs, poisonous, retries)
        del refs
        runs = Counter(number for number, _ in count.entries())
        report.facts = {"tasks": len(everybody), "poisons": poisons, "kills": runs.total()}
        for number in sorted(poisonous):
            report.expect(runs[number] == 1 + retries, f"poison {number} ran {runs[number]} times")


def _submit(number: int, poisonous: bool, chooser: random.Random, retries: int, count: RunCount) -> Any:
    if poisonous:
        return _poison.options(max_retries=retries).remote(number, count)
    return _innocent.options(max_retries=chooser.choice(INNOCENT_RETRIES)).remote(number)


def _check(report: Report, refs: list[Any], poisonous: set[int], retries: int) -> None:
    for number, ref in enumerate(refs):
        report.progress(f"{number} outcomes")
        try:
            value = gnomon.get(ref, timeout=report.left_s())
        except WorkerCrashedError as error:
            if number not in poisonous:
                report.fault(f"innocent task {number} failed: {error}")
            elif error.attempts != 1 + retries or "SIGKILL" not in error.reason:
                report.fault(f"poison {number}: {error}")
        else:
            report.expect(number not in poisonous, f"poison {number} has the value {value}")
            report.expect(value == number + 1, f"innocent task {number} has the value {value}")
