"""kill -9 of random leased workers while tasks run: every value right, no task run more often than it may
be."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cluster_tools import Cluster, RunCount, kill_process

import gnomon
from gnomon._shell.executor import BATCH_MAX
from gnomon.exceptions import WorkerCrashedError


@contextmanager
def storm(cluster: Cluster, seed: int, period_s: float = 0.2) -> Iterator[list[int]]:
    """Kill one leased worker every ``period_s`` seconds; yields the pids hit so far."""
    chooser = random.Random(seed)
    over = threading.Event()
    hit: list[int] = []

    def strike() -> None:
        while not over.wait(period_s):
            pids = cluster.leased_pids()
            if pids and kill_process(pid := chooser.choice(pids)):
                hit.append(pid)

    thread = threading.Thread(target=strike, name="storm")
    thread.start()
    try:
        yield hit
    finally:
        over.set()
        thread.join()


@gnomon.remote
def square(x: int, count: RunCount, work: int) -> int:
    count.note(x)
    return sum(range(work)) * 0 + x * x


@pytest.mark.parametrize("retries", [-1, 3])
def test_all_values_are_right_under_a_storm(cluster: Cluster, tmp_path: Path, retries: int) -> None:
    run_storm(cluster, RunCount(tmp_path / "runs"), 5_000, retries)


def run_storm(cluster: Cluster, count: RunCount, tasks: int, retries: int) -> None:
    function = square.options(max_retries=retries)
    with storm(cluster, seed=retries) as hit:
        values = gnomon.get([function.remote(x, count, 60_000) for x in range(tasks)], timeout=100)
    assert values == [x * x for x in range(tasks)]
    assert hit
    expect_few_runs(count.runs(), tasks, len(hit))


def expect_few_runs(runs: dict[int, int], tasks: int, hits: int) -> None:
    """A hit costs the task that ran and those whose results waited to be sent with it, once each."""
    assert set(runs) == set(range(tasks))
    assert max(runs.values()) <= 1 + hits
    assert sum(runs.values()) <= tasks + hits * (BATCH_MAX + 1), (sum(runs.values()), hits)


def test_without_retries_a_task_runs_at_most_once(cluster: Cluster, tmp_path: Path) -> None:
    count = RunCount(tmp_path / "runs")
    function = square.options(max_retries=0)
    with storm(cluster, seed=0) as hit:
        refs = [function.remote(x, count, 60_000) for x in range(5_000)]
        outcomes = [outcome(ref) for ref in refs]
    runs = count.runs()
    assert max(runs.values()) == 1
    failed = [x for x, value in enumerate(outcomes) if value is None]
    assert len(failed) <= len(hit) * (BATCH_MAX + 1)
    assert all(value in (x * x, None) for x, value in enumerate(outcomes))


def outcome(ref: gnomon.ObjectRef[int]) -> int | None:
    try:
        return gnomon.get(ref, timeout=100)
    except WorkerCrashedError:
        return None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_values_are_right_under_a_long_storm(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    cluster = start_cluster(num_cpus=4)
    function = square.options(max_retries=-1)
    count = RunCount(tmp_path / "runs")
    tasks = 50_000
    with storm(cluster, seed=1) as hit:
        values = gnomon.get([function.remote(x, count, 100_000) for x in range(tasks)], timeout=800)
    assert values == [x * x for x in range(tasks)]
    expect_few_runs(count.runs(), tasks, len(hit))
