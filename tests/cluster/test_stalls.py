"""Waits that can not end because living actors hold what is asked for: they are told, with what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from cluster_tools import Cluster, wait_until

import gnomon
from gnomon._api import waiting
from gnomon._engine import notebook_hooks, stalls
from gnomon._messages.cluster import ActorReport, ClusterStatus, NodeReport
from gnomon.exceptions import GetTimeoutError
from gnomon.ids import ActorID, JobID, NodeID, WorkerID, task_of


@gnomon.remote(num_cpus=1)
class Holder:
    def hold(self) -> int:
        return 1


@gnomon.remote
def one() -> int:
    return 1


def test_an_error_says_who_holds_all(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(num_cpus=1)
    holder = Holder.options(name="first").remote()
    assert gnomon.get(holder.hold.remote(), timeout=20) == 1
    refs = [one.remote() for _ in range(3)]
    with pytest.raises(GetTimeoutError) as caught:
        gnomon.get(refs, timeout=waiting.TIMEOUT_LOOK_S)
    told = str(caught.value)
    assert told.startswith("0 of 3 values were ready after 0.5 s. What has not begun waits for resources: ")
    assert "3 tasks for 1 CPU. " in told
    assert "Holder 'first' (pid " in told
    assert "gnomon.kill(handle)" in told
    gnomon.kill(holder)
    assert gnomon.get(refs, timeout=20) == [1, 1, 1]


def test_a_recursion_that_does_not_end_is_told(start_cluster: Callable[..., Cluster], tmp_path: Any) -> None:
    cluster = start_cluster(num_cpus=1)

    @gnomon.remote
    def deeper(depth: int, path: Any) -> int:
        from cluster_tools import wait_until

        if depth:
            return gnomon.get(deeper.remote(depth - 1, path)) + 1
        wait_until(path.exists, "it is there", 60.0)
        return 0

    ref = deeper.remote(17, tmp_path / "go")
    wait_until(
        lambda: "17 tasks on node 1 wait in get()" in stalls.why_waiting(cluster.core), "it is told", 60.0
    )
    assert "cancel it with gnomon.cancel(ref)" in stalls.why_waiting(cluster.core)
    (tmp_path / "go").touch()
    assert gnomon.get(ref, timeout=60) == 17
    assert stalls.why_waiting(cluster.core) == ""


def test_work_that_takes_its_time_is_no_stall(start_cluster: Callable[..., Cluster], tmp_path: Any) -> None:
    start_cluster(num_cpus=1)

    @gnomon.remote
    def wait_for(path: Any) -> None:
        from cluster_tools import wait_until

        wait_until(path.exists, "it is there", 60.0)

    refs = [wait_for.remote(tmp_path / "go") for _ in range(2)]
    with pytest.raises(GetTimeoutError, match="Wait longer"):
        gnomon.get(refs, timeout=waiting.TIMEOUT_LOOK_S)
    (tmp_path / "go").touch()
    gnomon.get(refs, timeout=20)


def test_a_long_wait_warns_once(
    start_cluster: Callable[..., Cluster], caplog: pytest.LogCaptureFixture
) -> None:
    cluster = start_cluster(num_cpus=1)
    cluster.core.wait_long.__self__.after_s = 0.05
    holder = Holder.remote()
    gnomon.get(holder.hold.remote(), timeout=20)
    second = Holder.remote()
    call = second.hold.remote()
    with caplog.at_level(logging.WARNING, "gnomon"):
        for _ in range(2):
            with pytest.raises(GetTimeoutError):
                gnomon.get(call, timeout=0.3)
    (record,) = caplog.records
    assert "1 actor Holder for 1 CPU. Living actors hold too much of it" in record.getMessage()
    gnomon.kill(holder)
    assert gnomon.get(call, timeout=20) == 1


def test_a_watched_wait_warns_too(
    start_cluster: Callable[..., Cluster],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start_cluster(num_cpus=1)
    monkeypatch.setattr(waiting, "STALL_S", 0.1)
    holder = Holder.remote()
    gnomon.get(holder.hold.remote(), timeout=20)
    ref = one.remote()
    monkeypatch.setattr(notebook_hooks, "wait_observer", lambda progress: None)
    with caplog.at_level(logging.WARNING, "gnomon"), pytest.raises(GetTimeoutError, match="Living actors"):
        gnomon.get(ref, timeout=2.0)
    (record,) = caplog.records
    assert "1 task for 1 CPU" in record.getMessage()
    gnomon.kill(holder)
    assert gnomon.get(ref, timeout=20) == 1


def status(*actors: ActorReport) -> ClusterStatus:
    total = {"CPU": 20_000, "gadget": 10_000}
    node = NodeReport(NodeID(b"n" * 8), WorkerID(b"w" * 8), 1, True, total, {}, 1, 0, 1)
    return ClusterStatus(0, (node,), (), actors)


def actor(name: str, state: str = "alive", **resources: int) -> ActorReport:
    return ActorReport(ActorID(b"a"), JobID(b"j"), name, "", "", state, 7, False, resources)


def test_what_fits_is_no_stall() -> None:
    assert stalls.explain([(1, {"CPU": 10_000})], status(actor("A", CPU=10_000))) == ""
    assert stalls.explain([], status(actor("A", CPU=20_000), actor("B", "pending"))) == ""
    assert stalls.explain([(1, {"CPU": 10_000})], status(actor("A", "pending", CPU=20_000))) == ""


def test_what_no_node_has_waits_for_a_node() -> None:
    waits = [(2, {"gadget": 20_000}), (1, {"CPU": 10_000})]
    told = stalls.explain(waits, status(actor("Big", "restarting", CPU=30_000)))
    assert told.startswith(
        "No living node has what this asks for: 2 tasks for 2 gadget; 1 actor Big for 3 CPU. It begins when "
    )
    assert "add_node" in told
    both = stalls.explain(waits, status(actor("Holder", CPU=20_000)))
    assert "2 tasks for 2 gadget. It begins" in both
    assert "What has not begun waits for resources: 1 task for 1 CPU. Living actors" in both


def test_many_are_counted() -> None:
    holders = [actor(f"H{number}", CPU=2_500) for number in range(8)]
    told = stalls.explain(
        [(2, {"CPU": 10_000}), (1, {"gadget": 10_000})],
        status(
            *holders, actor("G", gadget=5_000), actor("P", "pending", CPU=1), actor("P", "pending", CPU=1)
        ),
    )
    assert "2 tasks for 1 CPU; 1 task for 1 gadget; 2 actors P for 0.0001 CPU." in told
    assert "H0 (pid 7, 0.25 CPU), " in told
    assert "H4 (pid 7, 0.25 CPU), 4 more. " in told


def test_what_was_ended_for_want_of_memory_is_told(start_cluster: Callable[..., Cluster]) -> None:
    core = start_cluster(num_cpus=1).core
    holder = Holder.remote()
    gnomon.get(holder.hold.remote(), timeout=20)
    ref = one.remote()
    wait_until(lambda: bool(core.role.tasks.records), "it is submitted")
    backoff = core.role.tasks.backoff
    backoff.waiting[task_of(ref._id)] = core.role.now + 600
    try:
        told = stalls.why_waiting(core)
    finally:
        backoff.waiting.clear()
    assert told.startswith(
        "Ended since their node ran out of memory, and to be tried again after a while: 1 task of one. "
    )
    gnomon.kill(holder)
    assert gnomon.get(ref, timeout=20) == 1
