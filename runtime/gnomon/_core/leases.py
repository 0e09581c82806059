"""Leases: who may use which worker of this node. The node's side.

    demand (owner, class)            lease
    WANTED ---- resources free ----> PLACED ---- a worker is idle ----> GRANTED ----> ended
       |                                |                                  |
       |                                +-- demand withdrawn --> ended     +-- returned, owner or worker dead
       +-- another node is better --> the owner is told to ask there

Resources are taken when a lease is placed, so that two demands never count on the same CPU; a placed lease
takes the first worker of its job that becomes idle. Demands are served in turn, one lease at a time. When something
waits and all is taken, the owner that has most is asked to give one back (``reclaim``). Actors' workers are
leases too, whose owner is head.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gnomon._core.account import ResourceAccount
from gnomon._core.devices import DeviceBook
from gnomon._core.effects import Effects
from gnomon._core.neighbours import NeighbourMachine
from gnomon._messages.actors import ActorWorkerGranted, ActorWorkerInfeasible, ActorWorkerWanted
from gnomon._messages.leases import (
    DemandInfeasible,
    LeaseElsewhere,
    LeaseGranted,
    LeaseReclaimed,
    LeasesWanted,
)
from gnomon._messages.session import NO_JOB
from gnomon.ids import ActorID, JobID, LeaseID, WorkerID, owner_of
from gnomon.resources import UNITS

HOPS_MAX = 3
"""How often a demand is sent on before it waits where it is; news of other nodes let it go on from there (LR10)."""


class Demand:
    """What one owner wants for one scheduling class (or head for one actor).

    Attributes:
        granted: leases granted so far.
        outstanding: leases wanted and not placed yet.
        placed: leases placed and not granted yet.
        job: whose workers it can use.
        hops: how often it has been sent on.
        spread: each lease on another node, if that is possible.
        retriable: what runs there may be run again.
        name: of the actor's class.
    """

    __slots__ = (
        "actor",
        "granted",
        "hops",
        "incarnation",
        "job",
        "key",
        "name",
        "outstanding",
        "owner",
        "placed",
        "resources",
        "retriable",
        "spread",
    )

    def __init__(self, owner: WorkerID, key: int, resources: dict[str, int], job: JobID) -> None:
        self.owner = owner
        self.job = job
        self.key = key
        self.resources = resources
        self.granted = 0
        self.outstanding = 0
        self.placed = 0
        self.actor: ActorID | None = None
        self.incarnation = 0
        self.hops = 0
        self.spread = False
        self.retriable = True
        self.name = ""


class Lease:
    """Resources, and a worker once there is one.

    Attributes:
        blocked: the worker waits in ``get``; its CPU is given back.
        reclaimed: the owner has been asked to return it.
        gpus: places of its GPUs in the node's DeviceBook.
    """

    __slots__ = ("blocked", "demand", "gpus", "lease", "reclaimed", "worker")

    def __init__(self, lease: LeaseID, demand: Demand) -> None:
        self.lease = lease
        self.demand = demand
        self.worker: WorkerID | None = None
        self.gpus: tuple[int, ...] = ()
        self.blocked = False
        self.reclaimed = False


class LeaseMachine:
    """All demands and leases of a node.

    Args:
        devices: the node's GPUs; numbered ones when None.
        job_of: the job that an owner belongs to.
        neighbours: other nodes to which demands may be sent on.
        grows: nodes may be added: what no node has so much of waits for one that has.
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        account: ResourceAccount,
        devices: DeviceBook | None = None,
        job_of: Callable[[WorkerID], JobID] = lambda owner: NO_JOB,
        neighbours: NeighbourMachine | None = None,
        grows: bool = False,
    ) -> None:
        self._effects = effects
        self.grows = grows
        self.neighbours = neighbours
        self.account = account
        self.devices = devices if devices is not None else DeviceBook(account.total.get("GPU", 0))
        self._job_of = job_of
        self.demands: dict[tuple[WorkerID, int], Demand] = {}
        self.queue: deque[Demand] = deque()
        self.placed: deque[Lease] = deque()
        self.leases: dict[LeaseID, Lease] = {}
        self.by_worker: dict[WorkerID, Lease] = {}
        self._next = 1

    # -- demands --------------------------------------------------------------------------------------------------

    def on_wanted(self, owner: WorkerID, message: LeasesWanted) -> None:
        """An owner says how many workers it could use."""
        key = (owner, message.key)
        demand = self.demands.get(key)
        if demand is None:
            job = message.job or self._job_of(owner)
            demand = self.demands[key] = Demand(owner, message.key, message.resources, job)
        demand.hops, demand.spread, demand.retriable = message.hops, message.spread, message.retriable
        if not self._feasible(message.resources):
            target = self.neighbours.feasible(message.resources) if self.neighbours is not None else None
            if target is not None or not self.grows:
                if message.wanted:
                    self._refuse(owner, message, target)
                return
        wanted = max(0, message.wanted - (demand.granted - message.seen))
        while demand.placed > wanted:
            self._unplace(demand)
        demand.outstanding = wanted - demand.placed
        if demand.outstanding and demand not in self.queue:
            self.queue.append(demand)

    def _refuse(self, owner: WorkerID, message: LeasesWanted, target: WorkerID | None) -> None:
        """It can never be served here: at ``target``, else nowhere."""
        if target is not None:
            elsewhere = LeaseElsewhere(message.key, target, message.wanted, message.hops + 1)
            self._effects().send(owner, elsewhere)
            return
        has = dict(self.account.total)
        if self.neighbours is not None:
            has = self.neighbours.most(has)
        self._effects().send(owner, DemandInfeasible(message.key, message.resources, has))

    def reconsider(self) -> None:
        """There is news of other nodes: what waits here may go on from here once more, and what could never be served
        here goes to whoever has so much now.
        """
        assert self.neighbours is not None
        for demand in list(self.queue):
            demand.hops = 0
            if self.grows and demand.outstanding and not self._feasible(demand.resources):
                target = self.neighbours.feasible(demand.resources)
                if target is not None:
                    elsewhere = LeaseElsewhere(demand.key, target, demand.outstanding, 1)
                    self._effects().send(demand.owner, elsewhere)
                    demand.outstanding = 0

    def on_actor_wanted(self, head: WorkerID, message: ActorWorkerWanted) -> None:
        """Head wants a worker for an actor. It needs ``placement`` to be possible, and keeps ``resources``."""
        needed = {**message.placement, **message.resources}
        if not self._feasible(needed):
            answer = ActorWorkerInfeasible(
                message.actor, message.incarnation, needed, dict(self.account.total)
            )
            self._effects().send(head, answer)
            return
        job = message.job or self._job_of(owner_of(message.actor))
        demand = Demand(head, -1, message.resources, job)
        demand.actor = message.actor
        demand.incarnation = message.incarnation
        demand.outstanding = 1
        demand.name, demand.retriable = message.name, message.retriable
        self.queue.appendleft(demand)

    def drop_actor(self, actor: ActorID, incarnation: int) -> WorkerID | None:
        """Head no longer wants that worker; returns it when it was granted already."""
        for demand in list(self.queue):
            if demand.actor == actor and demand.incarnation == incarnation:
                self.queue.remove(demand)
                return None
        for lease in list(self.leases.values()):
            if lease.demand.actor == actor and lease.demand.incarnation == incarnation:
                if lease.worker is None:
                    self.placed.remove(lease)
                    self._end(lease)
                    return None
                return lease.worker
        return None

    def _feasible(self, asked: dict[str, int]) -> bool:
        """Whether the node has so much when idle."""
        gpus = asked.get("GPU")
        return self.account.feasible(asked) and (gpus is None or self.devices.feasible(gpus))

    def _can_take(self, asked: dict[str, int]) -> bool:
        """Whether it is free now: of GPUs not only the sum counts."""
        gpus = asked.get("GPU")
        return self.account.can_take(asked) and (gpus is None or self.devices.fits(gpus))

    def _unplace(self, demand: Demand) -> None:
        lease = next(lease for lease in reversed(self.placed) if lease.demand is demand)
        self.placed.remove(lease)
        demand.placed -= 1
        self._end(lease)

    # -- leases ---------------------------------------------------------------------------------------------------

    def place(self) -> None:
        """Take resources for whatever fits, each demand in its turn; or send it on to where it fits better."""
        away: dict[tuple[WorkerID, int, WorkerID], int] = {}
        turns = len(self.queue)
        while turns:
            demand = self.queue.popleft()
            turns -= 1
            if not demand.outstanding:
                continue
            here = self._can_take(demand.resources)
            if self.neighbours is not None and self.neighbours.is_choice:
                here = self._choose(demand, here, away)
            if here:
                self._take(demand)
            if here or not demand.outstanding:
                turns = len(self.queue) + (1 if demand.outstanding else 0)
            if demand.outstanding:
                self.queue.append(demand)
        for (owner, key, node), count in away.items():
            hops = self.demands[(owner, key)].hops + 1
            self._effects().send(owner, LeaseElsewhere(key, node, count, hops))

    def _choose(self, demand: Demand, here: bool, away: dict[tuple[WorkerID, int, WorkerID], int]) -> bool:
        """Where there are several nodes: send on what others should have; returns whether this node takes the next."""
        neighbours = self.neighbours
        assert neighbours is not None
        while demand.outstanding and demand.actor is None and demand.hops < HOPS_MAX:
            target = neighbours.better(demand.resources, here, demand.spread)
            if target is None:
                break
            place = (demand.owner, demand.key, target)
            away[place] = away.get(place, 0) + 1
            demand.outstanding -= 1
        return here and bool(demand.outstanding) and not neighbours.leaving

    def _take(self, demand: Demand) -> None:
        self.account.take(demand.resources)
        demand.outstanding -= 1
        demand.placed += 1
        lease = Lease(LeaseID(self._next), demand)
        if "GPU" in demand.resources:
            lease.gpus = self.devices.take(demand.resources["GPU"])
        self._next += 1
        self.leases[lease.lease] = lease
        self.placed.append(lease)

    def assign(self, lease: Lease, worker: WorkerID, pid: int) -> None:
        """An idle worker for a placed lease."""
        self.placed.remove(lease)
        lease.worker = worker
        self.by_worker[worker] = lease
        demand = lease.demand
        demand.placed -= 1
        demand.granted += 1
        gpus = self.devices.named(lease.gpus) if lease.gpus else ()
        if demand.actor is not None:
            grant = ActorWorkerGranted(demand.actor, demand.incarnation, worker, pid, gpus)
            self._effects().send(demand.owner, grant)
        else:
            self._effects().send(demand.owner, LeaseGranted(lease.lease, demand.key, worker, pid, gpus))

    def on_returned(self, owner: WorkerID, identity: LeaseID) -> WorkerID | None:
        """An owner gives a lease back; returns its worker. Repeating it changes nothing."""
        lease = self.leases.get(identity)
        if lease is None or lease.demand.owner != owner or lease.worker is None:
            return None
        worker = lease.worker
        del self.by_worker[worker]
        self._end(lease)
        return worker

    def worker_of(self, owner: WorkerID, identity: LeaseID) -> WorkerID | None:
        """The worker of a lease, if ``owner`` still has it."""
        lease = self.leases.get(identity)
        return lease.worker if lease is not None and lease.demand.owner == owner else None

    def _end(self, lease: Lease) -> None:
        del self.leases[lease.lease]
        self.account.give(self._held(lease))
        if lease.gpus:
            self.devices.give(lease.gpus, lease.demand.resources["GPU"])

    def _held(self, lease: Lease) -> dict[str, int]:
        resources = lease.demand.resources
        if lease.blocked:
            return {name: units for name, units in resources.items() if name != "CPU"}
        return resources

    def block(self, worker: WorkerID) -> None:
        """A worker waits in ``get``: its CPU is free meanwhile (LR5: only that, once)."""
        lease = self.by_worker.get(worker)
        if lease is not None and not lease.blocked:
            lease.blocked = True
            if "CPU" in lease.demand.resources:
                self.account.give({"CPU": lease.demand.resources["CPU"]})

    def blocked_tasks(self) -> int:
        """Workers whose task waits in ``get``; actors wait as long as they like."""
        return sum(lease.blocked and lease.demand.actor is None for lease in self.by_worker.values())

    def unblock(self, worker: WorkerID) -> None:
        """It goes on."""
        lease = self.by_worker.get(worker)
        if lease is not None and lease.blocked:
            lease.blocked = False
            if "CPU" in lease.demand.resources:
                self.account.take({"CPU": lease.demand.resources["CPU"]})

    def lose_worker(self, worker: WorkerID) -> WorkerID | None:
        """A worker is dead; its lease ends. Returns the lease's owner."""
        lease = self.by_worker.pop(worker, None)
        if lease is None:
            return None
        self._end(lease)
        return lease.demand.owner

    def lose_owner(self, owner: WorkerID) -> list[WorkerID]:
        """An owner is dead: its demands vanish; returns the workers it had, which may still run its tasks."""
        for key in [key for key in self.demands if key[0] == owner]:
            demand = self.demands.pop(key)
            demand.outstanding = 0
            while demand.placed:
                self._unplace(demand)
        return [
            worker
            for worker, lease in self.by_worker.items()
            if lease.demand.owner == owner and lease.demand.actor is None
        ]

    def free_orphan(self, worker: WorkerID, owner: WorkerID) -> bool:
        """The worker runs nothing for ``owner`` any more, which is dead: its lease ends. False if it has none of it."""
        lease = self.by_worker.get(worker)
        if lease is None or lease.demand.owner != owner:
            return False
        del self.by_worker[worker]
        self._end(lease)
        return True

    def reclaim(self) -> None:
        """Something waits: ask whoever has most for one lease, unless the waiting one has as many."""
        waiting = [demand for demand in self.queue if demand.outstanding]
        if self.grows:  # what waits for another node is helped by nothing here
            waiting = [demand for demand in waiting if self._feasible(demand.resources)]
        if not waiting:
            return
        held: dict[tuple[WorkerID, int], list[Lease]] = {}
        for lease in self.leases.values():
            if lease.worker is not None and lease.demand.actor is None and not lease.blocked:
                held.setdefault((lease.demand.owner, lease.demand.key), []).append(lease)
        for demand in waiting:
            mine = len(held.get((demand.owner, demand.key), ())) + demand.placed
            richest = max(held.values(), key=len, default=None)
            if richest is None or len(richest) <= mine:
                continue
            if any(lease.reclaimed for lease in richest):
                continue
            chosen = richest[0]
            chosen.reclaimed = True
            self._effects().send(chosen.demand.owner, LeaseReclaimed(chosen.lease))

    def waiting_actors(self) -> tuple[ActorID, ...]:
        """Actors for which something must become free."""
        return tuple(demand.actor for demand in self.queue if demand.actor is not None)

    def reclaim_all(self) -> None:
        """This node gives out nothing more: ask for all that tasks have."""
        for lease in self.leases.values():
            if lease.worker is not None and lease.demand.actor is None and not lease.reclaimed:
                lease.reclaimed = True
                self._effects().send(lease.demand.owner, LeaseReclaimed(lease.lease))

    def has_tasks(self) -> bool:
        """Whether somebody has a worker for tasks."""
        return any(lease.demand.actor is None for lease in self.leases.values())

    def check(self) -> None:
        """LR1, LR2, LR6: exact sums, also of each GPU; one worker per lease and one lease per worker."""
        self.account.check()
        self.devices.check()
        held: dict[str, int] = {}
        left = list(self.devices.capacity)
        for lease in self.leases.values():
            for name, units in self._held(lease).items():
                held[name] = held.get(name, 0) + units
            for place in lease.gpus:
                left[place] -= min(lease.demand.resources["GPU"], UNITS)
            assert (lease.worker is None) == (lease in self.placed)
            if lease.worker is not None:
                assert self.by_worker[lease.worker] is lease
        assert left == self.devices.free, (left, self.devices.free)
        for name in {**held, **self.account.held}:
            assert held.get(name, 0) == self.account.held.get(name, 0), (name, held, self.account.held)
        assert len(self.by_worker) == len(self.leases) - len(self.placed)
