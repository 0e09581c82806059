"""Starting the local engine, the slow part first: the interpreter of the session's processes starts while
this one still imports.

Nothing here may import ZeroMQ, pickling or the core: that takes as long as the other interpreter's start.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from gnomon._engine.base import InitOptions, node_labels
from gnomon._messages.session import SessionConfig
from gnomon._shell import lifeline, session_directory
from gnomon._shell.session_process import SessionProcess, start_session
from gnomon._store.arena import create_memfd
from gnomon.ids import WORKER_ID_BYTES, JobID, NodeID, WorkerID
from gnomon.resources import UNITS
from gnomon.settings import Settings

if TYPE_CHECKING:
    from gnomon._engine.local import LocalEngine

PRESTART_MAX = 8
"""Workers forked at the start, at most: the pool grows by itself."""

WORKERS_MAX = 4096
"""Worker processes per node: far above what a machine runs well, below what its process table bears."""


class LocalStarter:
    """What ``init(engine="local")`` calls."""

    @classmethod
    def start(cls, options: InitOptions) -> LocalEngine:
        """Start a session of this process's own; returns while its processes are still starting."""
        config, lifeline_write = _make_config(options)
        process: SessionProcess = start_session(config, lifeline_write)
        try:
            from gnomon._engine.local import LocalEngine
            from gnomon._engine.local_session import LocalSession

            return LocalEngine(LocalSession(config, process), None, options.log_to_driver)
        except BaseException:
            process.kill()
            raise


def _make_config(options: InitOptions) -> tuple[SessionConfig, int]:
    settings = Settings()
    capacity = options.object_store_memory or _default_capacity(settings)
    directory = session_directory.create()
    lifeline_read, lifeline_write = lifeline.open_lifeline()
    cpus = max(1, options.resources.get("CPU", 0) // UNITS)

    def identity() -> WorkerID:
        return WorkerID(os.urandom(WORKER_ID_BYTES))

    driver = identity()
    node = NodeID(os.urandom(8))
    config = SessionConfig(
        session=os.urandom(8).hex(),
        directory=directory,
        driver=driver,
        job=JobID(driver[:4]),
        node=node,
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
        labels=node_labels(node, options.labels),
    )
    return config, lifeline_write


def _default_capacity(settings: Settings) -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(int(memory * settings.object_store_fraction), settings.object_store_default_max_bytes)
