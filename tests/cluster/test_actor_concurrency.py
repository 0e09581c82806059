"""Actors that run several calls at a time: async ones and threaded ones."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster, start_time, wait_until

import gnomon
from gnomon.exceptions import ActorDiedError, ActorExit, TaskCancelledError


@gnomon.remote(num_cpus=0)
class Gate:
    """Calls meet in it: all must be inside before one gets out."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.inside = 0
        self.full = asyncio.Event()

    async def meet(self, item: int) -> int:
        self.inside += 1
        if self.inside == self.number:
            self.full.set()
        await self.full.wait()
        return item

    async def fetch(self, box: list[Any]) -> Any:
        return await box[0]

    async def sleep(self) -> None:
        await asyncio.sleep(600)

    async def leave(self) -> None:
        raise ActorExit("the gate closes")

    async def pid(self) -> int:
        return os.getpid()


@gnomon.remote(num_cpus=0, max_concurrency=4)
class Threads:
    def __init__(self) -> None:
        self.barrier = threading.Barrier(4)

    def meet(self, item: int) -> int:
        self.barrier.wait(30)
        return item

    def add(self, x: int) -> int:
        return x + 1

    def wait_for(self, path: str) -> str:
        wait_until(Path(path).exists, path, 60.0)
        return "waited"

    def leave(self) -> None:
        raise ActorExit("the threads end")

    def nested(self, x: int) -> int:
        return int(gnomon.get(double.remote(x)))

    def pid(self) -> int:
        return os.getpid()


@gnomon.remote
def double(x: int) -> int:
    return 2 * x


def is_gone(pid: int) -> bool:
    return start_time(pid) is None


def test_1000_async_calls_at_once(cluster: Cluster) -> None:
    gate = Gate.remote(1_000)
    assert gnomon.get([gate.meet.remote(item) for item in range(1_000)], timeout=60) == list(range(1_000))


def test_awaiting_references_inside_an_async_actor(cluster: Cluster) -> None:
    gate = Gate.remote(1)
    assert gnomon.get([gate.fetch.remote([double.remote(item)]) for item in range(100)], timeout=30) == [
        2 * item for item in range(100)
    ]


def test_an_async_call_is_cancelled(cluster: Cluster) -> None:
    gate = Gate.remote(1)
    gnomon.get(gate.pid.remote())
    refs = [gate.sleep.remote() for _ in range(5)]
    gnomon.cancel(refs[2])
    with pytest.raises(TaskCancelledError):
        gnomon.get(refs[2], timeout=10)
    assert gnomon.get(gate.meet.remote(1), timeout=10) == 1
    gnomon.kill(gate)


def test_an_async_actor_leaves(cluster: Cluster) -> None:
    gate = Gate.remote(1)
    pid = gnomon.get(gate.pid.remote())
    before = gate.meet.remote(5)
    gate.leave.remote()
    assert gnomon.get(before, timeout=10) == 5
    with pytest.raises(ActorDiedError, match="the gate closes"):
        gnomon.get(gate.meet.remote(1), timeout=10)
    wait_until(lambda: is_gone(pid), "its process has ended", 5.0)


def test_an_async_actor_out_of_scope(cluster: Cluster) -> None:
    gate = Gate.remote(10)
    pid = gnomon.get(gate.pid.remote())
    refs = [gate.meet.remote(item) for item in range(10)]
    del gate
    assert gnomon.get(refs, timeout=10) == list(range(10))
    wait_until(lambda: is_gone(pid), "its process has ended", 5.0)


def test_threads_run_calls_at_the_same_time(cluster: Cluster) -> None:
    threads = Threads.remote()
    assert gnomon.get([threads.meet.remote(item) for item in range(40)], timeout=60) == list(range(40))


def test_threads_may_wait_for_tasks(cluster: Cluster) -> None:
    threads = Threads.remote()
    assert gnomon.get([threads.nested.remote(item) for item in range(40)], timeout=60) == [
        2 * item for item in range(40)
    ]


def test_a_long_call_in_one_thread_delays_no_answer(cluster: Cluster, tmp_path: Path) -> None:
    threads, path = Threads.remote(), tmp_path / "go"
    longs = [threads.wait_for.remote(str(path)) for _ in range(3)]
    try:
        refs = [threads.add.remote(item) for item in range(200)]
        assert gnomon.get(refs, timeout=10) == list(range(1, 201))
    finally:
        path.touch()
    assert gnomon.get(longs, timeout=10) == ["waited"] * 3


def test_threaded_actors_out_of_scope(cluster: Cluster, tmp_path: Path) -> None:
    """Several in a row: which of its threads waits where is a matter of chance."""
    for turn in range(10):
        threads, path = Threads.remote(), tmp_path / str(turn)
        pid = gnomon.get(threads.pid.remote())
        refs = [threads.wait_for.remote(str(path)) for _ in range(3)]
        gnomon.get([threads.add.remote(item) for item in range(10)])
        del threads
        path.touch()
        assert gnomon.get(refs, timeout=10) == ["waited"] * 3
        wait_until(lambda pid=pid: is_gone(pid), "its process has ended", 3.0)


def test_a_threaded_actor_leaves_from_any_thread(cluster: Cluster, tmp_path: Path) -> None:
    threads = Threads.remote()
    pid = gnomon.get(threads.pid.remote())
    pending = [threads.wait_for.remote(str(tmp_path / "never")) for _ in range(3)]
    threads.leave.remote()
    with pytest.raises(ActorDiedError, match="the threads end"):
        gnomon.get(threads.add.remote(1), timeout=10)
    for ref in pending:
        with pytest.raises((ActorDiedError, TaskCancelledError)):
            gnomon.get(ref, timeout=10)
    wait_until(lambda: is_gone(pid), "its process has ended", 5.0)
