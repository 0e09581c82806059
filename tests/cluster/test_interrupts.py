"""Ctrl-C at random instants: the next cell works, and nothing is left of what was interrupted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROGRAMS = [
    "submit_and_get", "call_in_turn", "put_and_get", "put_large", "wait_long", "call_actors", "take_items",
    "leave_items",
]  # fmt: skip


def interrupt(program: str, times: int, seed: int) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "interrupted_driver.py"), program, str(times), str(seed)],
        capture_output=True,
        text=True,
        timeout=100 + times,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), *sys.path])},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["wrong"] == [], done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_session_works_after_each_of_50_interrupts(program: str) -> None:
    interrupt(program, 50, seed=len(program))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_session_works_after_each_of_500_interrupts(program: str) -> None:
    interrupt(program, 500, seed=1)
