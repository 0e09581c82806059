"""What a cell shows of the output of its tasks: all of it while it is little, both ends when it is a flood.

Lines come in, text to show comes out; there is no clock, no thread and no kernel here. Equal lines in a row
become one line with a count. Up to ``WHOLE_LINES_MAX`` lines are shown as they come. Past that the cell
*folds*: what is shown stays (at least the first ``HEAD_LINES``), and one output that is rewritten in place
holds the last ``TAIL_LINES`` and says how many lines are missing between the two. The one rule for a changer:
every line that came in is shown, pending or counted as hidden; :meth:`OutputFold.accounted` adds them up.

Workers that say the same say it once: a line that another worker has printed a moment ago (it is not shown yet)
is counted there, and the line tells how often and from how many workers it came.
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
    logged: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        return self.stream, self.name, self.text

    def render(self) -> str:
        return self._rendered(self.times)

    def render_for_log(self) -> str:
        """The line with the repetitions that the log does not have yet."""
        times, self.logged = self.times - self.logged, self.times
        return self._rendered(times)

    def _rendered(self, times: int) -> str:
        source = ", ".join(filter(None, (self.name, min(self.workers))))
        prefix = f"({source}) " if source else ""
        return f"{prefix}{self.text}{self._suffix(times)}"

    def _suffix(self, times: int) -> str:
        if times == 1:
            return ""
        from_workers = f" from {len(self.workers)} workers" if len(self.workers) > 1 else ""
        return f"  [{times:,} times{from_workers}]"


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
    """The output of one run of one cell.

    Attributes:
        log_path: where all of it is to be found; told once the output is folded.
    """

    def __init__(self) -> None:
        self.log_path = ""
        self._recent: dict[tuple[str, str, str], _Repeated] = {}
        self._unlogged: list[_Repeated] = []
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

    @property
    def folded(self) -> bool:
        """It is a flood: not all of it is shown."""
        return self._folded

    def take_log(self) -> str:
        """What the log has not got yet; everything from the first line on when the output has just been folded."""
        lines, self._unlogged = self._unlogged, []
        return "".join(f"{line.render_for_log()}\n" for line in lines)

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
        self._recent.clear()
        tail = self._render_tail() if self._tail_changed else None
        self._tail_changed = False
        return Batch(streams, tail)

    def _add_line(self, stream: str, name: str, worker: str, text: str) -> None:
        known = self._same(stream, name, worker, text)
        if known is not None:
            if known.logged == known.times:
                self._unlogged.append(known)
            known.times += 1
            known.workers.add(worker)
            self._tail_changed |= self._folded
            return
        line = _Repeated(stream, name, text, {worker})
        self._recent[line.key] = line
        self._unlogged.append(line)
        if self._folded:
            self._append_to_tail(line)
            return
        self._pending.append(line)
        self._pending_chars += len(text)
        if self._is_flood():
            self._fold()

    def _same(self, stream: str, name: str, worker: str, text: str) -> _Repeated | None:
        """The line that this one repeats: the last one, or one that another worker has printed just now."""
        last = (self._tail[-1] if self._tail else None) if self._folded else self._last_pending()
        if last is not None and last.key == (stream, name, text):
            return last
        known = self._recent.get((stream, name, text))
        return known if known is not None and worker not in known.workers else None

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
            if self._recent.get(oldest.key) is oldest:
                del self._recent[oldest.key]

    def _render_tail(self) -> str:
        lines = [line.render() for line in self._tail]
        if self._hidden:
            where = f"; all are in {self.log_path}" if self.log_path else ""
            lines.insert(0, f"... {self._hidden:,} lines not shown{where}; the last ones follow ...")
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
