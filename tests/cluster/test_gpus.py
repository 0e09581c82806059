"""GPU ids: which ones a task or an actor gets, how it sees them, and that nobody shares a whole one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from cluster_tools import Cluster

import gnomon
from gnomon.exceptions import InfeasibleError
from gnomon.util.accelerators import NVIDIA_TESLA_T4

VARIABLE = "CUDA_VISIBLE_DEVICES"


def look() -> tuple[list[Any], str | None, list[str], float]:
    context = gnomon.get_runtime_context()
    held = context.get_assigned_resources().get("GPU", 0.0)
    return gnomon.get_gpu_ids(), os.environ.get(VARIABLE), context.get_accelerator_ids()["GPU"], held


@pytest.fixture
def gpus(start_cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Cluster]:
    def start(count: int, visible: str | None = None, **options: Any) -> Cluster:
        monkeypatch.delenv(VARIABLE, raising=False)
        if visible is not None:
            monkeypatch.setenv(VARIABLE, visible)
        return start_cluster(num_cpus=4, num_gpus=count, **options)

    return start


def test_a_task_sees_its_gpus_and_no_others(gpus: Callable[..., Cluster]) -> None:
    gpus(2)
    task = gnomon.remote(look)
    assert gnomon.get(task.options(num_gpus=1).remote()) == ([0], "0", ["0"], 1.0)
    assert gnomon.get(task.options(num_gpus=2).remote()) == ([0, 1], "0,1", ["0", "1"], 2.0)
    assert gnomon.get(task.options(num_gpus=0.5).remote())[3] == 0.5
    nothing = gnomon.get([task.remote() for _ in range(8)])
    assert nothing == [([], None, [], 0.0)] * 8, "workers that had GPUs before see none now"
    assert gnomon.get_gpu_ids() == []


def test_names_come_from_the_drivers_environment(gpus: Callable[..., Cluster]) -> None:
    gpus(2, "GPU-a,5")
    task = gnomon.remote(look)
    both = gnomon.get(task.options(num_gpus=2).remote())
    assert both == (["GPU-a", "5"], "GPU-a,5", ["GPU-a", "5"], 2.0)
    assert gnomon.get(task.remote())[:2] == ([], "GPU-a,5"), (
        "without GPUs the variable is left alone, as in Ray"
    )


def test_actors_hold_theirs_for_life(gpus: Callable[..., Cluster]) -> None:
    gpus(2)

    @gnomon.remote(num_gpus=1)
    class Holder:
        def __init__(self) -> None:
            self.born = look()

        def look(self) -> Any:
            return self.born, look()

    actors = [Holder.remote(), Holder.remote()]
    seen = gnomon.get([actor.look.remote() for actor in actors])
    assert sorted(now[0] for _, now in seen) == [[0], [1]]
    assert all(born == now for born, now in seen)
    with pytest.raises(gnomon.exceptions.GetTimeoutError):
        gnomon.get(gnomon.remote(num_gpus=0.1)(look).remote(), timeout=0.5)
    ended = seen[0][1][0]
    gnomon.kill(actors[0])
    assert gnomon.get(gnomon.remote(num_gpus=1)(look).remote())[0] == ended


def test_parts_share_one_and_whole_ones_are_alone(gpus: Callable[..., Cluster], tmp_path: Any) -> None:
    gpus(2)
    gate = tmp_path / "gate"

    @gnomon.remote(num_cpus=0.1)
    def hold() -> list[Any]:
        while not gate.exists():
            threading.Event().wait(0.01)
        return list(gnomon.get_gpu_ids())

    halves = [hold.options(num_gpus=0.5).remote() for _ in range(2)]
    whole = hold.options(num_gpus=1).remote()
    gate.write_text("")
    first, second = gnomon.get(halves)
    assert first == second != gnomon.get(whole)


def test_what_is_too_much_is_infeasible(gpus: Callable[..., Cluster]) -> None:
    gpus(1)
    with pytest.raises(InfeasibleError, match="2 GPU"):
        gnomon.get(gnomon.remote(num_gpus=2)(look).remote())
    with pytest.raises(InfeasibleError, match="accelerator_type:T4"):
        gnomon.get(gnomon.remote(accelerator_type=NVIDIA_TESLA_T4)(look).remote())


def test_accelerator_type(gpus: Callable[..., Cluster]) -> None:
    gpus(1, resources={f"accelerator_type:{NVIDIA_TESLA_T4}": 1})

    @gnomon.remote(accelerator_type=NVIDIA_TESLA_T4)
    def held() -> dict[str, float]:
        return gnomon.get_runtime_context().get_assigned_resources()

    assert gnomon.get(held.remote()) == {"CPU": 1.0, "accelerator_type:T4": 0.001}


def test_no_gpu_is_given_twice(gpus: Callable[..., Cluster], tmp_path: Any) -> None:
    gpus(3)

    @gnomon.remote(num_cpus=0.1, max_calls=0)
    def use(units: float) -> None:
        (gpu, *more) = gnomon.get_gpu_ids()
        for each in (gpu, *more):
            if units >= 1:
                os.close(os.open(tmp_path / str(each), os.O_CREAT | os.O_EXCL))  # fails if another is there
        threading.Event().wait(0.002)
        for each in (gpu, *more):
            if units >= 1:
                os.unlink(tmp_path / str(each))

    asked = [1, 0.3, 2, 0.5, 1, 0.25] * 10
    gnomon.get([use.options(num_gpus=units).remote(units) for units in asked])


def test_more_than_the_environment_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "2,5")
    with pytest.raises(ValueError, match=r"num_gpus is 3, but CUDA_VISIBLE_DEVICES names 2 \(2, 5\)"):
        gnomon.init(num_gpus=3)
    assert not gnomon.is_initialized()
