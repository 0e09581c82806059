"""ActorPool on every engine."""

import asyncio
import collections
import os

import pytest

import gnomon
from gnomon.exceptions import ActorDiedError
from gnomon.util import ActorPool


@gnomon.remote
class Doors:
    """Who enters waits until his door is opened."""

    def __init__(self):
        self.doors = collections.defaultdict(asyncio.Event)

    async def enter(self, x):
        await self.doors[x].wait()
        return x

    async def open(self, *xs):
        for x in xs:
            self.doors[x].set()


@gnomon.remote
class Doubler:
    def double(self, x):
        return 2 * x

    def inverse(self, x):
        return 1 / x

    @gnomon.method(num_returns=2)
    def both(self, x):
        return x, -x

    def die(self, x):
        os._exit(1)


def double(actor, x):
    return actor.double.remote(x)


def enter(actor, x):
    return actor.enter.remote(x)


def two_doublers():
    return ActorPool([Doubler.remote(), Doubler.remote()])


def two_doors():
    return [Doors.remote(), Doors.remote()]


def open_doors(doors, *xs):
    gnomon.get([each.open.remote(*xs) for each in doors])


def test_it_is_found_by_both_of_rays_names():
    from gnomon.util.actor_pool import ActorPool as same

    assert same is ActorPool


def test_map():
    pool = two_doublers()
    assert list(pool.map(double, range(7))) == [0, 2, 4, 6, 8, 10, 12]
    assert list(pool.map(double, [])) == []
    assert sorted(pool.map_unordered(double, range(7))) == [0, 2, 4, 6, 8, 10, 12]


def test_map_in_order_of_the_values_or_of_the_results():
    doors = two_doors()
    pool = ActorPool(doors)
    open_doors(doors, "late")
    unordered = pool.map_unordered(enter, ["early", "late"])
    assert next(unordered) == "late"
    open_doors(doors, "early")
    assert list(unordered) == ["early"]
    assert list(pool.map(enter, ["early", "late"])) == ["early", "late"]


def test_submit_more_than_there_are_actors():
    pool = two_doublers()
    for x in range(5):
        pool.submit(double, x)
    assert pool.has_next()
    assert not pool.has_free()
    assert [pool.get_next() for _ in range(5)] == [0, 2, 4, 6, 8]
    assert not pool.has_next()
    assert pool.has_free()


def test_nothing_to_get():
    pool = two_doublers()
    for take in (pool.get_next, pool.get_next_unordered):
        with pytest.raises(StopIteration, match=r"no more results to get: submit\(\) something"):
            take()


def test_timeout():
    doors = two_doors()
    pool = ActorPool(doors)
    pool.submit(enter, 1)
    with pytest.raises(TimeoutError, match="no result after 0.01 s"):
        pool.get_next(timeout=0.01)
    with pytest.raises(TimeoutError):
        pool.get_next_unordered(timeout=0)
    assert pool.has_next()
    open_doors(doors, 1)
    assert pool.get_next(timeout=30) == 1
    with pytest.raises(ValueError, match="timeout of an ActorPool must be >= 0"):
        pool.get_next(timeout=-1)


def ignore_a_late_result(take_name):
    doors = two_doors()
    pool = ActorPool(doors[:1])
    take = getattr(pool, take_name)
    pool.submit(enter, "ignored")
    pool.submit(enter, "wanted")
    with pytest.raises(TimeoutError, match="is ignored from now on"):
        take(timeout=0.01, ignore_if_timedout=True)
    open_doors(doors, "ignored", "wanted")
    assert take(timeout=30) == "wanted"
    assert not pool.has_next()


def test_a_late_result_can_be_ignored():
    ignore_a_late_result("get_next")


def test_a_late_result_can_be_ignored_out_of_order():
    ignore_a_late_result("get_next_unordered")


def test_in_order_and_out_of_order_do_not_mix():
    doors = two_doors()
    pool = ActorPool(doors)
    open_doors(doors, "late")
    pool.submit(enter, "early")
    pool.submit(enter, "late")
    assert pool.get_next_unordered() == "late"
    with pytest.raises(ValueError, match=r"take the rest with get_next_unordered\(\) too"):
        pool.get_next()
    open_doors(doors, "early")
    assert pool.get_next_unordered() == "early"
    pool.submit(enter, "late")
    assert pool.get_next() == "late"


def test_the_oldest_first_is_in_order():
    pool = two_doublers()
    pool.submit(double, 1)
    assert pool.get_next_unordered() == 2
    pool.submit(double, 2)
    assert pool.get_next() == 4


def test_a_failed_call_frees_its_actor():
    pool = ActorPool([Doubler.remote()])
    results = pool.map(lambda actor, x: actor.inverse.remote(x), [1, 0, 2])
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert pool.get_next() == 0.5
    assert pool.has_free()


def test_map_drops_what_was_submitted_before():
    doors = two_doors()
    pool = ActorPool(doors)
    for _ in range(4):
        pool.submit(enter, "never taken")
    open_doors(doors, 1, 2, 3)
    assert list(pool.map(enter, [1, 2, 3])) == [1, 2, 3]
    pool.submit(enter, "never taken")
    assert sorted(pool.map_unordered(enter, [1, 2, 3])) == [1, 2, 3]
    open_doors(doors, "never taken")


def test_calls_with_several_results():
    pool = two_doublers()
    for x in range(3):
        pool.submit(lambda actor, x: actor.both.remote(x), x)
    assert pool.get_next() == [0, 0]
    assert pool.get_next(timeout=30) == [1, -1]
    assert pool.get_next_unordered(timeout=30) == [2, -2]


def test_push_and_pop():
    pool = two_doublers()
    first, second = pool.pop_idle(), pool.pop_idle()
    assert {type(first), type(second)} == {gnomon.actor.ActorHandle}
    assert pool.pop_idle() is None
    assert not pool.has_free()
    pool.push(first)
    with pytest.raises(ValueError, match="is in this ActorPool already"):
        pool.push(first)
    pool.submit(double, 1)
    with pytest.raises(ValueError, match="is in this ActorPool already"):
        pool.push(first)
    assert pool.pop_idle() is None
    assert pool.get_next() == 2
    assert pool.pop_idle() == first


def test_submissions_wait_for_an_actor():
    pool = ActorPool([])
    pool.submit(double, 4)
    assert pool.has_next()
    with pytest.raises(ValueError, match=r"1 submissions wait, but the ActorPool has no living actor: push"):
        pool.get_next()
    pool.push(Doubler.remote())
    assert pool.get_next() == 8


def test_a_dead_actor_gets_no_more_work(parallel):
    pool = ActorPool([Doubler.remote()])
    pool.submit(lambda actor, x: actor.die.remote(x), 0)
    pool.submit(double, 1)
    with pytest.raises(ActorDiedError):
        pool.get_next()
    assert not pool.has_free()
    pool.push(Doubler.remote())
    assert pool.get_next() == 2


def test_bad_input():
    pool = two_doublers()
    with pytest.raises(TypeError, match=r"an ActorPool holds handles of actors, not 1 \(int\): create one"):
        ActorPool([1])
    with pytest.raises(TypeError, match="holds handles of actors"):
        pool.push(Doubler)
    with pytest.raises(ValueError, match=r"must return the reference of a call, not 1 \(int\): write lambda"):
        pool.submit(lambda actor, x: x, 1)
    with pytest.raises(KeyError):
        pool.submit(lambda actor, x: {}[x], 1)
    assert list(pool.map(double, range(3))) == [0, 2, 4]  # no actor was lost
