"""Hints under the cells of a real notebook, each once; and ``%remote coach``."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import gnomon
from gnomon.observe.coach import Hint
from gnomon_kernel.coaching import as_html
from kernel.live_kernel import LiveKernel, RunningCell

SETUP = """
import os, time
import gnomon
gnomon.init(engine="local", num_cpus=3, object_store_memory=200_000_000)
@gnomon.remote
def work(x):
    time.sleep(0.4)
    return x
@gnomon.remote
def length(data):
    return len(data)
@gnomon.remote(num_cpus=0)
def inner(folder, number, parties):
    open(f"{folder}/{number}", "w").close()
    while len(os.listdir(folder)) < parties:
        time.sleep(0.01)
    time.sleep(0.4)
@gnomon.remote
def outer(*meeting):
    return gnomon.get(inner.remote(*meeting))
"""


def hints_of(cell: RunningCell) -> dict[str, str]:
    """The hints below a cell: kind and text."""
    return {
        shown["metadata"]["gnomon"]["hint"]: shown["data"]["text/plain"]
        for shown in cell.contents("display_data")
        if "hint" in shown["metadata"].get("gnomon", {})
    }


def hint_soon(kernel: LiveKernel, kind: str, code: str) -> str:
    """The hint of this kind below a cell, or below one that runs after it: some depend on what other processes report."""
    found = hints_of(kernel.run(code).check())

    def come() -> bool:
        if kind not in found:
            found.update(hints_of(kernel.run("None").check()))
        return kind in found

    kernel.until(come, f"a hint of {kind}")
    return found[kind]


def test_hints_come_once_with_cost_and_place(live_kernel: LiveKernel, tmp_path: Path) -> None:
    kernel = live_kernel
    kernel.run(SETUP, cell="setup").check()
    loop = "values = []\nfor x in range(4):\n    values.append(gnomon.get(work.remote(x)))"
    cell = kernel.run(loop, cell="loop").check()
    text = hints_of(cell)["get-in-a-loop"]
    assert text.startswith(
        "Hint: In [3], line 3: get waits for each work before the next one is submitted: 4 calls "
    )
    assert "on 3 CPUs at once about" in text
    assert hints_of(kernel.run(loop, cell="loop").check()) == {}

    passed = (
        "data = bytearray(20_000_000)\nsizes = gnomon.get([\n    length.remote(data) for _ in range(4)\n])"
    )
    text = hints_of(kernel.run(passed, cell="passed").check())["large-argument"]
    assert text == (
        "Hint: In [5], line 3: length was given the same argument of 20.0 MB by value 4 times, which copied 80.0 MB into "
        "the store. Store it once with ref = gnomon.put(data), and pass ref instead."
    )

    nested = f"gnomon.get([outer.remote({str(tmp_path)!r}, n, 6) for n in range(6)])"
    text = hint_soon(kernel, "nested-get", nested)
    assert text.startswith("Hint: In [6], line 1: 6 tasks of outer waited inside for ")

    output = kernel.run("{'kept': gnomon.put(bytearray(90_000_000))}").check()
    (number,) = [each["execution_count"] for each in output.contents("execute_result")]
    text = hint_soon(kernel, "pinned-outputs", "None")
    assert (
        f"In [{number}]: its output, Out[{number}], keeps 1 object of 90.0 MB that nothing else uses" in text
    )
    assert "freed" in kernel.run(f"%remote unpin {number}").check().text()

    listed = kernel.run("%remote coach").check().text().splitlines()
    assert listed[0] == "gnomon coach has given 4 hints:"
    assert listed[1].startswith("  In [3], line 3: get waits")


def test_a_good_cell_and_a_coach_that_is_off(live_kernel: LiveKernel) -> None:
    kernel = live_kernel
    kernel.run(SETUP, cell="setup").check()
    good = "refs = [work.remote(x) for x in range(4)]\nfor ref in refs:\n    gnomon.get(ref)"
    assert hints_of(kernel.run(good, cell="good").check()) == {}
    assert kernel.run("%remote coach off").check().text() == "gnomon coach is off\n"
    loop = "for x in range(4):\n    gnomon.get(work.remote(x))"
    assert hints_of(kernel.run(loop, cell="loop").check()) == {}
    told = kernel.run("%remote coach on\n%remote coach").check()
    assert told.text() == "gnomon coach is on\ngnomon coach is on, and has no hints so far\n"


def test_without_a_session_and_in_a_terminal(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_line_magic("load_ext", "gnomon")
    shell.run_cell("1 + 1", store_history=True)
    shell.run_line_magic("remote", "coach")
    assert capsys.readouterr().out.endswith("gnomon coach is on, and has no hints so far\n")
    assert not gnomon.is_initialized()
    with pytest.raises(UsageError, match="choose from 'on', 'off'"):
        shell.run_line_magic("remote", "coach maybe")


def test_a_hint_as_html_escapes_what_users_write() -> None:
    html = as_html(Hint("tiny-tasks", 'a"b', "In [3]", 4, "<lambda> ran", "Do & more."))
    assert "&lt;lambda&gt; ran Do &amp; more." in html
    assert (
        'role="note" data-gnomon-hint="tiny-tasks" data-gnomon-cell="a&quot;b" data-gnomon-line="4"' in html
    )
    assert "<b>Hint, In [3], line 4:</b>" in html
