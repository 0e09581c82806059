"""Jobs: the drivers of a cluster and what belongs to each. The node's side.

    joined ----> living ----> leaving ----> forgotten        it said so (its process may live on)
                    |                           ^
                    +--------- died ------------+             its process has ended, however

A job is known for as long as a worker may have to be started for it, and that may be after its end: a
detached actor lives on, restarts, and leases workers, all as workers of that job. Whoever owns something
belongs to the job of his process.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._messages.session import NO_JOB, JobSpec
from gnomon.ids import JobID, WorkerID


class JobMachine:
    """All jobs that this node knows.

    Attributes:
        drivers: the job of each driver that has not left.
        elsewhere: likewise, of drivers on other nodes.
        specs: by job, also of jobs that have ended.
        leaving: drivers that have said good-bye, and until when their links are kept for the last answer.
        ended_max: ended jobs kept; the oldest without a worker is forgotten first.
        farewell_s: how long a link outlives the good-bye.
    """

    def __init__(
        self,
        worker_jobs: Callable[[], dict[WorkerID, JobID]],
        first: JobSpec | None,
        ended_max: int = 10_000,
        farewell_s: float = 1.0,
    ) -> None:
        self._worker_jobs = worker_jobs
        self.first = first.job if first is not None else NO_JOB
        self.drivers: dict[WorkerID, JobID] = {}
        self.elsewhere: dict[WorkerID, JobID] = {}
        self.specs: dict[JobID, JobSpec] = {}
        self.ended: dict[JobID, None] = {}
        self.leaving: dict[WorkerID, float] = {}
        self.ended_max = ended_max
        self.farewell_s = farewell_s
        if first is not None:
            self.open(first)

    def open(self, spec: JobSpec, here: bool = True) -> None:
        """A driver has joined, at this node or another."""
        (self.drivers if here else self.elsewhere)[spec.driver] = spec.job
        self.specs[spec.job] = spec

    def close(self, driver: WorkerID) -> JobSpec | None:
        """A driver has left or died; returns its job. None if it is no driver (any more)."""
        job = self.drivers.pop(driver, None)
        return self._end(job) if job is not None else None

    def close_elsewhere(self, job: JobID) -> None:
        """A driver of another node has left or died."""
        spec = self.specs.get(job)
        if spec is not None and self.elsewhere.pop(spec.driver, None) is not None:
            self._end(job)

    def is_driver(self, process: WorkerID) -> bool:
        """Whether it is a driver of another node."""
        return process in self.elsewhere

    def _end(self, job: JobID) -> JobSpec | None:
        self.ended[job] = None
        if len(self.ended) > self.ended_max:
            used = set(self._worker_jobs().values())
            oldest = next((each for each in self.ended if each not in used), None)
            if oldest is not None:
                del self.ended[oldest]
                del self.specs[oldest]
        return self.specs.get(job)

    def of(self, process: WorkerID) -> JobID:
        """The job of a driver or worker."""
        job = self.drivers.get(process) or self.elsewhere.get(process)
        if job is None:
            job = self._worker_jobs().get(process, self.first)
        return job

    # -- good-byes ------------------------------------------------------------------------------------------------

    def say_goodbye(self, driver: WorkerID, now: float) -> None:
        """Its link is kept for a moment, for the last answer."""
        self.leaving[driver] = now + self.farewell_s

    def gone(self, now: float) -> list[WorkerID]:
        """Drivers whose links can go now."""
        found = [driver for driver, due in self.leaving.items() if now >= due]
        for driver in found:
            del self.leaving[driver]
        return found

    def next_wakeup(self) -> float | None:
        """When the next link can go."""
        return min(self.leaving.values(), default=None)

    def check(self) -> None:
        """A living job has one driver; a job with workers is known."""
        assert len(set(self.drivers.values())) == len(self.drivers)
        for job in (*self.drivers.values(), *self.elsewhere.values()):
            assert job in self.specs
            assert job not in self.ended, job.hex()
        for worker, job in self._worker_jobs().items():
            assert job in self.specs or job == NO_JOB, worker.hex()
