"""Head: the role that knows nodes, actors and names. One per cluster; not on the path of any task or call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gnomon._core import events as ev
from gnomon._core.actors import ActorMachine
from gnomon._core.effects import DropPeer, Effects
from gnomon._core.job_table import JobTable
from gnomon._core.links import LinkMachine
from gnomon._messages import actors, cluster
from gnomon._messages.actors import ActorSpec
from gnomon.ids import WorkerID


class Head:
    """The cluster's control state."""

    def __init__(self, me: WorkerID, links: LinkMachine) -> None:
        self.me = me
        self.links = links
        self.now = 0.0
        self._effects = Effects()
        self.nodes: dict[WorkerID, cluster.NodeJoined] = {}
        self.actors = ActorMachine(self._out, self._choose_node)
        self.jobs = JobTable()
        self._asked: dict[int, tuple[WorkerID, cluster.StatusAsked, list[cluster.NodeReport], int]] = {}
        self._asked_early: list[tuple[WorkerID, cluster.StatusAsked]] = []
        self._next = 1
        actor_machine = self.actors
        self._receivers: dict[type, Callable[[WorkerID, Any], None]] = {
            cluster.NodeJoined: self._on_node_joined,
            cluster.ProcessDied: self._on_process_died,
            cluster.StatusAsked: self._on_status_asked,
            cluster.JobStarted: lambda sender, message: self.jobs.on_started(message, self.now),
            cluster.JobEnded: lambda sender, message: self.jobs.on_ended(message.job, self.now),
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
            assert type(event) is ev.Received
            if event.sender in self.links.dead:
                continue  # it died in the same batch: MB1
            for message in event.messages:
                self._receivers[type(message)](event.sender, message)
        effects, self._effects = self._effects, Effects()
        return effects

    def next_wakeup(self) -> float | None:
        """Head does nothing by the clock."""
        return None

    def check(self) -> None:
        """All invariants that head can see."""
        self.actors.check()
        self.links.check()

    def _choose_node(self, spec: ActorSpec) -> WorkerID | None:
        return next(iter(self.nodes), None)

    def _on_node_joined(self, sender: WorkerID, message: cluster.NodeJoined) -> None:
        self.nodes[sender] = message
        self.actors.place_homeless()
        early, self._asked_early = self._asked_early, []
        for asker, question in early:
            self._on_status_asked(asker, question)

    def _on_process_died(self, sender: WorkerID, message: cluster.ProcessDied) -> None:
        self.links.forget(message.process)
        self._effects.do(DropPeer(message.process))
        self.actors.on_process_died(message.process, message.reason, message.end)

    def _on_status_asked(self, sender: WorkerID, message: cluster.StatusAsked) -> None:
        if not self.nodes:  # the session is starting: a question may be faster than its node
            self._asked_early.append((sender, message))
            return
        number = self._next
        self._next += 1
        self._asked[number] = (sender, message, [], len(self.nodes))
        for node in self.nodes:
            self._effects.send(node, cluster.StatusAsked(number))

    def _on_node_status(self, sender: WorkerID, message: cluster.NodeStatus) -> None:
        asked = self._asked.get(message.request)
        if asked is not None:
            asked[2].append(message.report)
            if len(asked[2]) >= asked[3]:
                self._answer(message.request)

    def _answer(self, number: int) -> None:
        asker, asked, reports, _ = self._asked.pop(number)
        more = (tuple(self.jobs.reports.values()), self.actors.reports()) if asked.detail else ()
        self._effects.send(asker, cluster.ClusterStatus(asked.request, tuple(reports), *more))
