"""The fault lab: what is hit, what is spared, and that the work goes on."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cluster_tools import Cluster, RunCount, wait_until

import gnomon
from gnomon import control
from gnomon.cluster_utils import Cluster as NodesCluster
from gnomon.exceptions import ActorDiedError, ControlUnavailableError


@gnomon.remote
def first_waits(count: RunCount) -> int:
    """Waits for ever when it runs for the first time."""
    count.note(os.getpid())
    if len(count.entries()) == 1:
        threading.Event().wait(600)
    return os.getpid()


@gnomon.remote
def large(count: RunCount) -> Any:
    count.note(0)
    return np.ones(200_000)


@gnomon.remote(num_cpus=0)
class Keeper:
    def pid(self) -> int:
        return os.getpid()


@pytest.fixture
def count(tmp_path: Path) -> RunCount:
    return RunCount(tmp_path / "runs")


@pytest.mark.parametrize("named", [False, True])
def test_a_killed_worker_is_survived(cluster: Cluster, count: RunCount, named: bool) -> None:
    ref = first_waits.remote(count)
    wait_until(lambda: len(count.entries()) == 1, "it runs")
    receipt = control.kill_worker(ref if named else None)
    assert (receipt.kind, receipt.pid, receipt.running) == ("worker", count.entries()[0][0], ("first_waits",))
    assert str(receipt) == f"killed a worker (pid {receipt.pid}): it ran first_waits"
    assert gnomon.get(ref, timeout=30) != receipt.pid
    with pytest.raises(ValueError, match="does not run now"):
        control.kill_worker(ref)


def test_an_actor_is_killed_by_its_handle(cluster: Cluster) -> None:
    stays, goes = Keeper.remote(), Keeper.options(max_restarts=1).remote()
    pid = gnomon.get(goes.pid.remote(), timeout=20)
    assert gnomon.get(stays.pid.remote(), timeout=20) != pid
    assert control.kill_worker(goes).running == ("Keeper",)

    def lives_elsewhere() -> bool:
        try:
            return bool(gnomon.get(goes.pid.remote(), timeout=20) != pid)
        except ActorDiedError:
            raise
        except gnomon.exceptions.GnomonError:
            return False  # it is being restarted

    wait_until(lives_elsewhere, "it was restarted")
    control.kill_worker(gnomon.get(stays.pid.remote(), timeout=20))
    with pytest.raises(ActorDiedError):
        gnomon.get(stays.pid.remote(), timeout=30)


@pytest.mark.parametrize("pid", [os.getpid(), 1, 2**22 - 1], ids=["this", "the first", "none"])
def test_processes_that_are_no_workers_are_spared(cluster: Cluster, pid: int) -> None:
    assert gnomon.get(gnomon.remote(os.getpid).remote(), timeout=20)
    with pytest.raises(ValueError, match=rf"process {pid} is no worker of this session"):
        control.kill_worker(pid)


def test_what_there_is_not_can_not_be_killed(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="no task runs now"):
        control.kill_worker()
    with pytest.raises(TypeError, match="an ObjectRef, an actor or a pid, not str"):
        control.kill_worker("1")  # type: ignore[arg-type]
    with pytest.raises(ControlUnavailableError, match="the only node is that of the head"):
        control.kill_node()


def test_a_task_can_not_kill(cluster: Cluster) -> None:
    @gnomon.remote
    def ask() -> str:
        try:
            control.kill_worker()
        except ControlUnavailableError as error:
            return str(error)
        return ""

    assert "this is a task" in gnomon.get(ask.remote(), timeout=20)


def test_a_dropped_object_is_made_again(cluster: Cluster, count: RunCount) -> None:
    ref = large.remote(count)
    gnomon.wait([ref], timeout=20)
    assert "takes every copy for lost" in str(control.drop_object(ref))
    assert gnomon.get(ref, timeout=30).sum() == 200_000
    assert count.runs() == {0: 2}
    with pytest.raises(ValueError, match="is small"):
        control.drop_object(gnomon.put(1))


def test_the_room_of_what_was_dropped_is_given_back(cluster: Cluster, count: RunCount) -> None:
    """At once if nobody looks at it, and else as soon as nobody does: drop and get do not fill the store."""

    def free() -> float:
        return gnomon.available_resources()["object_store_memory"]

    before = free()
    ref = large.options(max_retries=5).remote(count)
    gnomon.wait([ref], timeout=20)
    one = before - free()
    assert one >= 1_600_000
    for _ in range(2):
        control.drop_object(ref)
        gnomon.get(ref, timeout=30)
        wait_until(lambda: before - free() == one, "the old value has gone")
    view = gnomon.get(ref, timeout=30)
    control.drop_object(ref)
    gnomon.wait([ref], timeout=30)
    assert before - free() == 2 * one
    assert view.sum() == 200_000
    del view
    wait_until(lambda: before - free() == one, "it has gone when nobody looks at it any more")


def test_a_killed_node_is_survived() -> None:
    cluster = NodesCluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1, resources={"there": 1})
        gnomon.init(address=cluster.address)
        own = gnomon.get_runtime_context().get_node_id()
        where = gnomon.remote(lambda: gnomon.get_runtime_context().get_node_id())
        gnomon.get(where.options(resources={"there": 1}).remote(), timeout=30)
        with pytest.raises(
            ValueError, match="node 1 is the node of the head or of this driver; name one of node 2"
        ):
            control.kill_node(own)
        with pytest.raises(ValueError, match="no living node 'there'"):
            control.kill_node("there")
        receipt = control.kill_node("2")
        assert receipt.what == "node 2"
        wait_until(
            lambda: [node["NodeID"] for node in gnomon.nodes() if node["Alive"]] == [own], "the node is gone"
        )
        assert gnomon.get(where.remote(), timeout=30) == own
    finally:
        gnomon.shutdown()
        cluster.shutdown()


def test_without_processes_nothing_is_killed(start_cluster: Callable[..., Cluster]) -> None:
    gnomon.init(engine="inline", num_cpus=1)
    try:
        for fault in (control.kill_worker, control.kill_node, lambda: control.drop_object(gnomon.put(1))):
            with pytest.raises(ControlUnavailableError, match="the inline engine has no processes"):
                fault()  # type: ignore[operator]
    finally:
        gnomon.shutdown()


@pytest.fixture
def two_nodes() -> Iterator[str]:
    """A driver in a cluster of two nodes; the id of the other one."""
    cluster = NodesCluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1, resources={"there": 1})
        gnomon.init(address=cluster.address)
        yield cluster.worker_nodes[0].node_id
    finally:
        gnomon.shutdown()
        cluster.shutdown()


def test_a_node_that_is_cut_off_for_a_while_comes_back(two_nodes: str) -> None:
    where = gnomon.remote(lambda: gnomon.get_runtime_context().get_node_id()).options(resources={"there": 1})
    assert gnomon.get(where.remote(), timeout=30) == two_nodes
    until = time.monotonic() + 1.5
    receipt = control.delay_node(seconds=1.5)
    assert str(receipt) == f"node 2 (pid {receipt.pid}) is cut off from the others for 1.5 s"
    assert gnomon.get(where.remote(), timeout=30) == two_nodes
    assert time.monotonic() >= until
    assert gnomon.get(where.remote(), timeout=30) == two_nodes
    assert [node["NodeID"] for node in gnomon.nodes() if node["Alive"]].count(two_nodes) == 1


def test_a_node_that_is_cut_off_for_too_long_is_taken_for_dead(two_nodes: str, count: RunCount) -> None:
    ref = first_waits.options(resources={"there": 0.5}, max_retries=0).remote(count)
    wait_until(lambda: len(count.entries()) == 1, "it runs there")
    receipt = control.delay_node("node 2", 40, by=30)
    assert "after 5 s of silence the head takes it for dead" in str(receipt)
    with pytest.raises(gnomon.exceptions.GnomonError, match=r"nothing had been heard of it for 5 s"):
        gnomon.get(ref, timeout=60)


def test_wrong_delays(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="seconds is more than 0 and at most 60 seconds, not 61"):
        control.delay_node(seconds=61)
    with pytest.raises(TypeError, match="takes by as a number of seconds, not str"):
        control.delay_node(by="1")  # type: ignore[arg-type]
    with pytest.raises(ControlUnavailableError, match="the only node is that of the head"):
        control.delay_node()


def test_an_object_is_dropped_by_its_id(cluster: Cluster, count: RunCount) -> None:
    ref = large.remote(count)
    gnomon.wait([ref], timeout=20)
    control.drop_object(ref.hex())
    assert gnomon.get(ref, timeout=30).sum() == 200_000
    assert count.runs() == {0: 2}
    for wrong in ("", "xy", "00"):
        with pytest.raises(ValueError, match="is no id of an object"):
            control.drop_object(wrong)
