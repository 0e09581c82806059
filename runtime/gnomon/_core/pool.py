"""Pool: the worker processes of a node. Each belongs to one job for life: it has that job's module path.

    STARTING ----> IDLE <----> LEASED ----> gone
        (forked)    |            |  (also as an actor, for life)
                    |            v
                    +----> RETIRED ----> gone (once nobody needs what it owns)
                           idle too long, or spent: its calls are used up

Workers are started for placed leases that find none idle, and of each job that lives a few are kept idle so
that the next lease need not wait. When a job ends its workers that nobody has leased end; leased ones end
with whoever leased them, so that a detached actor keeps those that it uses.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gnomon._core.effects import Effects, KillWorker, StartWorker
from gnomon._messages.leases import WorkerRetired
from gnomon._messages.session import NO_JOB
from gnomon.ids import JobID, TaskID, WorkerID


class PoolMachine:
    """All workers of a node.

    Attributes:
        keep_idle: this many idle workers of a living job are never retired.
        starting_max: forks under way at a time.
        doomed: asked to be killed; never idle again.
        jobs: the job of every worker that lives.
        living: jobs that have not ended.
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
        self.jobs: dict[WorkerID, JobID] = {}
        self.living: dict[JobID, None] = {}
        self.starting: dict[WorkerID, None] = {}
        self.idle: dict[JobID, deque[tuple[WorkerID, float]]] = {}
        self.leased: dict[WorkerID, None] = {}
        self.retired: dict[WorkerID, None] = {}
        self.doomed: dict[WorkerID, None] = {}
        self.pids: dict[WorkerID, int] = {}

    def __len__(self) -> int:
        return len(self.starting) + sum(map(len, self.idle.values())) + len(self.leased)

    def __contains__(self, worker: WorkerID) -> bool:
        return worker in self.jobs

    # -- jobs -----------------------------------------------------------------------------------------------------

    def open_job(self, job: JobID) -> None:
        """A job has begun: its first workers are started before anybody asks."""
        self.living[job] = None
        self.start(self.keep_idle, job)

    def end_job(self, job: JobID) -> None:
        """A job has ended: what nobody has leased ends at once."""
        self.living.pop(job, None)
        self.idle.pop(job, None)
        for worker, of in self.jobs.items():
            if of == job and worker not in self.leased:
                self.starting.pop(worker, None)
                self.retired[worker] = None
                self.kill(worker)

    # -- workers --------------------------------------------------------------------------------------------------

    def start(self, needed: int, job: JobID = NO_JOB) -> None:
        """See to it that ``needed`` workers of ``job`` are starting."""
        needed = min(needed, self.starting_max) - sum(self.jobs[worker] == job for worker in self.starting)
        while needed > 0 and len(self.starting) < self.starting_max and self._has_room():
            worker = self._new_id()
            needed -= 1
            self.starting[worker] = None
            self.jobs[worker] = job
            self._effects().do(StartWorker(worker, job))

    def _has_room(self) -> bool:
        """Whether one more fits below ``workers_max``; if none does, one that is idle makes room."""
        if len(self) < self.workers_max:
            return True
        oldest = min((idle[0][1], job) for job, idle in self.idle.items()) if self.idle else None
        if oldest is None:
            return False
        self._retire_oldest(oldest[1])
        return True

    def on_ready(self, worker: WorkerID, pid: int, now: float) -> bool:
        """A started worker listens. False when it is not known (any more)."""
        if worker not in self.starting:
            return False
        del self.starting[worker]
        self.pids[worker] = pid
        self._put_idle(worker, now)
        return True

    def take_idle(self, job: JobID = NO_JOB) -> WorkerID | None:
        """The most recently used idle worker of ``job``, for a lease."""
        idle = self.idle.get(job)
        if not idle:
            return None
        worker, _ = idle.pop()
        if not idle:
            del self.idle[job]
        self.leased[worker] = None
        return worker

    def put_back(self, worker: WorkerID, now: float) -> None:
        """A lease has ended and its worker lives."""
        if worker in self.doomed:
            self.kill(worker)
        elif worker in self.leased:
            del self.leased[worker]
            self._put_idle(worker, now)

    def _put_idle(self, worker: WorkerID, now: float) -> None:
        self.idle.setdefault(self.jobs[worker], deque()).append((worker, now))

    def retire(self, worker: WorkerID) -> None:
        """A lease has ended and its worker is spent: it ends once nobody needs what it owns."""
        if worker in self.doomed:
            self.kill(worker)
        elif worker in self.leased:
            del self.leased[worker]
            self._retire(worker)

    def give_back_idle(self, has_much: Callable[[WorkerID], bool]) -> int:
        """Memory is short: idle workers that have much are asked to end; returns how many."""
        given = 0
        for job, idle in list(self.idle.items()):
            for pair in [pair for pair in idle if has_much(pair[0])]:
                idle.remove(pair)
                self._retire(pair[0])
                given += 1
            if not idle:
                del self.idle[job]
        return given

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
        job = self.jobs.pop(worker, None)
        idle = self.idle.get(job) if job is not None else None
        if job is None or idle is None:
            return
        for pair in idle:
            if pair[0] == worker:
                idle.remove(pair)
                break
        if not idle:
            del self.idle[job]

    def _retire_oldest(self, job: JobID) -> None:
        idle = self.idle[job]
        worker, _ = idle.popleft()
        if not idle:
            del self.idle[job]
        self._retire(worker)

    def _retire(self, worker: WorkerID) -> None:
        self.retired[worker] = None
        self._effects().send(worker, WorkerRetired())

    # -- time -----------------------------------------------------------------------------------------------------

    def _kept(self, job: JobID) -> int:
        return self.keep_idle if job in self.living else 0

    def on_time(self, now: float) -> None:
        """Retire what has been idle for long, beyond those that are kept."""
        for job, idle in list(self.idle.items()):
            kept = self._kept(job)
            while len(idle) > kept and now - idle[0][1] >= self.idle_s:
                self._retire_oldest(job)

    def next_wakeup(self) -> float | None:
        """When the oldest idle worker may be retired."""
        due = None
        for job, idle in self.idle.items():
            if len(idle) > self._kept(job) and (due is None or idle[0][1] < due):
                due = idle[0][1]
        return None if due is None else due + self.idle_s

    def check(self) -> None:
        """Each worker is in one place, idle ones under their job; LR8."""
        idle = [worker for workers in self.idle.values() for worker, _ in workers]
        everyone = [*self.starting, *idle, *self.leased, *self.retired]
        assert len(everyone) == len(set(everyone)), "a worker is in two places"
        assert dict.fromkeys(everyone).keys() == self.jobs.keys(), "a worker without a place or a job"
        assert all(self.jobs[worker] == job for job, workers in self.idle.items() for worker, _ in workers)
        assert len(self) <= self.workers_max
