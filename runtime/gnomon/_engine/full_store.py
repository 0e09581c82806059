"""What fills the store: for the error that says that it is full every process is asked, as for ``observe.memory``; for the
note in the notebook that it fills up, only this one.
"""

from __future__ import annotations

import threading

from gnomon._core.effects import NoteStore
from gnomon._engine.local_memory import memory_of
from gnomon._engine.local_output import show_lines
from gnomon._engine.memory import MemoryRow
from gnomon._engine.notebook_hooks import OutputLines
from gnomon._shell.core_worker import CoreWorker
from gnomon.exceptions import GetTimeoutError, NotInitializedError
from gnomon.resources import size_words

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


# -- the note -----------------------------------------------------------------------------------------------------

NOTED = 3
"""Objects that the note names."""


def note_in_thread(core: CoreWorker, command: NoteStore) -> None:
    """Say in the cell that has used the session last that the store fills up. The loop's thread can not: names are searched."""
    cell, _ = core.role.ledger.cells.entries[-1]

    def note() -> None:
        try:
            text = note_of(core, command)
        except (GetTimeoutError, NotInitializedError):
            return
        show_lines(OutputLines(cell, "", "stderr", text, "gnomon"))

    threading.Thread(target=note, name="gnomon-store-note", daemon=True).start()


def note_of(core: CoreWorker, command: NoteStore) -> str:
    """The store's filling and the largest of what this process knows to be in it."""
    node = core.config.node_process.hex()
    rows = memory_of(core, (), TIMEOUT_S, everywhere=False).rows
    rows = tuple(row for row in rows if row.state == "store" and node in row.nodes)
    largest = ", ".join(f"{_name(row)} ({size_words(row.size_bytes or 0)})" for row in rows[:NOTED])
    of = f"{size_words(command.used)} of {size_words(command.capacity)}"
    text = f"The object store is {command.used / command.capacity:.0%} full ({of}). "
    if largest:
        text += f"Its largest values are held by {largest}. "
    return text + "What nobody looks at goes to disk when room is wanted; to free it, delete what holds it.\n"


def _name(row: MemoryRow) -> str:
    return str(row.holders[0]) if row.holders else f"ObjectRef({row.object_id})"
