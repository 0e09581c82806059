"""Nodes: the nodes of a simulated session. The first lives as long as the session; others may come late, be killed, or
leave when what runs there has ended.

A killed node takes everything with it that lives there, at one instant; head, which watches it, hears of it a
moment later and tells the others. Ids begin with the node's tag, as in real sessions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gnomon._core import events as ev
from gnomon._core.arena_allocator import ArenaAllocator
from gnomon._core.links import LinkMachine
from gnomon._core.node import Node
from gnomon._core.spill_files import SpillFiles
from gnomon._messages.session import NOBODY, JobSpec
from gnomon.ids import NodeID, WorkerID, node_tag
from gnomon.testing.simulator.memory import Memory
from gnomon.testing.simulator.processes import NodeHost

if TYPE_CHECKING:
    from gnomon.testing.simulator.session import Session

HEAD = WorkerID(b"n1.head.")
_KILLED = "was killed with its node"


class Nodes:
    """All nodes of a session.

    Attributes:
        hosts: by process; dead ones too.
        faults: chunks, by target and pull, that were spoiled or lost.
    """

    def __init__(self, session: Session, count: int, first_job: JobSpec) -> None:
        self.session = session
        self.hosts: dict[WorkerID, NodeHost] = {}
        self.faults: dict[tuple[WorkerID, int, int], None] = {}
        self._forked = 0
        self._add(1, first_job)
        late = session.plan.late_nodes
        for number in range(2, count + 1):
            if late:
                session.kernel.after(
                    session.kernel.random.uniform(0.0, session.plan.faults_s), self._join, number
                )
            else:
                self._add(number, None)

    def _join(self, number: int) -> None:
        self._add(number, None)
        list(self.hosts.values())[-1].start()

    def _add(self, number: int, first_job: JobSpec | None) -> None:
        session = self.session
        me = WorkerID(b"n%d.node." % number)
        node = Node(
            me, NodeID(b"thenode%d" % number), HEAD, NOBODY if first_job is None else first_job.driver,
            dict(session.truth.total), ArenaAllocator(session.plan.arena_bytes), LinkMachine(me),
            lambda: self._new_worker_id(me), keep_idle=session.plan.cpus, workers_max=200, first_job=first_job,
            pid=number, started=0 if number == 1 else number,
            files=SpillFiles([f"disk{disk}" for disk in range(session.plan.spills)], rest_s=0.01, min_bytes=300_000),
        )  # fmt: skip
        label = "node" if number == 1 else f"node{number}"
        host = self.hosts[me] = NodeHost(session.kernel, session.network, me, label, node)
        host.session = session
        host.node = node
        host.memory = Memory(node)
        host.rooms = {}

    def _new_worker_id(self, node: WorkerID) -> WorkerID:
        self._forked += 1
        return WorkerID(node_tag(node) + b"%05d" % self._forked)

    @property
    def alive(self) -> list[NodeHost]:
        """Those that live."""
        return [host for host in self.hosts.values() if host.alive]

    def of(self, process: WorkerID) -> NodeHost:
        """Where a process lives."""
        return next(host for me, host in self.hosts.items() if node_tag(me) == node_tag(process))

    def _pick_mortal(self) -> NodeHost | None:
        """One that is not the first, if there is any."""
        mortal = self.alive[1:]
        return mortal[self.session.kernel.random.randrange(len(mortal))] if mortal else None

    def kill_one(self) -> None:
        """One that is not the first dies."""
        host = self._pick_mortal()
        if host is not None:
            self.end(host, _KILLED)

    def drain_one(self) -> None:
        """One that is not the first is asked to leave."""
        host = self._pick_mortal()
        if host is not None:
            host.post(ev.DrainAsked())

    def end(self, host: NodeHost, reason: str) -> None:
        """A node's process ends, and all that live there."""
        session, kernel = self.session, self.session.kernel
        kernel.trace.add(kernel.now, host.label, "ends:", reason)
        host.end()
        session.truth.nodes_killed += 1
        session.truth.dead[host.me] = None
        for worker in list(session.workers.values()):
            if worker.alive and node_tag(worker.me) == node_tag(host.me):
                worker.end()
                session.truth.dead[worker.me] = None
                session.note_lent(worker)
        session.copies.node_died()
        told = ev.NodeExited(host.me, reason)
        kernel.after(kernel.random.uniform(0.0001, 0.02), session.head_host.post, told)
