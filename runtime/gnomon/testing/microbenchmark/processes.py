"""The processes of one session, found by a token in their environment: memory, processor time, their end.

A token survives what a process tree does not: a daemon whose parent has gone still carries it.
"""

from __future__ import annotations

import time

import psutil

TOKEN_VARIABLE = "GNOMON_MICROBENCHMARK_TOKEN"

SETTLED_SHARE = 0.01
"""Memory counts as settled when it changed by less than this between two samples."""

QUIET_CORES = 0.2
"""A session counts as quiet below this many cores' work; Ray's daemons alone need about a tenth of one."""

QUIET_WINDOW_S = 0.15


def session_processes(token: str) -> list[psutil.Process]:
    """Everything that was started under ``token``, ordered by process id."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TOKEN_VARIABLE) == token:
                found.append(process)
        except (psutil.Error, OSError):  # gone meanwhile, or not ours to look at
            continue
    return found


def settled_memory_bytes(token: str, driver: int, deadline_s: float, interval_s: float = 0.5) -> int:
    """PSS of a session without its driver, once it has stopped changing or after ``deadline_s`` seconds.

    PSS counts a page that n processes share as 1/n in each: so the sum counts every page once.

    Args:
        token: of the session.
        driver: process id of the driver, which is left out.
        deadline_s: how long to wait for two samples that agree.
        interval_s: between samples.

    Returns:
        Bytes; 0 when the session has no other process or the system does not tell PSS (only Linux does).
    """

    def sample() -> int:
        return sum(_pss_bytes(process) for process in session_processes(token) if process.pid != driver)

    deadline, before, now = time.monotonic() + deadline_s, -1, sample()
    while abs(now - before) > SETTLED_SHARE * now and time.monotonic() < deadline:
        time.sleep(interval_s)
        before, now = now, sample()
    return now


def _pss_bytes(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "pss", 0))
    except (psutil.Error, OSError):
        return 0


def wait_until_quiet(token: str, deadline_s: float) -> bool:
    """Wait until a session does (almost) nothing, so that it does not disturb the other's measurement.

    Returns:
        Whether it became quiet within ``deadline_s`` seconds.
    """
    deadline = time.monotonic() + deadline_s
    while True:
        running = session_processes(token)
        begin, before = time.monotonic(), _processor_s(running)
        time.sleep(QUIET_WINDOW_S)
        cores = (_processor_s(running) - before) / (time.monotonic() - begin)
        if cores < QUIET_CORES:
            return True
        if time.monotonic() > deadline:
            return False


def _processor_s(running: list[psutil.Process]) -> float:
    """Seconds of processor time, user and system, that the processes have used."""
    total = 0.0
    for process in running:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total


def kill_all(token: str) -> None:
    """Kill what is left of a session."""
    for process in session_processes(token):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
