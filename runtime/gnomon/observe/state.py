"""The state of a session as rows: plain dicts now, a pandas frame when asked for.

Every function reads the current session's ledger, or the one it is given, and copies; nothing is kept.
Without a session the answers are empty.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gnomon._core.ledger import TASK_STATES, Ledger, TaskRow, TaskState
from gnomon._engine.notebook_hooks import cause_of
from gnomon._engine.staleness import stale_task
from gnomon.ids import TASK_ID_BYTES
from gnomon.observe.columns import wall_time
from gnomon.observe.words import TASK_STATES as STATE_NAMES

if TYPE_CHECKING:
    import pandas

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """Listed tasks and what they depend on, as a small static picture needs it.

    Attributes:
        names: function names by group number.
        counts: per group, all tasks by :class:`~gnomon._core.ledger.TaskState`.
        groups: group of each listed task.
        states: state of each listed task.
        deps: for each listed task, the places in these lists of the listed tasks whose results it takes.
        tasks_total: all tasks, the ones that are not listed included.
    """

    names: list[str]
    counts: list[list[int]]
    groups: list[int]
    states: list[int]
    deps: list[tuple[int, ...]]
    tasks_total: int

    def group_edges(self) -> Counter[tuple[int, int]]:
        """How many results go from the tasks of one function to those of another."""
        return Counter(
            (self.groups[dep], group)
            for group, deps in zip(self.groups, self.deps, strict=True)
            for dep in deps
        )


def tasks(
    *,
    state: str | None = None,
    name: str | None = None,
    cell: str | None = None,
    limit: int | None = None,
    ledger: Ledger | None = None,
) -> list[Row]:
    """The listed tasks, oldest first.

    Args:
        state: only tasks in this state: "waiting", "ready", "running", "done", "failed" or "cancelled".
        name: only tasks of this function.
        cell: only tasks of this cell: its id, its label (``"In [3]"``) or its number (``"3"``).
        limit: at most so many, the newest ones.
        ledger: another ledger than the current session's.

    Returns:
        A dict per task; times are unix seconds, None where something has not happened yet.

    Raises:
        ValueError: ``state`` is not the name of a state.
    """
    book = ledger_of(ledger)
    if book is None:
        return []
    wanted = _state_number(state)
    offset_s = time.time() - time.monotonic()
    rows = [
        _task(book, row, offset_s)
        for row in list(book.tasks)
        if (wanted is None or row.state == wanted)
        and (name is None or book.names.entries[row.group] == name)
        and (cell is None or _is_cell(book.cells.entries[row.cell], cell))
    ]
    return rows if limit is None else rows[max(0, len(rows) - limit) :]


def failure_path(object_id: str, *, ledger: Ledger | None = None) -> list[Row]:
    """The tasks that have no result because of another: from the one that was to make an object to the one that failed first.

    Args:
        object_id: in hexadecimal.
        ledger: another ledger than the current session's.

    Returns:
        Rows as :func:`tasks` gives them; each took the result of the next. Empty if the first one is not listed.
    """
    book = ledger_of(ledger)
    first = None if book is None else book.row_of(bytes.fromhex(object_id)[:TASK_ID_BYTES])
    if book is None or first is None:
        return []
    offset_s = time.time() - time.monotonic()
    found = [first]
    while len(found) < _PATH_MAX:
        sources = (book.row(dep) for dep in found[-1].deps)
        causes = [row for row in sources if row and row.state in (TaskState.FAILED, TaskState.CANCELLED)]
        if not causes:
            break
        found.append(min(causes, key=lambda row: row.finished))
    return [_task(book, row, offset_s) for row in found]


_PATH_MAX = 1_000


def actors(*, ledger: Ledger | None = None) -> list[Row]:
    """All actors of the session, dead ones included; ``stale`` are those that the notebook has made with older code."""
    book = ledger_of(ledger)
    if book is None:
        return []
    return [
        {
            **row,
            "cell": book.cells.entries[row.get("cell", 0)][1],
            "cause": cause_of(row["id"], row.get("cause", "")),
            "stale": row.get("stale", False),
        }
        for row in book.actors.copy().values()
    ]


def nodes(*, ledger: Ledger | None = None) -> list[Row]:
    """All nodes of the session."""
    book = ledger_of(ledger)
    return [] if book is None else [row.copy() for row in book.nodes.copy().values()]


def objects(*, limit: int | None = None, ledger: Ledger | None = None) -> list[Row]:
    """The objects that exist now, largest first; at most ``limit``."""
    book = ledger_of(ledger)
    if book is None:
        return []
    cells = book.cells.entries
    rows = [
        {
            "object_id": key,
            "size_bytes": size,
            "state": state,
            "producer": producer,
            "holders": holders,
            "cell": cells[cell][1] if cell < len(cells) else "",
            "node": node,
        }
        for key, (size, state, producer, holders, cell, node) in book.objects.copy().items()
    ]
    rows.sort(key=lambda row: -row["size_bytes"])
    return rows[:limit]


def summary(*, ledger: Ledger | None = None) -> Row:
    """Counts of everything.

    Returns:
        ``session``, ``tasks`` (by state), ``functions`` (by name, then by state), ``actors`` (by state) and
        ``objects``: ``count`` and ``memory_bytes`` of this driver's, ``store_used_bytes`` and ``store_capacity_bytes`` of all
        living nodes' stores together.
    """
    book = ledger_of(ledger)
    counts = [] if book is None else [list(row) for row in book.counts]
    totals = [sum(column) for column in zip(*counts, strict=True)] or [0] * TASK_STATES
    names = [] if book is None else book.names.entries
    return {
        "session": "" if book is None else book.session,
        "tasks": _by_state(totals),
        "functions": {name: _by_state(row) for name, row in zip(names, counts, strict=False)},
        "actors": dict(Counter(row.get("state", "") for row in actors(ledger=book))),
        "objects": {} if book is None else _totals_now(book),
    }


def object_totals(book: Ledger) -> dict[str, int]:
    """Count and sizes of this driver's objects; what of the stores is in use, and their size, of all living nodes together, as
    they have told last: there lie also the values of others. Until the first has told, what this driver knows.
    """
    totals = dict(book.totals)
    living = [row for row in book.nodes.copy().values() if row.get("alive") and "store_capacity_bytes" in row]
    if living:
        for name in ("store_used_bytes", "store_capacity_bytes"):
            totals[name] = sum(row[name] for row in living)
    return totals


def _totals_now(book: Ledger) -> dict[str, int]:
    """What nodes tell is a moment old; of what this driver has just put there it knows itself."""
    totals = object_totals(book)
    known = sum(row[0] for row in book.objects.copy().values() if row[1] == "store")
    totals["store_used_bytes"] = max(totals["store_used_bytes"], known)
    return totals


def graph(*, ledger: Ledger | None = None) -> Graph:
    """Tasks and dependencies, for a static picture."""
    book = ledger_of(ledger)
    if book is None:
        return Graph([], [], [], [], [], 0)
    listed = list(book.tasks)
    places = {row.index: place for place, row in enumerate(listed)}
    return Graph(
        names=list(book.names.entries),
        counts=[list(row) for row in book.counts],
        groups=[row.group for row in listed],
        states=[row.state for row in listed],
        deps=[tuple(places[dep] for dep in row.deps if dep in places) for row in listed],
        tasks_total=book.tasks_total,
    )


def frame(rows: Sequence[Row]) -> pandas.DataFrame:
    """Rows as a pandas frame; columns that hold unix seconds become timestamps."""
    import pandas

    table = pandas.DataFrame(list(rows))
    for column in ("created", "started", "finished"):
        if column in table:
            table[column] = pandas.to_datetime(table[column].astype(float), unit="s")
    return table


def ledger_of(ledger: Ledger | None) -> Ledger | None:
    """The given ledger, else the current session's, else None."""
    if ledger is not None:
        return ledger
    from gnomon._api.session import current_engine

    engine = current_engine()
    return None if engine is None else engine.ledger


def _state_number(state: str | None) -> int | None:
    if state is None:
        return None
    try:
        return TaskState[state.upper()]
    except KeyError:
        known = ", ".join(STATE_NAMES)
        raise ValueError(f"There is no task state {state!r}. Use one of: {known}.") from None


def _is_cell(entry: tuple[str, str], wanted: str) -> bool:
    return bool(entry[0]) and wanted in (*entry, entry[1].removeprefix("In [").removesuffix("]"))


def _task(book: Ledger, row: TaskRow, offset_s: float) -> Row:
    worker = book.workers.entries[row.worker] if row.worker >= 0 else None
    ends = row.finished or (time.monotonic() if row.started else 0.0)
    return {
        "task_id": row.task.hex(),
        "index": row.index,
        "name": book.names.entries[row.group],
        "state": STATE_NAMES[row.state],
        "cell": book.cells.entries[row.cell][1],
        "line": row.line,
        "worker": None if worker is None else worker[2],
        "pid": None if worker is None else worker[1],
        "created": row.created + offset_s,
        "started": wall_time(row.started, offset_s) or None,
        "finished": wall_time(row.finished, offset_s) or None,
        "duration_s": ends - row.started if row.started else None,
        "attempt": row.attempt,
        "error": row.error,
        "stale": stale_task(book, row),
    }


def _by_state(counts: Iterable[int]) -> dict[str, int]:
    return dict(zip(STATE_NAMES, counts, strict=True))
