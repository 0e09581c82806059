"""Starting and ending the processes of a local session, seen from its driver."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from gnomon._core.effects import Command
from gnomon._engine.base import InitOptions
from gnomon._messages.session import SessionConfig
from gnomon._shell import lifeline, session_directory
from gnomon._shell.core_worker import CoreWorker, past_owners
from gnomon._shell.session_process import SessionProcess, start_session
from gnomon._store.arena import create_memfd
from gnomon.ids import WORKER_ID_BYTES, JobID, NodeID, WorkerID
from gnomon.resources import UNITS
from gnomon.settings import Settings

PRESTART_MAX = 8
"""Workers forked at the start, at most: the pool grows by itself."""

WORKERS_MAX = 4096
"""Worker processes per node: far above what a machine runs well, below what its process table bears."""


class LocalSession:
    """A driver's own processes.

    Args:
        perform: carries out the role's commands that are not the core worker's own.
        on_lost: called with the reason when the session has ended by itself.
    """

    def __init__(
        self, options: InitOptions, perform: Callable[[Command], None], on_lost: Callable[[str], None]
    ) -> None:
        self._on_lost = on_lost
        self.config, lifeline_write = _make_config(options)
        self.process: SessionProcess = start_session(self.config, lifeline_write)
        watched = {self.process.fileno(): self._lost} if self.process.fileno() >= 0 else {}
        self._told = False
        os.close(self.config.lifeline_fd)
        self.core = CoreWorker(self.config, self.config.driver, perform, watched)
        self.core.loop.start("gnomon-loop")

    def _lost(self) -> None:
        """The node's process has ended; in the loop's thread."""
        if not self._told:
            self._told = True
            self.core.loop.unwatch(self.process.fileno())
            self._on_lost(self.process.reason())

    def end(self) -> None:
        """End everything and wait for it."""
        self._told = True
        past_owners.add(self.config.driver)
        self.core.end("The session was shut down.")
        self.core.close()
        self.process.end(3.0)


def _make_config(options: InitOptions) -> tuple[SessionConfig, int]:
    settings = Settings()
    capacity = options.object_store_memory or _default_capacity(settings)
    directory = session_directory.create()
    lifeline_read, lifeline_write = lifeline.open_lifeline()
    cpus = max(1, options.resources.get("CPU", 0) // UNITS)

    def identity() -> WorkerID:
        return WorkerID(os.urandom(WORKER_ID_BYTES))

    driver = identity()
    config = SessionConfig(
        session=os.urandom(8).hex(),
        directory=directory,
        driver=driver,
        job=JobID(driver[:4]),
        node=NodeID(os.urandom(8)),
        node_process=identity(),
        head_process=identity(),
        namespace=options.namespace,
        arena_fd=create_memfd(capacity),
        arena_bytes=capacity,
        lifeline_fd=lifeline_read,
        resources=dict(options.resources),
        prestart=min(cpus, PRESTART_MAX),
        workers_max=WORKERS_MAX,
        working_directory=os.getcwd(),
        sys_path=[path or os.getcwd() for path in sys.path],
        main_module=getattr(sys.modules["__main__"], "__file__", None) or "",
        settings={
            "inline_result_max_bytes": options.settings.get(
                "inline_result_max_bytes", settings.inline_result_max_bytes
            )
        },
    )
    return config, lifeline_write


def _default_capacity(settings: Settings) -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(int(memory * settings.object_store_fraction), settings.object_store_default_max_bytes)
