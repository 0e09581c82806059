"""Identifiers: types, not strings, so that a swap is a type error.

Each is a ``bytes`` at run time and a type of its own for the checker. An object's id contains its
task's id, and that contains its owner's: who owns an object is read off its id, never looked up.

    WorkerID 8      any process of a session (driver, worker, node, head); its first 3 bytes are its node's tag,
                    so that whoever wants to hear of its death knows whom to ask; the tag is the node's number,
                    so that everybody calls the node by the same name without asking
    TaskID   16     WorkerID of the owner + 8-byte counter
    ObjectID 20     TaskID + 4-byte index (results are 1..n, ``put`` makes index 1)
    ActorID  16     the TaskID of its creation; index 0 of it is the actor's handle object

A generator's items are results 1..n of its task, index 0 is the handle of its consumer.
"""

from __future__ import annotations

from typing import NewType

WorkerID = NewType("WorkerID", bytes)
NodeID = NewType("NodeID", bytes)
JobID = NewType("JobID", bytes)
TaskID = NewType("TaskID", bytes)
ActorID = NewType("ActorID", bytes)
ObjectID = NewType("ObjectID", bytes)
FunctionID = NewType("FunctionID", bytes)
LeaseID = NewType("LeaseID", int)

WORKER_ID_BYTES = 8
NODE_TAG_BYTES = 3
TASK_ID_BYTES = 16
OBJECT_ID_BYTES = 20

HANDLE_INDEX = 0
"""Index of an actor's (or a generator's) handle object: it lives as long as somebody holds a handle."""

COMPLETION_INDEX = 2**32 - 1
"""Index of the object that tells of the end of a generator's task."""


def node_tag(process: WorkerID) -> bytes:
    """What the ids of a node's process and of all others that live on it begin with."""
    return process[:NODE_TAG_BYTES]


def first_process(number: int, random: bytes) -> WorkerID:
    """The id of the process of a session's node ``number``, from 1 on, from 8 random bytes."""
    return process_id(WorkerID(number.to_bytes(NODE_TAG_BYTES, "big")), random)


def node_name(identity: bytes | str) -> str:
    """``node 2``: what people call the node with this id, or on which the process with this id lives.

    Args:
        identity: of a node or of a process, as bytes or in hexadecimal. A text that is neither is left as it is.
    """
    tag = identity
    if isinstance(tag, str):
        try:
            tag = bytes.fromhex(tag)
        except ValueError:
            return f"node {tag!s}"
    return f"node {int.from_bytes(tag[:NODE_TAG_BYTES], 'big')}"


def process_id(node: WorkerID, random: bytes) -> WorkerID:
    """The id of a process that lives on the node with process ``node``, from 8 random bytes."""
    return WorkerID(node[:NODE_TAG_BYTES] + random[NODE_TAG_BYTES:WORKER_ID_BYTES])


def task_id(owner: WorkerID, counter: int) -> TaskID:
    """The id of the ``counter``-th task (or put) of ``owner``."""
    return TaskID(owner + counter.to_bytes(8, "big"))


def attempt_id(task: TaskID, attempt: int) -> TaskID:
    """One attempt of a task: its id, the attempt in the two highest bytes of the counter, which no task needs."""
    if not attempt:
        return task
    return TaskID(
        task[:WORKER_ID_BYTES] + (attempt & 0xFFFF).to_bytes(2, "big") + task[WORKER_ID_BYTES + 2 :]
    )


def object_id(task: TaskID, index: int) -> ObjectID:
    """The id of result ``index`` of ``task``."""
    return ObjectID(task + index.to_bytes(4, "big"))


def owner_of(identity: ObjectID | TaskID | ActorID) -> WorkerID:
    """The process that owns a task, an actor or an object."""
    return WorkerID(identity[:WORKER_ID_BYTES])


def task_of(identity: ObjectID) -> TaskID:
    """The task (or put) that makes an object."""
    return TaskID(identity[:TASK_ID_BYTES])


def index_of(identity: ObjectID) -> int:
    """Which of its task's results an object is."""
    return int.from_bytes(identity[TASK_ID_BYTES:], "big")


def handle_object(actor: ActorID) -> ObjectID:
    """The object whose references are the handles of ``actor``."""
    return object_id(TaskID(actor), HANDLE_INDEX)


def actor_of(identity: ObjectID) -> ActorID:
    """The actor whose handle object this is."""
    return ActorID(identity[:TASK_ID_BYTES])
