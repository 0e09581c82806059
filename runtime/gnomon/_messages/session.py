"""What a process of a session is told at birth. Passed by inherited file descriptor, never by argv."""

from __future__ import annotations

import msgspec

from gnomon.ids import JobID, NodeID, WorkerID


class SessionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One session, as its driver starts it.

    Attributes:
        directory: 0700; holds the ipc sockets (``<worker id in hex>.s``), ``logs/`` and nothing else.
        arena_fd: memfd of the object store, inherited by every process.
        lifeline_fd: read end of a pipe whose only write end the driver holds: end of file means that the
            driver is gone and so must be everything else.
        resources: of the node, in units.
        prestart: workers to fork at once.
        sys_path: the driver's module path, so that modules beside the notebook import in tasks.
        labels: of the node, its id among them.
        main_module: what ``__main__`` is in the driver: a script's path, or "" for a notebook.
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


class WorkerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One worker to fork.

    Attributes:
        environment: variables to set in it, on top of the zygote's.
        slot: its place in the arena's first bytes, where it notes the task it has begun last.
    """

    worker: WorkerID
    environment: dict[str, str] = {}
    slot: int = 0


class WorkerExit(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's process has ended.

    Attributes:
        code: exit code, or minus the signal's number.
    """

    worker: WorkerID
    pid: int
    code: int
