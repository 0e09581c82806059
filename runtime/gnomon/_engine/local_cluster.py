"""A cluster of several nodes on this machine, kept by the process that has made it.

this process ---- start_session ----> first node, head         (as the keeper of ``gnomon start`` does)
    |        ---- start_node -------> further nodes            each with its own zygote, workers and arena
    |  holds the lifeline: its end is theirs
    `- a thread at the door: drivers come in, this process may be one of them
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable

from gnomon._engine.base import InitOptions
from gnomon._engine.local_start import enter_cluster, make_config, node_config
from gnomon._messages.cluster import ClusterStatus, NodeReport, StatusAsked
from gnomon._messages.session import SessionConfig
from gnomon._shell import cluster_records
from gnomon._shell.cluster_door import Door
from gnomon._shell.session_process import AddedNode, SessionProcess, start_node, start_session
from gnomon.exceptions import ClusterNotFoundError, GetTimeoutError, NotInitializedError
from gnomon.ids import node_name

END_S = 3.0
"""How long a cluster may take to end by itself."""

LEAVE_S = 10.0
"""How long a node may take to leave in good order."""

PERIOD_S = 0.02
"""Between two looks at a cluster that is waited for."""


class ClusterNode:
    """One node of a cluster.

    Attributes:
        name: as views, prints and errors call it: ``node 2``.
        node_id: in hex, as ``gnomon.nodes()`` lists it.
        pid: of the node's process.
    """

    def __init__(self, config: SessionConfig, process: SessionProcess) -> None:
        self.config = config
        self.process = process
        self.name = node_name(config.node)
        self.node_id = config.node.hex()
        self.pid = process.pid

    def __repr__(self) -> str:
        return f"ClusterNode({self.name}, node_id={self.node_id}, pid={self.pid})"


class LocalCluster:
    """See the module. Thread-safe: no. Ends when this process ends, however that happens.

    Attributes:
        nodes: those that have been added and not removed, the first one first.
        directory: of the cluster, by which drivers find it.
    """

    def __init__(self, options: InitOptions) -> None:
        self._creator = os.getpid()
        self.config, lifeline_write = make_config(options, kept=True, grows=True)
        self.directory = self.config.directory
        self._process = start_session(self.config, lifeline_write)
        self.nodes = [ClusterNode(self.config, self._process)]
        self._number = 1
        self._door = Door(self.config)
        self._record = cluster_records.write(self.config.session, self.directory)
        self._wake, self._wake_write = os.pipe()
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="gnomon-cluster", daemon=True)
        self._keeper.start()

    def _keep(self) -> None:
        """Answer at the door until the cluster ends."""
        poller = select.poll()
        for fd in (self._process.fileno(), self._door.fileno(), self._wake):
            poller.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poller.poll()}
            if ready & {self._process.fileno(), self._wake}:
                break
            if self._door.serve():
                break
        self._ended.set()
        self._door.close()
        cluster_records.remove(self._record)
        self._process.end(END_S)

    def add(self, options: InitOptions) -> ClusterNode:
        """Start one more node; it joins by itself a moment later.

        Raises:
            ClusterNotFoundError: the cluster has ended.
        """
        if self._ended.is_set():
            raise ClusterNotFoundError(self.directory, "it has ended")
        self._number += 1
        config = node_config(self.config, options, self._number)
        try:
            node = ClusterNode(config, start_node(config))
        finally:
            os.close(config.arena_fd)
        self.nodes.append(node)
        return node

    def remove(self, node: ClusterNode, graceful: bool) -> None:
        """End a node that was added: in good order, or at once as by a power cut."""
        self.nodes.remove(node)
        assert isinstance(node.process, AddedNode)
        if graceful:
            node.process.end(LEAVE_S)
        else:
            node.process.kill()

    def reports(self) -> tuple[NodeReport, ...]:
        """What head knows of the nodes, dead ones too.

        Raises:
            ClusterNotFoundError: the cluster has ended.
        """
        session = enter_cluster(self.directory, "", look=True)
        core = session.open(lambda command: None, lambda reason: None)
        try:
            found = core.ask(session.config.head_process, StatusAsked)
        except (GetTimeoutError, NotInitializedError) as error:
            raise ClusterNotFoundError(self.directory, "it does not answer") from error
        finally:
            session.end()
        assert isinstance(found, ClusterStatus)
        return found.nodes

    def wait(self, condition: Callable[[tuple[NodeReport, ...]], bool], timeout_s: float) -> bool:
        """Ask until ``condition`` is true of the nodes' reports; False after ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        while not condition(self.reports()):
            if self._ended.wait(min(PERIOD_S, max(0.0, deadline - time.monotonic()))):
                raise ClusterNotFoundError(self.directory, "it has ended")
            if time.monotonic() >= deadline:
                return False
        return True

    def end(self) -> None:
        """End all nodes and wait for it. Safe to call repeatedly; does nothing in a fork of this process."""
        if os.getpid() != self._creator or self._wake_write < 0:
            return
        os.close(self._wake_write)
        self._wake_write = -1
        self._keeper.join()
        os.close(self._wake)
        for node in self.nodes[1:]:
            node.process.kill()
        self._process.kill()
        self.nodes.clear()
        for fd in (self.config.arena_fd, self.config.lifeline_fd):
            os.close(fd)
