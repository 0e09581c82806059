"""The search for names: what leads to a reference in this process, in bounded time, and without a trace."""

from __future__ import annotations

import functools
import gc
import os
import sys
import weakref
from collections import deque
from typing import Any

import pytest

from gnomon._messages.holders import Holder
from gnomon._shell.holder_names import Found, Root, find_names
from gnomon._shell.holder_steps import locals_of
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import ObjectID


@pytest.fixture
def ref() -> ObjectRef[Any]:
    """A reference to an object of this test's own."""
    return ObjectRef(ObjectID(os.urandom(20)))


def search(ref: ObjectRef[Any], value: Any, budget_s: float = 10.0, **options: Any) -> Found:
    return find_names({ref._id}, [Root("variable", "x", value)], budget_s, **options)


def names(ref: ObjectRef[Any], value: Any) -> list[str]:
    found = search(ref, value)
    assert found.complete
    return [holder.name for holder in found.names.get(ref._id, []) if holder.name.startswith("x")]


class Slotted:
    __slots__ = ("field", "never_set")

    def __init__(self, field: Any) -> None:
        self.field = field


class Touchy:
    """Raises whenever it is looked at."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("do not touch")


def test_paths_through_what_python_has(ref: ObjectRef[Any]) -> None:
    assert names(ref, ref) == ["x"]
    assert names(ref, [1, ref]) == ["x[1]"]
    assert names(ref, {"key": (ref,)}) == ["x['key'][0]"]
    assert names(ref, {3: deque([ref])}) == ["x[3][0]"]
    assert names(ref, {ref}) == ["x (inside)"]
    assert names(ref, Slotted([ref])) == ["x.field[0]"]
    assert names(ref, functools.partial(print, ref)) == ["x.args[0]"]
    assert names(ref, {"k" * 100: ref}) == [f"x['{'k' * 38}…]"]
    assert names(ref, {Slotted(None): ref}) == ["x[<Slotted>]"]
    assert names(ref, iter([ref])) == ["x (inside)[0]"]


def test_closures_defaults_and_suspended_functions(ref: ObjectRef[Any]) -> None:

    def closes() -> Any:
        return ref

    def takes(value: Any = ref) -> Any:
        return value

    def yields(mine: Any) -> Any:
        yield mine

    generator = yields(ref)
    next(generator)
    found = {holder for each in (closes, takes, generator) for holder in search(ref, each).names[ref._id]}
    here = "test_closures_defaults_and_suspended_functions.<locals>"
    assert Holder("closure", f"ref in the closure of {here}.closes") in found
    assert Holder("closure", f"a default argument of {here}.takes") in found
    assert Holder("local", f"mine in the suspended {here}.yields()") in found


def test_a_cycle_and_a_value_that_raises_are_survived(ref: ObjectRef[Any]) -> None:
    loop: list[Any] = [Touchy(), ref]
    loop.append(loop)
    assert names(ref, loop) == ["x[1]"]


def test_each_kind_of_root_has_its_own_say(ref: ObjectRef[Any]) -> None:
    shared = [ref]
    found = find_names({ref._id}, [Root("variable", "x", shared), Root("output", "Out[3]", shared)], 10.0)
    assert {Holder("variable", "x[0]"), Holder("output", "Out[3][0]")} <= set(found.names[ref._id])


def test_what_no_name_leads_to_is_described(ref: ObjectRef[Any]) -> None:
    class Box:
        pass

    box = Box()
    box.inner = ref  # type: ignore[attr-defined]
    found = search(ref, None)
    assert (
        Holder("variable", "the attribute inner of a test_what_no_name_leads_to_is_described.<locals>.Box")
        in (found.names[ref._id])
    )
    assert search(ref, None, explained=[box.inner]).names == {}  # type: ignore[attr-defined]


def test_it_gives_up_in_time_and_says_so(ref: ObjectRef[Any]) -> None:
    many = [[number] for number in range(10_000)]
    assert not search(ref, many, budget_s=0.0).complete


def test_views_are_told_by_whoever_knows_them(ref: ObjectRef[Any]) -> None:
    view = memoryview(b"shown")
    found = search(ref, {"v": view}, viewed=lambda value: ref._id if value is view else None)
    assert Holder("variable", "x['v']") in found.names[ref._id]


def test_looking_at_a_frame_keeps_nothing_alive() -> None:
    class Value:
        pass

    def function() -> weakref.ref[Value]:
        value = Value()
        assert locals_of(sys._getframe())["value"] is value
        kept = weakref.ref(value)
        del value
        return kept

    def gone() -> bool:
        probe = function()
        gc.collect()
        return probe() is None

    assert gone()
