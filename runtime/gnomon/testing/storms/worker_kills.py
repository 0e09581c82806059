"""worker-kills: tasks run while their workers are killed at random; all values are right, no task runs too often."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import gnomon
from gnomon._shell.executor import BATCH_MAX
from gnomon.exceptions import WorkerCrashedError
from gnomon.testing.observed_session import ObservedSession
from gnomon.testing.run_count import RunCount
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import scratch, storm_session
from gnomon.testing.storms.striker import Striker

CPUS = 4

PERIOD_S = 0.2
"""Between two kills."""

WAVE = 1_000
"""Tasks submitted at a time."""

DURATIONS_S = (0.0,) * 6 + (0.002,) * 10 + (0.01,) * 3 + (0.1,)
"""How long tasks take, one of these at random; on average 7.5 ms, so that the full size takes some 90 s."""


@gnomon.remote
def _square(number: int, duration_s: float, count: RunCount) -> int:
    count.note(number)
    if duration_s < 0.01:
        until = time.monotonic() + duration_s
        while time.monotonic() < until:
            sum(range(100))
    else:
        time.sleep(duration_s)
    return number * number


def run(report: Report, seed: int, tasks: int, kills: int, retries: int) -> None:
    """See the module; with ``retries`` of -1 no task may fail."""
    chooser = random.Random(seed)
    function = _square.options(max_retries=retries)
    failed: dict[int, int] = {}
    with scratch() as folder, storm_session(report, num_cpus=CPUS) as session:
        count = RunCount(folder / "runs")
        submitted = 0
        with Striker(session.config.session, lambda: _victims(session, chooser), seed, PERIOD_S) as striker:
            while (submitted < tasks or not striker.has_struck(kills)) and not report.is_late():
                numbers = range(submitted, submitted + WAVE)
                submitted += WAVE
                refs = [function.remote(n, chooser.choice(DURATIONS_S), count) for n in numbers]
                failed.update(_check_values(report, zip(numbers, refs, strict=True)))
                report.progress(f"{submitted} tasks, {len(striker.hits)} kills")
                del refs
        report.facts = {"tasks": submitted, "kills": len(striker.hits), "failed": len(failed)}
        check_runs(report, count.entries(), submitted, striker.hits, failed, retries)


def _victims(session: ObservedSession, chooser: random.Random) -> list[int]:
    """Mostly the workers that run tasks now; sometimes any, also one that is starting or idle."""
    return sorted(session.worker_pids()) if chooser.random() < 0.1 else session.leased_pids()


def _check_values(report: Report, refs: Iterable[tuple[int, Any]]) -> dict[int, int]:
    """Values are squares; returns the attempts of those that failed because their workers died."""
    failed: dict[int, int] = {}
    for number, ref in refs:
        try:
            value = gnomon.get(ref, timeout=report.left_s())
        except WorkerCrashedError as error:
            failed[number] = error.attempts
        else:
            report.expect(value == number * number, f"task {number} has the value {value}")
    return failed


def check_runs(
    report: Report,
    entries: list[tuple[int, int]],
    tasks: int,
    hits: list[int],
    failed: Mapping[int, int],
    retries: int,
) -> None:
    """Each run beyond the first is explained by a kill of the process that had run it before.

    Args:
        report: of the storm.
        entries: (task, pid) of every run.
        tasks: their number.
        hits: pids of the processes that were killed.
        failed: attempts of the tasks that failed.
        retries: how many a task has; -1 for any number.
    """
    killed = set(hits)
    runs = Counter(number for number, _ in entries)
    survived = Counter(number for number, pid in entries if pid not in killed)
    report.facts["runs"] = len(entries)
    if len(entries) > tasks + len(hits) * (1 + BATCH_MAX):
        report.fault(f"{len(entries)} runs of {tasks} tasks with {len(hits)} kills")
    if retries == 0 and len(failed) > len(hits):
        report.fault(f"{len(failed)} tasks failed with {len(hits)} kills, though each is alone on its worker")
    for number in range(tasks):
        if number not in runs and number not in failed:
            report.fault(f"task {number} has a value and never ran")
        if retries >= 0 and runs[number] > 1 + retries:
            report.fault(f"task {number} ran {runs[number]} times with {retries} retries")
        if survived[number] > 1:
            report.fault(f"task {number} ran {survived[number]} times in processes that were not killed")
    for number, attempts in failed.items():
        if retries < 0 or attempts != 1 + retries:
            report.fault(f"task {number} failed after {attempts} attempts with {retries} retries")
        if survived[number]:
            report.fault(f"task {number} failed although a process that ran it was not killed")
