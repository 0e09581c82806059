"""Who holds what on the inline engine: one process, whose references are all there is."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator
from typing import Any

from gnomon._core.ledger import Ledger
from gnomon._engine import notebook_hooks
from gnomon._engine.inline_store import InlineObject, InlineStore
from gnomon._engine.memory import MemoryReport, put_together
from gnomon._messages.holders import HeldObject, Holder, HoldersTold
from gnomon._shell.holder_answers import label_rows, main_module, surroundings
from gnomon._shell.holder_names import Root, find_names
from gnomon._wire import pickling
from gnomon.ids import COMPLETION_INDEX, HANDLE_INDEX, TASK_ID_BYTES, ObjectID, WorkerID, index_of

ROWS_MAX = 1_000


def memory_of(
    store: InlineStore,
    ledger: Ledger,
    me: WorkerID,
    actors: Iterable[tuple[str, Any]],
    objects: tuple[ObjectID, ...],
    budget_s: float,
) -> MemoryReport:
    """All objects, or these, and who holds each.

    Args:
        store: of the engine.
        ledger: of the engine.
        me: this process.
        actors: class name and instance of the living ones.
        objects: only these; empty means all.
        budget_s: how long the search for names may take.
    """
    entries = {
        identity: entry
        for identity, entry in store.entries().items()
        if index_of(identity) not in (HANDLE_INDEX, COMPLETION_INDEX) and (not objects or identity in objects)
    }
    largest = sorted(entries, key=lambda identity: -len(entries[identity].blob or b""))[:ROWS_MAX]
    inside = _containers(store)
    rows = tuple(_row(ledger, identity, entries[identity], inside.get(identity, [])) for identity in largest)
    explained = [ref for entry in store.entries().values() for ref in entry.contained]
    found = find_names(frozenset(largest), _roots(actors), budget_s, explained=explained)
    told = HoldersTold(
        0, os.getpid(), "driver", label_rows(rows, found.names), len(entries) - len(rows), found.complete
    )
    totals = ledger.totals
    return dataclasses.replace(
        put_together([(me, told)], me),
        store_used_bytes=totals["store_used_bytes"],
        store_capacity_bytes=totals["store_capacity_bytes"],
    )


def _containers(store: InlineStore) -> dict[bytes, list[Holder]]:
    found: dict[bytes, list[Holder]] = {}
    for outer, entry in store.entries().items():
        for ref in entry.contained:
            holder = Holder("container", f"inside ObjectRef({outer.hex()}) of {entry.producer}")
            found.setdefault(ref._id, []).append(holder)
    return found


def _row(ledger: Ledger, identity: ObjectID, entry: InlineObject, inside: list[Holder]) -> HeldObject:
    listed = ledger.objects.get(identity.hex())
    row = ledger.row_of(identity[:TASK_ID_BYTES])
    line = 0 if row is None else row.line
    state = "pending" if entry.blob is None else "error" if pickling.is_error(entry.blob) else "memory"
    return HeldObject(
        object=identity,
        size=-1 if entry.blob is None else len(entry.blob),
        state=state if listed is None else listed[1],
        producer=entry.producer,
        cell=ledger.cells.entries[entry.cell][1],
        line=line,
        owned=True,
        nodes=(),
        handles=max(0, entry.holders - len(inside)),
        holders=tuple(dict.fromkeys(inside)),
    )


def _roots(actors: Iterable[tuple[str, Any]]) -> Iterator[Root]:
    for name, instance in actors:
        yield Root("actor", f"{name}.self", instance)
    yield from (notebook_hooks.named or main_module)()
    yield from surroundings()
