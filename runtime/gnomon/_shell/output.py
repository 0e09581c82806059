"""What tasks print: each line knows its task and cell, and travels to the driver in batches.

The stream is set once per worker. A write appends and wakes the loop if nobody has yet; the loop sends
everything that has gathered, so a flood becomes few messages. Text a C library writes to fd 1 goes to the
worker's log file instead.
"""

from __future__ import annotations

import io
import os
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

from gnomon._core.events import AskedSomething
from gnomon._messages.tasks import OutputProduced
from gnomon._shell import task_context
from gnomon._shell.loop import Loop
from gnomon._shell.output_index import OutputIndex
from gnomon.ids import TaskID, WorkerID

TEXT_MAX = 64 * 1024
"""Characters in one message; more is split."""


written = False
"""Whether anything was printed since ``log_sizes`` was asked last."""


def log_sizes() -> tuple[int, int]:
    """How many bytes the logs of this worker (stdout, stderr) have now; what was printed is in them."""
    global written
    written = False
    out, err = (_size_of(stream) for stream in (sys.__stdout__, sys.__stderr__))
    return out, err


def _size_of(stream: Any) -> int:
    try:
        stream.flush()
        return os.fstat(stream.fileno()).st_size
    except (AttributeError, OSError, ValueError):  # the user has closed it
        return 0


class OutputStream(io.TextIOBase):
    """``sys.stdout`` or ``sys.stderr`` of a worker."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, name: str, outbox: Outbox, file: Any, index: OutputIndex | None = None) -> None:
        self.stream = name
        self._outbox = outbox
        self._file = file
        self._index = index
        self._writer: TaskID | None = None
        self._line: dict[tuple[str, str], str] = {}

    def write(self, text: str) -> int:
        """Queue text for the driver and append it to the worker's log."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            global written
            written = True
            running = task_context.current.get() or task_context.of_main_thread()
            task = None if running is None else running.task
            if task != self._writer:
                self._writer = task
                if self._index is not None:
                    actor = None if running is None else running.actor
                    self._index.note(self.stream, self._file, task, actor)
            origin = _origin(running)
            text_ = self._line.pop(origin, "") + text
            end = text_.rfind("\n") + 1
            if end < len(text_):
                self._line[origin] = text_[end:]
            if end:
                self._outbox.add(origin[0], self.stream, origin[1], text_[:end])
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Send unfinished lines too, and flush the log."""
        while self._line:
            (cell, name), text = self._line.popitem()
            self._outbox.add(cell, self.stream, name, text)
        self._file.flush()

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The log's fd: what subprocesses inherit."""
        return int(self._file.fileno())

    def isatty(self) -> bool:
        """Never."""
        return False


def sender(outbox: Outbox, stream: str) -> Callable[[str], None]:
    """What sends texts of a stream of their own (progress bars, rich output) the way that output goes, without the log."""

    def send(text: str) -> None:
        cell, name = _origin(task_context.current.get() or task_context.of_main_thread())
        outbox.add(cell, stream, name, text)

    return send


_label = ""


def set_label(label: str) -> None:
    """From now on all that this process prints is marked so, whatever runs ("": by what runs)."""
    global _label
    _label = label


def _origin(running: task_context.RunningTask | None) -> tuple[str, str]:
    """The cell and the name of what runs here."""
    if running is None:
        return "", _label
    return (running.provenance.cell if running.provenance is not None else ""), _label or running.name


class Outbox:
    """Text of this process that the driver has not got yet."""

    def __init__(self, loop: Loop, driver: WorkerID, label: str) -> None:
        self._loop = loop
        self._driver = driver
        self._label = label
        self._queue: deque[tuple[str, str, str, str]] = deque()

    def add(self, cell: str, stream: str, name: str, text: str) -> None:
        """Queue a piece of text."""
        queue = self._queue
        queue.append((cell, stream, name, text))
        if len(queue) == 1 or len(queue) > 1000:
            self.flush()

    def flush(self) -> None:
        """Hand everything over to the loop, neighbours of one origin joined."""
        queue = self._queue
        pieces: list[str] = []
        origin: tuple[str, str, str] | None = None
        while queue:
            try:
                cell, stream, name, text = queue.popleft()
            except IndexError:
                break
            if origin is not None and (origin != (cell, stream, name) or sum(map(len, pieces)) > TEXT_MAX):
                self._post(origin, pieces)
                pieces = []
            origin = (cell, stream, name)
            pieces.append(text)
        if origin is not None:
            self._post(origin, pieces)

    def _post(self, origin: tuple[str, str, str], pieces: list[str]) -> None:
        cell, stream, name = origin
        message = OutputProduced(cell, self._label, stream, "".join(pieces), name)
        self._loop.post(AskedSomething(self._driver, message))
