"""Pause, step, slow motion and seeded order, with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster, RunCount, wait_until
from kept_cluster import kept_cluster

import gnomon
from gnomon import control, observe
from gnomon.exceptions import ControlUnavailableError, GetTimeoutError, TaskCancelledError


@gnomon.remote
def note(number: int, count: RunCount) -> int:
    count.note(number)
    return number


@gnomon.remote
def parent(count: RunCount) -> Any:
    count.note(0)
    return gnomon.get(note.remote(1, count))


@gnomon.remote
def items(count: RunCount) -> Iterator[int]:
    for number in range(3):
        count.note(number)
        yield number


@gnomon.remote(num_cpus=0)
class Noter:
    def __init__(self, count: RunCount) -> None:
        self.count = count

    def note(self, number: int) -> int:
        self.count.note(number)
        return number


@gnomon.remote(num_cpus=0)
class AsyncNoter:
    def __init__(self, count: RunCount) -> None:
        self.count = count
        self.last = asyncio.Event()

    async def note(self, number: int) -> int:
        """Waits for number 0, which comes last."""
        self.count.note(number)
        if not number:
            self.last.set()
        await self.last.wait()
        return number


@pytest.fixture
def count(tmp_path: Path) -> RunCount:
    return RunCount(tmp_path / "runs")


def waiting(number: int) -> None:
    """So many workers and actors have something at the gate."""
    wait_until(lambda: control.tempo().waiting == number, f"{number} wait at the gate")


def begun(count: RunCount, number: int) -> list[int]:
    """Once so many have begun: their numbers, in the order in which they did."""
    wait_until(lambda: len(count.entries()) >= number, f"{number} have begun")
    return [task for task, _ in count.entries()]


def states() -> list[str]:
    return [str(row["state"]) for row in observe.tasks()]


def test_paused_nothing_begins_a_step_is_one_and_then_all(cluster: Cluster, count: RunCount) -> None:
    control.pause()
    refs = [note.remote(number, count) for number in range(4)]
    waiting(2)
    assert count.entries() == []
    wait_until(lambda: states() == ["ready"] * 4, "they are shown as what they are")
    # not: the 2 places where they wait
    assert str(control.tempo()) == "paused: 4 tasks ready, none begun since"
    assert control.step().mode == "paused"
    (first,), _ = gnomon.wait(refs, timeout=20)
    waiting(2)
    assert begun(count, 1) == [gnomon.get(first)]  # the one that came to the gate first
    assert first in refs[:2]
    del first, _
    control.step(2)
    assert len(gnomon.wait(refs, num_returns=3, timeout=20)[0]) == 3
    waiting(1)
    assert len(set(begun(count, 3))) == 3
    assert control.tempo().begun == 3
    assert control.resume() == control.Tempo()
    assert gnomon.get(refs, timeout=20) == [0, 1, 2, 3]
    assert count.runs() == dict.fromkeys(range(4), 1)


def test_a_step_waits_for_something_to_begin(cluster: Cluster, count: RunCount) -> None:
    control.step(2)
    assert control.tempo().steps == 2
    refs = [note.remote(number, count) for number in range(3)]
    ready, others = gnomon.wait(refs, num_returns=2, timeout=20)
    waiting(1)
    assert (len(begun(count, 2)), len(ready)) == (2, 2)
    control.resume()
    assert gnomon.get(refs, timeout=20) == [0, 1, 2]
    del ready, others


def test_nested_tasks_are_held_too(cluster: Cluster, count: RunCount) -> None:
    control.pause()
    ref = parent.remote(count)
    waiting(1)
    control.step()
    assert begun(count, 1) == [0]
    waiting(1)
    assert [task for task, _ in count.entries()] == [0]
    control.step()
    assert gnomon.get(ref, timeout=20) == 1


def test_calls_of_an_actor_wait_in_their_order(cluster: Cluster, count: RunCount) -> None:
    actor = Noter.remote(count)
    assert gnomon.get(actor.note.remote(0)) == 0
    control.pause()
    refs = [actor.note.remote(number) for number in range(1, 4)]
    waiting(1)
    wait_until(lambda: states()[-3:] == ["ready"] * 3, "they are shown as what they are")
    control.step(2)
    assert gnomon.get(refs[:2], timeout=20) == [1, 2]
    waiting(1)
    assert begun(count, 3) == [0, 1, 2]
    control.resume()
    assert gnomon.get(refs, timeout=20) == [1, 2, 3]


def test_calls_of_threaded_and_async_actors_begin_one_by_one(cluster: Cluster, tmp_path: Path) -> None:
    for index, make in enumerate((Noter.options(max_concurrency=3), AsyncNoter)):
        count = RunCount(tmp_path / f"runs{index}")
        actor = make.remote(count)
        assert gnomon.get(actor.__ray_ready__.remote(), timeout=20)
        control.pause()
        refs = [actor.note.remote(number) for number in (2, 1, 0)]
        waiting(1)
        for number in (1, 2):
            control.step()
            begun(count, number)
            waiting(1)
        assert sorted(task for task, _ in count.entries()) == [1, 2]
        control.step()
        assert gnomon.get(refs, timeout=20) == [2, 1, 0]
        control.resume()
        del actor, refs


def test_a_generator_is_one_step(cluster: Cluster, count: RunCount) -> None:
    control.pause()
    generator = items.remote(count)
    waiting(1)
    assert count.entries() == []
    control.step()
    assert [gnomon.get(ref, timeout=20) for ref in generator] == [0, 1, 2]


def test_what_is_cancelled_at_the_gate_never_begins(cluster: Cluster, count: RunCount) -> None:
    actor = Noter.remote(count)
    assert gnomon.get(actor.__ray_ready__.remote(), timeout=20)
    control.pause()
    refs = [note.remote(0, count), note.remote(1, count), actor.note.remote(2), actor.note.remote(3)]
    waiting(3)
    for ref in refs[::2]:
        gnomon.cancel(ref)
        with pytest.raises(TaskCancelledError):
            gnomon.get(ref, timeout=20)
    control.resume()
    assert gnomon.get(refs[1::2], timeout=20) == [1, 3]
    assert sorted(count.runs()) == [1, 3]


def test_a_get_says_why_it_waits(cluster: Cluster, count: RunCount) -> None:
    control.pause()
    ref = note.remote(1, count)
    with pytest.raises(GetTimeoutError, match=r"paused.*%remote resume"):
        gnomon.get(ref, timeout=0.6)
    control.resume()
    assert gnomon.get(ref, timeout=20) == 1


def test_why_names_the_pause_and_never_says_that_what_waits_runs(cluster: Cluster, count: RunCount) -> None:
    control.pause()
    ref = note.remote(1, count)
    behind = note.remote(ref, count)
    for _ in range(20):  # from the moment of the submission on, whatever has been told meanwhile
        assert "has not begun: the session is paused" in gnomon.why(ref).sentence
        assert gnomon.why(ref).next_step.startswith("Go on with")
        found = gnomon.why(behind)
        assert "which has not begun. The session is paused: nothing begins." in found.sentence
        assert found.next_step.startswith("Go on with")
        assert ref.hex() in found.next_step
    control.resume()
    gnomon.get([ref, behind], timeout=60)


def cpus(part: str) -> float:
    return float(sum(node.get(part, {}).get("CPU", 0.0) for node in observe.nodes()))


def test_what_is_held_for_what_may_not_begin_is_not_in_use(cluster: Cluster, count: RunCount) -> None:
    view = observe.feed().subscribe()
    view.poll()
    try:
        wait_until(lambda: cpus("available") == 2, "the node has told", 40.0)
        control.pause()
        refs = [note.remote(number, count) for number in range(4)]
        waiting(2)
        wait_until(lambda: cpus("available") == 0, "both CPUs are held", 40.0)
        wait_until(lambda: cpus("idle") == 2, "and nothing runs there", 40.0)
        control.resume()
        gnomon.get(refs, timeout=60)
        wait_until(lambda: cpus("idle") == 0, "nothing is held up any more", 40.0)
    finally:
        view.close()


def test_slow_motion_begins_them_one_by_one_in_order(cluster: Cluster, count: RunCount) -> None:
    control.slow(0.02)
    assert gnomon.get([note.remote(number, count) for number in range(6)], timeout=60) == list(range(6))
    assert control.tempo().begun == 6
    assert sorted(begun(count, 6)) == list(range(6))
    control.resume()


def test_a_seed_gives_the_same_order_again(cluster: Cluster, tmp_path: Path) -> None:
    gnomon.get([note.remote(number, RunCount(tmp_path / "warm")) for number in range(8)], timeout=20)

    def order_of(seed: int, name: str) -> list[int]:
        count = RunCount(tmp_path / name)
        control.pause()
        refs = [note.remote(number, count) for number in range(8)]
        waiting(2)
        control.order(seed)
        assert gnomon.get(refs, timeout=60) == list(range(8))
        control.resume()
        return begun(count, 8)

    first, again, other = order_of(3, "a"), order_of(3, "b"), order_of(4, "c")
    assert first == again != other
    assert sorted(other) == list(range(8))


def test_work_that_waits_for_others_does_not_stop_a_seeded_order(cluster: Cluster, count: RunCount) -> None:
    control.order(1)
    assert gnomon.get([parent.remote(count) for _ in range(3)], timeout=60) == [1, 1, 1]
    actor = AsyncNoter.remote(count)
    assert gnomon.get([actor.note.remote(number) for number in (1, 0)], timeout=60) == [1, 0]
    control.resume()


def test_workers_and_actors_to_come_are_held_too(cluster: Cluster, count: RunCount) -> None:
    control.pause()
    actor = Noter.remote(count)
    refs = [actor.note.remote(1), note.options(num_cpus=2).remote(2, count)]
    waiting(2)
    assert count.entries() == []
    control.resume()
    assert gnomon.get(refs, timeout=20) == [1, 2]


@gnomon.remote(num_cpus=0)
class NotesItsBirth:
    def __init__(self, count: RunCount, number: int) -> None:
        count.note(number)

    def answer(self) -> str:
        return "here"


def test_constructors_of_actors_are_held_and_stepped_like_tasks(cluster: Cluster, count: RunCount) -> None:
    control.pause()
    actors = [NotesItsBirth.remote(count, number) for number in range(2)]
    waiting(2)
    assert count.entries() == []
    found = gnomon.why(actors[0])
    assert found.sentence == "NotesItsBirth has not begun: the session is paused."
    assert found.next_step.startswith("Go on with")
    assert control.step().mode == "paused"
    assert len(begun(count, 1)) == 1
    waiting(1)
    gnomon.kill(actors.pop(1 - begun(count, 1)[0]))  # the one that has not begun
    waiting(0)
    assert len(count.entries()) == 1
    control.resume()
    assert gnomon.get(actors[0].answer.remote(), timeout=30) == "here"
    assert len(count.entries()) == 1


def test_a_worker_that_dies_at_the_gate_costs_nothing(cluster: Cluster, count: RunCount) -> None:
    control.pause()
    ref = note.options(max_retries=0).remote(1, count)
    waiting(1)
    (row,) = observe.tasks()
    os.kill(row["pid"], signal.SIGKILL)
    wait_until(lambda: observe.tasks()[0]["pid"] != row["pid"], "it waits elsewhere")
    waiting(1)
    control.step()
    assert gnomon.get(ref, timeout=20) == 1


def test_a_session_can_end_while_it_is_paused(cluster: Cluster, count: RunCount) -> None:
    control.pause()
    refs = [note.remote(number, count) for number in range(3)]
    waiting(2)
    del refs
    gnomon.shutdown()
    assert control.tempo() == control.Tempo()
    assert count.entries() == []


def test_other_threads_can_let_it_go_on(cluster: Cluster, count: RunCount) -> None:
    """As the views do while a cell waits."""
    control.pause()
    ref = note.remote(1, count)

    def later() -> None:
        waiting(1)
        control.resume()

    thread = threading.Thread(target=later)
    thread.start()
    assert gnomon.get(ref, timeout=30) == 1
    thread.join()


def test_a_task_can_not_set_the_tempo(cluster: Cluster) -> None:
    @gnomon.remote
    def ask() -> str:
        try:
            control.pause()
        except ControlUnavailableError as error:
            return str(error)
        return control.tempo().mode

    assert "this is a task" in gnomon.get(ask.remote(), timeout=20)


PAUSED_ACTOR = """
from gnomon import control
@gnomon.remote(num_cpus=0)
class Kept:
    def size(self):
        return 5
kept = Kept.options(name={name!r}, lifetime='detached').remote()
gnomon.get(kept.size.remote())
control.pause()
ref = kept.size.remote()
def waiting():
    return control.tempo().waiting
"""


def test_a_driver_that_is_gone_leaves_nothing_paused() -> None:
    with kept_cluster("--num-cpus", "2", "--object-store-memory", str(64 * 2**20)) as cluster:
        leaves, dies, other = (cluster.driver("space") for _ in range(3))
        other.run("f = gnomon.remote(num_cpus=1)(lambda: 3)")
        for name, driver in (("left", leaves), ("killed", dies)):
            driver.run(PAUSED_ACTOR.format(name=name))
            wait_until(lambda: driver.run("waiting()") == 1, "the call waits at the gate")  # noqa: B023
            assert other.run("gnomon.get(f.remote(), timeout=30)") == 3, "a pause is one driver's alone"
            other.run(f"ref = gnomon.get_actor({name!r}).size.remote()")
            assert other.run("len(gnomon.wait([ref], timeout=0.1)[0])") == 0
            if driver is leaves:
                driver.run("gnomon.shutdown()")
            else:
                driver.kill()
            assert other.run("gnomon.get(ref, timeout=30)") == 5
            other.run(f"gnomon.kill(gnomon.get_actor({name!r}))")
