"""Pool: the worker processes of a node.

    STARTING ----> IDLE <----> LEASED ----> gone
        (forked)    |            (also as an actor, for life)
                    +----> RETIRED (idle too long) ----> gone (once nobody needs what it owns)

Workers are started for placed leases that find none idle, and a few are kept idle so that the next lease
need not wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gnomon._core.effects import Effects, KillWorker, StartWorker
from gnomon._messages.leases import WorkerRetired
from gnomon.ids import TaskID, WorkerID


class PoolMachine:
    """All workers of a node.

    Attributes:
        keep_idle: this many idle workers are never retired.
        starting_max: forks under way at a time.
        doomed: asked to be killed; never idle again.
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        new_id: Callable[[], WorkerID],
        keep_idle: int,
        workers_max: int,
        idle_s: float = 1.0,
        starting_max: int = 8,
    ) -> None:
        self._effects = effects
        self._new_id = new_id
        self.keep_idle = keep_idle
        self.workers_max = workers_max
        self.idle_s = idle_s
        self.starting_max = starting_max
        self.starting: dict[WorkerID, None] = {}
        self.idle: deque[tuple[WorkerID, float]] = deque()
        self.leased: dict[WorkerID, None] = {}
        self.retired: dict[WorkerID, None] = {}
        self.doomed: dict[WorkerID, None] = {}
        self.pids: dict[WorkerID, int] = {}

    def __len__(self) -> int:
        return len(self.starting) + len(self.idle) + len(self.leased)

    def __contains__(self, worker: WorkerID) -> bool:
        return worker in self.pids or worker in self.starting

    def start(self, needed: int) -> None:
        """See to it that ``needed`` workers are starting."""
        while len(self.starting) < min(needed, self.starting_max) and len(self) < self.workers_max:
            worker = self._new_id()
            self.starting[worker] = None
            self._effects().do(StartWorker(worker))

    def on_ready(self, worker: WorkerID, pid: int, now: float) -> bool:
        """A started worker listens. False when it is not known (any more)."""
        if worker not in self.starting:
            return False
        del self.starting[worker]
        self.pids[worker] = pid
        self.idle.append((worker, now))
        return True

    def take_idle(self) -> WorkerID | None:
        """The most recently used idle worker, for a lease."""
        if not self.idle:
            return None
        worker, _ = self.idle.pop()
        self.leased[worker] = None
        return worker

    def put_back(self, worker: WorkerID, now: float) -> None:
        """A lease has ended and its worker lives."""
        if worker in self.doomed:
            self.kill(worker)
        elif worker in self.leased:
            del self.leased[worker]
            self.idle.append((worker, now))

    def kill(self, worker: WorkerID, running: TaskID | None = None) -> None:
        """End a worker's process at once (or, with ``running``, if it runs that one, else when it is put
        back); ``lose`` follows when it has ended.
        """
        self.doomed[worker] = None
        self._effects().do(KillWorker(worker, running))

    def lose(self, worker: WorkerID) -> None:
        """Its process has ended."""
        self.starting.pop(worker, None)
        self.leased.pop(worker, None)
        self.retired.pop(worker, None)
        self.doomed.pop(worker, None)
        self.pids.pop(worker, None)
        for pair in self.idle:
            if pair[0] == worker:
                self.idle.remove(pair)
                break

    def on_time(self, now: float) -> None:
        """Retire what has been idle for long, beyond those that are kept."""
        while len(self.idle) > self.keep_idle and now - self.idle[0][1] >= self.idle_s:
            worker, _ = self.idle.popleft()
            self.retired[worker] = None
            self._effects().send(worker, WorkerRetired())

    def next_wakeup(self) -> float | None:
        """When the oldest idle worker may be retired."""
        if len(self.idle) > self.keep_idle:
            return self.idle[0][1] + self.idle_s
        return None

    def check(self) -> None:
        """Each worker is in one place; LR8."""
        idle = [worker for worker, _ in self.idle]
        everyone = [*self.starting, *idle, *self.leased, *self.retired]
        assert len(everyone) == len(set(everyone)), "a worker is in two places"
        assert len(self) <= self.workers_max
