"""Shortages: a node's memory is nearly used up, at random moments, and it ends workers for that.

What is promised then (the numbers are of this file alone):

    MM1  nobody is ended whose task may not be run again, while somebody there has taken memory whose task may
    MM2  one at a time: the next one goes when the last has ended
    MM3  such a death costs a task no retry, and it is not begun again at once
    MM4  it fails for that only if it was alone, or may not be run again
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gnomon._core import events as ev
from gnomon._core.backoff import FIRST_S
from gnomon._core.pressure import SPARE_BYTES, MemoryHigh
from gnomon._messages.cluster import ProcessLost
from gnomon.ids import WorkerID, owner_of

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import NodeHost, WorkerHost
    from gnomon.testing.simulator.session import Session

_READINGS_MAX = 6
_PERIOD_S = 0.005


class Shortages:
    """All of a session.

    Attributes:
        moments: the numbers of the starts of tasks at which one begins.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.moments: dict[int, None] = {}
        self._pending: dict[WorkerID, WorkerID] = {}
        self._sizes: dict[WorkerID, int] = {}
        self._paid: dict[tuple[WorkerID, WorkerID], None] = {}

    def plan(self) -> None:
        """As many as the session's plan has, at random moments."""
        plan, random = self.session.plan, self.session.kernel.random
        for _ in range(plan.shortages):
            self.moments[random.randint(1, 2 * plan.budget.tasks)] = None

    def begun(self, host: WorkerHost, number: int) -> None:
        """A task begins, the so manieth of all."""
        if number in self.moments:
            kernel = self.session.kernel
            kernel.after(kernel.random.uniform(0.0, 0.003), self._begin, self.session.nodes.of(host.me))

    def _begin(self, host: NodeHost) -> None:
        """Several readings of this node are too high, one after the other."""
        random = self.session.kernel.random
        at = 0.0
        for _ in range(random.randint(1, _READINGS_MAX)):
            self.session.kernel.after(at, self._read, host)
            at += random.uniform(0.1, 2.0) * _PERIOD_S

    def _read(self, host: NodeHost) -> None:
        if not host.alive:
            return
        random = self.session.kernel.random
        self._sizes = {
            worker: random.choice((0, 2 * SPARE_BYTES, 2 * SPARE_BYTES)) for worker in host.node.pool.pids
        }
        sizes = {host.node.pool.pids[worker]: size for worker, size in self._sizes.items()}
        host.post(MemoryHigh(96, 100, 0.95, sizes))

    def killing(self, home: NodeHost, host: WorkerHost | None, worker: WorkerID) -> bool:
        """Whether this node kills this worker for want of memory: MM1, MM2."""
        if worker not in home.node.pressure.victims or worker in self.session.truth.starved:
            return False
        before = self._pending.get(home.me)
        assert before is None or before not in home.node.pool, "MM2: two are ended at a time"
        self._pending[home.me] = worker
        self.session.truth.starved[worker] = None
        if host is not None and self._may_run_again(host) is False:
            better = [
                other.label
                for other in self.session.workers.values()
                if other.alive and self._sizes.get(other.me) and self._may_run_again(other)
                if other.me not in home.node.pool.doomed
            ]
            assert not better, f"MM1: {host.label} is ended, and {better} could be run again"
        return True

    def _may_run_again(self, host: WorkerHost) -> bool | None:
        """None if it runs no task."""
        facts = [self.session.truth.tasks[task] for task in host.executor.running]
        tasks = [each for each in facts if each.actor is None and owner_of(each.task) in self.session.workers]
        return all(each.retries for each in tasks) if tasks else None

    def heard(self, host: WorkerHost, events: Iterable[Any]) -> None:
        """A worker process takes these events in."""
        for event in events:
            for message in event.messages if type(event) is ev.Received else ():
                if type(message) is ProcessLost:
                    self._death_heard(host, message)

    def _death_heard(self, host: WorkerHost, message: ProcessLost) -> None:
        """An owner hears of a death: MM3, its tasks there may be begun once more, but not at once."""
        shortage = message.end.shortage if message.end is not None else None
        key = (host.me, message.process)
        if shortage is None or shortage.alone or key in self._paid:
            return
        self._paid[key] = None
        for facts in self.session.truth.tasks.values():
            if owner_of(facts.task) == host.me and facts.at == message.process and facts.actor is None:
                unfinished = host.worker.tasks.records.get(facts.task)
                begun = unfinished is not None and facts.started == unfinished.attempt
                if unfinished is not None and begun and unfinished.worker == message.process:
                    facts.retries += facts.retries > 0
                    facts.rests_until = self.session.kernel.now + FIRST_S
