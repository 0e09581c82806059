"""The keeper: plays the driver's part for a cluster that lives by itself (``gnomon start --head``).

    gnomon start --head ---- fork ----> keeper ---- as any driver ----> node, head, zygote, workers
                                          | holds the lifeline's write end: its end is theirs
    init(address="auto") ---- door ----> | hands out the session's config, arena and lifeline
    gnomon stop ------------- door ----> | ends

It runs no tasks and speaks no ZeroMQ: the drivers that come in by the door talk to node and head themselves.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from typing import NamedTuple, NoReturn

from gnomon._engine.base import InitOptions
from gnomon._engine.local_start import make_config
from gnomon._messages.session import SessionConfig
from gnomon._shell import cluster_records, session_directory
from gnomon._shell.cluster_door import Door
from gnomon._shell.session_process import SessionProcess, start_session

END_S = 3.0
"""How long the cluster's processes may take to end by themselves."""

_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_READY_BYTES_MAX = 4096


class Kept(NamedTuple):
    """A cluster that has been started."""

    directory: str
    keeper: int


class Keeper:
    """One cluster, kept by this process until a signal, ``gnomon stop`` or the node's end."""

    def __init__(self, options: InitOptions) -> None:
        self._signals = _catch_signals()  # first: from now on they end the cluster and not this process alone
        self.config, lifeline_write = make_config(options, kept=True)
        self._process: SessionProcess = start_session(self.config, lifeline_write)
        self._door = Door(self.config)
        self._record = cluster_records.write(self.config.session, self.config.directory)

    def run(self) -> int:
        """Serve until the end, then end everything.

        Returns:
            The exit code: 0 if the cluster was asked to end.
        """
        try:
            failure = self._serve()
        finally:
            cluster_records.remove(self._record)
            self._door.close()
            self._process.end(END_S)
        if failure:
            sys.stderr.write(failure + "\n")
        return 1 if failure else 0

    def _serve(self) -> str:
        """Answer at the door. Returns why the cluster has ended by itself; "" if it was asked to end."""
        poller = select.poll()
        for fd in (self._signals, self._process.fileno(), self._door.fileno()):
            poller.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poller.poll()}
            if self._process.fileno() in ready:
                return self._process.reason() or "The node process has ended."
            if self._signals in ready and any(
                number in _ENDING_SIGNALS for number in os.read(self._signals, 64)
            ):
                return ""
            if self._door.fileno() in ready and self._door.serve():
                return ""


def _catch_signals() -> int:
    """An fd from which the numbers of the signals that arrive can be read."""
    wakeup, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write, warn_on_full_buffer=False)
    for number in _ENDING_SIGNALS:
        signal.signal(number, _heard)
    return wakeup


def _heard(_number: int, _frame: object) -> None:
    """Only there so that the signal is caught, and writes to the wake-up fd."""


def start_in_background(options: InitOptions) -> Kept:
    """Fork a keeper that outlives this process; returns when drivers can join its cluster.

    Raises:
        RuntimeError: it could not be started; the message says why.
    """
    ready, ready_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ready)
        _keep(options, ready_write)
    os.close(ready_write)
    with os.fdopen(ready, "rb") as file:
        told = file.read(_READY_BYTES_MAX).decode(errors="replace")
    if not told.startswith("/"):
        os.waitpid(pid, 0)
        raise RuntimeError(f"The cluster could not be started: {told or 'its keeper has ended.'}")
    return Kept(told, pid)


def _keep(options: InitOptions, ready: int) -> NoReturn:
    """The forked child: a process of its own, which never returns into the command's stack."""
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        keeper = Keeper(options)
        _redirect(keeper.config)
        os.write(ready, keeper.config.directory.encode())
        os.close(ready)
        code = keeper.run()
    except BaseException as error:
        try:
            os.write(ready, f"{type(error).__name__}: {error}".encode()[:_READY_BYTES_MAX])
        except OSError:  # it was told already
            traceback.print_exc()
    os._exit(code)


def _redirect(config: SessionConfig) -> None:
    """Point 0 at nothing, and 1 and 2 at the keeper's logs: the terminal may close."""
    flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, stream in ((1, "out"), (2, "err")):
        os.dup2(os.open(session_directory.log_path(config.directory, "keeper", stream), flags, 0o600), number)
