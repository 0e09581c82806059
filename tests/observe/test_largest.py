"""Which objects are listed."""

from __future__ import annotations

from gnomon.observe.largest import LargestObjects


def table(sizes: dict[str, int]) -> dict[str, list[object]]:
    return {key: [size, "store", "f", 1, 0, ""] for key, size in sizes.items()}


def test_the_largest_win_a_place():
    largest = LargestObjects(limit=3)
    objects = table({"a": 1, "b": 2, "c": 3})
    assert largest.update(["a", "b", "c"], objects) == {"a", "b", "c"}
    objects |= table({"d": 4, "e": 5})
    assert largest.update(["d", "e"], objects) == {"a", "b", "d", "e"}
    assert set(largest.sizes) == {"c", "d", "e"}


def test_small_objects_are_not_told_of():
    largest = LargestObjects(limit=2)
    objects = table({"a": 10, "b": 20})
    largest.search(objects)
    objects |= table({"c": 1})
    assert largest.update(["c"], objects) == set()
    del objects["c"]
    assert largest.update(["c"], objects) == set()


def test_gone_objects_make_room_and_a_search_fills_it():
    largest = LargestObjects(limit=4)
    objects = table({name: size for size, name in enumerate("abcdefgh")})
    largest.search(objects)
    assert set(largest.sizes) == set("efgh")
    for key in "fgh":
        del objects[key]
    assert largest.update("fgh", objects) == set("fgh")
    due = [largest.is_thin(objects) for _ in range(12)]
    assert due.index(True) > 5
    assert largest.search(objects) == set("bcd")
    assert not largest.is_thin(objects)
