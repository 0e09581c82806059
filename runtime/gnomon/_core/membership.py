"""Membership: the nodes of the cluster, as head knows them. Head's side of ``neighbours``.

    NodeJoined ----> LIVING ----> DEAD                    (NodeExited: its process has ended, by whatever cause)
                        |  (silent for ``patience_s``: killed)
                        |           ^
                        +- leaving -+                      (it said so: nothing more is placed there)

A node's process id is new in each incarnation, so a dead one never returns (MB1). Every node is told of every other, of
what was free there a moment ago, and of deaths; while there is but one, nobody is told anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gnomon._core.effects import Effects, KillNode, WatchNode
from gnomon._core.placement import NodeView, choose, choose_busy, most_of_each
from gnomon._messages.cluster import (
    NodeJoined,
    NodeLoad,
    NodeLost,
    NodeReport,
    NodeSeen,
    NodesSeen,
    ProcessLost,
    ProcessWatched,
)
from gnomon.ids import WorkerID, node_tag
from gnomon.resources import fits


class MembershipMachine:
    """All nodes.

    Attributes:
        nodes: those that live, in the order of their joining.
        dead: those that have died, by tag; what they were is still listed.
        news_period_s: between two rounds of news about loads.
        patience_s: a node that has not been heard of for so long hangs; 0 is never. When head itself has stood
            still, all nodes get that much time anew.
    """

    def __init__(
        self,
        effects: Callable[[], Effects],
        news_period_s: float = 0.05,
        dead_max: int = 1_000,
        patience_s: float = 0.0,
    ) -> None:
        self._effects = effects
        self.news_period_s = news_period_s
        self.dead_max = dead_max
        self.nodes: dict[WorkerID, NodeView] = {}
        self.dead: dict[bytes, tuple[WorkerID, NodeReport, str]] = {}
        self._joined: dict[WorkerID, NodeJoined] = {}
        self._stale = False
        self._due = 0.0
        self._turn = 0
        self.patience_s = patience_s
        self._heard: dict[WorkerID, float] = {}
        self._silent: dict[WorkerID, bool] = {}
        self._ran = 0.0

    def on_joined(self, node: WorkerID, message: NodeJoined, now: float) -> None:
        """A node serves the cluster."""
        self._joined[node] = message
        total = dict(message.resources)
        self.nodes[node] = NodeView(NodeSeen(node, message.node, total, total))
        if message.started:
            self._effects().do(WatchNode(node, message.node, message.pid, message.started))
            self._heard[node] = now
        if len(self.nodes) > 1:
            self._tell(now)

    def on_load(self, node: WorkerID, message: NodeLoad, now: float) -> None:
        """What is free there has changed, or it is leaving; or it only says that it lives."""
        if node in self._heard:
            self._heard[node] = now
            self._silent.pop(node, None)
        view = self.nodes.get(node)
        if view is not None:
            view.available = dict(message.available)
            view.leaving = message.leaving
            view.waiting = message.waiting
            self._stale = True

    def on_lost(self, node: WorkerID, reason: str) -> bool:
        """A node is dead: the others are told. False if that was known."""
        view = self.nodes.pop(node, None)
        if view is None:
            return False
        if self._silent.pop(node, False):
            reason += f" (head ended it: nothing had been heard of it for {self.patience_s:g} s)"
        joined = self._joined.pop(node)
        self._heard.pop(node, None)
        report = NodeReport(view.node, node, joined.pid, False, {}, {}, 0, 0, 0, joined.labels)
        self.dead[node_tag(node)] = (node, report, reason)
        if len(self.dead) > self.dead_max:
            del self.dead[next(iter(self.dead))]
        for other in self.nodes:
            self._effects().send(other, NodeLost(node, reason))
        return True

    def reports_of_dead(self) -> list[NodeReport]:
        """What is listed of nodes that have died."""
        return [report for _, report, _ in self.dead.values()]

    def name_of(self, node: WorkerID | None) -> str:
        """The node's id in hex; "" for one that is not there."""
        view = self.nodes.get(node) if node is not None else None
        return view.node.hex() if view is not None else ""

    def on_watched(self, sender: WorkerID, message: ProcessWatched) -> None:
        """A node asks for a process of a node that it does not know: it will, or that node is dead, or none."""
        tag = node_tag(message.process)
        if any(node_tag(node) == tag for node in self.nodes):
            return  # the news that it has joined is on its way, and the asker asks there then
        gone = self.dead.get(tag)
        if gone is None:
            answer = ProcessLost(message.process, "is not part of this session")
        elif gone[0] == message.process:
            answer = ProcessLost(message.process, gone[2])
        else:
            answer = ProcessLost(message.process, f"was on a node that died: it {gone[2]}", with_node=True)
        self._effects().send(sender, answer)

    # -- choices ----------------------------------------------------------------------------------------------

    def place(
        self,
        placement: Mapping[str, int],
        resources: dict[str, int],
        home: bytes,
        spread: bool = False,
        wait: bool = True,
    ) -> WorkerID | None:
        """Where an actor shall live.

        Args:
            placement: what must be possible there,
            resources: and what it keeps while it lives.
            home: the tag of the node that is as good as any other that is less than half used: its owner's.
            spread: on another node than the last one, if that is possible.
            wait: when no node has room, one where it can wait for some is good too.

        Returns:
            None when there is no such node.
        """
        needed = {**placement, **resources}
        views = [view for view in self.nodes.values() if view.feasible(needed)]
        if not views:
            return None
        near = next((view.process for view in views if node_tag(view.process) == home), views[0].process)
        free = [view for view in views if fits(needed, view.available)] if len(views) > 1 else views
        found = choose(needed, free, near, spread)
        if found is None and wait:
            found = choose(resources, views, near, spread) or choose_busy(resources, views, near)
        if found is None:
            return None
        if spread:
            self._turn += 1
            found.turn = self._turn
        found.debit(resources)
        return found.process

    def most(self) -> dict[str, int]:
        """Of each resource the most that one node has."""
        return most_of_each(self.nodes.values())

    # -- news -------------------------------------------------------------------------------------------------

    def run(self, now: float) -> None:
        """At the end of each batch: spread the news of loads, look for nodes that are silent."""
        if self.patience_s and self._heard:
            self._look_for_silent(now)
        if self._stale and now >= self._due and len(self.nodes) > 1:
            self._tell(now)

    def _look_for_silent(self, now: float) -> None:
        stood_still = now - self._ran > self.patience_s / 2
        self._ran = now
        for node, heard in self._heard.items():
            if stood_still:
                self._heard[node] = now
            elif now - heard > self.patience_s:
                self._silent[node] = True
                self._heard[node] = now  # it ends, unless something keeps it; then it is tried again
                joined = self._joined[node]
                self._effects().do(KillNode(node, joined.pid, joined.started))

    def _tell(self, now: float) -> None:
        self._stale = False
        self._due = now + self.news_period_s
        seen = tuple(
            NodeSeen(view.process, view.node, view.total, dict(view.available), view.leaving)
            for view in self.nodes.values()
        )
        for node in self.nodes:
            self._effects().send(node, NodesSeen(seen))

    def next_wakeup(self) -> float | None:
        """When news are due, or the next look at silent nodes."""
        look = self._ran + self.patience_s / 5 if self.patience_s and self._heard else None
        news = self._due if self._stale and len(self.nodes) > 1 else None
        return look if news is None else news if look is None else min(look, news)

    def check(self) -> None:
        """MB1: nobody is dead and alive."""
        assert not any(node_tag(node) in self.dead for node in self.nodes)
        assert self._joined.keys() == self.nodes.keys()
