"""A node as it tells of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gnomon._messages.cluster import NodeReport

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
