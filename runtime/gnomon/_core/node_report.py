"""A node as it tells of itself, and of what took its time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from gnomon._core.effects import Effects, MeasureMemory
from gnomon._messages.cluster import NodeReport, NodeStatus, ReportedSpan, SpansReported
from gnomon.ids import WorkerID

if TYPE_CHECKING:
    from gnomon._core.node import Node

PROCESSES_MAX = 64
"""Workers that a report names; it counts all."""

SPANS_MAX = 500
"""Kept between two reports."""

_MEBIBYTE = 1 << 20
_STARTING, _IDLE, _LEASED = 0, 1, 2


def report_of(node: Node) -> NodeReport:
    """How it is now."""
    return NodeReport(
        node.node,
        node.me,
        node.pid,
        True,
        dict(node.account.total),
        dict(node.account.available),
        len(node.pool),
        *node.blocks.filling(),
        node.labels,
        len(node.neighbours.views) + 1,
        node.blocks.spilling.spilled_bytes,
        _processes(node),
        dict(node.pulls.received),
        node.reports.memory_bytes,
        node.leases.blocked_tasks(),
    )


def _processes(node: Node) -> tuple[tuple[WorkerID, int, int], ...]:
    pool = node.pool
    found: list[tuple[WorkerID, int, int]] = []
    for worker in pool.jobs:
        if len(found) == PROCESSES_MAX:
            break
        state = _LEASED if worker in pool.leased else _STARTING if worker in pool.starting else _IDLE
        if worker not in pool.retired:
            found.append((worker, pool.pids.get(worker, 0), state))
    return tuple(found)


class ReportMachine:
    """Whoever looks at the views hears how this node is, when that has changed, every ``period_s`` at most.

    Attributes:
        memory_bytes: as last measured, in whole mebibytes: asked for with a report, every ``memory_period_s`` at most.
    """

    def __init__(
        self, node: Node, effects: Callable[[], Effects], period_s: float, memory_period_s: float = 2.0
    ) -> None:
        self.node = node
        self._effects = effects
        self.period_s = period_s
        self.memory_period_s = memory_period_s
        self.memory_bytes = 0
        self._due = 0.0
        self._memory_due = 0.0
        self._told: NodeReport | None = None
        self._spans: deque[ReportedSpan] = deque(maxlen=SPANS_MAX)
        node.pulls.on_copied = self._copied
        node.blocks.spilling.on_spilled = lambda began, size: self._note("spill", began, size)
        node.blocks.restoring.on_read = lambda began, size: self._note("restore", began, size)

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
            self._measure(now)
        if self._spans:
            self._due = now + self.period_s
            spans = tuple(self._spans)
            self._spans.clear()
            for observer in self.node.observers:
                self._effects().send(observer, SpansReported(spans))

    def _measure(self, now: float) -> None:
        if now >= self._memory_due:
            self._memory_due = now + self.memory_period_s
            self._effects().do(MeasureMemory((self.node.pid, *self.node.pool.pids.values())))

    def on_measured(self, memory_bytes: int) -> None:
        """The shell's answer."""
        self.memory_bytes = -(-memory_bytes // _MEBIBYTE) * _MEBIBYTE

    def _copied(self, began: float, size: int, source: WorkerID) -> None:
        view = self.node.neighbours.views.get(source)
        self._note("transfer", began, size, "" if view is None else view.node.hex())

    def _note(self, kind: str, began: float, size: int, about: str = "") -> None:
        if self.node.observers:
            self._spans.append(ReportedSpan(kind, self.node.me, began, self.node.now, size, about))

    def next_wakeup(self) -> float | None:
        """When it may be told again."""
        return self._due or None
