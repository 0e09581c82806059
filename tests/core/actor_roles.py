"""Roles and messages for the tests of actors and calls: one process at a time, events in, effects out."""

from __future__ import annotations

from typing import Any

from gnomon._core import events as ev
from gnomon._core.effects import Effects
from gnomon._core.head import Head
from gnomon._core.links import LinkMachine
from gnomon._core.worker import Worker
from gnomon._messages import actors, cluster, tasks
from gnomon._messages.failures import ProcessEnd, read_failure
from gnomon.ids import (
    ActorID,
    FunctionID,
    JobID,
    NodeID,
    ObjectID,
    TaskID,
    WorkerID,
    handle_object,
    object_id,
    task_id,
)

ME, NODE, HEAD = WorkerID(b"me......"), WorkerID(b"node...."), WorkerID(b"head....")
HOST, NEXT, OTHER = WorkerID(b"host...."), WorkerID(b"next...."), WorkerID(b"other...")
NODE_ID = NodeID(b"thenode.")
CPU = {"CPU": 10_000}
ACTOR = ActorID(task_id(ME, 1))
THEIRS = ActorID(task_id(OTHER, 1))
"""An actor that another process has created."""

END = ProcessEnd(NODE_ID, 12, 3, "last words")


def new_worker(me: WorkerID = ME) -> Worker:
    return Worker(me, NODE, HEAD, ME, JobID(b"job."), "session", LinkMachine(me))


def new_head() -> Head:
    head = Head(HEAD, LinkMachine(HEAD))
    head.handle([received(NODE, cluster.NodeJoined(NODE_ID, CPU))], 1.0)
    return head


def received(sender: WorkerID, *messages: Any) -> ev.Received:
    return ev.Received(sender, list(messages))


def told(effects: Effects, target: WorkerID, kind: type) -> list[Any]:
    return [message for message in effects.sends.get(target, ()) if type(message) is kind]


def done(effects: Effects, kind: type) -> list[Any]:
    return [command for command in effects.commands if type(command) is kind]


def call_task(number: int, owner: WorkerID = ME) -> TaskID:
    return task_id(owner, 100 + number)


def result_of(number: int) -> ObjectID:
    return object_id(call_task(number), 1)


def submitted(number: int, **changes: Any) -> ev.CallSubmitted:
    fields: dict[str, Any] = {
        "task": call_task(number), "actor": ACTOR, "method": "method", "group": "A.method", "arguments": b"\0",
        "dependencies": (), "contained": (), "num_returns": 1, "max_retries": 0, "retry_exceptions": False,
        "concurrency_group": "", "in_order": True, "provenance": None, "parent": None,
    }  # fmt: skip
    return ev.CallSubmitted(**(fields | changes))


def spec(actor: ActorID = ACTOR, **changes: Any) -> actors.ActorSpec:
    fields: dict[str, Any] = {
        "actor": actor, "owner": ME, "class_name": "A", "function": FunctionID(b"function"), "payload": b"",
        "arguments": b"\0", "values": (), "description": b"", "resources": {}, "placement": CPU,
        "max_restarts": 0, "max_concurrency": 0, "is_async": False, "name": "", "namespace": "",
        "detached": False,
    }  # fmt: skip
    return actors.ActorSpec(**(fields | changes))


def created(
    actor: ActorID = ACTOR, contained: tuple[ObjectID, ...] = (), **changes: Any
) -> ev.ActorSubmitted:
    return ev.ActorSubmitted(spec(actor, **changes), (), contained, 0)


def alive(incarnation: int = 0, worker: WorkerID = HOST, actor: ActorID = ACTOR) -> actors.ActorChanged:
    return actors.ActorChanged(actor, actors.ALIVE, incarnation, worker, 12, "")


def over(
    state: str = actors.DEAD, incarnation: int = 0, cause: str = "its process (pid 12) ended with exit code 3",
    end: ProcessEnd | None = END, actor: ActorID = ACTOR,
) -> actors.ActorChanged:  # fmt: skip
    return actors.ActorChanged(actor, state, incarnation, WorkerID(b""), 12, cause, b"", end)


def lost(process: WorkerID = HOST, last_started: TaskID | None = None) -> cluster.ProcessLost:
    return cluster.ProcessLost(process, "(pid 12) ended with exit code 3", last_started, END)


def finished(number: int, outcome: int = tasks.OK, **changes: Any) -> tasks.TaskFinished:
    fields: dict[str, Any] = {"values": (b"\0value",), "attempt": 0} | changes
    return tasks.TaskFinished(call_task(number), fields.pop("attempt"), outcome, **fields)


def value_of(worker: Worker, number: int) -> Any:
    """The value of a call: None before it has one, ``OK``, or (class, fields) of its error."""
    value = worker.references.values.get(result_of(number))
    if value is None:
        return None
    assert isinstance(value, bytes)
    return read_failure(value) if value[0] == 3 else "OK"


def pushed(effects: Effects, worker: WorkerID = HOST) -> list[int]:
    """Numbers of the calls that were pushed."""
    return [
        int.from_bytes(message.task[8:], "big") - 100 for message in told(effects, worker, tasks.CallPushed)
    ]


def caller_with(*numbers: int, **changes: Any) -> Worker:
    """A process that has created the actor, which is alive, and pushed it these calls."""
    worker = new_worker()
    worker.handle([created(max_restarts=changes.pop("max_restarts", 0)), received(HEAD, alive())], 1.0)
    effects = worker.handle([submitted(number, **changes) for number in numbers], 1.1)
    assert pushed(effects) == list(numbers)
    return worker


HANDLE = handle_object(ACTOR)


def take(worker: Worker, group: str = "") -> int | None:
    """The number of the call that a worker takes next, as ``call_task`` numbers them."""
    taken = worker.execution.take(2.0, group)
    return None if taken is None else int.from_bytes(taken[1].task[8:], "big") - 100


def take_all(worker: Worker, group: str = "") -> list[int]:
    found = []
    while (number := take(worker, group)) is not None:
        found.append(number)
    return found
