"""Pressure: which worker of a node is ended when its memory is nearly used up. The node's side.

    reading too high ---- idle workers have something ----> they are asked to end (``PoolMachine.give_back_idle``)
          |
          +---- else one victim is killed ----> nothing more until it has ended, and one reading after that

The choice is by what is lost least: what may be run again goes before what may not; of that, whoever has most there
gives one up (the group of one owner); and the newest goes first, which has done least. The last one of its owner is not
run again, since to run alone is the most that can be done for it: so nothing is tried for ever. The driver is never
ended, and a worker that has taken next to nothing is not either: the memory is somebody else's then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from gnomon._core.events import Event, WorkerExited
from gnomon._core.leases import Lease, LeaseMachine
from gnomon._core.pool import PoolMachine
from gnomon._messages.failures import MemoryShortage, MemoryUser, ProcessEnd
from gnomon.ids import NodeID, WorkerID, owner_of

SPARE_BYTES = 32 << 20
"""A worker that has less is let live: a fresh one has about 10 MiB of its own."""

TOP_MAX = 8
"""Workers named in the story of a death."""


class MemoryHigh(Event):
    """This node's memory is nearly used up; said again and again while it is so.

    Attributes:
        used, limit: in bytes.
        threshold: share of the limit that is too much.
        sizes: of each worker, by pid: bytes that would be free without it.
        kind: of the limit, for people.
    """

    used: int
    limit: int
    threshold: float
    sizes: dict[int, int]
    kind: str = ""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A worker that may be ended.

    Attributes:
        owner: of what runs there.
        retriable: that may be run again.
        order: grows with each lease: the newest has the largest.
    """

    worker: WorkerID
    owner: WorkerID
    retriable: bool
    order: int


def choose_victim(candidates: Iterable[Candidate]) -> tuple[Candidate, bool] | None:
    """Who is to be ended, and whether it is the only one of its owner; None when there is nobody."""
    groups: dict[tuple[bool, WorkerID], list[Candidate]] = {}
    for each in candidates:
        # What can not be run again is no group: that its owner has more of it makes its loss no smaller.
        groups.setdefault((each.retriable, each.owner if each.retriable else each.worker), []).append(each)
    if not groups:
        return None

    def rank(group: list[Candidate]) -> tuple[bool, int, int]:
        return group[0].retriable, len(group), max(each.order for each in group)

    group = max(groups.values(), key=rank)
    return max(group, key=lambda each: each.order), len(group) == 1


class PressureMachine:
    """See the module.

    Args:
        store_bytes: what values in the node's store take.

    Attributes:
        victims: workers that were killed and have not ended, with the story of their death.
        patience_s: how long a victim may take to end before another one is chosen.
    """

    def __init__(
        self,
        node: NodeID,
        pool: PoolMachine,
        leases: LeaseMachine,
        store_bytes: Callable[[], int],
        patience_s: float = 5.0,
    ) -> None:
        self.node = node
        self.pool = pool
        self.leases = leases
        self._store_bytes = store_bytes
        self.patience_s = patience_s
        self.victims: dict[WorkerID, MemoryShortage] = {}
        self._due = 0.0
        self._recovering = False

    def on_high(self, event: MemoryHigh, now: float) -> None:
        """The memory is nearly used up: give something back, unless that is under way already."""
        if self.victims and now < self._due:
            return
        if self._recovering:
            self._recovering = False
            return
        sizes = {worker: event.sizes.get(pid, 0) for worker, pid in self.pool.pids.items()}
        if self.pool.give_back_idle(lambda worker: sizes.get(worker, 0) >= SPARE_BYTES):
            return
        chosen = choose_victim(self._candidates(sizes))
        if chosen is not None:
            victim, is_only = chosen
            self.victims[victim.worker] = self._story(event, sizes, is_only)
            self._due = now + self.patience_s
            self.pool.kill(victim.worker)

    def _candidates(self, sizes: dict[WorkerID, int]) -> Iterable[Candidate]:
        for worker, lease in self.leases.by_worker.items():
            if worker not in self.pool.doomed and sizes.get(worker, 0) >= SPARE_BYTES:
                demand = lease.demand
                owner = demand.owner if demand.actor is None else owner_of(demand.actor)
                yield Candidate(worker, owner, demand.retriable, int(lease.lease))

    def _story(self, event: MemoryHigh, sizes: dict[WorkerID, int], is_only: bool) -> MemoryShortage:
        largest = sorted(sizes, key=lambda worker: -sizes[worker])[:TOP_MAX]
        top = tuple(
            MemoryUser(
                worker, self.pool.pids[worker], sizes[worker], _name(self.leases.by_worker.get(worker))
            )
            for worker in largest
            if sizes[worker]
        )
        return MemoryShortage(
            event.used, event.limit, event.threshold, self._store_bytes(), top, is_only, event.kind
        )

    def on_exited(self, event: WorkerExited) -> tuple[str, ProcessEnd | None]:
        """A process has ended; returns why and how."""
        story = self.victims.pop(event.worker, None)
        if story is None:
            return event.reason, event.end
        self._recovering = not self.victims
        end = event.end or ProcessEnd(self.node, 0)
        if end.code is not None and end.code >= 0:
            return event.reason, end  # it had ended by itself just before
        return _reason(end.pid, story), msgspec.structs.replace(end, shortage=story)

    def check(self) -> None:
        """Who is to end was asked to, and lives still."""
        for worker in self.victims:
            assert worker in self.pool.doomed, f"{worker.hex()} was not killed"


def _name(lease: Lease | None) -> str:
    if lease is None:
        return "an idle worker"
    return f"actor {lease.demand.name}" if lease.demand.name else ""


def _reason(pid: int, story: MemoryShortage) -> str:
    share = 100 * story.used / max(1, story.limit)
    return f"(pid {pid}) was ended by gnomon since the memory of its node was used to {share:.0f} %"
