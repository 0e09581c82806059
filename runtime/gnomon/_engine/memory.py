"""What ``observe.memory`` tells: every object with its holders, put together from what each process has said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gnomon._messages.holders import HeldObject, HoldersTold
from gnomon.ids import TASK_ID_BYTES, WORKER_ID_BYTES

HERE = ""
"""The process label of a holder in the asking process."""


@dataclass(frozen=True, slots=True)
class ObjectHolder:
    """One reason why an object is kept.

    Attributes:
        kind: "variable", "output", "local", "closure", "traceback", "actor", "task", "container", "generator",
            "transit", "lineage", "handle" (a reference without a name) or "process" (one that did not answer).
        name: as people read it: ``results[3]``, ``argument of train (running)``.
        process: "driver", "worker", or an actor; "" for the process that asked.
        pid: of that process; 0 when it is not known.
    """

    kind: str
    name: str
    process: str = HERE
    pid: int = 0

    def __str__(self) -> str:
        if not self.process:
            return self.name
        return f"{self.name} in {self.process}" + (f" (pid {self.pid})" if self.pid else "")


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """One object.

    Attributes:
        object_id: in hexadecimal, and so ``task_id`` of what made it.
        size_bytes: None while it is not made, or not known.
        state: "pending", "memory" (with its owner), "store" (shared memory), "spilled" (on disk), "error" or
            "unknown".
        producer: the function or method that made it, or "put".
        call_site: cell or file, and line, that asked for it; "" when not known.
        owner: the process that owns it, as in ``ObjectHolder.process``; with ``owner_pid``.
        nodes: process ids, in hexadecimal, of the nodes whose store has a copy; the first has the original.
        handles: references of the user's code, in all processes.
    """

    object_id: str
    task_id: str
    size_bytes: int | None
    state: str
    producer: str
    call_site: str
    owner: str
    owner_pid: int
    nodes: tuple[str, ...]
    handles: int
    holders: tuple[ObjectHolder, ...]

    @property
    def reference_types(self) -> tuple[str, ...]:
        """Ray's words for how it is held."""
        kinds = {holder.kind for holder in self.holders}
        words = []
        if kinds - {"task", "container", "transit", "generator", "lineage", "process"}:
            words.append("LOCAL_REFERENCE")
        if self.state in ("store", "spilled") and not self.handles:
            words.append("PINNED_IN_MEMORY")
        if "task" in kinds:
            words.append("USED_BY_PENDING_TASK")
        if "container" in kinds:
            words.append("CAPTURED_IN_OBJECT")
        return tuple(words) or ("UNKNOWN",)


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """All objects of a session or cluster at one moment, largest first.

    Attributes:
        silent: processes that did not answer in time.
        left_out: objects that are in no row, because there are too many.
        complete: no search for names has run out of time; else some references have no name though they have one.
        store_used_bytes: of all nodes' stores, and so ``store_capacity_bytes``.
        store_spilled_bytes: of values that are only on disk now, on all nodes.
    """

    rows: tuple[MemoryRow, ...] = ()
    silent: int = 0
    left_out: int = 0
    complete: bool = True
    store_used_bytes: int = 0
    store_capacity_bytes: int = 0
    store_spilled_bytes: int = 0


@dataclass(slots=True)
class _Joined:
    """What the processes have said of one object."""

    owner: HeldObject | None = None
    owner_told: HoldersTold | None = None
    any_row: HeldObject | None = None
    holders: list[ObjectHolder] = field(default_factory=list)
    handles: int = 0
    tellers: set[bytes] = field(default_factory=set)


def put_together(answers: Iterable[tuple[bytes, HoldersTold]], asker: bytes, silent: int = 0) -> MemoryReport:
    """One report from the answers, each with the process that gave it.

    Args:
        answers: those that came.
        asker: whose own holders need no process label.
        silent: how many did not come.
    """
    found: dict[bytes, _Joined] = {}
    left_out, complete = 0, True
    pids: dict[bytes, HoldersTold] = {}
    for process, told in answers:
        pids[process] = told
        left_out += told.left_out
        complete = complete and told.complete
        for row in told.rows:
            _add(found.setdefault(row.object, _Joined()), process, told, row, process == asker)
    rows = [_row(identity, joined, pids) for identity, joined in found.items()]
    rows.sort(key=lambda row: (-(row.size_bytes or 0), row.object_id))
    return MemoryReport(tuple(rows), silent, left_out, complete)


def _add(joined: _Joined, process: bytes, told: HoldersTold, row: HeldObject, here: bool) -> None:
    label, pid = (HERE, 0) if here else (told.title, told.pid)
    joined.holders += [ObjectHolder(holder.kind, holder.name, label, pid) for holder in row.holders]
    joined.handles += row.handles
    joined.tellers.add(process)
    if row.owned:
        joined.owner, joined.owner_told = row, told
    elif joined.any_row is None or joined.any_row.size < row.size:
        joined.any_row = row


def _row(identity: bytes, joined: _Joined, pids: dict[bytes, HoldersTold]) -> MemoryRow:
    row = joined.owner or joined.any_row
    assert row is not None
    holders = list(joined.holders)
    for borrower in row.borrowers:
        if borrower not in joined.tellers:
            known = pids.get(borrower)
            where = f"process {borrower.hex()}" if known is None else known.title
            holders.append(ObjectHolder("process", "a reference", where, 0 if known is None else known.pid))
    owner = joined.owner_told
    nodes = row.nodes or (joined.any_row.nodes if joined.any_row is not None else ())
    return MemoryRow(
        object_id=identity.hex(),
        task_id=identity[:TASK_ID_BYTES].hex(),
        size_bytes=row.size if row.size >= 0 else None,
        state=row.state,
        producer=row.producer,
        call_site=f"{row.cell}:{row.line}" if row.cell and row.line else row.cell,
        owner=owner.title if owner is not None else f"process {identity[:WORKER_ID_BYTES].hex()}",
        owner_pid=owner.pid if owner is not None else 0,
        nodes=tuple(node.hex() for node in nodes),
        handles=joined.handles,
        holders=tuple(holders),
    )
