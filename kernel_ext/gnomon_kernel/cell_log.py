"""The whole output of a cell whose output is folded, as a file in the session's directory; gone with the session."""

from __future__ import annotations

import os
import re

from gnomon import observe

LOG_BYTES_MAX = 256 * 2**20
"""Largest log of one run of a cell: what a notebook's user may find on a disk without having asked."""


class CellLog:
    """The log of one run of one cell.

    Attributes:
        path: of the file.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._left = LOG_BYTES_MAX

    def write(self, text: str) -> None:
        """Append; what can not be written (the session has ended, the disk is full) is left out."""
        if self._left <= 0:
            return
        data = text.encode("utf-8", "replace")
        if len(data) > self._left:
            data = data[: self._left] + b"\n(the log of a cell ends here: it is full)\n"
            self._left = 0
        self._left -= len(data)
        try:
            # opened for each batch: a notebook has many cells, and the session may remove the file at any time
            fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            return
        with os.fdopen(fd, "wb") as file:
            try:
                file.write(data)
                file.flush()
            except OSError:
                self._left = 0


def open_log(label: str) -> CellLog | None:
    """The log of a cell by its label (``In [3]``); None where the session has no directory."""
    directory = observe.session_directory()
    if directory is None:
        return None
    number = re.sub(r"\D", "", label) or "x"
    return CellLog(os.path.join(directory, "logs", f"cell-{number}-{os.getpid()}.log"))
