"""Which part of a worker's logs is whose: a line in a file beside them each time another task begins to print.

    worker-<id>.out    worker-<id>.err    worker-<id>.index:  offset, o or e, task, actor

So the logs stay as they were printed, and what a task that never prints costs is nothing. What native code writes by
itself counts as printed by whoever printed last. Read by ``find``, by any process of the session.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gnomon._shell.session_directory import log_path
from gnomon.ids import ActorID, TaskID, WorkerID

ENTRIES_MAX = 100_000
"""Changes of who prints that are noted in one process (8 MB); what is printed later is in the log alone."""

_NOBODY = "-"
_LETTERS = {"stdout": "o", "stderr": "e"}
_STREAMS = {"o": "out", "e": "err"}


class OutputIndex:
    """The index of this process's logs."""

    def __init__(self, directory: str, worker: WorkerID) -> None:
        self._path = log_path(directory, f"worker-{worker.hex()}", "index")
        self._fd = -1
        self._entries = 0

    def note(self, stream: str, file: Any, task: TaskID | None, actor: ActorID | None) -> None:
        """What is written to ``file`` from now on is this task's; no failure of this may fail a task."""
        if self._entries >= ENTRIES_MAX:
            return
        self._entries += 1
        try:
            file.flush()
            offset = os.fstat(file.fileno()).st_size
            if self._fd < 0:
                flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC
                self._fd = os.open(self._path, flags, 0o600)
            whose = task.hex() if task is not None else _NOBODY, actor.hex() if actor is not None else _NOBODY
            os.write(self._fd, f"{offset} {_LETTERS[stream]} {whose[0]} {whose[1]}\n".encode())
        except (AttributeError, OSError, ValueError):  # a full disk, or a stream that the user has closed
            self._entries = ENTRIES_MAX


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes ``first`` to ``end`` (None: the end of the file) of a log."""

    path: str
    first: int
    end: int | None


def find(directory: str, identity: bytes) -> list[Part]:
    """What a task or an actor has printed, oldest first in each process; attempts in other processes too.

    Args:
        directory: of the session.
        identity: of a task, or of an actor: then all that its process printed as that actor.
    """
    wanted = identity.hex()
    found: list[Part] = []
    for path in _indexes(directory):
        try:
            with open(path, encoding="ascii", errors="replace") as file:
                text = file.read()
        except OSError:  # the session ends just now
            continue
        if wanted in text:
            found += _parts(path.removesuffix("index"), text.splitlines(), wanted)
    return found


def _indexes(directory: str) -> list[str]:
    try:
        entries = [entry for entry in os.scandir(f"{directory}/logs") if entry.name.endswith(".index")]
        return [entry.path for entry in sorted(entries, key=lambda entry: entry.stat().st_mtime)]
    except OSError:
        return []


def _parts(base: str, lines: list[str], wanted: str) -> Iterator[Part]:
    changes = [(int(offset), letter, whose) for offset, letter, *whose in map(str.split, lines)]
    for number, (offset, letter, whose) in enumerate(changes):
        if wanted in whose:
            later = (after for after, stream, _ in changes[number + 1 :] if stream == letter)
            yield Part(base + _STREAMS[letter], offset, next(later, None))
