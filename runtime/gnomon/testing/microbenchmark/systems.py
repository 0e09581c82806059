"""A system under test and its child process, as the runner holds it."""

from __future__ import annotations

import json
import os
import secrets
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gnomon.testing.microbenchmark import processes

START = Path(__file__).parent / "child" / "start.py"
STOP_S = 20.0
"""Seconds a child has to shut its system down before it is killed."""

LOG_TAIL_BYTES = 2000


@dataclass(frozen=True)
class System:
    """What is measured.

    Attributes:
        name: its column in the table.
        module: the module that children import as the system under test.
        python: path of the interpreter that has the module.
        path: folders that children search for modules before their own environment's.
    """

    name: str
    module: str
    python: str = sys.executable
    path: tuple[str, ...] = ()

    def environment(self, token: str) -> dict[str, str]:
        """The environment of a child whose processes are to carry ``token``."""
        kept = {key: value for key, value in os.environ.items() if key not in ("RAY_ADDRESS", "PYTHONPATH")}
        inherited = os.environ.get("PYTHONPATH", "") if self.python == sys.executable else ""
        path = os.pathsep.join([*self.path, *filter(None, [inherited])])
        return kept | {
            processes.TOKEN_VARIABLE: token,
            "PYTHONPATH": path,
            # Ray reports its use over the network unless told not to.
            "RAY_USAGE_STATS_ENABLED": "0",
        }


def gnomon_system() -> System:
    """The gnomon that runs here, installed or not."""
    import gnomon

    return System("gnomon", "gnomon", path=(str(Path(gnomon.__file__).parents[1]),))


def ray_system(python: str | None = None) -> System:
    """Ray under the interpreter ``python`` (default: this one)."""
    return System("ray", "ray", python=python or sys.executable)


@dataclass(frozen=True)
class Answer:
    """What a child said: ``values``, or the sentence ``error``.

    Attributes:
        gone: the child died or went silent; it can not be asked again.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    gone: bool = False


class Child:
    """One child process; a context manager that leaves no process behind.

    Ask it one thing at a time. After an answer with ``gone`` the process has been killed.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.token = secrets.token_hex(8)
        ours, theirs = socket.socketpair()
        self._sock, self._received = ours, b""
        self._log = tempfile.TemporaryFile()
        with theirs:
            self._process = subprocess.Popen(
                [system.python, str(START), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env=system.environment(self.token),
                # An interrupt at the terminal is the runner's to handle, not half of the session's.
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None and error is None:
            self.ask("stop", deadline_s=STOP_S)
            self._wait(STOP_S)
        self.close()

    def close(self) -> None:
        """End the process and its session at once; more than once does no harm."""
        self._kill()
        self._sock.close()
        self._log.close()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def ask(self, do: str, deadline_s: float, **arguments: Any) -> Answer:
        """Send one request and wait for its answer for up to ``deadline_s`` seconds."""
        request = json.dumps({"do": do, **arguments}).encode() + b"\n"
        try:
            self._sock.sendall(request)
            line = self._read_line(time.monotonic() + deadline_s)
        except OSError as error:
            line, why = b"", f"the child process ended ({error})"
        else:
            why = f"no answer to {do!r} within {deadline_s:.0f} s"
        if not line:
            ended = self._process.poll()
            if ended is not None:
                why = f"the child process ended with exit code {ended}"
            self._kill()
            return Answer(error=f"{why}{self._log_tail()}", gone=True)
        answer = json.loads(line)
        if answer.pop("ok"):
            return Answer(values=answer)
        return Answer(error=answer["error"])

    def _read_line(self, deadline: float) -> bytes:
        """The next line, or nothing when the child has gone or the deadline has passed."""
        while b"\n" not in self._received:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([self._sock], [], [], left_s)[0]:
                return b""
            chunk = self._sock.recv(65536)
            if not chunk:
                self._wait(1.0)
                return b""
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _wait(self, seconds: float) -> None:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return

    def _kill(self) -> None:
        """End the child and every process of its session that is still there."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        processes.kill_all(self.token)

    def _log_tail(self) -> str:
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - LOG_TAIL_BYTES))
        lines = [line for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return f"; its last words: {lines[-1].strip()}" if lines else ""
