"""``%remote start``, ``stop`` and ``status``: one session, or one of several nodes on this machine.

Several nodes are a cluster that this process keeps (:mod:`gnomon.cluster_utils`); ``stop`` ends it with the
session. The one rule for a changer: ``start`` is idempotent, so that a notebook runs again from the top.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

import gnomon
import gnomon.exceptions
from gnomon import observe
from gnomon_kernel.display import count, duration, resources_line, say, state_words, table

if TYPE_CHECKING:
    from gnomon.cluster_utils import Cluster

_NODE_OPTIONS = ("num_cpus", "num_gpus", "resources", "object_store_memory")


class Sessions:
    """The session of this process; ``sessions`` below, which outlives ``%reload_ext``.

    Attributes:
        _cluster: what ``start --nodes`` has made, until it is stopped.
        _node_options: those of each of its nodes.
    """

    def __init__(self) -> None:
        self._cluster: Cluster | None = None
        self._node_options: Mapping[str, Any] = {}
        self._changing = threading.Lock()

    def start(self, options: argparse.Namespace) -> None:
        """Start a session, or tell what runs.

        Raises:
            UsageError: a session with other options runs, or there is no such engine.
        """
        asked = {
            "num_cpus": options.cpus,
            "num_gpus": options.gpus,
            "resources": options.resources,
            "object_store_memory": options.memory,
            "namespace": options.namespace,
            "engine": options.engine,
            "address": options.address,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        _check(options)
        running = gnomon.is_initialized()
        if running and (not given or options.nodes):
            self._check_nodes(options.nodes)
            say(status_line("is running"))
            return
        before = time.monotonic()
        self._start(given, options.nodes)
        took_s = time.monotonic() - before
        took = duration(took_s) if took_s >= 0.1 else f"{1e3 * took_s:.0f} ms"
        alone = not running and options.nodes in (None, 1) and options.address is None
        say(status_line("is running") if running else f"{status_line('started', alone)}, after {took}")

    def stop(self) -> None:
        """End the session, and the nodes that were started for it."""
        running = gnomon.is_initialized()
        gnomon.shutdown()
        self._end_cluster()
        say("gnomon stopped" if running else "gnomon: nothing is running")

    def status(self) -> None:
        """Tell what runs, and how far its tasks are."""
        if not gnomon.is_initialized():
            say("gnomon is not running; start it with: %remote start")
            return
        say(f"{status_line('is running')}\ntasks: {state_words(observe.summary()['tasks'])}")

    def check(self, options: argparse.Namespace) -> None:
        """Tell what of this notebook does not fit a cluster.

        Raises:
            UsageError: there is no cluster at that address.
        """
        try:
            found = observe.check_address(options.address)
        except (gnomon.exceptions.ClusterNotFoundError, gnomon.exceptions.UnsupportedOptionError) as error:
            raise UsageError(f"%remote check: {error}") from None
        if not found:
            say(f"{options.address}: all fits, join it with: %remote start --address {options.address}")
            return
        rows = [
            (each.what, each.here or "not there", each.there or "not there", each.means) for each in found
        ]
        say(table(("differs", "here", "there", "so"), rows))

    def why_no_node(self) -> str:
        """Why :meth:`add_node` can not add one; "" if it can."""
        if self._cluster is not None:
            return ""
        if not gnomon.is_initialized():
            return "No cluster is running."
        return (
            "This session is not a cluster that this notebook keeps: start one with %remote start --nodes 2."
        )

    def add_node(self) -> str:
        """Start one more node like the others; it joins a moment later. Any thread.

        Returns:
            A sentence on what has come of it.
        """
        with self._changing:
            cluster = self._cluster
            if cluster is None:
                return self.why_no_node()
            try:
                node = cluster.add_node(wait=False, **self._node_options)
            except gnomon.exceptions.ClusterNotFoundError as error:
                return str(error)
            own = self._node_options
            amounts = {"CPU": own["num_cpus"], "GPU": own.get("num_gpus", 0), **own.get("resources", {})}
            return f"A node is starting (pid {node.pid}), with {resources_line(amounts)}."

    def _start(self, given: dict[str, Any], nodes: int | None) -> None:
        try:
            if nodes is not None and nodes > 1:
                self._start_nodes(given, nodes)
            else:
                gnomon.init(**given)
        except gnomon.exceptions.AlreadyInitializedError as error:
            told = [f"{name} is {now!r}, not {new!r}" for name, (now, new) in error.differences.items()]
            raise UsageError(
                f"%remote start: a session runs already, and its {', its '.join(told)}. "
                "Run %remote stop first, or leave the options out to keep it."
            ) from None

    def _start_nodes(self, given: Mapping[str, Any], nodes: int) -> None:
        from gnomon.cluster_utils import Cluster

        self._end_cluster()
        own = {name: given[name] for name in _NODE_OPTIONS if name in given}
        own.setdefault("num_cpus", max(1, (os.cpu_count() or 1) // nodes))
        cluster = Cluster(initialize_head=True, head_node_args=own)
        try:
            for _ in range(nodes - 1):
                cluster.add_node(wait=False, **own)
            cluster.wait_for_nodes()
            self._cluster, self._node_options = cluster, own  # known before any view hears of the session
            cluster.connect(namespace=given.get("namespace"))
        except BaseException:
            self._cluster = None
            cluster.shutdown()
            raise

    def _end_cluster(self) -> None:
        with self._changing:
            cluster, self._cluster = self._cluster, None
            if cluster is not None:
                cluster.shutdown()

    def _check_nodes(self, asked: int | None) -> None:
        living = sum(bool(node["Alive"]) for node in gnomon.nodes()) if asked is not None else 0
        if asked is not None and asked != living:
            raise UsageError(
                f"%remote start: a session runs already, and it has {count(living, 'node')}, not {asked}. "
                "Run %remote stop first, or leave --nodes out to keep it."
            )


sessions = Sessions()
"""Those of this process: a session belongs to it, not to a shell."""


def status_line(verb: str, alone: bool = False) -> str:
    """``gnomon is running (local engine): 2 CPUs, store 1.2 GB``; a session must run.

    Args:
        verb: what it does.
        alone: it has one node for sure; to ask for the others would wait until its processes have started.
    """
    session = gnomon.init(ignore_reinit_error=True)  # with a running session this only returns its facts
    living = sum(bool(node["Alive"]) for node in gnomon.nodes()) if not alone else 1
    if living > 1:
        resources: Mapping[str, float] = gnomon.cluster_resources()
    else:
        resources = {**session["resources"], "object_store_memory": session["object_store_bytes"]}
    where = f"{session['engine']} engine{f', {living} nodes' if living > 1 else ''}"
    return f"gnomon {verb} ({where}): {resources_line(resources)}"


def _check(options: argparse.Namespace) -> None:
    if options.engine == "ray":
        raise UsageError(
            "%remote start --engine ray: the engine that runs on a Ray cluster is not part of gnomon yet. "
            "Use local (processes of this machine) or inline (in the kernel, to debug)."
        )
    if options.nodes and options.nodes > 1:
        for name in ("engine", "address"):
            value = getattr(options, name)
            if value not in (None, "local"):
                raise UsageError(
                    f"%remote start: --nodes starts nodes of its own on this machine; --{name} {value} has none. "
                    "Leave one of the two out."
                )
