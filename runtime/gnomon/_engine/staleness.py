"""Staleness: which tasks and objects a notebook has made with code that it has changed since.

    a cell runs again with another text       what it submitted before is stale: "made by an older In [3]"
    a function is defined anew, differently   and so are its earlier tasks: "made with an older train"

Only the moment of the change is noted, and compared with when a task was submitted if somebody looks: a task pays
nothing. Actors have a mark in their row (``_api.definitions``), since theirs outlive the look.
"""

from __future__ import annotations

import time

from gnomon._core.ledger import Ledger, TaskRow
from gnomon.ids import TASK_ID_BYTES

CHANGES_MAX = 1_000
"""Cells, and functions, of which the last change is remembered."""

_cells: dict[str, float] = {}
_functions: dict[str, float] = {}


def cell_changed(cell: str, ledger: Ledger | None) -> None:
    """A cell begins to run whose text is another than last time; its living actors are marked."""
    _note(_cells, cell)
    if ledger is None:
        return
    for key, row in list(ledger.actors.items()):
        made_in, _label = ledger.cells.entries[row.get("cell", 0)]
        if made_in == cell and row.get("state") != "dead":
            ledger.actor_changed(key, stale=True)


def function_changed(name: str) -> None:
    """A remote function of the notebook was defined again, with another text."""
    _note(_functions, name)


def _note(changes: dict[str, float], key: str) -> None:
    changes.pop(key, None)
    changes[key] = time.monotonic()
    if len(changes) > CHANGES_MAX:
        del changes[next(iter(changes))]


def stale_task(ledger: Ledger, row: TaskRow) -> str:
    """Why a task is of older code: ``made by an older In [3]``; "" if it is not."""
    if not (_cells or _functions):
        return ""
    cell, label = ledger.cells.entries[row.cell]
    if row.created < _cells.get(cell, 0.0):
        return f"made by an older {label}"
    name = ledger.names.entries[row.group]
    return f"made with an older {name}" if row.created < _functions.get(name, 0.0) else ""


def stale_object(ledger: Ledger, identity: bytes) -> str:
    """The same of an object, by the task that makes it."""
    row = ledger.row_of(identity[:TASK_ID_BYTES]) if _cells or _functions else None
    return "" if row is None else stale_task(ledger, row)
