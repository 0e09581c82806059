"""Workers that a node ends for want of memory. The threshold is 0 here, so that every reading is too high: then
whatever has taken memory is ended, and what has not is let live.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster, wait_until

import gnomon
from gnomon.exceptions import OutOfMemoryError

ALWAYS_SHORT = {"memory_usage_threshold": 0.0, "memory_monitor_refresh_ms": 20}
MIB = 1 << 20
HEAP_MIB = 128


@gnomon.remote
def hoard(path: str = "") -> int:
    """Take memory and keep it, until it is there."""
    heap = bytearray(b"x") * (HEAP_MIB * MIB)
    if path:
        wait_until(Path(path).exists, path, 60.0)
    return len(heap)


@gnomon.remote
def take_once(folder: str) -> int:
    """Take memory at the first time; later nothing."""
    begun = len(os.listdir(folder))
    Path(folder, str(begun)).touch()
    return begun if begun else len(hoard_for_ever())


def hoard_for_ever() -> bytearray:
    heap = bytearray(b"x") * (HEAP_MIB * MIB)
    wait_until(lambda: False, "its end", 60.0)
    return heap


@gnomon.remote(num_cpus=0)
class Keeper:
    def take(self) -> int:
        self.heap = hoard_for_ever()
        return 0

    def pid(self) -> int:
        return os.getpid()


def fails(ref: Any) -> OutOfMemoryError:
    with pytest.raises(OutOfMemoryError) as caught:
        gnomon.get(ref, timeout=60)
    return caught.value


def test_a_task_that_takes_too_much_is_ended_and_told_of(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    start_cluster(_system_config=ALWAYS_SHORT)
    error = fails(hoard.remote(str(tmp_path / "never")))
    assert error.what == "hoard"
    assert error.alone
    assert error.attempts == 1
    assert error.pid > 0
    assert 0 < error.used_bytes < error.limit_bytes
    assert (error.pid, "hoard") in [(pid, name) for pid, _, name in error.top]
    text = str(error)
    assert f"hoard (pid {error.pid}) was ended because node 1 ran out of memory" in text
    assert "memory_usage_threshold" in text
    assert "num_cpus=2" in text


def test_others_go_on(start_cluster: Callable[..., Cluster], tmp_path: Path) -> None:
    start_cluster(_system_config=ALWAYS_SHORT)
    doomed = hoard.remote(str(tmp_path / "never"))
    keeper = Keeper.remote()
    pid = gnomon.get(keeper.pid.remote())
    fails(doomed)
    assert gnomon.get(keeper.pid.remote()) == pid
    assert gnomon.get([gnomon.remote(lambda: 7).remote() for _ in range(20)], timeout=60) == [7] * 20


def outcome(ref: Any) -> Any:
    try:
        return gnomon.get(ref, timeout=60)
    except OutOfMemoryError as error:
        return "ended, alone" if error.alone else "ended"


def test_of_two_tasks_of_a_caller_one_may_be_tried_again_and_the_last_one_fails(
    start_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    start_cluster(num_cpus=2, _system_config=ALWAYS_SHORT)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    found = [outcome(ref) for ref in [take_once.remote(str(folder)) for folder in folders]]
    # whether both had taken their memory at the same moment is chance: then the first of them returns 1 later
    assert "ended, alone" in found
    assert set(found) <= {1, "ended, alone"}


def test_an_actor_that_takes_too_much(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(_system_config=ALWAYS_SHORT)
    keeper = Keeper.remote()
    error = fails(keeper.take.remote())
    assert error.what == "actor Keeper"
    assert fails(keeper.pid.remote()).what == "actor Keeper", "it is dead for that"


def test_an_actor_with_restarts_comes_back(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(_system_config=ALWAYS_SHORT)
    keeper = Keeper.options(max_restarts=1, max_task_retries=0).remote()
    first = gnomon.get(keeper.pid.remote())
    with pytest.raises(gnomon.exceptions.ActorUnavailableError, match="was ended by gnomon"):
        gnomon.get(keeper.take.remote(), timeout=60)
    assert gnomon.get(keeper.pid.options(max_task_retries=-1).remote(), timeout=60) != first


def test_a_monitor_that_is_off_ends_nobody(start_cluster: Callable[..., Cluster], tmp_path: Path) -> None:
    start_cluster(_system_config={**ALWAYS_SHORT, "memory_monitor_refresh_ms": 0})
    gate = tmp_path / "gate"
    ref = hoard.remote(str(gate))
    gate.touch()
    assert gnomon.get(ref, timeout=60) == HEAP_MIB * MIB
