"""The command as users run it, on gnomon itself. Figures are not judged, only that every row has one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gnomon
from gnomon.testing.microbenchmark.runner import row_names


def microbenchmark(path, *options) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "gnomon", "microbenchmark", "--quick", "--json", str(path), *options]
    runtime = str(Path(gnomon.__file__).parents[1])
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": runtime}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(path.read_text())


def test_chosen_rows(tmp_path) -> None:
    rows = microbenchmark(tmp_path / "figures.json", "--rows", "1:1 actor calls sync|idle memory")
    assert [row["row"] for row in rows] == ["1:1 actor calls sync", "idle memory"]
    assert all(row["gnomon"] > 0 for row in rows)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_every_row(tmp_path) -> None:
    rows = microbenchmark(tmp_path / "figures.json")
    assert [row["row"] for row in rows] == row_names()
    assert all(row["gnomon"] > 0 for row in rows)
