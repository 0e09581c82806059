"""Lost values come back: tasks run again, and what they need before them. Values are lost by ``drop_object``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster, RunCount, forget_exceptions, wait_until

import gnomon
from gnomon.exceptions import GnomonError, ObjectLostError, ObjectReconstructionFailedError
from gnomon.testing.losses import drop_object

SIZE = 200_000


@pytest.fixture
def count(tmp_path: Path) -> RunCount:
    return RunCount(tmp_path / "runs")


def blob(number: int) -> bytes:
    return number.to_bytes(8, "big") * (SIZE // 8)


def number_of(data: bytes) -> int:
    return int.from_bytes(data[:8], "big")


@gnomon.remote
def make(number: int, count: RunCount | None = None) -> bytes:
    if count is not None:
        count.note(number)
    return blob(number)


@gnomon.remote
def add(one: bytes, other: bytes, count: RunCount | None = None, number: int = 0) -> bytes:
    if count is not None:
        count.note(number)
    return blob(number_of(one) + number_of(other))


@gnomon.remote
def after(data: bytes, count: RunCount | None = None) -> bytes:
    number = number_of(data) + 1
    if count is not None:
        count.note(number)
    return blob(number)


@gnomon.remote
def look(data: bytes) -> int:
    return number_of(data)


def ready(*refs: Any) -> None:
    _, left = gnomon.wait(list(refs), num_returns=len(refs), timeout=60, fetch_local=False)
    assert not left


def read(ref: Any) -> int:
    return number_of(gnomon.get(ref, timeout=60))


def empty(cluster: Cluster) -> None:
    forget_exceptions()
    wait_until(lambda: cluster.store_used() == 0, "the store is empty", 5.0)
    assert not cluster.role.lineage.recipes
    assert not cluster.role.lineage.bytes


def test_a_lost_result_is_made_again(cluster: Cluster, count: RunCount) -> None:
    ref = make.remote(7, count)
    assert read(ref) == 7
    drop_object(ref)
    assert read(ref) == 7
    assert gnomon.get(look.remote(ref), timeout=60) == 7
    assert count.runs() == {7: 2}
    del ref
    empty(cluster)


def test_who_looks_at_it_may_go_on(cluster: Cluster) -> None:
    numpy = pytest.importorskip("numpy")

    @gnomon.remote
    def ones() -> Any:
        return numpy.ones(SIZE)

    ref = ones.remote()
    view = gnomon.get(ref, timeout=60)
    drop_object(ref)
    others = [make.remote(number) for number in range(20)]
    assert [read(each) for each in others] == list(range(20))
    assert view.sum() == SIZE
    assert gnomon.get(ref, timeout=60).sum() == SIZE
    del view, ref, others, ones
    empty(cluster)


def test_only_needed_ancestors_run_again(cluster: Cluster, count: RunCount) -> None:
    first = make.remote(1, count)
    kept = make.remote(2, count)
    third = add.remote(first, kept, count, 3)
    fourth = after.remote(third, count)
    assert read(fourth) == 4
    del first, third
    drop_object(fourth)
    assert read(fourth) == 4
    assert count.runs() == {1: 2, 2: 1, 3: 2, 4: 2}
    del fourth, kept
    empty(cluster)


def test_arguments_are_freed_while_their_recipe_is_kept(cluster: Cluster) -> None:
    ref = make.remote(0)
    for _ in range(5):
        ref = after.remote(ref)
    ready(ref)
    forget_exceptions()
    wait_until(lambda: cluster.store_used() < 2 * SIZE, "only the last is in the store", 5.0)
    assert len(cluster.role.lineage.recipes) == 6
    drop_object(ref)
    assert read(ref) == 5
    del ref
    empty(cluster)


def chain(depth: int, cluster: Cluster, limit_s: float) -> None:
    ref = make.remote(0)
    for _ in range(depth):
        ref = after.remote(ref)
    gnomon.wait([ref], timeout=limit_s)
    drop_object(ref)
    assert number_of(gnomon.get(ref, timeout=limit_s)) == depth
    del ref
    empty(cluster)


def test_a_long_chain(cluster: Cluster) -> None:
    chain(1_000, cluster, 120)


@pytest.mark.slow
def test_a_very_long_chain(cluster: Cluster) -> None:
    chain(10_000, cluster, 600)


def test_fan_out_and_fan_in(cluster: Cluster) -> None:
    root = make.remote(1)
    leaves = [after.remote(root) for _ in range(50)]
    total = [look.remote(leaf) for leaf in leaves]
    assert sum(gnomon.get(total, timeout=60)) == 100
    del total
    drop_object(root)
    for leaf in leaves:
        drop_object(leaf)
    assert [read(leaf) for leaf in leaves] == [2] * 50
    assert read(root) == 1
    del root, leaves, leaf
    empty(cluster)


def test_a_sibling_that_is_there_stays(cluster: Cluster, count: RunCount) -> None:
    @gnomon.remote(num_returns=3)
    def three(count: RunCount) -> Any:
        count.note(0)
        times = len(count.entries())
        return blob(times), blob(10 * times), "small"

    first, second, third = three.remote(count)
    ready(first, second, third)
    drop_object(second)
    assert read(second) == 20
    assert read(first) == 1, "somebody may have seen it"
    assert gnomon.get(third) == "small"
    assert count.runs() == {0: 2}
    del first, second, third, three
    empty(cluster)


def test_what_put_has_stored_is_lost_for_good(cluster: Cluster) -> None:
    ref = gnomon.put(blob(1))
    drop_object(ref)
    with pytest.raises(ObjectLostError, match="put") as caught:
        gnomon.get(ref, timeout=60)
    assert ref.hex() in str(caught.value)
    assert not isinstance(caught.value, ObjectReconstructionFailedError)
    with pytest.raises(GnomonError):
        gnomon.get(look.remote(ref), timeout=60)
    del caught, ref
    empty(cluster)


def test_put_values_are_kept_for_what_is_made_from_them(cluster: Cluster) -> None:
    given = gnomon.put(blob(1))
    ref = after.remote(given)
    ready(ref)
    del given
    drop_object(ref)
    assert read(ref) == 2
    del ref
    empty(cluster)


@pytest.mark.parametrize(
    ("options", "losses", "error", "reason"),
    [
        ({"max_retries": 0}, 1, ObjectLostError, "may run only once"),
        ({"max_retries": 1}, 2, ObjectReconstructionFailedError, "has run 2 times"),
    ],
)
def test_attempts_are_counted(
    cluster: Cluster, count: RunCount, options: Any, losses: int, error: type[Exception], reason: str
) -> None:
    ref = make.options(**options).remote(5, count)
    ready(ref)
    for _ in range(losses - 1):
        drop_object(ref)
        ready(ref)
    drop_object(ref)
    with pytest.raises(error, match=reason) as caught:
        gnomon.get(ref, timeout=60)
    assert caught.value.producer == "make"  # type: ignore[attr-defined]
    assert caught.value.attempts == losses  # type: ignore[attr-defined]
    assert count.runs() == {5: losses}
    del caught, ref
    empty(cluster)


def test_an_error_of_the_second_attempt_is_the_value(cluster: Cluster, count: RunCount) -> None:
    @gnomon.remote
    def once(count: RunCount) -> bytes:
        count.note(0)
        if len(count.entries()) > 1:
            raise ZeroDivisionError("not again")
        return blob(1)

    ref = once.remote(count)
    last = after.remote(ref)
    ready(last)
    del ref
    drop_object(last)
    with pytest.raises(ZeroDivisionError, match="not again"):
        gnomon.get(last, timeout=60)
    del last, once
    empty(cluster)


def test_the_end_of_a_long_chain_fails(cluster: Cluster) -> None:
    given = make.options(max_retries=0).remote(0)
    ref = given
    for _ in range(300):
        ref = after.remote(ref)
    ready(ref)
    drop_object(given)
    del given
    drop_object(ref)
    with pytest.raises(ObjectLostError, match="may run only once"):
        gnomon.get(ref, timeout=60)
    del ref
    empty(cluster)


@gnomon.remote
class Maker:
    def __init__(self) -> None:
        self.calls = 0

    def make(self, number: int) -> bytes:
        self.calls += 1
        return blob(number)

    def look(self, data: bytes) -> int:
        return number_of(data)

    def count(self) -> int:
        return self.calls


def test_an_actors_result_is_made_again_if_its_calls_may_be(cluster: Cluster) -> None:
    maker = Maker.options(max_restarts=1, max_task_retries=2).remote()
    ref = maker.make.remote(3)
    ready(ref)
    drop_object(ref)
    assert gnomon.get(maker.look.remote(ref), timeout=60) == 3, "a replay does not queue behind its consumer"
    assert gnomon.get(maker.count.remote(), timeout=60) == 2
    del ref
    once = Maker.remote()
    ref = once.make.remote(4)
    ready(ref)
    drop_object(ref)
    with pytest.raises(ObjectLostError, match="max_task_retries=0"):
        gnomon.get(ref, timeout=60)
    del ref, maker, once
    empty(cluster)


def test_an_actor_that_is_gone_makes_nothing_again(cluster: Cluster) -> None:
    maker = Maker.options(max_task_retries=-1).remote()
    ref = maker.make.remote(3)
    ready(ref)
    gnomon.kill(maker)
    drop_object(ref)
    with pytest.raises(ObjectReconstructionFailedError, match="ActorDiedError"):
        gnomon.get(ref, timeout=60)
    del ref, maker
    empty(cluster)


@gnomon.remote(num_returns="streaming")
def items(count: RunCount, last: int) -> Iterator[bytes]:
    count.note(0)
    for number in range(last):
        yield blob(number)


def test_items_of_a_generator_are_made_again(cluster: Cluster, count: RunCount) -> None:
    refs = list(items.remote(count, 6))
    assert [read(ref) for ref in refs] == list(range(6))
    drop_object(refs[2])
    drop_object(refs[4])
    assert [read(ref) for ref in refs] == list(range(6))
    assert count.runs()[0] <= 3
    del refs
    empty(cluster)


def test_a_borrower_loses_it_and_everybody_gets_it_again(cluster: Cluster) -> None:
    @gnomon.remote
    def lose(refs: list[Any]) -> int:
        found = read(refs[0])
        drop_object(refs[0])
        return found

    ref = make.remote(9)
    assert gnomon.get(lose.remote([ref]), timeout=60) == 9
    assert read(ref) == 9
    del ref, lose
    empty(cluster)


def test_what_a_task_owns_is_made_again_by_that_task(cluster: Cluster, count: RunCount) -> None:
    @gnomon.remote
    def nested(count: RunCount) -> list[Any]:
        return [make.remote(8, count)]

    (ref,) = gnomon.get(nested.remote(count), timeout=60)
    assert read(ref) == 8
    drop_object(ref)
    wait_until(lambda: count.runs() == {8: 2}, "it ran again")
    assert read(ref) == 8
    del ref, nested
    empty(cluster)


def test_oldest_recipes_are_given_up_beyond_the_limit(start_cluster: Callable[..., Cluster]) -> None:
    cluster = start_cluster(_system_config={"lineage_max_bytes": 5_000})
    refs = []
    for number in range(10):  # one after the other: the oldest is the one that finished first
        refs.append(make.remote(number))
        ready(refs[-1])
    assert cluster.role.lineage.bytes <= 5_000
    drop_object(refs[-1])
    assert read(refs[-1]) == 9
    drop_object(refs[0])
    with pytest.raises(ObjectReconstructionFailedError, match="lineage_max_bytes=5,000"):
        gnomon.get(refs[0], timeout=60)
    del refs
    empty(cluster)


def test_small_values_can_not_be_lost(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="small"):
        drop_object(gnomon.put(1))
