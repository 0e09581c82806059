"""Which GPU belongs to whom: whole ones alone, parts together, sums exact."""

import random

from gnomon._core.devices import DeviceBook

ONE = 10_000


def test_parts_share_the_fullest_gpu_that_has_room() -> None:
    book = DeviceBook(3 * ONE)
    first = book.take(ONE // 2)
    assert book.take(ONE // 4) == first
    assert book.take(ONE // 2) != first
    assert book.take(ONE // 4) == first
    assert book.fits(ONE)
    assert not book.fits(2 * ONE)


def test_whole_gpus_are_alone() -> None:
    book = DeviceBook(3 * ONE, ["a", "b", "c"])
    part = book.take(1)
    whole = book.take(2 * ONE)
    assert book.named(part) == ("a",)
    assert book.named(whole) == ("b", "c")
    assert not book.fits(ONE)
    assert book.fits(ONE - 1)


def test_halves_of_two_gpus_are_no_whole_one() -> None:
    book = DeviceBook(2 * ONE)
    held = [book.take(6_000), book.take(6_000)]
    assert held == [(0,), (1,)]
    assert sum(book.free) == 8_000
    assert not book.fits(ONE // 2)
    book.give(held[0], 6_000)
    assert book.take(ONE) == (0,)


def test_what_no_idle_node_could_give_is_infeasible() -> None:
    book = DeviceBook(2 * ONE)
    book.take(2 * ONE)
    assert book.feasible(2 * ONE)
    assert not book.feasible(3 * ONE)
    assert not book.feasible(ONE + 1), "more than one is whole ones"


def test_a_node_may_have_a_part_of_a_gpu() -> None:
    book = DeviceBook(15_000)
    assert book.capacity == [ONE, 5_000]
    assert not book.feasible(2 * ONE)
    assert book.take(5_000) == (1,), "the whole one stays whole"


def test_sums_are_exact_whatever_comes() -> None:
    chance = random.Random(1)
    book = DeviceBook(4 * ONE)
    held: list[tuple[tuple[int, ...], int]] = []
    for _ in range(5_000):
        units = chance.choice((1, 1_000, 3_333, 5_000, ONE, 2 * ONE))
        if book.fits(units) and chance.random() < 0.6:
            held.append((book.take(units), units))
        elif held:
            book.give(*held.pop(chance.randrange(len(held))))
        book.check()
        for place in range(4):
            shares = [min(units, ONE) for places, units in held if place in places]
            assert sum(shares) == ONE - book.free[place]
    for places, units in held:
        book.give(places, units)
    assert book.free == book.capacity
