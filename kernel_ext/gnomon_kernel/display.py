"""What the extension says in words: one line to the cell, the state of the session, sizes and times.

Plain text for people; no widget, no HTML, and nothing of the session is changed here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from gnomon.resources import size_words


def say(line: str) -> None:
    """Write one line into the output of the running cell."""
    sys.stdout.write(line + "\n")


def count(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``; thousands are separated."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {plural}"


def state_words(counts: Mapping[str, int]) -> str:
    """The counts that are not zero, in the order of the views: "3 running, 10 done"."""
    return ", ".join(f"{number:,} {state}" for state, number in counts.items() if number) or "none yet"


def duration(seconds: float) -> str:
    """A time as people read it: ``0.4 s``, ``2 min 05 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def number(value: float) -> str:
    """``2`` for 2.0, ``0.5`` for 0.5."""
    return f"{value:g}"


def resources_line(resources: Mapping[str, float]) -> str:
    """``2 CPUs, 1 GPU, 3 licence, store 1.2 GB`` from what ``cluster_resources`` returns."""
    parts = [f"{number(resources.get('CPU', 0))} {'CPU' if resources.get('CPU') == 1 else 'CPUs'}"]
    if resources.get("GPU"):
        parts.append(f"{number(resources['GPU'])} {'GPU' if resources['GPU'] == 1 else 'GPUs'}")
    known = {"CPU", "GPU", "memory", "object_store_memory"}
    own = sorted(name for name in resources if name not in known and not name.startswith("node:"))
    parts += [f"{number(resources[name])} {name}" for name in own]
    if resources.get("object_store_memory"):
        parts.append(f"store {size_words(resources['object_store_memory'])}")
    return ", ".join(parts)


def table(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Columns of text, aligned; the first row is the header."""
    lines = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
