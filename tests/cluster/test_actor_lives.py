"""Actors in processes of their own: order of calls, restarts, ends, and who ends with whom."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster, kill_process, start_time, wait_until

import gnomon
from gnomon.exceptions import (
    ActorDiedError,
    ActorExit,
    ActorNameTakenError,
    ActorUnavailableError,
    GetTimeoutError,
    OwnerDiedError,
)


@gnomon.remote(num_cpus=0)
class Log:
    def __init__(self, path: str = "") -> None:
        self.path = path
        self.seen: list[Any] = []
        self.inner: Any = None

    def write(self, item: Any) -> Any:
        self.seen.append(item)
        if self.path:
            with open(self.path, "a") as file:
                file.write(f"{item}\n")
        return item

    def read(self) -> list[Any]:
        return self.seen

    def pid(self) -> int:
        return os.getpid()

    def make_inner(self) -> Any:
        self.inner = Log.remote()
        return gnomon.get(self.inner.pid.remote())

    def die(self) -> None:
        os._exit(3)

    def leave(self) -> None:
        raise ActorExit("it has done its work")

    def wait_for(self, path: str) -> str:
        wait_until(Path(path).exists, path, 60.0)
        return "waited"


@gnomon.remote
def late(path: str, value: Any) -> Any:
    wait_until(Path(path).exists, path, 60.0)
    return value


def is_gone(pid: int) -> bool:
    return start_time(pid) is None


def test_calls_of_one_caller_start_in_order(cluster: Cluster) -> None:
    log = Log.remote()
    refs = [log.write.remote(item) for item in range(2_000)]
    assert gnomon.get(refs) == list(range(2_000))
    assert gnomon.get(log.read.remote()) == list(range(2_000))


def test_calls_of_several_callers_keep_the_order_of_each(cluster: Cluster) -> None:
    log = Log.remote()

    @gnomon.remote
    def write(caller: int) -> None:
        for number in range(200):
            log.write.remote((caller, number))
        gnomon.get(log.write.remote((caller, 200)))

    gnomon.get([write.remote(caller) for caller in range(4)])
    seen = gnomon.get(log.read.remote())
    for caller in range(4):
        assert [number for who, number in seen if who == caller] == list(range(201))


def test_a_late_argument_holds_up_those_behind_it(cluster: Cluster, tmp_path: Path) -> None:
    log, path = Log.remote(), tmp_path / "go"
    refs = [log.write.remote(0), log.write.remote(late.remote(str(path), 1)), log.write.remote(2)]
    assert gnomon.get(refs[0], timeout=10) == 0
    assert gnomon.wait([refs[2]], timeout=0.2) == ([], [refs[2]])
    path.touch()
    assert gnomon.get(refs, timeout=10) == [0, 1, 2]
    assert gnomon.get(log.read.remote()) == [0, 1, 2]


def test_a_result_does_not_wait_for_the_next_call(cluster: Cluster, tmp_path: Path) -> None:
    log, path = Log.remote(), tmp_path / "go"
    refs = [log.write.remote(item) for item in range(20)]
    long = log.wait_for.remote(str(path))
    try:
        assert gnomon.get(refs, timeout=10) == list(range(20))
    finally:
        path.touch()
    assert gnomon.get(long, timeout=10) == "waited"


def test_restarts_and_retries_keep_the_order(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log.options(max_restarts=-1, max_task_retries=-1).remote(str(path))
    gnomon.get(log.write.remote(-1))
    hits = 0
    refs = []
    for item in range(600):
        refs.append(log.write.remote(item))
        if item % 200 == 100:
            gnomon.get(refs[-50])
            hits += kill_process(gnomon.get(log.pid.remote(), timeout=20))
    assert gnomon.get(refs, timeout=60) == list(range(600))
    written = [int(line) for line in path.read_text().split()]
    firsts = list(dict.fromkeys(written))
    assert firsts == list(range(-1, 600)), "first starts are in submission order"
    assert hits == 3


def test_max_restarts(cluster: Cluster) -> None:
    log = Log.options(max_restarts=2).remote()
    pids = []
    for _ in range(3):
        pids.append(wait_until(lambda: answer(log), "it is back"))
        log.die.remote()
        wait_until(lambda: is_gone(pids[-1]), "it has died")
    with pytest.raises(ActorDiedError, match="exit code 3"):
        gnomon.get(log.pid.remote(), timeout=10)
    assert len(set(pids)) == 3


def answer(log: Any) -> int | None:
    try:
        return int(gnomon.get(log.pid.remote(), timeout=10))
    except ActorUnavailableError:
        return None


def test_a_call_without_retries_starts_at_most_once(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log.options(max_restarts=-1).remote(str(path))
    refs = []
    for item in range(500):
        refs.append(log.write.remote(item))
        if item % 100 == 99:
            kill_process(gnomon.get(log.pid.options(max_task_retries=-1).remote(), timeout=20))
    done = failed = 0
    for item, ref in enumerate(refs):
        try:
            assert gnomon.get(ref, timeout=30) == item
            done += 1
        except ActorUnavailableError:
            failed += 1
    assert done + failed == 500
    written = path.read_text().split()
    assert len(written) == len(set(written))


def test_kill_fails_what_is_pending_and_ends_the_process(cluster: Cluster, tmp_path: Path) -> None:
    log = Log.remote()
    pid = gnomon.get(log.pid.remote())
    refs = [log.wait_for.remote(str(tmp_path / "never")), *[log.write.remote(item) for item in range(50)]]
    gnomon.kill(log)
    for ref in refs:
        with pytest.raises(ActorDiedError, match="kill"):
            gnomon.get(ref, timeout=10)
    wait_until(lambda: is_gone(pid), "its process has ended", 5.0)


def test_out_of_scope_after_the_pending_calls(cluster: Cluster, tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = Log.remote(str(path))
    pid = gnomon.get(log.pid.remote())
    last = [log.write.remote(item) for item in range(300)][-1]
    del log
    assert gnomon.get(last, timeout=10) == 299
    assert len(path.read_text().split()) == 300
    wait_until(lambda: is_gone(pid), "its process has ended", 5.0)


def test_a_borrowed_handle_keeps_it_alive(cluster: Cluster) -> None:
    log = Log.remote()
    pid = gnomon.get(log.pid.remote())
    other = Log.remote()
    gnomon.get(other.write.remote([log]))
    del log
    borrowed = gnomon.get(other.read.remote())[0][0]
    assert gnomon.get(borrowed.pid.remote()) == pid
    del borrowed
    gnomon.kill(other)
    wait_until(lambda: is_gone(pid), "its process has ended with its last handle", 5.0)


def test_nested_actors_end_with_their_owner(cluster: Cluster) -> None:
    log = Log.remote()
    inner = gnomon.get(log.make_inner.remote())
    kill_process(gnomon.get(log.pid.remote()))
    wait_until(lambda: is_gone(inner), "the nested actor has ended", 5.0)
    with pytest.raises(ActorDiedError):
        gnomon.get(log.read.remote(), timeout=10)


def test_a_handle_of_an_actor_whose_creator_died(cluster: Cluster) -> None:
    @gnomon.remote(num_cpus=0)
    class Maker:
        def make(self) -> Any:
            self.log = Log.remote()
            return self.log

        def pid(self) -> int:
            return os.getpid()

    maker = Maker.remote()
    log = gnomon.get(maker.make.remote())
    assert gnomon.get(log.write.remote(1)) == 1
    kill_process(gnomon.get(maker.pid.remote()))
    with pytest.raises((ActorDiedError, OwnerDiedError), match="owner|died"):
        wait_until(lambda: gnomon.get(log.write.remote(2), timeout=5) != 2, "it ends with its creator", 5.0)


def test_a_constructor_that_raises(cluster: Cluster) -> None:
    @gnomon.remote(num_cpus=0)
    class Broken:
        def __init__(self) -> None:
            raise ZeroDivisionError("from the start")

        def call(self) -> None:
            return None

    broken = Broken.remote()
    for _ in range(3):
        with pytest.raises(ActorDiedError, match="from the start"):
            gnomon.get(broken.call.remote(), timeout=10)


def test_a_constructor_that_dies(cluster: Cluster) -> None:
    @gnomon.remote(num_cpus=0, max_restarts=2)
    class Dying:
        def __init__(self, path: str) -> None:
            with open(path, "a") as file:
                file.write("x")
            os._exit(1)

        def call(self) -> None:
            return None

    path = Path(cluster.config.directory) / "starts"
    with pytest.raises(ActorDiedError, match="exit code 1"):
        gnomon.get(Dying.remote(str(path)).call.remote(), timeout=20)
    assert path.read_text() == "xxx"


def test_leaving_on_purpose_is_no_reason_to_restart(cluster: Cluster) -> None:
    log = Log.options(max_restarts=5).remote()
    pid = gnomon.get(log.pid.remote())
    before = [log.write.remote(item) for item in range(20)]
    log.leave.remote()
    assert gnomon.get(before, timeout=10) == list(range(20))
    with pytest.raises(ActorDiedError, match="it has done its work"):
        gnomon.get(log.write.remote(1), timeout=10)
    wait_until(lambda: is_gone(pid), "its process has ended", 5.0)


def test_names(cluster: Cluster) -> None:
    log = Log.options(name="log").remote()
    assert gnomon.get(gnomon.get_actor("log").write.remote(1)) == 1
    with pytest.raises(ActorNameTakenError):
        Log.options(name="log").remote()
    same = Log.options(name="log", get_if_exists=True).remote()
    assert gnomon.get(same.read.remote()) == [1]

    @gnomon.remote
    def find(name: str) -> int:
        return int(gnomon.get(gnomon.get_actor(name).pid.remote()))

    assert gnomon.get(find.remote("log")) == gnomon.get(log.pid.remote())
    del same
    gnomon.kill(log)
    wait_until(lambda: not named("log"), "the name is free")


def named(name: str) -> bool:
    try:
        gnomon.get_actor(name)
    except ValueError:
        return False
    return True


def test_get_or_create_from_many_tasks_makes_one(cluster: Cluster) -> None:
    @gnomon.remote(num_cpus=0.1)
    def meet(number: int) -> int:
        log = Log.options(name="meeting", get_if_exists=True, lifetime="detached").remote()
        gnomon.get(log.write.remote(number))
        return int(gnomon.get(log.pid.remote()))

    pids = gnomon.get([meet.remote(number) for number in range(20)], timeout=60)
    assert len(set(pids)) == 1
    log = gnomon.get_actor("meeting")
    assert sorted(gnomon.get(log.read.remote())) == list(range(20))
    gnomon.kill(log)


def test_an_actor_that_waits_for_resources(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(num_cpus=1)
    first = Log.options(num_cpus=1).remote()
    assert gnomon.get(first.write.remote(1)) == 1
    second = Log.options(num_cpus=1).remote()
    call = second.write.remote(2)
    with pytest.raises(GetTimeoutError):
        gnomon.get(call, timeout=0.3)
    gnomon.kill(first)
    assert gnomon.get(call, timeout=10) == 2


def test_200_actors_at_once(cluster: Cluster) -> None:
    logs = [Log.remote() for _ in range(200)]
    pids = gnomon.get([log.pid.remote() for log in logs], timeout=100)
    assert len(set(pids)) == 200
    assert gnomon.get([log.write.remote(number) for number, log in enumerate(logs)]) == list(range(200))
    del logs
    wait_until(lambda: all(map(is_gone, pids)), "all have ended", 20.0)
