import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

import gnomon
from gnomon.__main__ import main
from gnomon.testing.microbenchmark import command
from gnomon.testing.microbenchmark.baselines import copies_and_puts_gb_per_s, measure_baselines
from gnomon.testing.microbenchmark.goals import FIRST_RESULT, IDLE_MEMORY, goal
from gnomon.testing.microbenchmark.report import as_json, figure, print_report
from gnomon.testing.microbenchmark.runner import Environment, Result, row_names

STEADY = "single client put gigabytes, steady state"
SYNC = "single client tasks sync"
RAY = Environment("2.0", "3.11.0", jupyterlab=False)


def printed(results, environments, baselines=()) -> str:
    console = Console(file=io.StringIO(), width=160)
    print_report(console, results, environments, quick=False, baselines=baselines)
    return console.file.getvalue()


@pytest.fixture
def measured(system, monkeypatch):
    """The command with serial systems in the place of gnomon and Ray."""
    monkeypatch.setattr(command, "gnomon_system", lambda: system("serial_system"))
    monkeypatch.setattr(command, "ray_system", lambda python: system("serial_system", "ray"))
    return CliRunner()


def test_every_row_has_a_goal() -> None:
    without = [name for name in row_names() if goal(name, beside_jupyterlab=False) is None]
    assert without == [STEADY]  # which is held against a plain copy
    assert goal("a row of tomorrow", beside_jupyterlab=False) is None


def test_more_is_asked_beside_jupyterlab() -> None:
    assert goal(FIRST_RESULT, beside_jupyterlab=True) > goal(FIRST_RESULT, beside_jupyterlab=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (1234567.8, "1,234,568"), (99.96, "100"), (2.537, "2.54"), (0.0123, "0.0123")],
)
def test_figures_are_readable(value, text) -> None:
    assert figure(value) == text


def test_json_has_the_five_keys() -> None:
    results = [
        Result(SYNC, "1/s", {"gnomon": 4000.0, "ray": 800.0}),
        Result(IDLE_MEMORY, "MB", {"gnomon": 100.0, "ray": 400.0}),
        Result(SYNC, "1/s", {"gnomon": 4000.0}),
    ]
    assert json.loads(as_json(results)) == [
        {"row": SYNC, "unit": "1/s", "gnomon": 4000.0, "ray": 800.0, "ratio": 5.0},
        {"row": IDLE_MEMORY, "unit": "MB", "gnomon": 100.0, "ray": 400.0, "ratio": 4.0},
        {"row": SYNC, "unit": "1/s", "gnomon": 4000.0, "ray": None, "ratio": None},
    ]


def test_the_table_marks_goals() -> None:
    results = [
        Result(SYNC, "1/s", {"gnomon": 4000.0, "ray": 800.0}),
        Result(IDLE_MEMORY, "MB", {"gnomon": 200.0, "ray": 400.0}),
    ]
    text = printed(results, {"gnomon": RAY, "ray": RAY})
    sync = next(line for line in text.splitlines() if SYNC in line)
    memory = next(line for line in text.splitlines() if IDLE_MEMORY in line)
    assert "4,000" in sync
    assert "pass" in sync
    assert "miss" in memory
    assert "JupyterLab not in the same environment" in text


def test_the_table_of_gnomon_alone_has_no_ratio() -> None:
    text = printed([Result(SYNC, "1/s", {"gnomon": 4000.0})], {"gnomon": RAY})
    assert "ratio" not in text
    assert "4,000" in text


def test_failures_are_told_in_full() -> None:
    text = printed([Result(SYNC, "1/s", {}, {"gnomon": "MemoryError: no [room]"})], {"gnomon": RAY})
    assert f"{SYNC}: gnomon failed: MemoryError: no [room]" in text


def test_the_command_prints_and_writes(measured, tmp_path) -> None:
    path = tmp_path / "figures.json"
    result = measured.invoke(
        main, ["microbenchmark", "--quick", "--against", "ray", "--rows", SYNC, "--json", str(path)]
    )
    assert result.exit_code == 0, result.output
    assert SYNC in result.output
    (row,) = json.loads(path.read_text())
    assert row["row"] == SYNC
    assert row["ratio"] == row["gnomon"] / row["ray"]


def test_a_failing_gnomon_is_an_exit_code(measured, system, monkeypatch) -> None:
    monkeypatch.setattr(command, "gnomon_system", lambda: system("failing_system"))
    result = measured.invoke(main, ["microbenchmark", "--quick", "--rows", "client put calls"])
    assert result.exit_code == 1
    assert "no room for anything" in result.output


@pytest.mark.parametrize(
    ("pattern", "says"), [("nothing like it", "Choose from"), ("[", "no regular expression")]
)
def test_a_pattern_without_rows_is_refused(pattern, says, measured) -> None:
    result = measured.invoke(main, ["microbenchmark", "--rows", pattern])
    assert result.exit_code == 2
    assert says in result.output


def test_an_environment_without_ray_is_refused(measured, system, monkeypatch) -> None:
    monkeypatch.setattr(command, "ray_system", lambda python: system("no_such_module", "ray"))
    result = measured.invoke(main, ["microbenchmark", "--against", "ray", "--rows", SYNC])
    assert result.exit_code == 2
    assert "--ray-python" in result.output


def test_help_imports_neither_the_runtime_nor_the_table() -> None:
    program = (
        "import sys; from gnomon.__main__ import main\n"
        "try: main(['--help'], prog_name='gnomon')\n"
        "except SystemExit: pass\n"
        "print([m for m in ('zmq', 'rich', 'numpy', 'psutil') if m in sys.modules])"
    )
    runtime = str(Path(gnomon.__path__[0]).parent)
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": runtime},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "microbenchmark" in shown
    assert shown.splitlines()[-1] == "[]"


def test_rows_are_held_against_the_machine() -> None:
    (sync,) = measure_baselines(
        [Result(SYNC, "1/s", {"gnomon": 1.0}), Result(IDLE_MEMORY, "MB", {"gnomon": 1.0})]
    )
    assert sync.limit > 1
    assert sync.reached == 1.0 / sync.limit
    text = printed([], {"gnomon": RAY}, baselines=[sync])
    assert f"{SYNC}: 0.00 of a raw ZeroMQ ping-pong" in text
    assert "goal 0.4: miss" in text


def test_puts_are_measured_beside_copies() -> None:
    assert min(copies_and_puts_gb_per_s()) > 0
