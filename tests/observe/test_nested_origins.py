"""What a task has submitted tells where in its code that was, and which tasks led to it, on each engine alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import gnomon
from gnomon import observe
from gnomon.observe import hooks
from observe.root_errors import root_of


@gnomon.remote
def divide(x: int, y: int) -> float:
    return x / y


@gnomon.remote
def middle(x: int) -> Any:
    def within() -> Any:
        return divide.remote(x, 0)

    return gnomon.get(within())


@gnomon.remote
def top(x: int) -> Any:
    return gnomon.get(middle.remote(x))


@pytest.fixture(params=["inline", "local"], autouse=True)
def session(request: pytest.FixtureRequest) -> Iterator[None]:
    gnomon.init(engine=request.param, num_cpus=2, log_to_driver=False)
    yield
    hooks.set_origin(None)
    gnomon.shutdown()


def test_from_a_cell() -> None:
    hooks.set_origin(hooks.Origin("cell-1", "In [3]"))
    error = root_of(top.remote(1))
    line = observe.tasks(name="top")[0]["line"]
    assert error.function_name == "divide"
    assert error.callers == ("top", "middle")
    assert error.site == f"In [3], line {line}"
    assert error.called_at is not None
    file, called, function = error.called_at
    assert (file, function) == (__file__, "within")
    with open(__file__, encoding="utf-8") as source:
        assert "divide.remote(x, 0)" in source.read().splitlines()[called - 1]


def test_what_the_notebook_has_submitted_itself_was_called_by_nobody() -> None:
    hooks.set_origin(hooks.Origin("cell-1", "In [3]"))
    error = root_of(divide.remote(1, 0))
    assert (error.callers, error.called_at) == ((), None)
    assert error.site.startswith("In [3], line ")


def test_outside_of_notebooks_nothing_is_noted() -> None:
    error = root_of(top.remote(1))
    assert (error.site, error.callers, error.called_at) == ("", (), None)
