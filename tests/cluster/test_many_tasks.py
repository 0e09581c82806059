"""Very many tasks at once: all finish, and neither the driver nor the node grows with what has been done."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cluster_tools import Cluster, forget_exceptions, wait_until

import gnomon

MIB = 2**20


@gnomon.remote
def nothing() -> None:
    return None


@gnomon.remote
def add(x: int, y: int = 1) -> int:
    return x + y


def rss_bytes(pid: int | str) -> int:
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))


def run_many(cluster: Cluster, tasks: int, per_task_bytes: int) -> dict[str, float]:
    """Submit at once, get all, let go; returns what the memory did, in MiB."""
    node = cluster.report().pid
    gnomon.get([nothing.remote() for _ in range(1_000)])
    before = {"driver": rss_bytes("self"), "node": rss_bytes(node)}
    refs = [nothing.remote() for _ in range(tasks)]
    assert gnomon.get(refs, timeout=500) == [None] * tasks
    held = {"driver": rss_bytes("self"), "node": rss_bytes(node)}
    del refs
    wait_until(lambda: not cluster.role.references.entries, "all references are gone", 60.0)
    forget_exceptions()
    after = {"driver": rss_bytes("self"), "node": rss_bytes(node)}
    assert held["driver"] - before["driver"] < tasks * per_task_bytes + 64 * MIB
    assert held["node"] - before["node"] < 32 * MIB, "the node does not know of single tasks"
    assert after["node"] - before["node"] < 32 * MIB
    again = [nothing.remote() for _ in range(tasks)]
    assert gnomon.get(again, timeout=500) == [None] * tasks
    second = {"driver": rss_bytes("self")}
    assert second["driver"] - held["driver"] < 64 * MIB, "what is done is not remembered"
    del again
    figures = {f"driver {name}": each["driver"] / MIB for name, each in
               {"before": before, "held": held, "after": after, "second": second}.items()}  # fmt: skip
    return {**figures, "node before": before["node"] / MIB, "node held": held["node"] / MIB}


def test_20000_tasks_at_once(cluster: Cluster) -> None:
    run_many(cluster, 20_000, 6_000)


def test_a_task_with_1000_reference_arguments_and_one_with_1000_results(cluster: Cluster) -> None:
    @gnomon.remote
    def total(*parts: int) -> int:
        return sum(parts)

    @gnomon.remote(num_returns=1_000)
    def count() -> range:
        return range(1_000)

    parts = count.remote()
    assert gnomon.get(total.remote(*parts), timeout=30) == sum(range(1_000))
    assert gnomon.get(total.remote(*[add.remote(x) for x in range(1_000)]), timeout=30) == sum(range(1_001))


def test_a_long_chain(cluster: Cluster) -> None:
    ref = add.remote(0)
    for _ in range(2_000):
        ref = add.remote(ref)
    assert gnomon.get(ref, timeout=60) == 2_001


def test_a_wide_tree_of_sums(cluster: Cluster) -> None:
    refs = [gnomon.put(1) for _ in range(1_024)]
    while len(refs) > 1:
        refs = [add.remote(one, other) for one, other in zip(refs[::2], refs[1::2], strict=True)]
    assert gnomon.get(refs[0], timeout=60) == 1_024


def test_waiting_for_some_of_many(cluster: Cluster) -> None:
    refs = [add.remote(x) for x in range(1_000)]
    seen = 0
    while refs:
        ready, refs = gnomon.wait(refs, num_returns=min(50, len(refs)), timeout=30)
        seen += len(ready)
        assert ready
    assert seen == 1_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_100000_tasks_at_once(start_cluster: Callable[..., Cluster]) -> None:
    run_many(start_cluster(), 100_000, 6_000)
