"""The programs beside this file mean the same to mypy and to pyright: what is revealed, what is an error."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAMS = sorted(path.name for path in HERE.glob("*.py") if not path.name.startswith("test_"))

REVEALED = re.compile(r'(?:Revealed type|Type of ".+") is "(.+)"')


def plain(text: str) -> str:
    """A type without modules, the parts of a union in order."""
    text = re.sub(r"\b(?:\w+\.)+(\w+)", r"\1", text)
    return " | ".join(sorted(text.split(" | ")))


def expected(program: str) -> tuple[dict[int, str], set[int]]:
    """Types by line, and the lines with an error."""
    types, errors = {}, set()
    for number, line in enumerate((HERE / program).read_text().splitlines(), start=1):
        if found := re.search(r"# is (.+)$", line):
            types[number] = plain(found[1])
        if line.endswith("# error"):
            errors.add(number)
    return types, errors


def mypy(tmp_path: Path) -> list[tuple[str, int, bool, str]]:
    """(file, line, whether it is an error, message) of all that mypy says."""
    options = ["--strict", "--config-file", os.devnull, "--cache-dir", str(tmp_path)]
    told = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *PROGRAMS],
        cwd=HERE,
        env={"MYPYPATH": f"{ROOT / 'runtime'}:{ROOT / 'kernel_ext'}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    lines = re.findall(r"^(\w+\.py):(\d+): (error|note): (.*)$", told.stdout, re.MULTILINE)
    assert lines, told.stdout + told.stderr
    return [(file, int(line), kind == "error", text) for file, line, kind, text in lines]


def pyright(_tmp_path: Path) -> list[tuple[str, int, bool, str]]:
    """The same of pyright, which comes with the front end's tools (``npm ci``)."""
    local = ROOT / "node_modules" / ".bin" / "pyright"
    command = str(local) if local.exists() else shutil.which("pyright")
    if command is None:
        pytest.skip("pyright is not installed: npm ci")
    told = subprocess.run(
        [command, "--outputjson", "--pythonpath", sys.executable, "-p", str(HERE)],
        capture_output=True,
        text=True,
    )
    return [
        (
            Path(each["file"]).name,
            each["range"]["start"]["line"] + 1,
            each["severity"] == "error",
            each["message"],
        )
        for each in json.loads(told.stdout)["generalDiagnostics"]
        if Path(each["file"]).name in PROGRAMS
    ]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_programs(checker, tmp_path: Path) -> None:
    told = checker(tmp_path)
    for program in PROGRAMS:
        types, errors = expected(program)
        assert types
        assert errors
        mine = [each[1:] for each in told if each[0] == program]
        revealed = {
            line: plain(found[1]) for line, _, text in mine if (found := REVEALED.search(text)) is not None
        }
        assert revealed == types, program
        assert {line for line, is_error, _ in mine if is_error} == errors, program
