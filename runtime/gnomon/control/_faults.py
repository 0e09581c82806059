"""Faults made on purpose: a worker or a node is killed, a node is late, a value is lost. What is done about it is the lesson.

Only processes of this driver's own session are ever hit: their numbers come from its books, and right before the signal
the process is looked at once more, by a handle that can not come to mean another one.
"""

from __future__ import annotations

import os
import signal
import time
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
from gnomon._messages.cluster import NodeDelayed, NodeReport
from gnomon._messages.pulls import CopyLost
from gnomon._shell.reaping import MARKER
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ControlUnavailableError, NotInitializedError
from gnomon.ids import OBJECT_ID_BYTES, ObjectID, WorkerID, node_name, node_tag, owner_of, task_of

_NAMED_MAX: Final = 3

SILENCE_MAX_S: Final = 5.0
"""As ``_process.head.PATIENCE_S``: a node of which nothing is heard for so long is taken for dead."""

DELAY_MAX_S: Final = 60.0
DELAY_FOR_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class FaultReceipt:
    """What a fault has hit.

    Attributes:
        kind: "worker", "node", "delay" or "object".
        what: it, in words.
        pid: of the process that was killed, or is late; 0 for an object.
        running: names of the tasks that ran there, and classes of the actors that lived there.
        for_s: how long it lasts; 0 for what can not be undone.
        by_s: how late each message is; as long as ``for_s`` when nothing passes at all.
    """

    kind: str
    what: str
    pid: int = 0
    running: tuple[str, ...] = ()
    for_s: float = 0.0
    by_s: float = 0.0

    def __str__(self) -> str:
        if self.kind == "object":
            return f"dropped {self.what}: its owner takes every copy for lost"
        if self.kind == "delay":
            return self._delay_in_words()
        every = dict.fromkeys(self.running)
        at_work = {name.partition(".")[0] for name in every if "." in name}
        names = [name for name in every if name not in at_work]  # an actor is named by the method that it ran
        shown = ", ".join(names[:_NAMED_MAX])
        more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
        return (
            f"killed {self.what} (pid {self.pid}): {f'it ran {shown}{more}' if names else 'it ran nothing'}"
        )

    def _delay_in_words(self) -> str:
        cut = self.by_s >= self.for_s
        how = "is cut off from the others" if cut else f"hears and is heard {self.by_s:g} s late"
        dead = ""
        if self.by_s > SILENCE_MAX_S:
            dead = f"; after {SILENCE_MAX_S:g} s of silence the head takes it for dead, and kills it"
        return f"{self.what} (pid {self.pid}) {how} for {self.for_s:g} s{dead}"


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
        node_id: the node's name (``node 2``, or ``2``), or its id as ``gnomon.nodes()`` tells
            it; None where there is only one that can be killed.

    Raises:
        ControlUnavailableError: on the inline engine, inside a task, or where there is only this driver's own node.
        NotInitializedError: there is no session.
        ValueError: no such node, or several and none was named, or it is the one of the head or of this driver.
    """
    engine = _engine("Killing a node")
    report = _other_node(engine, "Killing a node", "kill_node", node_id)
    tag = node_tag(report.process).hex()
    workers = engine.ledger.workers.entries
    ran = [
        engine.ledger.names.entries[row.group]
        for row in _running(engine)
        if workers[row.worker][0].startswith(tag)
    ]
    _strike(report.pid, engine.info.session)
    return FaultReceipt("node", node_name(report.node), report.pid, tuple(ran))


def delay_node(
    node_id: str | None = None, seconds: float = DELAY_FOR_S, by: float | None = None
) -> FaultReceipt:
    """Make the network of a node slow, or cut it, for a while: what it and its workers say to others and hear is late.

    Processes of the node go on running and speak to each other; values that are being copied stop where the next piece
    has to be asked for. It recovers by itself. A node that is cut off for more than 5 s is taken for dead by the
    head and killed, as in a real partition: its tasks run elsewhere, what lay there is made again.

    Args:
        node_id: the node's name (``node 2``, or ``2``), or its id as ``gnomon.nodes()`` tells
            it; None where there is only one other than the driver's.
        seconds: how long it lasts, at most 60.
        by: how many seconds each message is late; None lets nothing pass until the end.

    Raises:
        ControlUnavailableError: on the inline engine, inside a task, or where there is only this driver's own node:
            nobody is on the other side of its network.
        NotInitializedError: there is no session.
        ValueError: a time out of range; no such node, or several and none was named, or it is the one of the head or of
            this driver.
        TypeError: a time is no number.
    """
    _check_seconds("seconds", seconds)
    if by is not None:
        _check_seconds("by", by)
    engine = _engine("Delaying a node")
    report = _other_node(engine, "Delaying a node", "delay_node", node_id)
    name, late_s = report.node.hex(), float(min(seconds, seconds if by is None else by))
    core = engine.core
    with core.loop.lock:
        role = core.role
        pushed_to = {
            *role.tasks.dispatch.leased,
            *(each.worker for each in role.calls.clients.clients.values()),
        }
    # Workers that this driver speaks to hear it from itself too: what it pushes from now on comes after the word.
    hear = [
        report.process,
        *(each for each in pushed_to if each and node_tag(each) == node_tag(report.process)),
    ]
    core.loop.apply([AskedSomething(each, NodeDelayed(late_s, float(seconds))) for each in hear])
    with core.loop.lock:  # its own reports are late: the views hear it from here
        if name in engine.ledger.nodes:
            engine.ledger.node_changed(name, late_by_s=late_s, late_until=time.time() + seconds)
    return FaultReceipt("delay", node_name(report.node), report.pid, for_s=float(seconds), by_s=late_s)


def _check_seconds(name: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"delay_node() takes {name} as a number of seconds, not {type(value).__name__}.")
    if not 0 < value <= DELAY_MAX_S:
        raise ValueError(
            f"delay_node(): {name} is more than 0 and at most {DELAY_MAX_S:g} seconds, not {value}."
        )


def _other_node(engine: Any, doing: str, function: str, node_id: str | None) -> NodeReport:
    """The node that is meant: any but that of the head and of this driver."""
    own = (node_tag(engine.core.me), node_tag(engine.config.head_process))
    reports: tuple[NodeReport, ...] = engine.view.reports()
    living = {report.node.hex(): report for report in reports if report.alive}
    others = {name: report for name, report in living.items() if node_tag(report.process) not in own}
    if not others:
        raise ControlUnavailableError(
            doing,
            "the only node is that of the head and of this driver",
            "Start a cluster of several: %remote start --nodes 3, or gnomon.cluster_utils.Cluster.",
        )
    names = ", ".join(map(node_name, others))
    if node_id is None and len(others) > 1:
        raise ValueError(f"{function}(): there are several; name one of {names}.")
    wanted = next(iter(others)) if node_id is None else _id_of_node(living, node_id)
    if wanted not in living:
        raise ValueError(f"{function}(): there is no living node {node_id!r}; name one of {names}.")
    if wanted not in others:
        raise ValueError(
            f"{function}(): {node_name(wanted)} is the node of the head or of this driver; name one of {names}."
        )
    return others[wanted]


def _id_of_node(living: Iterable[str], wanted: str) -> str:
    """The id of the node that is called so: "node 2" or "2" as views and prints do; an id is left as it is."""
    named = wanted if wanted.startswith("node ") else f"node {wanted}"
    return next((identity for identity in living if node_name(identity) == named), wanted)


def drop_object(ref: ObjectRef[Any] | str) -> FaultReceipt:
    """Let the owner of ``ref`` believe that every copy of its value is lost (in another process: the copy known here).

    The room is given back as soon as nobody looks at the old value; whoever was given it and comes later gets the new
    one. If this process owns the object, the loss has happened when this returns, and what is done about it has begun.

    Args:
        ref: to a value that is ready and lies in the store; or its id in hexadecimal, as the views show it.

    Raises:
        ControlUnavailableError: on the inline engine.
        NotInitializedError: there is no session.
        TypeError: ``ref`` is no reference.
        ValueError: no such id can be; the value is not there, or small: small values lie with their owner and can not be
            lost without it.
    """
    if not isinstance(ref, ObjectRef | str):
        raise TypeError(f"drop_object() takes a reference, not {shown(ref)}.")
    core = _engine("Losing a value", also_in_tasks=True).core
    identity = _object_of(ref) if isinstance(ref, str) else ref._id
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


def _object_of(text: str) -> ObjectID:
    try:
        identity = bytes.fromhex(text)
    except ValueError:
        identity = b""
    if len(identity) != OBJECT_ID_BYTES:
        raise ValueError(
            f"drop_object(): {text!r} is no id of an object: {2 * OBJECT_ID_BYTES} hexadecimal digits."
        )
    return ObjectID(identity)


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
