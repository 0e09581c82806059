"""Arguments in a few characters: by value where Python shows it, never by the user's own ``__repr__``, secrets not at all."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from gnomon._messages.tasks import NestedCall, Provenance
from gnomon._shell.previews import CHARACTERS_MAX, origin_facts, preview, previews, site


class Loud:
    def __repr__(self) -> str:
        raise AssertionError("nobody asks")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1, "1"), (2.5, "2.5"), (None, "None"), (True, "True"), (10**50, "a large int"), ("abc", "'abc'"),
        ("x" * 100, "'xxxxxxxxxxxxxxxxxxxx'... of 100"), (b"ab", "b'ab'"), ([1, "a"], "[1, 'a']"), ([], "[]"),
        (list(range(1_000)), "list of 1,000"), ({"a": 1}, "{'a': 1}"), ({"a": Loud()}, "dict of 1"),
        ([Loud()], "list of 1"), (Loud(), "Loud"), (["y" * 30, "z" * 30], "list of 2"),
        (np.zeros((3, 4)), "ndarray float64 (3, 4)"), (set(range(9)), "set of 9"),
    ],
)  # fmt: skip
def test_a_value_is_short(value: Any, shown: str) -> None:
    assert preview(value) == shown
    assert len(preview(value)) <= CHARACTERS_MAX


def raised(call: Any, *args: Any, **kwargs: Any) -> tuple[str, ...]:
    try:
        call(*args, **kwargs)
    except ZeroDivisionError as error:
        first = error.__traceback__
        assert first is not None
        return previews(error.with_traceback(first.tb_next))
    raise AssertionError


def test_the_arguments_of_what_was_called() -> None:
    def inner(z: int) -> None:
        raise ZeroDivisionError

    def outer(x: int, *rest: int, api_key: str = "", **named: int) -> None:
        inner(x)

    assert raised(outer, 1, 2, api_key="s3cret", y=3) == (
        "x=1", "api_key=(not shown)", "rest=(2,)", "named={'y': 3}",
    )  # fmt: skip


def test_a_method_shows_no_self_and_many_are_cut() -> None:
    class C:
        def method(self, a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int) -> None:
            raise ZeroDivisionError

    assert raised(C().method, *range(8)) == ("a=0", "b=1", "c=2", "d=3", "e=4", "f=5", "and 2 more")


def test_what_has_no_traceback_has_no_arguments() -> None:
    assert previews(ValueError()) == ()


def test_where_it_was_submitted() -> None:
    assert site(Provenance("cell", "In [3]", 4)) == "In [3], line 4"
    assert site(Provenance("cell", "In [3]", 0)) == "In [3]"
    assert site(None) == site(Provenance("", "", 4)) == ""


def test_where_a_task_has_submitted_it() -> None:
    assert origin_facts(Provenance("cell", "In [3]", 4)) == {"site": "In [3], line 4"}
    call = NestedCall("f.py", 7, "within", ("a", "b", "c", "d"), 4)
    facts = origin_facts(Provenance("cell", "In [3]", 4, call))
    assert facts == {
        "site": "In [3], line 4",
        "called_at": ("f.py", 7, "within"),
        "callers": ("a", "b", "c", "d"),
    }
    deep = origin_facts(Provenance("cell", "In [3]", 4, msgspec.structs.replace(call, depth=1_500)))
    assert deep["callers"] == ("a", "1,496 more", "b", "c", "d")
