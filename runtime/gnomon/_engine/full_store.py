"""What fills the store, for the error that says that it is full: every process is asked, as for ``observe.memory``."""

from __future__ import annotations

from gnomon._engine.local_memory import memory_of
from gnomon._engine.memory import MemoryRow
from gnomon._shell.core_worker import CoreWorker
from gnomon.exceptions import GetTimeoutError, NotInitializedError

TIMEOUT_S = 1.0
"""The one who waits for the error has waited for room before."""

LISTED = 10
"""Objects in the table."""

HOLDERS_LISTED = 3
"""Holders of each."""


def largest_here(core: CoreWorker) -> str:
    """The largest objects in the memory of this node's store, one a line: size, origin, object, holders."""
    try:
        report = memory_of(core, (), TIMEOUT_S)
    except (GetTimeoutError, NotInitializedError):
        return ""
    node = core.config.node_process.hex()
    rows = [row for row in report.rows if row.state == "store" and node in row.nodes]
    lines = [_line(row) for row in rows[:LISTED]]
    if len(rows) > LISTED:
        lines.append(f"{'':>21}  and {len(rows) - LISTED:,} more")
    return "\n".join(lines)


def _line(row: MemoryRow) -> str:
    origin = row.producer or "?"
    if row.call_site:
        origin += f" ({row.call_site})"
    held = "; ".join(map(str, row.holders[:HOLDERS_LISTED])) or "nobody that answered"
    if len(row.holders) > HOLDERS_LISTED:
        held += f"; and {len(row.holders) - HOLDERS_LISTED:,} more"
    return f"{row.size_bytes or 0:>15,} bytes  {origin}  ObjectRef({row.object_id})  held by {held}"
