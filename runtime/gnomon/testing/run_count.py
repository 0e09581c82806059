"""RunCount: which process has run which task, counted through one file, so that nothing is lost with a killed process."""

from __future__ import annotations

import os
from pathlib import Path


class RunCount:
    """A file to which every run appends a line. Travels into tasks by pickle.

    Args:
        path: of the file; made by the first run.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)

    def note(self, number: int) -> None:
        """One run of task ``number``, in this process."""
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, b"%08d %d\n" % (number, os.getpid()))
        finally:
            os.close(fd)

    def entries(self) -> list[tuple[int, int]]:
        """(task, pid) of every run, in the order in which they began."""
        if not os.path.exists(self.path):
            return []
        with open(self.path, "rb") as file:
            return [(int(number), int(pid)) for number, pid in map(bytes.split, file)]

    def runs(self) -> dict[int, int]:
        """Runs by task."""
        found: dict[int, int] = {}
        for number, _ in self.entries():
            found[number] = found.get(number, 0) + 1
        return found
