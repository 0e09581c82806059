"""Finding and ending every process of a session, whatever its processes did to get away.

Three nets, because each has a hole:

* descent: the node, the zygote and every worker are *subreapers*, so an orphan (a daemon that forked twice,
  a child of a killed worker) becomes the child of the nearest of them and not of init;
* the marker: ``GNOMON_SESSION`` is in the environment all processes of the session start with, and their
  children inherit it. It finds those whose adopters have died too;
* repetition: a process that forks while we look is found by the next look. We stop when a look finds nobody.

A process is identified by pid and start time, and killed through a pidfd, so that a number which the kernel
has given to somebody else in between is never hit.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections.abc import Collection, Iterable
from typing import NamedTuple

from gnomon._shell import session_directory

MARKER = "GNOMON_SESSION"
"""The environment variable that names the session, set in all its processes. Not a secret."""

NODE_MARKER = "GNOMON_NODE"
"""Likewise the node that a process lives on, its id in hex: one node of several can be ended alone."""

SWEEP_LIMIT_S = 10.0
"""After this a sweep gives up: what survives SIGKILL so long hangs in the kernel (a dead disk)."""

_KILL_BATCH = 128
"""Processes killed together; each takes a file descriptor meanwhile, and 1,024 is a usual limit."""

_DEATH_WAIT_MS = 250
_PR_SET_CHILD_SUBREAPER = 36


class ProcessEntry(NamedTuple):
    """A living process.

    Attributes:
        started: clock ticks since boot; with ``pid`` it is the process's identity.
    """

    pid: int
    parent: int
    started: int


def adopt_orphans() -> None:
    """Make this process the adopter of its orphaned descendants (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        import ctypes

        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def end_session(session: str, directory: str, baton: int | None, adopters: Collection[int]) -> None:
    """Kill every other process of the session and remove its directory: the last act of a survivor.

    Blocks until this process holds the baton; it may be killed while it waits, by the process that does.

    Args:
        session: its id, as in the marker.
        directory: of the session.
        baton: from ``session_directory.open_baton``; None if the directory was gone already.
        adopters: pids of the subreapers among the others: they go last, so that no orphan gets past them.
    """
    if baton is not None:
        session_directory.take_baton(baton)
    sweep(session, own=True, adopters=adopters)
    session_directory.remove(directory)
    session_directory.remove_abandoned()


def sweep(session: str, *, own: bool, adopters: Collection[int] = (), marker: str = MARKER) -> bool:
    """Kill all processes of ``session`` but the calling one, and look again until none is left.

    Args:
        session: its id, as in the marker; with ``NODE_MARKER`` a node's.
        own: whether all descendants of the caller belong to the session (true in all of them but the driver).
        adopters: pids to spare until the others are gone.
        marker: which of the two.

    Returns:
        Whether none is left; False after ``SWEEP_LIMIT_S``.
    """
    deadline = time.monotonic() + SWEEP_LIMIT_S
    # One that is ending has no environment left, and perhaps no parent, some time before it has ended.
    known: set[tuple[int, int]] = set()
    for spared in (frozenset(adopters), frozenset[int]()):
        while True:
            if own:
                reap_children()
            found = members(session, own, known, marker)
            known.update((entry.pid, entry.started) for entry in found)
            doomed = [entry for entry in found if entry.pid not in spared]
            if not doomed:
                break
            if time.monotonic() > deadline:
                return False
            kill_processes(doomed, wait=True)
    return True


def members(
    session: str, own: bool = False, known: Collection[tuple[int, int]] = (), marker: str = MARKER
) -> list[ProcessEntry]:
    """The living processes of ``session``, without the caller: all marked ones and what descends from them.

    Args:
        session: its id, as in the marker.
        own: whether descendants of the caller are members too.
        known: (pid, start time) of processes known to be members.
        marker: by which they are known.
    """
    table = processes()
    me = os.getpid()
    roots = [
        pid
        for pid, entry in table.items()
        if pid != me and ((pid, entry.started) in known or _is_marked(pid, session, marker))
    ]
    if own:
        roots.append(me)
    found = descendants(table, roots) | set(roots)
    return [table[pid] for pid in found if pid != me and pid in table]


def descendants(table: dict[int, ProcessEntry], roots: Iterable[int]) -> set[int]:
    """Pids of all processes that descend from ``roots``, without these."""
    children: dict[int, list[int]] = {}
    for entry in table.values():
        children.setdefault(entry.parent, []).append(entry.pid)
    found: set[int] = set()
    frontier = list(roots)
    while frontier:
        for child in children.get(frontier.pop(), ()):
            if child not in found:
                found.add(child)
                frontier.append(child)
    return found


def reap_children() -> list[tuple[int, int]]:
    """Collect every child that has ended, without waiting.

    Returns:
        (pid, exit code or minus the signal's number) of each.
    """
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append((pid, os.waitstatus_to_exitcode(status)))


def processes() -> dict[int, ProcessEntry]:
    """Every living process of the machine that can be seen, by pid; zombies are not living."""
    if sys.platform != "linux":
        return _processes_by_psutil()
    table = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            entry = _read_entry(int(name))
            if entry is not None:
                table[entry.pid] = entry
    return table


def start_time(pid: int) -> int:
    """Clock ticks since boot at which a living process has started; 0 if there is none of that pid."""
    entry = _read_entry(pid)
    return entry.started if entry is not None else 0


def _read_entry(pid: int) -> ProcessEntry | None:
    """Parse /proc/<pid>/stat (proc_pid_stat(5)); None if the process has ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read(2048)
    except OSError:
        return None
    # The name, in parentheses, may itself hold spaces and parentheses: count from the last one.
    fields = text.rpartition(b") ")[2].split()
    if len(fields) < 20:
        return None
    threads = int(fields[17])
    # A zombie with threads is a process whose main thread has ended and whose others run on.
    if fields[0] in (b"Z", b"X") and threads < 2:
        return None
    return ProcessEntry(pid, int(fields[1]), int(fields[19]))


def _is_marked(pid: int, session: str, marker: str) -> bool:
    if sys.platform != "linux":
        return _is_marked_by_psutil(pid, session, marker)
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            environment = file.read()
    except OSError:  # ended, or another user's
        return False
    return b"\0" + f"{marker}={session}".encode() + b"\0" in b"\0" + environment + b"\0"


def kill_processes(doomed: Iterable[ProcessEntry], *, wait: bool) -> None:
    """SIGKILL each of ``doomed`` that is still the process it was.

    Args:
        doomed: as found by :func:`processes`.
        wait: whether to stay until they have ended, at most 0.25 s per batch of 128.
    """
    entries = list(doomed)
    for first in range(0, len(entries), _KILL_BATCH):
        batch = entries[first : first + _KILL_BATCH]
        if sys.platform == "linux":
            _kill_batch(batch, wait)
        else:
            _kill_batch_by_pid(batch, wait)


def _kill_batch(batch: list[ProcessEntry], wait: bool) -> None:
    if sys.platform != "linux":
        return
    handles = []
    try:
        for entry in batch:
            try:
                handle = os.pidfd_open(entry.pid)
            except OSError:  # ended; or no descriptor is left, and then the next look finds it again
                continue
            handles.append(handle)
            now = _read_entry(entry.pid)
            if now is not None and now.started == entry.started:
                try:
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                except OSError:  # ended, or another user's
                    continue
        if wait:
            _wait_for_deaths(handles)
    finally:
        for handle in handles:
            os.close(handle)


def _wait_for_deaths(handles: list[int]) -> None:
    poller = select.poll()
    for handle in handles:
        poller.register(handle, select.POLLIN)
    living = len(handles)
    deadline = time.monotonic() + _DEATH_WAIT_MS / 1000
    while living > 0:
        left_ms = (deadline - time.monotonic()) * 1000
        if left_ms <= 0:
            return
        for handle, _events in poller.poll(left_ms):
            poller.unregister(handle)
            living -= 1


def _kill_batch_by_pid(batch: list[ProcessEntry], wait: bool) -> None:
    table = processes()
    for entry in batch:
        now = table.get(entry.pid)
        if now is not None and now.started == entry.started:
            try:
                os.kill(entry.pid, signal.SIGKILL)
            except OSError:  # ended, or another user's
                continue
    if wait:
        time.sleep(0.01)  # no pidfd here: the next look tells


def _processes_by_psutil() -> dict[int, ProcessEntry]:
    import psutil

    table = {}
    for process in psutil.process_iter(["ppid", "create_time", "status"]):
        info = process.info
        if info["status"] != psutil.STATUS_ZOMBIE and info["create_time"]:
            table[process.pid] = ProcessEntry(process.pid, info["ppid"] or 0, int(info["create_time"] * 1000))
    return table


def _is_marked_by_psutil(pid: int, session: str, marker: str) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).environ().get(marker) == session)
    except (psutil.Error, OSError):
        return False
