"""What a function of another cell, or a library, has submitted is told with lines that stand where it says, on each engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import gnomon
from gnomon import observe
from gnomon.observe import hooks
from observe.root_errors import root_of

CELLS = {"cell-2.py": "In [2]", "cell-5.py": "In [5]"}

HELPERS = """
def direct(): return divide.remote(1, 0)

def helper():

    return divide.remote(1, 0)

def over():
    return top.remote()
"""


@gnomon.remote
def divide(x: int, y: int) -> float:
    return x / y


@gnomon.remote
def top() -> Any:
    return gnomon.get(divide.remote(1, 0))


@gnomon.remote
class Divider:
    def divide(self, x: int, y: int) -> float:
        return x / y


@pytest.fixture(params=["inline", "local"])
def space(request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """The variables of a notebook in which ``HELPERS`` ran as In [2]; In [5] runs now."""
    gnomon.init(engine=request.param, num_cpus=2, log_to_driver=False)
    names: dict[str, Any] = {"divide": divide, "top": top, "Divider": Divider, "gnomon": gnomon}
    run(HELPERS, names, "cell-2.py")
    hooks.set_cell_names(CELLS.get)
    hooks.set_origin(hooks.Origin("cell-id-5", "In [5]"))
    yield names
    names.clear()
    hooks.set_origin(None)
    hooks.set_cell_names(None)
    gnomon.shutdown()


def run(code: str, names: dict[str, Any], file: str = "cell-5.py") -> None:
    exec(compile(code, file, "exec"), names)


def told(names: dict[str, Any]) -> tuple[str, Any]:
    """Where an error says that its task, ``ref``, was submitted: the cell's line, and that of another cell's function."""
    error = root_of(names["ref"])
    return error.site, error.called_at


def test_a_line_of_the_cell_itself(space: dict[str, Any]) -> None:
    run("\n\nref = divide.remote(1, 0)", space)
    assert told(space) == ("In [5], line 3", None)


def test_a_function_of_the_same_cell(space: dict[str, Any]) -> None:
    run("def own():\n    return divide.remote(1, 0)\n\nref = own()", space)
    assert told(space) == ("In [5], line 2", None)


def test_a_function_of_another_cell_and_the_line_that_called_it(space: dict[str, Any]) -> None:
    run("first = helper()\n\nref = helper()", space)
    assert told(space) == ("In [5], line 3", ("cell-2.py", 6, "helper"))
    lines = [(row["cell"], row["line"]) for row in observe.tasks(name="divide")]
    assert lines == [("In [5]", 1), ("In [5]", 3)]


def test_each_way_to_a_function_of_another_cell_is_told_apart(space: dict[str, Any]) -> None:
    run("def again(number): return [helper() for _ in range(number)]", space, "cell-2.py")
    run("def own():\n    return again(2)\nrefs = again(2) + own()\n\nrefs += again(2)\nref = refs[0]", space)
    assert told(space) == ("In [5], line 3", ("cell-2.py", 6, "helper"))
    assert [row["line"] for row in observe.tasks(name="divide")] == [3, 3, 2, 2, 5, 5]
    assert {error.called_at for error in map(root_of, space["refs"])} == {("cell-2.py", 6, "helper")}


def test_what_its_task_submits_is_told_with_the_tasks_that_led_there(space: dict[str, Any]) -> None:
    run("ref = over()", space)
    error = root_of(space["ref"])
    assert (error.site, error.callers) == ("In [5], line 1", ("top",))
    assert error.called_at is not None
    assert error.called_at[0] == __file__


def test_an_actor_and_its_calls(space: dict[str, Any]) -> None:
    helpers = "def make(): return Divider.remote()\ndef ask(actor): return actor.divide.remote(1, 0)"
    run(helpers, space, "cell-2.py")
    run("\nactor = make()\nref = ask(actor)", space)
    assert told(space) == ("In [5], line 3", ("cell-2.py", 2, "ask"))
    (row,) = observe.actors()
    assert (row["cell"], row["line"]) == ("In [5]", 2)


def test_a_library_is_told_with_the_cells_line_alone(space: dict[str, Any]) -> None:
    run("def many(): return [divide.remote(1, 0)]", space, "/somewhere/library.py")
    run("\n\n\nref = many()[0]", space)
    assert told(space) == ("In [5], line 4", None)


def test_a_thread_has_no_line_of_the_cell(space: dict[str, Any]) -> None:
    def work() -> None:
        space["ref"] = space["helper"]()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert told(space) == ("In [5]", ("cell-2.py", 6, "helper"))


def test_lines_below_a_cell_magic_are_counted_from_the_cells_first(space: dict[str, Any]) -> None:
    def run_cell_magic(body: str) -> None:
        run(body, space, "<timed exec>")

    space["run_cell_magic"] = run_cell_magic
    run("run_cell_magic('x = 1\\nref = divide.remote(1, 0)')", space)
    assert told(space) == ("In [5], line 3", None)
    run("run_cell_magic('x = 1\\n(ref,) = [divide.remote(1, 0) for _ in range(1)]')", space)
    assert told(space) == ("In [5], line 3", None)
    run("run_cell_magic('x = 1\\nref = helper()')", space)
    assert told(space) == ("In [5], line 1", ("cell-2.py", 6, "helper"))


def test_the_same_instruction_of_two_functions_is_not_the_same_place(space: dict[str, Any]) -> None:
    run("def one(): return divide.remote(1, 0)\ndef two(): return divide.remote(1, 0)", space)
    for name, line in [("one", 1), ("two", 2), ("one", 1)]:
        run(f"ref = {name}()", space)
        assert told(space) == (f"In [5], line {line}", None)


def test_each_cell_has_places_of_its_own(space: dict[str, Any]) -> None:
    run("ref = direct()", space)
    assert told(space) == ("In [5], line 1", ("cell-2.py", 2, "direct"))
    hooks.set_origin(hooks.Origin("cell-id-2", "In [2]"))
    run("ref = direct()", space, "cell-2.py")
    assert told(space) == ("In [2], line 2", None)
