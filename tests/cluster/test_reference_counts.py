"""Who holds what, over several processes: each way in which a reference travels holds its object, and none for good."""

from __future__ import annotations

import gc
import os
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from cluster_tools import Cluster, forget_exceptions, kill_process, wait_until

import gnomon
from gnomon.exceptions import ObjectFreedError, OwnerDiedError

LARGE = 300_000
"""Bytes: more than travels inside messages, so the value lies in the store."""

SOON_S = 5.0
"""What is free is free within 0.1 s on an idle machine; this one has other work."""


def value(fill: int) -> bytes:
    return bytes([fill]) * LARGE


def store_is_empty(cluster: Cluster) -> None:
    wait_until(lambda: cluster.store_used() == 0, "the store is empty", SOON_S)


@gnomon.remote
def first(box: list[Any]) -> int:
    """The first byte of the value whose reference lies in the box."""
    return int(gnomon.get(box[0])[0])


@gnomon.remote(num_cpus=0)
class Keeper:
    """Keeps boxes by name."""

    def __init__(self, box: Any = None, fallback: Any = None) -> None:
        self.boxes = {"born": box}

    def keep(self, name: str, box: Any) -> None:
        self.boxes[name] = box

    def lend(self, name: str, other: Any) -> None:
        """Hand on what it was lent, and forget it."""
        gnomon.get(other.keep.remote(name, self.boxes.pop(name)))

    def put(self, fill: int) -> list[Any]:
        return [gnomon.put(value(fill))]

    def read(self, name: str) -> int:
        return int(gnomon.get(self.boxes[name][0])[0])

    def drop(self, name: str) -> None:
        del self.boxes[name]

    def pid(self) -> int:
        return os.getpid()


def test_borrowers_of_borrowers(cluster: Cluster) -> None:
    """Along a row of actors, each of which forgets what it has handed on; the owner let go at the start."""
    keepers = [Keeper.remote() for _ in range(4)]
    gnomon.get(keepers[0].keep.remote("x", [gnomon.put(value(1))]))
    for one, next_one in zip(keepers, keepers[1:], strict=False):
        gnomon.get(one.lend.remote("x", next_one))
        assert gnomon.get(next_one.read.remote("x")) == 1
        assert cluster.store_used() > 0
    gnomon.get(keepers[-1].drop.remote("x"))
    store_is_empty(cluster)


def test_one_process_that_lets_go_frees_nothing_of_another(cluster: Cluster) -> None:
    keepers = [Keeper.remote() for _ in range(3)]
    ref = gnomon.put(value(2))
    gnomon.get([keeper.keep.remote(name, [ref]) for keeper in keepers for name in ("x", "y")])
    del ref
    for keeper in keepers:
        assert gnomon.get(keeper.read.remote("y")) == 2
        gnomon.get(keeper.drop.remote("x"))
        assert gnomon.get(keeper.read.remote("y")) == 2
        gnomon.get(keeper.drop.remote("y"))
    store_is_empty(cluster)


def test_values_inside_values_of_many_owners(cluster: Cluster) -> None:
    """Driver's container of an actor's container of a task's value: the outermost holds all."""

    @gnomon.remote
    def make() -> list[Any]:
        return [gnomon.put(value(3))]

    keeper = Keeper.remote()
    gnomon.get(keeper.keep.remote("inner", [make.remote()]))

    @gnomon.remote
    def wrap(box: list[Any]) -> list[Any]:
        return [gnomon.put(box)]

    outer = gnomon.put([wrap.remote([make.remote()])])
    inner = gnomon.get(gnomon.get(outer)[0])[0]
    del outer
    assert gnomon.get(gnomon.get(gnomon.get(inner)[0])[0])[0] == 3
    del inner
    gnomon.get(keeper.drop.remote("inner"))
    store_is_empty(cluster)


def test_a_container_that_goes_takes_only_its_own_hold(cluster: Cluster) -> None:
    ref = gnomon.put(value(4))
    boxes = [gnomon.put([ref, ref]) for _ in range(3)]
    del ref
    while len(boxes) > 1:
        del boxes[0]
        assert gnomon.get(first.remote(gnomon.get(boxes[0]))) == 4
    del boxes
    store_is_empty(cluster)


def test_default_arguments_and_closures_hold_as_long_as_the_function(cluster: Cluster) -> None:
    ref, other = gnomon.put(value(5)), gnomon.put(value(6))

    @gnomon.remote
    def both(one: Any = [ref]) -> tuple[int, int]:  # noqa: B006
        return gnomon.get(one[0])[0], gnomon.get(other)[0]

    del ref
    assert gnomon.get([both.remote() for _ in range(3)]) == [(5, 6)] * 3


def test_arguments_of_a_constructor(cluster: Cluster) -> None:
    keeper = Keeper.remote([gnomon.put(value(7))], fallback=gnomon.put(value(8)))
    assert gnomon.get(keeper.read.remote("born")) == 7
    gnomon.get(keeper.drop.remote("born"))
    wait_until(lambda: cluster.store_used() <= LARGE + 4096, "what it has dropped is freed", SOON_S)
    gnomon.kill(keeper)
    del keeper
    store_is_empty(cluster)


def test_references_that_a_generator_yields(cluster: Cluster) -> None:
    @gnomon.remote(num_returns="streaming")
    def boxes(count: int) -> Iterator[list[Any]]:
        for number in range(count):
            yield [gnomon.put(value(number))]

    taken = [gnomon.get(next_one)[0] for next_one, _ in zip(boxes.remote(6), range(3), strict=False)]
    assert [gnomon.get(ref)[0] for ref in taken] == [0, 1, 2]
    assert gnomon.get([first.remote([ref]) for ref in taken]) == [0, 1, 2]
    del taken
    store_is_empty(cluster)


def test_a_reference_outlives_the_task_and_the_actor_that_lent_it(cluster: Cluster) -> None:
    """A dead lender costs nobody an object whose owner lives."""
    lender, keeper = Keeper.remote(), Keeper.remote()
    pid = gnomon.get(lender.pid.remote())
    gnomon.get(lender.keep.remote("x", [gnomon.put(value(9))]))
    gnomon.get(lender.lend.remote("x", keeper))
    assert kill_process(pid)
    assert gnomon.get(keeper.read.remote("x")) == 9
    wait_until(lambda: cluster.role.references.deaths > 0, "the death is known", SOON_S)
    wait_until(
        lambda: not cluster.role.borrowing._mourned, "nothing is held for the sake of the dead", SOON_S
    )
    assert gnomon.get(keeper.read.remote("x")) == 9
    gnomon.get(keeper.drop.remote("x"))
    store_is_empty(cluster)


def test_a_lender_that_dies_in_the_middle_of_lending(cluster: Cluster) -> None:
    """It dies before its own caller has heard of anything: the borrower tells the owner itself."""

    @gnomon.remote(max_retries=0)
    def lend_and_die(box: list[Any], keeper: Any) -> None:
        gnomon.get(keeper.keep.remote("x", box))
        os._exit(1)

    keeper = Keeper.remote()
    lost = lend_and_die.remote([gnomon.put(value(10))], keeper)
    with pytest.raises(gnomon.exceptions.WorkerCrashedError):
        gnomon.get(lost)
    del lost
    wait_until(
        lambda: not cluster.role.borrowing._mourned, "nothing is held for the sake of the dead", SOON_S
    )
    assert gnomon.get(keeper.read.remote("x")) == 10
    gnomon.get(keeper.drop.remote("x"))
    store_is_empty(cluster)


# -- pickles of the user's own -----------------------------------------------------------------------------------


@gnomon.remote
def read_pickle(blob: bytes) -> int:
    return int(gnomon.get(pickle.loads(blob))[0])


def test_a_pickled_reference_is_honoured_everywhere_while_somebody_holds_it(cluster: Cluster) -> None:
    ref = gnomon.put(value(11))
    blob = pickle.dumps({"ref": ref})
    assert gnomon.get(pickle.loads(blob)["ref"])[0] == 11
    assert gnomon.get([read_pickle.remote(pickle.dumps(ref)) for _ in range(3)]) == [11] * 3
    del ref
    store_is_empty(cluster)


def test_a_pickled_reference_that_nobody_holds_is_told_as_freed(cluster: Cluster) -> None:
    """A pickle is bytes, of which nobody knows who has them: it holds nothing."""
    ref = gnomon.put(value(12))
    blob = pickle.dumps(ref)
    del ref
    store_is_empty(cluster)
    with pytest.raises(ObjectFreedError):
        gnomon.get(pickle.loads(blob), timeout=10)
    with pytest.raises(ObjectFreedError):
        gnomon.get(read_pickle.remote(blob), timeout=10)


def test_a_pickled_reference_of_a_dead_owner_is_told_as_lost(cluster: Cluster) -> None:
    keeper = Keeper.remote()
    pid = gnomon.get(keeper.pid.remote())
    blob = pickle.dumps(gnomon.get(keeper.put.remote(13))[0])
    assert kill_process(pid)
    with pytest.raises(
        OwnerDiedError, match=rf"the process that owned it died: process [0-9a-f]+ \(pid {pid}\) was killed"
    ):
        gnomon.get(pickle.loads(blob), timeout=10)
    with pytest.raises(OwnerDiedError):
        gnomon.get(read_pickle.remote(blob), timeout=10)
    store_is_empty(cluster)


class Carrying(Exception):
    """An exception with a reference."""

    def __init__(self, ref: Any) -> None:
        super().__init__(ref)


def raise_at_once(ref: Any) -> None:
    raise Carrying(ref)


def raise_from_a_variable(ref: Any) -> None:
    error = Carrying(ref)
    raise error


def raise_from_the_cause(ref: Any) -> None:
    """What holds the reference is the frame of an error that only led to the one that is told."""
    try:
        raise_from_a_variable(ref)
    except Carrying as error:
        raise ValueError("told") from error


WAYS = (raise_at_once, raise_from_a_variable, raise_from_the_cause)


@gnomon.remote
class Raiser:
    """Raises references to values of its own."""

    def raise_one(self, way: Any) -> None:
        way(gnomon.put(value(6)))

    async def raise_awaited(self, way: Any) -> None:
        way(gnomon.put(value(6)))


@pytest.mark.parametrize("way", WAYS)
def test_a_worker_that_has_raised_a_reference_keeps_nothing(cluster: Cluster, way: Any) -> None:
    """Not until its next collection either: an idle worker collects nothing."""

    @gnomon.remote
    def stop_collecting() -> None:
        gc.disable()

    def fail() -> None:
        way(gnomon.put(value(6)))

    @gnomon.remote
    def items() -> Iterator[int]:
        yield 1
        fail()

    raiser = Raiser.remote()
    gnomon.get(stop_collecting.remote())  # what the driver asks one after the other runs in one worker
    for ref in (
        gnomon.remote(fail).remote(),
        gnomon.remote(max_calls=10)(fail).remote(),
        gnomon.remote(num_returns=2)(fail).remote()[1],
        raiser.raise_one.remote(way),
        raiser.raise_awaited.remote(way),
    ):
        with pytest.raises((Carrying, ValueError)):
            gnomon.get(ref)
    with pytest.raises((Carrying, ValueError)):
        gnomon.get(list(items.remote()))
    del ref
    forget_exceptions()
    store_is_empty(cluster)
