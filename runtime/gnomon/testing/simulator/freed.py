"""Freed: what nobody needs any more is gone everywhere within a tenth of a second, while all is well.

    needed     what code holds, what unfinished tasks and living actors were given, what generators have ahead, what
               may be needed to make a lost value again; and whatever is inside any of these
    known      entries of all processes, blocks of all nodes

What is known and not needed is given ``LIMIT_S``, from the first look that finds it so. Looked at only where there are no
faults: a message that is lost, and a death that leaves doubt about who was lent what, take longer by contract.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gnomon._messages.failures import is_failure
from gnomon.ids import HANDLE_INDEX, ObjectID, index_of, owner_of, task_of

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost
    from gnomon.testing.simulator.session import Session

LIMIT_S = 0.1


class FreedWatch:
    """Looks now and then at what every process and node of a session knows.

    Attributes:
        freed: entries that were seen without need, and were gone in time.
        borrowed: those among them that a process had borrowed from another.
        blocks: blocks likewise.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.freed = self.borrowed = self.blocks = 0
        self._since: dict[tuple[str, ObjectID], float] = {}

    def look(self) -> None:
        """OR2, OD2: nothing has been without need for too long."""
        session = self.session
        now, needed = session.kernel.now, self._needed()
        before, self._since = self._since, {}
        for where, identity in self._known():
            if identity not in needed:
                began = self._since[where, identity] = before.get((where, identity), now)
                assert now - began <= LIMIT_S, (
                    f"OR2: {where} keeps {identity.hex()}, which nobody has needed for {now - began:.3f} s"
                )
        for where, identity in before:
            if (where, identity) not in self._since and identity not in needed:
                self._count(where, identity)

    def _count(self, where: str, identity: ObjectID) -> None:
        if where.startswith("node"):
            self.blocks += 1
        else:
            self.freed += 1
            self.borrowed += self.session.workers[owner_of(identity)].label != where

    def _known(self) -> Iterator[tuple[str, ObjectID]]:
        for host in self.session.workers.values():
            if host.alive:
                for identity in host.worker.references.entries:
                    if (
                        index_of(identity) != HANDLE_INDEX
                    ):  # an actor's end, and a generator's, have steps of their own
                        yield host.label, identity
        for node in self.session.nodes.alive:
            yield from ((node.label, identity) for identity in node.memory.objects())

    def _needed(self) -> dict[ObjectID, None]:
        needed: dict[ObjectID, None] = {}
        contents, lists = self.session.truth.contents, self.session.truth.lists
        work = [each for host in self.session.workers.values() if host.alive for each in _roots(host)]
        while work:
            identity = work.pop()
            if identity not in needed:
                needed[identity] = None
                work += contents.get(identity, ())
                work += lists.get(identity, ())
                work += self._causes(identity)
        return needed

    def _causes(self, identity: ObjectID) -> tuple[ObjectID, ...]:
        """An error that is an argument's, too, holds what is in that one; of a task's own, it keeps the arguments."""
        owner = self.session.workers[owner_of(identity)]
        facts = self.session.truth.tasks.get(task_of(identity))
        value = owner.worker.references.values.get(identity)
        _, kept, _ = owner.worker.tasks.failed.tasks.get(task_of(identity), (None, (), None))
        return (*facts.dependencies, *kept) if facts is not None and is_failure(value) else kept


def _roots(host: WorkerHost) -> Iterator[ObjectID]:
    """What is needed in one process for its own sake."""
    for thread in host.threads:
        yield from thread.handles
        yield from (view.object for view in thread.views)
    yield from (view.object for view in host.executor.kept)
    yield from host.executor.held
    worker = host.worker
    for record in worker.tasks.records.values():
        yield from record.holds
    for _client, call in worker.calls.records.values():
        yield from call.holds
    for _actor, held in worker.creation.kept():
        yield from held
    streams = worker.streams.streams
    for identity, entry in worker.references.entries.items():
        if entry.lineage or task_of(identity) in streams:
            yield identity
