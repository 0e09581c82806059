from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest

from gnomon.testing.simulator import Plan, Report, run_seed

SEEDS = 2_000
CHUNK = 250


def run_chunk(first: int) -> list[Report]:
    return [run_seed(seed) for seed in range(first, first + CHUNK)]


def failures(reports: list[Report]) -> str:
    told = [f"seed {report.seed}: {report.failure}" for report in reports if report.failure]
    return "\n\n".join(told[:3])


@pytest.mark.timeout(600)
def test_small_seeds() -> None:
    with ProcessPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        reports = [report for chunk in pool.map(run_chunk, range(0, SEEDS, CHUNK)) for report in chunk]
    assert not failures(reports), failures(reports)
    assert sum(report.tasks for report in reports) > 5_000
    assert sum(report.read for report in reports) > 10_000, "too few values were compared to prove anything"
    seen = {name for report in reports for name in report.errors}
    assert {"raised", "WorkerCrashedError", "OwnerDiedError", "TaskCancelledError", "ActorDiedError"} <= seen


HASHES = "python -m gnomon.testing.simulator --seeds 0:12 --hash"


def test_a_seed_has_the_same_trace_in_every_process() -> None:
    outputs = []
    for hash_seed in ("0", "12345"):
        done = subprocess.run(
            [sys.executable, *HASHES.split()[1:]],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(path for path in sys.path if path)},
            capture_output=True,
            text=True,
            check=False,
        )
        outputs.append([line for line in done.stdout.splitlines() if line.split()[0].isdigit()][:12])
    assert len(outputs[0]) == 12
    assert outputs[0] == outputs[1]


def test_seeds_differ() -> None:
    assert run_seed(1).trace != run_seed(4).trace
    assert run_seed(1).trace == run_seed(1).trace


def test_a_run_that_fails_tells_its_story() -> None:
    plan = Plan()
    plan.weather.loss = 1.0
    plan.faults_s = 1e9
    report = run_seed(3, plan)
    assert "hangs" in report.failure
    assert "driver" in report.failure


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_more_seeds() -> None:
    with ProcessPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        reports = [report for chunk in pool.map(run_chunk, range(SEEDS, 12_000, CHUNK)) for report in chunk]
    assert not failures(reports), failures(reports)
