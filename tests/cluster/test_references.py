"""References between real processes: nothing is freed while somebody can reach it, everything is when nobody
can."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from cluster_tools import Cluster, kill_process, wait_until

import gnomon
from gnomon.exceptions import ActorDiedError, OwnerDiedError
from gnomon.testing.storms.striker import Striker

numpy = pytest.importorskip("numpy")

LARGE = 300_000
"""Bytes: more than travels inside messages, so the value lies in the store."""


@gnomon.remote
def large(fill: int) -> bytes:
    return bytes([fill]) * LARGE


@gnomon.remote
def read(box: Any) -> Any:
    """The first byte (or item) of whatever is inside, however deep."""
    while True:
        if isinstance(box, gnomon.ObjectRef):
            box = gnomon.get(box)
        elif isinstance(box, list | tuple):
            box = box[0]
        elif isinstance(box, dict):
            box = next(iter(box.values()))
        else:
            return box[0] if isinstance(box, bytes) else box


@gnomon.remote
def make_inside(fill: int) -> list[gnomon.ObjectRef[bytes]]:
    """A value of this worker's own, and a task of its own, handed out inside a result."""
    return [gnomon.put(bytes([fill]) * LARGE), large.remote(fill)]


@gnomon.remote(num_cpus=0)
class Keeper:
    def __init__(self, box: Any = None) -> None:
        self.box = box

    def keep(self, box: Any) -> None:
        self.box = box

    def give(self) -> Any:
        return self.box

    def look(self) -> Any:
        return gnomon.get(read.remote(self.box))

    def own(self, fill: int) -> Any:
        self.box = [gnomon.put(bytes([fill]) * LARGE)]
        return self.box

    def drop(self) -> None:
        self.box = None

    def pid(self) -> int:
        return os.getpid()


def store_is_empty(cluster: Cluster) -> None:
    wait_until(lambda: cluster.store_used() == 0, "the store is empty", 5.0)


def test_references_nested_in_arguments(cluster: Cluster) -> None:
    assert gnomon.get(read.remote([large.remote(1)])) == 1
    assert gnomon.get(read.remote({"a": ({"b": [gnomon.put(bytes([2]) * LARGE)]},)})) == 2
    assert gnomon.get(read.remote([gnomon.put([gnomon.put([large.remote(3)])])])) == 3
    store_is_empty(cluster)


def test_references_nested_in_results_outlive_their_makers_interest(cluster: Cluster) -> None:
    boxes = gnomon.get([make_inside.remote(fill) for fill in range(10)])
    for fill, box in enumerate(boxes):
        assert [value[0] for value in gnomon.get(box)] == [fill, fill]
        assert gnomon.get(read.remote(box)) == fill
    assert cluster.store_used() >= 20 * LARGE
    del box, boxes
    store_is_empty(cluster)


def test_an_outer_result_alone_keeps_the_inner(cluster: Cluster) -> None:
    outer = make_inside.remote(7)
    gnomon.wait([outer])
    again = [read.remote([outer]) for _ in range(5)]
    assert gnomon.get(again) == [7] * 5
    assert gnomon.get(gnomon.get(outer)[1])[0] == 7
    del outer
    store_is_empty(cluster)


def test_a_result_that_nobody_looks_at_frees_what_is_inside(cluster: Cluster) -> None:
    gnomon.wait([make_inside.remote(fill) for fill in range(20)], num_returns=20)
    store_is_empty(cluster)


def test_references_in_a_closure(cluster: Cluster) -> None:
    one, two = gnomon.put(bytes([5]) * LARGE), large.remote(6)

    @gnomon.remote
    def closed() -> list[int]:
        return [value[0] for value in gnomon.get([one, two])]

    assert gnomon.get([closed.remote() for _ in range(10)]) == [[5, 6]] * 10


def test_references_in_actor_state(cluster: Cluster) -> None:
    keeper = Keeper.remote()
    gnomon.get(keeper.keep.remote([gnomon.put(bytes([8]) * LARGE)]))
    assert gnomon.get(keeper.look.remote()) == 8
    gnomon.get(keeper.keep.remote([large.remote(9)]))
    assert gnomon.get(keeper.look.remote()) == 9
    wait_until(lambda: cluster.store_used() <= LARGE + 2 * 4096, "the first value is freed", 5.0)
    handed = gnomon.get(keeper.give.remote())
    gnomon.get(keeper.drop.remote())
    assert gnomon.get(handed[0])[0] == 9
    del handed
    store_is_empty(cluster)


def test_the_borrower_outlives_the_lender(cluster: Cluster) -> None:
    """Driver -> task -> actor: the task is over, the driver lets go, the actor still reads."""
    keeper = Keeper.remote()

    @gnomon.remote
    def lend(box: Any, to: Any) -> None:
        gnomon.get(to.keep.remote(box))

    gnomon.get(lend.remote([gnomon.put(bytes([4]) * LARGE)], keeper))
    assert gnomon.get(keeper.look.remote()) == 4
    gnomon.get(keeper.drop.remote())
    store_is_empty(cluster)


def test_hand_offs_through_five_hops(cluster: Cluster) -> None:
    keepers = [Keeper.remote() for _ in range(5)]
    box = [gnomon.put(bytes([3]) * LARGE), make_inside.remote(2)]
    for keeper in keepers:
        gnomon.get(keeper.keep.remote(box))
        box = gnomon.get(keeper.give.remote())
    del box
    for keeper in keepers[:4]:
        gnomon.get(keeper.drop.remote())
    assert gnomon.get(keepers[4].look.remote()) == 3
    inner = gnomon.get(keepers[4].give.remote())[1]
    gnomon.kill(keepers[4])
    assert gnomon.get(gnomon.get(inner)[0])[0] == 2
    del inner
    store_is_empty(cluster)


def test_many_hand_offs_at_once(cluster: Cluster) -> None:
    @gnomon.remote
    def pass_on(box: list[Any], hops: int) -> Any:
        return box if hops == 0 else [pass_on.remote(box, hops - 1)]

    def unwrap(value: Any) -> Any:
        while isinstance(value, list):
            value = value[0]
            if isinstance(value, gnomon.ObjectRef):
                value = gnomon.get(value)
        return value

    refs = [pass_on.remote([gnomon.put(number)], 5) for number in range(60)]
    assert [unwrap([ref]) for ref in refs] == list(range(60))


def test_the_death_of_a_borrower_frees(cluster: Cluster) -> None:
    keeper = Keeper.remote()
    gnomon.get(keeper.keep.remote([gnomon.put(bytes([1]) * LARGE)]))
    assert cluster.store_used() > 0
    gnomon.kill(keeper)
    store_is_empty(cluster)


def test_the_death_of_the_owner_is_told_promptly(cluster: Cluster) -> None:
    owner = Keeper.remote()
    pid = gnomon.get(owner.pid.remote())
    ref = gnomon.get(owner.own.remote(5))[0]
    other = Keeper.remote()
    gnomon.get(other.keep.remote([ref]))
    assert gnomon.get(ref)[0] == 5
    assert kill_process(pid)
    with pytest.raises(OwnerDiedError):
        wait_until(lambda: not gnomon.get(other.look.remote(), timeout=5.0), "the death is known", 5.0)
    assert gnomon.get(ref)[0] == 5, "what this process knows it keeps"
    del ref
    gnomon.get(other.drop.remote())
    store_is_empty(cluster)


def test_a_view_outlives_the_owner_of_its_block(cluster: Cluster) -> None:
    @gnomon.remote(num_cpus=0)
    class Owner:
        def make(self) -> list[Any]:
            return [gnomon.put(numpy.full(100_000, 7))]

        def pid(self) -> int:
            return os.getpid()

    owner = Owner.remote()
    pid = gnomon.get(owner.pid.remote())
    ref = gnomon.get(owner.make.remote())[0]
    array = gnomon.get(ref)
    del ref
    assert kill_process(pid)
    with pytest.raises(ActorDiedError):
        gnomon.get(owner.pid.remote(), timeout=10)
    others = [gnomon.put(numpy.zeros(100_000)) for _ in range(30)]
    assert (array == 7).all()
    del array, others
    store_is_empty(cluster)


def test_waiting_for_a_dead_owner_ends(cluster: Cluster) -> None:
    """The owner dies before the value exists: everybody who waits is told."""

    @gnomon.remote(num_cpus=0)
    class Slow:
        def start(self) -> list[Any]:
            return [sleep.remote()]

        def pid(self) -> int:
            return os.getpid()

    @gnomon.remote
    def sleep() -> None:
        threading.Event().wait(600)

    slow = Slow.remote()
    pid = gnomon.get(slow.pid.remote())
    ref = gnomon.get(slow.start.remote())[0]
    dependents = [read.remote(ref), read.remote([ref])]
    assert kill_process(pid)
    for each in (ref, *dependents):
        with pytest.raises(OwnerDiedError):
            gnomon.get(each, timeout=10)


def test_a_view_keeps_its_block(cluster: Cluster) -> None:
    ref = gnomon.put(numpy.arange(100_000))
    array = gnomon.get(ref)
    part = array[10:20]
    del ref, array
    others = [gnomon.put(numpy.zeros(100_000)) for _ in range(20)]
    assert cluster.store_used() >= 21 * 800_000
    assert part.tolist() == list(range(10, 20))
    del others
    wait_until(lambda: cluster.store_used() < 2 * 800_000, "the others are freed", 5.0)
    assert part.tolist() == list(range(10, 20))
    del part
    store_is_empty(cluster)


def test_a_view_in_an_actor_keeps_its_block(cluster: Cluster) -> None:
    @gnomon.remote(num_cpus=0)
    class Holder:
        def take(self, array: Any) -> None:
            self.part = array[5:8]

        def show(self) -> list[int]:
            return [int(each) for each in self.part]

        def drop(self) -> None:
            self.part = None

    holder = Holder.remote()
    gnomon.get(holder.take.remote(gnomon.put(numpy.arange(100_000))))
    for _ in range(5):
        gnomon.put(numpy.zeros(100_000))
    assert gnomon.get(holder.show.remote()) == [5, 6, 7]
    assert cluster.store_used() >= 800_000
    gnomon.get(holder.drop.remote())
    store_is_empty(cluster)


def test_a_caught_error_holds_nothing(cluster: Cluster) -> None:
    """Its traceback holds frames, and those references: they go with the error, not with the next collection."""

    @gnomon.remote
    def fail() -> None:
        raise ValueError("on purpose")

    def catch() -> None:
        held = gnomon.put(bytes([1]) * LARGE)
        with contextlib.suppress(ValueError):
            gnomon.get(fail.remote())
        with contextlib.suppress(ValueError):
            gnomon.get([fail.remote(), held])

    gc.disable()
    try:
        catch()
        store_is_empty(cluster)
    finally:
        gc.enable()


def test_a_reference_pickled_by_the_user_lives_while_a_handle_does(cluster: Cluster) -> None:
    ref = gnomon.put(bytes([6]) * LARGE)
    copy = pickle.loads(pickle.dumps(ref))
    del ref
    assert gnomon.get(copy)[0] == 6
    del copy
    store_is_empty(cluster)


def test_large_arguments_are_freed_after_the_task(cluster: Cluster) -> None:
    @gnomon.remote
    def size(data: bytes, *more: Any) -> int:
        return len(data)

    assert gnomon.get([size.remote(bytes(5 * 2**20)) for _ in range(20)]) == [5 * 2**20] * 20
    store_is_empty(cluster)
    assert gnomon.get(size.remote(bytes(5 * 2**20), gnomon.put(1), [gnomon.put(2)])) == 5 * 2**20
    store_is_empty(cluster)


@pytest.mark.slow
def test_references_under_a_storm(start_cluster: Callable[..., Cluster]) -> None:
    """Workers that borrow and own are killed at random: values are right or their loss is told; nothing is
    left."""
    cluster = start_cluster(num_cpus=4)
    lost = 0
    with Striker(cluster.config.session, cluster.leased_pids, seed=5, period_s=0.1) as striker:
        for fill in range(150):
            box = gnomon.put(bytes([fill]) * LARGE)
            refs = [
                make_inside.options(max_retries=-1).remote(fill),
                read.options(max_retries=-1).remote([box]),
            ]
            try:
                inner = gnomon.get(refs[0], timeout=60)
                assert [value[0] for value in gnomon.get(inner, timeout=60)] == [fill, fill]
            except OwnerDiedError:
                lost += 1
            assert gnomon.get(refs[1], timeout=60) == fill
    assert lost <= len(striker.hits)
    del refs, box, inner
    store_is_empty(cluster)
