"""Who holds what, for people who ask: nothing of this is sent unless somebody does.

asker                            node, process
  | ProcessesAsked           --> |   of each node
  | <-- ProcessesTold            |
  | HoldersAsked             --> |   of each process that runs user code
  | <-- HoldersTold              |   after a search of bounded time for names
"""

from __future__ import annotations

import msgspec

from gnomon._messages.base import Message
from gnomon.ids import ObjectID, WorkerID


class ProcessesAsked(Message, frozen=True, tag=120):
    """Which drivers and workers of yours are there?"""

    request: int


class ProcessesTold(Message, frozen=True, tag=121):
    """These; drivers that only look are left out."""

    request: int
    processes: tuple[WorkerID, ...]


class HoldersAsked(Message, frozen=True, tag=122):
    """What do you hold, and by which names?

    Attributes:
        objects: only these; empty means all.
        rows_max: the largest ones, no more than these.
        budget_s: how long the search for names may take.
    """

    request: int
    objects: tuple[ObjectID, ...] = ()
    rows_max: int = 1_000
    budget_s: float = 0.2


class Holder(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One reason to keep an object.

    Attributes:
        kind: one of ``KINDS``.
        name: as people read it: ``results[3]``, ``argument of train (running)``.
    """

    kind: str
    name: str


KINDS = {
    "variable": "a variable of a module or notebook",
    "output": "a remembered output of a notebook, Out[n] or _",
    "local": "a variable of a function that runs",
    "closure": "what a function has captured",
    "traceback": "the frames of the last error",
    "actor": "a field of an actor, or arguments kept for its restarts",
    "task": "an unfinished task, as its argument",
    "container": "another object that contains the reference",
    "generator": "a generator whose item was not taken yet",
    "transit": "a hand-over between processes under way",
    "lineage": "a task that has ended, and may have to run again to make a lost result anew",
    "handle": "references that could not be named",
    "process": "a process that did not say how",
}
"""What a holder can be."""


class HeldObject(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One object as one process sees it.

    Attributes:
        size: in bytes; -1 where it is not known here.
        state: "pending", "memory", "store", "spilled", "error" or "unknown".
        cell: label of the cell, or file, that asked for it; "" when not known, and so ``line`` 0.
        owned: told by its owner.
        nodes: process ids of the nodes that have a copy in their store; the first is the original.
        handles: references and views that the user's code has in this process.
        borrowers: other processes that hold it; told by the owner.
    """

    object: ObjectID
    size: int
    state: str
    producer: str
    cell: str
    line: int
    owned: bool
    nodes: tuple[bytes, ...]
    handles: int
    holders: tuple[Holder, ...]
    borrowers: tuple[WorkerID, ...] = ()


class HoldersTold(Message, frozen=True, tag=123):
    """The answer.

    Attributes:
        title: "driver", "worker", or an actor's class and id.
        left_out: objects that are here and not in ``rows``.
        complete: the search for names has not run out of time.
    """

    request: int
    pid: int
    title: str
    rows: tuple[HeldObject, ...]
    left_out: int
    complete: bool


__all__ = [
    "KINDS",
    "HeldObject",
    "Holder",
    "HoldersAsked",
    "HoldersTold",
    "ProcessesAsked",
    "ProcessesTold",
]
