"""Processes as /proc shows them: who lives, who belongs to a session, and how to hit one of them and nobody else.

Written apart from ``gnomon._shell.reaping``: the code under test is not its own witness.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import TypeVar

GONE_S = 2.0
"""How long after its end anything of a session may be left: a promise, which the storms hold it to."""

PATIENCE_S = 20.0
"""How long a test waits for what must come, or go: a busy machine is no fault."""

T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, limit_s: float = PATIENCE_S) -> T:
    """The first true value of ``condition``, looked at every 10 ms.

    Raises:
        AssertionError: the limit is over; names ``what``.
    """
    deadline = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {limit_s} s: {what}")
        Event().wait(0.01)


def start_time(pid: int) -> str | None:
    """With the pid, which process this is; None if it has ended (a zombie has)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def is_alive(pid: int) -> bool:
    """Whether a process has this pid and has not ended."""
    return start_time(pid) is not None


def process_name(pid: int) -> str:
    """What ``ps`` shows; "" when the process has ended."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def bears(pid: int, mark: str) -> bool:
    """Whether a living process has ``mark`` (``NAME=value``) in the environment it was started with."""
    try:
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") and is_alive(pid)
    except OSError:
        return False


def bearers(mark: str) -> set[int]:
    """Pids of the living processes that bear ``mark``: also of those whose parents have gone."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit() and bears(int(name), mark)}


def marked(session: str) -> set[int]:
    """Pids of the living processes of ``session``."""
    return bearers(f"GNOMON_SESSION={session}")


def expect_gone(
    session: str, directory: str, also: Mapping[int, str | None] | None = None, limit_s: float = PATIENCE_S
) -> None:
    """Wait until nothing of a session is left.

    Args:
        session: its id.
        directory: its directory.
        also: processes it has begun, by pid their start time.
        limit_s: how long that may take.

    Raises:
        AssertionError: something is left after ``limit_s`` seconds; names it.
    """

    def left() -> list[str]:
        found = [f"process {pid}" for pid in marked(session)]
        for pid, began in (also or {}).items():
            if began is not None and start_time(pid) == began:  # None: it had ended before it was looked at
                found.append(f"process {pid}")
        return [*found, directory] if os.path.exists(directory) else found

    deadline = time.monotonic() + limit_s
    while remains := left():
        assert time.monotonic() < deadline, f"left after {limit_s} s: {remains}"
        Event().wait(0.01)


def kill_process(pid: int) -> bool:
    """Kill -9 of a process of one's own; False when it has ended already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def strike(pid: int, session: str, number: int = signal.SIGKILL) -> bool:
    """Send a signal to ``pid`` if it is a process of ``session``.

    The mark is read between opening a handle and the signal, so a number that the kernel has given to
    somebody else is never hit.

    Returns:
        Whether the signal was sent.
    """
    try:
        handle = os.pidfd_open(pid)
    except OSError:  # it has ended
        return False
    try:
        if not bears(pid, f"GNOMON_SESSION={session}"):
            return False
        signal.pidfd_send_signal(handle, number)
    except OSError:  # it has ended
        return False
    finally:
        os.close(handle)
    return True
