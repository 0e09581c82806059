"""Node: the role that owns one machine's workers, resources and arena.

LeaseMachine   who may use which worker          PoolMachine       the processes
BlockMachine   who has which part of the arena   JobMachine        the drivers, and whose worker is whose
PullMachine    values from other nodes           NeighbourMachine  other nodes, and who lives there
ServingMachine values to other nodes             PressureMachine   who goes when memory is short
(and here)     who wants to hear of whose death

A process of another node that speaks to this one, or owns what lies here, is watched: with its death goes what it held
here, just as with the death of one of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gnomon._core import block_receivers
from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.account import ResourceAccount
from gnomon._core.blocks import Allocator, BlockMachine
from gnomon._core.devices import DeviceBook, DeviceID
from gnomon._core.effects import Effects
from gnomon._core.jobs import JobMachine
from gnomon._core.leases import LeaseMachine
from gnomon._core.links import LinkMachine
from gnomon._core.neighbours import NeighbourMachine
from gnomon._core.node_delay import DelayRelay
from gnomon._core.node_report import ReportMachine, report_of
from gnomon._core.pace import TempoRelay
from gnomon._core.pool import PoolMachine
from gnomon._core.pressure import MemoryHigh, PressureMachine
from gnomon._core.pulls import PullMachine
from gnomon._core.serving import ServingMachine
from gnomon._core.spill_files import SpillFiles
from gnomon._messages import actors, cluster, holders, leases, objects, pulls, tempo
from gnomon._messages.base import BlockName
from gnomon._messages.session import NOBODY, JobSpec
from gnomon.ids import JobID, NodeID, WorkerID, node_tag


class Node:
    """One node of the cluster.

    Args:
        driver: the first job's; NOBODY when drivers are still to join.
        first_job: how its workers see the world; a plain one when None.
        gpus: names of the GPUs; numbers when empty.
        pid, started: as in NodeJoined; ``started`` is 0 for the node that head lives and dies with.
        extra_bytes: of the arena, not for objects.
        files: where blocks are spilled to; nowhere when None.
        grows: as in SessionConfig.

    Attributes:
        watchers: who wants to hear of a process's death.
        dead: recent deaths, so that a late watcher is told at once.
        orphans: workers whose leases' owners have died, and until when they may say that they run nothing for
            these any more. They may own what others need, so only those that do not say it are killed.
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
        orphan_grace_s: float = 0.5,
        first_job: JobSpec | None = None,
        gpus: Sequence[DeviceID] = (),
        labels: dict[str, str] | None = None,
        started: int = 0,
        drain_limit_s: float = 5.0,
        heartbeat_s: float = 0.0,
        files: SpillFiles | None = None,
        extra_bytes: int = 0,
        grows: bool = False,
    ) -> None:
        self.me = me
        self.node = node
        self.head = head
        self.pid = pid
        self.started = started
        self.labels = labels or {}
        self.links = links
        self.now = 0.0
        self._effects = Effects()
        if first_job is None and driver != NOBODY:
            first_job = JobSpec(JobID(driver[:4]), driver)
        self.account = ResourceAccount(resources)
        self.pool = PoolMachine(self._out, new_id, keep_idle, workers_max)
        self.jobs = JobMachine(lambda: self.pool.jobs, first_job)
        devices = DeviceBook(self.account.total.get("GPU", 0), gpus)
        self.neighbours = NeighbourMachine(
            me, head, self._out, self.account, lambda: self.leases.waiting_actors(), heartbeat_s=heartbeat_s
        )
        self.leases = LeaseMachine(self._out, self.account, devices, self.jobs.of, self.neighbours, grows)
        self.blocks = BlockMachine(
            self._out, allocator, me=me, files=files, on_lost=self._on_copy_lost, extra_bytes=extra_bytes
        )
        self.pulls = PullMachine(me, self._out, self.blocks, self._watch)
        self.serving = ServingMachine(self._out, self.blocks)
        self.pressure = PressureMachine(node, self.pool, self.leases, lambda: allocator.used_bytes)
        self.watchers: dict[WorkerID, dict[WorkerID, None]] = {}
        self.dead: dict[WorkerID, cluster.ProcessLost] = {}
        self.dead_max = dead_max
        self.drain_limit_s = drain_limit_s
        self._drain_due = 0.0
        self._met: dict[WorkerID, None] = {me: None, head: None}
        self._to_meet: dict[WorkerID, None] = {}
        self._joined = False
        self.observers: dict[WorkerID, None] = {}
        self.reports = ReportMachine(self, self._out, report_period_s)
        self.delays = DelayRelay(self._out, links, self.pool)
        self.tempos = TempoRelay(self._out, head, self.jobs, self.pool, self._watch, self.dead)
        self.orphans: dict[WorkerID, float] = {}
        self.orphan_grace_s = orphan_grace_s
        self._handlers = self._local_handlers()
        self._receivers = self._remote_handlers()

    def _local_handlers(self) -> dict[type, Callable[[Any], None]]:
        return {
            ev.Received: self._on_received,
            ev.WorkerExited: self._lose,
            ev.DriverExited: self._on_driver_exited,
            MemoryHigh: lambda event: self.pressure.on_high(event, self.now),
            ev.DrainAsked: lambda event: self._drain(),
            **block_receivers.local(self.blocks, lambda: self.now),
            ev.MemoryMeasured: lambda event: self.reports.on_measured(event.memory_bytes),
            ev.ChunkArrived: self.pulls.on_arrived,
            ev.ChunksSent: lambda event: self.serving.on_sent(event.offset),
            ev.FileChunksSent: self.serving.on_file_sent,
        }

    def _remote_handlers(self) -> dict[type, Callable[[WorkerID, Any], None]]:
        return {
            leases.LeasesWanted: self.leases.on_wanted,
            leases.LeaseReturned: self._on_lease_returned,
            leases.LeaseBroken: self._on_lease_broken,
            leases.WorkerReady: self._on_worker_ready,
            leases.WorkerBlocked: lambda sender, message: self.leases.block(sender),
            leases.WorkerUnblocked: lambda sender, message: self.leases.unblock(sender),
            actors.ActorWorkerWanted: self.leases.on_actor_wanted,
            actors.ActorWorkerUnwanted: self._on_actor_worker_unwanted,
            objects.BlockAsked: self._on_block_asked,
            **block_receivers.remote(self.blocks, lambda: self.now),
            objects.WriterSettled: self._on_writer_settled,
            objects.ObjectServed: lambda sender, message: self.pulls.on_served(message),
            pulls.PullWanted: lambda sender, message: self.pulls.on_wanted(sender, message, self.now),
            pulls.ChunksWanted: self.serving.on_wanted,
            pulls.ChunksRefused: self.pulls.on_refused,
            pulls.CopyParted: self.blocks.on_parted,
            cluster.ProcessWatched: self._on_process_watched,
            cluster.ProcessLost: lambda sender, message: self._lose_elsewhere(message),
            cluster.NodesSeen: self._on_nodes_seen,
            cluster.NodeLost: self._on_node_lost,
            cluster.JobStarted: self._on_job_started,
            cluster.JobEnded: self._on_job_ended,
            cluster.StatusAsked: self._on_status_asked,
            holders.ProcessesAsked: self._on_processes_asked,
            cluster.ObservationWanted: self._on_observation_wanted,
            cluster.NodeDelayed: lambda sender, message: self.delays.on_delayed(message, self.now),
            tempo.TempoSet: self.tempos.on_set,
            cluster.DriverJoined: self._on_driver_joined,
            cluster.DriverLeaving: self._on_driver_leaving,
        }

    def _out(self) -> Effects:
        return self._effects

    def handle(self, events: Iterable[Any], now: float) -> Effects:
        """Take a batch of events in; what is to be done comes out."""
        self.now = now
        if not self._joined:
            self._joined = True
            total = dict(self.account.total)
            joined = cluster.NodeJoined(self.node, total, self.pid, self.started, self.labels)
            self._effects.send(self.head, joined)
            for job in self.jobs.specs.values():
                self._begin(job)
        for event in events:
            self._handlers[type(event)](event)
        self.blocks.on_time(now)
        self.blocks.run(lambda: [*self.jobs.drivers, *self.pool.pids], now)
        self.pulls.run(now)
        while self._to_meet:  # what is heard at once may make the machines want to hear more
            self._meet(self._to_meet.popitem()[0])
        if self.orphans:
            self._kill_busy_orphans()
        if self.jobs.leaving:
            for driver in self.jobs.gone(now):
                self._forget_link(driver)
        self._serve()
        self.reports.run(self.now)
        if self.neighbours.is_choice:
            self.neighbours.tell_load(now)
            if self._drain_due:
                self._end_when_drained()
        effects, self._effects = self._effects, Effects()
        return effects

    def _serve(self) -> None:
        """Place demands, give idle workers to placed leases, start what is missing, reclaim what is hoarded."""
        machine, pool = self.leases, self.pool
        if machine.queue:
            machine.place()
        if machine.placed:
            missing: dict[JobID, int] = {}
            for lease in list(machine.placed):
                job = lease.demand.job
                worker = pool.take_idle(job)
                if worker is not None:
                    machine.assign(lease, worker, pool.pids[worker])
                else:
                    missing[job] = missing.get(job, 0) + 1
            for job, count in missing.items():
                if job in self.jobs.specs:
                    pool.start(count, job)
        if machine.queue:
            machine.reclaim()
        pool.on_time(self.now)

    def next_wakeup(self) -> float | None:
        """When this role wants to be handled again, even if nothing happens."""
        wakeups = (
            self.pool.next_wakeup(),
            self.blocks.next_wakeup(),
            self.pulls.next_wakeup(),
            self.jobs.next_wakeup(),
            self.reports.next_wakeup(),
            self.neighbours.next_wakeup(),
            self._drain_due or None,
            min(self.orphans.values(), default=None),
        )
        times = [time for time in wakeups if time is not None]
        return min(times) if times else None

    def check(self) -> None:
        """All invariants that a node can see."""
        self.leases.check()
        self.pool.check()
        self.blocks.check()
        self.pulls.check()
        self.jobs.check()
        self.links.check()
        self.neighbours.check()
        self.pressure.check()
        for worker in self.leases.by_worker:
            assert worker in self.pool.leased, worker.hex()

    def _on_received(self, event: ev.Received) -> None:
        if event.sender in self.links.dead:
            return  # it died in the same batch: MB1
        if event.sender not in self._met:
            self._meet(event.sender)
        for message in event.messages:
            if event.sender in self.jobs.leaving:
                return  # it has said good-bye, perhaps with the message before this one
            self._receivers[type(message)](event.sender, message)

    # -- workers --------------------------------------------------------------------------------------------------

    def _on_worker_ready(self, sender: WorkerID, message: leases.WorkerReady) -> None:
        if self.pool.on_ready(sender, message.pid, self.now):
            self.blocks.join(sender)
            for observer in self.observers:
                if self.jobs.of(observer) == self.pool.jobs[sender]:
                    self._effects.send(sender, cluster.ObservationWanted(observer, True))
            self.tempos.welcome(sender)
            self.delays.welcome(sender, self.now)

    def _on_lease_returned(self, sender: WorkerID, message: leases.LeaseReturned) -> None:
        worker = self.leases.on_returned(sender, message.lease)
        if worker is None:
            return
        if message.spent:
            self.pool.retire(worker)
        else:
            self.pool.put_back(worker, self.now)

    def _on_lease_broken(self, sender: WorkerID, message: leases.LeaseBroken) -> None:
        worker = self.leases.worker_of(sender, message.lease)
        if worker is not None:
            self.pool.kill(worker, message.task)

    def _on_actor_worker_unwanted(self, sender: WorkerID, message: actors.ActorWorkerUnwanted) -> None:
        worker = self.leases.drop_actor(message.actor, message.incarnation)
        if worker is not None:
            self.pool.kill(worker)

    def _lose(self, event: ev.WorkerExited) -> None:
        """A worker or driver of this node has ended: head hears of it, and whoever must know."""
        is_driver = event.worker not in self.pool
        self.pool.lose(event.worker)
        reason, end = self.pressure.on_exited(event)
        home = self.me if self.neighbours.views else NOBODY
        lost = cluster.ProcessLost(event.worker, reason, event.last_started, end, False, home)
        self._bury(lost, is_driver)
        self._effects.send(self.head, cluster.ProcessDied(event.worker, reason, end))

    def _lose_elsewhere(self, lost: cluster.ProcessLost) -> None:
        """A process of another node has ended, or that node itself."""
        self.neighbours.forget(lost.process)
        if lost.process not in self.dead:
            self._bury(lost, self.jobs.is_driver(lost.process))

    def _bury(self, lost: cluster.ProcessLost, is_driver: bool) -> None:
        """A process has ended: tell whoever must know, take back what it held here."""
        process = lost.process
        told = self.watchers.pop(process, {})
        owner = self.leases.lose_worker(process)
        if owner is not None and owner != self.head:
            told[owner] = None
        self._met.pop(process, None)
        self.observers.pop(process, None)
        self.tempos.told.pop(process, None)
        self.orphans.pop(process, None)
        for orphan in self.leases.lose_owner(process):
            if self._has_living_job(orphan) and not is_driver:
                self.orphans[orphan] = self.now + self.orphan_grace_s
                told[orphan] = None  # it may not have heard of the dead one at all
            else:
                self.pool.kill(orphan)
        self.blocks.lose(process)
        self.pulls.on_process_lost(process)
        if process not in self.jobs.leaving:
            self._forget_link(process)
        for watchers in self.watchers.values():
            watchers.pop(process, None)
        self.dead[process] = lost
        if len(self.dead) > self.dead_max:
            del self.dead[next(iter(self.dead))]
        told.pop(process, None)
        for watcher in told:
            self._effects.send(watcher, lost)

    def _has_living_job(self, worker: WorkerID) -> bool:
        return self.pool.jobs.get(worker) in self.pool.living

    def _on_writer_settled(self, sender: WorkerID, message: objects.WriterSettled) -> None:
        """``sender`` has nothing to do any more with a process that has died: if that had leased it, it is idle."""
        self.blocks.settle(sender, message.writer)
        if sender not in self.orphans or not self.leases.free_orphan(sender, message.writer):
            return
        del self.orphans[sender]
        if self._has_living_job(sender):
            self.pool.put_back(sender, self.now)
        else:
            self.pool.kill(sender)

    def _kill_busy_orphans(self) -> None:
        for orphan, due in list(self.orphans.items()):
            if self.now >= due:
                del self.orphans[orphan]
                self.pool.kill(orphan)

    def _watch(self, process: WorkerID) -> None:
        """Hear of the death of a process that may be of another node: after this batch, if it is known already."""
        if process not in self._met and process not in self.dead:
            self._to_meet[process] = None

    def _forget_link(self, process: WorkerID) -> None:
        self.links.forget(process)
        self._effects.do(fx.DropPeer(process))

    def _on_process_watched(self, sender: WorkerID, message: cluster.ProcessWatched) -> None:
        process = message.process
        if process in self.dead:
            self._effects.send(sender, self.dead[process])
            return
        here = process in self.pool or process in self.jobs.drivers or process in (self.head, self.me)
        if not here and node_tag(process) == node_tag(self.me):
            self._effects.send(sender, cluster.ProcessLost(process, "is not part of this session"))
            return
        self.watchers.setdefault(process, {})[sender] = None
        if not here:
            self._watch(process)

    # -- other nodes ----------------------------------------------------------------------------------------------

    def _meet(self, process: WorkerID) -> None:
        """It speaks to us, or owns something here: hear of its death, wherever it lives."""
        self._met[process] = None
        is_ours = process in self.pool or process in self.jobs.drivers or process in self.jobs.leaving
        if not is_ours and node_tag(process) != node_tag(self.me):
            lost = self.neighbours.watch(process)
            if lost is not None:
                self._lose_elsewhere(lost)

    def _on_block_asked(self, sender: WorkerID, message: objects.BlockAsked) -> None:
        self._watch(message.owner)
        self.blocks.on_asked(sender, message, self.now)

    def _on_copy_lost(self, name: BlockName, owner: WorkerID, reason: str) -> None:
        """What was spilled can not be read any more."""
        self._watch(owner)
        self._effects.send(owner, pulls.CopyLost(name[1], self.me, True, name[0], reason))

    def _on_nodes_seen(self, sender: WorkerID, message: cluster.NodesSeen) -> None:
        self.neighbours.on_nodes_seen(message)
        self.leases.reconsider()

    def _on_node_lost(self, sender: WorkerID, message: cluster.NodeLost) -> None:
        for lost in self.neighbours.on_node_lost(message):
            self._lose_elsewhere(lost)

    def _on_job_started(self, sender: WorkerID, message: cluster.JobStarted) -> None:
        """A driver has joined at another node: its tasks may come here."""
        if message.spec is not None and message.job not in self.jobs.specs:
            self.jobs.open(message.spec, here=False)
            self.pool.open_job(message.job)

    def _on_job_ended(self, sender: WorkerID, message: cluster.JobEnded) -> None:
        self.jobs.close_elsewhere(message.job)
        self.pool.end_job(message.job)

    def _drain(self) -> None:
        """This node is to leave: it gives out nothing more, and ends when the tasks that run here have ended."""
        self._drain_due = self.now + self.drain_limit_s
        self.neighbours.leaving = True
        self.leases.reclaim_all()

    def _end_when_drained(self) -> None:
        self.leases.reclaim_all()  # what was placed before may have been granted meanwhile
        if self.now >= self._drain_due or not self.leases.has_tasks():
            self._drain_due = 0.0
            self._effects.do(fx.EndProcess("it has left the cluster"))

    # -- drivers --------------------------------------------------------------------------------------------------

    def _begin(self, job: JobSpec) -> None:
        """The job of a driver: head lists it, and its first workers are started."""
        if job.hidden:
            return
        started = cluster.JobStarted(job.job, job.pid, job.entrypoint, job.namespace, job)
        self._effects.send(self.head, started)
        self.pool.open_job(job.job)

    def _on_driver_joined(self, sender: WorkerID, message: cluster.DriverJoined) -> None:
        job = message.job
        self.jobs.open(job)
        self._effects.do(fx.WatchDriver(sender, job.pid, job.started))
        self.blocks.spilling.join(sender)
        self._effects.send(sender, cluster.DriverAdmitted(message.request))
        self._begin(job)

    def _on_driver_leaving(self, sender: WorkerID, message: cluster.DriverLeaving) -> None:
        """``shutdown`` in a driver that goes on living: as if it had died, but it gets an answer."""
        self._effects.send(sender, cluster.DriverDismissed(message.request))
        self.jobs.say_goodbye(sender, self.now)
        self._end_job(sender, "has left the cluster")

    def _on_driver_exited(self, event: ev.DriverExited) -> None:
        self._end_job(event.driver, event.reason)

    def _end_job(self, driver: WorkerID, reason: str) -> None:
        """All that is the driver's own goes; what its workers own goes with them, detached actors stay."""
        job = self.jobs.close(driver)
        if job is None:
            return  # it had left before
        self._lose(ev.WorkerExited(driver, reason))
        self.pool.end_job(job.job)
        if not job.hidden:
            self._effects.send(self.head, cluster.JobEnded(job.job))

    def _on_observation_wanted(self, sender: WorkerID, message: cluster.ObservationWanted) -> None:
        """Somebody looks at the views: every worker of his job is told, also those to come, on every node."""
        if sender != self.head:
            self._effects.send(self.head, message)
        if message.wanted:
            self.observers[message.observer] = None
            self._watch(message.observer)
        else:
            self.observers.pop(message.observer, None)
        job = self.jobs.of(message.observer)
        for worker in self.pool.pids:
            if self.pool.jobs[worker] == job:
                self._effects.send(worker, message)

    # -- status ---------------------------------------------------------------------------------------------------

    def _on_status_asked(self, sender: WorkerID, message: cluster.StatusAsked) -> None:
        self._effects.send(sender, cluster.NodeStatus(message.request, report_of(self)))

    def _on_processes_asked(self, sender: WorkerID, message: holders.ProcessesAsked) -> None:
        drivers = [driver for driver, job in self.jobs.drivers.items() if not self.jobs.specs[job].hidden]
        self._effects.send(sender, holders.ProcessesTold(message.request, (*drivers, *self.pool.pids)))
