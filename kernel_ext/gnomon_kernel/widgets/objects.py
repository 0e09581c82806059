"""Static twin of the object store: how full it is, and the largest objects."""

from __future__ import annotations

from gnomon.resources import size_words
from gnomon_kernel.widgets.static import (
    STATE_COLOURS,
    TABLE_ROWS_MAX,
    Picture,
    Twin,
    label,
    rectangle,
    section,
    shortened,
    svg,
    table,
)

_BAR_WIDTH, _BAR_HEIGHT = 420, 16
_LINES_IN_TEXT_MAX = 10


def twin(picture: Picture) -> Twin:
    """The objects as text and as HTML."""
    words = describe(picture)
    rows = [
        (
            shortened(row["producer"], 30),
            size_words(row["size_bytes"]),
            row["state"],
            picture.held_by.get(row["object_id"]) or row["holders"],
            row["cell"],
            row["object_id"][-12:],
        )
        for row in picture.objects[:TABLE_ROWS_MAX]
    ]
    lines = [
        f"  {size:>9}  {state:<8} {producer:<30} {f'held by {held}' if isinstance(held, str) else ''}".rstrip()
        for producer, size, state, held, *_ in rows[:_LINES_IN_TEXT_MAX]
    ]
    more = picture.summary["objects"].get("count", 0) - len(rows)
    listing = table(["made by", "size", "state", "held by", "cell", "id"], rows, more) if rows else ""
    return Twin("\n".join([words, *lines]), section(words, _store_bar(picture, words) + listing))


def describe(picture: Picture) -> str:
    """The totals in words, as the live view has them for screen readers."""
    totals = picture.summary["objects"]
    used = size_words(totals.get("store_used_bytes", 0))
    return f"objects: {totals.get('count', 0)} objects, {used} in store"


def _store_bar(picture: Picture, words: str) -> str:
    totals = picture.summary["objects"]
    capacity = totals.get("store_capacity_bytes", 0)
    if not capacity:
        return ""
    used = totals["store_used_bytes"]
    living = sum(bool(node.get("alive")) for node in picture.nodes)
    where = f" on {living} nodes" if living > 1 else ""
    text = f"{size_words(used)} of {size_words(capacity)} in use{where}"
    parts = [
        rectangle(0, 0, _BAR_WIDTH, _BAR_HEIGHT, "#8a8f98", 'fill-opacity="0.2"'),
        rectangle(0, 0, _BAR_WIDTH * min(1.0, used / capacity), _BAR_HEIGHT, STATE_COLOURS["store"]),
        label(0, _BAR_HEIGHT + 14, text),
    ]
    return svg(_BAR_WIDTH, _BAR_HEIGHT + 20, f"{words}; {text}", parts)
