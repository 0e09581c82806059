"""What the tests of the life cycle share. Looks into /proc by itself: the code is not its own witness."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from gnomon._messages.session import SessionConfig
from gnomon._shell import session_directory
from gnomon.ids import JobID, NodeID, WorkerID

HERE = Path(__file__).resolve().parent
RUNTIME = HERE.parent.parent / "runtime"
START_LIMIT_S = 20.0
GONE_LIMIT_S = 2.0

T = TypeVar("T")


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


def wait_until(condition: Callable[[], T], what: str, limit_s: float = START_LIMIT_S) -> T:
    """The first true value of ``condition``; fails, naming ``what``, when the limit is over."""
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s} s: {what}")
        time.sleep(0.005)


def read_number(path: Path) -> int:
    wait_until(path.exists, f"{path.name} is written")
    return int(path.read_text())


def start_time(pid: int) -> str | None:
    """With the pid, which process this is; None if it has ended (a zombie has)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def is_alive(pid: int) -> bool:
    return start_time(pid) is not None


def marked(session: str) -> set[int]:
    """Pids of living processes whose environment carries the mark of ``session``."""
    mark = f"GNOMON_SESSION={session}".encode()
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit() and is_alive(int(name)):
            try:
                if mark in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                    found.add(int(name))
            except OSError:
                continue
    return found


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

    def leftovers(self) -> list[str]:
        """What is left of the session; empty when all is gone."""
        left = [f"marked process {pid}" for pid in marked(self.session)]
        left += [f"process {pid}" for pid, started in self.alive.items() if start_time(pid) == started]
        if os.path.exists(self.directory):
            left.append(self.directory)
        return left

    def expect_gone(self) -> None:
        deadline = time.monotonic() + GONE_LIMIT_S
        while left := self.leftovers():
            assert time.monotonic() < deadline, f"left after {GONE_LIMIT_S} s: {left}"
            time.sleep(0.01)


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
