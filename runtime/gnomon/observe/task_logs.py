"""What a task or an actor has printed: from the logs of the session on disk, of all its attempts, also after its end."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from gnomon._shell.output_index import Part, find
from gnomon.ids import HANDLE_INDEX, ActorID, TaskID, index_of, task_of

TAIL_LINES = 1_000
"""Lines that ``logs`` returns unless asked for more."""

_PART_BYTES_MAX = 16 * 2**20
"""Of what was printed in one go, no more than the last bytes are read."""


@dataclass(frozen=True, slots=True, repr=False)
class TaskLogs:
    """The lines that a task or an actor has printed. Its ``str`` and ``repr`` are the text.

    Attributes:
        lines: oldest first; those of stdout and stderr in the order in which they were printed.
        left_out: bytes of earlier lines, which are in ``files`` only.
        files: the logs in which they stand.
        note: why there is nothing, where there is nothing.
    """

    lines: tuple[str, ...] = ()
    left_out: int = 0
    files: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        before = (
            [f"... {self.left_out:,} bytes before this are in {', '.join(self.files)}"]
            if self.left_out
            else []
        )
        return "\n".join([*before, *self.lines]) or self.note

    def __repr__(self) -> str:
        return str(self)


def logs(target: Any, *, tail: int | None = TAIL_LINES) -> TaskLogs:
    """What a task or an actor has printed so far.

    Args:
        target: a reference, a generator, an actor's handle, or an id in hexadecimal of an object, a task or an actor.
        tail: no more than the last lines; None for all.

    Returns:
        The lines. On the inline engine none: there tasks print where they are called, and nothing is kept.

    Raises:
        TypeError: ``target`` is something else.
        ValueError: ``target`` is a string that is no id, or ``tail`` is negative.
    """
    from gnomon._api import checks, session
    from gnomon._api.explaining import identity_of

    identity = identity_of(target, "logs()")
    if tail is not None:
        checks.whole(0)("tail of logs()", tail)
    directory = session.engine().info.directory
    if directory is None:
        return TaskLogs(note="Nothing is kept on the inline engine: tasks print where they are called.")
    task = task_of(identity)
    parts = find(directory, ActorID(task) if index_of(identity) == HANDLE_INDEX else TaskID(task))
    if not parts:
        return TaskLogs(note="It has printed nothing.")
    return _read(parts, tail)


def _read(parts: list[Part], tail: int | None) -> TaskLogs:
    """The last lines of all parts."""
    lines: list[str] = []
    left_out = 0
    for part in reversed(parts):
        size = _size(part)
        wanted = None if tail is None else tail - len(lines)
        if wanted is not None and wanted <= 0:
            left_out += size
            continue
        found, skipped = _last_lines(part, size, wanted)
        lines = found + lines
        left_out += skipped
    return TaskLogs(tuple(lines), left_out, tuple(dict.fromkeys(part.path for part in parts)))


def _size(part: Part) -> int:
    try:
        end = os.path.getsize(part.path) if part.end is None else part.end
    except OSError:
        return 0
    return max(0, end - part.first)


def _last_lines(part: Part, size: int, wanted: int | None) -> tuple[list[str], int]:
    """The last lines of one part, and how many bytes were left out before them."""
    read = size if wanted is None else min(size, _PART_BYTES_MAX)
    try:
        with open(part.path, "rb") as file:
            file.seek(part.first + size - read)
            data = file.read(read)
    except OSError:  # the session ends just now
        return [], 0
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if read < size and len(lines) > 1:
        lines = lines[1:]  # the first one is not whole
    kept = lines if wanted is None else lines[-wanted:]
    bytes_kept = sum(len(line) + 1 for line in kept)
    return [line.decode("utf-8", "replace") for line in kept], max(0, size - bytes_kept)
