"""Cancellation: one outcome for the cancelled, none of it for the others, and nothing cancelled starts."""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster, RunCount, kill_process, start_time, wait_until

import gnomon
from gnomon.exceptions import GnomonError, TaskCancelledError


@gnomon.remote
def sleep(note: str = "") -> str:
    if note:
        Path(note).write_text(str(os.getpid()))
    threading.Event().wait(600)
    return "slept"


@gnomon.remote
def spin(note: str) -> None:
    Path(note).write_text(str(os.getpid()))
    while True:
        sum(range(100))


@gnomon.remote
def stubborn(note: str) -> str:
    """Ignores interrupts; only force ends it."""
    Path(note).write_text(str(os.getpid()))
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        try:
            threading.Event().wait(600)
        except BaseException:
            continue
    return "done"


@gnomon.remote
def parent(note: str, child_note: str) -> Any:
    Path(note).write_text(str(os.getpid()))
    return gnomon.get(sleep.remote(child_note))


@gnomon.remote
def run(number: int, count: RunCount) -> int:
    count.note(number)
    return number


def started(path: Path) -> int:
    """The pid that a task has noted."""
    return int(wait_until(lambda: path.exists() and path.read_text(), f"{path.name} has started"))


def is_cancelled(ref: gnomon.ObjectRef[Any]) -> None:
    with pytest.raises(TaskCancelledError):
        gnomon.get(ref, timeout=10)


def test_queued_tasks_never_start(cluster: Cluster, tmp_path: Path) -> None:
    blockers = [sleep.remote(str(tmp_path / name)) for name in "ab"]
    for name in "ab":
        started(tmp_path / name)
    count = RunCount(tmp_path / "runs")
    refs = [run.remote(number, count) for number in range(100)]
    for ref in refs[::2]:
        gnomon.cancel(ref)
    for ref in refs[::2]:
        is_cancelled(ref)
    for blocker in blockers:
        gnomon.cancel(blocker)
        is_cancelled(blocker)
    assert gnomon.get(refs[1::2], timeout=10) == list(range(1, 100, 2))
    assert count.runs() == dict.fromkeys(range(1, 100, 2), 1)


@pytest.mark.parametrize("task", [sleep, spin])
def test_a_running_task_is_interrupted_and_its_worker_lives(
    cluster: Cluster, tmp_path: Path, task: Any
) -> None:
    ref = task.remote(str(tmp_path / "note"))
    pid = started(tmp_path / "note")
    gnomon.cancel(ref)
    is_cancelled(ref)
    assert start_time(pid) is not None
    assert gnomon.get(run.remote(1, RunCount(tmp_path / "runs")), timeout=10) == 1


def test_force_kills_the_worker_of_a_stubborn_task(cluster: Cluster, tmp_path: Path) -> None:
    ref = stubborn.remote(str(tmp_path / "note"))
    pid = started(tmp_path / "note")
    others = [run.remote(number, RunCount(tmp_path / "runs")) for number in range(50)]
    gnomon.cancel(ref, force=True)
    is_cancelled(ref)
    wait_until(lambda: start_time(pid) is None, "its worker is gone")
    assert gnomon.get(others, timeout=10) == list(range(50))


def test_a_task_that_waits_for_its_argument(cluster: Cluster, tmp_path: Path) -> None:
    blocker = sleep.remote(str(tmp_path / "note"))
    dependent = run.remote(blocker, RunCount(tmp_path / "runs"))
    gnomon.cancel(dependent)
    is_cancelled(dependent)
    second = run.remote(blocker, RunCount(tmp_path / "runs"))
    started(tmp_path / "note")
    gnomon.cancel(blocker)
    is_cancelled(blocker)
    is_cancelled(second)
    assert RunCount(tmp_path / "runs").runs() == {}


def test_children_are_cancelled_too(cluster: Cluster, tmp_path: Path) -> None:
    ref = parent.remote(str(tmp_path / "parent"), str(tmp_path / "child"))
    started(tmp_path / "parent")
    started(tmp_path / "child")
    gnomon.cancel(ref)
    is_cancelled(ref)
    wait_until(lambda: gnomon.available_resources().get("CPU") == 2, "both CPUs are free", 5.0)


def test_children_may_be_spared(cluster: Cluster, tmp_path: Path) -> None:
    @gnomon.remote
    def spare(note: str, child_note: str, go: str) -> Any:
        Path(note).write_text("1")
        return gnomon.get(wait_for.remote(child_note, go))

    @gnomon.remote
    def wait_for(note: str, go: str) -> None:
        Path(note).write_text("1")
        wait_until(Path(go).exists, go, 60.0)
        Path(note).write_text("2")

    paths = [tmp_path / name for name in ("parent", "child", "go")]
    ref = spare.remote(*map(str, paths))
    started(paths[1])
    gnomon.cancel(ref, recursive=False)
    is_cancelled(ref)
    paths[2].touch()
    wait_until(lambda: paths[1].read_text() == "2", "the child has ended by itself")


def test_a_finished_task_keeps_its_value(cluster: Cluster, tmp_path: Path) -> None:
    ref = run.remote(7, RunCount(tmp_path / "runs"))
    assert gnomon.get(ref) == 7
    gnomon.cancel(ref)
    gnomon.cancel(ref, force=True)
    assert gnomon.get(ref) == 7


def test_calls_of_an_actor(cluster: Cluster, tmp_path: Path) -> None:
    @gnomon.remote(num_cpus=0)
    class Worker:
        def sleep(self, note: str) -> None:
            Path(note).write_text("1")
            threading.Event().wait(600)

        def add(self, x: int) -> int:
            return x + 1

    worker = Worker.remote()
    running = worker.sleep.remote(str(tmp_path / "note"))
    queued = [worker.add.remote(number) for number in range(10)]
    started(tmp_path / "note")
    gnomon.cancel(queued[3])
    is_cancelled(queued[3])
    gnomon.cancel(running)
    is_cancelled(running)
    assert gnomon.get(queued[:3] + queued[4:], timeout=10) == [1, 2, 3, 5, 6, 7, 8, 9, 10]


def test_from_another_process(cluster: Cluster, tmp_path: Path) -> None:
    @gnomon.remote
    def cancel(box: list[Any]) -> None:
        gnomon.cancel(box[0])

    ref = sleep.remote(str(tmp_path / "note"))
    started(tmp_path / "note")
    gnomon.get(cancel.remote([ref]))
    is_cancelled(ref)


@pytest.mark.parametrize("force", [False, True])
def test_half_of_many_cancelled_at_random(cluster: Cluster, tmp_path: Path, force: bool) -> None:
    cancel_half(cluster, RunCount(tmp_path / "runs"), 500 if force else 2_000, force)


def cancel_half(cluster: Cluster, count: RunCount, tasks: int, force: bool) -> None:
    chooser = random.Random(tasks)
    refs = [run.options(max_retries=-1).remote(number, count) for number in range(tasks)]
    doomed = set(chooser.sample(range(tasks), tasks // 2))
    for number in chooser.sample(sorted(doomed), len(doomed)):
        gnomon.cancel(refs[number], force=force)
    for number, ref in enumerate(refs):
        try:
            assert gnomon.get(ref, timeout=30) == number
        except TaskCancelledError:
            assert number in doomed
    runs = count.runs()
    assert set(range(tasks)) - doomed <= set(runs)
    if not force:
        assert set(runs.values()) == {1}


def test_cancelling_everything_again_and_again(cluster: Cluster, tmp_path: Path) -> None:
    for turn in range(20):
        refs = [sleep.remote() for _ in range(10)]
        if turn % 2:
            gnomon.wait(refs, timeout=0.02)
        for ref in refs:
            gnomon.cancel(ref)
        for ref in refs:
            is_cancelled(ref)
    assert gnomon.get(run.remote(1, RunCount(tmp_path / "runs")), timeout=10) == 1


def test_a_cancel_that_strikes_inside_the_runtime(cluster: Cluster, tmp_path: Path) -> None:
    """The task does nothing but submit and get: the interrupt most often comes while the runtime is at work."""

    @gnomon.remote
    def hurry(note: str) -> None:
        Path(note).write_text(str(os.getpid()))
        box = gnomon.put([1])
        while True:
            gnomon.get([tick.remote(1), gnomon.put(2), box])
            gnomon.wait([tick.remote(2)])

    @gnomon.remote(num_cpus=0)
    def tick(x: int) -> int:
        return x

    for turn in range(30):
        ref = hurry.remote(str(tmp_path / str(turn)))
        started(tmp_path / str(turn))
        threading.Event().wait(random.Random(turn).random() * 0.02)
        gnomon.cancel(ref)
        with pytest.raises(GnomonError):
            gnomon.get(ref, timeout=20)
    assert gnomon.get(tick.remote(3), timeout=20) == 3
    wait_until(lambda: gnomon.available_resources().get("CPU") == 2, "both CPUs are free", 5.0)


@gnomon.remote(num_cpus=0)
class Service:
    """Calls that would wait for ever, and what has become of them."""

    def __init__(self) -> None:
        self.begun = self.cancelled = 0

    async def serve(self) -> None:
        self.begun += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def counts(self) -> tuple[int, int]:
        return self.begun, self.cancelled


@gnomon.remote(num_cpus=0)
class Caller:
    """Asks a service for something, and waits for it."""

    def pid(self) -> int:
        return os.getpid()

    def ask(self, service: Any) -> None:
        gnomon.get(service.serve.remote())


def test_what_a_dead_process_has_asked_an_async_actor_for_is_cancelled(cluster: Cluster) -> None:
    service, caller = Service.remote(), Caller.remote()
    pid = gnomon.get(caller.pid.remote())
    mine, lost = service.serve.remote(), caller.ask.remote(service)
    wait_until(lambda: gnomon.get(service.counts.remote()) == (2, 0), "both calls have begun")
    kill_process(pid)
    with pytest.raises(GnomonError):
        gnomon.get(lost)
    wait_until(lambda: gnomon.get(service.counts.remote()) == (2, 1), "only the dead one's is cancelled")
    gnomon.cancel(mine)
    with pytest.raises(TaskCancelledError):
        gnomon.get(mine)
