"""Pace: how fast work begins, as one process has to do with it: as the driver that says so (``tempo``), as a worker that
keeps to it (``gate``), and as an owner that shows what waits. Nodes and head carry the word to everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

from gnomon._core.calls import CallMachine
from gnomon._core.dispatch import DispatchMachine
from gnomon._core.effects import AnswerRequest, Effects
from gnomon._core.execution import ExecutionMachine
from gnomon._core.gate import GateMachine
from gnomon._core.jobs import JobMachine
from gnomon._core.ledger import TaskRow, TaskState
from gnomon._core.pool import PoolMachine
from gnomon._core.tempo import FREE, TempoAsked, TempoMachine
from gnomon._messages.actors import ALIVE, ActorChanged
from gnomon._messages.tempo import StartAllowed, StartAsked, StartDeclined, StartOver, TasksHeld, TempoSet
from gnomon.ids import WorkerID


class PaceMachine:
    """See the module.

    Args:
        clock: the time of the present batch of events.

    Attributes:
        tempo: of the job whose driver this is.
        gate: of what runs here.
    """

    def __init__(
        self,
        driver: WorkerID,
        effects: Callable[[], Effects],
        execution: ExecutionMachine,
        dispatch: DispatchMachine,
        calls: CallMachine,
        clock: Callable[[], float],
    ) -> None:
        self._effects = effects
        self.execution = execution
        self.dispatch = dispatch
        self.calls = calls
        self.tempo = TempoMachine(calls.references.me, effects, dispatch.ledger)
        self.tempo.all_have_asked = self._all_have_asked
        self.gate = GateMachine(driver, effects, execution)
        self._clock = clock

    def receivers(self) -> dict[type, Callable[[WorkerID, Any], None]]:
        """Who hears which message."""
        tempo = self.tempo
        return {
            TempoSet: lambda sender, message: self.on_set(message),
            TasksHeld: self._on_held,
            StartAllowed: self.gate.on_allowed,
            StartAsked: lambda sender, message: tempo.on_asked(sender, message, self._clock()),
            StartDeclined: lambda sender, message: tempo.on_declined(sender, message, self._clock()),
            StartOver: lambda sender, message: tempo.on_over(sender, message, self._clock()),
        }

    def ask(self, event: TempoAsked, now: float) -> None:
        """This driver's user asks how it is, or wants another tempo.

        Everybody hears of it from the nodes; head, which assigns actors, at once.
        """
        if event.mode:
            told = self.tempo.set(event.mode, event.interval_s, event.seed, event.steps, now)
            if told is not None:
                self._effects().send(self.dispatch.node, told)
                self._effects().send(
                    self.calls.clients.head, told
                )  # before any actor that is made from now on
                self._keep(told)
            self.tempo.run(now)
        self._effects().do(AnswerRequest(event.request, self.tempo.facts()))

    def on_set(self, message: TempoSet) -> None:
        """The driver slows this process down, or no longer does."""
        if self.calls.references.is_lost(message.driver) or not self.gate.on_set(message):
            return
        self._keep(message)
        if message.gated:
            self.calls.references.watch(message.driver)

    def _keep(self, told: TempoSet) -> None:
        """What this process owns is pushed to gates from now on, or no longer.

        Those that it pushes to hear so from itself, too: whatever is pushed from now on comes after the word.
        """
        self.dispatch.tempo = told if told.gated else None
        self.calls.gated = told.gated
        if not told.gated:
            self._show_free()
            return
        actors = (client.worker for client in self.calls.clients.clients.values())
        for target in dict.fromkeys((*self.dispatch.leased, *actors)):
            if target is not None and not self.calls.references.is_lost(target):
                self._effects().send(target, told)

    def _all_have_asked(self) -> bool:
        """Whether every worker that has got a task from here has asked for it, or has been let through with it."""
        asking = {worker for worker, _ in self.tempo.asks}
        return all(
            worker in asking or not leased.inflight.keys() - {self.tempo.through.get(worker)}
            for worker, leased in self.dispatch.leased.items()
        )

    def meet(self, message: ActorChanged) -> None:
        """Calls may be pushed to an actor that has just come to life: first it hears of the gate."""
        if self.dispatch.tempo is not None and message.state == ALIVE:
            self._effects().send(message.worker, self.dispatch.tempo)

    def waits(self) -> None:
        """What runs here waits for something."""
        if self.execution.gate is not None:
            self.execution.gate.waits = True

    def run(self, now: float) -> None:
        """At the end of each batch of events."""
        if self.execution.gate is not None:
            self.gate.run()
        if self.tempo.mode != FREE:
            self.tempo.run(now)

    def next_wakeup(self) -> float | None:
        """When the next one may begin."""
        return self.tempo.next_wakeup()

    def on_process_lost(self, process: WorkerID) -> None:
        """It asks no more; a driver that is gone holds nobody up."""
        if self.tempo.gated:
            self.tempo.on_process_lost(process, self._clock())
        if process == self.gate.driver and self.execution.gate is not None:
            self._keep(TempoSet(process, self.execution.gate.epoch, gated=False))
            self.gate.open()

    def check(self) -> None:
        """The rules of both."""
        self.tempo.check()
        self.gate.check()

    # -- for the views --------------------------------------------------------------------------------------------

    def _on_held(self, sender: WorkerID, message: TasksHeld) -> None:
        """What this process has pushed waits at a gate, or has been let through."""
        if message.held and message.epoch < max(self.tempo.epoch, self.gate.epoch):
            return  # that gate has been opened since, and says no more
        leased = self.dispatch.leased.get(sender)
        for task in message.tasks:
            call = self.calls.records.get(task)
            if call is not None and call[1].pushed and call[0].worker == sender:
                self._show(call[1].row, message.held)
            elif leased is not None and task in leased.inflight:
                leased.inflight[task].gated = message.held
                self._show(leased.inflight[task].row, message.held)

    def _show(self, row: TaskRow, held: bool) -> None:
        row.started = 0.0 if held else self._clock()
        self.dispatch.ledger.task_changed(row, TaskState.READY if held else TaskState.RUNNING)

    def _show_free(self) -> None:
        """Nothing is held up any more."""
        self.dispatch.let_through(self._clock())
        for client in self.calls.clients.clients.values():
            for call in client.inflight.values():
                if call.row.state == TaskState.READY and client.shows(call):
                    self._show(call.row, held=False)


class TempoRelay:
    """A node's part: it tells the workers of a driver's job, also those to come, and head, which tells the other nodes.

    Attributes:
        told: by driver, while his job is slowed down. Workers watch him for themselves.
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        head: WorkerID,
        jobs: JobMachine,
        pool: PoolMachine,
        watch: Callable[[WorkerID], None],
        dead: Container[WorkerID],
    ) -> None:
        self._effects = effects
        self.head = head
        self.jobs = jobs
        self.pool = pool
        self._watch = watch
        self._dead = dead
        self.told: dict[WorkerID, TempoSet] = {}

    def on_set(self, sender: WorkerID, message: TempoSet) -> None:
        """A driver slows its job down, or no longer does."""
        if sender != self.head:
            self._effects().send(self.head, message)
        if message.gated and message.driver not in self._dead:
            self.told[message.driver] = message
            self._watch(message.driver)
        else:
            self.told.pop(message.driver, None)
        job = self.jobs.of(message.driver)
        for worker in self.pool.pids:
            if self.pool.jobs[worker] == job:
                self._effects().send(worker, message)

    def welcome(self, worker: WorkerID) -> None:
        """A new worker."""
        for driver, message in self.told.items():
            if self.jobs.of(driver) == self.pool.jobs[worker]:
                self._effects().send(worker, message)
