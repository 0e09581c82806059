r"""Lines that a task rewrites in place, as tqdm does: what a terminal would show of them now.

A task that writes a carriage return into a line it has not ended begins to *rewrite*; from then on ``\r``, line
ends and "one line up" move a cursor over a few rows, which the notebook shows in one output that is rewritten
too. Lines that the same task prints whole in between stay ordinary output. No clock, no kernel here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ROWS_MAX = 20
"""Rows of all tasks of a cell together; of more, the oldest become ordinary output."""

_UP = "\x1b[A"

Key = tuple[str, str, str]
"""Stream, name of the task, worker."""


@dataclass(slots=True)
class _Rows:
    """The rows of one task (or of several, one after the other, on one worker) and where its cursor is."""

    rows: list[str] = field(default_factory=lambda: [""])
    at: int = 0

    def write(self, text: str) -> None:
        """Move and write as a terminal does; a rewrite counts from the carriage return on."""
        for part in text.replace(_UP, f"\x00{_UP}\x00").split("\x00"):
            if part == _UP:
                self.at = max(0, self.at - 1)
                continue
            for number, line in enumerate(part.split("\n")):
                if number:
                    self.at += 1
                    if self.at == len(self.rows):
                        self.rows.append("")
                self._rewrite(line)

    def _rewrite(self, line: str) -> None:
        if not line:
            return
        kept = "" if line.startswith("\r") else self.rows[self.at]
        self.rows[self.at] = (kept + line).rstrip("\r").rsplit("\r", 1)[-1].rstrip()


class RewrittenLines:
    """All rewritten lines of one cell."""

    def __init__(self) -> None:
        self._tasks: dict[Key, _Rows] = {}

    def take(self, key: Key, text: str) -> str:
        """Take what a task printed; returns what of it is ordinary output."""
        known = self._tasks.get(key)
        if known is None and not _rewrites(text):
            return text
        plain = []
        for line in text.splitlines(keepends=True) if "\r" not in text else _lines(text):
            if known is None and not _rewrites(line) or known is not None and _is_plain(line):
                plain.append(line)
                continue
            if known is None:
                known = self._tasks[key] = _Rows()
            known.write(line)
        return "".join(plain)

    def overflow(self) -> list[tuple[Key, str]]:
        """Rows beyond the limit, taken out: first those that a cursor has left, then those of the oldest task."""
        gone: list[tuple[Key, str]] = []
        while sum(map(_shown, self._tasks.values())) > ROWS_MAX:
            left = next((key for key, task in self._tasks.items() if task.at > 0), None)
            if left is None:
                oldest = next(iter(self._tasks))
                gone += [(oldest, row) for row in self._tasks.pop(oldest).rows]
                continue
            task = self._tasks[left]
            gone.append((left, task.rows.pop(0)))
            task.at -= 1
            if not any(task.rows):
                del self._tasks[left]
        return [(key, row) for key, row in gone if row]

    def lines(self, label: bool = True) -> list[str]:
        """What to show, with the task and worker in front."""
        shown = []
        for (_stream, name, worker), task in self._tasks.items():
            source = ", ".join(filter(None, (name, worker)))
            prefix = f"({source}) " if label and source else ""
            shown += [f"{prefix}{row}" for row in task.rows if row]
        return shown


def _rewrites(text: str) -> bool:
    """Whether this begins a rewriting: its end is not ended, and the carriage is back."""
    return "\r" in text.rpartition("\n")[2]


def _is_plain(line: str) -> bool:
    """A whole line with something in it, and nothing that moves a cursor."""
    return line.endswith("\n") and bool(line.strip()) and "\r" not in line and _UP not in line


def _lines(text: str) -> list[str]:
    """Split after line ends alone: carriage returns stay inside."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _shown(task: _Rows) -> int:
    return sum(map(bool, task.rows))
