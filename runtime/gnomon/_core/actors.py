"""Actors as head sees them.

                   worker granted          born
    PENDING ----------------------> STARTING ------> ALIVE
       ^                                |              |
       |        died, restarts left     |              |
       +--- RESTARTING <----------------+--------------+
                                        |              |   killed, left, out of scope,
                                        v              v   owner dead, no restarts left, constructor raised
                                             DEAD

STARTING and RESTARTING are one state to the outside. One that is killed to be restarted waits until its process has
ended: the next one may be on another node, and two of them must never live (AC1). A name belongs to one actor that is
not DEAD. Every message to and from a worker names the incarnation; one that is not the present one changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gnomon._core.effects import Effects
from gnomon._messages.actors import (
    ALIVE,
    DEAD,
    PENDING,
    RESTARTING,
    ActorAdmitted,
    ActorAssigned,
    ActorChanged,
    ActorDrained,
    ActorNameAnswered,
    ActorNameAsked,
    ActorRegistered,
    ActorSpec,
    ActorWorkerGranted,
    ActorWorkerUnwanted,
    ActorWorkerWanted,
)
from gnomon._messages.cluster import ActorReport
from gnomon._messages.failures import ProcessEnd, failure
from gnomon._messages.tempo import TempoSet
from gnomon.ids import ActorID, WorkerID, owner_of

_NOBODY = WorkerID(b"")
_KILLED = "it was killed by gnomon.kill"
_OWNER_DIED = "its owner, the process that created it, died"


class ActorRecord:
    """One actor that head knows."""

    __slots__ = (
        "cause", "draining", "end", "ending", "error", "incarnation", "pid", "resolved", "restarts", "spec", "state",
        "subscribers", "worker",
    )  # fmt: skip

    def __init__(self, spec: ActorSpec) -> None:
        self.spec = spec
        self.state = PENDING
        self.incarnation = 0
        self.worker: WorkerID | None = None
        self.pid = 0
        self.restarts = 0
        self.cause = ""
        self.error = b""
        self.end: ProcessEnd | None = None
        self.draining = ""
        self.resolved = True
        self.subscribers: dict[WorkerID, None] = {spec.owner: None}
        self.ending: WorkerID | None = None


class ActorMachine:
    """All actors of the cluster.

    Attributes:
        choose_node: where the next worker is asked for; None while no node has joined.
        name_of: a node's id in hex.
        dead_max: dead actors remembered, so that late handles hear why.
        forgotten_max: of older ones it is only remembered that they were.
        tempos: of drivers that have slowed their jobs down; head keeps them.
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        choose_node: Callable[[ActorSpec], WorkerID | None],
        name_of: Callable[[WorkerID | None], str] = lambda node: "",
        dead_max: int = 10_000,
        forgotten_max: int = 200_000,
    ) -> None:
        self._effects = effects
        self._choose_node = choose_node
        self._name_of = name_of
        self.dead_max = dead_max
        self.forgotten_max = forgotten_max
        self.records: dict[ActorID, ActorRecord] = {}
        self.tempos: dict[WorkerID, TempoSet] = {}
        self.names: dict[tuple[str, str], ActorID] = {}
        self.by_worker: dict[WorkerID, ActorID] = {}
        self.nodes: dict[ActorID, WorkerID] = {}
        self._graves: dict[ActorID, None] = {}
        self._forgotten: dict[ActorID, None] = {}
        self._early: dict[ActorID, dict[WorkerID, None]] = {}
        self._homeless: dict[ActorID, None] = {}
        self._unborn: dict[ActorID, ActorChanged] = {}
        self._lost: dict[WorkerID, None] = {}
        self._waiting: dict[ActorID, None] = {}
        self._ending: dict[WorkerID, ActorID] = {}

    # -- birth ----------------------------------------------------------------------------------------------------

    def on_registered(self, sender: WorkerID, message: ActorRegistered) -> None:
        """A new actor; AC7: one live actor per name."""
        spec = message.spec
        known = self.records.get(spec.actor)
        if known is not None:
            if message.resolved and not known.resolved and known.state != DEAD:
                known.spec = spec
                known.resolved = True
                self._place(known)
            return
        key = (spec.namespace, spec.name)
        if spec.name and key in self.names:
            if message.request:
                self._effects().send(sender, ActorAdmitted(message.request, True))
            cause = "another actor has its name"
            self._effects().send(sender, ActorChanged(spec.actor, DEAD, 0, _NOBODY, 0, cause))
            return
        record = self.records[spec.actor] = ActorRecord(spec)
        record.subscribers.update(self._early.pop(spec.actor, {}))
        if spec.name:
            self.names[key] = spec.actor
        if message.request:
            self._effects().send(sender, ActorAdmitted(message.request, False))
        record.resolved = message.resolved
        early_death = self._unborn.pop(spec.actor, None)
        if early_death is not None:
            self._die(record, early_death.cause, kill=False)
        elif record.resolved:
            self._place(record)

    def _place(self, record: ActorRecord) -> None:
        """Unless a killed incarnation may still live: its end is told, and then it is placed."""
        spec = record.spec
        if record.ending is not None:
            return
        node = self._choose_node(spec)
        if node is None:
            self._homeless[spec.actor] = None
            return
        self._want(record, node)

    def _want(self, record: ActorRecord, node: WorkerID) -> None:
        spec = record.spec
        self.nodes[spec.actor] = node
        self._waiting[spec.actor] = None
        retriable = spec.max_restarts < 0 or record.restarts < spec.max_restarts
        message = ActorWorkerWanted(
            spec.actor,
            record.incarnation,
            spec.resources,
            spec.placement,
            spec.job,
            spec.class_name,
            retriable,
        )
        self._effects().send(node, message)

    def place_homeless(self) -> None:
        """A node has joined."""
        homeless, self._homeless = self._homeless, {}
        for actor in homeless:
            record = self.records.get(actor)
            if record is not None and record.state != DEAD:
                self._place(record)

    def move(self, actor: ActorID, here: WorkerID, choose: Callable[[ActorSpec], WorkerID | None]) -> None:
        """It waits at a node that is busy; ``choose`` finds another with room, or None."""
        record = self.records.get(actor)
        if record is None or actor not in self._waiting or self.nodes[actor] != here:
            return
        node = choose(record.spec)
        if node is not None and node != here:
            self._effects().send(here, ActorWorkerUnwanted(actor, record.incarnation))
            self._want(record, node)

    def on_node_lost(self, node: WorkerID) -> None:
        """A node is dead: who waited for a worker there waits elsewhere."""
        for actor in list(self._waiting):
            record = self.records.get(actor)
            if self.nodes.get(actor) == node and record is not None and record.state != DEAD:
                self._place(record)

    def early(self) -> list[WorkerID]:
        """Processes that wait to hear of actors which head does not know yet."""
        owners = [owner_of(actor) for actor in self._early]
        return [*owners, *(process for waiting in self._early.values() for process in waiting)]

    def on_granted(self, node: WorkerID, message: ActorWorkerGranted) -> None:
        """A worker for it."""
        record = self.records.get(message.actor)
        wanted = record is not None and record.state != DEAD and record.incarnation == message.incarnation
        if record is None or not wanted or self.nodes.get(message.actor) != node:
            self._effects().send(node, ActorWorkerUnwanted(message.actor, message.incarnation))
            return
        record.worker = message.worker
        record.pid = message.pid
        self._waiting.pop(message.actor, None)
        self.by_worker[message.worker] = message.actor
        assigned = ActorAssigned(record.spec, record.incarnation, message.gpus, tuple(self.tempos.values()))
        self._effects().send(message.worker, assigned)

    def on_infeasible(self, actor: ActorID, asked: dict[str, int], has: dict[str, int]) -> None:
        """No node has so much."""
        record = self.records.get(actor)
        if record is not None and record.state != DEAD:
            record.error = failure("InfeasibleError", what=record.spec.class_name, asked=asked, has=has)
            self._die(record, "its resources are infeasible", kill=False)

    def on_born(self, actor: ActorID, incarnation: int) -> None:
        """Its constructor has returned."""
        record = self.records.get(actor)
        if record is None or record.incarnation != incarnation or record.state not in (PENDING, RESTARTING):
            return
        record.state = ALIVE
        record.end = None
        self._publish(record)
        if record.draining and record.worker is not None:
            self._effects().send(record.worker, ActorDrained(record.spec.actor, record.draining))

    def on_stillborn(self, actor: ActorID, incarnation: int, error: bytes, summary: str) -> None:
        """Its constructor has raised: that is not repeated. Or it was never registered: an argument failed."""
        record = self.records.get(actor)
        if record is None:
            self._never_born(ActorChanged(actor, DEAD, 0, _NOBODY, 0, summary, error))
            return
        if record.incarnation == incarnation and record.state != DEAD:
            record.error = error
            self._die(record, f"its constructor raised {summary}", kill=True)

    def _never_born(self, change: ActorChanged) -> None:
        """No registration will come for an actor to which there may be handles."""
        self._unborn[change.actor] = change
        if len(self._unborn) > self.dead_max:
            del self._unborn[next(iter(self._unborn))]
        for subscriber in self._early.pop(change.actor, ()):
            self._effects().send(subscriber, change)

    # -- death ----------------------------------------------------------------------------------------------------

    def on_process_died(self, process: WorkerID, reason: str, end: ProcessEnd | None = None) -> None:
        """A worker or an owner is dead."""
        self._lost[process] = None
        if len(self._lost) > self.dead_max:
            del self._lost[next(iter(self._lost))]
        for subscribers in self._early.values():
            subscribers.pop(process, None)
        for unborn in [early for early in self._early if owner_of(early) == process]:
            self._never_born(ActorChanged(unborn, DEAD, 0, _NOBODY, 0, _OWNER_DIED))
        for record in list(self.records.values()):
            record.subscribers.pop(process, None)
            # a detached one outlives its owner, unless that one had still to tell its arguments
            lives_on = record.spec.detached and record.resolved
            if record.spec.owner == process and not lives_on and record.state != DEAD:
                self._die(record, _OWNER_DIED, kill=True)
        ended = self._ending.pop(process, None)
        if ended is not None:
            self._has_ended(ended)
        actor = self.by_worker.pop(process, None)
        if actor is None:
            return
        record = self.records[actor]
        if record.worker == process and record.state != DEAD:
            record.worker = None
            record.end = end
            left = record.spec.max_restarts
            if record.draining:
                self._die(record, record.draining, kill=False)
            elif left >= 0 and record.restarts >= left:
                self._die(record, f"its process {reason}", kill=False)
            else:
                self._restart(record, f"its process {reason}")

    def _has_ended(self, actor: ActorID) -> None:
        """The process of an incarnation that was killed."""
        record = self.records.get(actor)
        if record is not None:
            record.ending = None
            if record.state != DEAD:
                self._place(record)

    def _restart(self, record: ActorRecord, cause: str) -> None:
        """AC5: one more incarnation."""
        record.restarts += 1
        record.cause = cause
        record.state = RESTARTING
        self._publish(record)
        record.incarnation += 1
        self._place(record)

    def on_leaving(self, actor: ActorID, incarnation: int, reason: str) -> None:
        """It ends itself."""
        record = self.records.get(actor)
        if record is not None and record.incarnation == incarnation and record.state != DEAD:
            self._die(record, reason, kill=False)

    def on_unneeded(self, actor: ActorID) -> None:
        """No handle is left: it ends after its pending calls, which all have been pushed and answered."""
        record = self.records.get(actor)
        if record is None or record.state == DEAD or record.spec.detached:
            return
        record.draining = "all handles to it went out of scope"
        self._free_name(record)  # whoever finds it now would find it dead: get_if_exists makes another one
        if record.state == ALIVE and record.worker is not None:
            self._effects().send(record.worker, ActorDrained(record.spec.actor, record.draining))
        else:
            self._die(record, record.draining, kill=True)

    def on_killed(self, actor: ActorID, no_restart: bool) -> None:
        """``kill``, which may be faster than the registration: then that is of a dead actor."""
        record = self.records.get(actor)
        if record is None and no_restart and actor not in self._forgotten and actor not in self._unborn:
            self._never_born(ActorChanged(actor, DEAD, 0, _NOBODY, 0, _KILLED))
        if record is None or record.state == DEAD:
            return
        left = record.spec.max_restarts
        if not record.resolved and not no_restart:
            return  # there is nothing yet that could be restarted
        if no_restart or (left >= 0 and record.restarts >= left):
            self._die(record, _KILLED, kill=True)
        else:
            if record.worker is not None:
                record.ending = record.worker
                self._ending[record.worker] = actor
            self._unwant(record)
            self._restart(record, "it was killed by gnomon.kill(no_restart=False)")

    def _unwant(self, record: ActorRecord) -> None:
        """End the present incarnation's worker, or the request for one."""
        actor = record.spec.actor
        node = self.nodes.get(actor)
        if record.worker is not None:
            self.by_worker.pop(record.worker, None)
            record.worker = None
        if node is not None:
            self._effects().send(node, ActorWorkerUnwanted(actor, record.incarnation))

    def _die(self, record: ActorRecord, cause: str, kill: bool) -> None:
        """The one way into DEAD."""
        spec = record.spec
        if kill:
            self._unwant(record)
        elif record.worker is not None:
            self.by_worker.pop(record.worker, None)
        record.state = DEAD
        record.cause = cause
        self._free_name(record)
        self._homeless.pop(spec.actor, None)
        self._waiting.pop(spec.actor, None)
        self._publish(record)
        record.subscribers.clear()
        record.spec = msgspec.structs.replace(spec, payload=b"", arguments=b"", values=(), description=b"")
        self._graves[spec.actor] = None
        if len(self._graves) > self.dead_max:
            oldest = next(iter(self._graves))
            del self._graves[oldest]
            del self.records[oldest]
            self.nodes.pop(oldest, None)
            self._forgotten[oldest] = None
            if len(self._forgotten) > self.forgotten_max:
                del self._forgotten[next(iter(self._forgotten))]

    def _free_name(self, record: ActorRecord) -> None:
        spec = record.spec
        if spec.name and self.names.get((spec.namespace, spec.name)) == spec.actor:
            del self.names[(spec.namespace, spec.name)]

    # -- who wants to know ----------------------------------------------------------------------------------------

    def _changed(self, record: ActorRecord) -> ActorChanged:
        return ActorChanged(
            record.spec.actor,
            record.state,
            record.incarnation,
            record.worker or _NOBODY,
            record.pid,
            record.cause,
            record.error,
            record.end,
            self._name_of(self.nodes.get(record.spec.actor)) if record.worker is not None else "",
        )

    def _publish(self, record: ActorRecord) -> None:
        message = self._changed(record)
        for subscriber in record.subscribers:
            self._effects().send(subscriber, message)

    def on_subscribed(self, sender: WorkerID, actor: ActorID) -> None:
        """A handle arrived at ``sender``."""
        record = self.records.get(actor)
        if record is None:
            self._answer_unknown(sender, actor)
            return
        if record.state != DEAD:
            record.subscribers[sender] = None
        if record.state != PENDING:
            self._effects().send(sender, self._changed(record))

    def _answer_unknown(self, sender: WorkerID, actor: ActorID) -> None:
        """The handle was faster than the registration; or there is none, or the actor is long dead."""
        change = self._unborn.get(actor)
        if change is None and actor in self._forgotten:
            change = ActorChanged(actor, DEAD, 0, _NOBODY, 0, "it died long ago")
        if change is None and owner_of(actor) in self._lost:
            change = ActorChanged(actor, DEAD, 0, _NOBODY, 0, _OWNER_DIED)
        if change is None:
            self._early.setdefault(actor, {})[sender] = None
        else:
            self._effects().send(sender, change)

    def on_name_asked(self, sender: WorkerID, message: ActorNameAsked) -> None:
        """``get_actor``, ``list_named_actors``."""
        if message.all_names:
            names = tuple(key for key in self.names if not message.namespace or key[0] == message.namespace)
            self._effects().send(sender, ActorNameAnswered(message.request, None, b"", names))
            return
        actor = self.names.get((message.namespace, message.name))
        description = self.records[actor].spec.description if actor is not None else b""
        self._effects().send(sender, ActorNameAnswered(message.request, actor, description))

    def reports(self) -> tuple[ActorReport, ...]:
        """All that are not dead, for people."""
        return tuple(
            ActorReport(
                actor,
                record.spec.job,
                record.spec.class_name,
                record.spec.name,
                record.spec.namespace,
                record.state,
                record.pid if record.worker is not None else 0,
                record.spec.detached,
                record.spec.resources
                if record.state == ALIVE
                else {**record.spec.placement, **record.spec.resources},
            )
            for actor, record in self.records.items()
            if record.state != DEAD
        )

    def check(self) -> None:
        """AC1, AC5, AC7."""
        for actor, record in self.records.items():
            limit = record.spec.max_restarts
            assert limit < 0 or record.restarts <= limit, (actor.hex(), record.restarts)
            if record.state == ALIVE:
                assert record.worker is not None
            if record.worker is not None and record.state != DEAD:
                assert self.by_worker.get(record.worker) == actor
        for (namespace, name), actor in self.names.items():
            record = self.records[actor]
            assert record.state != DEAD, f"{name} names a dead actor"
            assert not record.draining, f"{name} names an actor that is about to end"
            assert (record.spec.namespace, record.spec.name) == (namespace, name)
