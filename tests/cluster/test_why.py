"""``why`` among real processes: it asks the owner, the process that runs the task, and head."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster, forget_exceptions, wait_until

import gnomon


@gnomon.remote
def wait_for(path: Path, *_: Any) -> int:
    wait_until(path.exists, "it is there", 60.0)
    return os.getpid()


@gnomon.remote
def call(path: Path) -> int:
    return gnomon.get(wait_for.options(name="inner").remote(path))


@gnomon.remote
def ask(refs: list[Any]) -> str:
    return repr(gnomon.why(refs[0]))


@gnomon.remote
class Worker:
    def wait_for(self, path: Path) -> int:
        wait_until(path.exists, "it is there", 60.0)
        return os.getpid()

    def quick(self) -> int:
        return 1


@gnomon.remote
class Async:
    async def wait_for(self, path: Path) -> None:
        import asyncio

        while not path.exists():
            await asyncio.sleep(0.01)


def state_is(target: Any, state: str) -> None:
    wait_until(lambda: gnomon.why(target).state == state, f"it is {state}", 40.0)


def test_where_it_runs_and_what_it_waits_for(cluster: Cluster, tmp_path: Path) -> None:
    ref = call.remote(tmp_path / "go")
    wait_until(lambda: len(gnomon.why(ref).details) > 0, "it waits for inner", 40.0)
    found = gnomon.why(ref)
    assert found.state == "running"
    assert "in call: return gnomon.get(wait_for.options" in found.sentence
    assert "of test_why.py" in found.sentence
    assert found.details[0].startswith("it waits there for the value of inner, ")
    inner = found.next_step.split("'")[1]
    state_is(inner, "running")  # the owner of that one is a worker
    assert gnomon.why(inner).sentence.startswith("inner has been running for ")
    (tmp_path / "go").touch()
    gnomon.get(ref, timeout=40)


def test_who_holds_the_cpus(start_cluster: Callable[..., Cluster], tmp_path: Path) -> None:
    start_cluster(num_cpus=1)
    first = wait_for.remote(tmp_path / "go")
    state_is(first, "running")
    second = wait_for.remote(tmp_path / "go")
    found = gnomon.why(second)
    assert (found.state, found.sentence) == (
        "pending",
        "wait_for waits for 1 CPU (0 of 1 CPU free), held by 1 task of wait_for.",
    )
    assert "num_cpus=..." in found.next_step
    actor = Worker.options(num_cpus=1).remote()
    queued = actor.quick.remote()
    wait_until(lambda: "waits for 1 CPU" in gnomon.why(actor).sentence, "head knows of it", 40.0)
    assert gnomon.why(queued).sentence.startswith("Worker.quick waits for its actor: Worker waits for 1 CPU ")
    (tmp_path / "go").touch()
    gnomon.get(queued, timeout=40)
    gnomon.kill(actor)  # it may have got the CPU before the second task
    gnomon.get([first, second], timeout=40)


def test_a_mailbox_and_what_its_actor_does(cluster: Cluster, tmp_path: Path) -> None:
    actor = Worker.remote()
    first, *others = [actor.wait_for.remote(tmp_path / "go"), actor.quick.remote(), actor.quick.remote()]
    state_is(first, "running")
    assert ", now at line " in gnomon.why(first).sentence
    found = gnomon.why(others[1])
    assert found.state == "pending"
    assert found.sentence.startswith("Worker.quick is number 2 in the mailbox of its actor Worker in worker ")
    assert "which has been running Worker.wait_for for " in found.sentence
    handle = gnomon.why(actor)
    assert handle.state == "alive"
    assert "has been running Worker.wait_for" in handle.sentence
    assert handle.details == ("2 calls in its mailbox",)
    (tmp_path / "go").touch()
    gnomon.get([first, *others], timeout=40)


def test_the_line_of_a_coroutine(cluster: Cluster, tmp_path: Path) -> None:
    actor = Async.remote()
    ref = actor.wait_for.remote(tmp_path / "go")
    wait_until(lambda: "in wait_for: await asyncio.sleep" in gnomon.why(ref).sentence, "it sleeps", 40.0)
    (tmp_path / "go").touch()
    gnomon.get(ref, timeout=40)


def threads_are_stopped(pid: int) -> bool:
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rsplit(")", 1)[1].split()[0] == "T" for stat in stats)


def test_a_process_that_is_silent(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = wait_for.remote(tmp_path / "go")
    state_is(ref, "running")
    (pid,) = cluster.leased_pids()
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: threads_are_stopped(pid), "all of it is stopped", 40.0)
        found = cluster.engine.why(ref._id, 0.2)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert f"was sent to worker {pid} " in found.sentence
    assert "did not answer in time" in found.sentence
    (tmp_path / "go").touch()
    assert gnomon.get(ref, timeout=40) == pid


def test_a_task_can_ask_too(cluster: Cluster, tmp_path: Path) -> None:
    ref = wait_for.remote(tmp_path / "go")
    told = gnomon.get(ask.remote([ref]), timeout=40)
    assert told.startswith(("pending: wait_for ", "running: wait_for "))
    (tmp_path / "go").touch()
    gnomon.get(ref, timeout=40)
    assert gnomon.get(ask.remote([ref]), timeout=40).startswith("ready: the value ")
    bad = ask.options(name="bad").remote([])
    with pytest.raises(IndexError):
        gnomon.get(bad, timeout=40)
    assert "bad failed: it raised IndexError" in gnomon.get(ask.remote([bad]), timeout=40)
    forget_exceptions()


def test_a_constructor_waits_for_an_argument(cluster: Cluster, tmp_path: Path) -> None:
    @gnomon.remote
    class Late:
        def __init__(self, value: int) -> None:
            self.value = value

        def get(self) -> int:
            return self.value

    ref = wait_for.remote(tmp_path / "go")
    actor = Late.remote(ref)
    found = gnomon.why(actor)
    assert found.state == "pending"
    assert found.sentence.startswith("the constructor of Late waits for an argument: the value of wait_for, ")
    queued = actor.get.remote()
    assert gnomon.why(queued).sentence.startswith(
        "Late.get waits for its actor: the constructor of Late waits"
    )
    (tmp_path / "go").touch()
    gnomon.get(queued, timeout=40)


def test_a_timeout_names_what_it_waits_for(cluster: Cluster, tmp_path: Path) -> None:
    refs = [wait_for.remote(tmp_path / "go") for _ in range(2)]
    state_is(refs[0], "running")
    with pytest.raises(gnomon.exceptions.GetTimeoutError) as caught:
        gnomon.get(refs, timeout=0.5)
    told = str(caught.value)
    assert told.startswith("0 of 2 values were ready after 0.5 s. wait_for has been running for ")
    assert "(1 more are not ready)" in told
    assert told.endswith("take what is ready with wait().")
    (tmp_path / "go").touch()
    gnomon.get(refs, timeout=40)
