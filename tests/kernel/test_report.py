"""``%remote report``: one line on what was written, and errors that say what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import gnomon
from gnomon.observe import run_report


@pytest.fixture
def ip(
    shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[InteractiveShell]:
    """A shell with the extension and a session on the inline engine, in a folder of its own."""
    script = tmp_path / "report.js"
    script.write_text("document.title;", encoding="utf-8")
    monkeypatch.setattr(run_report, "SCRIPT", script)
    monkeypatch.chdir(tmp_path)
    shell.run_line_magic("load_ext", "gnomon")
    shell.run_line_magic("remote", "start --engine inline --cpus 2")
    shell.run_cell("f = gnomon.remote(lambda number: number)").raise_error()
    yield shell
    gnomon.shutdown()


@pytest.fixture(autouse=True)
def _names(shell: InteractiveShell) -> None:
    shell.user_ns["gnomon"] = gnomon


def test_a_page_and_a_trace(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    ip.run_cell("gnomon.get([f.remote(number) for number in range(3)])").raise_error()
    capsys.readouterr()
    ip.run_line_magic("remote", "report run.html")
    told = capsys.readouterr().out
    assert told.startswith("gnomon: wrote run.html (")
    assert "needs no network" in told
    assert "gnomon-run" in Path("run.html").read_text(encoding="utf-8")
    ip.run_line_magic("remote", "report run.json")
    assert "a Chrome trace" in capsys.readouterr().out
    events = json.loads(Path("run.json").read_text(encoding="utf-8"))
    assert sum(event["ph"] == "X" for event in events) == 3


def test_a_session_that_was_stopped_can_still_be_told_of(
    ip: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    ip.run_cell("gnomon.get(f.remote(1))").raise_error()
    ip.run_line_magic("remote", "stop")
    ip.run_line_magic("remote", "report run.json")
    assert "wrote run.json" in capsys.readouterr().out
    assert sum(event["ph"] == "X" for event in json.loads(Path("run.json").read_text(encoding="utf-8"))) == 1


def test_what_can_not_be_written(ip: InteractiveShell) -> None:
    Path("mine.html").write_text("mine", encoding="utf-8")
    for line, wrong in (
        ("report", "required: FILE"),
        ("report run.pdf", r"'run.pdf' says neither: try run\.html"),
        ("report mine.html", "is no report: choose another name, or overwrite it"),
        ("report absent/run.html", "absent/run.html"),
    ):
        with pytest.raises(UsageError, match=wrong):
            ip.run_line_magic("remote", line)
    ip.run_line_magic("remote", "report mine.html --replace")
    assert Path("mine.html").read_text(encoding="utf-8") != "mine"


def test_nothing_to_tell_of(shell: InteractiveShell, tmp_path: Path) -> None:
    shell.run_line_magic("load_ext", "gnomon")
    with pytest.raises(UsageError, match="nothing to report"):
        shell.run_line_magic("remote", f"report {tmp_path}/run.html")
