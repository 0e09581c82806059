"""A long task never delays a short one while another worker is idle; nested waits never deadlock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster_tools import Cluster, wait_until

import gnomon

LONG_S = 600.0
"""Longer than any test: a short task behind it never ends."""


@gnomon.remote
def long(done: str) -> str:
    """Runs until the file ``done`` exists."""
    path = Path(done)
    deadline = time.monotonic() + LONG_S
    while not path.exists() and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    return "long"


@gnomon.remote
def short(x: int) -> int:
    return x


@gnomon.remote
def either(done: str) -> str:
    """One function, two durations."""
    return gnomon_long(done) if done else "short"


def gnomon_long(done: str) -> str:
    return str(long._function(done))


@pytest.mark.parametrize("place", [0, 1, 5, 50, 199])
def test_short_tasks_pass_a_long_one_submitted_anywhere(cluster: Cluster, tmp_path: Path, place: int) -> None:
    done = tmp_path / "done"
    before = [short.remote(x) for x in range(place)]
    blocker = long.remote(str(done))
    after = [short.remote(x) for x in range(place, 200)]
    try:
        assert gnomon.get(before + after, timeout=30) == list(range(200))
        assert gnomon.wait([blocker], timeout=0) == ([], [blocker])
    finally:
        done.touch()
    assert gnomon.get(blocker, timeout=30) == "long"


def test_short_tasks_pass_a_long_one_when_all_were_short_so_far(cluster: Cluster, tmp_path: Path) -> None:
    done = tmp_path / "done"
    gnomon.get([either.remote("") for _ in range(2_000)])
    refs = [either.remote(str(done) if place == 1_000 else "") for place in range(2_000)]
    blocker = refs.pop(1_000)
    try:
        assert gnomon.get(refs, timeout=30) == ["short"] * 1_999
        assert gnomon.wait([blocker], timeout=0) == ([], [blocker])
    finally:
        done.touch()
    assert gnomon.get(blocker, timeout=30) == "long"


def test_a_long_task_holds_up_nobody_on_its_own_worker(cluster: Cluster, tmp_path: Path) -> None:
    """Two long tasks take both CPUs; when one ends, its worker runs everything else."""
    first, second = tmp_path / "first", tmp_path / "second"
    blockers = [long.remote(str(first)), long.remote(str(second))]
    refs = [short.remote(x) for x in range(100)]
    first.touch()
    try:
        assert gnomon.get(refs, timeout=30) == list(range(100))
    finally:
        second.touch()
    assert gnomon.get(blockers, timeout=30) == ["long", "long"]


def test_short_calls_in_turn_beside_a_long_one(cluster: Cluster, tmp_path: Path) -> None:
    done = tmp_path / "done"
    blocker = long.remote(str(done))
    try:
        assert [gnomon.get(short.remote(x), timeout=30) for x in range(50)] == list(range(50))
    finally:
        done.touch()
    assert gnomon.get(blocker, timeout=30) == "long"


def test_two_drivers_of_work_share(cluster: Cluster, tmp_path: Path) -> None:
    """A task that submits much, and the driver: neither waits for the other's long queue to end."""
    done = tmp_path / "done"

    @gnomon.remote(num_cpus=0)
    def submitter(count: int) -> int:
        return sum(gnomon.get([short.remote(x) for x in range(count)]))

    blocker = long.remote(str(done))
    other = submitter.remote(500)
    try:
        assert gnomon.get([short.remote(x) for x in range(500)], timeout=30) == list(range(500))
        assert gnomon.get(other, timeout=30) == sum(range(500))
    finally:
        done.touch()
    assert gnomon.get(blocker, timeout=30) == "long"


@gnomon.remote
def deep(n: int) -> int:
    return 0 if n == 0 else 1 + gnomon.get(deep.remote(n - 1))


@gnomon.remote
def tree(depth: int) -> int:
    return 1 if depth == 0 else sum(gnomon.get([tree.remote(depth - 1) for _ in range(3)]))


def test_nested_waits_50_deep(cluster: Cluster) -> None:
    assert gnomon.get(deep.remote(50), timeout=60) == 50


def test_a_tree_of_nested_waits(cluster: Cluster) -> None:
    assert gnomon.get(tree.remote(4), timeout=60) == 81


def test_nested_wait_on_one_cpu_with_work_queued(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(num_cpus=1)
    refs = [deep.remote(3) for _ in range(10)]
    assert gnomon.get(refs, timeout=60) == [3] * 10


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nested_waits_1000_deep(cluster: Cluster) -> None:
    assert gnomon.get(deep.remote(1_000), timeout=600) == 1_000
    wait_until(lambda: cluster.report().workers <= 10, "workers that are not needed have ended", 60.0)
