"""Events that do not come from another process: what the user's code, the executor, the pool or the clock
did.
"""

from __future__ import annotations

from typing import Any

import msgspec

from gnomon._messages.base import Block, BlockName, Borrow, Contained, Value
from gnomon._messages.cluster import Watched
from gnomon._messages.failures import ProcessEnd
from gnomon._messages.tasks import Provenance
from gnomon.ids import ActorID, FunctionID, ObjectID, TaskID, WorkerID


class Event(msgspec.Struct, gc=False):
    """Something that has happened in this process."""


class Received(Event):
    """A batch of messages from another process, in order."""

    sender: WorkerID
    messages: list[Any]


class TaskSubmitted(Event):
    """The user's code called ``f.remote(...)``.

    Attributes:
        payload: the pickled function; shipped to each executor once.
        group: name for the views.
        resources: in units; equal ones share leases.
        spread: tasks of its class go to as many nodes as possible.
        arguments: packed arguments, or a Block.
        dependencies: objects whose values fill the slots of the arguments.
        contained: references nested in the arguments.
        parent: the task that submitted it, or empty.
    """

    task: TaskID
    function: FunctionID
    payload: bytes
    group: str
    resources: dict[str, int]
    class_key: int
    arguments: Value
    dependencies: tuple[ObjectID, ...]
    contained: tuple[ObjectID, ...]
    num_returns: int
    max_retries: int
    retry_exceptions: bool
    provenance: Provenance | None
    parent: TaskID | None
    backpressure: int = 0
    max_calls: int = 0
    spread: bool = False


class PendingCalls:
    """Calls of one process to one actor that have not ended.

    Submitting threads count up, under ``lock`` of whoever makes this; only the role counts ``ended``.
    """

    __slots__ = ("__weakref__", "ended", "submitted")

    def __init__(self) -> None:
        self.submitted = 0
        self.ended = 0


class CallSubmitted(Event):
    """The user's code called a method of an actor.

    Attributes:
        in_order: it may not start before the caller's earlier calls have.
        at_once: how many calls of its group run at a time; 0 for one of the whole actor, or where no order is kept.
        name: what the user calls it; "" for ``group``, which is ``Class.method``.
        retry_on: see ``CallPushed``.
        pending: counts this process's calls to an actor that limits them; told when the call has ended.
    """

    task: TaskID
    actor: ActorID
    method: str
    group: str
    arguments: Value
    dependencies: tuple[ObjectID, ...]
    contained: tuple[ObjectID, ...]
    num_returns: int
    max_retries: int
    retry_exceptions: bool
    concurrency_group: str
    in_order: bool
    provenance: Provenance | None
    parent: TaskID | None
    backpressure: int = 0
    name: str = ""
    retry_on: bytes = b""
    pending: PendingCalls | None = None
    at_once: int = 0


class ActorSubmitted(Event):
    """The user's code created an actor; ``spec`` is an ActorSpec whose values are still to be resolved."""

    spec: Any
    dependencies: tuple[ObjectID, ...]
    contained: tuple[ObjectID, ...]
    request: int


class ItemTaken(Event):
    """The user's code has taken item ``index`` of a generator: a handle on it exists."""

    task: TaskID
    index: int


class StreamClosed(Event):
    """The user's code wants no more items of a generator; its handle lives on."""

    task: TaskID


class CompletionWanted(Event):
    """The user's code asked for the object that tells of a generator's end; one handle on it exists."""

    task: TaskID


class ObjectStored(Event):
    """The user's code called ``put``; one handle exists."""

    object: ObjectID
    value: Value
    contained: tuple[ObjectID, ...]
    size: int
    provenance: Provenance | None = None


class HandlesArrived(Event):
    """Handles (or views) came to life here by unpickling, one per entry of ``objects``.

    Attributes:
        task: they came with the arguments of this running task;
        container: or inside this object.
    """

    objects: tuple[ObjectID, ...]
    task: TaskID | None
    container: ObjectID | None


class HandlesDropped(Event):
    """Handles were collected; one per entry."""

    objects: tuple[ObjectID, ...]


class ValuesAwaited(Event):
    """Wake ``token`` when ``count`` of ``objects`` have a value.

    Attributes:
        hasty: also wake it as soon as one of these is an error;
        failures: and at once when there have been more errors than these, which it has looked at.
    """

    token: int
    objects: tuple[ObjectID, ...]
    count: int
    hasty: frozenset[ObjectID] = frozenset()
    failures: int = 0


class CopiesDropped(Event):
    """A test wants a value of this process to be lost."""

    object: ObjectID


class MemoryMeasured(Event):
    """The answer to ``MeasureMemory``."""

    memory_bytes: int


class WaitAbandoned(Event):
    """``token`` waits no longer."""

    token: int


class WaitStarted(Event):
    """The running task's thread is about to block."""


class WaitEnded(Event):
    """It goes on."""


class CancelAsked(Event):
    """The user's code cancelled a task.

    Attributes:
        request: if not 0, answered by AnswerRequest(whether it is a call of an actor).
    """

    task: TaskID
    force: bool
    recursive: bool
    request: int = 0


class ChildrenCancelAsked(Event):
    """A running task is being cancelled: so are the tasks it has submitted here."""

    parent: TaskID


class ActorKillAsked(Event):
    """The user's code called ``kill``."""

    actor: ActorID
    no_restart: bool


class CellCancelAsked(Event):
    """Cancel everything unfinished that a cell submitted; answered by AnswerRequest((cancelled, running))."""

    request: int
    cell: str


class TaskEnded(Event):
    """The executor has run a task.

    Attributes:
        keep: the value itself when it contains references, so that none is collected before this is handled.
        items: how many items a generator has made in all.
    """

    task: TaskID
    outcome: int
    values: tuple[Value, ...]
    started: float
    finished: float
    retriable: bool = False
    contained: tuple[Contained, ...] = ()
    summary: str = ""
    last: bool = False
    keep: Any = None
    items: int = 0


class ItemProduced(Event):
    """A generator that runs here has made an item.

    Attributes:
        index: counts the items from 1.
        inner: references inside it.
        keep: the item itself when it contains references, so that none is collected before this is handled.
    """

    task: TaskID
    index: int
    value: Value
    inner: tuple[ObjectID, ...] = ()
    keep: Any = None


class ActorConstructed(Event):
    """The constructor has returned, or raised ``error``.

    Attributes:
        watches: its class names fields that views show.
    """

    error: bytes
    summary: str
    watches: bool = False


class FieldsSampled(Event):
    """The watched fields of this process's actor, as they were just now."""

    fields: dict[str, Watched]


class ActorEnding(Event):
    """The actor's own code wants to end it."""

    reason: str


class AskedSomething(Event):
    """A question for another role: send ``message``; its answer will carry the request's number."""

    target: WorkerID
    message: Any


class WorkerExited(Event):
    """A worker's process has ended; ``reason`` says how, in words.

    Attributes:
        last_started: the task it had begun last, if any.
    """

    worker: WorkerID
    reason: str
    last_started: TaskID | None = None
    end: ProcessEnd | None = None


class DriverExited(Event):
    """The process of a joined driver has ended; ``reason`` says how, in words."""

    driver: WorkerID
    reason: str


class HoldingsWanted(Event):
    """Somebody here asks what this process holds; answered by AnswerRequest((rows, left out)).

    Attributes:
        objects: only these; empty means all.
        rows_max: the largest ones, no more than these.
    """

    request: int
    objects: tuple[ObjectID, ...]
    rows_max: int


class AskedHere(Event):
    """Somebody here asks this process what others ask by ``question``, a message; answered by AnswerRequest."""

    request: int
    question: Any


class NodeExited(Event):
    """The process of a node has ended, and all that lived there with it; ``reason`` says how, in words."""

    node: WorkerID
    reason: str


class DrainAsked(Event):
    """This node is to leave the cluster, in good order."""


class ValuesInlined(Event):
    """The values of a detached actor's arguments, copied out of the arena."""

    actor: ActorID
    values: tuple[Value, ...]


class BlocksCleared(Event):
    """The headers are gone, as was asked last."""


class SpillFileWritten(Event):
    """A file is complete; or it is not, and has been removed.

    Attributes:
        parts: of each block the position in the file and the crcs of its value's chunks.
        error: what went wrong.
    """

    file: int
    parts: tuple[tuple[int, tuple[int, ...]], ...]
    error: str = ""


class BlockRestored(Event):
    """A block is back in the arena.

    Attributes:
        error: why it is not.
        no_memory: the machine had none for it: it is still on disk.
    """

    block: BlockName
    error: str = ""
    no_memory: bool = False


class BlockReserved(Event):
    """The shell has allocated a block's pages, or could not."""

    request: int
    asker: WorkerID
    offset: int
    failed: bool


class ChunkArrived(Event):
    """A chunk of a pull was written into its room; ``intact``: its checksum is that of what was sent."""

    pull: int
    chunk: int
    intact: bool


class ChunksSent(Event):
    """What SendChunks had asked for has been sent, or never will be: nobody reads the block for it any more."""

    offset: int


class FileChunksSent(Event):
    """What SendFileChunks had asked for has been sent; or the file can not be read: ``error``."""

    target: WorkerID
    pull: int
    block: BlockName
    file: int
    error: str = ""


class CopyBroken(Event):
    """The user's code, which holds its object, could not read this block of this node. Another value will come, or an
    error.
    """

    block: Block
    reason: str


class BlocksNeeded(Event):
    """The user's code is about to read these blocks of other nodes. Answered by AnswerRequest, with a dict of values by
    object, each of which has one handle more until HandlesDropped.
    """

    request: int
    blocks: tuple[Block, ...]


__all__ = [
    "ActorConstructed",
    "ActorKillAsked",
    "ActorEnding",
    "ActorSubmitted",
    "AskedHere",
    "AskedSomething",
    "BlockReserved",
    "BlockRestored",
    "BlocksCleared",
    "BlocksNeeded",
    "Borrow",
    "CallSubmitted",
    "CancelAsked",
    "CellCancelAsked",
    "ChildrenCancelAsked",
    "ChunkArrived",
    "ChunksSent",
    "CompletionWanted",
    "CopiesDropped",
    "CopyBroken",
    "DrainAsked",
    "DriverExited",
    "Event",
    "FieldsSampled",
    "FileChunksSent",
    "HandlesArrived",
    "HandlesDropped",
    "HoldingsWanted",
    "ItemProduced",
    "ItemTaken",
    "NodeExited",
    "MemoryMeasured",
    "ObjectStored",
    "Received",
    "SpillFileWritten",
    "StreamClosed",
    "TaskEnded",
    "TaskSubmitted",
    "ValuesAwaited",
    "ValuesInlined",
    "WaitAbandoned",
    "WaitEnded",
    "WaitStarted",
    "WorkerExited",
]
