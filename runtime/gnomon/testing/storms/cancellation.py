"""cancellation: half of many tasks are cancelled at random moments; each has one outcome, the others are unaffected.

Tasks are short, long, never ending, waiting for another, or trees of tasks; they are met queued, running and
finished, a few with ``force``. Never ending ones are always cancelled, so that one which is missed is noticed:
its worker would not be free at the end.
"""

from __future__ import annotations

import random
import threading
import time
from typing import Any, NamedTuple

import gnomon
from gnomon.exceptions import TaskCancelledError
from gnomon.testing.run_count import RunCount
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import scratch, storm_session

CPUS = 4
WAVE = 500
"""Tasks submitted at a time."""

WAVE_S = 0.4
"""Cancellations of a wave fall into this time after its first submission."""

FORCED = 0.1
"""Share of the cancellations that use ``force``."""

KINDS = ("short",) * 14 + ("nap",) * 2 + ("endless", "waiting", "tree", "endless tree")
ENDLESS = sum(kind.startswith("endless") for kind in KINDS) / len(KINDS)

ENDLESS_S = 3600.0
"""What does not end by itself would take so long."""


class Task(NamedTuple):
    """One task of a storm, and what becomes of it."""

    number: int
    kind: str
    doomed: bool
    force: bool


@gnomon.remote(max_retries=-1)
def _short(number: int, count: RunCount) -> int:
    count.note(number)
    return number


@gnomon.remote(max_retries=-1)
def _nap(number: int, count: RunCount, wait_s: float) -> int:
    count.note(number)
    deadline = time.monotonic() + wait_s
    while (left_s := deadline - time.monotonic()) > 0:
        threading.Event().wait(left_s)
    return number


@gnomon.remote(max_retries=-1)
def _waiting(number: int, count: RunCount, before: Any) -> int:
    count.note(number)
    return number


@gnomon.remote(max_retries=-1)
def _tree(number: int, count: RunCount, depth: int, leaf_s: float) -> int:
    """A task of 2 ** depth leaves; its value is its number."""
    count.note(number)
    if depth == 0:
        gnomon.get(_nap.remote(number, count, leaf_s))
        return number
    parts = [_tree.remote(number, count, depth - 1, leaf_s) for _ in range(2)]
    return min(gnomon.get(parts))


def run(report: Report, seed: int, tasks: int) -> None:
    """See the module."""
    chooser = random.Random(seed)
    totals = {"cancelled": 0, "finished first": 0, "forced": 0}
    with scratch() as folder, storm_session(report, num_cpus=CPUS):
        count = RunCount(folder / "runs")
        for first in range(0, tasks, WAVE):
            if report.is_late():
                break
            wave = [_choose(number, chooser) for number in range(first, first + WAVE)]
            for what, more in _run_wave(report, wave, count, chooser).items():
                totals[what] += more
            report.progress(f"{first + WAVE} tasks, {totals}")
        report.facts = {"tasks": tasks, **totals}
        never_began = set(range(tasks)) - set(count.runs())
        report.facts["never began"] = len(never_began)


def _choose(number: int, chooser: random.Random) -> Task:
    kind = chooser.choice(KINDS)
    endless = kind.startswith("endless")
    # half of all, and those that would not end by themselves are among them
    doomed = endless or chooser.random() < (0.5 - ENDLESS) / (1 - ENDLESS)
    return Task(number, kind, doomed, chooser.random() < FORCED)


def _run_wave(report: Report, wave: list[Task], count: RunCount, chooser: random.Random) -> dict[str, int]:
    began = time.monotonic()
    moments = sorted((chooser.random() * WAVE_S, task) for task in wave if task.doomed)
    refs: list[Any] = [_submit(task, count) for task in wave]
    first = wave[0].number
    for moment, task in moments:
        threading.Event().wait(max(0.0, began + moment - time.monotonic()))
        gnomon.cancel(refs[task.number - first], force=task.force)
    totals = {"cancelled": 0, "finished first": 0, "forced": sum(task.force for _, task in moments)}
    for task in wave:
        outcome = _outcome(report, task, refs[task.number - first])
        if task.doomed:
            totals["cancelled" if outcome == "cancelled" else "finished first"] += 1
    return totals


def _submit(task: Task, count: RunCount) -> Any:
    if task.kind == "nap":
        return _nap.remote(task.number, count, 0.01)
    if task.kind == "endless":
        return _nap.remote(task.number, count, ENDLESS_S)
    if task.kind == "waiting":
        return _waiting.remote(task.number, count, _nap.remote(task.number, count, 0.005))
    if task.kind == "tree":
        return _tree.remote(task.number, count, 1, 0.002)
    if task.kind == "endless tree":
        return _tree.remote(task.number, count, 1, ENDLESS_S)
    return _short.remote(task.number, count)


def _outcome(report: Report, task: Task, ref: Any) -> str:
    """What became of a task, looked at twice: a value, or cancelled if it was."""
    seen = []
    for _ in range(2):
        try:
            value = gnomon.get(ref, timeout=report.left_s())
        except TaskCancelledError:
            seen.append("cancelled")
        else:
            seen.append("value")
            report.expect(value == task.number, f"{task} has the value {value}")
            report.expect(not task.kind.startswith("endless"), f"{task} has ended")
    report.expect(seen[0] == seen[1], f"{task} is first {seen[0]}, then {seen[1]}")
    report.expect(task.doomed or seen[0] == "value", f"{task} was not cancelled by anybody and is {seen[0]}")
    return seen[0]
