"""What a cell shows of the output of its tasks: all of it while it is little, both ends when it is a flood.

Lines come in, text to show comes out; there is no clock, no thread and no kernel here. Equal lines in a row
become one line with a count. Up to ``WHOLE_LINES_MAX`` lines are shown as they come. Past that the cell
*folds*: what is shown stays (at least the first ``HEAD_LINES``), and one output that is rewritten in place
holds the last ``TAIL_LINES`` and says how many lines are missing between the two. The one rule for a changer:
every line that came in is shown, pending or counted as hidden; :meth:`OutputFold.accounted` adds them up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

HEAD_LINES = 20
"""Lines at the start of a flood that stay."""

TAIL_LINES = 200
"""Lines at the end of a flood that are shown."""

WHOLE_LINES_MAX = HEAD_LINES + TAIL_LINES
"""A cell with no more lines than these shows them all."""

SHOWN_CHARS_MAX = 65_536
"""The same bound for characters, of the start and of the end each, so that a saved notebook stays small."""

LINE_CHARS_MAX = 10_000
"""A longer line is cut; the rest is counted."""


@dataclass(slots=True)
class _Repeated:
    """A line, and how often it came in a row, from which workers."""

    stream: str
    name: str
    text: str
    workers: set[str]
    times: int = 1

    def render(self) -> str:
        source = ", ".join(filter(None, (self.name, min(self.workers))))
        prefix = f"({source}) " if source else ""
        return f"{prefix}{self.text}{self._suffix()}"

    def _suffix(self) -> str:
        if self.times == 1:
            return ""
        from_workers = f" from {len(self.workers)} workers" if len(self.workers) > 1 else ""
        return f"  [{self.times:,} times{from_workers}]"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a cell shows next.

    Attributes:
        streams: (stream, text) to append, in order; at most two.
        tail: new text of the output that is rewritten in place; None when it has not changed.
    """

    streams: list[tuple[str, str]] = field(default_factory=list)
    tail: str | None = None


class OutputFold:
    """The output of one run of one cell."""

    def __init__(self) -> None:
        self._pending: list[_Repeated] = []
        self._tail: deque[_Repeated] = deque()
        self._folded = False
        self._tail_changed = False
        self._streamed = 0
        self._streamed_lines = 0
        self._streamed_chars = 0
        self._pending_chars = 0
        self._tail_chars = 0
        self._hidden = 0

    @property
    def dirty(self) -> bool:
        """There is something new to show."""
        return bool(self._pending) or self._tail_changed

    def accounted(self) -> int:
        """All lines that came in: shown, still pending, in the tail or hidden."""
        waiting = sum(line.times for line in self._pending)
        return self._streamed + waiting + sum(line.times for line in self._tail) + self._hidden

    def add(self, stream: str, name: str, worker: str, text: str) -> None:
        """Take what a task printed: one or more lines."""
        lines = text.split("\n")
        if len(lines) > 1 and not lines[-1]:
            lines.pop()
        for line in lines:
            self._add_line(stream, name, worker, _visible(line))

    def take(self) -> Batch:
        """What is to be shown now; it counts as shown from here on."""
        streams = _by_stream(self._pending)
        self._streamed += sum(line.times for line in self._pending)
        self._streamed_lines += len(self._pending)
        self._streamed_chars += self._pending_chars
        self._pending = []
        self._pending_chars = 0
        tail = self._render_tail() if self._tail_changed else None
        self._tail_changed = False
        return Batch(streams, tail)

    def _add_line(self, stream: str, name: str, worker: str, text: str) -> None:
        last = (self._tail[-1] if self._tail else None) if self._folded else self._last_pending()
        if last is not None and (last.text, last.name, last.stream) == (text, name, stream):
            last.times += 1
            last.workers.add(worker)
            self._tail_changed |= self._folded
            return
        line = _Repeated(stream, name, text, {worker})
        if not self._folded:
            self._pending.append(line)
            self._pending_chars += len(text)
            if self._is_flood():
                self._fold()
            return
        self._append_to_tail(line)

    def _last_pending(self) -> _Repeated | None:
        return self._pending[-1] if self._pending else None

    def _is_flood(self) -> bool:
        lines = self._streamed_lines + len(self._pending)
        return lines > WHOLE_LINES_MAX or self._streamed_chars + self._pending_chars > SHOWN_CHARS_MAX

    def _fold(self) -> None:
        pending, self._pending, self._pending_chars = self._pending, [], 0
        self._folded = True
        for position, line in enumerate(pending):
            in_head = self._streamed_lines + position < HEAD_LINES
            if in_head and self._streamed_chars + self._pending_chars + len(line.text) <= SHOWN_CHARS_MAX:
                self._pending.append(line)
                self._pending_chars += len(line.text)
            else:
                self._append_to_tail(line)

    def _append_to_tail(self, line: _Repeated) -> None:
        self._tail.append(line)
        self._tail_chars += len(line.text)
        self._tail_changed = True
        while len(self._tail) > TAIL_LINES or self._tail_chars > SHOWN_CHARS_MAX:
            oldest = self._tail.popleft()
            self._tail_chars -= len(oldest.text)
            self._hidden += oldest.times

    def _render_tail(self) -> str:
        lines = [line.render() for line in self._tail]
        if self._hidden:
            lines.insert(0, f"... {self._hidden:,} lines not shown; the last ones follow ...")
        return "\n".join(lines)


def _visible(line: str) -> str:
    """What a terminal would show of the line at its end: the last rewrite, cut when very long."""
    text = line.rstrip("\r").rsplit("\r", 1)[-1]
    if len(text) <= LINE_CHARS_MAX:
        return text
    return f"{text[:LINE_CHARS_MAX]}... ({len(text) - LINE_CHARS_MAX:,} more characters)"


def _by_stream(lines: list[_Repeated]) -> list[tuple[str, str]]:
    """In order when that takes two messages at most, else all of one stream and then all of the other."""
    ordered: list[tuple[str, list[str]]] = []
    for line in lines:
        if not ordered or ordered[-1][0] != line.stream:
            ordered.append((line.stream, []))
        ordered[-1][1].append(line.render())
    if len(ordered) > 2:
        names = dict.fromkeys(stream for stream, _texts in ordered)
        ordered = [(name, [text for s, texts in ordered if s == name for text in texts]) for name in names]
    return [(stream, "\n".join(texts) + "\n") for stream, texts in ordered]
