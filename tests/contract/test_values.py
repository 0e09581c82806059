"""Values on their way, on every engine: what arrives as it was, what refuses, and which references live on."""

from __future__ import annotations

import gc
from dataclasses import dataclass

import numpy as np
import pytest

import gnomon
from gnomon.exceptions import TaskError

LARGE = 200_000
"""Bytes: more than travels inside a message."""


@gnomon.remote
def echo(x):
    return x


class Carrier(Exception):
    """An exception that brings a reference along."""

    def __init__(self, ref):
        super().__init__("it carries a reference")
        self.ref = ref


def raise_with_reference(value="kept", last=True):
    raise Carrier(gnomon.put(value))


fail_with_reference = gnomon.remote(raise_with_reference)


def carried(ref):
    """The reference in the error that ``ref`` is, with nothing else of that error left."""
    try:
        gnomon.get(ref)
    except Carrier as error:
        return error.ref
    raise AssertionError("no error")


@pytest.mark.parametrize("size", [1, LARGE])
def test_a_reference_inside_an_exception_lives(engine, size):
    ref = fail_with_reference.remote(b"x" * size)
    inner = carried(ref)
    del ref
    gc.collect()
    assert len(gnomon.get(inner)) == size


def test_a_reference_inside_an_exception_waits_until_somebody_looks(engine):
    ref = fail_with_reference.remote()
    gnomon.wait([ref], timeout=30)
    assert gnomon.get(echo.remote(1)) == 1  # whoever raised it has gone on
    assert gnomon.get(carried(ref)) == "kept"


def test_a_reference_inside_an_exception_of_an_actor(engine):
    @gnomon.remote
    class Failing:
        def fail(self):
            raise_with_reference()

    actor = Failing.remote()
    assert gnomon.get(carried(actor.fail.remote())) == "kept"


def test_a_reference_inside_an_exception_of_several_results(engine):
    first, second = fail_with_reference.options(num_returns=2).remote()
    inner = carried(first)
    del first
    assert gnomon.get(inner) == "kept"
    del inner
    assert gnomon.get(carried(second)) == "kept"


def test_a_reference_inside_the_exception_of_a_generator(engine):
    @gnomon.remote(num_returns="streaming")
    def streaming():
        yield 1
        raise_with_reference()

    @gnomon.remote(num_returns="dynamic")
    def dynamic():
        yield 1
        raise_with_reference()

    first, failed = streaming.remote()
    assert gnomon.get(first) == 1
    assert gnomon.get(carried(failed)) == "kept"
    refs = dynamic.remote()
    gnomon.wait([refs], timeout=30)
    items = list(gnomon.get(refs))
    assert gnomon.get(items[0]) == 1
    assert gnomon.get(carried(items[1])) == "kept"


def test_a_reference_inside_an_exception_of_some_results(engine):
    @gnomon.remote(num_returns=3)
    def partly():
        yield [gnomon.put("first")]
        raise_with_reference("later")

    one, two, three = partly.remote()
    assert gnomon.get(gnomon.get(one)[0]) == "first"
    assert gnomon.get(carried(two)) == "later"
    assert gnomon.get(carried(three)) == "later"


def test_a_reference_inside_a_failed_arguments_exception(engine):
    @gnomon.remote
    class Actor:
        def echo(self, x):
            return x

    ref = fail_with_reference.remote()
    chained = echo.remote(echo.remote(ref))
    called = Actor.remote().echo.remote(ref)
    del ref
    inner = carried(chained)
    del chained
    assert gnomon.get(inner) == "kept"
    del inner
    assert gnomon.get(carried(called)) == "kept"


def test_a_reference_inside_a_borrowed_failed_argument(engine):
    @gnomon.remote
    def pass_on(refs):
        result = echo.remote(refs[0])
        gnomon.wait([result], timeout=30)
        return [result]

    ref = fail_with_reference.remote()
    [result] = gnomon.get(pass_on.remote([ref]))
    del ref
    assert gnomon.get(carried(result)) == "kept"


def test_a_retried_exceptions_references_are_let_go(engine, until, objects_alive):
    @gnomon.remote(max_retries=3, retry_exceptions=True)
    def flaky():
        raise_with_reference()

    inner = carried(flaky.remote())
    assert gnomon.get(inner) == "kept"
    identity = inner.hex()
    del inner
    until(lambda: identity not in objects_alive())
    until(lambda: not objects_alive())


@dataclass(frozen=True)
class Row:
    name: str
    ref: object


def hold(ref, how):
    """``ref`` in many kinds of container, and how to get it out again."""
    return {
        "dataclass": (Row("x", ref), lambda value: value.ref),
        "set": ({ref}, lambda value: next(iter(value))),
        "key": ({ref: 1}, lambda value: next(iter(value))),
        "closure": (lambda: ref, lambda value: value()),
        "default": (lambda x=ref: x, lambda value: value()),
        "exception": (ValueError(ref), lambda value: value.args[0]),
        "nested": ([{"a": (Row("y", [ref]),)}], lambda value: value[0]["a"][0].ref[0]),
    }[how]


HOLDERS = ["dataclass", "set", "key", "closure", "default", "exception", "nested"]


@pytest.mark.parametrize("how", HOLDERS)
def test_references_live_in_every_container(engine, how):
    value, unpack = hold(gnomon.put("inner"), how)
    stored = gnomon.put(value)
    passed = echo.remote(value)
    del value
    gc.collect()
    assert gnomon.get(unpack(gnomon.get(stored))) == "inner"
    del stored
    assert gnomon.get(unpack(gnomon.get(passed))) == "inner"


@pytest.mark.parametrize("how", HOLDERS)
def test_references_made_in_a_task_live_in_its_result(engine, how):
    @gnomon.remote
    def make(how):
        return hold(gnomon.put("inner"), how)[0]

    _, unpack = hold(None, how)
    assert gnomon.get(unpack(gnomon.get(make.remote(how)))) == "inner"


def test_an_exception_that_can_not_be_pickled_tells_its_story(engine):
    class Stubborn(Exception):
        def __reduce__(self):
            raise RuntimeError("never")

    @gnomon.remote
    def fail():
        raise Stubborn("what went wrong")

    with pytest.raises(TaskError) as caught:
        gnomon.get(fail.remote())
    text = str(caught.value)
    assert "Stubborn: what went wrong" in text
    assert 'raise Stubborn("what went wrong")' in text


def test_who_writes_into_a_stored_array_is_told_what_to_do(engine):
    @gnomon.remote
    def change(array):
        array[0] = 1

    with pytest.raises(ValueError, match="read-only") as caught:
        gnomon.get(change.remote(np.zeros(LARGE)))
    assert "take a copy first: array = array.copy()" in str(caught.value)
    array = gnomon.get(gnomon.put(np.zeros(LARGE)))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
    assert array.copy().flags.writeable
