"""Promise watch: every push, start, cancel and death of a simulation, compared with what is promised.

It sees what goes over the network and what executors begin, and keeps its own tables: a machine that errs
does not convince it. ``truth`` has the facts; a broken promise is an AssertionError that names it. Which
promise is checked where is listed in the package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gnomon._core import events as ev
from gnomon._messages.actors import ALIVE, DEAD, ActorAssigned, ActorChanged, ActorWorkerGranted
from gnomon._messages.tasks import (
    RAISED,
    REFUSED,
    CallPushed,
    ItemYielded,
    LeaseBegun,
    TaskCancelled,
    TaskFinished,
    TaskPushed,
)  # fmt: skip
from gnomon.ids import ActorID, TaskID, WorkerID, handle_object, node_tag, owner_of, task_of
from gnomon.testing.simulator.losses import is_replay
from gnomon.testing.simulator.stream_watch import StreamWatch
from gnomon.testing.simulator.truth import ActorFacts, TaskFacts, Truth

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost

_PATIENCE_S = 0.1
"""In fair weather a cancelled task has been interrupted after so long."""

_GRACE_S = 1.1
"""And one that is deaf is killed after so long."""


@dataclass(slots=True)
class _Caller:
    """One process that calls one actor.

    Attributes:
        state, incarnation: of the actor, as the process was told.
        refused: it has asked for the end of this incarnation.
        ended: it has asked for the end of the actor.
    """

    state: str = ""
    incarnation: int = -1
    refused: int = -1
    ended: bool = False


@dataclass(slots=True)
class _Lane:
    """Calls of one caller to one actor that start in their order, by number.

    Attributes:
        calls: how many in all.
        unfinished: those that have ended are dropped when somebody looks.
        pushed: the incarnation to which each was pushed last.
        returned: came back, and must go again before all that were submitted later.
        pushes: how many in all.
        begun: by incarnation, the push that was begun last.
    """

    calls: int = 0
    unfinished: dict[int, TaskFacts] = field(default_factory=dict)
    pushed: dict[int, int] = field(default_factory=dict)
    returned: dict[int, None] = field(default_factory=dict)
    pushes: int = 0
    begun: dict[int, int] = field(default_factory=dict)


class PromiseWatch:
    """The promises about tasks, calls, actors and leases of one simulation.

    Args:
        truth: the facts.
        hosts: all worker processes.
        now: the virtual time.
        fair: no faults: what takes long can not be explained by the weather.
    """

    def __init__(
        self, truth: Truth, hosts: dict[WorkerID, WorkerHost], now: Callable[[], float], fair: bool
    ) -> None:
        self.truth = truth
        self.hosts = hosts
        self.now = now
        self.fair = fair
        self.streams = StreamWatch(truth, now, self._cancel, fair)
        self._lanes: dict[tuple[WorkerID, ActorID, TaskID | None, str], _Lane] = {}
        self._callers: dict[tuple[WorkerID, ActorID], _Caller] = {}
        self._told: dict[tuple[WorkerID, ActorID], tuple[int, str]] = {}
        self._receipts: dict[int, int] = {}
        self._strong: dict[TaskID, None] = {}
        self._wished: dict[tuple[WorkerID, TaskID], TaskFacts] = {}
        self._cancelled: dict[WorkerID, list[TaskFacts]] = {}
        self._children: dict[TaskID, list[TaskFacts]] = {}
        self._cells: dict[tuple[WorkerID, str], list[TaskFacts]] = {}
        self._heard: dict[type, Callable[[WorkerHost, Any], None]] = {
            ev.CancelAsked: self._cancel_heard,
            ev.CellCancelAsked: self._cell_cancel_heard,
            ev.ChildrenCancelAsked: self._children_cancel_heard,
            ev.ActorKillAsked: self._kill_heard,
            TaskCancelled: self._cancel_heard,
            TaskFinished: self._finish_heard,
            ActorChanged: self._change_heard,
            LeaseBegun: self._lease_heard,
            ev.StreamClosed: self.streams.closed_heard,
            ev.HandlesDropped: self.streams.dropped_heard,
            ev.CompletionWanted: self.streams.completion_heard,
            ItemYielded: self.streams.item_heard,
        }

    def _caller(self, process: WorkerID, actor: ActorID) -> _Caller:
        return self._callers.setdefault((process, actor), _Caller())

    def _lane(self, facts: TaskFacts) -> _Lane:
        """The calls among which this one keeps its place: those of one task (or serial actor) and group."""
        assert facts.actor is not None
        owner = owner_of(facts.task)
        mine = self.hosts[owner].worker.execution.actor
        kind = self.truth.actors[mine].kind if mine is not None else None
        serial = kind is not None and not kind.is_async and not kind.groups and kind.lanes == 1
        key = (owner, facts.actor, None if serial else facts.parent, facts.group)
        return self._lanes.setdefault(key, _Lane())

    # -- what a process hears ------------------------------------------------------------------------------------

    def submitted(self, facts: TaskFacts, strong: bool = True) -> None:
        """The user's code has submitted a task or call; ``strong``: through a handle that it holds."""
        if strong:
            self._strong[facts.task] = None
        self.truth.tasks[facts.task] = facts
        owner = owner_of(facts.task)
        self._cells.setdefault((owner, facts.cell), []).append(facts)
        if facts.parent is not None:
            self._children.setdefault(facts.parent, []).append(facts)
        if facts.actor is not None:
            lane = self._lane(facts)
            lane.calls += 1
            facts.number = lane.calls
            lane.unfinished[facts.number] = facts
            self._check_pending(facts)

    def heard(self, host: WorkerHost, events: Iterable[Any]) -> None:
        """A worker process has taken these events in."""
        table = self._heard
        for event in events:
            if type(event) is ev.Received:
                for message in event.messages:
                    hear = table.get(type(message))
                    if hear is not None:
                        hear(host, message)
                        if type(message) is TaskCancelled and event.sender == owner_of(message.task):
                            self.truth.tasks[message.task].told = (host.me, message.attempt)
            elif type(event) in table:
                table[type(event)](host, event)

    def _cancel_heard(self, host: WorkerHost, event: Any) -> None:
        facts = self.truth.tasks.get(event.task)
        if facts is not None and owner_of(event.task) == host.me:
            self._cancel(host, facts)
        elif facts is not None and type(event) is ev.CancelAsked:
            self._wished[host.me, event.task] = facts

    def _cell_cancel_heard(self, host: WorkerHost, event: ev.CellCancelAsked) -> None:
        worker = host.worker
        unfinished: dict[TaskID, TaskFacts] = {}
        for facts in self._cells.get((host.me, event.cell), ()):
            known = facts.task in worker.tasks.records or facts.task in worker.calls.records
            if known and facts.cancelled_at is None:
                unfinished[facts.task] = facts
        # what waits for another one fails with that one's error, perhaps before it is its turn
        self._receipts[event.request] = sum(
            not any(task_of(identity) in unfinished for identity in facts.dependencies)
            for facts in unfinished.values()
        )
        for facts in self._cells.get((host.me, event.cell), ()):
            self._cancel(host, facts)

    def _children_cancel_heard(self, host: WorkerHost, event: ev.ChildrenCancelAsked) -> None:
        for facts in self._children.get(event.parent, ()):
            if owner_of(facts.task) == host.me:  # an earlier attempt's, elsewhere, are nobody's any more
                self._cancel(host, facts)

    def _cancel(self, host: WorkerHost, facts: TaskFacts) -> None:
        if facts.cancelled_at is None:
            facts.cancelled_at = self.now()
            self._cancelled.setdefault(host.me, []).append(facts)

    def _kill_heard(self, host: WorkerHost, event: ev.ActorKillAsked) -> None:
        caller = self._caller(host.me, event.actor)
        if event.no_restart:
            caller.ended = True
        else:
            caller.refused = caller.incarnation

    def _finish_heard(self, host: WorkerHost, message: TaskFinished) -> None:
        """A call that comes back keeps its place: nothing submitted later is pushed before it."""
        facts = self.truth.tasks[message.task]
        if facts.actor is None or message.attempt != facts.attempt or not facts.in_order:
            return
        if message.outcome == REFUSED or (message.outcome == RAISED and message.retriable):
            self._lane(facts).returned[facts.number] = None

    def _change_heard(self, host: WorkerHost, message: ActorChanged) -> None:
        caller = self._caller(host.me, message.actor)
        if message.incarnation >= caller.incarnation and caller.state != DEAD:
            caller.state = message.state
            caller.incarnation = message.incarnation

    def _lease_heard(self, host: WorkerHost, message: LeaseBegun) -> None:
        if message.lease > host.worker.execution.lease:  # else it is late, and what runs is of another one
            host.overdrawn = False

    # -- what it says after that ---------------------------------------------------------------------------------

    def said(self, host: WorkerHost, target: WorkerID, messages: Iterable[Any]) -> None:
        """A worker process sends these messages to another."""
        for message in messages:
            if type(message) is CallPushed:
                replayed = self._pushed(host, target, message)
                self._check_target(message)
                if self.truth.tasks[message.task].in_order and not replayed:
                    self._check_order(host, message)
            elif type(message) is TaskPushed:
                self._pushed(host, target, message)
            elif type(message) is ItemYielded:
                self.streams.item_said(message)

    def _pushed(self, host: WorkerHost, target: WorkerID, message: TaskPushed | CallPushed) -> bool:
        """Whether it runs again, for a lost result."""
        facts = self.truth.tasks[message.task]
        name = facts.task.hex()
        replay = is_replay(host, facts, message)
        cancelled = facts.cancelled_at is not None and not replay
        assert not cancelled, f"CN2: {name} is pushed, and its owner knows that it is cancelled"
        assert facts.attempt <= message.attempt <= facts.attempt + 1, (
            f"AC4: attempt {message.attempt} of {name} follows attempt {facts.attempt}"
        )
        assert facts.retries < 0 or message.attempt <= facts.retries, (
            f"AC4: attempt {message.attempt} of {name}, which has {facts.retries} retries"
        )
        facts.attempt, facts.pushed_to = message.attempt, target
        assert facts.replayed or self.now() >= facts.rests_until, f"MM3: {name} is tried again too early"
        if facts.body.generates:
            self.streams.pushed(facts, message)
        return replay

    def _check_target(self, message: CallPushed) -> None:
        """AC6: a call goes to the incarnation that its caller knows to live and has not asked to end."""
        facts = self.truth.tasks[message.task]
        caller = self._caller(owner_of(message.task), message.actor)
        name = f"call {facts.number} of {message.task.hex()}"
        assert not caller.ended, f"AC6: {name} is pushed after its caller has killed the actor"
        known = (caller.state, caller.incarnation)
        assert known == (ALIVE, message.incarnation), f"AC6: {name} goes to {message.incarnation}, {known}"
        assert message.incarnation > caller.refused, f"AC6: {name} goes to what its caller has killed"

    def _check_order(self, host: WorkerHost, message: CallPushed) -> None:
        """Promise 3: all earlier calls of the lane have ended, or were pushed to this incarnation before."""
        facts = self.truth.tasks[message.task]
        lane = self._lane(facts)
        unfinished = host.worker.calls.records
        for number, earlier in list(lane.unfinished.items()):
            if number >= facts.number:
                break
            if earlier.task not in unfinished:
                del lane.unfinished[number]
                continue
            if earlier.replayed:
                continue  # what makes a lost value again waits in no queue: it could wait for its own consumer
            before = lane.pushed.get(number) == message.incarnation and number not in lane.returned
            assert before, f"promise 3: call {facts.number} of {message.task.hex()} overtakes call {number}"
        lane.pushed[facts.number] = message.incarnation
        lane.returned.pop(facts.number, None)
        lane.pushes += 1
        facts.push = lane.pushes

    def cell_cancelled(self, request: int, cancelled: int) -> None:
        """The receipt of a cell's cancel: at least those that were known before have been cancelled."""
        expected = self._receipts.pop(request)
        assert cancelled >= expected, f"CN: {cancelled} of {expected} tasks and calls of a cell are cancelled"

    def over(self) -> None:
        """All is quiet: in fair weather every owner has heard what borrowers have cancelled, unless
        these were killed right after.
        """
        for (borrower, _), facts in self._wished.items():
            if self.fair and self.hosts[owner_of(facts.task)].alive and borrower not in self.truth.dead:
                assert facts.cancelled_at is not None, (
                    f"CN: a borrower's cancel of {facts.task.hex()} is lost"
                )

    def settled(self, host: WorkerHost) -> None:
        """A worker process has done all that its last events asked for."""
        cancelled = self._cancelled.get(host.me)
        if not cancelled:
            return
        worker = host.worker
        for facts in list(cancelled):
            if facts.task not in worker.tasks.records and facts.task not in worker.calls.records:
                # an actor that its caller has killed may begin one more call before it hears of anything
                pushed = facts.actor is not None and facts.attempt >= 0
                facts.never = facts.starts == 0 and not (pushed and self._is_killed(facts.actor))
                cancelled.remove(facts)

    def _is_killed(self, actor: ActorID | None) -> bool:
        facts = self.truth.actors[actor] if actor is not None else None
        return facts is not None and (facts.killed or facts.kills > 0)

    # -- what is begun and ended ---------------------------------------------------------------------------------

    def started(self, host: WorkerHost, message: TaskPushed | CallPushed) -> None:
        """An executing thread has taken a task or call."""
        facts = self.truth.tasks[message.task]
        name = f"{facts.task.hex()}, attempt {message.attempt},"
        facts.starts += 1
        allowed = facts.retries < 0 or facts.starts <= 1 + facts.retries
        assert allowed, f"promise 2: {name} is start {facts.starts}, allowed are {1 + facts.retries}"
        assert message.attempt > facts.started, f"promise 2: {name} is begun after attempt {facts.started}"
        facts.started = message.attempt
        facts.at = host.me
        assert not facts.never, f"CN2: {name} is begun, and was cancelled before"
        self.coding(host, facts)
        if type(message) is CallPushed:
            self._check_start_order(host, facts, message)
        else:
            held = host.worker.execution.resources
            job = self.hosts[owner_of(facts.task)].worker.job
            assert host.worker.job == job, (
                f"{name} of job {job!r} is begun in a worker of {host.worker.job!r}"
            )
            self._check_calls(host, message)
            assert held == facts.resources, f"LR2: {name} needs {facts.resources}, its lease has {held}"
            self._check_capacity()

    def coding(self, host: WorkerHost, facts: TaskFacts) -> None:
        """CN2: the user's code does not begin when its process has been told of the cancel."""
        assert facts.told != (host.me, facts.started), f"CN2: {facts.task.hex()} begins after its cancel"

    def _check_calls(self, host: WorkerHost, message: TaskPushed | CallPushed) -> None:
        """A process runs a function as often as it may, and then nothing any more."""
        assert not host.spent, f"{message.task.hex()} is begun in a process whose calls are used up"
        if type(message) is TaskPushed and message.max_calls:
            calls = host.calls[message.function] = host.calls.get(message.function, 0) + 1
            host.spent = calls >= message.max_calls

    def _check_start_order(self, host: WorkerHost, facts: TaskFacts, message: CallPushed) -> None:
        actor = self.truth.actors[message.actor]
        at = (message.incarnation, host.me)
        assert at in actor.assigned.items(), f"AC1: {message.actor.hex()} runs as {at}"
        assert message.incarnation in actor.constructed, f"AC5: {message.actor.hex()} runs before it is made"
        if facts.in_order and not facts.replayed:
            lane = self._lane(facts)
            last = lane.begun.get(message.incarnation, 0)
            assert facts.push > last, f"promise 3: call {facts.number} of {facts.task.hex()} is begun late"
            lane.begun[message.incarnation] = facts.push
        self._check_groups(host, actor)

    def _check_groups(self, host: WorkerHost, actor: ActorFacts) -> None:
        """AC10: an actor runs as many calls of each group at a time as it may."""
        running: dict[str, int] = {}
        for task in host.executor.running:
            group = self.truth.tasks[task].group
            running[group] = running.get(group, 0) + 1
        limits = {"": actor.kind.lanes, **dict(actor.kind.groups)}
        within = all(count <= limits[group] for group, count in running.items())
        assert within, f"AC10: {actor.actor.hex()} runs {running} at a time, allowed are {limits}"

    def _check_pending(self, facts: TaskFacts) -> None:
        """AC11: no process has more unfinished calls than the actor allows."""
        assert facts.actor is not None
        limit = self.truth.actors[facts.actor].kind.pending_max
        if limit:
            records = self.hosts[owner_of(facts.task)].worker.calls.records
            unfinished = sum(
                self.truth.tasks[task].actor == facts.actor and call.replay is None
                for task, (_, call) in records.items()
            )
            assert unfinished < limit, f"AC11: {unfinished} calls are unfinished, allowed are {limit}"

    def _check_capacity(self) -> None:
        """LR1, LR5: what runs fits into its node. One that has waited had its CPU given away meanwhile."""
        nodes: dict[bytes, dict[str, int]] = {}
        for host in self.hosts.values():
            if host.alive and host.executor.running:
                used = nodes.setdefault(node_tag(host.me), {})
                for name, units in host.worker.execution.resources.items():
                    if name != "CPU" or not host.overdrawn:
                        used[name] = used.get(name, 0) + units
        for used in nodes.values():
            assert not self.truth.infeasible(used), f"LR1: {used} are in use, a node has {self.truth.total}"

    def ended(self, facts: TaskFacts, deaf: bool) -> None:
        """A body has run to its end."""
        if self.fair and facts.cancelled_at is not None and not (deaf and facts.actor is not None):
            late, patience = self.now() - facts.cancelled_at, _GRACE_S if deaf else _PATIENCE_S
            assert late < patience, f"CN: {facts.task.hex()} ended as if uncancelled after {late:.3f} s"

    def killing(self, host: WorkerHost) -> None:
        """CN4, CN7: the node kills this process."""
        for task in host.executor.running:
            facts = self.truth.tasks[task]
            if owner_of(task) in self.truth.dead:
                continue
            if facts.actor is None:
                assert facts.cancelled_at is not None, f"CN4: {task.hex()} is killed, and nobody asked for it"
            else:
                actor = self.truth.actors[facts.actor]
                wanted = (
                    actor.killed or actor.kills or actor.exiting or owner_of(actor.actor) in self.truth.dead
                )
                assert wanted, f"AC8: {actor.actor.hex()} is killed while it runs {task.hex()}"

    def is_doomed(self, host: WorkerHost) -> bool:
        """Whether it is an actor whose end somebody has asked for: it may be about to be killed."""
        actor = host.worker.execution.actor
        facts = self.truth.actors[actor] if actor is not None else None
        return facts is not None and (facts.dead or facts.killed or facts.kills > 0)

    # -- actors --------------------------------------------------------------------------------------------------

    def constructing(self, host: WorkerHost, actor: ActorID, incarnation: int) -> None:
        """A constructor begins."""
        facts = self.truth.actors[actor]
        name = f"incarnation {incarnation} of {actor.hex()}"
        assert facts.assigned.get(incarnation) == host.me, f"AC1: {name} is made where head does not know"
        assert incarnation not in facts.constructed, f"AC5: {name} is made twice"
        within = facts.max_restarts < 0 or incarnation <= facts.max_restarts
        assert within, f"AC5: {name}, which has {facts.max_restarts} restarts"
        assert not facts.left, f"AC5: {name}, though it has ended itself"
        facts.constructed[incarnation] = None
        for earlier, worker in facts.assigned.items():
            gone = earlier >= incarnation or not self.hosts[worker].alive
            assert gone, f"AC1: {name} begins while incarnation {earlier} lives"

    def head_heard(self, events: Iterable[Any]) -> None:
        """Head takes these events in."""
        for event in events:
            for message in event.messages if type(event) is ev.Received else ():
                if type(message) is ActorWorkerGranted:
                    self.truth.actors[message.actor].granted[message.incarnation] = message.worker

    def head_said(self, target: WorkerID, messages: Iterable[Any]) -> None:
        """Head sends these messages."""
        for message in messages:
            if type(message) is ActorAssigned:
                facts = self.truth.actors[message.spec.actor]
                facts.assigned[message.incarnation] = target
            elif type(message) is ActorChanged:
                facts = self.truth.actors[message.actor]
                if message.state == DEAD and not facts.dead:
                    facts.dead = True
                    self._check_death(facts, message)
                key = (target, message.actor)
                told = self._told.get(key, (-1, ""))
                assert told[1] != DEAD or message.state == DEAD, f"AC1: {message.actor.hex()} rises again"
                assert message.incarnation >= told[0], f"AC1: {message.actor.hex()} is told of backwards"
                self._told[key] = (message.incarnation, message.state)

    def _check_death(self, facts: ActorFacts, message: ActorChanged) -> None:
        truth = self.truth
        last = 0 <= facts.max_restarts <= message.incarnation
        lost = facts.granted.get(message.incarnation) in truth.dead
        reasons = {
            "killed": facts.killed or (facts.kills > 0 and last),
            "crashed": lost and last,
            "raised": facts.raised,
            "left": facts.exiting,
            "infeasible": truth.infeasible(facts.resources),
            "ownerless": not facts.detached and owner_of(facts.actor) in truth.dead,
            "argument failed": bool(message.error) and bool(facts.dependencies),
            "name taken": facts.name is not None and message.worker == b"" and not facts.granted,
            "unneeded": not facts.detached and not self._is_needed(facts.actor),
        }
        assert any(reasons.values()), f"AC5, AC8: {facts.actor.hex()} has no reason to be dead: {message}"

    def _is_needed(self, actor: ActorID) -> bool:
        """Whether some process holds a handle or has a call under way that was made through one; unknown when
        a lender may have died with it.
        """
        if self.truth.dead:
            return False
        handle = handle_object(actor)
        for host in self.hosts.values():
            if host.alive and any(handle in thread.handles for thread in host.threads):
                return True
            calls = host.worker.calls.records if host.alive else ()
            if any(task in self._strong and self.truth.tasks[task].actor == actor for task in calls):
                return True
        return False
