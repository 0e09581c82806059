"""The store of a session: more goes through it than fits, and when it is full the error says who holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cluster_tools import Cluster, forget_exceptions, wait_until

import gnomon
from gnomon._engine import full_store, local_memory
from gnomon.exceptions import ObjectStoreFullError
from gnomon.observe import hooks

MIB = 2**20


@gnomon.remote
def produce(number: int) -> bytes:
    return number.to_bytes(4, "big") * MIB


@gnomon.remote
def first(data: bytes) -> int:
    return int.from_bytes(data[:4], "big")


def test_hundreds_of_large_puts_through_a_small_store(cluster: Cluster) -> None:
    for number in range(300):
        ref = gnomon.put(number.to_bytes(4, "big") * MIB)
        assert gnomon.get(ref)[:4] == number.to_bytes(4, "big")


def test_large_results_pass_through_a_small_store(cluster: Cluster) -> None:
    for number in range(100):
        assert gnomon.get(first.remote(produce.remote(number)), timeout=30) == number
    wait_until(lambda: cluster.store_used() == 0, "the store is empty", 5.0)


def test_values_in_use_fill_the_store_and_others_go_to_disk_at_once(cluster: Cluster) -> None:
    held = [gnomon.put(np.full(10 * MIB, number, np.uint8)) for number in range(6)]
    views = gnomon.get(held)  # what somebody looks at is not spilled
    others = [gnomon.put(np.full(10 * MIB, number, np.uint8)) for number in range(6, 9)]
    others += [big_result.remote(number) for number in range(9, 12)]
    sums = [total.remote(each) for each in others]
    for number, each in enumerate([*views, *gnomon.get(others)]):
        assert (len(each), each[0], each[-1]) == (10 * MIB, number, number)
    assert gnomon.get(sums) == [10 * MIB * number for number in range(6, 12)]
    del views, held, each
    forget_exceptions()
    assert gnomon.get(gnomon.put(np.full(50 * MIB, 7, np.uint8))).sum() == 7 * 50 * MIB
    del others, sums
    cluster.expect_nothing_held()


@gnomon.remote
def big_result(number: int) -> Any:
    return np.full(10 * MIB, number, np.uint8)


@gnomon.remote
def total(value: Any) -> int:
    return int(value.sum())


def test_as_large_as_a_store_that_is_in_use(cluster: Cluster) -> None:
    views = gnomon.get([gnomon.put(np.full(20 * MIB, number, np.uint8)) for number in range(3)])
    large = [gnomon.get(gnomon.put(np.full(64 * MIB, 7 + number, np.uint8))) for number in range(2)]
    assert [each.sum() for each in large] == [7 * 64 * MIB, 8 * 64 * MIB]
    assert [each[-1] for each in views] == [0, 1, 2]


def test_a_store_that_fills_up_is_noted_once_with_its_largest_holders(
    start_cluster: Callable[..., Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full_store, "TIMEOUT_S", 60.0)  # the machine may be slow
    monkeypatch.setattr(local_memory, "SEARCH_MAX_S", 20.0)
    shown: list[hooks.OutputLines] = []
    hooks.set_output_sink(shown.append)
    try:
        start_cluster()
        prices = [gnomon.put(np.zeros(12 * MIB, np.uint8)) for _ in range(4)]
        weights = gnomon.put(np.zeros(9 * MIB, np.uint8))
        wait_until(lambda: bool(shown), "a note", 60.0)
        more = [gnomon.put(np.zeros(12 * MIB, np.uint8)) for _ in range(8)]
        assert gnomon.get(more[0])[0] == 0
        del prices, weights, more
    finally:
        hooks.set_output_sink(None)
    (note,) = shown
    assert "% full" in note.text
    assert "prices" in note.text


def test_as_large_as_the_store(cluster: Cluster) -> None:
    held = [gnomon.put(np.full(20 * MIB, number, np.uint8)) for number in range(3)]
    assert gnomon.get(gnomon.put(np.full(64 * MIB, 7, np.uint8))).sum() == 7 * 64 * MIB
    assert [each[-1] for each in gnomon.get(held)] == [0, 1, 2]


def test_larger_than_the_store(cluster: Cluster) -> None:
    with pytest.raises(ObjectStoreFullError):
        gnomon.put(bytes(100 * MIB))
    with pytest.raises(ObjectStoreFullError):
        first.remote(bytes(100 * MIB))
    assert gnomon.get(first.remote(bytes(4))) == 0


def test_a_put_waits_for_room(cluster: Cluster) -> None:
    """The store is full, and about to be freed: a put waits instead of failing."""

    @gnomon.remote(num_cpus=0)
    class Holder:
        def take(self, box: Any) -> None:
            self.box = box

        def drop(self) -> None:
            self.box = None

    holder = Holder.remote()
    gnomon.get(holder.take.remote([gnomon.put(bytes(40 * MIB))]))
    dropped = holder.drop.remote()
    assert len(gnomon.get(gnomon.put(bytes(40 * MIB)))) == 40 * MIB
    gnomon.get(dropped)


@pytest.mark.slow
def test_thousands_of_large_objects_between_tasks(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster(object_store_memory=200 * MIB)
    for begin in range(0, 2_000, 20):
        numbers = range(begin, begin + 20)
        assert gnomon.get([first.remote(produce.remote(number)) for number in numbers]) == list(numbers)
    wait_until(lambda: cluster.store_used() == 0, "the store is empty", 5.0)
