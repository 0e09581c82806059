"""What errors say of a death: class, cause, exit code or signal, process, node, last output, and whether the call
may have run."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster, kill_process, wait_until

import gnomon
from gnomon.exceptions import ActorDiedError, ActorUnavailableError, WorkerCrashedError


@gnomon.remote(num_cpus=0)
class Doomed:
    def pid(self) -> int:
        return os.getpid()

    def add(self, x: int) -> int:
        return x + 1

    def crash(self, code: int) -> None:
        print("last words")
        sys.stderr.write("and an error\n")
        os._exit(code)

    def follow_a_null_pointer(self) -> None:
        print("before the crash")
        ctypes.string_at(0)

    def chatter(self) -> None:
        for number in range(100):
            print(f"line {number}")
        print("x" * 1_000)
        sys.stdout.flush()
        os.write(1, b"not \xff text\n")
        os._exit(1)

    def wait_for(self, path: str) -> None:
        wait_until(Path(path).exists, path, 60.0)

    def note(self, path: str) -> None:
        Path(path).write_text(str(os.getpid()))
        threading.Event().wait(600)


def fails(ref: Any, kind: type[BaseException]) -> Any:
    with pytest.raises(kind) as caught:
        gnomon.get(ref, timeout=20)
    return caught.value


def text_of(error: Any) -> str:
    """Its text with what differs from run to run left out."""
    text = str(error).replace(" node 1", " node <node>").replace(f"pid {error.pid})", "pid <pid>)")
    return re.sub(r"\([0-9a-f]{32}\)", "(<id>)", text)


def test_an_exit_code(cluster: Cluster) -> None:
    doomed = Doomed.remote()
    pid = gnomon.get(doomed.pid.remote())
    error = fails(doomed.crash.remote(3), ActorDiedError)
    assert (error.class_name, error.actor_id) == ("Doomed", doomed._actor_id.hex())
    assert (error.pid, error.exit_code, error.node_id) == (pid, 3, cluster.config.node.hex())
    assert error.last_output == "last words\nand an error"
    assert error.started is True
    assert text_of(error) == (
        "Actor Doomed (<id>) is dead: its process (pid <pid>) ended with exit code 3 "
        "(its code called sys.exit() or os._exit(), or a library did) on node <node>. This call may have run. "
        "Create a new one; max_restarts=... lets an actor come back on its own. "
        "It printed last:\n    last words\n    and an error"
    )
    later = fails(doomed.add.remote(1), ActorDiedError)
    assert (later.started, later.exit_code, later.last_output) == (False, 3, "last words\nand an error")
    assert text_of(later).startswith(
        "Actor Doomed (<id>) is dead: its process (pid <pid>) ended with exit code 3 "
        "(its code called sys.exit() or os._exit(), or a library did) on node <node>. This call had not started. "
    )


def test_a_signal_and_a_restart(cluster: Cluster) -> None:
    doomed = Doomed.options(max_restarts=1).remote()
    pid = gnomon.get(doomed.pid.remote())
    waiting = doomed.wait_for.remote("/nonexistent/never")
    wait_until(lambda: running(doomed) == "wait_for", "it runs")
    kill_process(pid)
    error = fails(waiting, ActorUnavailableError)
    assert (error.exit_code, error.pid, error.started) == (-signal.SIGKILL, pid, True)
    assert text_of(error) == (
        "Actor Doomed (<id>) is unavailable: its process (pid <pid>) was killed by SIGKILL "
        "on node <node>. This call may have run. "
        "It is being restarted: call again, or set max_task_retries=... so that calls are repeated."
    )
    assert gnomon.get(doomed.pid.options(max_task_retries=-1).remote(), timeout=20) != pid


def running(handle: Any) -> str:
    from gnomon._api import session

    return str(session.engine().ledger.actors[handle._actor_id.hex()]["current"])


def test_a_crash_in_native_code_names_the_users_line(cluster: Cluster) -> None:
    error = fails(Doomed.remote().follow_a_null_pointer.remote(), ActorDiedError)
    assert error.exit_code == -signal.SIGSEGV
    assert "was killed by SIGSEGV" in str(error)
    assert error.last_output.startswith("before the crash\nFatal Python error: Segmentation fault")
    assert "in follow_a_null_pointer" in error.last_output
    assert "_process/" not in error.last_output, "the runtime's own frames help nobody"


def test_last_output_is_bounded_and_text(cluster: Cluster) -> None:
    error = fails(Doomed.remote().chatter.remote(), ActorDiedError)
    lines = error.last_output.split("\n")
    assert lines[:2] == ["line 82", "line 83"]
    assert lines[18:] == ["x" * 200, "not \ufffd text"]


def test_which_calls_may_have_run(cluster: Cluster, tmp_path: Path) -> None:
    doomed = Doomed.remote()
    assert gnomon.get([doomed.add.remote(number) for number in range(20)]) == list(range(1, 21))
    inside = doomed.note.remote(str(tmp_path / "inside"))
    behind = [doomed.add.remote(number) for number in range(5)]
    kill_process(noted(tmp_path / "inside"))
    assert fails(inside, ActorDiedError).started is True
    assert [fails(ref, ActorDiedError).started for ref in behind] == [False] * 5


def noted(path: Path) -> int:
    """The pid that a call has noted, once."""
    pid = int(wait_until(lambda: path.exists() and path.read_text(), "the call has begun"))
    path.unlink()
    return pid


def test_calls_that_had_not_started_cost_no_retry(cluster: Cluster, tmp_path: Path) -> None:
    doomed = Doomed.options(max_restarts=2, max_task_retries=1).remote()
    path = tmp_path / "inside"
    for _ in range(2):
        inside = doomed.note.options(max_task_retries=0).remote(str(path))
        behind = doomed.add.remote(1)
        kill_process(noted(path))
        fails(inside, ActorUnavailableError)
    assert gnomon.get(behind, timeout=20) == 2
    gnomon.kill(doomed)


def test_a_crashed_task(cluster: Cluster) -> None:
    @gnomon.remote(max_retries=1)
    def crash() -> None:
        print("the last line")
        os._exit(9)

    error = fails(crash.remote(), WorkerCrashedError)
    assert (error.exit_code, error.attempts, error.last_output) == (9, 2, "the last line")
    assert error.node_id == cluster.config.node.hex()
    assert text_of(error) == (
        "The worker of crash died (attempt 2, and no retry is left): its process (pid <pid>) ended with exit code 9 "
        "(its code called sys.exit() or os._exit(), or a library did) on node <node>. "
        "Let the task return or raise instead, which leaves its process alive; max_retries=... allows more "
        "attempts. It printed last:\n    the last line"
    )


def test_a_death_is_not_told_with_the_words_of_earlier_tasks(start_cluster: Any) -> None:
    start_cluster(num_cpus=1)

    @gnomon.remote(max_retries=0)
    def speak(last: str, words: str) -> int:
        if last:
            print(last)
            sys.stderr.write(f"{last} too\n")
            os._exit(1)
        print(words)
        return os.getpid()

    @gnomon.remote(max_retries=0)
    def killed() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    pid = gnomon.get(speak.remote("", "an earlier task"))
    error = fails(killed.remote(), WorkerCrashedError)
    assert (error.pid, error.last_output) == (pid, ""), "the same worker, in silence"
    assert "(kill -9, a batch system, too little memory)" in str(error)
    pid = gnomon.get([speak.remote("", "more"), speak.remote("", "and more")])[1]
    error = fails(speak.remote("mine", ""), WorkerCrashedError)
    assert (error.pid, error.last_output) == (pid, "mine\nmine too")
    pid = gnomon.get(speak.remote("", "before the actor"))
    doomed = Doomed.options(num_cpus=1).remote()
    error = fails(doomed.crash.remote(3), ActorDiedError)
    assert error.pid == pid
    assert error.last_output == "last words\nand an error"


@gnomon.remote(num_cpus=0, max_restarts=1)
class Exits:
    def leave(self, code: Any) -> None:
        raise SystemExit(code)

    def add(self, x: int) -> int:
        return x + 1


@gnomon.remote(num_cpus=0, max_restarts=1)
class ExitsAsync:
    async def leave(self, code: Any) -> None:
        raise SystemExit(code)

    async def add(self, x: int) -> int:
        return x + 1


@pytest.mark.parametrize("cls", [Exits, ExitsAsync, Exits.options(max_concurrency=2)])
def test_an_exit_code_of_the_actors_own(cluster: Cluster, cls: Any) -> None:
    exits = cls.remote()
    before = exits.add.remote(1)
    assert gnomon.get(before, timeout=20) == 2
    error = fails(exits.leave.remote(3), ActorUnavailableError)
    assert error.exit_code == 3
    assert gnomon.get(exits.add.options(max_task_retries=-1).remote(1), timeout=20) == 2
    error = fails(exits.leave.remote("words"), ActorDiedError)
    assert (error.exit_code, error.last_output) == (1, "words")
