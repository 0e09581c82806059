"""What a process of a session is told at birth. Passed by inherited file descriptor, never by argv.

A session has one driver, which starts it and whose end is its end; or it is a cluster that lives by itself
(``gnomon start --head``), and drivers join and leave. Each driver is a *job*: every worker belongs to one.
"""

from __future__ import annotations

import msgspec

from gnomon.ids import JobID, NodeID, WorkerID

NO_JOB = JobID(b"")
"""The job of a cluster that no driver has started."""

NOBODY = WorkerID(b"")
"""The driver of a cluster that no driver has started."""


class JobSpec(msgspec.Struct, frozen=True, array_like=True):
    """One job: a driver, and how its workers see the world.

    Attributes:
        namespace: where names of its actors live unless they say otherwise.
        sys_path: the driver's module path, so that modules beside the notebook import in tasks.
        main_module: what ``__main__`` is in the driver: a script's path, or "" for a notebook.
        pid: of the driver; with ``started`` (clock ticks since boot) this names one process for good.
        entrypoint: the driver's command line, for people.
        hidden: it only looks (``gnomon status``): it is not listed and gets no workers ahead of time.
    """

    job: JobID
    driver: WorkerID
    namespace: str = ""
    sys_path: list[str] = []
    working_directory: str = ""
    main_module: str = ""
    pid: int = 0
    started: int = 0
    entrypoint: str = ""
    hidden: bool = False


class SessionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One session, as its driver starts it; or the keeper of a cluster: then ``driver`` is NOBODY.

    Attributes:
        directory: 0700; holds the ipc sockets (``<worker id in hex>.s``), ``logs/`` and ``spilled/``.
        arena_fd: memfd of the object store, inherited by every process.
        lifeline_fd: read end of a pipe whose only write end the driver holds: end of file means that the
            driver is gone and so must be everything else.
        resources: of the node, in units.
        gpus: names of the node's GPUs; numbers from 0 unless ``CUDA_VISIBLE_DEVICES`` named some.
        spill_directories: where values go that find no room in the store; [] is in ``directory``.
        prestart: workers to fork at once.
        sys_path: the driver's module path, so that modules beside the notebook import in tasks.
        labels: of the node, its id among them.
        main_module: what ``__main__`` is in the driver: a script's path, or "" for a notebook.
        driver_pid, entrypoint: as in JobSpec.
        with_head: head lives beside this node, and the session ends with it; false for a node that was added.
        grows: nodes may be added: what no node has so much of waits for one that has.
    """

    session: str
    directory: str
    driver: WorkerID
    job: JobID
    node: NodeID
    node_process: WorkerID
    head_process: WorkerID
    namespace: str
    arena_fd: int
    arena_bytes: int
    lifeline_fd: int
    resources: dict[str, int]
    prestart: int
    workers_max: int
    working_directory: str
    sys_path: list[str]
    main_module: str = ""
    settings: dict[str, int | float | str] = {}
    labels: dict[str, str] = {}
    gpus: list[int | str] = []
    spill_directories: list[str] = []
    driver_pid: int = 0
    entrypoint: str = ""
    with_head: bool = True
    grows: bool = False


def first_job(config: SessionConfig) -> JobSpec | None:
    """The job of the driver that starts the session; None when none does."""
    if config.driver == NOBODY:
        return None
    return JobSpec(
        config.job,
        config.driver,
        config.namespace,
        config.sys_path,
        config.working_directory,
        config.main_module,
        config.driver_pid,
        0,
        config.entrypoint,
    )


def config_of_job(config: SessionConfig, job: JobSpec) -> SessionConfig:
    """The session as the processes of one of its jobs see it."""
    return msgspec.structs.replace(
        config,
        driver=job.driver,
        job=job.job,
        namespace=job.namespace,
        sys_path=job.sys_path,
        working_directory=job.working_directory,
        main_module=job.main_module,
        driver_pid=job.pid,
        entrypoint=job.entrypoint,
    )


class WorkerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One worker to fork.

    Attributes:
        environment: variables to set in it, on top of the zygote's.
        slot: its place in the arena's first bytes, where it notes the task it has begun last.
        job: the job it belongs to; None is the first one.
    """

    worker: WorkerID
    environment: dict[str, str] = {}
    slot: int = 0
    job: JobSpec | None = None


class WorkerExit(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's process has ended.

    Attributes:
        code: exit code, or minus the signal's number.
    """

    worker: WorkerID
    pid: int
    code: int
