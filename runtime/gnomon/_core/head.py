"""Head: the role that knows nodes, actors and names. One per cluster; not on the path of any task or call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from gnomon._core import events as ev
from gnomon._core.actors import ActorMachine
from gnomon._core.effects import DropPeer, Effects
from gnomon._core.job_table import JobTable
from gnomon._core.links import LinkMachine
from gnomon._core.membership import MembershipMachine
from gnomon._messages import actors, cluster, tempo
from gnomon._messages.actors import ActorSpec
from gnomon._messages.base import Message
from gnomon._messages.failures import ProcessEnd
from gnomon.ids import WorkerID, node_tag, owner_of


class _Question(msgspec.Struct, eq=False):
    """Somebody asks how the cluster is.

    Attributes:
        nodes: those that have not answered.
    """

    asker: WorkerID
    asked: cluster.StatusAsked
    nodes: dict[WorkerID, None]
    reports: list[cluster.NodeReport] = []


class Head:
    """The cluster's control state.

    Args:
        patience_s: see ``MembershipMachine``.
        grows: as in SessionConfig.
    """

    def __init__(
        self, me: WorkerID, links: LinkMachine, patience_s: float = 0.0, grows: bool = False
    ) -> None:
        self.me = me
        self.links = links
        self.grows = grows
        self.now = 0.0
        self._effects = Effects()
        self.membership = MembershipMachine(self._out, patience_s=patience_s)
        self.actors = ActorMachine(self._out, self._choose_node, self.membership.name_of)
        self.jobs = JobTable()
        self._observers: dict[WorkerID, None] = {}
        self._tempos: dict[WorkerID, tempo.TempoSet] = {}
        self._epochs: dict[WorkerID, int] = {}
        self._asked: dict[int, _Question] = {}
        self._asked_early: list[tuple[WorkerID, cluster.StatusAsked]] = []
        self._next = 1
        self._receivers = self._remote_handlers()

    def _remote_handlers(self) -> dict[type, Callable[[WorkerID, Any], None]]:
        actor_machine = self.actors
        return {
            cluster.NodeJoined: self._on_node_joined,
            cluster.ProcessDied: self._on_process_died,
            cluster.StatusAsked: self._on_status_asked,
            cluster.NodeLoad: self._on_node_load,
            cluster.ProcessWatched: self.membership.on_watched,
            cluster.ObservationWanted: self._on_observation_wanted,
            tempo.TempoSet: self._on_tempo_set,
            cluster.JobStarted: self._on_job_started,
            cluster.JobEnded: self._on_job_ended,
            cluster.NodeStatus: self._on_node_status,
            actors.ActorRegistered: actor_machine.on_registered,
            actors.ActorWorkerGranted: actor_machine.on_granted,
            actors.ActorWorkerInfeasible: lambda sender, message: actor_machine.on_infeasible(
                message.actor, message.asked, message.has
            ),
            actors.ActorBorn: lambda sender, message: actor_machine.on_born(
                message.actor, message.incarnation
            ),
            actors.ActorStillborn: lambda sender, message: actor_machine.on_stillborn(
                message.actor, message.incarnation, message.error, message.summary
            ),
            actors.ActorLeaving: lambda sender, message: actor_machine.on_leaving(
                message.actor, message.incarnation, message.reason
            ),
            actors.ActorUnneeded: lambda sender, message: actor_machine.on_unneeded(message.actor),
            actors.ActorKilled: lambda sender, message: actor_machine.on_killed(
                message.actor, message.no_restart
            ),
            actors.ActorSubscribed: lambda sender, message: actor_machine.on_subscribed(
                sender, message.actor
            ),
            actors.ActorNameAsked: actor_machine.on_name_asked,
        }

    def _out(self) -> Effects:
        return self._effects

    def handle(self, events: Iterable[Any], now: float) -> Effects:
        """Take a batch of events in; what is to be done comes out."""
        self.now = now
        for event in events:
            if type(event) is ev.NodeExited:
                self._on_node_exited(event)
                continue
            assert type(event) is ev.Received
            if event.sender in self.links.dead:
                continue  # it died in the same batch: MB1
            for message in event.messages:
                self._receivers[type(message)](event.sender, message)
        self.membership.run(now)
        effects, self._effects = self._effects, Effects()
        return effects

    def next_wakeup(self) -> float | None:
        """When nodes are due to hear of each other."""
        return self.membership.next_wakeup()

    def check(self) -> None:
        """All invariants that head can see."""
        self.membership.check()
        self.actors.check()
        self.links.check()

    # -- nodes ----------------------------------------------------------------------------------------------------

    @property
    def nodes(self) -> list[WorkerID]:
        """Those that live."""
        return list(self.membership.nodes)

    def _choose_node(self, spec: ActorSpec) -> WorkerID | None:
        """Where an actor's next worker is asked for; a node, if there is any, also when none could run it: it says so.
        Unless another node may be added that could: the actor waits for it.
        """
        found = self.membership.place(spec.placement, spec.resources, node_tag(spec.owner), spec.spread)
        return found if self.grows else found or next(iter(self.membership.nodes), None)

    def _find_room(self, spec: ActorSpec) -> WorkerID | None:
        return self.membership.place(
            spec.placement, spec.resources, node_tag(spec.owner), spec.spread, wait=False
        )

    def _on_node_joined(self, sender: WorkerID, message: cluster.NodeJoined) -> None:
        self.membership.on_joined(sender, message, self.now)
        living = {record.spec.job for record in self.actors.records.values() if record.state != actors.DEAD}
        for started, has_ended in self.jobs.known():
            if started.job in living or not has_ended:
                self._effects.send(sender, started)
                if has_ended:
                    self._effects.send(sender, cluster.JobEnded(started.job))
        for observer in self._observers:
            self._effects.send(sender, cluster.ObservationWanted(observer, True))
        for told in self._tempos.values():
            self._effects.send(sender, told)
        self.actors.place_homeless()
        self._move_waiting()
        early, self._asked_early = self._asked_early, []
        for asker, question in early:
            self._on_status_asked(asker, question)

    def _on_node_load(self, sender: WorkerID, message: cluster.NodeLoad) -> None:
        self.membership.on_load(sender, message, self.now)
        self._move_waiting()

    def _move_waiting(self) -> None:
        """There is news of what is free: an actor that waits at a busy node may find room at another."""
        for node, view in self.membership.nodes.items():
            for actor in view.waiting:
                self.actors.move(actor, node, self._find_room)

    def _on_node_exited(self, event: ev.NodeExited) -> None:
        """A node is dead, and with it all that lived there: its actors, and owners of others."""
        if not self.membership.on_lost(event.node, event.reason):
            return
        tag = node_tag(event.node)
        records = self.actors.records.values()
        known = dict.fromkeys([*self.links.links, *self.actors.by_worker, *self.actors.early()])
        known.update((record.spec.owner, None) for record in records)
        known.update((owner_of(record.spec.actor), None) for record in records)
        for process in known:
            if node_tag(process) == tag:
                self._bury(process, f"was on a node that died: it {event.reason}")
        self.actors.on_node_lost(event.node)
        for number, question in list(self._asked.items()):
            question.nodes.pop(event.node, None)
            if not question.nodes:
                self._answer(number)

    def _tell_others(self, sender: WorkerID, message: Message) -> None:
        for node in self.membership.nodes:
            if node != sender:
                self._effects.send(node, message)

    def _on_job_started(self, sender: WorkerID, message: cluster.JobStarted) -> None:
        self.jobs.on_started(message, self.now)
        self._tell_others(sender, message)

    def _on_job_ended(self, sender: WorkerID, message: cluster.JobEnded) -> None:
        self.jobs.on_ended(message.job, self.now)
        self._tell_others(sender, message)

    def _on_observation_wanted(self, sender: WorkerID, message: cluster.ObservationWanted) -> None:
        if message.wanted:
            self._observers[message.observer] = None
        else:
            self._observers.pop(message.observer, None)
        self._tell_others(sender, message)

    def _on_tempo_set(self, sender: WorkerID, message: tempo.TempoSet) -> None:
        known = self._epochs.get(message.driver, 0)
        if message.driver in self.links.dead or message.epoch < known:
            return
        self._epochs[message.driver] = message.epoch
        _keep(self.actors.tempos, message)
        # nodes hear it of his node alone: before that nobody may know here who he is
        if sender != message.driver:
            _keep(self._tempos, message)
            self._tell_others(sender, message)

    def _on_process_died(self, sender: WorkerID, message: cluster.ProcessDied) -> None:
        self._bury(message.process, message.reason, message.end)

    def _bury(self, process: WorkerID, reason: str, end: ProcessEnd | None = None) -> None:
        self.links.forget(process)
        self._observers.pop(process, None)
        self._tempos.pop(process, None)
        self.actors.tempos.pop(process, None)
        self._epochs.pop(process, None)
        self._effects.do(DropPeer(process))
        self.actors.on_process_died(process, reason, end)

    # -- status ---------------------------------------------------------------------------------------------------

    def _on_status_asked(self, sender: WorkerID, message: cluster.StatusAsked) -> None:
        if not self.membership.nodes:  # the session is starting: a question may be faster than its node
            self._asked_early.append((sender, message))
            return
        number = self._next
        self._next += 1
        self._asked[number] = _Question(sender, message, dict.fromkeys(self.membership.nodes))
        for node in self.membership.nodes:
            self._effects.send(node, cluster.StatusAsked(number))

    def _on_node_status(self, sender: WorkerID, message: cluster.NodeStatus) -> None:
        question = self._asked.get(message.request)
        if question is not None and question.nodes.pop(sender, sender) is None:
            question.reports.append(message.report)
            if not question.nodes:
                self._answer(message.request)

    def _answer(self, number: int) -> None:
        question = self._asked.pop(number)
        asked = question.asked
        more = (tuple(self.jobs.reports.values()), self._actor_reports()) if asked.detail else ()
        reports = (*question.reports, *self.membership.reports_of_dead())
        self._effects.send(question.asker, cluster.ClusterStatus(asked.request, reports, *more))

    def _actor_reports(self) -> tuple[cluster.ActorReport, ...]:
        homes = self.actors.nodes
        return tuple(
            msgspec.structs.replace(report, node=self.membership.name_of(homes.get(report.actor)))
            for report in self.actors.reports()
        )


def _keep(tempos: dict[WorkerID, tempo.TempoSet], message: tempo.TempoSet) -> None:
    if message.gated:
        tempos[message.driver] = message
    else:
        tempos.pop(message.driver, None)
