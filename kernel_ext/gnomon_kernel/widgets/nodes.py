"""Static twin of the nodes: what is in use on each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

_LINES_IN_TEXT_MAX = 10
_DRAWN_MAX = 12
_NAME_WIDTH, _BAR_WIDTH, _ROW = 130, 200, 20


def twin(picture: Picture) -> Twin:
    """The nodes as text and as HTML."""
    words = describe(picture)
    shown = picture.nodes[:TABLE_ROWS_MAX]
    rows = [_row(node) for node in shown]
    lines = [
        f"  {name}: {state}" + (f", {cpus} CPUs in use, {workers} workers, store {store}" if cpus else "")
        for name, state, cpus, workers, store, _ in rows[:_LINES_IN_TEXT_MAX]
    ]
    head = ["node", "state", "CPUs in use", "workers", "store in use", "on disk"]
    listing = table(head, rows, len(picture.nodes) - len(rows)) if rows else ""
    return Twin("\n".join([words, *lines]), section(words, _bars(picture, words) + listing))


def describe(picture: Picture) -> str:
    """The counts in words, as the live view has them for screen readers."""
    alive = [node for node in picture.nodes if node.get("alive")]
    workers = sum(node.get("workers", 0) for node in alive)
    return f"nodes: {len(alive)} alive, {len(picture.nodes) - len(alive)} dead, {workers} workers"


def _row(node: Mapping[str, Any]) -> tuple[str, ...]:
    name = shortened(str(node.get("label", "")), 30)
    if not node.get("alive"):
        return name, "dead", "", "", "", ""
    used, total = _cpus(node)
    store = (
        f"{size_words(node.get('store_used_bytes', 0))} of {size_words(node.get('store_capacity_bytes', 0))}"
    )
    spilled = node.get("store_spilled_bytes", 0)
    on_disk = size_words(spilled) if spilled else ""
    return name, "alive", f"{used:g} of {total:g}", str(node.get("workers", 0)), store, on_disk


def _cpus(node: Mapping[str, Any]) -> tuple[float, float]:
    total = node.get("resources", {}).get("CPU", 0.0)
    return total - node.get("available", {}).get("CPU", 0.0), total


def _bars(picture: Picture, words: str) -> str:
    """Of every living node two bars: CPUs and store."""
    alive = [node for node in picture.nodes if node.get("alive")][:_DRAWN_MAX]
    if not alive:
        return ""
    parts = [
        label(_NAME_WIDTH, 11, "CPUs in use", 'font-size="11"'),
        label(_NAME_WIDTH + _BAR_WIDTH + 20, 11, "store in use", 'font-size="11"'),
    ]
    for number, node in enumerate(alive):
        y = 18 + _ROW * number
        used, total = _cpus(node)
        capacity = node.get("store_capacity_bytes", 0)
        parts.append(label(0, y + 11, shortened(str(node.get("label", "")), 18)))
        parts += _bar(_NAME_WIDTH, y, used / total if total else 0.0, STATE_COLOURS["running"])
        full = node.get("store_used_bytes", 0) / capacity if capacity else 0.0
        parts += _bar(_NAME_WIDTH + _BAR_WIDTH + 20, y, full, STATE_COLOURS["store"])
    return svg(_NAME_WIDTH + 2 * _BAR_WIDTH + 30, 22 + _ROW * len(alive), words, parts)


def _bar(x: float, y: float, share: float, colour: str) -> list[str]:
    return [
        rectangle(x, y, _BAR_WIDTH, 13, "#8a8f98", 'fill-opacity="0.2"'),
        rectangle(x, y, _BAR_WIDTH * min(1.0, share), 13, colour),
    ]
