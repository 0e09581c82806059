"""kill -9 of the driver with tasks, actors and what they have started: two seconds later nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cluster_tools import expect_gone, kill_process, marked, start_time, wait_until

HERE = Path(__file__).resolve().parent
EXPECTED = {"task": 2, "actor": 2, "plain": 4, "setsid": 4, "daemon": 4}
"""Two tasks run on two CPUs; one actor and one nested in it; each starts three processes."""


def kill_a_driver(notes: Path) -> None:
    notes.mkdir()
    driver = subprocess.Popen(
        [sys.executable, str(HERE / "doomed_driver.py"), str(notes)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert driver.stdout is not None
        name, directory = driver.stdout.readline().split()
        wait_until(lambda: count(notes) == EXPECTED, "all have started their children")
        pids = {int(path.read_text()) for path in notes.iterdir()} | marked(name)
        began = {pid: start_time(pid) for pid in pids if pid != driver.pid}
        assert None not in began.values()
    finally:
        kill_process(driver.pid)
        driver.wait()
        assert driver.stdout is not None
        driver.stdout.close()
    expect_gone(name, directory, began)


def count(notes: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    for path in notes.iterdir():
        kind = path.name.partition("-")[0]
        if not path.suffix:
            found[kind] = found.get(kind, 0) + 1
    return found


@pytest.mark.parametrize("repeat", range(3))
def test_kill_9_of_the_driver_leaves_nothing(tmp_path: Path, repeat: int) -> None:
    kill_a_driver(tmp_path / "notes")


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kill_9_of_the_driver_leaves_nothing_50_times(tmp_path: Path) -> None:
    for repeat in range(50):
        kill_a_driver(tmp_path / str(repeat))
