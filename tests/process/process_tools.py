"""What the tests of the life cycle share, beside ``gnomon.testing.processes``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from gnomon._messages.session import SessionConfig
from gnomon._shell import session_directory
from gnomon.ids import JobID, NodeID, WorkerID
from gnomon.testing.processes import expect_gone, start_time, wait_until

HERE = Path(__file__).resolve().parent
RUNTIME = HERE.parent.parent / "runtime"


def environment() -> dict[str, str]:
    """For processes that import the runtime and these tools."""
    path = os.pathsep.join([str(RUNTIME), str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path}


def make_config(lifeline_fd: int, notes: Path, plan: str, *, padding: int = 0) -> SessionConfig:
    return SessionConfig(
        session=os.urandom(8).hex(),
        directory=session_directory.create(),
        driver=WorkerID(b"driver--"),
        job=JobID(b"job-"),
        node=NodeID(b"node-id-"),
        node_process=WorkerID(b"node----"),
        head_process=WorkerID(b"head----"),
        namespace="test",
        arena_fd=os.memfd_create("arena"),
        arena_bytes=0,
        lifeline_fd=lifeline_fd,
        resources={},
        prestart=0,
        workers_max=100,
        working_directory=str(notes),
        sys_path=[*sys.path, "/a folder of the driver"],
        settings={"notes": str(notes), "plan": plan, "padding": "x" * padding},
    )


def read_number(path: Path) -> int:
    wait_until(path.exists, f"{path.name} is written")
    return int(path.read_text())


class RunningSession(NamedTuple):
    """A session under test, and everybody in it."""

    driver: subprocess.Popen[str]
    session: str
    directory: str
    bystander: int
    notes: Path
    alive: dict[int, str | None]

    def pid(self, name: str) -> int:
        return read_number(self.notes / name)

    def expect_gone(self) -> None:
        expect_gone(self.session, self.directory, self.alive)


def start_driver(notes: Path, plan: str, processes: int, *options: str) -> RunningSession:
    """Start a driver with a session in a process of its own; returns when ``processes`` of it live."""
    notes.mkdir(exist_ok=True)
    command = [sys.executable, str(HERE / "session_driver.py"), str(notes), plan, *options]
    driver = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    session, directory, bystander = driver.stdout.readline().split()
    driver.stdout.close()

    def all_alive() -> list[Path]:
        found = list(notes.glob("alive-*"))
        return found if len(found) >= processes else []

    pids = {int(path.read_text()) for path in wait_until(all_alive, f"{processes} processes live")}
    pids |= {read_number(notes / name) for name in ("node", "zygote", "head")}
    alive = {pid: start_time(pid) for pid in pids}
    assert None not in alive.values(), alive
    return RunningSession(driver, session, directory, int(bystander), notes, alive)
