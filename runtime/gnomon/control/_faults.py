"""Faults made on purpose: a worker or a node is killed, a value is lost. What is done about it is the lesson.

Only processes of this driver's own session are ever hit: their numbers come from its books, and right before the signal
the process is looked at once more, by a handle that can not come to mean another one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gnomon._api import session
from gnomon._api.actor import ActorHandle
from gnomon._api.checks import shown
from gnomon._core.events import AskedSomething, CopiesDropped
from gnomon._core.ledger import TaskRow, TaskState
from gnomon._messages.actors import ALIVE
from gnomon._messages.base import Block
from gnomon._messages.pulls import CopyLost
from gnomon._shell.reaping import MARKER
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ControlUnavailableError, NotInitializedError
from gnomon.ids import WorkerID, node_tag, owner_of, task_of

_NAMED_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class FaultReceipt:
    """What a fault has hit.

    Attributes:
        kind: "worker", "node" or "object".
        what: it, in words.
        pid: of the process that was killed; 0 for an object.
        running: names of the tasks that ran there, and classes of the actors that lived there.
    """

    kind: str
    what: str
    pid: int = 0
    running: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.kind == "object":
            return f"dropped {self.what}: its owner takes every copy for lost"
        names = list(dict.fromkeys(self.running))
        shown = ", ".join(names[:_NAMED_MAX])
        more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
        return (
            f"killed {self.what} (pid {self.pid}): {f'it ran {shown}{more}' if names else 'it ran nothing'}"
        )


def kill_worker(target: ObjectRef[Any] | ActorHandle[Any] | int | None = None) -> FaultReceipt:
    """Kill a worker process of this session, as a crash would.

    Args:
        target: the task that is to be hit, by one of its results; an actor; the pid of a worker; or None for the worker
            of the task that has begun last.

    Raises:
        ControlUnavailableError: on the inline engine, or inside a task.
        NotInitializedError: there is no session.
        ValueError: the task does not run, the actor does not live, or the process is no worker of this session.
        TypeError: ``target`` is nothing of these.
    """
    engine = _engine("Killing a worker")
    running = _running(engine)
    pid = _pid_of(engine, target, running)
    # not the views' rows, which are a moment behind
    living = [each for each in engine.core.role.calls.clients.clients.copy().values() if each.state == ALIVE]
    known = {entry[1] for entry in engine.ledger.workers.entries} | {each.pid for each in living}
    if pid not in known or pid == os.getpid():
        raise ValueError(
            f"kill_worker(): process {pid} is no worker of this session that runs this driver's work."
        )
    ran = [engine.ledger.names.entries[row.group] for row in running if _pid(engine, row) == pid]
    ran += [each.class_name for each in living if each.pid == pid]
    _strike(pid, engine.info.session)
    return FaultReceipt("worker", "a worker", pid, tuple(ran))


def kill_node(node_id: str | None = None) -> FaultReceipt:
    """Kill a node process, and with it all its workers and its object store, as a power cut would.

    Args:
        node_id: as ``gnomon.nodes()`` tells it; None where there is only one that can be killed.

    Raises:
        ControlUnavailableError: on the inline engine, inside a task, or where there is only this driver's own node.
        NotInitializedError: there is no session.
        ValueError: no such node, or several and none was named, or it is the one of the head or of this driver.
    """
    engine = _engine("Killing a node")
    own = (node_tag(engine.core.me), node_tag(engine.config.head_process))
    living = {report.node.hex(): report for report in engine.view.reports() if report.alive}
    others = {name: report for name, report in living.items() if node_tag(report.process) not in own}
    if not others:
        raise ControlUnavailableError(
            "Killing a node",
            "the only node is that of the head and of this driver",
            "Start a cluster of several: %remote start --nodes 3, or gnomon.cluster_utils.Cluster.",
        )
    names = ", ".join(others)
    if node_id is None and len(others) > 1:
        raise ValueError(f"kill_node(): there are several; name one of {names}.")
    wanted = next(iter(others)) if node_id is None else node_id
    if wanted in living and wanted not in others:
        raise ValueError(
            f"kill_node(): {wanted} is the node of the head or of this driver; name one of {names}."
        )
    if wanted not in others:
        raise ValueError(f"kill_node(): there is no living node {wanted!r}; name one of {names}.")
    report = others[wanted]
    tag = node_tag(report.process).hex()
    workers = engine.ledger.workers.entries
    ran = [
        engine.ledger.names.entries[row.group]
        for row in _running(engine)
        if workers[row.worker][0].startswith(tag)
    ]
    _strike(report.pid, engine.info.session)
    return FaultReceipt("node", f"node {wanted}", report.pid, tuple(ran))


def drop_object(ref: ObjectRef[Any]) -> FaultReceipt:
    """Let the owner of ``ref`` believe that every copy of its value is lost (in another process: the copy known here).

    The room is given back with that of the object's new value: tasks may have been given it. If this process owns the
    object, the loss has happened when this returns, and what is done about it has begun.

    Args:
        ref: to a value that is ready and lies in the store.

    Raises:
        ControlUnavailableError: on the inline engine.
        NotInitializedError: there is no session.
        TypeError: ``ref`` is no reference.
        ValueError: the value is not there, or small: small values lie with their owner and can not be lost without it.
    """
    if not isinstance(ref, ObjectRef):
        raise TypeError(f"drop_object() takes a reference, not {shown(ref)}.")
    core = _engine("Losing a value", also_in_tasks=True).core
    identity = ref._id
    value = core.values.get(identity)
    if not isinstance(value, Block):
        state = "has no value yet" if value is None else "is small (or an error) and lies with its owner"
        raise ValueError(
            f"ObjectRef({identity.hex()}) {state}. Wait for a value larger than inline_result_max_bytes."
        )
    owner = owner_of(identity)
    if owner == core.me:
        core.loop.apply([CopiesDropped(identity)])
    else:
        core.loop.apply([AskedSomething(owner, CopyLost(identity, WorkerID(value.node), there=True))])
    return FaultReceipt("object", f"ObjectRef({identity.hex()})")


def _engine(what: str, also_in_tasks: bool = False) -> Any:
    engine = session.current_engine()
    if engine is None:
        raise NotInitializedError("There is no session in which something could break.")
    if engine.name != "local":
        raise ControlUnavailableError(what, f"the {engine.name} engine has no processes or stores of its own")
    if not also_in_tasks and engine.context().mode == "worker":
        raise ControlUnavailableError(what, "this is a task")
    return engine


def _running(engine: Any) -> list[TaskRow]:
    return [row for row in list(engine.ledger.tasks) if row.state == TaskState.RUNNING and row.worker >= 0]


def _pid(engine: Any, row: TaskRow) -> int:
    return int(engine.ledger.workers.entries[row.worker][1])


def _pid_of(engine: Any, target: object, running: list[TaskRow]) -> int:
    """The process that ``kill_worker`` is asked to kill."""
    if target is None:
        if not running:
            raise ValueError("kill_worker(): no task runs now. Name an actor, or the pid of a worker.")
        return _pid(engine, max(running, key=lambda row: row.started))
    if isinstance(target, ObjectRef):
        task = task_of(target._id)
        row = next((row for row in running if row.task == task), None)
        if row is None:
            raise ValueError(f"kill_worker(): the task of ObjectRef({target.hex()}) does not run now.")
        return _pid(engine, row)
    if isinstance(target, ActorHandle):
        return _pid_of_actor(engine, target)
    if isinstance(target, int) and not isinstance(target, bool):
        return target
    raise TypeError(f"kill_worker() takes an ObjectRef, an actor or a pid, not {type(target).__name__}.")


def _pid_of_actor(engine: Any, handle: ActorHandle[Any]) -> int:
    client = engine.core.role.calls.clients.clients.get(handle._actor_id)
    if client is None or client.state != ALIVE:
        state = "not known here" if client is None else client.state
        raise ValueError(f"kill_worker(): {handle!r} is {state}: it has no process.")
    return int(client.pid)


def _strike(pid: int, session_id: str) -> None:
    """SIGKILL, if it is a process of this session.

    Raises:
        ValueError: it has ended, or is none.
    """
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        raise ValueError(f"Process {pid} has ended already.") from None
    try:
        if f"{MARKER}={session_id}" not in _environment(pid):
            raise ValueError(f"Process {pid} is not part of this session.")
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except ProcessLookupError:
        raise ValueError(f"Process {pid} has ended already.") from None
    finally:
        os.close(handle)


def _environment(pid: int) -> Iterable[str]:
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return ()
    return [entry.decode(errors="replace") for entry in text.split(b"\0")]
