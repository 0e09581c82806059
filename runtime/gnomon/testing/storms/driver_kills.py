"""driver-kills: kill -9 of drivers at random instants, and with everything running; two seconds later nothing is left.

While it starts, or when its tasks and actors have started processes of their own: plain ones, such with a
session of their own, and daemons.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from gnomon.testing.processes import (
    GONE_S,
    bearers,
    expect_gone,
    kill_process,
    marked,
    start_time,
    wait_until,
)
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import scratch, told

EXPECTED = {"task": 2, "actor": 2, "plain": 4, "setsid": 4, "daemon": 4}
"""Two tasks run on two CPUs; one actor and one nested in it; each starts three processes."""

EARLY = 0.4
"""Share of the drivers that are killed at a random instant of their first moments ..."""

EARLY_S = 1.0
"""... so long."""


def run(report: Report, seed: int, repeats: int) -> None:
    """See the module."""
    chooser = random.Random(seed)
    report.facts = {"killed while starting": 0, "killed at work": 0}
    for number in range(repeats):
        if report.is_late():
            return
        early = chooser.random() < EARLY
        instant_s = chooser.random() * EARLY_S
        with told(report), scratch() as folder:
            _kill_one(
                folder, f"GNOMON_STORM={os.getpid()}-{time.monotonic_ns()}", instant_s if early else None
            )
        what = "killed while starting" if early else "killed at work"
        report.facts[what] = int(report.facts[what]) + 1
        report.progress(f"{number + 1} drivers killed")


def _kill_one(folder: Path, mark: str, instant_s: float | None) -> None:
    """Start a driver, kill it, and see that all it has started goes with it.

    Args:
        folder: for its notes and for its session's directory.
        mark: in the environment of all its processes.
        instant_s: when it is killed; None for when all is running.
    """
    notes = folder / "notes"
    notes.mkdir()
    name, value = mark.split("=")
    environment = {**os.environ, name: value, "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "gnomon.testing.storms.doomed_driver", str(notes)]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    session, directory = "", ""
    began: dict[int, str | None] = {}
    try:
        if instant_s is not None:
            threading.Event().wait(instant_s)
        else:
            assert driver.stdout is not None
            session, directory = driver.stdout.readline().split()
            wait_until(lambda: _kinds(notes) == EXPECTED, "all have started their children")
            pids = {int(path.read_text()) for path in notes.iterdir()} | marked(session)
            began = {pid: start_time(pid) for pid in pids if pid != driver.pid}
            assert None not in began.values(), "one has ended before its driver"
    finally:
        kill_process(driver.pid)
        driver.wait()
        assert driver.stdout is not None
        driver.stdout.close()
    if session:
        expect_gone(session, directory, began, GONE_S)
    wait_until(lambda: not _left(folder, mark), "nothing is left: " + ", ".join(_left(folder, mark)), GONE_S)


def _kinds(notes: Path) -> Counter[str]:
    return Counter(path.name.partition("-")[0] for path in notes.iterdir() if not path.suffix)


def _left(folder: Path, mark: str) -> list[str]:
    found = [f"process {pid}" for pid in bearers(mark)]
    return found + [str(path) for path in folder.iterdir() if path.name != "notes"]
