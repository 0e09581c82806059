"""Clusters of several nodes on one machine, for tests and teaching.

    cluster = Cluster(head_node_args={"num_cpus": 2})
    node = cluster.add_node(num_cpus=2, resources={"special": 1})
    gnomon.init(address=cluster.address)
    ...
    cluster.remove_node(node, allow_graceful=False)        # what a power cut does
    gnomon.shutdown(); cluster.shutdown()

Each node is real: a process of its own, with its own workers and its own object store. They all end with the process that has
made the cluster.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from typing import Any

import gnomon
from gnomon._api import init_options
from gnomon._engine.local_cluster import ClusterNode, LocalCluster
from gnomon._messages.cluster import NodeReport
from gnomon.exceptions import ClusterNotFoundError

_NODE_ARGUMENTS = ("num_cpus", "num_gpus", "resources", "labels", "object_store_memory")
_DEFAULTS: Mapping[str, Any] = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 150 * 1024 * 1024}


class Cluster:
    """Several nodes on this machine.

    Args:
        initialize_head: start the first node now; else the first ``add_node`` does.
        connect: also call ``gnomon.init`` for this process.
        head_node_args: arguments of the first node, as of ``add_node``.
        shutdown_at_exit: end the cluster when this process exits in good order. When it is killed the cluster
            ends in any case.

    Attributes:
        head_node: the first node, or None.
        worker_nodes: the others.
    """

    def __init__(
        self,
        initialize_head: bool = False,
        connect: bool = False,
        head_node_args: Mapping[str, Any] | None = None,
        shutdown_at_exit: bool = True,
    ) -> None:
        self._cluster: LocalCluster | None = None
        self._exits = shutdown_at_exit
        self._connected = False
        if connect and not initialize_head:
            raise ValueError("connect=True needs a head node: pass initialize_head=True too.")
        if head_node_args and not initialize_head:
            raise ValueError("head_node_args need a head node: pass initialize_head=True too.")
        if shutdown_at_exit:
            atexit.register(self.shutdown)
        if initialize_head:
            self.add_node(**(head_node_args or {}))
            if connect:
                self.connect()

    @property
    def address(self) -> str:
        """What ``gnomon.init(address=...)`` takes.

        Raises:
            ClusterNotFoundError: there is no node yet.
        """
        return self._living().directory

    @property
    def head_node(self) -> ClusterNode | None:
        """The first node."""
        return self._cluster.nodes[0] if self._cluster is not None else None

    @property
    def worker_nodes(self) -> list[ClusterNode]:
        """The nodes that were added to the first."""
        return self._cluster.nodes[1:] if self._cluster is not None else []

    def list_all_nodes(self) -> list[ClusterNode]:
        """All nodes, the first one first."""
        return list(self._cluster.nodes) if self._cluster is not None else []

    def connect(self, namespace: str | None = None) -> None:
        """Join the cluster with this process, as ``gnomon.init(address=cluster.address)``."""
        gnomon.init(address=self.address, namespace=namespace)
        self._connected = True

    def add_node(self, wait: bool = True, **node_args: Any) -> ClusterNode:
        """Start a node.

        Args:
            wait: return when all nodes know of it: what it has can be asked for from then on.
            node_args: ``num_cpus`` (1), ``num_gpus`` (0), ``resources``, ``labels``, ``object_store_memory`` in
                bytes (150 MiB).

        Raises:
            TypeError, ValueError: a wrong argument.
            ClusterNotFoundError: the cluster has ended.
            TimeoutError: the node has not joined within 30 s.
        """
        unknown = sorted(set(node_args) - set(_NODE_ARGUMENTS))
        if unknown:
            raise TypeError(f"add_node() knows no {unknown[0]}; it takes {', '.join(_NODE_ARGUMENTS)}.")
        given = {**_DEFAULTS, **node_args, "address": "local"}
        init_options.check_init(given)
        options = init_options.init_options(given)
        if self._cluster is None:
            self._cluster = LocalCluster(options)
            node = self._cluster.nodes[0]
        else:
            node = self._cluster.add(options)
        if wait:
            self.wait_for_nodes()
        return node

    def remove_node(self, node: ClusterNode, allow_graceful: bool = True) -> None:
        """End a node, and return when all others know of it.

        Args:
            node: from ``add_node``; not the first one, with which the cluster ends (``shutdown``).
            allow_graceful: let tasks that run there end first (for 5 s at most); else kill it at once.

        Raises:
            ValueError: it is no node of this cluster, or the first one.
        """
        cluster = self._living()
        if node is cluster.nodes[0]:
            raise ValueError(
                "The first node can not be removed alone: the cluster ends with it. Call shutdown()."
            )
        if node not in cluster.nodes:
            raise ValueError(f"{node!r} is no node of this cluster (any more); see list_all_nodes().")
        cluster.remove(node, allow_graceful)
        self.wait_for_nodes()

    def wait_for_nodes(self, timeout: float = 30) -> None:
        """Wait until exactly the nodes of ``list_all_nodes`` live, and each knows of all others.

        Args:
            timeout: in seconds.

        Raises:
            TimeoutError: that is not so after ``timeout``.
        """
        cluster = self._living()
        wanted = {node.config.node for node in cluster.nodes}

        def complete(reports: tuple[NodeReport, ...]) -> bool:
            living = [report for report in reports if report.alive]
            return {report.node for report in living} == wanted and all(
                report.nodes_known == len(wanted) for report in living
            )

        if not cluster.wait(complete, timeout):
            living = sum(report.alive for report in cluster.reports())
            raise TimeoutError(
                f"{living} nodes live {timeout:g} s later, not the {len(wanted)} of list_all_nodes(); their last words "
                f"are in {cluster.directory}/logs."
            )

    def remaining_processes_alive(self) -> bool:
        """Whether every node that was not removed lives."""
        return all(node.process.poll() is None for node in self.list_all_nodes())

    def shutdown(self) -> None:
        """Leave the cluster, if ``connect`` has joined it, and end all nodes."""
        atexit.unregister(self.shutdown)
        if self._connected:
            self._connected = False
            gnomon.shutdown()
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.end()

    def _living(self) -> LocalCluster:
        if self._cluster is None:
            raise ClusterNotFoundError("", "this Cluster has no node: call add_node() first")
        return self._cluster


__all__ = ["Cluster", "ClusterNode"]
