"""Node: the role that owns one machine's workers, resources and arena.

LeaseMachine   who may use which worker          PoolMachine    the processes
BlockMachine   who has which part of the arena   (and here) who wants to hear of whose death
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.account import ResourceAccount
from gnomon._core.blocks import Allocator, BlockMachine
from gnomon._core.effects import Effects
from gnomon._core.leases import LeaseMachine
from gnomon._core.links import LinkMachine
from gnomon._core.pool import PoolMachine
from gnomon._messages import actors, cluster, leases, objects
from gnomon.ids import NodeID, WorkerID


class Node:
    """One node of the cluster.

    Attributes:
        watchers: who wants to hear of a process's death.
        dead: recent deaths, so that a late watcher is told at once.
    """

    def __init__(
        self,
        me: WorkerID,
        node: NodeID,
        head: WorkerID,
        driver: WorkerID,
        resources: dict[str, int],
        allocator: Allocator,
        links: LinkMachine,
        new_id: Callable[[], WorkerID],
        keep_idle: int,
        workers_max: int,
        pid: int = 0,
        dead_max: int = 100_000,
        report_period_s: float = 0.5,
    ) -> None:
        self.me = me
        self.node = node
        self.head = head
        self.driver = driver
        self.pid = pid
        self.links = links
        self.now = 0.0
        self._effects = Effects()
        self.account = ResourceAccount(resources)
        self.leases = LeaseMachine(self._out, self.account)
        self.pool = PoolMachine(self._out, new_id, keep_idle, workers_max)
        self.blocks = BlockMachine(self._out, allocator)
        self.watchers: dict[WorkerID, dict[WorkerID, None]] = {}
        self.dead: dict[WorkerID, ev.WorkerExited] = {}
        self.dead_max = dead_max
        self._joined = False
        self.observers: dict[WorkerID, None] = {}
        self.report_period_s = report_period_s
        self._report_due = 0.0
        self._reported: cluster.NodeReport | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            ev.Received: self._on_received,
            ev.WorkerExited: self._on_worker_exited,
            ev.BlockReserved: lambda event: self.blocks.on_reserved(
                event.request, event.asker, event.offset, event.failed
            ),
        }
        self._receivers: dict[type, Callable[[WorkerID, Any], None]] = {
            leases.LeasesWanted: self.leases.on_wanted,
            leases.LeaseReturned: self._on_lease_returned,
            leases.LeaseBroken: self._on_lease_broken,
            leases.WorkerReady: self._on_worker_ready,
            leases.WorkerBlocked: lambda sender, message: self.leases.block(sender),
            leases.WorkerUnblocked: lambda sender, message: self.leases.unblock(sender),
            actors.ActorWorkerWanted: self.leases.on_actor_wanted,
            actors.ActorWorkerUnwanted: self._on_actor_worker_unwanted,
            objects.BlockAsked: lambda sender, message: self.blocks.on_asked(sender, message, self.now),
            objects.BlocksAdopted: lambda sender, message: self.blocks.on_adopted(sender, message.offsets),
            objects.BlocksFreed: lambda sender, message: self.blocks.on_freed(sender, message.offsets),
            objects.BlocksPinned: lambda sender, message: self.blocks.on_pinned(
                sender, message.owner, message.offsets
            ),
            objects.BlocksUnpinned: lambda sender, message: self.blocks.on_unpinned(sender, message.offsets),
            objects.WriterSettled: lambda sender, message: self.blocks.settle(sender, message.writer),
            cluster.ProcessWatched: self._on_process_watched,
            cluster.StatusAsked: self._on_status_asked,
            cluster.ObservationWanted: self._on_observation_wanted,
        }

    def _out(self) -> Effects:
        return self._effects

    def handle(self, events: Iterable[Any], now: float) -> Effects:
        """Take a batch of events in; what is to be done comes out."""
        self.now = now
        if not self._joined:
            self._joined = True
            self._effects.send(self.head, cluster.NodeJoined(self.node, dict(self.account.total)))
            self.pool.start(self.pool.keep_idle)
        for event in events:
            self._handlers[type(event)](event)
        self.blocks.on_time(now)
        self._serve()
        self._tell_observers()
        effects, self._effects = self._effects, Effects()
        return effects

    def _serve(self) -> None:
        """Place demands, give idle workers to placed leases, start what is missing, reclaim what is hoarded."""
        machine, pool = self.leases, self.pool
        if machine.queue:
            machine.place()
        while machine.placed and (worker := pool.take_idle()) is not None:
            machine.assign(worker, pool.pids[worker])
        if machine.placed:
            pool.start(len(machine.placed))
        if machine.queue:
            machine.reclaim()
        pool.on_time(self.now)

    def next_wakeup(self) -> float | None:
        """When this role wants to be handled again, even if nothing happens."""
        wakeups = (self.pool.next_wakeup(), self.blocks.next_wakeup(), self._report_due or None)
        times = [time for time in wakeups if time is not None]
        return min(times) if times else None

    def check(self) -> None:
        """All invariants that a node can see."""
        self.leases.check()
        self.pool.check()
        self.blocks.check()
        self.links.check()
        for worker in self.leases.by_worker:
            assert worker in self.pool.leased, worker.hex()

    def _on_received(self, event: ev.Received) -> None:
        if event.sender in self.links.dead:
            return  # it died in the same batch: MB1
        for message in event.messages:
            self._receivers[type(message)](event.sender, message)

    # -- workers --------------------------------------------------------------------------------------------------

    def _on_worker_ready(self, sender: WorkerID, message: leases.WorkerReady) -> None:
        if self.pool.on_ready(sender, message.pid, self.now):
            for observer in self.observers:
                self._effects.send(sender, cluster.ObservationWanted(observer, True))

    def _on_lease_returned(self, sender: WorkerID, message: leases.LeaseReturned) -> None:
        worker = self.leases.on_returned(sender, message.lease)
        if worker is not None:
            self.pool.put_back(worker, self.now)

    def _on_lease_broken(self, sender: WorkerID, message: leases.LeaseBroken) -> None:
        worker = self.leases.worker_of(sender, message.lease)
        if worker is not None:
            self.pool.kill(worker, message.task)

    def _on_actor_worker_unwanted(self, sender: WorkerID, message: actors.ActorWorkerUnwanted) -> None:
        worker = self.leases.drop_actor(message.actor, message.incarnation)
        if worker is not None:
            self.pool.kill(worker)

    def _on_worker_exited(self, event: ev.WorkerExited) -> None:
        """A process of ours has ended: tell whoever must know, take back what it held."""
        worker = event.worker
        told = self.watchers.pop(worker, {})
        owner = self.leases.lose_worker(worker)
        if owner is not None and owner != self.head:
            told[owner] = None
        self.pool.lose(worker)
        self.observers.pop(worker, None)
        for orphan in self.leases.lose_owner(worker):
            self.pool.kill(orphan)
        self.blocks.lose(worker, [self.driver, *self.pool.pids])
        self.links.forget(worker)
        self._effects.do(fx.DropPeer(worker))
        for watchers in self.watchers.values():
            watchers.pop(worker, None)
        self.dead[worker] = event
        if len(self.dead) > self.dead_max:
            del self.dead[next(iter(self.dead))]
        told.pop(worker, None)
        for watcher in told:
            self._effects.send(watcher, _lost(event))
        self._effects.send(self.head, cluster.ProcessDied(worker, event.reason, event.end))

    def _on_process_watched(self, sender: WorkerID, message: cluster.ProcessWatched) -> None:
        process = message.process
        if process in self.dead:
            self._effects.send(sender, _lost(self.dead[process]))
        elif process not in (self.driver, self.head, self.me) and process not in self.pool:
            self._effects.send(sender, cluster.ProcessLost(process, "is not part of this session"))
        else:
            self.watchers.setdefault(process, {})[sender] = None

    def _on_observation_wanted(self, sender: WorkerID, message: cluster.ObservationWanted) -> None:
        """Somebody looks at the views: every worker is told, also those to come."""
        if message.wanted:
            self.observers[message.observer] = None
        else:
            self.observers.pop(message.observer, None)
        for worker in self.pool.pids:
            self._effects.send(worker, message)

    # -- status ---------------------------------------------------------------------------------------------------

    def _on_status_asked(self, sender: WorkerID, message: cluster.StatusAsked) -> None:
        self._effects.send(sender, cluster.NodeStatus(message.request, self._report()))

    def _report(self) -> cluster.NodeReport:
        allocator = self.blocks.allocator
        return cluster.NodeReport(
            self.node,
            self.me,
            self.pid,
            True,
            dict(self.account.total),
            dict(self.account.available),
            len(self.pool),
            allocator.used_bytes,
            allocator.capacity_bytes,
        )

    def _tell_observers(self) -> None:
        """Whoever looks at the views hears how this node is, when that has changed."""
        if not self.observers:
            self._reported = None
            return
        if self.now < self._report_due:
            return
        report = self._report()
        self._report_due = 0.0
        if report != self._reported:
            self._reported = report
            self._report_due = self.now + self.report_period_s
            for observer in self.observers:
                self._effects.send(observer, cluster.NodeStatus(0, report))


def _lost(event: ev.WorkerExited) -> cluster.ProcessLost:
    return cluster.ProcessLost(event.worker, event.reason, event.last_started, event.end)
