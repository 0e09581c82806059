"""Parts of the static twins: what a saved notebook shows where no live view can run.

A twin is a text of a few lines and a small piece of HTML with an SVG picture in it. It needs no script and no
style sheet of its own, and stays far below 100 KB however much there is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from gnomon import observe
from gnomon.exceptions import GnomonError

STATE_COLOURS = {
    "waiting": "#8a8f98",
    "ready": "#e69f00",
    "running": "#0072b2",
    "done": "#009e73",
    "failed": "#d55e00",
    "cancelled": "#6b5b7b",
    "pending": "#8a8f98",
    "memory": "#56b4e9",
    "store": "#0072b2",
    "spilled": "#e69f00",
    "lost": "#cc79a7",
    "error": "#d55e00",
    "alive": "#009e73",
    "restarting": "#e69f00",
    "dead": "#d55e00",
}

STATE_MARKS = {"waiting": "…", "ready": "•", "running": "▸", "done": "✓", "failed": "✕", "cancelled": "–"}
"""A state is never told by colour alone."""

TABLE_ROWS_MAX = 20
NAMES_SHOWN_MAX = 2

_NAMES_WAIT_S = 0.06
"""Twice the time that a search for names may take: twins are read at the start and the end of every cell."""

_INK, _PAPER = "#24292f", "#ffffff"

_BAR_ORDER = ("done", "failed", "cancelled", "running", "ready", "waiting")
_SEGMENT_WIDTH_MIN = 3.0


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything that the twins show, read at one moment.

    Attributes:
        held_by: by object, the names that this process has for it; read only when a view shows objects.
        spans: what ran where and when; read only when a view shows it.
    """

    graph: observe.Graph
    summary: Mapping[str, Any]
    objects: Sequence[Mapping[str, Any]]
    actors: Sequence[Mapping[str, Any]]
    held_by: Mapping[str, str] = field(default_factory=dict)
    spans: observe.Spans = observe.NO_SPANS
    nodes: Sequence[Mapping[str, Any]] = ()

    @property
    def is_empty(self) -> bool:
        """There is no session to show."""
        return not self.summary["session"]


@dataclass(frozen=True, slots=True)
class Twin:
    """The static form of one view."""

    text: str
    html: str


def read_picture(names: bool = True, spans: bool = True, ended: Any = None) -> Picture:
    """The current session as it is now; with ``names`` also who holds its objects, with ``spans`` what ran when.

    Args:
        names: see above.
        spans: see above.
        ended: the ledger of a session that has ended, to show how it ended.
    """
    objects = observe.objects(limit=TABLE_ROWS_MAX, ledger=ended)
    return Picture(
        graph=observe.graph(ledger=ended),
        summary=observe.summary(ledger=ended),
        objects=objects,
        actors=observe.actors(ledger=ended),
        held_by=_held_by(objects) if names and objects and ended is None else {},
        spans=observe.spans(ledger=ended) if spans else observe.NO_SPANS,
        nodes=observe.nodes(ledger=ended),
    )


def _held_by(objects: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    wanted = [row["object_id"] for row in objects]
    try:
        report = observe.memory(wanted, timeout_s=_NAMES_WAIT_S, everywhere=False)
    except GnomonError:  # the session is ending: then nobody holds anything
        return {}
    return {row.object_id: _listed([holder.name for holder in row.holders]) for row in report.rows}


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN_MAX} more" if len(names) > NAMES_SHOWN_MAX else ""
    return ", ".join(shortened(name, 40) for name in names[:NAMES_SHOWN_MAX]) + more


def shortened(text: str, length: int) -> str:
    """At most ``length`` characters; of a dotted name the last part counts most."""
    if len(text) <= length:
        return text
    last = text.rpartition(".")[2]
    return last if last and len(last) <= length else text[: length - 1] + "…"


def section(words: str, content: str) -> str:
    """One view's part of the page: its counts in words, then the picture and the table."""
    subject, _, counts = words.partition(": ")
    return f'<div style="margin:8px 0"><p><b>{escape(subject)}</b>: {escape(counts)}</p>{content}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], more: int = 0) -> str:
    """An HTML table; ``more`` rows are told of and left out."""
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>" for row in rows
    )
    note = f"<tr><td colspan='{len(head)}'>… and {more:,} more</td></tr>" if more > 0 else ""
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}{note}</tbody></table>"


def svg(width: float, height: float, label: str, parts: Iterable[str]) -> str:
    """A picture with a text for those who can not see it.

    It is an image: of a drawing in the page, a page that does not trust its notebook leaves the words and takes the rest away.
    An image knows nothing of the page's theme, so it brings its own paper.
    """
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="sans-serif" font-size="12" color="{_INK}" fill="{_INK}">'
        f'<rect width="100%" height="100%" rx="4" fill="{_PAPER}"/>{"".join(parts)}</svg>'
    )
    data = base64.b64encode(drawing.encode()).decode()
    return (
        f'<img alt="{escape(label)}" width="{width:.0f}" height="{height:.0f}" style="max-width:100%;height:auto" '
        f'src="data:image/svg+xml;base64,{data}"/>'
    )


def rectangle(x: float, y: float, width: float, height: float, colour: str, extra: str = "") -> str:
    """A filled rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{height:.1f}" '
        f'fill="{colour}" {extra}/>'
    )


def label(x: float, y: float, text: str, extra: str = "") -> str:
    """A piece of text in a picture."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(text)}</text>'


def link(x1: float, y1: float, x2: float, y2: float, weight: float = 1) -> str:
    """A curve from left to right: results that one takes from the other."""
    middle = (x1 + x2) / 2
    return (
        f'<path d="M{x1:.1f} {y1:.1f}C{middle:.1f} {y1:.1f} {middle:.1f} {y2:.1f} {x2:.1f} {y2:.1f}" '
        f'fill="none" stroke="#8a8f98" stroke-opacity="0.6" stroke-width="{weight:.1f}"/>'
    )


def bar(x: float, y: float, width: float, height: float, counts: Mapping[str, int]) -> list[str]:
    """A bar divided by state, what is done first; every state that occurs stays visible."""
    parts = [rectangle(x, y, width, height, "#8a8f98", 'fill-opacity="0.2"')]
    shares = {state: counts[state] for state in _BAR_ORDER if counts[state]}
    if shares:
        floor = _SEGMENT_WIDTH_MIN
        scale = (width - floor * len(shares)) / sum(shares.values())
        for state, count in shares.items():
            segment = floor + scale * count
            parts.append(rectangle(x, y, segment, height, STATE_COLOURS[state]))
            x += segment
    return parts
