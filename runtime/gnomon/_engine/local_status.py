"""What is there and what is free: questions to head, answered by the nodes."""

from __future__ import annotations

import socket
from typing import Any

from gnomon._messages.cluster import ClusterStatus, NodeReport, StatusAsked
from gnomon._shell.core_worker import CoreWorker
from gnomon.ids import node_name
from gnomon.resources import Resources, add, to_amounts


class ClusterView:
    """The cluster as a driver or worker sees it; each call asks anew."""

    def __init__(self, core: CoreWorker) -> None:
        self._core = core

    def reports(self) -> tuple[NodeReport, ...]:
        """One report per node."""
        status = self._core.ask(self._core.config.head_process, StatusAsked)
        assert isinstance(status, ClusterStatus)
        return status.nodes

    def nodes(self) -> list[dict[str, Any]]:
        """One dict per node, with Ray's keys."""
        host = socket.gethostname()
        return [
            {
                "NodeID": report.node.hex(),
                "Alive": report.alive,
                "NodeName": node_name(report.node),
                "NodeManagerAddress": "127.0.0.1",
                "NodeManagerHostname": host,
                "Resources": to_amounts(report.resources),
                "Labels": dict(report.labels),
                "alive": report.alive,
            }
            for report in self.reports()
        ]

    def totals(self) -> Resources:
        """All resources of the living nodes, in units."""
        found: Resources = {}
        for report in self.reports():
            if report.alive:
                add(found, report.resources)
        return found

    def available(self) -> Resources:
        """What nobody holds, in units."""
        found: Resources = {}
        for report in self.reports():
            if report.alive:
                add(found, report.available)
        return {name: units for name, units in found.items() if units}

    def store(self) -> tuple[int, int]:
        """Capacity and use of the stores of the living nodes, in bytes."""
        living = [report for report in self.reports() if report.alive]
        return sum(report.store_capacity for report in living), sum(report.store_used for report in living)
