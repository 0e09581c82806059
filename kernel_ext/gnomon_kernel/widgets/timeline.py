"""Static twin of the timeline: a row for every worker, its spans by the colour of their function, and what took time besides."""

from __future__ import annotations

from collections.abc import Sequence

from gnomon import observe
from gnomon_kernel.widgets.static import (
    STATE_COLOURS,
    STATE_MARKS,
    Picture,
    Twin,
    label,
    rectangle,
    section,
    shortened,
    svg,
    table,
)

FUNCTION_COLOURS = (
    "#0072b2",
    "#e69f00",
    "#56b4e9",
    "#117733",
    "#cc79a7",
    "#f0e442",
    "#7a68c0",
    "#8c6d4f",
)
"""The hues of the live view, in its order; none of them is the red of failure."""

WORK_KINDS = {
    "transfer": ("copied from another node", "#d6338a"),
    "spill": ("spilled to disk", "#5b3a1e"),
    "restore": ("restored from disk", "#b8926a"),
    "read": ("arguments read", "#128a8a"),
    "write": ("result written", "#5c9c1f"),
    "again": ("tried again", "#8a8f98"),
}
"""What is no task, and its colour, as the live view has them."""

_ROWS_MAX = 32
_LINES_IN_TEXT_MAX = 10
_NAMES_MAX = 12
_RECTANGLES_MAX = 500
"""At most some 80 bytes each."""

_WORK_RECTANGLES_MAX = 150
_WORK_HEIGHT = 4
_GUTTER, _WIDTH, _ROW, _AXIS = 130, 620, 16, 18
_STEPS_PX = (0.5, 1, 2, 4, 8, 16, 32)
_CROSS_FROM_PX = 9

_Piece = tuple[float, float, str]
"""From, to, and the colour of what ran there."""


def twin(picture: Picture) -> Twin:
    """The timeline as text and as HTML."""
    spans = picture.spans
    words = describe(picture)
    rows = _summaries(spans)
    lines = [
        f"  {name}: {_counted(tasks, 'task')}, busy {busy:.1f} s ({share:.0%})"
        for name, tasks, busy, share in rows[:_LINES_IN_TEXT_MAX]
    ]
    if len(rows) > _LINES_IN_TEXT_MAX:
        lines.append(f"  … and {len(rows) - _LINES_IN_TEXT_MAX:,} more workers")
    listing = table(
        ["worker", "tasks", "busy", "of the time"],
        [
            (name, f"{tasks:,}", f"{busy:.2f} s", f"{share:.0%}")
            for name, tasks, busy, share in rows[:_ROWS_MAX]
        ],
        len(rows) - _ROWS_MAX,
    )
    content = _draw(spans, words) + listing if rows else ""
    return Twin("\n".join([words, *lines]), section(words, content))


def describe(picture: Picture) -> str:
    """The counts in words, as the live view has them for screen readers."""
    spans = picture.spans
    running = sum(span.state == "running" for row in spans.rows for span in row)
    count = sum(len(row) for row in spans.rows)
    workers = sum(bool(row) for row in spans.rows)
    return f"timeline: {_counted(workers, 'worker')}, {_counted(count, 'span')}, {running} running"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _summaries(spans: observe.Spans) -> list[tuple[str, int, float, float]]:
    """Of every worker its name, its tasks, and how long it was busy, in seconds and as a part of the whole."""
    whole = spans.end - spans.begin
    found = []
    for name, row in zip(spans.workers, spans.rows, strict=True):
        if not row:
            continue
        busy, until = 0.0, 0.0
        for span in row:
            busy += max(0.0, span.end - max(span.start, until))
            until = max(until, span.end)
        found.append((name, len(row), busy, busy / whole if whole > 0 else 0.0))
    return found


def _draw(spans: observe.Spans, words: str) -> str:
    rows = zip(spans.workers, spans.rows, spans.work or [()] * len(spans.rows), strict=True)
    shown = [each for each in rows if each[1] or each[2]][:_ROWS_MAX]
    pieces = _pieces(spans, [row for _, row, _ in shown])
    work = _work_pieces(spans, [of_one for _, _, of_one in shown])
    parts = []
    whole = spans.end - spans.begin
    for part in range(5):
        x = _GUTTER + _WIDTH * part / 5
        parts.append(rectangle(x, _AXIS - 5, 1, 5 + _ROW * len(shown), "#8a8f98", 'fill-opacity="0.4"'))
        parts.append(label(x + 3, _AXIS - 7, _time(whole * part / 5), 'font-size="11"'))
    for number, ((name, *_), row) in enumerate(zip(shown, pieces, strict=True)):
        y = _AXIS + _ROW * number
        parts.append(label(_GUTTER - 6, y + 11, shortened(name, 20), 'text-anchor="end" font-size="11"'))
        for left, right, colour in row:
            width = max(0.6, right - left - (0.5 if right - left > 3 else 0))
            parts.append(rectangle(_GUTTER + left, y + 1, width, _ROW - 2, colour))
            if colour == STATE_COLOURS["failed"] and width >= _CROSS_FROM_PX:
                parts.append(label(_GUTTER + left + 1, y + 12, STATE_MARKS["failed"], 'fill="#fff"'))
    for number, left, right, kind in work:
        y = _AXIS + _ROW * number + _ROW - 1 - _WORK_HEIGHT
        parts.append(rectangle(_GUTTER + left, y, right - left, _WORK_HEIGHT, WORK_KINDS[kind][1]))
    height = _AXIS + _ROW * len(shown) + 6
    parts += _legend(spans, height + 14)
    kinds = [entry for kind, entry in WORK_KINDS.items() if any(kind == piece[3] for piece in work)]
    parts += _swatches(kinds, height + 30)
    return svg(_GUTTER + _WIDTH + 10, height + (42 if kinds else 26), words, parts)


def _work_pieces(
    spans: observe.Spans, rows: Sequence[Sequence[observe.WorkSpan]]
) -> list[tuple[int, float, float, str]]:
    """Row, from, to and kind of what is no task; the longest ones where there are too many."""
    scale = _WIDTH / max(spans.end - spans.begin, 1e-9)
    found = []
    for number, row in enumerate(rows):
        until: dict[str, float] = {}
        for span in row:
            left = max(0.0, (span.start - spans.begin) * scale)
            right = min(float(_WIDTH), max(left + 1, (span.end - spans.begin) * scale))
            if span.kind in WORK_KINDS and right > until.get(span.kind, -1.0) + 0.5:
                until[span.kind] = right
                found.append((number, left, right, span.kind))
    found.sort(key=lambda piece: piece[1] - piece[2])
    return sorted(found[:_WORK_RECTANGLES_MAX])


def _pieces(spans: observe.Spans, rows: Sequence[Sequence[observe.Span]]) -> list[list[_Piece]]:
    """What to draw of each row, in pixels; the coarser the more there is."""
    for step in _STEPS_PX:
        pieces = [_merged(spans, row, step) for row in rows]
        if sum(map(len, pieces)) <= _RECTANGLES_MAX:
            break
    return pieces


def _merged(spans: observe.Spans, row: Sequence[observe.Span], step: float) -> list[_Piece]:
    """Spans of one colour that touch become one; within ``step`` pixels only a failed one is seen besides."""
    scale = _WIDTH / max(spans.end - spans.begin, 1e-9)
    found: list[_Piece] = []
    for span in row:
        left = (span.start - spans.begin) * scale // step * step
        right = max(left + step, -(-(span.end - spans.begin) * scale // step) * step)
        failed = span.state == "failed"
        colour = STATE_COLOURS[span.state] if failed else _colour(span.function)
        if found and right <= found[-1][1] and not failed:
            continue
        if found and found[-1][2] == colour and left <= found[-1][1] and step > _STEPS_PX[0]:
            found[-1] = (found[-1][0], max(right, found[-1][1]), colour)
        else:
            found.append((left, right, colour))
    return found


def _colour(function: int) -> str:
    return FUNCTION_COLOURS[function % len(FUNCTION_COLOURS)]


def _legend(spans: observe.Spans, y: float) -> list[str]:
    """Which colour is which function: as many as one line holds."""
    used = sorted({span.function for row in spans.rows for span in row})[:_NAMES_MAX]
    return _swatches([(shortened(spans.names[function], 20), _colour(function)) for function in used], y)


def _swatches(entries: Sequence[tuple[str, str]], y: float) -> list[str]:
    """Names beside their colours, as many as one line holds."""
    parts, x = [], float(_GUTTER)
    for name, colour in entries:
        if x + 24 + 7 * len(name) > _GUTTER + _WIDTH:
            break
        parts.append(rectangle(x, y - 9, 10, 10, colour))
        parts.append(label(x + 14, y, name, 'font-size="11"'))
        x += 30 + 6.5 * len(name)
    return parts


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds < 1_000 else f"{seconds:,.0f} s"
