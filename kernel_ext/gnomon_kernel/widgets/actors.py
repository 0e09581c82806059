"""Static twin of the actors: their states, and what each has done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gnomon_kernel.widgets.static import (
    STATE_COLOURS,
    TABLE_ROWS_MAX,
    Picture,
    Twin,
    label,
    section,
    shortened,
    svg,
    table,
)

_LINES_IN_TEXT_MAX = 10
_DOTS_MAX = 200
_DOTS_IN_ROW = 40
_DOT_STEP = 14


def twin(picture: Picture) -> Twin:
    """The actors as text and as HTML."""
    words = describe(picture)
    shown = picture.actors[:TABLE_ROWS_MAX]
    lines = [
        f"  {_title(row)}: {row.get('state', '')}{_fields(row)}{_cause(row)}"
        for row in shown[:_LINES_IN_TEXT_MAX]
    ]
    rows = [
        (
            _title(row),
            row.get("state", ""),
            row.get("done", 0),
            row.get("pending", 0),
            row.get("current") or "",
            row.get("restarts", 0),
            _watched(row),
            shortened(str(row.get("cause") or ""), 80),
        )
        for row in shown
    ]
    head = [
        "actor",
        "state",
        "calls done",
        "pending",
        "current method",
        "restarts",
        "watched",
        "cause of death",
    ]
    listing = table(head, rows, len(picture.actors) - len(rows)) if rows else ""
    return Twin("\n".join([words, *lines]), section(words, _dots(picture, words) + listing))


def describe(picture: Picture) -> str:
    """The counts in words, as the live view has them for screen readers."""
    states: Mapping[str, int] = picture.summary["actors"]
    return "actors: " + ", ".join(
        f"{states.get(state, 0)} {state}" for state in ("alive", "restarting", "dead")
    )


def _title(row: Mapping[str, Any]) -> str:
    kind = shortened(str(row.get("class", "")), 30)
    title = f"{kind} {row['name']!r}" if row.get("name") else kind
    return f"{title} (older definition)" if row.get("stale") else title


def _watched(row: Mapping[str, Any]) -> str:
    """The watched fields and their last values: ``step = 12, loss = 0.25``."""
    return shortened(", ".join(f"{name} = {value}" for name, value in row.get("watched", {}).items()), 80)


def _fields(row: Mapping[str, Any]) -> str:
    return f", {_watched(row)}" if row.get("watched") else ""


def _cause(row: Mapping[str, Any]) -> str:
    return f" ({shortened(str(row['cause']), 60)})" if row.get("cause") else ""


def _dots(picture: Picture, words: str) -> str:
    """One dot an actor, for the first few hundred."""
    shown = picture.actors[:_DOTS_MAX]
    if not shown:
        return ""
    parts = []
    for number, row in enumerate(shown):
        x = _DOT_STEP * (number % _DOTS_IN_ROW + 0.5)
        y = _DOT_STEP * (number // _DOTS_IN_ROW + 0.5)
        colour = STATE_COLOURS.get(str(row.get("state")), "#8a8f98")
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"/>')
    rows = 1 + (len(shown) - 1) // _DOTS_IN_ROW
    more = len(picture.actors) - len(shown)
    if more:
        parts.append(label(0, _DOT_STEP * rows + 12, f"… and {more:,} more"))
    return svg(_DOT_STEP * _DOTS_IN_ROW, _DOT_STEP * rows + (18 if more else 2), words, parts)
