"""``max_calls``: workers end after so many calls, nothing is lost by it, and what they own stays readable."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster_tools import Cluster, RunCount, start_time, wait_until

import gnomon
from gnomon.exceptions import WorkerCrashedError


def test_a_worker_ends_after_so_many_calls(cluster: Cluster) -> None:
    @gnomon.remote(max_calls=3)
    def where(n: int) -> tuple[int, int]:
        return n, os.getpid()

    found = gnomon.get([where.remote(n) for n in range(60)])
    assert [n for n, _ in found] == list(range(60))
    calls = Counter(pid for _, pid in found)
    assert max(calls.values()) <= 3
    assert len(calls) >= 20
    last = found[-1][1]
    wait_until(lambda: sum(start_time(pid) is not None for pid in calls) <= 3, "the spent workers have ended")
    assert gnomon.get(where.remote(1))[1] not in {pid for pid, number in calls.items() if number == 3}
    assert last in calls


def test_handing_back_costs_no_retry(cluster: Cluster, tmp_path: Path) -> None:
    count = RunCount(tmp_path / "runs")

    @gnomon.remote(max_calls=1, max_retries=0)
    def once(n: int) -> int:
        count.note(n)
        return n

    assert gnomon.get([once.remote(n) for n in range(40)]) == list(range(40))
    assert count.runs() == dict.fromkeys(range(40), 1)


def test_each_function_is_counted_for_itself(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(num_cpus=1)

    @gnomon.remote(max_calls=2)
    def limited() -> int:
        return os.getpid()

    @gnomon.remote
    def free() -> int:
        return os.getpid()

    first = gnomon.get(limited.remote())
    assert gnomon.get([free.remote() for _ in range(5)]) == [first] * 5
    assert gnomon.get(limited.remote()) == first
    assert gnomon.get(free.remote()) != first


def test_calls_that_raise_count_too(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(num_cpus=1)

    @gnomon.remote(max_calls=2)
    def fail() -> None:
        raise ValueError(str(os.getpid()))

    pids = []
    for _ in range(4):
        with pytest.raises(ValueError) as caught:
            gnomon.get(fail.remote())
        pids.append(caught.value.args[0] if not hasattr(caught.value, "cause") else str(caught.value.cause))
        del caught
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_what_a_spent_worker_owns_stays_until_nobody_needs_it(cluster: Cluster) -> None:
    @gnomon.remote(max_calls=1)
    def put() -> tuple[int, list[gnomon.ObjectRef[bytes]]]:
        return os.getpid(), [gnomon.put(b"small"), gnomon.put(bytes(1_000_000))]

    pid, refs = gnomon.get(put.remote())
    assert gnomon.get(put.remote())[0] != pid, "it is not used again"
    assert [len(value) for value in gnomon.get(refs)] == [5, 1_000_000]
    assert start_time(pid) is not None
    del refs
    wait_until(lambda: start_time(pid) is None, "it ends when nobody needs what it owns")


def test_what_a_spent_worker_has_submitted_still_runs(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "done"

    @gnomon.remote(num_cpus=0)
    def later() -> None:
        threading.Event().wait(0.3)
        path.write_text("yes")

    @gnomon.remote(max_calls=1)
    def submit() -> int:
        later.remote()
        return os.getpid()

    pid = gnomon.get(submit.remote())
    wait_until(path.exists, "the task that nobody waits for has run")
    wait_until(lambda: start_time(pid) is None, "the worker has ended then")


def test_tasks_with_gpus_have_a_limit_of_one_call(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(num_cpus=1, num_gpus=1)

    @gnomon.remote(num_gpus=1)
    def fresh() -> int:
        return os.getpid()

    @gnomon.remote(num_gpus=1, max_calls=0)
    def same() -> int:
        return os.getpid()

    assert len({gnomon.get(fresh.remote()) for _ in range(3)}) == 3
    assert len({gnomon.get(same.remote()) for _ in range(3)}) == 1


def test_sys_exit_in_a_task_ends_its_worker(cluster: Cluster, tmp_path: Path) -> None:
    count = RunCount(tmp_path / "runs")

    @gnomon.remote(max_retries=2)
    def leave(code: int) -> None:
        count.note(code)
        sys.exit(code)

    @gnomon.remote
    def stay(n: int) -> int:
        return n

    innocent = [stay.remote(n) for n in range(100)]
    for code in (0, 3):
        with pytest.raises(WorkerCrashedError, match=f"ended with exit code {code}"):
            gnomon.get(leave.remote(code))
    assert count.runs() == {0: 3, 3: 3}
    assert gnomon.get(innocent) == list(range(100))
