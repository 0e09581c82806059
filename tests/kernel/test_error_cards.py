"""Errors as cards: what is typed and the card that comes, for the failures that people meet.

``golden/error_cards.txt`` holds both; to add one, write its ``>>>`` lines and run with ``GNOMON_UPDATE_GOLDEN=1``.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbconvert
import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

import gnomon
from gnomon.exceptions import ActorDiedError, SerializationError, TaskError, WorkerCrashedError
from gnomon_kernel import error_cards
from gnomon_kernel.error_cards import LINES_MAX, CodePlace, ErrorCard, card_of, has_card
from goldens import cases, check
from kernel.live_kernel import LiveKernel, environment

GOLDEN = Path(__file__).parent / "golden" / "error_cards.txt"

VARYING = [
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{16,40}\b"), "<id>"),
    (re.compile(r"\b(process|pid) \d+"), r"\1 <pid>"),
    (re.compile(r"store of [\d,]+ bytes"), "store of <n> bytes"),
    (re.compile(r"A value of [\d,]+ bytes"), "A value of <n> bytes"),
]

FAILS = """
%load_ext gnomon
import gnomon
gnomon.init(engine="inline")
f = gnomon.remote(lambda: 1 / 0)
"""

WAITING = """
import os, threading
import gnomon
@gnomon.remote
class Waiting:
    def wait(self):
        threading.Event().wait()
"""


@pytest.fixture
def ip(shell: InteractiveShell) -> Iterator[InteractiveShell]:
    shell.run_line_magic("load_ext", "gnomon")
    gnomon.init(engine="local", num_cpus=2, object_store_memory=2**26, log_to_driver=False)
    shell.run_cell(WAITING, store_history=True)
    yield shell
    gnomon.shutdown()


def shown(ip: InteractiveShell, capsys: Any, code: str) -> str:
    """What a terminal shows of a cell's error."""
    capsys.readouterr()
    ip.run_cell(code, store_history=True)
    written = capsys.readouterr()
    text = str(written.out + written.err).strip("\n")
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_golden_cards(ip: InteractiveShell, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_cards, "_WIDTH", 1_000)  # where lines break depends on the length of ids
    text = GOLDEN.read_text(encoding="utf-8")
    parts = [text.split("\n", 1)[0] + "\n"]
    for code in cases(text):
        typed = code.replace("\n", "\n... ")
        card = shown(ip, capsys, code)
        assert len(card.splitlines()) <= LINES_MAX
        assert "gnomon/_" not in card
        parts.append(f">>> {typed}\n{card}\n".replace("\n\n", "\n"))
    found = "\n".join(parts)
    check(GOLDEN, found, cases_min=25)


def test_debugging_and_catching_go_on_working(ip: InteractiveShell, capsys: Any) -> None:
    code = "@gnomon.remote\ndef divide(x):\n    return 1 / x\nref = divide.remote(0)"
    shown(ip, capsys, code)
    caught = (
        "try:\n    gnomon.get(ref)\nexcept ZeroDivisionError as error:\n    print('caught', error.arguments)"
    )
    assert shown(ip, capsys, caught) == "caught ('x=0',)"
    shown(ip, capsys, "def f():\n    here = 7\n    gnomon.get(ref)\nf()")
    frames = [frame.f_code.co_name for frame, _ in __import__("traceback").walk_tb(ip.InteractiveTB.tb)]
    assert frames[-1] == "f"
    shown(ip, capsys, "gnomon.observe.debug(ref)")
    assert ip.InteractiveTB.tb is not None
    last = list(__import__("traceback").walk_tb(ip.InteractiveTB.tb))[-1][0]
    assert (last.f_code.co_name, last.f_locals) == ("divide", {"x": 0})
    told = shown(
        ip,
        capsys,
        "try:\n    gnomon.get(ref)\nexcept ZeroDivisionError as e:\n    raise ValueError('no') from e",
    )
    assert "ValueError: no" in told
    assert "direct cause" in told


DIVIDES = """
@gnomon.remote
def divide(x, y):
    return x / y
@gnomon.remote
def one():
    return 1
@gnomon.remote
def middle(x):
    return gnomon.get(divide.remote(x, 0))
@gnomon.remote
def top():
    return gnomon.get(middle.remote(1))
@gnomon.remote
class Nest:
    def call(self):
        return gnomon.get(divide.remote(1, 0))
    def fail(self):
        return 1 / 0
@gnomon.remote
def asks(nest):
    ref = nest.fail.remote()
    return gnomon.get(ref)
@gnomon.remote
def asks_that(nest):
    return gnomon.get(asks.remote(nest))
"""


ADVISED = {
    "total = divide.remote(1, 0)\ngnomon.get(total)": "total",
    "both = [divide.remote(1, 1), divide.remote(1, 0)]\ngnomon.get(both)": r"both\[1\]",
    "named = {'a b': divide.remote(1, 0)}\ngnomon.get(list(named.values()))": r"named\['a b'\]",
    "gnomon.get(divide.remote(one.remote(), 0))": "[0-9a-f]{40}",
    "deep = top.remote()\ngnomon.get(deep)": "deep",
    "nest = Nest.remote()\ngnomon.get(nest.call.remote())": "[0-9a-f]{40}",
    "gnomon.get([one.remote(), divide.remote(one.remote(), 0)])": "[0-9a-f]{40}",
}


def test_what_a_card_advises_works_as_it_stands(ip: InteractiveShell, capsys: Any) -> None:
    ip.run_cell(DIVIDES, store_history=True).raise_error()
    for code, typed in ADVISED.items():
        capsys.readouterr()
        ip.run_cell(code, store_history=True)
        told = " ".join("".join(capsys.readouterr()).split())
        found = re.search(rf"What to do: (%remote debug {typed}) ", told)
        assert found is not None, told
        ip.run_cell(found[1], store_history=True)
        last = list(traceback.walk_tb(ip.InteractiveTB.tb))[-1][0]
        assert (last.f_code.co_name, last.f_locals) == ("divide", {"x": 1, "y": 0}), code
        del last


def test_a_task_that_ran_here_instead_is_told_with_its_own_line(ip: InteractiveShell, capsys: Any) -> None:
    ip.run_cell(DIVIDES, store_history=True).raise_error()
    defined = ip.execution_count - 1
    lost = "nest = Nest.remote()\ndeep = asks_that.remote(nest)\ngnomon.get(deep)"
    assert "%remote debug deep (or gnomon.observe.debug(deep)) runs asks in" in " ".join(
        shown(ip, capsys, lost).split()
    )
    told = " ".join(shown(ip, capsys, "%remote debug deep").split())
    line = DIVIDES.strip().splitlines().index("    ref = nest.fail.remote()") + 1
    assert f"in the task Nest.fail(), submitted at In [{defined}], line {line}, in asks" in told
    assert (
        "Nest.fail raised this, but can not be run again here: it is a call of an actor, or the process"
        in told
    )
    assert "asks was run, which led to it." in told


def test_what_only_the_shown_error_keeps_can_be_let_go(ip: InteractiveShell, capsys: Any) -> None:
    ip.run_cell(DIVIDES, store_history=True).raise_error()
    ip.run_cell("gnomon.get(divide.remote(1, 0))", store_history=True)
    (row,) = [row for row in gnomon.observe.memory().rows if row.producer == "divide"]
    assert row.holders[0].kind == "traceback"
    capsys.readouterr()
    ip.run_line_magic("remote", "unpin tracebacks")
    assert "1 object freed" in capsys.readouterr().out


def test_calls_of_actors_can_not_be_run_again_and_nobody_says_so(ip: InteractiveShell, capsys: Any) -> None:
    ip.run_cell(
        "@gnomon.remote\nclass C:\n    def f(self):\n        raise KeyError(1)\nc = C.remote()\nref = c.f.remote()",
        store_history=True,
    ).raise_error()
    told = " ".join(shown(ip, capsys, "gnomon.get(ref)").split())
    assert "What to do: %remote logs ref shows what it printed" in told
    assert "debug" not in told


@pytest.mark.parametrize(
    ("error", "card"),
    [
        (TaskError(), True),
        (WorkerCrashedError(), True),
        (SerializationError("x"), True),
        (ValueError(), False),
    ],
)
def test_which_errors_have_cards(error: BaseException, card: bool) -> None:
    assert has_card(error) is card
    assert not has_card(gnomon.exceptions.InternalError())


def test_a_death_card_shows_all_of_the_output_in_html_and_fifteen_lines_as_text() -> None:
    printed = "\n".join(f"line <{number}>" for number in range(20))
    card = card_of(ActorDiedError("A", "ab", "its process died", printed, exit_code=-9), lambda file: None)
    text = card.text().splitlines()
    assert len(text) <= LINES_MAX
    assert text[-2:] == [
        "    line <19>",
        "  What to do: Create a new one; max_restarts=... lets an actor come back on its own.",
    ]
    html = card.html()
    assert "line &lt;0&gt;" in html
    assert "It printed last (20 lines)" in html
    assert 'role="alert"' in html


def test_the_longest_card_keeps_its_advice() -> None:
    places = tuple(CodePlace(f"f.py, line {number}", "x" * 300) for number in range(9))
    output = tuple(f"line {number}" for number in range(30))
    card = ErrorCard("T" * 400, ("fact " * 100,), places, places[0], ("more",) * 9, output, "Do this.")
    lines = card.text().splitlines()
    assert len(lines) <= LINES_MAX
    assert lines[-1] == "  What to do: Do this."
    assert max(map(len, lines)) <= 110


def test_a_kernel_publishes_one_card_then_an_error_and_reports_the_failure(live_kernel: LiveKernel) -> None:
    live_kernel.run(
        "import gnomon\ngnomon.init(engine='inline')\nf = gnomon.remote(lambda: 1 / 0)", cell="a"
    ).check()
    cell = live_kernel.run("gnomon.get(f.remote())", cell="b")
    (shown_,) = cell.contents("display_data")
    assert shown_["data"]["text/plain"] == "ZeroDivisionError: division by zero"
    assert shown_["data"]["text/html"].startswith('<div class="jp-gnomon-error"')
    assert shown_["metadata"] == {"gnomon": {"error": "TaskError(ZeroDivisionError)"}}
    (error,) = cell.contents("error")
    assert (error["ename"], error["evalue"]) == ("TaskError(ZeroDivisionError)", "division by zero")
    assert error["traceback"][0] == "ZeroDivisionError: division by zero"
    assert 1 < len(error["traceback"]) <= LINES_MAX
    kinds = [message["header"]["msg_type"] for message in cell.messages]
    assert kinds.index("error") == kinds.index("display_data") + 1
    plain = live_kernel.run("1 / 0", cell="c")
    assert plain.contents("error")[0]["ename"] == "ZeroDivisionError"


def test_programs_that_run_notebooks_see_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """papermill looks for an output of type ``error``, nbclient at the reply; a page of nbconvert shows one of the twins."""
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    cells = [nbformat.v4.new_code_cell(code) for code in (FAILS, "gnomon.get(f.remote())", "print('on')")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="division by zero"):
        client.execute()
    failing, after = notebook.cells[1:]
    assert [output.output_type for output in failing.outputs] == ["display_data", "error"]
    assert failing.outputs[1].ename == "TaskError(ZeroDivisionError)"
    assert after.outputs == []

    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True)
    client.execute()
    assert [output.output_type for output in failing.outputs] == ["display_data", "error"]
    assert [output.text for output in after.outputs] == ["on\n"]
    page, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    twin = page.index('data-mime-type="application/vnd.jupyter.stderr"', page.index("jp-gnomon-error"))
    assert page.index(":has(.jp-gnomon-error)+.jp-OutputArea-child") < twin


READS = """
import os, pathlib
import gnomon
gnomon.init(engine="local", num_cpus=1)
@gnomon.remote
def read(name):
    return pathlib.Path(name).read_text()
"""


def test_a_file_that_a_worker_does_not_find(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    began, moved = tmp_path / "began", tmp_path / "moved"
    began.mkdir()
    moved.mkdir()
    monkeypatch.chdir(began)
    shell.run_line_magic("load_ext", "gnomon")
    try:
        shell.run_cell(READS, store_history=True)
        same = shown(shell, capsys, "gnomon.get(read.remote('data.csv'))")
        assert f"it was looked for in {began}" in same
        assert "the whole path" in same
        monkeypatch.chdir(moved)
        (moved / "data.csv").write_text("1")
        other = " ".join(shown(shell, capsys, "gnomon.get(read.remote('data.csv'))").split())
        assert f"it was looked for in {began}" in other
        assert f"it is in {moved} now. Give the whole path" in other
        whole = shown(shell, capsys, "gnomon.get(read.remote('/no/such/file'))")
        assert "looked for" not in whole
        assert shell.run_cell("gnomon.get(read.remote(os.path.abspath('data.csv')))").result == "1"
    finally:
        gnomon.shutdown()
