"""The last lines that a worker wrote: its log files as it left them, for the errors that tell of its end."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gnomon._shell.session_directory import log_path
from gnomon.ids import WorkerID

LINES_MAX = 20
"""Lines in all; half of them from each stream when both have enough."""

LINE_CHARACTERS_MAX = 200

_TAIL_BYTES = 8 * 1024

_OURS = re.compile(rf'  File "({re.escape(str(Path(__file__).parents[1]))}|<string>)|Extension modules: ')
"""What a crash in native code reports beside the user's frames."""


def last_output(directory: str, worker: WorkerID, marks: tuple[int, int] = (0, 0)) -> str:
    """At most ``LINES_MAX`` lines, those of stdout first; empty when it wrote nothing.

    Args:
        directory: of the session.
        worker: which.
        marks: how many bytes of each log (stdout, stderr) others have written who ran there before.
    """
    name = f"worker-{worker.hex()}"
    streams = zip(("out", "err"), marks, strict=True)
    out, err = (_last_lines(log_path(directory, name, stream), mark) for stream, mark in streams)
    half = LINES_MAX // 2
    from_err = min(len(err), max(half, LINES_MAX - len(out)))
    from_out = min(len(out), LINES_MAX - from_err)
    return "\n".join([*out[len(out) - from_out :], *err[len(err) - from_err :]])


def _last_lines(path: str, mark: int) -> list[str]:
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(mark, size - _TAIL_BYTES))
            tail = file.read(_TAIL_BYTES)
    except OSError:
        return []
    if size - mark > _TAIL_BYTES:
        tail = tail[tail.find(b"\n") + 1 :]  # from the first whole line on
    lines = [line.rstrip() for line in tail.decode("utf-8", "replace").splitlines()]
    return [line[:LINE_CHARACTERS_MAX] for line in lines if line and not _OURS.match(line)][-LINES_MAX:]
