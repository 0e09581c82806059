"""JobTable: the jobs of the cluster as head lists them, for people. Nothing is decided by it."""

from __future__ import annotations

import msgspec

from gnomon._messages.cluster import JobReport, JobStarted
from gnomon.ids import JobID


class JobTable:
    """Jobs in the order of their start.

    Attributes:
        ended_max: ended jobs that are still listed; the oldest go first.
    """

    def __init__(self, ended_max: int = 1_000) -> None:
        self.ended_max = ended_max
        self.reports: dict[JobID, JobReport] = {}
        self._ended: dict[JobID, None] = {}
        self._started: dict[JobID, JobStarted] = {}

    def on_started(self, message: JobStarted, now: float) -> None:
        """A driver has joined."""
        self._started[message.job] = message
        self.reports[message.job] = JobReport(
            message.job, message.pid, message.entrypoint, message.namespace, now, 0.0
        )

    def on_ended(self, job: JobID, now: float) -> None:
        """Its driver has left or died."""
        report = self.reports.get(job)
        if report is None or report.ended:
            return
        self.reports[job] = msgspec.structs.replace(report, ended=now)
        self._ended[job] = None
        if len(self._ended) > self.ended_max:
            oldest = next(iter(self._ended))
            del self._ended[oldest]
            del self.reports[oldest]
            del self._started[oldest]

    def known(self) -> list[tuple[JobStarted, bool]]:
        """How each job was announced, and whether it has ended; for a node that joins."""
        return [(started, job in self._ended) for job, started in self._started.items()]
