"""Holdings: what this process holds and why, as far as its role knows. Computed when somebody asks.

    holds of an entry  =  arguments of unfinished tasks and calls  +  containers  +  generators  +  hand-overs
                          +  the user's own references and views (``handles``: the rest)

The role counts holds and does not note whose they are: that would cost every task something. Here the machines'
books are searched for them instead. Names of the user's references are found outside (``_shell.holder_names``).
The rule for a changer: who adds a kind of hold adds it to ``_reasons``, else it looks like a reference.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gnomon._core.entry import Entry
from gnomon._core.ledger import TaskState
from gnomon._messages.base import Block
from gnomon._messages.failures import is_failure
from gnomon._messages.holders import HeldObject, Holder
from gnomon.ids import COMPLETION_INDEX, HANDLE_INDEX, TASK_ID_BYTES, WORKER_ID_BYTES, ObjectID, index_of

if TYPE_CHECKING:
    from gnomon._core.worker import Worker

HOLDERS_LISTED_MAX = 20
"""Reasons told for one object: a reference may be the argument of ten thousand tasks."""


def holdings(
    role: Worker, objects: tuple[ObjectID, ...], rows_max: int
) -> tuple[tuple[HeldObject, ...], int]:
    """The objects that a process holds, largest first, and how many others there are.

    Args:
        role: of the process.
        objects: only these; empty means all.
        rows_max: no more rows than these.
    """
    entries = role.references.entries
    ahead = _not_made_yet(role)
    found = [
        identity
        for identity in (dict.fromkeys(objects) if objects else entries)
        if identity in entries
        and index_of(identity) not in (HANDLE_INDEX, COMPLETION_INDEX)
        and identity not in ahead
    ]
    listed = heapq.nlargest(rows_max, found, key=lambda identity: _size(role, identity, entries[identity]))
    reasons = _by_object(role, frozenset(listed))
    rows = tuple(_row(role, identity, entries[identity], reasons.get(identity, [])) for identity in listed)
    return rows, len(found) - len(listed)


def _not_made_yet(role: Worker) -> frozenset[ObjectID]:
    """The entries that generators keep ahead of what has come: nobody can have a reference to them."""
    ahead: set[ObjectID] = set()
    for stream in role.streams.streams.values():
        ahead.add(stream.item(stream.produced + 1))
        if stream.closed:
            ahead.add(stream.item(stream.taken + 1))
    return frozenset(ahead)


def _size(role: Worker, identity: ObjectID, entry: Entry) -> int:
    value = role.references.values.get(identity)
    if entry.size >= 0 or value is None:
        return entry.size
    return value.size if isinstance(value, Block) else len(value)


def _row(role: Worker, identity: ObjectID, entry: Entry, reasons: list[Holder]) -> HeldObject:
    value = role.references.values.get(identity)
    owned = identity[:WORKER_ID_BYTES] == role.me
    cell, line = _site(role, identity, entry)
    if value is None:
        state = "pending" if owned else "unknown"
    elif isinstance(value, Block):
        listed = role.ledger.objects.get(identity.hex())
        state = "spilled" if listed is not None and listed[1] == "spilled" else "store"
    else:
        state = "error" if is_failure(value) else "memory"
    return HeldObject(
        object=identity,
        size=_size(role, identity, entry),
        state=state,
        producer=entry.producer,
        cell=cell,
        line=line,
        owned=owned,
        nodes=(value.node,) if isinstance(value, Block) else (),
        handles=max(0, entry.holds - len(reasons)),
        holders=_told([*reasons, *_lineage(entry)]),
        borrowers=tuple(dict.fromkeys(process for process, _ in entry.borrowers or ())),
    )


def _lineage(entry: Entry) -> Iterator[Holder]:
    """No hold, but a reason why it is here: the value can not be made again, or the record is needed for that."""
    if entry.lineage:
        tasks = "a task" if entry.lineage == 1 else f"{entry.lineage:,} tasks"
        yield Holder("lineage", f"argument of {tasks} that may have to run again")


def _site(role: Worker, identity: ObjectID, entry: Entry) -> tuple[str, int]:
    """Where it was asked for: the row of its task knows, while it is listed."""
    ledger = role.ledger
    row = ledger.row_of(identity[:TASK_ID_BYTES])
    if row is not None:
        return ledger.cells.entries[row.cell][1], row.line
    return ledger.cells.entries[entry.cell][1], entry.line


def _told(reasons: list[Holder]) -> tuple[Holder, ...]:
    """Equal ones once, with their number; no more than ``HOLDERS_LISTED_MAX``."""
    counts: dict[Holder, int] = {}
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    told = [
        holder if count == 1 else Holder(holder.kind, f"{holder.name}, {count:,} times")
        for holder, count in counts.items()
    ]
    if len(told) > HOLDERS_LISTED_MAX:
        more = len(told) - HOLDERS_LISTED_MAX + 1
        told[HOLDERS_LISTED_MAX - 1 :] = [Holder(told[-1].kind, f"and {more:,} more like it")]
    return tuple(told)


def _by_object(role: Worker, wanted: frozenset[ObjectID]) -> dict[ObjectID, list[Holder]]:
    found: dict[ObjectID, list[Holder]] = {}
    for holds, holder in _reasons(role):
        for identity in holds:
            if identity in wanted:
                found.setdefault(identity, []).append(holder)
    return found


def _reasons(role: Worker) -> Iterator[tuple[tuple[ObjectID, ...] | list[ObjectID], Holder]]:
    """Everything but the user's own references that may hold objects here."""
    for record in role.tasks.records.values():
        if record.holds:
            state = TaskState(record.row.state).name.lower()
            yield record.holds, Holder("task", f"argument of {record.event.group} ({state})")
    for _client, call in role.calls.records.values():
        if call.holds:
            state = "sent" if call.pushed else "waiting"
            yield call.holds, Holder("task", f"argument of {call.event.group} ({state})")
    for actor, held in role.creation.kept():
        name = role.ledger.actors.get(actor.hex(), {}).get("class", "an actor")
        yield held, Holder("actor", f"argument of {name}.__init__, kept for restarts ({actor.hex()[-8:]})")
    for outer, entry in role.references.entries.items():
        if entry.inner:
            made = entry.producer or "a task"
            yield entry.inner, Holder("container", f"inside ObjectRef({outer.hex()}) of {made}")
    for stream in role.streams.streams.values():
        if not stream.closed:
            items = stream.items(stream.taken + 1, stream.produced)
            yield items, Holder("generator", f"not taken yet from the generator {stream.producer}")
    for held in role.borrowing.handed_on():
        yield held, Holder("transit", "on its way to another process")
    for viewed in role.execution.kept():
        yield viewed, Holder("task", "argument of a task that runs here")
