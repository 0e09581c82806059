"""Scheduling classes: what an owner knows of tasks that ask for the same, and of the workers it has for them. Written by
``dispatch`` alone.
"""

from __future__ import annotations

from collections import deque

from gnomon._core.records import TaskRecord
from gnomon._core.shipping import FunctionBudget
from gnomon._messages.leases import LeaseGranted
from gnomon.ids import LeaseID, TaskID, WorkerID


class LeasedWorker:
    """A worker that this process may use.

    Attributes:
        node: which has given it.
        draining: gets no more tasks and is returned when empty.
        spent: its calls are used up: when it is returned, nobody may use it any more.
        recalled: asked to hand tasks back, not answered yet.
        stuck: gets no more before what it has is done: it handed tasks back because one runs long (or waits), or
            has one that is to be alone.
    """

    __slots__ = (
        "draining", "granted", "idle_since", "inflight", "key", "lease", "node", "number", "recalled", "shipped",
        "spent", "stuck", "worker",
    )  # fmt: skip

    def __init__(self, node: WorkerID, message: LeaseGranted, number: int, now: float) -> None:
        self.node = node
        self.worker = message.worker
        self.lease: LeaseID = message.lease
        self.key = message.key
        self.number = number
        self.inflight: dict[TaskID, TaskRecord] = {}
        self.shipped = FunctionBudget()
        self.granted = now
        self.idle_since = now
        self.draining = False
        self.spent = False
        self.recalled = False
        self.stuck = False


class Asked:
    """What one node has been asked for, for one class.

    Attributes:
        wanted: leases last asked for beyond those granted.
        seen: grants received so far.
        hops: how often the demand had been sent on when it came to that node.
    """

    __slots__ = ("hops", "seen", "wanted")

    def __init__(self) -> None:
        self.wanted = 0
        self.seen = 0
        self.hops = 0


class SchedulingClass:
    """Tasks that ask for the same resources, and may all be run again, or may not.

    Attributes:
        home: the node that is asked first; it may send a demand on to others.
        asked: what each node has been asked for.
        wanted: the sum of that.
        spread: each lease on another node, if that is possible.
        mean_s: exponential mean of a task's duration; None while unknown.
        retriable: its tasks may be run again; those that may not are a class of their own.
    """

    __slots__ = (
        "asked", "home", "key", "mean_s", "ready", "resources", "retriable", "spread", "wanted", "workers"
    )  # fmt: skip

    def __init__(
        self,
        key: int,
        resources: dict[str, int],
        home: WorkerID,
        spread: bool = False,
        retriable: bool = True,
    ) -> None:
        self.key = key
        self.resources = resources
        self.home = home
        self.spread = spread
        self.retriable = retriable
        self.ready: deque[TaskRecord] = deque()
        self.workers: dict[WorkerID, LeasedWorker] = {}
        self.asked: dict[WorkerID, Asked] = {home: Asked()}
        self.wanted = 0
        self.mean_s: float | None = None

    def at(self, node: WorkerID) -> Asked:
        """What ``node`` has been asked for."""
        asked = self.asked.get(node)
        if asked is None:
            asked = self.asked[node] = Asked()
        return asked

    def depth(self, horizon_s: float, depth_max: int) -> int:
        """How many tasks to keep at each worker."""
        mean = self.mean_s
        if mean is None:
            return 1
        if mean * depth_max <= horizon_s:
            return depth_max
        return max(1, int(horizon_s / mean))
