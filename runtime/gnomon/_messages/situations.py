"""Why a value is not there yet, or not any more, for people who ask: nothing of this is sent unless somebody does.

asker                             owner of the object, executor of its task
  | SituationAsked            --> |   what the owner knows
  | <-- SituationTold             |
  | ActivityAsked                               --> |   what the process does that has the task
  | <-- ActivityTold                                |
  | SubmissionAsked           --> |   to run a failed task again where the asker can look at it
  | <-- SubmissionTold            |
"""

from __future__ import annotations

import msgspec

from gnomon._messages.base import Message, Value
from gnomon.ids import ObjectID, TaskID

UNKNOWN = "unknown"
"""Nothing is known of it here: it was freed, or never made."""
WAITING = "waiting"
"""For the values of its arguments."""
READY = "ready"
"""For a worker, that is for resources."""
QUEUED = "queued"
"""A call that its actor has not got: that is not there, or an earlier call waits for an argument."""
SENT = "sent"
"""To a process that runs it, or will."""
VALUE = "value"
ERROR = "error"
LOST = "lost"
"""Its value is gone; nobody has asked for it since."""


class Awaited(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One object that something waits for, as the process knows it that tells of it; times in seconds, 0 if unknown.

    Attributes:
        state: as in Situation; UNKNOWN for what another process owns.
        age: since its task was submitted.
        running: since that was begun.
    """

    object: ObjectID
    producer: str = ""
    state: str = UNKNOWN
    age: float = 0.0
    running: float = 0.0
    cell: str = ""
    line: int = 0


class ActorSeen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An actor as a process that calls it knows it.

    Attributes:
        state: as head has told it; "" when it has not.
        worker: its process; empty while it has none.
        restarts: how many incarnations there were before this one.
        constructor: what its constructor still waits for; told by its creator.
        unfinished: calls of that process without an outcome.
    """

    actor: bytes
    class_name: str = ""
    state: str = ""
    cause: str = ""
    worker: bytes = b""
    pid: int = 0
    restarts: int = 0
    constructor: tuple[Awaited, ...] = ()
    unfinished: int = 0


class Situation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An object and its task as its owner knows them. Times in seconds before now, 0 where there is none.

    Attributes:
        producer: the name of the task, or "put".
        cell: label of the cell, or file, that asked for it; with ``line``.
        attempt: number of this one, from 0; ``retries`` are allowed (-1: without end).
        rebuilding: the task runs again, to make lost values again.
        awaits: some of what it waits for, and ``awaits_total`` counts all.
        resources: what its task asks for, in units.
        ahead: tasks or calls of the same owner that are to begin first.
        rivals: the tasks of the owner that have been begun: name and number.
        leased: workers that the owner has for tasks of this kind.
        starved: how often its node has ended it for want of memory; then it waits for ``put_off`` more seconds.
        worker: to which the task was sent; with ``pid`` and the process id of the ``node``.
        blocked_by: the earlier call that waits for an argument, while this one keeps its order.
        actor: of a call.
        size: of the value in bytes; -1 when not known.
        place: "memory" (with the owner), "store" or "spilled".
        nodes: process ids of the nodes that have a copy.
        took: how long the task ran.
        items, taken: of a generator, made and taken; ``limit`` is how far it may be ahead (0: as far as it likes).
    """

    object: ObjectID
    state: str = UNKNOWN
    producer: str = ""
    cell: str = ""
    line: int = 0
    age: float = 0.0
    sent: float = 0.0
    attempt: int = 0
    retries: int = 0
    rebuilding: bool = False
    cancelled: bool = False
    awaits: tuple[Awaited, ...] = ()
    awaits_total: int = 0
    resources: dict[str, int] = {}
    ahead: int = 0
    rivals: tuple[tuple[str, int], ...] = ()
    leased: int = 0
    worker: bytes = b""
    pid: int = 0
    node: bytes = b""
    blocked_by: str = ""
    actor: ActorSeen | None = None
    size: int = -1
    place: str = ""
    nodes: tuple[bytes, ...] = ()
    took: float = 0.0
    items: int = -1
    taken: int = 0
    limit: int = 0
    starved: int = 0
    put_off: float = 0.0


class Submission(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A failed task as it was submitted.

    Attributes:
        name: of the task; "" when it is not known any more, and the others are empty.
        payload: the pickled function.
        culprit: an argument that is an error itself: then the task has not run; else empty.
    """

    name: str = ""
    payload: bytes = b""
    arguments: Value = b""
    dependencies: tuple[ObjectID, ...] = ()
    contained: tuple[ObjectID, ...] = ()
    culprit: bytes = b""


class SubmissionAsked(Message, frozen=True, tag=144):
    """How was that failed task of yours submitted?"""

    request: int
    task: TaskID


class SubmissionTold(Message, frozen=True, tag=145):
    """The answer."""

    request: int
    submission: Submission


class SituationAsked(Message, frozen=True, tag=140):
    """What do you know of that object of yours, or of the actor whose handle object it is?"""

    request: int
    object: ObjectID


class SituationTold(Message, frozen=True, tag=141):
    """The answer."""

    request: int
    situation: Situation


class Doing(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One task or call that runs in a process; ``seconds`` since it has begun."""

    task: TaskID
    name: str
    seconds: float = 0.0


class Activity(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a process does, and where the task stands that was asked about.

    Attributes:
        place: of the task in the queue: 0 runs, 1 is next; -1 is not here.
        queued: tasks or calls of all callers that wait here.
        running: those that run.
        awaits: what the code that runs here waits for, if it waits.
        file, line, function: where the user's code is; empty when that can not be told.
    """

    place: int
    queued: int
    running: tuple[Doing, ...]
    awaits: tuple[Awaited, ...] = ()
    file: str = ""
    line: int = 0
    function: str = ""


class ActivityAsked(Message, frozen=True, tag=142):
    """What do you do? ``task`` is one of yours; an actor's id asks for all."""

    request: int
    task: TaskID


class ActivityTold(Message, frozen=True, tag=143):
    """The answer."""

    request: int
    activity: Activity


__all__ = [
    "ERROR",
    "LOST",
    "QUEUED",
    "READY",
    "SENT",
    "UNKNOWN",
    "VALUE",
    "WAITING",
    "Activity",
    "ActivityAsked",
    "ActivityTold",
    "ActorSeen",
    "Awaited",
    "Doing",
    "Situation",
    "SituationAsked",
    "SituationTold",
    "Submission",
    "SubmissionAsked",
    "SubmissionTold",
]
