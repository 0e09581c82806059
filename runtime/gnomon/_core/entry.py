"""What a process knows of one object (Entry), and how its owner can make a lost one again (Recipe). Data only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gnomon._core.events import CallSubmitted, TaskSubmitted
from gnomon._core.ledger import TaskRow
from gnomon._messages.base import Block, Value
from gnomon._messages.tasks import DYNAMIC
from gnomon.ids import HANDLE_INDEX, ObjectID, WorkerID, index_of

KEPT = 0
"""The task may run again, and all that it needs is kept."""
NO_RETRIES = 1
"""Its caller allows no second attempt."""
USED_UP = 2
"""It has run as often as its caller allows."""
EVICTED = 3
"""The submissions kept here took more than ``lineage_max_bytes``, and this was the oldest."""
UNNEEDED = 4
"""None of its results is held any more."""


class Recipe(msgspec.Struct, gc=False, eq=False):
    """A finished task or call that has large results.

    Attributes:
        event: its submission, so that it can be submitted again; for the story only unless KEPT.
        attempt: the number of its last attempt; the first is 0.
        outputs: its results that lie in the store.
        alive: how many of these have an entry.
        arguments: whose entries (and theirs in turn) are kept for it.
        size: of the submission in bytes, about.
        state: KEPT, or why it is not.
        why_lost: of the result for which it runs again, as far as that is known.
    """

    event: TaskSubmitted | CallSubmitted
    row: TaskRow
    attempt: int
    outputs: tuple[ObjectID, ...]
    alive: int
    arguments: tuple[ObjectID, ...] = ()
    size: int = 0
    state: int = KEPT
    why_lost: str = ""


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
        lineage: recipes that name it as an argument. They keep the entry; its value only if that can not be made again.
        recipe: how to make the value again, or why not; only of large results that this process owns.
        lost: the node that had the last copy of the value, which was here and is not any more; NOWHERE if only lineage
            needed it. It comes back when somebody needs it, or as an error.
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
    lineage: int = 0
    recipe: Recipe | None = None
    lost: WorkerID | None = None

    @property
    def is_needed(self) -> bool:
        """Whether anything but lineage keeps it."""
        return self.holds > 0 or bool(self.borrowers)


def may_shed(entries: Mapping[ObjectID, Entry], identity: ObjectID, entry: Entry, value: Value) -> bool:
    """Whether a value that only lineage needs is freed: because it can be made again; or because it holds an actor, which
    would live as long as what was made from it: for ever, if it is the actor that keeps that.
    """
    recipe = entry.recipe
    if isinstance(value, Block) and recipe is not None and recipe.state == KEPT:
        # A list of a generator's items would come back without them.
        return not (entry.inner and recipe.event.num_returns == DYNAMIC)
    return bool(entry.inner) and _leads_to_actor(entries, identity)


def _leads_to_actor(entries: Mapping[ObjectID, Entry], identity: ObjectID) -> bool:
    work, seen = [identity], {identity: None}
    while work:
        one = work.pop()
        entry = entries.get(one)
        # What others own may hold one, too: that is known to them alone.
        if index_of(one) == HANDLE_INDEX or entry is None or entry.episode:
            return True
        for inner in entry.inner:
            if inner not in seen:
                seen[inner] = None
                work.append(inner)
    return False
