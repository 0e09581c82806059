"""A node as it tells of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gnomon._core.effects import Effects
from gnomon._messages.cluster import NodeReport, NodeStatus

if TYPE_CHECKING:
    from gnomon._core.node import Node


def report_of(node: Node) -> NodeReport:
    """How it is now."""
    allocator = node.blocks.allocator
    return NodeReport(
        node.node,
        node.me,
        node.pid,
        True,
        dict(node.account.total),
        dict(node.account.available),
        len(node.pool),
        allocator.used_bytes,
        allocator.capacity_bytes - node.extra_bytes,
        node.labels,
        len(node.neighbours.views) + 1,
        node.blocks.spilling.spilled_bytes,
    )


class ReportMachine:
    """Whoever looks at the views hears how this node is, when that has changed, every ``period_s`` at most."""

    def __init__(self, node: Node, effects: Callable[[], Effects], period_s: float) -> None:
        self.node = node
        self._effects = effects
        self.period_s = period_s
        self._due = 0.0
        self._told: NodeReport | None = None

    def run(self, now: float) -> None:
        """At the end of each batch of events."""
        if not self.node.observers:
            self._told = None
            return
        if now < self._due:
            return
        report = report_of(self.node)
        self._due = 0.0
        if report != self._told:
            self._told = report
            self._due = now + self.period_s
            for observer in self.node.observers:
                self._effects().send(observer, NodeStatus(0, report))

    def next_wakeup(self) -> float | None:
        """When it may be told again."""
        return self._due or None
