"""A small cluster of roles: head, nodes and owners, wired together without a network; workers are ready at once."""

from __future__ import annotations

from typing import Any

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.arena_allocator import ArenaAllocator
from gnomon._core.head import Head
from gnomon._core.links import LinkMachine
from gnomon._core.node import Node
from gnomon._core.worker import Worker
from gnomon._messages import cluster, leases, objects
from gnomon._messages.base import Block, Value
from gnomon._messages.session import NOBODY, JobSpec
from gnomon.ids import FunctionID, JobID, NodeID, ObjectID, TaskID, WorkerID, node_tag, object_id, task_id

HEAD = WorkerID(b"n1.head.")
DRIVER = WorkerID(b"n1.drive")
JOB = JobID(b"job1")
CPU = {"CPU": 10_000}


def process_of(number: int) -> WorkerID:
    """The process of node ``number``."""
    return WorkerID(b"n%d.node." % number)


class Roles:
    """Head, some nodes, and one driver at the first of them.

    Attributes:
        told: all messages that were sent, as (sender, target, message).
        now: advances with every round, so that what is told at intervals is told.
    """

    def __init__(self, *nodes: dict[str, int], patience_s: float = 0.0, grows: bool = False) -> None:
        self.now = 1.0
        self.told: list[tuple[WorkerID, WorkerID, Any]] = []
        self.roles: dict[WorkerID, Any] = {HEAD: Head(HEAD, LinkMachine(HEAD), patience_s, grows)}
        self.grows = grows
        self.nodes: list[Node] = []
        self.ended: list[WorkerID] = []
        self.killed: list[WorkerID] = []
        self.watched: dict[WorkerID, fx.WatchNode] = {}
        for resources in nodes:
            self.join(resources)
        self.driver = Worker(
            DRIVER, process_of(1), HEAD, DRIVER, JOB, "session", LinkMachine(DRIVER), settle_s=0.0
        )
        self.roles[DRIVER] = self.driver
        self.submitted = 0
        self.run()

    @property
    def head(self) -> Head:
        head: Head = self.roles[HEAD]
        return head

    def join(self, resources: dict[str, int]) -> Node:
        """One more node."""
        number = len(self.nodes) + 1
        me = process_of(number)
        forked = iter(range(1_000))
        node = Node(
            me, NodeID(b"thenode%d" % number), HEAD, DRIVER if number == 1 else NOBODY, dict(resources),
            ArenaAllocator(1 << 20), LinkMachine(me), lambda: WorkerID(b"n%d.%05d" % (number, next(forked))),
            keep_idle=1, workers_max=50, first_job=JobSpec(JOB, DRIVER) if number == 1 else None,
            pid=number, started=0 if number == 1 else number,
            grows=self.grows,
        )  # fmt: skip
        self.nodes.append(node)
        self.roles[me] = node
        self.post(me)
        return node

    def kill(self, node: Node) -> None:
        """The node's process ends, and all that lives there; head hears of it."""
        for process in [each for each in self.roles if node_tag(each) == node_tag(node.me)]:
            del self.roles[process]
        self.post(HEAD, ev.NodeExited(node.me, "was killed"))
        self.run()

    def post(self, target: WorkerID, *events: Any) -> None:
        """Give events to a role; what it sends arrives when ``run`` is called."""
        role = self.roles.get(target)
        if role is None:
            return
        effects = role.handle(list(events), self.now)
        role.check()
        self.waiting: list[tuple[WorkerID, WorkerID, list[Any]]] = getattr(self, "waiting", [])
        for peer, messages in effects.sends.items():
            if peer not in role.links.dead:
                self.waiting.append((target, peer, messages))
                self.told += [(target, peer, message) for message in messages]
        for command in effects.commands:
            self.perform(target, role, command)

    def perform(self, me: WorkerID, role: Any, command: Any) -> None:
        if isinstance(command, fx.StartWorker):
            self.waiting.append((command.worker, me, [leases.WorkerReady(1 + int(command.worker[3:]))]))
        elif isinstance(command, fx.KillWorker):
            self.post(me, ev.WorkerExited(command.worker, "was killed"))
        elif isinstance(command, fx.WatchNode):
            self.watched[command.node] = command
        elif isinstance(command, fx.KillNode):
            self.killed.append(command.node)
        elif isinstance(command, fx.EndProcess):
            self.ended.append(me)

    def run(self, rounds: int = 40) -> None:
        """Deliver until nothing happens any more."""
        for _ in range(rounds):
            self.now += 0.06
            delivered, self.waiting = self.waiting, []
            for sender, target, messages in delivered:
                self.post(target, ev.Received(sender, messages))
            for me in list(self.roles):
                wakeup = self.roles[me].next_wakeup()
                if wakeup is not None and wakeup <= self.now:
                    self.post(me)

    def submit(self, count: int = 1, resources: dict[str, int] | None = None, **options: Any) -> list[TaskID]:
        """The driver submits tasks."""
        asked = CPU if resources is None else resources
        tasks = []
        events = []
        none: Any = ()
        key = options.pop("key", hash(tuple(sorted(asked.items()))) & 0xFFFF)
        for _ in range(count):
            self.submitted += 1
            task = task_id(DRIVER, self.submitted)
            tasks.append(task)
            retries, dependencies = options.get("max_retries", 3), options.get("dependencies", ())
            events.append(
                ev.TaskSubmitted(
                    task, FunctionID(b"f" * 8), b"", "f", asked, key, b"", dependencies, none, 1, retries, False, None, None,
                    spread=options.get("spread", False),
                )
            )  # fmt: skip
        self.post(DRIVER, *events)
        self.run()
        return tasks

    def put(self, value: Value) -> ObjectID:
        """The driver has an object of this value."""
        self.submitted += 1
        identity = object_id(task_id(DRIVER, self.submitted), 1)
        self.post(DRIVER, ev.ObjectStored(identity, value, (), 10))
        if isinstance(value, Block):
            self.post(DRIVER, ev.AskedSomething(WorkerID(value.node), objects.BlocksAdopted((value.name,))))
        self.run()
        return identity

    def at(self, node: Node) -> int:
        """How many workers of ``node`` the driver has leased."""
        leased = self.driver.tasks.dispatch.leased.values()
        return sum(each.node == node.me for each in leased)

    def sent(self, kind: type, target: WorkerID | None = None) -> list[Any]:
        """All messages of a kind, to ``target`` if given."""
        return [message for _, to, message in self.told if type(message) is kind and target in (None, to)]

    def watch(self, watcher: WorkerID, node: Node, process: WorkerID) -> list[Any]:
        """A process of ``node`` wants to hear of another's death; what it is told at once."""
        before = len(self.told)
        self.post(node.me, ev.Received(watcher, [cluster.ProcessWatched(process)]))
        self.run()
        return [
            message
            for _, to, message in self.told[before:]
            if to == watcher and type(message) is cluster.ProcessLost
        ]


__all__ = ["CPU", "DRIVER", "HEAD", "JOB", "Roles", "process_of"]
