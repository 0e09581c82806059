"""Clusters of several nodes, in real processes: where work goes, and what a dead node takes with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_tools import expect_gone, kill_process, marked, start_time, wait_until

import gnomon
from gnomon import observe
from gnomon._api import waiting
from gnomon.cluster_utils import Cluster, ClusterNode
from gnomon.exceptions import ActorDiedError, ClusterNotFoundError, GetTimeoutError, WorkerCrashedError


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Two nodes of 2 CPUs; the second has two of what the first has not. Nothing of them may be left."""
    one = Cluster(initialize_head=True, head_node_args={"num_cpus": 2})
    session, directory = _facts(one)
    try:
        one.add_node(num_cpus=2, resources={"special": 2})
        gnomon.init(address=one.address, log_to_driver=False)
        yield one
    finally:
        gnomon.shutdown()
        one.shutdown()
        expect_gone(session, directory)


def _facts(one: Cluster) -> tuple[str, str]:
    assert one.head_node is not None
    return one.head_node.config.session, one.address


@gnomon.remote
def where() -> str:
    return gnomon.get_runtime_context().get_node_id()


@gnomon.remote
def hold(path: str) -> str:
    """Run until ``path`` is there; note that it began."""
    Path(f"{path}.{os.getpid()}").touch()
    while not os.path.exists(path):
        time.sleep(0.005)
    return gnomon.get_runtime_context().get_node_id()


def began(path: Path) -> int:
    return len(list(path.parent.glob(path.name + ".*")))


def special(cluster: Cluster) -> ClusterNode:
    (node,) = cluster.worker_nodes
    return node


def test_nodes_and_what_they_have(cluster: Cluster) -> None:
    listed = {node["NodeID"]: node for node in gnomon.nodes()}
    assert set(listed) == {node.node_id for node in cluster.list_all_nodes()}
    assert listed[special(cluster).node_id]["Resources"]["special"] == 2
    assert gnomon.cluster_resources()["CPU"] == 4
    assert gnomon.available_resources()["special"] == 2
    assert gnomon.cluster_resources()["object_store_memory"] == 2 * 150 * 2**20


def test_a_task_runs_where_its_resource_is(cluster: Cluster) -> None:
    there = where.options(resources={"special": 1})
    assert set(gnomon.get([there.remote() for _ in range(4)])) == {special(cluster).node_id}


def test_what_no_node_has_waits_for_one_that_has(cluster: Cluster) -> None:
    ref = where.options(resources={"special": 3}).remote()
    with pytest.raises(
        GetTimeoutError, match=r"No living node has what this asks for: 1 task for 1 CPU, 3 special"
    ):
        gnomon.get(ref, timeout=waiting.TIMEOUT_LOOK_S)
    node = cluster.add_node(resources={"special": 3})
    assert gnomon.get(ref, timeout=30) == node.node_id


def test_what_was_on_the_only_node_with_a_resource_waits_for_another(cluster: Cluster) -> None:
    first = special(cluster)
    asked = {"special": 1}
    actor = Counting.options(resources=asked, max_restarts=1, max_task_retries=1).remote()
    assert gnomon.get(actor.place.remote(), timeout=30)[0] == first.node_id
    large = gnomon.remote(lambda: b"x" * 1_000_000).options(resources=asked).remote()
    gnomon.wait([large], timeout=30, fetch_local=False)
    cluster.remove_node(first, allow_graceful=False)
    refs = [large, actor.place.remote()]
    assert gnomon.wait(refs, num_returns=1, timeout=0.3) == ([], refs)
    node = cluster.add_node(num_cpus=2, resources={"special": 2})
    value, place = gnomon.get(refs, timeout=60)
    assert (len(value), place[0]) == (1_000_000, node.node_id)


def test_work_goes_to_the_other_node_when_this_one_is_busy(cluster: Cluster, tmp_path: Path) -> None:
    go = tmp_path / "go"
    refs = [hold.remote(str(go)) for _ in range(4)]
    wait_until(lambda: began(go) == 4, "four tasks run at a time")
    assert gnomon.available_resources().get("CPU", 0) == 0
    go.touch()
    assert Counter(gnomon.get(refs)) == {node.node_id: 2 for node in cluster.list_all_nodes()}
    wait_until(lambda: gnomon.available_resources().get("CPU") == 4, "all is returned")


def test_spread(cluster: Cluster, tmp_path: Path) -> None:
    go = tmp_path / "go"
    refs = [hold.options(scheduling_strategy="SPREAD").remote(str(go)) for _ in range(2)]
    wait_until(lambda: began(go) == 2, "both run")
    go.touch()
    assert len(set(gnomon.get(refs))) == 2


def test_tasks_submit_tasks_across_nodes(cluster: Cluster) -> None:
    @gnomon.remote
    def nested(depth: int) -> list[str]:
        here = gnomon.get_runtime_context().get_node_id()
        if not depth:
            return [here]
        asked = {"special": 0.5} if depth % 2 else {}
        return [here, *gnomon.get(nested.options(resources=asked).remote(depth - 1))]

    path = gnomon.get(nested.remote(5), timeout=60)
    assert path[1::2] == [special(cluster).node_id] * 3
    assert len(path) == 6


def test_references_travel_between_nodes(cluster: Cluster) -> None:
    @gnomon.remote(resources={"special": 1})
    def make() -> list[gnomon.ObjectRef[int]]:
        return [gnomon.put(number) for number in range(3)]

    @gnomon.remote
    def total(refs: list[gnomon.ObjectRef[int]]) -> int:
        return sum(gnomon.get(refs))

    refs = gnomon.get(make.remote())
    assert gnomon.get(total.remote(refs)) == 3
    assert gnomon.get(total.options(resources={"special": 1}).remote(refs)) == 3


@gnomon.remote
class Counting:
    def __init__(self) -> None:
        self.count = 0

    def add(self) -> int:
        self.count += 1
        return self.count

    def place(self) -> tuple[str, int]:
        return gnomon.get_runtime_context().get_node_id(), os.getpid()


def test_an_actor_lives_on_the_node_that_has_its_resource_and_is_called_from_both(cluster: Cluster) -> None:
    actor = Counting.options(resources={"special": 1}, name="there").remote()
    assert gnomon.get(actor.place.remote())[0] == special(cluster).node_id

    @gnomon.remote
    def call() -> int:
        return gnomon.get(gnomon.get_actor("there").add.remote())

    gnomon.get([call.remote(), call.options(resources={"special": 1}).remote()])
    assert gnomon.get(actor.add.remote()) == 3


def test_a_dead_node_costs_a_retry_and_no_more(cluster: Cluster, tmp_path: Path) -> None:
    go = tmp_path / "go"
    node = cluster.add_node(num_cpus=8)
    refs = [hold.options(num_cpus=2).remote(str(go)) for _ in range(5)]
    wait_until(lambda: began(go) >= 5, "all run")
    cluster.remove_node(node, allow_graceful=False)
    go.touch()
    assert node.node_id not in gnomon.get(refs, timeout=60)
    listed = {each["NodeID"]: each["Alive"] for each in gnomon.nodes()}
    assert listed[node.node_id] is False
    assert gnomon.cluster_resources()["CPU"] == 4
    wait_until(lambda: gnomon.available_resources().get("CPU") == 4, "all is returned")


def test_a_node_killed_by_itself_takes_its_workers_with_it(cluster: Cluster, tmp_path: Path) -> None:
    node = special(cluster)
    once = hold.options(resources={"special": 1}, max_retries=0).remote(str(tmp_path / "never"))
    wait_until(lambda: began(tmp_path / "never") == 1, "it runs")
    session, _ = _facts(cluster)
    theirs = {pid: start_time(pid) for pid in marked(session) if _is_on(pid, node)}
    assert len(theirs) >= 3
    kill_process(node.pid)
    with pytest.raises(WorkerCrashedError, match="node that died"):
        gnomon.get(once, timeout=10)
    wait_until(
        lambda: all(start_time(pid) != began for pid, began in theirs.items()), "its processes are gone"
    )
    assert gnomon.get(where.remote()) != node.node_id
    tag = node.config.node_process[:3].hex()
    assert not [name for name in os.listdir(cluster.address) if name.startswith(tag)], "nor its sockets"


def _is_on(pid: int, node: ClusterNode) -> bool:
    try:
        return f"GNOMON_NODE={node.node_id}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def test_actors_of_a_dead_node_restart_elsewhere_or_die(cluster: Cluster) -> None:
    old = special(cluster)
    node = cluster.add_node(num_cpus=4, resources={"special": 5})
    asked = {"special": 1.5}
    lasting = Counting.options(resources=asked, max_restarts=1, max_task_retries=2).remote()
    first = gnomon.get(lasting.place.remote())[0]
    other, victim = (old, node) if first == node.node_id else (node, old)
    mortal = Counting.options(resources={"special": 0.1}).remote()
    on_victim = gnomon.get(mortal.place.remote())[0] == victim.node_id
    kill_process(victim.pid)
    # until its zygote has noticed, the actor may still answer
    wait_until(
        lambda: victim.node_id in {each["NodeID"] for each in gnomon.nodes() if not each["Alive"]}, "dead"
    )
    assert gnomon.get(lasting.place.remote(), timeout=30)[0] == other.node_id
    if on_victim:
        with pytest.raises(ActorDiedError, match="node"):
            gnomon.get(mortal.add.remote(), timeout=30)
    else:
        assert gnomon.get(mortal.add.remote()) == 1


def test_a_node_that_leaves_finishes_what_runs_there(cluster: Cluster, tmp_path: Path) -> None:
    node = special(cluster)
    go = tmp_path / "go"
    ref = hold.options(resources={"special": 1}, max_retries=0).remote(str(go))
    wait_until(lambda: began(go) == 1, "it runs")
    os.kill(node.pid, signal.SIGTERM)
    wait_until(_leaving, "the node takes nothing more")
    go.touch()
    assert gnomon.get(ref, timeout=30) == node.node_id
    cluster.remove_node(node)
    assert gnomon.get([where.remote() for _ in range(4)]) == [cluster.list_all_nodes()[0].node_id] * 4


def _leaving() -> bool:
    """Nothing new is given out there: a task that only it could run waits for another node."""
    ref = where.options(resources={"special": 1}).remote()
    try:
        gnomon.get(ref, timeout=waiting.TIMEOUT_LOOK_S)
    except GetTimeoutError:
        gnomon.cancel(ref)
        return True
    return False


def test_nodes_come_and_go_while_others_work(cluster: Cluster) -> None:
    @gnomon.remote(max_retries=-1)
    def square(number: int) -> int:
        time.sleep(0.002)
        return number * number

    refs = [square.remote(number) for number in range(1_000)]
    for graceful in (False, True):
        node = cluster.add_node(num_cpus=2)
        wait_until(lambda: len(gnomon.nodes()) >= 3, "it is listed")
        cluster.remove_node(node, allow_graceful=graceful)
    assert gnomon.get(refs, timeout=60) == [number * number for number in range(1_000)]


def test_the_session_ends_with_its_first_node_and_says_so(cluster: Cluster) -> None:
    session, _ = _facts(cluster)
    assert cluster.head_node is not None
    waiting = hold.remote("/nowhere/go")
    kill_process(cluster.head_node.pid)
    with pytest.raises(gnomon.exceptions.NotInitializedError, match="cluster has ended"):
        gnomon.get(waiting, timeout=30)
    wait_until(lambda: not marked(session), "everything is gone")
    with pytest.raises(ClusterNotFoundError):
        cluster.add_node()


def test_mistakes() -> None:
    with pytest.raises(ValueError, match="initialize_head"):
        Cluster(connect=True)
    empty = Cluster()
    with pytest.raises(ClusterNotFoundError, match="add_node"):
        _ = empty.address
    with pytest.raises(TypeError, match="num_cpu,"[:-1]):
        empty.add_node(num_cpu=3)
    with pytest.raises((TypeError, ValueError), match="num_cpus"):
        empty.add_node(num_cpus=-1)
    empty.shutdown()


def test_the_cluster_dies_with_its_process() -> None:
    """Promise 7: kill -9 of the process that has made it."""
    code = (
        "from gnomon.cluster_utils import Cluster\n"
        "cluster = Cluster(initialize_head=True)\n"
        "cluster.add_node()\n"
        "print(cluster.head_node.config.session, cluster.address, flush=True)\n"
        "import time\n"
        "time.sleep(600)\n"
    )
    with tempfile.TemporaryDirectory(prefix="gn-") as folder:
        environment = {**os.environ, "TMPDIR": folder, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment
        )
        assert process.stdout is not None
        session, directory = process.stdout.readline().split()
        assert len(marked(session)) >= 5
        kill_process(process.pid)
        process.communicate()
        expect_gone(session, directory)


def test_a_node_that_hangs_is_taken_for_dead(cluster: Cluster) -> None:
    node = special(cluster)
    ref = where.options(resources={"special": 1}).remote()
    assert gnomon.get(ref) == node.node_id
    os.kill(node.pid, signal.SIGSTOP)
    # asking for nodes() would wait for its answer
    wait_until(lambda: node.process.poll() is not None, "head has killed it")
    assert gnomon.get(where.remote()) != node.node_id
    assert [each["Alive"] for each in gnomon.nodes() if each["NodeID"] == node.node_id] == [False]


def test_a_node_has_one_id(cluster: Cluster) -> None:
    node = special(cluster)
    large = gnomon.remote(lambda: b"x" * 1_000_000).options(resources={"special": 1}, max_retries=0).remote()
    gnomon.wait([large], timeout=30, fetch_local=False)
    row = next(row for row in observe.memory().rows if row.object_id == large.hex())
    assert row.nodes == (node.node_id,)
    cluster.remove_node(node, allow_graceful=False)
    with pytest.raises(gnomon.exceptions.ObjectLostError, match=f"on {node.name},"):
        gnomon.get(large, timeout=30)


def test_what_is_available_of_a_store_is_never_negative(cluster: Cluster) -> None:
    share = gnomon.cluster_resources()["object_store_memory"] / 2
    held = [gnomon.put(b"x" * int(share // 4)) for _ in range(5)]
    assert gnomon.available_resources()["object_store_memory"] >= 0
    assert len(held) == 5
