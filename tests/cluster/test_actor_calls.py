"""Calls of actors between real processes: lanes, cancels, exits that lose nothing, names, and many at once."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster, kill_process, start_time, wait_until

import gnomon
import gnomon.actor
from gnomon.exceptions import ActorDiedError, TaskCancelledError


@gnomon.remote(num_cpus=0)
class Log:
    def __init__(self, *parts: Any) -> None:
        self.parts = parts
        self.seen: list[Any] = []

    def write(self, item: Any, *_: Any) -> Any:
        self.seen.append(item)
        return item

    def read(self) -> list[Any]:
        return self.seen

    def total(self) -> int:
        return sum(
            len(gnomon.get(part) if isinstance(part, gnomon.ObjectRef) else part) for part in self.parts
        )

    def keep(self, box: list[Any]) -> None:
        self.parts = box[0]

    def pid(self) -> int:
        return os.getpid()

    def leave(self) -> None:
        gnomon.actor.exit_actor()

    def say(self, text: str) -> None:
        print(text)

    def __repr__(self) -> str:
        return f"Log of {len(self.parts)}"


@gnomon.remote(num_cpus=0)
def late(path: str) -> str:
    wait_until(Path(path).exists, path, 60.0)
    return "late"


@gnomon.remote(num_cpus=0)
def submit(log: Any, items: list[int], path: str = "") -> None:
    """Several calls of one task; with ``path``, its first waits for a late argument."""
    if path:
        log.write.remote(items[0], late.remote(path))
        items = items[1:]
    gnomon.get([log.write.remote(item) for item in items][-1:])


def is_gone(pid: int) -> bool:
    return start_time(pid) is None


# -- lanes ----------------------------------------------------------------------------------------------------


def test_in_a_process_tasks_do_not_hold_up_each_others_calls(cluster: Cluster, tmp_path: Path) -> None:
    """The threaded actor is one process that runs several calls, each a task with calls of its own."""

    @gnomon.remote(num_cpus=0, max_concurrency=4)
    class Callers:
        def run(self, log: Any, items: list[int], path: str) -> None:
            if path:
                log.write.remote(items[0], late.remote(path))
                items = items[1:]
            gnomon.get([log.write.remote(item) for item in items])

    log, path = Log.remote(), tmp_path / "go"
    callers = Callers.remote()
    held_up = callers.run.remote(log, [1, 2, 3], str(path))
    gnomon.get([callers.run.remote(log, [10 * n, 10 * n + 1], "") for n in range(1, 4)], timeout=20)
    assert sorted(gnomon.get(log.read.remote())) == [10, 11, 20, 21, 30, 31]
    path.touch()
    gnomon.get(held_up, timeout=20)
    assert [item for item in gnomon.get(log.read.remote()) if item < 10] == [1, 2, 3]


def test_out_of_order_execution_lets_later_calls_pass(cluster: Cluster, tmp_path: Path) -> None:
    log = Log.options(allow_out_of_order_execution=True).remote()
    held = log.write.remote(1, late.remote(str(tmp_path / "go")))
    assert gnomon.get(log.write.remote(2), timeout=20) == 2
    (tmp_path / "go").touch()
    assert gnomon.get(held, timeout=20) == 1
    assert gnomon.get(log.read.remote()) == [2, 1]


def test_ten_thousand_calls_that_wait_for_one_argument(cluster: Cluster, tmp_path: Path) -> None:
    log = Log.options(allow_out_of_order_execution=True).remote()
    argument = late.remote(str(tmp_path / "go"))
    refs = [log.write.remote(item, argument) for item in range(10_000)]
    others = [log.write.remote(-1) for _ in range(100)]
    assert gnomon.get(others, timeout=30) == [-1] * 100
    for ref in refs[5_000:]:
        gnomon.cancel(ref)
    (tmp_path / "go").touch()
    assert gnomon.get(refs[:5_000], timeout=60) == list(range(5_000))
    for ref in refs[5_000:]:
        with pytest.raises(TaskCancelledError):
            gnomon.get(ref, timeout=20)


def test_a_handle_passed_to_a_hundred_tasks(cluster: Cluster) -> None:
    log = Log.remote()
    gnomon.get([submit.remote(log, [n * 10, n * 10 + 1]) for n in range(100)], timeout=60)
    seen = gnomon.get(log.read.remote())
    assert len(seen) == 200
    assert all(seen.index(n * 10) < seen.index(n * 10 + 1) for n in range(100))


# -- cancelling -----------------------------------------------------------------------------------------------


@gnomon.remote(num_cpus=0, max_concurrency=4)
class Threads:
    def wait_for_a_task(self, note: str, path: str) -> Any:
        Path(note).touch()
        return gnomon.get(late.remote(path))

    def spin(self, note: str) -> None:
        Path(note).touch()
        while True:
            sum(range(100))

    def stubborn(self, note: str, path: str) -> str:
        Path(note).touch()
        while not Path(path).exists():
            try:
                time.sleep(0.01)
            except BaseException:
                self.struck = gnomon.get_runtime_context().is_canceled()
        return "done"

    def was_struck(self) -> Any:
        return getattr(self, "struck", None)

    def add(self, x: int) -> int:
        return x + 1


def is_cancelled(ref: Any) -> None:
    with pytest.raises(TaskCancelledError):
        gnomon.get(ref, timeout=20)


@pytest.mark.parametrize("method", ["wait_for_a_task", "spin"])
def test_running_calls_of_threads_are_interrupted(cluster: Cluster, tmp_path: Path, method: str) -> None:
    threads = Threads.remote()
    arguments = [(str(tmp_path / f"{n}"), str(tmp_path / "never")) for n in range(3)]
    refs = [getattr(threads, method).remote(*each[: 1 if method == "spin" else 2]) for each in arguments]
    for note, _ in arguments:
        wait_until(Path(note).exists, "it has begun")
    for ref in refs:
        gnomon.cancel(ref)
    for ref in refs:
        is_cancelled(ref)
    assert gnomon.get([threads.add.remote(n) for n in range(50)], timeout=20) == list(range(1, 51))
    wait_until(lambda: not cluster.role.calls.records, "nothing is left of them")


def test_a_call_that_does_not_listen_is_cancelled_all_the_same(cluster: Cluster, tmp_path: Path) -> None:
    threads = Threads.remote()
    ref = threads.stubborn.remote(str(tmp_path / "note"), str(tmp_path / "go"))
    wait_until((tmp_path / "note").exists, "it has begun")
    gnomon.cancel(ref)
    wait_until(lambda: gnomon.get(threads.was_struck.remote()), "it was interrupted, and saw that it was")
    (tmp_path / "go").touch()
    is_cancelled(ref)


def test_cancels_that_strike_at_any_moment_leave_every_thread_alive(cluster: Cluster) -> None:
    """Short calls: most cancels come too early or too late, some in the last instant."""
    threads = Threads.remote()
    for _ in range(20):
        refs = [threads.add.remote(n) for n in range(100)]
        for ref in refs[::3]:
            gnomon.cancel(ref)
        for n, ref in enumerate(refs):
            try:
                assert gnomon.get(ref, timeout=20) == n + 1
            except TaskCancelledError:
                assert n % 3 == 0
    barrier = Barrier.remote()
    gnomon.get([barrier.meet.remote() for _ in range(4)], timeout=20)
    assert gnomon.get([threads.add.remote(n) for n in range(50)], timeout=20) == list(range(1, 51))


@gnomon.remote(num_cpus=0, max_concurrency=4)
class Barrier:
    def __init__(self) -> None:
        self.barrier = threading.Barrier(4)

    def meet(self) -> None:
        self.barrier.wait(20)


@gnomon.remote(num_cpus=0)
class Async:
    def __init__(self) -> None:
        self.inside = 0
        self.go = asyncio.Event()

    async def stay(self, item: Any = None) -> Any:
        self.inside += 1
        await self.go.wait()
        return item

    async def quick(self, item: int) -> int:
        return item

    async def open(self) -> None:
        self.go.set()

    async def count(self) -> int:
        return self.inside

    async def parent(self, note: str, path: str) -> Any:
        Path(note).touch()
        return await late.remote(path)


def test_cancels_before_a_coroutine_begins(cluster: Cluster) -> None:
    """Cancelled together with its push, a call is taken and cancelled before its coroutine has had a turn."""
    actor = Async.remote()
    gnomon.get(actor.quick.remote(0))
    for _ in range(30):
        refs = [actor.quick.remote(n) for n in range(30)]
        for ref in refs[::2]:
            gnomon.cancel(ref)
        for n, ref in enumerate(refs):
            try:
                assert gnomon.get(ref, timeout=20) == n
            except TaskCancelledError:
                assert n % 2 == 0


def test_cancelling_a_call_cancels_what_it_has_submitted(cluster: Cluster, tmp_path: Path) -> None:
    for cls in (Async, Threads):
        actor = cls.remote()
        method = actor.parent if cls is Async else actor.wait_for_a_task
        ref = method.remote(str(tmp_path / "note"), str(tmp_path / "never"))
        wait_until((tmp_path / "note").exists, "it has begun")
        (tmp_path / "note").unlink()
        gnomon.cancel(ref)
        is_cancelled(ref)
        wait_until(lambda: cluster.report().available.get("CPU") == 20_000, "its task has ended")


# -- ends -----------------------------------------------------------------------------------------------------


def test_intended_ends_lose_no_result(cluster: Cluster) -> None:
    """The news of the end and of the process's death race with the last answers."""
    for _ in range(30):
        log = Log.options(max_restarts=-1, max_task_retries=-1).remote()
        refs = [log.write.remote(item) for item in range(50)]
        leaving = log.leave.remote()
        assert gnomon.get(refs, timeout=20) == list(range(50))
        with pytest.raises(ActorDiedError, match="exit_actor"):
            gnomon.get(leaving, timeout=20)
        with pytest.raises(ActorDiedError, match="exit_actor"):
            gnomon.get(log.write.remote(1), timeout=20)


def test_results_that_were_sent_before_a_crash_are_kept(cluster: Cluster) -> None:
    @gnomon.remote(num_cpus=0)
    class Crashes:
        def make(self, size: int) -> bytes:
            return bytes(size)

        def crash(self) -> None:
            threading.Event().wait(0.3)  # outcomes of calls that take no time are sent together, within 5 ms
            os._exit(1)

    for _ in range(4):
        crashes = Crashes.remote()
        refs = [crashes.make.remote(50_000) for _ in range(20)]
        crash = crashes.crash.remote()
        with pytest.raises(ActorDiedError, match="exit code 1"):
            gnomon.get(crash, timeout=20)
        assert all(len(gnomon.get(ref)) == 50_000 for ref in refs)


def test_exit_handlers_run_at_an_intended_end(cluster: Cluster, tmp_path: Path) -> None:
    log = Log.remote()

    def arrange(_: Any, path: str) -> None:
        import atexit

        atexit.register(Path(path).touch)

    gnomon.get(log.__ray_call__.remote(arrange, str(tmp_path / "over")))
    log.leave.remote()
    wait_until((tmp_path / "over").exists, "the handler has run")


def test_constructor_arguments_go_when_no_restart_can_come(cluster: Cluster) -> None:
    big = gnomon.put(bytes(1_000_000))
    reader = Log.remote([big])
    keeper = Log.options(max_restarts=1).remote([big])
    gnomon.get([reader.__ray_ready__.remote(), keeper.__ray_ready__.remote()])
    gnomon.get([reader.keep.remote([()]), keeper.keep.remote([()])])
    del big
    kill_process(gnomon.get(keeper.pid.remote()))
    assert gnomon.get(keeper.total.options(max_task_retries=-1).remote(), timeout=20) == 1
    assert cluster.store_used() > 1_000_000
    gnomon.kill(keeper)
    wait_until(lambda: cluster.store_used() == 0, "nobody needs it any more")
    assert gnomon.get(reader.total.remote()) == 0


def test_what_a_constructor_keeps_is_kept(cluster: Cluster) -> None:
    """Its arguments are let go by their creator once the actor lives: what it has kept must not go with them."""
    for _ in range(10):
        log = Log.remote([gnomon.put(bytes(300_000))], gnomon.put(bytes(200_000)))
        kept = log.__ray_call__.remote(lambda self: len(gnomon.get(self.parts[0][0])) + len(self.parts[1]))
        assert gnomon.get(kept, timeout=20) == 500_000


# -- restarts, names, classes ---------------------------------------------------------------------------------


def test_a_restart_gets_the_same_arguments(cluster: Cluster) -> None:
    small, large = gnomon.put([1, 2, 3]), gnomon.put(bytes(500_000))
    log = Log.options(max_restarts=2, max_task_retries=-1).remote(small, [large], b"four")
    del small, large
    for _ in range(2):
        assert gnomon.get(log.total.remote(), timeout=20) == 3 + 1 + 4
        kill_process(gnomon.get(log.pid.remote()))
    assert gnomon.get(log.total.remote(), timeout=20) == 8


def test_a_constructor_that_raises_when_it_is_restarted(cluster: Cluster) -> None:
    @gnomon.remote(num_cpus=0, max_restarts=5, max_task_retries=-1)
    class Once:
        def __init__(self) -> None:
            if gnomon.get_runtime_context().was_current_actor_reconstructed:
                raise ValueError("only once")

        def pid(self) -> int:
            return os.getpid()

    once = Once.remote()
    kill_process(gnomon.get(once.pid.remote()))
    with pytest.raises(ActorDiedError, match="its constructor raised ValueError: only once") as caught:
        gnomon.get(once.pid.remote(), timeout=20)
    assert isinstance(caught.value.__cause__, ValueError)


def test_get_or_create_while_the_holder_dies(cluster: Cluster) -> None:
    """Whoever loses the race for the name and finds the winner dead creates one after all."""

    @gnomon.remote(num_cpus=0)
    def meet_and_kill(number: int) -> None:
        for _ in range(10):
            log = Log.options(name="target", get_if_exists=True, lifetime="detached").remote()
            try:
                gnomon.get(log.write.remote(number))
            except ActorDiedError:
                pass
            gnomon.kill(log)

    gnomon.get([meet_and_kill.remote(number) for number in range(3)], timeout=60)
    with pytest.raises(ValueError, match="no living actor named 'target'"):
        gnomon.get_actor("target")


def test_a_pending_actor_is_found_by_name(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(num_cpus=1)
    first = Log.options(num_cpus=1).remote()
    gnomon.get(first.pid.remote())
    second = Log.options(num_cpus=1, name="waits", namespace="n").remote()
    found = gnomon.get_actor("waits", namespace="n")
    assert found == second
    assert hash(found) == hash(second)
    assert {found, second} == {second}
    call = found.write.remote(1)
    gnomon.kill(first)
    assert gnomon.get(call, timeout=20) == 1


def test_classes_from_modules(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module_with_an_actor.py").write_text(
        "import gnomon\n\n\nclass Base:\n    def __init__(self, x):\n        self.x = x\n\n"
        "    def get(self):\n        return self.x\n\n\n@gnomon.remote(num_cpus=0)\nclass Special(Base):\n"
        "    def get(self):\n        return super().get() + 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import module_with_an_actor  # type: ignore[import-not-found]

    def see(path: str) -> None:
        sys.path.insert(0, path)

    opener = Log.remote()
    gnomon.get(opener.__ray_call__.remote(lambda _, path: see(path), str(tmp_path)))
    base = gnomon.remote(module_with_an_actor.Base)
    del base
    with pytest.raises(ActorDiedError, match="module_with_an_actor"):
        gnomon.get(module_with_an_actor.Special.remote(4).get.remote(), timeout=20)
    sys.modules.pop("module_with_an_actor")


def test_a_class_that_is_defined_anew(cluster: Cluster) -> None:
    def define(value: int) -> Any:
        @gnomon.remote(num_cpus=0)
        class Version:
            def get(self) -> int:
                return value

        return Version

    old = define(1).remote()
    new = define(2).remote()
    assert gnomon.get([old.get.remote(), new.get.remote()]) == [1, 2]


def test_lines_are_marked_with_the_actors_own_repr(
    start_cluster: Callable[..., Cluster], capfd: pytest.CaptureFixture[str]
) -> None:
    start_cluster(log_to_driver=True)
    log = Log.remote(1, 2)
    gnomon.get(log.say.remote("hello"))
    pid = gnomon.get(log.pid.remote())
    printed: list[str] = []

    def shown() -> bool:
        printed.append(capfd.readouterr().out)
        return f"(Log of 2 pid {pid}) hello" in "".join(printed)

    wait_until(shown, "the line is shown")


# -- many -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_1000_actors_at_once(cluster: Cluster) -> None:
    logs = [Log.remote() for _ in range(1_000)]
    pids = gnomon.get([log.pid.remote() for log in logs], timeout=400)
    assert len(set(pids)) == 1_000
    for _ in range(2):
        answers = gnomon.get([log.write.remote(n) for n, log in enumerate(logs)], timeout=120)
        assert answers == list(range(1_000))
    assert all(start_time(pid) is not None for pid in pids)
    del logs
    wait_until(lambda: all(map(is_gone, pids)), "all have ended", 120.0)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_10000_calls_at_once_on_one_async_actor(cluster: Cluster) -> None:
    actor = Async.options(max_concurrency=20_000).remote()
    refs = [actor.stay.remote(n) for n in range(10_000)]
    wait_until(lambda: gnomon.get(actor.count.remote()) == 10_000, "all are inside", 100.0)
    assert gnomon.wait(refs, num_returns=1, timeout=0)[0] == []
    gnomon.get(actor.open.remote())
    assert gnomon.get(refs, timeout=100) == list(range(10_000))
