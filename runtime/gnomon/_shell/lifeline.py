"""How a process learns that one which must outlive it has ended.

Two things are watched. The *lifeline* is a pipe whose only write end the driver holds: the kernel closes it
with the driver, and the end of file reaches everybody. But a process that the driver forked (a pool of
``multiprocessing``, say) holds a copy of the write end and may live on, so the driver is watched by pidfd
as well, and so are the *peers*: the processes of the session this one can not do without.

The launcher names the peers of each process it forks by :func:`require`, before the process's ``main`` runs.
``main`` asks for a :class:`Watch`, adds it to what its loop polls, and returns when it is readable.
"""

from __future__ import annotations

import os
import select
import signal
import sys

from gnomon._shell import reaping

_PR_SET_PDEATHSIG = 1

_peers: dict[str, int] = {}
"""What this process can not do without, as name -> pidfd (a closed pipe's end if it ended before)."""


_watches: set[Watch] = set()
"""Kept until closed: a poll object holds an fd and not what owns it, and a closed fd polls as ready."""


def open_lifeline() -> tuple[int, int]:
    """Make a lifeline, in the driver.

    Returns:
        (read end: goes into the session's config; write end: keep it open as long as the session shall live).
    """
    return os.pipe()


def require(name: str, pid: int) -> None:
    """From now on this process can not do without process ``pid``, which messages call ``name``.

    Where there are no pidfds (macOS) nothing happens: there the lifeline has to do.
    """
    if sys.platform != "linux":
        return
    try:
        _peers[name] = os.pidfd_open(pid)
    except ProcessLookupError:
        _peers[name] = _ended_fd()


def watch_process(pid: int, started: int) -> int | None:
    """An fd that is readable once a process that is no child of ours has ended; the caller closes it.

    Args:
        pid: of the process.
        started: its start time, see ``reaping.start_time``: the number alone may be another's by now.

    Returns:
        None if the process has ended already.
    """
    if sys.platform != "linux":
        raise NotImplementedError("Clusters that several drivers share need Linux: it can watch a process.")
    try:
        sentinel = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    if reaping.start_time(pid) != started:
        os.close(sentinel)
        return None
    return sentinel


def forget_peers() -> None:
    """Drop what the parent required. Called in a process that has just been forked."""
    for fd in _peers.values():
        os.close(fd)
    _peers.clear()


def _ended_fd() -> int:
    read_end, write_end = os.pipe()
    os.close(write_end)
    return read_end


def lost(lifeline_fd: int) -> str | None:
    """Who has ended, without waiting: "the driver", the name of a peer, or None."""
    poller = select.poll()
    names: dict[int, str] = {lifeline_fd: "the driver"}
    names.update((fd, name) for name, fd in _peers.items())
    # A pipe at its end reports a hang-up on Linux and readable elsewhere; nobody ever writes to it.
    for fd in names:
        poller.register(fd, select.POLLIN)
    ended = {names[fd] for fd, _events in poller.poll(0)}
    # Where several have ended the driver's end explains the others'.
    return next((name for name in names.values() if name in ended), None)


def wait_for(name: str, timeout_s: float) -> bool:
    """Wait until the peer called ``name`` has ended; False if it has not in time (or was never required)."""
    fd = _peers.get(name)
    if fd is None:
        return False
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(timeout_s * 1000))


class Watch:
    """Readable (by its fd, in any kind of poll) once the driver or a peer has ended; it stays readable."""

    def __init__(self, lifeline_fd: int) -> None:
        self._lifeline_fd = lifeline_fd
        self._fd = lifeline_fd
        self._epoll: object = None
        if sys.platform == "linux":
            # One fd for the loop, whatever the number of peers: an epoll is itself pollable.
            epoll = select.epoll()
            for fd in (lifeline_fd, *_peers.values()):
                epoll.register(fd, select.EPOLLIN)
            self._epoll, self._fd = epoll, epoll.fileno()
        _watches.add(self)

    def fileno(self) -> int:
        """The fd to poll for reading. Never read from it."""
        return self._fd

    def lost(self) -> str | None:
        """Who has ended ("the driver", "the head", "the node", "the zygote"); None while all live."""
        return lost(self._lifeline_fd)

    def close(self) -> None:
        """Stop watching. Leaves the lifeline itself open."""
        if sys.platform == "linux" and isinstance(self._epoll, select.epoll):
            self._epoll.close()
        self._epoll, self._fd = None, -1
        _watches.discard(self)


def watch(lifeline_fd: int) -> Watch:
    """Watch the driver and all peers that :func:`require` has named."""
    return Watch(lifeline_fd)


def die_with_parent(parent: int) -> bool:
    """Have the kernel kill this process when the *thread* that forked it ends; fork it from a lasting one.

    Args:
        parent: pid of the process that forked this one.

    Returns:
        False if the parent has ended already: then end at once. True too where the kernel can not do it.
    """
    if sys.platform == "linux":
        import ctypes

        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    return os.getppid() == parent
