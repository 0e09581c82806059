"""Typed columns: how rows of tasks travel to a view in one binary buffer.

Each column is little endian and padded to 8 bytes, so that a browser can lay a typed array over it. The
buffer holds the columns of new tasks, then those of changed ones, then those of tasks that have left the list, in the
order of the three specs.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from gnomon._core.ledger import TaskRow

Spec = list[list[Any]]
"""``[column name, dtype, number of values]`` for each column."""

NEW_ROW_BYTES = 26
"""A new task without its dependencies: id, func, cell, line, parent, created, ndeps."""

CHANGED_ROW_BYTES = 24
"""A change of state: id, state, attempt, worker, start, end."""

GONE_ROW_BYTES = 4
"""A task that has left the list: id."""

DEPENDENCY_BYTES = 4

DEPENDENCIES_SHOWN_MAX = 5_000
"""Edges listed for one task: with many more, its row would not fit a message (5,000 x 4 bytes = 20 kB)."""

_CODES = {"u1": "B", "u2": "H", "u4": "I", "i2": "h", "i4": "i", "f8": "d"}
_U1_MAX = 0xFF
_U2_MAX = 0xFFFF
_U4_MAX = 0xFFFF_FFFF
_I2_MAX = 0x7FFF


class ColumnWriter:
    """Collects columns into one buffer."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def column(self, spec: Spec, name: str, dtype: str, values: Iterable[Any]) -> None:
        """Append one column and describe it in ``spec``."""
        packed = array(_CODES[dtype], values)
        if sys.byteorder == "big":
            packed.byteswap()
        data = packed.tobytes()
        spec.append([name, dtype, len(packed)])
        self._parts += (data, bytes(-len(data) % 8))

    def buffer(self) -> bytes:
        """All columns so far."""
        return b"".join(self._parts)


def shown_dependencies(row: TaskRow) -> Sequence[int]:
    """The listed tasks that a task depends on; cut at ``DEPENDENCIES_SHOWN_MAX``."""
    if not row.deps:
        return row.deps
    return [number for number in row.deps if number >= 0][:DEPENDENCIES_SHOWN_MAX]


def write_new(writer: ColumnWriter, rows: Sequence[TaskRow], offset_s: float) -> Spec:
    """Columns of tasks that a reader has not seen yet.

    Args:
        writer: receives the columns.
        rows: listed tasks, in the order of their numbers.
        offset_s: added to monotonic times to make unix times.
    """
    spec: Spec = []
    dependencies = [shown_dependencies(row) for row in rows]
    writer.column(spec, "id", "i4", [row.index for row in rows])
    writer.column(spec, "func", "u2", [_within(row.group, _U2_MAX) for row in rows])
    writer.column(spec, "cell", "u2", [_within(row.cell, _U2_MAX) for row in rows])
    writer.column(spec, "line", "u4", [_within(row.line, _U4_MAX) for row in rows])
    writer.column(spec, "parent", "i4", [row.parent for row in rows])
    writer.column(spec, "created", "f8", [row.created + offset_s for row in rows])
    writer.column(spec, "ndeps", "u2", [len(numbers) for numbers in dependencies])
    writer.column(spec, "deps", "i4", [number for numbers in dependencies for number in numbers])
    return spec


def write_changed(writer: ColumnWriter, rows: Sequence[TaskRow], offset_s: float) -> Spec:
    """Columns of tasks whose state a reader does not know."""
    spec: Spec = []
    writer.column(spec, "id", "i4", [row.index for row in rows])
    writer.column(spec, "state", "u1", [row.state for row in rows])
    writer.column(spec, "attempt", "u1", [row.attempt if row.attempt <= _U1_MAX else _U1_MAX for row in rows])
    writer.column(spec, "worker", "i2", [row.worker if row.worker <= _I2_MAX else -1 for row in rows])
    writer.column(spec, "start", "f8", [wall_time(row.started, offset_s) for row in rows])
    writer.column(spec, "end", "f8", [wall_time(row.finished, offset_s) for row in rows])
    return spec


def write_gone(writer: ColumnWriter, numbers: Sequence[int]) -> Spec:
    """The column of tasks that have left the list."""
    spec: Spec = []
    writer.column(spec, "id", "i4", numbers)
    return spec


def wall_time(monotonic_s: float, offset_s: float) -> float:
    """Unix seconds; 0.0 stays 0.0, which means "not yet"."""
    return monotonic_s + offset_s if monotonic_s else 0.0


def _within(value: int, largest: int) -> int:
    """A number that the column can hold; what it can not is shown as 0 ("none")."""
    return value if 0 <= value <= largest else 0
