"""Starting a session's processes from the driver, and making sure that they are gone afterwards.

One interpreter is started; it forks all others (``gnomon._process.launcher`` says how). The driver need not
do anything for the session to end with it: this file only serves a driver that lives on.

    starting --> running --> ended        end(): closes the lifeline; the session ends itself
                    `-------> ended        kill(): kills every process from here; also when it crashed
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

from gnomon._messages.session import SessionConfig
from gnomon._shell import reaping, session_directory
from gnomon._shell.session_start import EXIT_REASONS, pack_config

ROLES = "gnomon._process"
"""The package with the modules head, node and worker, each with a ``main``."""

_BOOT = (
    # The notebook's folder is no place to import the runtime from: a user's file may be called random.py.
    "import sys; sys.path[:] = [p for p in sys.path if p]; "
    "sys.argv[1] in sys.path or sys.path.append(sys.argv[1]); "
    "__import__('gnomon._process.launcher', fromlist=['main']).main()"
)
_RUNTIME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

_BATON_WAIT_S = 3.0
_TAIL_BYTES = 4096


class SessionProcess:
    """The processes of a session as its driver sees them: one child, which is the node.

    Does nothing in a process that was forked from the driver: the session is not that process's to end.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], config: SessionConfig, lifeline: int | None, stderr: int
    ) -> None:
        self._process = process
        self._config = config
        self._lifeline = lifeline
        self._stderr = stderr
        self._creator = os.getpid()
        self._wanted_to_end = False
        self._baton = session_directory.open_baton(config.directory)
        self._sentinel = os.pidfd_open(process.pid) if sys.platform == "linux" else -1

    @property
    def pid(self) -> int:
        """Process id of the node."""
        return self._process.pid

    def fileno(self) -> int:
        """An fd that is readable once the node has ended (-1 where there are no pidfds)."""
        return self._sentinel

    def poll(self) -> int | None:
        """The node's exit code (minus the signal's number if it was killed); None while it runs."""
        return self._process.poll() if os.getpid() == self._creator else None

    def wait(self, timeout_s: float | None = None) -> int | None:
        """Wait until the node has ended.

        Returns:
            Its exit code; None if it still runs after ``timeout_s``.
        """
        if os.getpid() != self._creator:
            return None
        if self._sentinel < 0:
            try:
                return self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return None
        poller = select.poll()
        poller.register(self._sentinel, select.POLLIN)
        poller.poll(None if timeout_s is None else max(0.0, timeout_s * 1000))
        return self._process.poll()

    def end(self, timeout_s: float) -> int | None:
        """Let the session end itself, and kill what is left of it after ``timeout_s``.

        Returns:
            The node's exit code: 0 if all went well.
        """
        if os.getpid() != self._creator:
            return None
        self._wanted_to_end = True
        self._close_lifeline()
        code = self.wait(timeout_s)
        if code is None or code < 0:
            # Killed, or hung: then the zygote or the head may be cleaning up just now. Make sure.
            self.kill()
            code = self._process.returncode
        self._close()
        if code == 0:
            self._close_stderr()  # it has no last words
        return code

    def kill(self) -> None:
        """Kill every process of the session at once and remove its directory. Safe to call repeatedly."""
        if os.getpid() != self._creator:
            return
        self._wanted_to_end = True
        self._close_lifeline()
        if self._baton >= 0:
            session_directory.take_baton(self._baton, _BATON_WAIT_S)
        reaping.sweep(self._config.session, own=False, adopters=(self.pid,))
        session_directory.remove(self._config.directory)
        self.wait(reaping.SWEEP_LIMIT_S)
        self._close()

    def reason(self) -> str:
        """Why the node has ended, as a sentence; "" while it runs and if it ended as it should."""
        code = self.poll()
        if code is None or code == 0 or self._wanted_to_end:
            return ""
        if code < 0:
            why = f"the node process (pid {self.pid}) was killed by signal {-code}"
        else:
            why = EXIT_REASONS.get(code, f"the node process (pid {self.pid}) has ended with exit code {code}")
        tail = self.stderr_tail()
        return f"The session has ended: {why}." + (f" Its last words were:\n{tail}" if tail else "")

    def stderr_tail(self) -> str:
        """The end of what the node wrote to standard error; readable even after the directory is removed."""
        if self._stderr < 0:
            return ""
        start = max(0, os.fstat(self._stderr).st_size - _TAIL_BYTES)
        return os.pread(self._stderr, _TAIL_BYTES, start).decode(errors="replace").strip()

    def _close_lifeline(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None

    def _close(self) -> None:
        session_directory.remove(self._config.directory)
        self._close_fds()

    def _close_fds(self) -> None:
        for fd in (self._baton, self._sentinel):
            if fd >= 0:
                os.close(fd)
        self._baton = self._sentinel = -1

    def _close_stderr(self) -> None:
        if self._stderr >= 0:
            os.close(self._stderr)
            self._stderr = -1

    def __del__(self) -> None:
        # The last words stay readable as long as this object lives; the rest is closed by end() and kill().
        if hasattr(self, "_stderr"):
            self._close_stderr()


class AddedNode(SessionProcess):
    """The processes of a node that was added to a session: its end is not the session's."""

    def end(self, timeout_s: float) -> int | None:
        """Let the node leave in good order, and kill what is left of it after ``timeout_s``."""
        if os.getpid() != self._creator:
            return None
        if self.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        code = self.wait(timeout_s)
        self.kill()
        return code

    def kill(self) -> None:
        """Kill every process of the node at once. Safe to call repeatedly."""
        if os.getpid() != self._creator:
            return
        self._wanted_to_end = True
        if self.poll() is None:
            self._process.kill()
        reaping.sweep(self._config.node.hex(), own=False, adopters=(self.pid,), marker=reaping.NODE_MARKER)
        self.wait(reaping.SWEEP_LIMIT_S)
        session_directory.remove_socket(self._config.directory, self._config.node_process)
        self._close()
        self._close_stderr()

    def _close(self) -> None:
        self._close_fds()


def start_node(config: SessionConfig) -> AddedNode:
    """Start the processes of one more node of a session that lives; ``config.with_head`` is False.

    Raises:
        OSError: no process can be started.
    """
    node = _start(config, None, ROLES, AddedNode)
    assert isinstance(node, AddedNode)
    return node


def start_session(
    config: SessionConfig, lifeline_write: int | None = None, roles: str = ROLES
) -> SessionProcess:
    """Start the processes of a session; returns at once, they take some 0.1 s to be ready.

    Args:
        config: its ``arena_fd`` and ``lifeline_fd`` are inherited under the same numbers; the driver may
            close its own ``lifeline_fd`` when this has returned.
        lifeline_write: the write end, if the returned object shall close it in ``end`` and ``kill``. If None
            the caller keeps it open as long as the session shall live, and closes it before ``end``.
        roles: package to take ``head.main``, ``node.main`` and ``worker.main`` from.

    Raises:
        OSError: no process can be started.
    """
    return _start(config, lifeline_write, roles, SessionProcess)


def _start(
    config: SessionConfig, lifeline_write: int | None, roles: str, kind: type[SessionProcess]
) -> SessionProcess:
    data = pack_config(config)
    config_read, config_write = os.pipe()
    try:
        # Written ahead as far as it fits: if the driver is killed now, its session knows what to remove.
        os.set_blocking(config_write, False)
        written = os.write(config_write, data)
        process, stderr = _spawn(config, config_read, roles)
        os.close(config_read)
        config_read = -1
        os.set_blocking(config_write, True)
        while written < len(data):
            try:
                written += os.write(config_write, data[written:])
            except BrokenPipeError:  # it ended while starting: the caller finds out by poll() and reason()
                break
    finally:
        if config_read >= 0:
            os.close(config_read)
        os.close(config_write)
    return kind(process, config, lifeline_write, stderr)


def _spawn(config: SessionConfig, config_fd: int, roles: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start the interpreter; returns it and an fd on what it writes to standard error."""
    flags = os.O_CREAT | os.O_APPEND | os.O_RDWR
    name = "node" if config.with_head else f"node-{config.node.hex()}"
    stdout = os.open(session_directory.log_path(config.directory, name, "out"), flags, 0o600)
    stderr = os.open(session_directory.log_path(config.directory, name, "err"), flags, 0o600)
    command = [sys.executable, "-c", _BOOT, _RUNTIME, str(config_fd), str(os.getpid()), roles]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=(config_fd, config.arena_fd, config.lifeline_fd),
            env={**os.environ, reaping.MARKER: config.session, reaping.NODE_MARKER: config.node.hex()},
            # Ctrl-C in the driver's terminal is the driver's; the session hears of its end by the lifeline.
            start_new_session=True,
        )
    except BaseException:
        os.close(stderr)
        raise
    finally:
        os.close(stdout)
    return process, stderr
