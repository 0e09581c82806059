"""The gate: what a worker begins, and when, while its driver has slowed the job down (``tempo``).

    pushed ----> queue ----> (gate) ----> running
                                ^ one permission each

``ExecutionMachine.gate`` is None while the job runs freely, and that is all that is looked at then. While it is
there, executing threads need a permission for each task or call that they take: they take it and the task in two
atomic steps, and give it back if the queue has become empty in between. For each queue this machine keeps at most one
question open with the driver, and only while somebody is free who could begin. What waits at the gate is as
unstarted as what is queued: it can be cancelled, returned and refused.

An actor's constructor is the first that asks: until it has been let through the process is not told to become the actor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from gnomon._core.effects import BecomeActor, Effects, WakeExecutor
from gnomon._messages.actors import ActorAssigned
from gnomon._messages.session import NOBODY
from gnomon._messages.tasks import CallPushed, TaskPushed
from gnomon._messages.tempo import (
    StartAllowed,
    StartAsked,
    StartDeclined,
    StartOver,
    TasksHeld,
    TempoSet,
)
from gnomon.ids import TaskID, WorkerID

if TYPE_CHECKING:
    from gnomon._core.execution import ExecutionMachine

Pushed = tuple[WorkerID, TaskPushed | CallPushed]


class Gate:
    """A closed gate.

    Attributes:
        permissions: by concurrency group, the rounds of those not used yet.
        asked: groups with an open question.
        arrived: pushed since the last batch.
        owes: it was let through, and its driver has not heard that this is over.
        waits: what runs here waits for something.
        done: calls and tasks that had ended by the last batch.
        constructor: of the actor that this process is to become; None once it has begun.
    """

    __slots__ = ("arrived", "asked", "constructor", "done", "driver", "epoch", "owes", "permissions", "waits")

    def __init__(self, driver: WorkerID, epoch: int, done: int) -> None:
        self.driver = driver
        self.epoch = epoch
        self.done = done
        self.permissions: dict[str, deque[int]] = {}
        self.asked: dict[str, None] = {}
        self.arrived: list[Pushed] = []
        self.owes = False
        self.waits = False
        self.constructor: ActorAssigned | None = None

    def of(self, group: str) -> deque[int]:
        """The permissions of a group."""
        return self.permissions.setdefault(group, deque())

    def take(self, queue: deque[Pushed], group: str) -> Pushed | None:
        """The next one that may begin; called by executing threads."""
        if not queue:
            return None
        permissions = self.of(group)
        try:
            permission = permissions.popleft()
        except IndexError:
            return None
        try:
            return queue.popleft()
        except IndexError:  # it was cancelled, or handed back, this instant
            permissions.append(permission)
            return None


class GateMachine:
    """The gate of one process.

    Attributes:
        driver: whose word counts.
        epoch: the latest one that it has told of.
    """

    def __init__(self, driver: WorkerID, effects: Callable[[], Effects], execution: ExecutionMachine) -> None:
        self.driver = driver
        self._effects = effects
        self.execution = execution
        self.epoch = 0

    def on_set(self, message: TempoSet) -> bool:
        """The gate closes, or opens. False when it is old news, or another driver's."""
        execution = self.execution
        if message.driver != self.driver or message.epoch <= self.epoch:
            return False
        self.epoch = message.epoch
        if not message.gated:
            self.open()
            return True
        before = execution.gate
        gate = execution.gate = Gate(message.driver, message.epoch, execution.done)
        if before is not None:
            gate.constructor = before.constructor
        if execution.actor is None:
            execution.give_back(len(execution.queue))
        else:
            for _, queue in execution.by_group():
                gate.arrived.extend(queue)
        return True

    def open(self) -> None:
        """Everything may begin."""
        execution = self.execution
        gate, execution.gate = execution.gate, None
        if gate is not None and gate.constructor is not None:
            self._effects().do(BecomeActor(gate.constructor))
        for group, queue in execution.by_group():
            if queue:
                self._effects().do(WakeExecutor(group))

    def on_allowed(self, sender: WorkerID, message: StartAllowed) -> None:
        """One may begin."""
        execution, gate = self.execution, self.execution.gate
        if gate is None or message.epoch != gate.epoch:
            return  # it has been opened meanwhile
        gate.asked.pop(message.group, None)
        gate.owes = True
        if gate.constructor is not None:
            self._effects().do(BecomeActor(gate.constructor))
            gate.constructor = None
            return
        gate.of(message.group).append(message.round)
        gate.waits |= execution.overlaps
        queue = execution.groups[message.group] if message.group else execution.queue
        try:
            submitter, first = queue[0]
        except IndexError:
            return
        self._effects().send(submitter, TasksHeld((first.task,), held=False, epoch=gate.epoch))
        self._effects().do(WakeExecutor(message.group))

    def run(self) -> None:
        """At the end of each batch of events, while the gate is closed."""
        execution, gate = self.execution, self.execution.gate
        assert gate is not None
        if gate.arrived:
            self._tell_held(gate)
        if gate.owes and (gate.waits or execution.done != gate.done):
            gate.owes = False
            self._effects().send(gate.driver, StartOver(gate.epoch))
        gate.waits = False
        gate.done = execution.done
        if gate.constructor is not None:
            self._ask_for_constructor(gate, gate.constructor)
            return
        busy: dict[str, int] = {}
        for _, pushed in list(execution.running.values()):
            group = pushed.group if type(pushed) is CallPushed and pushed.group in execution.groups else ""
            busy[group] = busy.get(group, 0) + 1
        for group, queue in execution.by_group():
            self._ask(gate, group, queue, execution.room.get(group, 1) - busy.get(group, 0))

    def _tell_held(self, gate: Gate) -> None:
        arrived, gate.arrived = gate.arrived, []
        held: dict[WorkerID, list[TaskID]] = {}
        for submitter, pushed in arrived:
            held.setdefault(submitter, []).append(pushed.task)
        for submitter, tasks in held.items():
            self._effects().send(submitter, TasksHeld(tuple(tasks), held=True, epoch=gate.epoch))

    def _ask_for_constructor(self, gate: Gate, assigned: ActorAssigned) -> None:
        if "" not in gate.asked:
            gate.asked[""] = None
            self._effects().send(
                gate.driver, StartAsked(gate.epoch, "", TaskID(assigned.spec.actor), assigned.spec.resources)
            )

    def _ask(self, gate: Gate, group: str, queue: deque[Pushed], free: int) -> None:
        """Ask for one more if it could begin; give back what can not be used."""
        permissions = gate.of(group)
        try:
            first = queue[0][1].task
        except IndexError:
            first, free = None, 0
        unused: list[int] = []
        while len(permissions) > max(0, min(free, len(queue))):
            try:
                unused.append(permissions.pop())
            except IndexError:
                break  # an executing thread was faster
        if first is None or len(queue) <= len(permissions) or free <= len(permissions):
            if unused or (group in gate.asked and first is None):
                gate.asked.pop(group, None)
                self._effects().send(gate.driver, StartDeclined(gate.epoch, group, tuple(unused)))
                if first is None:  # an actor that is to end waits until nothing is left
                    self._effects().do(WakeExecutor(group))
        elif group not in gate.asked:
            gate.asked[group] = None
            execution = self.execution
            idle = execution.resources if execution.actor is None and not execution.running else {}
            self._effects().send(gate.driver, StartAsked(gate.epoch, group, first, idle))

    def check(self) -> None:
        """A question is open, or a permission there, for each queue in which something could begin."""
        gate = self.execution.gate
        assert gate is None or gate.driver == self.driver != NOBODY
