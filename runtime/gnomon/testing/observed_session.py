"""ObservedSession: a local session with its inner state in reach, and the zero check at its end.

Not an API to build on: it looks into the driver's role, for tests and storms alone.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from threading import Event
from typing import TYPE_CHECKING, Any

import gnomon
from gnomon._api import session
from gnomon.testing.processes import PATIENCE_S, expect_gone, marked, process_name

if TYPE_CHECKING:
    from gnomon._messages.cluster import NodeReport

SETTLE_S = 20.0
"""How long references and resources may take to be given back, on a machine with other work."""


def forget_exceptions() -> None:
    """Let go of what the last exceptions hold: frames, and the references in them."""
    for name in ("last_value", "last_traceback", "last_type", "last_exc"):
        sys.__dict__.pop(name, None)
    gc.collect()


class ObservedSession:
    """A running local session, looked at from inside its driver."""

    def __init__(self) -> None:
        engine: Any = session.engine()
        self.engine = engine
        self.core = engine.core
        self.role = engine.core.role
        self.config = engine.config
        self.page_bytes = self.report().store_used

    @classmethod
    def start(cls, **options: Any) -> ObservedSession:
        """``gnomon.init`` with two CPUs and a store of 64 MB unless told otherwise."""
        given = {"num_cpus": 2, "object_store_memory": 64 * 2**20, "log_to_driver": False, **options}
        gnomon.init(engine="local", **given)
        return cls()

    def runs(self) -> bool:
        """Whether it is still this process's session."""
        return session.current is self.engine

    def report(self) -> NodeReport:
        """The first node's state as it tells it."""
        return self.reports()[0]

    def reports(self) -> list[NodeReport]:
        """The state of each node that lives, the first one first."""
        return [report for report in self.engine.view.reports() if report.alive]

    def store_used(self) -> int:
        """Bytes of objects in the store."""
        return int(self.report().store_used - self.page_bytes)

    def alive(self) -> set[int]:
        """Pids of living processes of the session, the driver left out."""
        return marked(self.config.session) - {os.getpid()}

    def worker_pids(self) -> set[int]:
        """Pids of the session's worker processes, those of actors too."""
        return {pid for pid in self.alive() if process_name(pid) == "gnomon:worker"}

    def leased_pids(self) -> list[int]:
        """Pids of the workers that this driver uses now."""
        entries = self.engine.ledger.workers.entries
        return [int(entries[leased.number][1]) for leased in list(self.role.tasks.dispatch.leased.values())]

    def actor_pid(self, handle: Any) -> int:
        """The process of an actor that this driver calls; 0 while it is known to have none."""
        client = self.role.calls.clients.clients.get(handle._actor_id)
        return int(client.pid) if client is not None and client.worker is not None else 0

    def held(self) -> list[str]:
        """What this driver and the nodes still hold for somebody; empty when nobody holds anything."""
        role = self.role
        tables = {
            "references": role.references.entries,
            "values": role.references.values,
            "awaited values": role.references.dependents,
            "tasks": role.tasks.records,
            "calls": role.calls.records,
            "generators": role.streams.streams,
            "leases": role.tasks.dispatch.leased,
        }
        found = [f"{len(table)} {name}: {list(table)[:3]}" for name, table in tables.items() if table]
        for report in self.reports():
            if report.available != report.resources:
                found.append(f"available {report.available} of {report.resources}")
            if report.store_used != self.page_bytes:
                found.append(f"{report.store_used - self.page_bytes} bytes of the store")
        return found

    def expect_nothing_held(self, limit_s: float = SETTLE_S) -> None:
        """The zero check inside the session: references, tasks, resources and blocks are all given back.

        Raises:
            AssertionError: something is held after ``limit_s`` seconds; names it.
        """
        deadline = time.monotonic() + limit_s
        while left := self.held():
            assert time.monotonic() < deadline, f"left: {left[:10]}"
            forget_exceptions()
            Event().wait(0.02)
        self.check()

    def check(self) -> None:
        """The invariants of the driver's role."""
        with self.core.loop.lock:
            self.role.check()

    def end(self, limit_s: float = PATIENCE_S) -> None:
        """Shut down; afterwards nothing is left, or an AssertionError names it."""
        gnomon.shutdown()
        config = self.config
        self.__dict__.clear()  # pytest keeps this object longer than its files may be open
        expect_gone(config.session, config.directory, limit_s=limit_s)
