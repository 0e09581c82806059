"""Entry: what a process knows of one object. Written by ``references`` and ``borrowing``."""

from __future__ import annotations

import msgspec

from gnomon._messages.base import Block
from gnomon.ids import ObjectID, WorkerID


class Entry(msgspec.Struct, gc=False, eq=False):
    """What this process knows of one object.

    Attributes:
        holds: reasons here to keep it.
        borrowers: (process, episode) that hold it elsewhere; owner only.
        episode: this process's own stretch of borrowing; 0 on the owner.
        recorded: the owner knows (or is being told) of the episode.
        confirmed: it has answered that it knows: nobody else need hold the object for us any more.
        ended: by borrower, the last episode that has ended; whatever is told of it later is late. Owner only.
        doubtful: a process has died that may have lent it on.
        mourned: it has been held for that for long enough, here or by who has told of it.
        viewed: where the value lies that tasks here view although it counts as lost.
        inner: references inside the value, each held by this entry.
        tokens: waiters to count down.
        wanted: borrowers that wait for the value.
        listed: has a row in the ledger.
        line: of the ``put`` that stored it, in the cell or file; 0 when not known.
        size: of the value in bytes; -1 before it is counted.
    """

    holds: int
    producer: str = ""
    cell: int = 0
    line: int = 0
    borrowers: dict[tuple[WorkerID, int], None] | None = None
    episode: int = 0
    recorded: bool = False
    inner: tuple[ObjectID, ...] = ()
    tokens: list[int] | None = None
    wanted: list[WorkerID] | None = None
    listed: bool = False
    size: int = -1
    confirmed: bool = False
    ended: dict[WorkerID, int] | None = None
    doubtful: bool = False
    mourned: bool = False
    viewed: Block | None = None
