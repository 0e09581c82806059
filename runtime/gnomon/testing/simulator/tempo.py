"""A user who pauses, steps, slows down and orders: what drivers ask for in a simulation, and whether it is kept to.

    T1  at a closed gate nothing begins without a permission, and each begins one task or call
    T2  while a session is paused no more is permitted than was stepped
    T3  what is pushed after its owner knows of a closed gate does not begin where nobody has heard of it
    T4  when all is over nobody thinks that anything is held up

It keeps its own tables, from what processes hear and say.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING, Any

from gnomon._core import events as ev
from gnomon._core.tempo import FREE, PAUSED, SEEDED, SLOW, TempoAsked
from gnomon._messages.cluster import ProcessLost
from gnomon._messages.tasks import CallPushed, TaskPushed
from gnomon._messages.tempo import StartAllowed, StartDeclined, TempoSet
from gnomon.ids import TaskID, WorkerID, owner_of

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost
    from gnomon.testing.simulator.session import Session

_CHANGES = (PAUSED, PAUSED, SLOW, SEEDED, FREE)


class TempoWatch:
    """See the module.

    Args:
        session: what is simulated.
        changes: how often its users change the tempo; each time it is free again before long.
    """

    def __init__(self, session: Session, changes: int) -> None:
        self._session = session
        self._random = Random(session.seed ^ 0x7E3)  # the chance of everything else stays as it is
        self._heard: dict[WorkerID, int] = {}
        self._closed: dict[WorkerID, bool] = {}
        self._permissions: dict[WorkerID, int] = {}
        self._steps: dict[WorkerID, int] = {}
        self._modes: dict[WorkerID, str] = {}
        self._pushed: dict[tuple[TaskID, WorkerID], int] = {}
        self._over: dict[WorkerID, None] = {}
        self.begun = 0
        for _ in range(changes):
            session.kernel.after(self._random.uniform(0.0, session.plan.faults_s), self._change)

    # -- the users -----------------------------------------------------------------------------------------------

    def _change(self) -> None:
        """A driver's user changes the tempo, steps a few times perhaps, and lets go."""
        drivers = [
            host for host in self._session.workers.values() if host.me == host.worker.driver and host.alive
        ]
        if not drivers:
            return
        host, random = drivers[self._random.randrange(len(drivers))], self._random
        mode = random.choice(_CHANGES)
        steps = random.choice((0, 0, 1, 3)) if mode == PAUSED else 0
        interval_s = random.choice((0.0001, 0.005, 0.05)) if mode == SLOW else 0.0
        host.post(TempoAsked(0, mode, interval_s, random.randrange(100), steps))
        delay_s = 0.0
        for _ in range(random.choice((0, 0, 2))):
            delay_s += random.uniform(0.0, 0.1)
            self._session.kernel.after(delay_s, self._ask, host, PAUSED, random.choice((1, 2)))
        delay_s += random.choice((0.0, 0.01, 0.3, 2.0))
        self._session.kernel.after(delay_s, self._ask, host, FREE, 0)

    def _ask(self, host: WorkerHost, mode: str, steps: int) -> None:
        if host.alive:
            host.post(TempoAsked(0, mode, steps=steps))

    # -- what happens --------------------------------------------------------------------------------------------

    def heard(self, host: WorkerHost, events: Iterable[Any]) -> None:
        """A process takes these events in."""
        for event in events:
            if type(event) is TempoAsked:
                paused = self._modes.get(host.me) == PAUSED and event.mode == PAUSED
                self._steps[host.me] = event.steps + (self._steps.get(host.me, 0) if paused else 0)
                self._modes[host.me] = event.mode
            elif type(event) is ev.Received:
                for message in event.messages:
                    self._hear(host, message)

    def _hear(self, host: WorkerHost, message: Any) -> None:
        me = host.me
        if type(message) is TempoSet:
            if message.driver == host.worker.driver and message.epoch > self._heard.get(me, 0):
                self._heard[me] = message.epoch
                self._closed[me] = message.gated and me not in self._over
                self._permissions[me] = 0
        elif type(message) is StartAllowed:
            if message.epoch == self._heard.get(me):
                self._permissions[me] += 1
        elif type(message) is StartDeclined:
            if message.epoch == host.worker.pace.tempo.epoch:
                current = host.worker.pace.tempo.round
                self._steps[me] = self._steps.get(me, 0) + message.rounds.count(current)
        elif type(message) is ProcessLost and message.process == host.worker.driver:
            self._over[me] = None
            self._closed[me] = False

    def said(self, host: WorkerHost, target: WorkerID, messages: Iterable[Any]) -> None:
        """A process says this to another."""
        for message in messages:
            if type(message) is StartAllowed and self._modes.get(host.me) == PAUSED:
                self._steps[host.me] -= 1
                assert self._steps[host.me] >= 0, f"T2: {host.label} permits more than was stepped"
            elif type(message) is StartDeclined:
                self._permissions[host.me] -= len(message.rounds)
            elif type(message) is TaskPushed or type(message) is CallPushed:
                told = host.worker.tasks.dispatch.tempo
                known = self._session.workers.get(target)
                if told is not None and known is not None and known.worker.driver == told.driver:
                    self._pushed[message.task, target] = told.epoch
                else:
                    self._pushed.pop((message.task, target), None)

    def started(self, host: WorkerHost, task: TaskID) -> None:
        """An executing thread has taken a task or call."""
        me = host.me
        if self._closed.get(me):
            self._permissions[me] -= 1
            self.begun += 1
            assert self._permissions[me] >= 0, f"T1: {task.hex()} begins at the closed gate of {host.label}"
        epoch = self._pushed.get((task, me), 0)
        assert self._heard.get(me, 0) >= epoch or owner_of(task) in self._over, (
            f"T3: {task.hex()} begins at {host.label}, which has not heard of the gate that it was pushed to"
        )

    def left(self) -> Iterable[str]:
        """T4."""
        for host in self._session.workers.values():
            if host.alive and host.worker.execution.gate is not None:
                yield f"{host.label} waits at a gate"
            if host.alive and host.worker.pace.tempo.gated:
                yield f"{host.label} holds its job up"
        for node in self._session.nodes.hosts.values():
            if node.alive and node.node.tempos.told:
                yield f"{node.label} tells of a tempo"
