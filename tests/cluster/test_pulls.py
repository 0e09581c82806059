"""Large values between nodes, in real processes."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from cluster_tools import expect_gone, wait_until

import gnomon
from gnomon._api import session
from gnomon._messages.cluster import NodeReport
from gnomon.cluster_utils import Cluster, ClusterNode
from gnomon.exceptions import ObjectLostError

STORE_BYTES = 400 * 2**20


class Nodes:
    """A cluster of three nodes; ``b`` and ``c`` have resources of these names."""

    def __init__(self) -> None:
        self.cluster = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 2, "object_store_memory": STORE_BYTES}
        )
        head = self.cluster.head_node
        assert head is not None
        self.session, self.directory = head.config.session, self.cluster.address
        self.b = self.add("b")
        self.c = self.add("c")
        gnomon.init(address=self.cluster.address, log_to_driver=False)
        engine: Any = session.engine()
        self.core = engine.core
        self.reports = engine.view.reports
        self.empty = {report.process: report.store_used for report in self.reports()}

    def add(self, name: str) -> ClusterNode:
        return self.cluster.add_node(
            num_cpus=2, resources={name: 20}, object_store_memory=STORE_BYTES, wait=True
        )

    def used(self) -> list[int]:
        """Bytes of objects on each node; one that has come later was as empty as the first."""
        first = next(iter(self.empty.values()))
        reports: list[NodeReport] = [report for report in self.reports() if report.alive]
        return sorted(report.store_used - self.empty.get(report.process, first) for report in reports)

    def expect_empty(self) -> None:
        """All copies of all values are freed soon."""
        wait_until(lambda: not any(self.used()), "no node holds a value")

    def is_here(self, ref: gnomon.ObjectRef[Any]) -> bool:
        """Whether a value lies on this process's node, as far as it knows."""
        return bool(self.core.values[ref._id].node == self.core.config.node_process)

    def copies_of(self, ref: gnomon.ObjectRef[Any]) -> int:
        """On how many nodes a value of this process lies, as far as it knows."""
        return len(self.core.role.references.copies_of(ref._id))


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    three = Nodes()
    try:
        yield three
        three.expect_empty()
    finally:
        gnomon.shutdown()
        three.cluster.shutdown()
        expect_gone(three.session, three.directory)


@gnomon.remote
def total(values: np.ndarray[Any, Any]) -> int:
    return int(values.sum())


@gnomon.remote
def numbers(count: int, first: int = 0) -> np.ndarray[Any, Any]:
    return np.arange(first, first + count)


@gnomon.remote
def plus_one(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values + 1


def test_arguments_and_results_travel(nodes: Nodes) -> None:
    values = np.arange(5_000_000)
    ref = gnomon.put(values)
    assert gnomon.get(total.options(resources={"b": 1}).remote(ref)) == values.sum()
    assert gnomon.get(total.options(resources={"b": 1}).remote(values)) == values.sum()
    result = numbers.options(resources={"c": 1}).remote(5_000_000, 3)
    assert gnomon.wait([result]) == ([result], [])
    got = gnomon.get(result)
    assert (got == values + 3).all()
    assert not got.flags.writeable
    wait_until(lambda: nodes.copies_of(result) == 2, "its owner knows of both copies")


def test_a_hundred_megabytes_for_twenty_readers_travel_once_to_each_node(nodes: Nodes) -> None:
    values = np.arange(100 * 2**17)
    ref = gnomon.put(values)
    readers = [total.options(resources={name: 1}).remote(ref) for name in "bc" * 10]
    assert set(gnomon.get(readers)) == {values.sum()}
    wait_until(lambda: nodes.copies_of(ref) == 3, "every node has told of its copy")
    assert all(values.nbytes <= used < 1.1 * values.nbytes for used in nodes.used())


def test_a_chain_through_the_nodes(nodes: Nodes) -> None:
    ref = numbers.options(resources={"b": 1}).remote(2_000_000)
    for name in "cbcb":
        ref = plus_one.options(resources={name: 1}).remote(ref)
    assert (gnomon.get(ref) == np.arange(2_000_000) + 4).all()


def test_many_values_at_once(nodes: Nodes) -> None:
    refs = [numbers.options(resources={"bc"[n % 2]: 1}).remote(100_000, n) for n in range(40)]
    for first, value in enumerate(gnomon.get(refs)):
        assert value[0] == first
        assert value.size == 100_000


def test_awaited_values_and_those_of_actors(nodes: Nodes) -> None:
    @gnomon.remote
    class Keeper:
        def __init__(self, values: np.ndarray[Any, Any]) -> None:
            self.values = values

        async def doubled(self, other: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            return self.values + other

    values = np.arange(1_000_000)
    keeper = Keeper.options(resources={"b": 1}).remote(gnomon.put(values))

    async def main() -> Any:
        return await keeper.doubled.remote(values)

    assert (asyncio.run(main()) == 2 * values).all()
    assert (keeper.doubled.remote(values).future().result(30) == 2 * values).all()


def test_a_detached_actor_gets_copies_of_arguments_that_lie_elsewhere(nodes: Nodes) -> None:
    class Keeper:
        def __init__(self, values: np.ndarray[Any, Any]) -> None:
            self.total = int(values.sum())

        def get(self) -> int:
            return self.total

    values = numbers.options(resources={"b": 1}).remote(1_000_000)
    keeper = gnomon.remote(Keeper).options(lifetime="detached", name="keeper").remote(values)
    assert gnomon.get(keeper.get.remote()) == np.arange(1_000_000).sum()
    gnomon.kill(keeper)


def test_a_value_that_is_lent_on_between_other_nodes(nodes: Nodes) -> None:
    """Made on one node for a task of another, which hands the reference to a third."""

    @gnomon.remote
    def middle(box: list[gnomon.ObjectRef[Any]]) -> int:
        return gnomon.get(total.options(resources={"c": 1}).remote(box[0])) + int(gnomon.get(box[0])[0])

    ref = numbers.remote(1_000_000, 7)
    expected = (np.arange(1_000_000) + 7).sum() + 7
    assert gnomon.get(middle.options(resources={"b": 1}).remote([ref])) == expected


def test_the_only_copy_dies_with_its_node(nodes: Nodes) -> None:
    ref = gnomon.remote(max_retries=0)(numbers._function).options(resources={"b": 1}).remote(1_000_000)
    gnomon.wait([ref], fetch_local=False)
    assert nodes.copies_of(ref) == 1
    nodes.cluster.remove_node(nodes.b, allow_graceful=False)
    with pytest.raises(ObjectLostError):
        gnomon.get(ref, timeout=30)


def test_another_copy_serves_when_the_source_is_gone(nodes: Nodes) -> None:
    ref = numbers.options(resources={"b": 1}).remote(3_000_000)
    reader = total.options(resources={"c": 1})
    assert gnomon.get(reader.remote(ref)) == np.arange(3_000_000).sum()
    wait_until(lambda: nodes.copies_of(ref) == 2, "the copy on c is known")
    nodes.cluster.remove_node(nodes.b, allow_graceful=False)
    assert gnomon.get(ref)[-1] == 2_999_999
    assert gnomon.get(reader.remote(ref)) == np.arange(3_000_000).sum()


def test_the_source_is_killed_while_it_sends(nodes: Nodes) -> None:
    """It has come by then, or is made again where there is the resource that it asks for; the room is given back."""
    ref = numbers.options(resources={"b": 1}).remote(100 * 2**17)
    gnomon.wait([ref], fetch_local=False)
    future = ref.future()
    wait_until(lambda: nodes.used()[1] > 0 or future.done(), "room is made for it here")
    nodes.cluster.remove_node(nodes.b, allow_graceful=False)
    wait_until(lambda: len([report for report in nodes.reports() if report.alive]) == 2, "the death is known")
    nodes.add("b")
    assert len(future.result(60)) == 100 * 2**17


# -- wait ---------------------------------------------------------------------------------------------------------


@contextmanager
def standing_still(node: ClusterNode) -> Iterator[None]:
    """A node that sends nothing for a moment."""
    os.kill(node.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(node.pid, signal.SIGCONT)


def test_a_value_is_ready_when_it_is_here(nodes: Nodes) -> None:
    far = numbers.options(resources={"b": 1}).remote(3_000_000)
    assert gnomon.wait([far], fetch_local=False) == ([far], [])
    assert not nodes.is_here(far)
    with standing_still(nodes.b):
        assert gnomon.wait([far], timeout=0, fetch_local=False) == ([far], [])
        assert gnomon.wait([far], timeout=0) == ([], [far])
        assert gnomon.wait([far], timeout=0.1) == ([], [far])
        near = gnomon.put(1)
        assert gnomon.wait([far, near]) == ([near], [far])
        late = numbers.remote(10)
        assert gnomon.wait([far, late, near], num_returns=2) == ([late, near], [far])
    assert gnomon.wait([near, far], num_returns=2) == ([near, far], [])
    assert nodes.is_here(far)


def test_a_task_that_waits_has_what_it_reads(nodes: Nodes) -> None:
    @gnomon.remote
    def waiter(box: list[gnomon.ObjectRef[Any]]) -> tuple[int, int]:
        ready, others = gnomon.wait(box, num_returns=2, timeout=30)
        assert not others
        return tuple(int(gnomon.get(ref)[-1]) for ref in ready)  # type: ignore[return-value]

    refs = [numbers.options(resources={name: 1}).remote(1_000_000, n) for n, name in enumerate("bc")]
    assert gnomon.get(waiter.remote(refs)) == (999_999, 1_000_000)


def test_what_can_not_be_brought_is_ready_too(nodes: Nodes) -> None:
    """Reading it raises; waiting does not take for ever."""
    ref = gnomon.remote(max_retries=0)(numbers._function).options(resources={"b": 1}).remote(1_000_000)
    gnomon.wait([ref], fetch_local=False)
    nodes.cluster.remove_node(nodes.b, allow_graceful=False)
    assert gnomon.wait([ref], timeout=30) == ([ref], [])
    with pytest.raises(ObjectLostError):
        gnomon.get(ref, timeout=30)
