"""Starting the local engine, the slow part first: the interpreter of the session's processes starts while
this one still imports.

Nothing here may import ZeroMQ, pickling or the core: that takes as long as the other interpreter's start.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import msgspec

from gnomon._engine.base import InitOptions, node_labels
from gnomon._messages.session import NO_JOB, NOBODY, JobSpec, SessionConfig, config_of_job
from gnomon._shell import lifeline, reaping, session_directory
from gnomon._shell.session_process import SessionProcess, start_session
from gnomon._store.arena import EXTRA_BYTES, create_memfd
from gnomon.exceptions import ClusterNotFoundError
from gnomon.ids import WORKER_ID_BYTES, JobID, NodeID, WorkerID, first_process, process_id
from gnomon.resources import UNITS
from gnomon.settings import Settings, spill_directories

if TYPE_CHECKING:
    from gnomon._engine.local import LocalEngine
    from gnomon._engine.local_session import JoinedSession

PRESTART_MAX = 8
"""Workers forked at the start, at most: the pool grows by itself."""

WORKERS_MAX = 4096
"""Worker processes per node: far above what a machine runs well, below what its process table bears."""

FIRST_JOB = JobID((1).to_bytes(4, "little"))

ENTRYPOINT_CHARACTERS_MAX = 200

JOB_BYTES_MAX = 48 * 1024
"""Largest description of a job: it goes with every order for a worker, see ``zygote.SPEC_BYTES_MAX``."""


class LocalStarter:
    """What ``init(engine="local")`` calls."""

    @classmethod
    def start(cls, options: InitOptions) -> LocalEngine:
        """Start a session of this process's own, whose processes are still starting when this returns; or join
        the cluster at ``options.address``.

        Raises:
            ClusterNotFoundError: there is no cluster at that address.
        """
        if options.address is not None:
            return _join(options, options.address)
        config, lifeline_write = make_config(options)
        process: SessionProcess = start_session(config, lifeline_write)
        try:
            from gnomon._engine.local import LocalEngine
            from gnomon._engine.local_session import LocalSession

            return LocalEngine(LocalSession(config, process), None, options.log_to_driver)
        except BaseException:
            process.kill()
            raise


_SETTINGS_OF_PROCESSES = (
    "inline_result_max_bytes", "lineage_max_bytes", "large_capture_bytes", "memory_monitor_refresh_ms",
    "memory_usage_threshold", "min_spilling_size", "task_oom_retries",
)  # fmt: skip
"""What the processes of a session read of the settings."""


def make_config(options: InitOptions, kept: bool = False, grows: bool = False) -> tuple[SessionConfig, int]:
    """A new session.

    Args:
        options: what it shall have.
        kept: it is a cluster that this process keeps for others, and not the driver of.
        grows: nodes may be added to it.

    Returns:
        (its config, the write end of its lifeline).
    """
    settings = Settings()
    spilled = spill_directories(options.settings.get("object_spilling_config"))
    capacity = options.object_store_memory or _default_capacity(settings)
    directory = session_directory.create()
    lifeline_read, lifeline_write = lifeline.open_lifeline()
    cpus = max(1, options.resources.get("CPU", 0) // UNITS)
    process = first_process(1, os.urandom(WORKER_ID_BYTES))
    node = NodeID(process)  # one id for people, whether a message names the node or its process
    config = SessionConfig(
        session=os.urandom(8).hex(),
        directory=directory,
        driver=NOBODY if kept else _identity(process),
        job=NO_JOB if kept else FIRST_JOB,
        node=node,
        node_process=process,
        head_process=_identity(process),
        namespace=options.namespace,
        arena_fd=create_memfd(capacity + EXTRA_BYTES, directory),
        arena_bytes=capacity + EXTRA_BYTES,
        lifeline_fd=lifeline_read,
        resources=dict(options.resources),
        prestart=min(cpus, PRESTART_MAX),
        workers_max=WORKERS_MAX,
        working_directory=os.getcwd(),
        sys_path=_sys_path(),
        main_module=_main_module(),
        settings={
            name: options.settings.get(name, getattr(settings, name)) for name in _SETTINGS_OF_PROCESSES
        },
        spill_directories=spilled,
        labels=node_labels(node, options.labels),
        gpus=list(options.gpus),
        driver_pid=os.getpid(),
        entrypoint=_entrypoint(),
        grows=grows,
    )
    return config, lifeline_write


def node_config(session: SessionConfig, options: InitOptions, number: int) -> SessionConfig:
    """One more node for a session; its ``arena_fd`` is new and belongs to the caller.

    Args:
        session: as its first node has it.
        options: what the node shall have.
        number: by which it is called, from 2 on; never one that another node of the session has had.
    """
    process = first_process(number, os.urandom(WORKER_ID_BYTES))
    node = NodeID(process)
    capacity = options.object_store_memory or _default_capacity(Settings())
    return msgspec.structs.replace(
        session,
        node=node,
        node_process=process,
        with_head=False,
        arena_fd=create_memfd(capacity + EXTRA_BYTES, session.directory),
        arena_bytes=capacity + EXTRA_BYTES,
        resources=dict(options.resources),
        prestart=min(max(1, options.resources.get("CPU", 0) // UNITS), PRESTART_MAX),
        labels=node_labels(node, options.labels),
        gpus=list(options.gpus),
    )


# -- joining ------------------------------------------------------------------------------------------------------


def find_cluster(address: str) -> str:
    """The directory of the cluster at an address: "auto" is the newest of this user, a path that one.

    Raises:
        ClusterNotFoundError: there is none.
    """
    if address != "auto":
        return os.path.abspath(address)
    from gnomon._shell import cluster_records

    living = cluster_records.living()
    if not living:
        raise ClusterNotFoundError(address, "no cluster of this user is running")
    return living[0].directory


def _join(options: InitOptions, address: str) -> LocalEngine:
    from gnomon._engine.local import LocalEngine

    session = enter_cluster(address, options.namespace)
    return LocalEngine(session, None, options.log_to_driver)


def enter_cluster(address: str, namespace: str, look: bool = False) -> JoinedSession:
    """Become a driver of a cluster; its first word is said by ``open``.

    Args:
        address: as ``init`` takes it.
        namespace: of the job.
        look: only look: no job is listed, no workers are started.

    Raises:
        ClusterNotFoundError: there is no cluster at that address.
        ValueError: this process's module path is too long to be handed on.
    """
    from gnomon._engine.local_session import JoinedSession
    from gnomon._shell import cluster_door

    kind = cluster_door.LOOK if look else cluster_door.JOIN
    answer = cluster_door.enter(find_cluster(address), kind)
    config, pid = answer.config, os.getpid()
    try:
        job = JobSpec(
            answer.job,
            _identity(config.node_process),
            namespace,
            _sys_path(),
            os.getcwd(),
            _main_module(),
            pid,
            reaping.start_time(pid),
            _entrypoint(),
            look,
        )
        size = len(msgspec.msgpack.encode(job))
        if size > JOB_BYTES_MAX:
            raise ValueError(
                f"This process's sys.path takes {size:,} bytes, workers of a cluster can be told "
                f"{JOB_BYTES_MAX:,}: remove entries that tasks do not need."
            )
        return JoinedSession(config_of_job(config, job), job, address)
    except BaseException:
        os.close(config.arena_fd)
        os.close(config.lifeline_fd)
        raise


def _identity(node: WorkerID) -> WorkerID:
    return process_id(node, os.urandom(WORKER_ID_BYTES))


def _sys_path() -> list[str]:
    return [path or os.getcwd() for path in sys.path]


def _main_module() -> str:
    return getattr(sys.modules["__main__"], "__file__", None) or ""


def _entrypoint() -> str:
    """The command line, for people who look at the list of jobs."""
    return shlex.join(sys.orig_argv)[:ENTRYPOINT_CHARACTERS_MAX]


def _default_capacity(settings: Settings) -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(int(memory * settings.object_store_fraction), settings.object_store_default_max_bytes)
