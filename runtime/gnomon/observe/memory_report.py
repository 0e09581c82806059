"""Who holds what: every object of the session with its size, origin and holders by name.

    memory()                       a report, by asking every process
    memory_text(report, ...)       the same as a table of plain text

Nothing is noted for this while nobody asks: the books are searched, and each process looks for names for a
fraction of a second. What that search can not name is counted, not left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gnomon._engine.memory import MemoryReport, MemoryRow, ObjectHolder
from gnomon._engine.staleness import stale_object
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import OBJECT_ID_BYTES, ObjectID, node_name
from gnomon.resources import size_words

__all__ = [
    "MEMORY_GROUPS",
    "MEMORY_SORTS",
    "MEMORY_UNITS",
    "MemoryReport",
    "MemoryRow",
    "MemoryTable",
    "ObjectHolder",
    "memory",
    "memory_tables",
    "memory_text",
    "memory_totals",
    "more_words",
]

TIMEOUT_S = 5.0
"""Only where a process is busy with native code that keeps the interpreter, or hangs, does it take that long."""

MEMORY_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "auto": 0}
"""Bytes in each; "auto" is for each size the unit in which people read it."""

MEMORY_GROUPS = ("NODE_ADDRESS", "STACK_TRACE")
MEMORY_SORTS = ("PID", "OBJECT_SIZE", "REFERENCE_TYPE")

_HEAD = ("size", "state", "made by", "call site", "held by", "owner", "object")
_OWNER = _HEAD.index("owner")

_COLUMN_MAX = 40
"""Characters to which columns are filled up: one long name must not push the rest of all rows out of sight."""


def memory(
    objects: ObjectRef[Any] | str | Iterable[ObjectRef[Any] | str] | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    everywhere: bool = True,
) -> MemoryReport:
    """Every object of the session, largest first, with who holds it.

    Args:
        objects: only these: a reference, an id in hexadecimal, or several; None for all.
        timeout_s: for all processes together to answer; half of it, and at most 0.2 s, may go into the search for
            names in each.
        everywhere: ask all processes; else only what this one knows, without waiting for anybody.

    Returns:
        A report; without a session an empty one.

    Raises:
        ValueError: something in ``objects`` is neither a reference nor the id of an object.
    """
    from gnomon._api.session import current_engine

    wanted = _identities(objects)
    engine = current_engine()
    if engine is None or (objects is not None and not wanted):
        return MemoryReport()
    return engine.memory(wanted, timeout_s, everywhere)


def _identities(objects: Any) -> list[ObjectID]:
    if objects is None:
        return []
    several = [objects] if isinstance(objects, ObjectRef | str) else list(objects)
    return [_identity(each) for each in several]


def _identity(given: Any) -> ObjectID:
    if isinstance(given, ObjectRef):
        return given._id
    try:
        found = bytes.fromhex(given)
    except (TypeError, ValueError):
        found = b""
    if len(found) != OBJECT_ID_BYTES:
        raise ValueError(
            f"memory() takes references or ids of objects ({2 * OBJECT_ID_BYTES} hexadecimal digits), not {given!r}."
        )
    return ObjectID(found)


# -- tables -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MemoryTable:
    """Some objects of a report, as people read them.

    Attributes:
        title: what they have in common, how many they are and how large together.
        head: names of the columns; the last one has the ids.
        rows: a text for each column.
        left_out: rows that are not shown.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


def memory_text(
    report: MemoryReport,
    *,
    group_by: Literal["NODE_ADDRESS", "STACK_TRACE"] | str = "NODE_ADDRESS",
    sort_by: Literal["PID", "OBJECT_SIZE", "REFERENCE_TYPE"] | str = "OBJECT_SIZE",
    units: Literal["B", "KB", "MB", "GB", "auto"] | str = "B",
    limit: int | None = None,
    stats_only: bool = False,
) -> str:
    """A report as plain text: a table for each group, and the store's totals.

    Args:
        report: from :func:`memory`.
        group_by: a table for each node that holds the value, or for each call site.
        sort_by: the order within a table.
        units: of the sizes.
        limit: rows in each table; None for all.
        stats_only: the totals alone.

    Raises:
        ValueError: an unknown word; the message lists those there are.
    """
    tables = memory_tables(report, group_by=group_by, sort_by=sort_by, units=units, limit=limit)
    lines: list[str] = []
    for table in () if stats_only else tables:
        lines += [table.title, *_aligned([table.head, *table.rows])]
        if table.left_out:
            lines.append(f"  {more_words(table)}")
        lines.append("")
    return "\n".join([*lines, *memory_totals(report, units)])


def memory_tables(
    report: MemoryReport,
    *,
    group_by: str = "NODE_ADDRESS",
    sort_by: str = "OBJECT_SIZE",
    units: str = "B",
    limit: int | None = None,
) -> list[MemoryTable]:
    """A report as tables, one for each group; arguments and errors are those of :func:`memory_text`."""
    for name, value, known in (
        ("group_by", group_by, MEMORY_GROUPS),
        ("sort_by", sort_by, MEMORY_SORTS),
        ("units", units, tuple(MEMORY_UNITS)),
    ):
        if value not in known:
            raise ValueError(f"{name} of memory_text() must be one of {', '.join(known)}, not {value!r}.")
    groups: dict[str, list[MemoryRow]] = {}
    for row in report.rows:
        groups.setdefault(_group(row, group_by), []).append(row)
    return [
        _table(group, sorted(groups[group], key=_order(sort_by)), units, limit) for group in sorted(groups)
    ]


def more_words(table: MemoryTable) -> str:
    """What is said of rows that are not shown."""
    return f"... and {table.left_out:,} more"


def _table(group: str, rows: list[MemoryRow], units: str, limit: int | None) -> MemoryTable:
    shown = rows if limit is None else rows[:limit]
    size = sum(row.size_bytes or 0 for row in rows)
    table = [_HEAD, *(_cells(row, units) for row in shown)]
    owners = {cells[_OWNER] for cells in table[1:]}
    owned = ""
    if len(rows) > 1 and len(owners) == 1:  # told once, the table is narrower
        owned = f", owner {owners.pop()}"
        table = [(*cells[:_OWNER], *cells[_OWNER + 1 :]) for cells in table]
    title = f"{group}: {_counted(len(rows))}, {amount(size, units)}{owned}"
    return MemoryTable(title, table[0], tuple(table[1:]), len(rows) - len(shown))


def _group(row: MemoryRow, group_by: str) -> str:
    if group_by == "STACK_TRACE":
        return f"call site {row.call_site or 'not known'} ({row.producer or 'not known'})"
    return node_name(row.nodes[0]) if row.nodes else "with their owners, in no store"


def _order(sort_by: str) -> Any:
    if sort_by == "PID":
        return lambda row: (row.owner_pid, -(row.size_bytes or 0))
    if sort_by == "REFERENCE_TYPE":
        return lambda row: (row.reference_types, -(row.size_bytes or 0))
    return lambda row: -(row.size_bytes or 0)


def _cells(row: MemoryRow, units: str) -> tuple[str, ...]:
    owner = f"{row.owner} (pid {row.owner_pid})" if row.owner_pid else row.owner
    copies = f"{row.state}, {len(row.nodes)} copies" if len(row.nodes) > 1 else row.state
    size = "-" if row.size_bytes is None else amount(row.size_bytes, units)
    held = "; ".join(map(str, row.holders)) or "nobody that answered"
    site = f"{row.call_site or '-'}{' (stale)' if _is_stale(row) else ''}"
    return size, copies, row.producer or "-", site, held, owner, row.object_id


def _is_stale(row: MemoryRow) -> bool:
    from gnomon._api.session import current_engine

    engine = current_engine()
    return engine is not None and bool(stale_object(engine.ledger, bytes.fromhex(row.object_id)))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as they need, within reason; the last one is left as it is."""
    widths = [min(_COLUMN_MAX, max(len(row[column]) for row in rows)) for column in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        cells = [
            text.rjust(width) if column == 0 else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=False))
        ]
        lines.append("  " + "  ".join([*cells, row[-1]]))
    return lines


def memory_totals(report: MemoryReport, units: str) -> list[str]:
    """What is said of all objects together, a line each."""
    used, capacity = report.store_used_bytes, report.store_capacity_bytes
    spilled = f", {amount(report.store_spilled_bytes, units)} on disk" if report.store_spilled_bytes else ""
    lines = [
        f"{_counted(len(report.rows))}; object stores: {amount(used, units)} of {amount(capacity, units)} used{spilled}"
    ]
    if report.left_out:
        lines.append(f"{report.left_out:,} more objects, smaller than these, are not listed")
    if report.silent:
        lines.append(
            f"{report.silent} process{'es' if report.silent > 1 else ''} did not answer: what is held there is not listed"
        )
    if not report.complete:
        lines.append("the search for names ran out of time: some references have a name that is not told")
    return lines


def _counted(objects: int) -> str:
    return "1 object" if objects == 1 else f"{objects:,} objects"


def amount(size_bytes: int, units: str) -> str:
    """A size in the given unit, with the unit."""
    if units == "auto":
        return size_words(size_bytes)
    size = size_bytes / MEMORY_UNITS[units]
    return f"{size_bytes:,} B" if units == "B" else f"{size:,.3f} {units}"
