"""The one interpreter the driver starts. It imports the runtime once and forks everything else.

    driver --spawn--> launcher ---fork--> zygote ---fork--> workers
                         |   `-fork-----> head
                         `-- goes on as the node

Importing is most of what starting an interpreter costs, so it is done once. Forking is safe here because the
launcher has one thread, no ZeroMQ context and no lock until the last fork is done; the rule for a changer is
to keep it so (``node.main`` and ``head.main`` run after it).

How it ends. ``head.main`` and ``node.main`` return when their ``lifeline.watch`` is readable; the zygote's
loop does the same. Whoever notices that the driver or the node has ended takes the baton and ends the
session (``reaping.end_session``), so it does not matter which of the three was killed, stopped or busy. If
the head or the zygote ends alone, the node notices and ends the session, with an exit code that says why.

A node that was added to a session (``SessionConfig.with_head`` is false) has no head of its own, and when it or its
zygote ends alone, that ends this node's processes and no others.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from gnomon._messages.session import SessionConfig, WorkerSpec, config_of_job
from gnomon._shell import lifeline, reaping, session_directory
from gnomon._shell.session_start import EXIT_HEAD_LOST, EXIT_NODE_FAILED, EXIT_ZYGOTE_LOST, read_config
from gnomon._shell.zygote import Zygote, ZygoteClient, socket_pair

_EXIT_CODES = {"the zygote": EXIT_ZYGOTE_LOST, "the head": EXIT_HEAD_LOST}
_EXIT_ROLE_FAILED = 1

_NODE_GRACE_S = 0.5
"""How long the others leave it to the node to end the session after its driver; then they do it."""


class Roles(NamedTuple):
    """What the processes do once they exist. Each returns to end its process."""

    head: Callable[[SessionConfig], object]
    node: Callable[[SessionConfig, ZygoteClient], object]
    worker: Callable[[SessionConfig, WorkerSpec], object]


def main() -> NoReturn:
    """Entry of the interpreter; argv: runtime folder, config's fd, driver's pid, package of the roles."""
    gc.disable()  # nothing made while importing is garbage
    # An interrupt is the driver's and the workers' business; a worker takes its handler back.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    config_fd, driver, package = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    config = read_config(config_fd)
    for fd in (config.arena_fd, config.lifeline_fd):
        os.set_inheritable(fd, False)  # for the workers, which fork; not for what they execute
    sys.argv[:] = [""]
    session_directory.hold(config.directory)
    reaping.adopt_orphans()
    lifeline.require("the driver", driver)
    if os.getppid() != driver:  # ended before we could watch it; its pid may be another's by now
        _end_session(config, adopters=())
        os._exit(0)
    _launch(config, driver, _load(package))


def _load(package: str) -> Roles:
    return Roles(*(importlib.import_module(f"{package}.{name}").main for name in Roles._fields))


def _launch(config: SessionConfig, driver: int, roles: Roles) -> NoReturn:
    node = os.getpid()
    ours, theirs = socket_pair()
    gc.freeze()  # what is shared stays shared: the collector must not write into it
    gc.enable()
    zygote = os.fork()
    if zygote == 0:
        ours.close()
        _require_in_child(driver, node)
        _run("zygote", lambda: _zygote(config, theirs.detach(), roles), config, adopters=(node,))
    theirs.close()
    if config.with_head:
        head = os.fork()
        if head == 0:
            ours.close()
            _require_in_child(driver, node)
            _run("head", lambda: _head(config, roles), config, adopters=(node, zygote))
        lifeline.require("the head", head)
    lifeline.require("the zygote", zygote)
    _run_node(config, roles, ZygoteClient(ours, zygote))


def _require_in_child(driver: int, node: int) -> None:
    lifeline.forget_peers()
    lifeline.require("the driver", driver)
    lifeline.require("the node", node)


def _run_node(config: SessionConfig, roles: Roles, client: ZygoteClient) -> NoReturn:
    _name_process("node")
    code = 0
    try:
        roles.node(config, client)
        # A process that ends closes its sockets some moments before its pidfd tells.
        lost = lifeline.lost(config.lifeline_fd) or ("the zygote" if client.is_lost else "")
        code = _EXIT_CODES.get(lost, 0)
    except BaseException:
        # Whatever it is, the session can not go on without its node, and its processes must not stay.
        traceback.print_exc()
        code = EXIT_NODE_FAILED
    _flush()
    _end_session(config, adopters=(client.pid,))
    os._exit(code)


def _run(name: str, body: Callable[[], bool], config: SessionConfig, adopters: tuple[int, ...]) -> NoReturn:
    """Be the zygote or the head: never return into the launcher's stack.

    Args:
        name: of the process.
        body: what it does; returns whether it knows that the session must end.
        config: of the session.
        adopters: see ``reaping.end_session``.
    """
    code, over = 0, False
    try:
        _name_process(name)
        _redirect(config, name)
        over = body()
    except BaseException:
        traceback.print_exc()
        code = _EXIT_ROLE_FAILED
    _flush()
    if over or lifeline.lost(config.lifeline_fd) is not None:
        lifeline.wait_for("the node", _NODE_GRACE_S)
        _end_session(config, adopters)
    os._exit(code)  # if it ended alone, the node notices


def _end_session(config: SessionConfig, adopters: tuple[int, ...]) -> None:
    if not config.with_head and lifeline.lost(config.lifeline_fd) != "the driver":
        reaping.sweep(config.node.hex(), own=True, adopters=adopters, marker=reaping.NODE_MARKER)
        return
    try:
        # Opened here, in each process, and not before the forks: see session_directory.
        baton = session_directory.open_baton(config.directory)
    except OSError:  # another has removed it; still, make sure that nobody is left
        baton = None
    reaping.end_session(config.session, config.directory, baton, adopters)


def _head(config: SessionConfig, roles: Roles) -> bool:
    roles.head(config)
    return False


def _zygote(config: SessionConfig, connection: int, roles: Roles) -> bool:
    reaping.adopt_orphans()
    zygote = os.getpid()
    spec = Zygote(connection, config.lifeline_fd).run()
    if spec is not None:
        _worker(config, spec, zygote, roles)
    # Not left to lifeline.lost: the connection may end some moments before the node's pidfd tells.
    return True


def _worker(config: SessionConfig, spec: WorkerSpec, zygote: int, roles: Roles) -> NoReturn:
    """Turn a fresh copy of the zygote into a worker, run it, and end the process with its exit code."""
    code = 0
    if spec.job is not None:
        config = config_of_job(config, spec.job)
    try:
        if not lifeline.die_with_parent(zygote):
            os._exit(0)
        _prepare_worker(config, spec)
        roles.worker(config, spec)
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException:
        traceback.print_exc()
        code = _EXIT_ROLE_FAILED
    _run_exit_handlers()
    _flush()
    os._exit(code & 0xFF)


def _prepare_worker(config: SessionConfig, spec: WorkerSpec) -> None:
    os.setsid()
    reaping.adopt_orphans()
    lifeline.forget_peers()
    _close_all_but(config.arena_fd, config.lifeline_fd)
    _redirect(config, f"worker-{spec.worker.hex()}")
    _name_process("worker")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(spec.environment)
    # Only here: the zygote and its like must not import a user's file for one of their own modules.
    sys.path[:] = config.sys_path or sys.path
    importlib.invalidate_caches()  # modules may have been written since the zygote looked
    main_module = sys.modules["__main__"]
    for name in [name for name in vars(main_module) if not name.startswith("__")]:
        delattr(main_module, name)
    try:
        os.chdir(config.working_directory)
    except OSError as error:
        sys.stderr.write(f"gnomon: this worker stays in {os.getcwd()}: {error}\n")


def _close_all_but(*kept: int) -> None:
    """Close every fd from 3 on but ``kept``: what the zygote holds is not the worker's to keep open."""
    first = 3
    for fd in sorted(fd for fd in kept if fd >= first):
        os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def _redirect(config: SessionConfig, name: str) -> None:
    """Point 0 at nothing, and 1 and 2 at the logs of the process called ``name``."""
    flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY
    logs = [session_directory.log_path(config.directory, name, stream) for stream in ("out", "err")]
    targets = [os.open(os.devnull, os.O_RDONLY), *(os.open(path, flags, 0o600) for path in logs)]
    for number, fd in enumerate(targets):
        os.dup2(fd, number)
        os.close(fd)
    for stream in (sys.stdout, sys.stderr):
        # Whole lines at once, so that they can be shown while the task runs; and no output may fail a task.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]


def _name_process(name: str) -> None:
    """What ``ps`` and ``top`` show (Linux, 15 characters)."""
    try:
        with open("/proc/self/comm", "w") as file:
            file.write(f"gnomon:{name}")
    except OSError:
        return


def _run_exit_handlers() -> None:
    import atexit

    try:
        atexit._run_exitfuncs()
    except BaseException:
        traceback.print_exc()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # a full disk, or closed by the user: nothing is left to tell
            continue
