"""What a notebook has made with code that it has changed since says so; and whose variable was given up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import gnomon
from gnomon.testing.processes import wait_until

DEFINE = "@gnomon.remote\ndef train(x):\n    return x"
ACTOR = "@gnomon.remote\nclass Counter:\n    def get(self):\n        return 1"
STALE = "[row['stale'] for row in gnomon.observe.tasks()]"


class Notebook:
    """Cells with ids, as a front end runs them, in this process."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell

    def run(self, code: str, cell: str) -> None:
        self.shell.run_cell(code, store_history=True, cell_id=cell).raise_error()

    def value(self, code: str) -> Any:
        self.run(f"found = {code}", "look")
        return self.shell.user_ns["found"]


@pytest.fixture
def kernel(shell: InteractiveShell) -> Iterator[Notebook]:
    shell.run_line_magic("load_ext", "gnomon")
    notebook = Notebook(shell)
    notebook.run("import gnomon\nimport gnomon.observe\ngnomon.init(engine='inline')", "start")
    yield notebook
    shell.reset(new_session=False)
    gnomon.shutdown()


def test_a_cell_that_runs_again_with_another_text_makes_its_tasks_stale(kernel: Notebook) -> None:
    kernel.run(DEFINE, cell="def")
    kernel.run("first = train.remote(1)", cell="work")
    assert kernel.value(STALE) == [""]
    kernel.run("second = train.remote(2)", cell="work")
    (old, new) = kernel.value(STALE)
    assert (old.startswith("made by an older In ["), new) == (True, "")
    shown = kernel.value("repr([first, second])")
    assert f", stale: {old})" in shown
    assert shown.count("stale") == 1
    assert kernel.value("gnomon.why(first).details[-1]") == f"stale: {old}"
    assert "stale" not in kernel.value("repr(gnomon.why(second))")
    held = kernel.value("gnomon.observe.memory_text(gnomon.observe.memory())")
    assert held.count("(stale)") == 1


def test_the_same_text_changes_nothing(kernel: Notebook) -> None:
    kernel.run(DEFINE, cell="def")
    for _ in range(2):
        kernel.run("ref = train.remote(1)", cell="work")
        kernel.run(DEFINE, cell="def")
    assert kernel.value(STALE) == ["", ""]


def test_a_function_that_is_defined_otherwise_makes_its_tasks_stale(kernel: Notebook) -> None:
    kernel.run(DEFINE, cell="def")
    kernel.run("ref = train.remote(1)", cell="work")
    kernel.run(DEFINE + " + 1", cell="def")
    assert kernel.value(STALE) == ["made with an older train"]
    kernel.run("other = train.remote(1)", cell="more")
    assert kernel.value(STALE) == ["made with an older train", ""]


def test_an_actor_of_a_cell_that_has_changed(kernel: Notebook) -> None:
    kernel.run(ACTOR, cell="def")
    kernel.run("keep = [Counter.remote()]", cell="work")
    kernel.run("keep.append(Counter.remote())", cell="work")
    assert kernel.value("[row['stale'] for row in gnomon.observe.actors()]") == [True, False]
    shown = kernel.value("repr(keep)")
    assert shown.count("stale: made by an older run of its cell") == 1


@pytest.mark.parametrize(
    ("code", "how"), [("counter = 3", "overwritten"), ("del counter", "deleted"), ("pass", "")]
)
def test_an_actor_whose_variable_was_given_up(kernel: Notebook, code: str, how: str) -> None:
    kernel.run(ACTOR, cell="def")
    kernel.run("counter = Counter.remote()", cell="make")
    kernel.run(code, cell="lose")
    if not how:
        assert kernel.value("gnomon.observe.actors()[0]['cause']") == ""
        return
    wait_until(lambda: kernel.value("gnomon.observe.actors()[0]['state']") == "dead", "it has died", 20.0)
    cause = kernel.value("gnomon.observe.actors()[0]['cause']")
    assert f": its variable counter was {how} in In [" in cause
    why = "gnomon.why(gnomon.observe.actors()[0]['id']).sentence"
    assert f"its variable counter was {how}" in kernel.value(why)
