"""Neighbours: the other nodes of the cluster, and processes that live there. The node's side.

    head NodesSeen --> views         who is there and what was free a moment ago
    watch(process) --> ProcessWatched to that process's node, or to head while its node is not known here yet
    <-- ProcessLost from there; or NodeLost from head, which means all of that node's processes

A process's id begins with its node's tag (``ids.node_tag``), so that a watch finds its way. While a node is alone
in its cluster this machine holds nothing and sends nothing but a watch for a process of no node, to which head answers.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.account import ResourceAccount
from gnomon._core.effects import Effects
from gnomon._core.placement import (
    PACKED_PER_MILLE,
    NodeView,
    choose,
    choose_busy,
    most_of_each,
    used_per_mille,
)
from gnomon._messages.cluster import NodeLoad, NodeLost, NodesSeen, ProcessLost, ProcessWatched
from gnomon.ids import ActorID, WorkerID, node_tag


class NeighbourMachine:
    """See the module.

    Attributes:
        views: living nodes but this one, by process.
        watched: processes of other nodes whose death this node wants to hear of: where it has asked.
        dead: nodes that have died, by tag: (process, reason).
        leaving: this node gives out nothing more.
        load_period_s: between two reports of this node's load.
        heartbeat_s: it is reported after so long even if it has not changed; 0 is never.
    """

    def __init__(
        self,
        me: WorkerID,
        head: WorkerID,
        effects: Callable[[], Effects],
        account: ResourceAccount,
        waiting: Callable[[], tuple[ActorID, ...]],
        load_period_s: float = 0.05,
        dead_max: int = 1_000,
        heartbeat_s: float = 0.0,
    ) -> None:
        self.me = me
        self.head = head
        self._effects = effects
        self._account = account
        self._waiting = waiting
        self.load_period_s = load_period_s
        self.dead_max = dead_max
        self.views: dict[WorkerID, NodeView] = {}
        self.watched: dict[WorkerID, WorkerID] = {}
        self.dead: dict[bytes, tuple[WorkerID, str]] = {}
        self.leaving = False
        self._told: NodeLoad | None = None
        self._due = 0.0
        self.heartbeat_s = heartbeat_s
        self._beat = 0.0

    # -- who is there -----------------------------------------------------------------------------------------

    def on_nodes_seen(self, message: NodesSeen) -> None:
        """Head tells; watches that waited for a node to be known go there."""
        known = self.views
        self.views = {seen.process: NodeView(seen) for seen in message.nodes if seen.process != self.me}
        for new in self.views.keys() - known.keys() if self.watched else ():
            tag = node_tag(new)
            for process, asked in self.watched.items():
                if asked == self.head and node_tag(process) == tag:
                    self._ask(new, process)

    def on_node_lost(self, message: NodeLost) -> list[ProcessLost]:
        """A node is dead; returns the deaths of all processes there that matter here, its own last."""
        self.views.pop(message.process, None)
        tag = node_tag(message.process)
        self.dead[tag] = (message.process, message.reason)
        if len(self.dead) > self.dead_max:
            del self.dead[next(iter(self.dead))]
        lost = [process for process in self.watched if node_tag(process) == tag]
        deaths = [self._with_node(process, message.reason) for process in lost if process != message.process]
        return [*deaths, ProcessLost(message.process, message.reason)]

    def is_node(self, process: WorkerID) -> bool:
        """Whether that is another living node's own process."""
        return process in self.views

    # -- deaths there -----------------------------------------------------------------------------------------

    def watch(self, process: WorkerID) -> ProcessLost | None:
        """Hear of the death of a process that does not live here; it is returned when it is known already."""
        if process in self.watched:
            return None
        tag = node_tag(process)
        if tag in self.dead:
            node, reason = self.dead[tag]
            return ProcessLost(process, reason) if process == node else self._with_node(process, reason)
        if process in self.views:
            self.watched[process] = self.head  # which tells of nodes unasked
            return None
        target = next((node for node in self.views if node_tag(node) == tag), self.head)
        self._ask(target, process)
        return None

    def _ask(self, target: WorkerID, process: WorkerID) -> None:
        self.watched[process] = target
        self._effects().send(target, ProcessWatched(process))

    @staticmethod
    def _with_node(process: WorkerID, reason: str) -> ProcessLost:
        return ProcessLost(process, f"was on a node that died: it {reason}", with_node=True)

    def forget(self, process: WorkerID) -> None:
        """It is dead."""
        self.watched.pop(process, None)

    # -- where to ---------------------------------------------------------------------------------------------

    @property
    def is_choice(self) -> bool:
        """Whether there is anything to choose: other nodes, or that this one gives out nothing more."""
        return bool(self.views) or self.leaving

    def better(self, asked: dict[str, int], here: bool, spread: bool) -> WorkerID | None:
        """The other node that a lease should be asked for now, None for this one (or for waiting).

        Args:
            asked: resources.
            here: whether this node could take it now.
            spread: each lease on another node, if that is possible.
        """
        use = (
            used_per_mille(self._account.total, self._account.available)
            if here and not self.leaving
            else None
        )
        if use is not None and use < PACKED_PER_MILLE and not spread:
            return None
        found = choose(asked, self.views.values(), self.me, spread)
        if found is None or (use is not None and found.use() >= use):
            return None
        found.debit(asked)
        return found.process

    def feasible(self, asked: dict[str, int]) -> WorkerID | None:
        """Another node that could run it, the one with room first."""
        views = self.views.values()
        found = choose(asked, views, self.me) or choose_busy(asked, views, self.me)
        if found is None:
            return None
        found.debit(asked)
        return found.process

    def most(self, own: dict[str, int]) -> dict[str, int]:
        """Of each resource the most that one node has."""
        found = most_of_each(self.views.values())
        for name, units in own.items():
            found[name] = max(units, found.get(name, 0))
        return found

    # -- load -------------------------------------------------------------------------------------------------

    def tell_load(self, now: float) -> None:
        """At the end of each batch: tell head what is free here, if it has changed and there are others."""
        if now < self._due:
            return
        load = self._load()
        if load != self._told or (self.heartbeat_s and now >= self._beat):
            self._told = load
            self._due = now + self.load_period_s
            self._beat = now + self.heartbeat_s
            self._effects().send(self.head, load)

    def _load(self) -> NodeLoad:
        return NodeLoad(dict(self._account.available), self.leaving, self._waiting())

    def next_wakeup(self) -> float | None:
        """When a change that was kept back may be told."""
        if not self.is_choice:
            return None
        if self._told != self._load():
            return self._due
        return self._beat if self.heartbeat_s else None

    def check(self) -> None:
        """This node is no neighbour of itself; nobody of a dead node is awaited."""
        assert self.me not in self.views
        assert not any(node_tag(node) in self.dead for node in self.views), "MB1: a dead node is counted on"
        assert not any(node_tag(process) in self.dead for process in self.watched)
