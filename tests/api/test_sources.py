"""Tracebacks of tasks: the lines that only this process has are shown, under the name people give the cell."""

from __future__ import annotations

import linecache

import pytest

import gnomon
from gnomon.exceptions import TaskError

CELL = "/tmp/ipykernel_1/123.py"
TEXT = (
    f'Traceback (most recent call last):\n  File "{CELL}", line 2, in f\nZeroDivisionError: division by zero'
)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "def f(x):\n    return 1 / x\n"
    monkeypatch.setitem(linecache.cache, CELL, (len(source), None, source.splitlines(True), CELL))


def test_the_line_of_a_cell_is_shown(cell: None) -> None:
    error = TaskError("f", TEXT)
    error.show_sources(lambda file: "In [3]" if file == CELL else None)
    assert "  In [3], line 2, in f\n    return 1 / x\nZeroDivisionError" in str(error)


def test_showing_twice_changes_nothing_more(cell: None) -> None:
    error = TaskError("f", TEXT)
    error.show_sources()
    once = str(error)
    error.show_sources()
    assert str(error) == once
    assert once.count("return 1 / x") == 1


def test_a_file_that_is_nowhere_is_left_as_it_is() -> None:
    error = TaskError("f", TEXT)
    error.show_sources(lambda _file: None)
    assert error.traceback_str == TEXT


def test_an_error_of_get_has_no_frames_of_the_runtime() -> None:
    gnomon.init(engine="inline", num_cpus=1)
    try:

        @gnomon.remote
        def fails() -> None:
            raise KeyError("x")

        with pytest.raises(KeyError) as caught:
            gnomon.get(fails.remote())
        places = [entry.path.name for entry in caught.traceback]
        assert places[0] == "test_sources.py"
        assert len(places) <= 2
    finally:
        gnomon.shutdown()
