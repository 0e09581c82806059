"""What the tests with real processes share: a session with its inner state in reach, deadlines, and counts
of runs."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import gnomon
from gnomon._api import session

if TYPE_CHECKING:
    from gnomon._messages.cluster import NodeReport

SETTLE_S = 5.0
"""How long references and resources may take to be given back, on a machine with other work."""

GONE_S = 2.0
"""How long after its end anything of a session may be left: a promise, see ``expect_gone``."""

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, limit_s: float = 20.0) -> T:
    """The first true value of ``condition``; fails, naming ``what``, when the limit is over."""
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s} s: {what}")
        threading.Event().wait(0.01)


def forget_exceptions() -> None:
    """Let go of what the last exceptions hold: frames, and the references in them."""
    for name in ("last_value", "last_traceback", "last_type", "last_exc"):
        sys.__dict__.pop(name, None)
    gc.collect()


class Cluster:
    """A running local session, looked at from inside its driver."""

    def __init__(self) -> None:
        engine: Any = session.engine()
        self.engine = engine
        self.core = engine.core
        self.role = engine.core.role
        self.config = engine.config
        self.page_bytes = self.report().store_used

    @classmethod
    def start(cls, **options: Any) -> Cluster:
        """``gnomon.init`` with two CPUs and a store of 64 MB unless told otherwise."""
        given = {"num_cpus": 2, "object_store_memory": 64 * 2**20, "log_to_driver": False, **options}
        gnomon.init(engine="local", **given)
        return cls()

    def runs(self) -> bool:
        """Whether it is still this process's session."""
        return session.current is self.engine

    def report(self) -> NodeReport:
        """The node's state as it tells it."""
        (report,) = self.engine.view.reports()
        return report

    def store_used(self) -> int:
        """Bytes of objects in the store."""
        return int(self.report().store_used - self.page_bytes)

    def alive(self) -> set[int]:
        """Pids of living processes of the session, the driver left out."""
        return marked(self.config.session) - {os.getpid()}

    def leased_pids(self) -> list[int]:
        """Pids of the workers that this driver uses now."""
        entries = self.engine.ledger.workers.entries
        return [int(entries[leased.number][1]) for leased in list(self.role.tasks.dispatch.leased.values())]

    def held(self) -> list[str]:
        """What this driver and the node still hold for somebody; empty when nobody holds anything."""
        role = self.role
        tables = {
            "references": role.references.entries,
            "values": role.references.values,
            "awaited values": role.references.dependents,
            "tasks": role.tasks.records,
            "calls": role.calls.records,
            "generators": role.streams.streams,
            "leases": role.tasks.dispatch.leased,
        }
        found = [f"{len(table)} {name}: {list(table)[:3]}" for name, table in tables.items() if table]
        report = self.report()
        if report.available != report.resources:
            found.append(f"available {report.available} of {report.resources}")
        if report.store_used != self.page_bytes:
            found.append(f"{report.store_used - self.page_bytes} bytes of the store")
        return found

    def expect_nothing_held(self) -> None:
        """The zero check inside the session: references, tasks, resources and blocks are all given back."""
        deadline = time.monotonic() + SETTLE_S
        while left := self.held():
            assert time.monotonic() < deadline, f"left: {left[:10]}"
            forget_exceptions()
            threading.Event().wait(0.02)
        self.check()

    def check(self) -> None:
        """The invariants of the driver's role."""
        with self.core.loop.lock:
            self.role.check()

    def end(self) -> None:
        """Shut down; afterwards nothing is left."""
        gnomon.shutdown()
        config = self.config
        self.__dict__.clear()  # pytest keeps this object longer than its files may be open
        expect_gone(config.session, config.directory)


def start_time(pid: int) -> str | None:
    """With the pid, which process this is; None if it has ended (a zombie has)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def marked(name: str) -> set[int]:
    """Pids of living processes whose environment carries the mark of session ``name``."""
    mark = f"GNOMON_SESSION={name}".encode()
    found = set()
    for entry in os.listdir("/proc"):
        if entry.isdigit() and start_time(int(entry)) is not None:
            try:
                if mark in Path(f"/proc/{entry}/environ").read_bytes().split(b"\0"):
                    found.add(int(entry))
            except OSError:
                continue
    return found


def expect_gone(name: str, directory: str, also: dict[int, str | None] | None = None) -> None:
    """Nothing of a session is left ``GONE_S`` after its end; ``also``: processes (pid, start time) it has
    begun."""
    deadline = time.monotonic() + GONE_S
    while True:
        left = [f"process {pid}" for pid in marked(name)]
        left += [f"process {pid}" for pid, began in (also or {}).items() if start_time(pid) == began]
        if os.path.exists(directory):
            left.append(directory)
        if not left:
            return
        assert time.monotonic() < deadline, f"left after {GONE_S} s: {left}"
        threading.Event().wait(0.01)


def kill_process(pid: int) -> bool:
    """kill -9; False when it has ended already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


class RunCount:
    """Counts runs through one file: a byte is appended per run, so nothing is lost with a killed process."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def note(self, number: int) -> None:
        """One run of task ``number``."""
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, b"%08d\n" % number)
        finally:
            os.close(fd)

    def runs(self) -> dict[int, int]:
        """Runs by task."""
        found: dict[int, int] = {}
        if os.path.exists(self.path):
            with open(self.path, "rb") as file:
                for line in file:
                    found[int(line)] = found.get(int(line), 0) + 1
        return found
