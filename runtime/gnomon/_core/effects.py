"""What a role asks its shell to do: send messages and carry out commands.

A role's only entry is ``handle(events, now) -> Effects``; its only clock besides ``now`` is
``next_wakeup()``, the time at which it wants to be handled again even if nothing arrives. A message is an
event; so is everything in ``events``. Commands are imperatives.
"""

from __future__ import annotations

from typing import Any

import msgspec

from gnomon._messages.base import BlockName, Message, Value
from gnomon._messages.holders import HeldObject
from gnomon._messages.session import NO_JOB
from gnomon._messages.situations import Activity
from gnomon.ids import ActorID, JobID, NodeID, ObjectID, TaskID, WorkerID


class Command(msgspec.Struct, frozen=True, gc=False):
    """Something a shell does that is not sending."""


class WakeWaiter(Command, frozen=True):
    """What ``token`` waited for is there."""

    token: int


class AnswerRequest(Command, frozen=True):
    """The answer to a question that the shell asked through the role."""

    request: int
    answer: Any


class WakeExecutor(Command, frozen=True):
    """The execution queue, or that of a concurrency group, has got something."""

    group: str = ""


class InterruptTask(Command, frozen=True):
    """Interrupt a running task; with ``force``, end the process."""

    task: TaskID
    force: bool
    recursive: bool = True


class WakeProducer(Command, frozen=True):
    """The consumer of a running generator has taken items: there may be room for more."""

    task: TaskID


class WidenExecutor(Command, frozen=True):
    """Calls of a threaded actor wait behind one that runs for a while: let more threads take them."""


class AnswerEnded(Command, frozen=True):
    """Give this role the outcomes that executing threads have not handed over, because what they run now
    takes long.
    """


class SampleFields(Command, frozen=True):
    """Read the watched fields of this process's actor; answered by ``FieldsSampled``."""


class MeasureMemory(Command, frozen=True):
    """Add up the memory of these processes, shared memory aside; answered by ``MemoryMeasured``."""

    pids: tuple[int, ...]


class BecomeActor(Command, frozen=True):
    """Run the constructor of an actor and serve its calls from now on."""

    assignment: Any


class DrainActor(Command, frozen=True):
    """End after the calls that are here."""

    reason: str


class EndProcess(Command, frozen=True):
    """End this process now."""

    reason: str


class ShowOutput(Command, frozen=True):
    """Lines for the person at the notebook."""

    output: Any


class NoteStore(Command, frozen=True):
    """The store of this driver's node fills up: say so once, and who holds most."""

    used: int
    capacity: int


class NoteWaiting(Command, frozen=True):
    """Very many tasks of a node, of which this is the report, wait in ``get``, each in a process: say so once."""

    report: Any


class StartWorker(Command, frozen=True):
    """Fork a worker for ``job``."""

    worker: WorkerID
    job: JobID = NO_JOB


class KillWorker(Command, frozen=True):
    """Kill a worker's process with SIGKILL; with ``running``, only if that is the task it has begun last."""

    worker: WorkerID
    running: TaskID | None = None


class WatchDriver(Command, frozen=True):
    """Post DriverExited when the process of a joined driver has ended, or if it has already.

    Attributes:
        started: its start time; another process with this pid is not meant.
    """

    driver: WorkerID
    pid: int
    started: int


class WatchNode(Command, frozen=True):
    """Post NodeExited when the process of a node has ended, or if it has already, and nothing of it is left.

    Attributes:
        started: its start time; another process with this pid is not meant.
    """

    node: WorkerID
    name: NodeID
    pid: int
    started: int


class KillNode(Command, frozen=True):
    """Kill the process of a node that is silent for too long; NodeExited follows. Fields as in WatchNode."""

    node: WorkerID
    pid: int
    started: int


class InlineValues(Command, frozen=True):
    """Copy these values out of the arena, for the spec of an actor that outlives their owner; the shell
    answers with ValuesInlined.
    """

    actor: ActorID
    values: tuple[Value, ...]


class ReserveBlock(Command, frozen=True):
    """Really allocate a range of the arena; the shell answers with BlockReserved."""

    request: int
    asker: WorkerID
    offset: int
    size: int


class NameHolders(Command, frozen=True):
    """Find names for what is held here, and tell ``asker``; takes time, so not in the loop's thread.

    Attributes:
        request: the asker's.
        rows: as the role knows them.
        left_out: objects that are in no row.
    """

    asker: WorkerID
    request: int
    rows: tuple[HeldObject, ...]
    left_out: int
    budget_s: float


class TellActivity(Command, frozen=True):
    """Tell ``asker`` what this process does, with the line where the user's code is in ``task``."""

    asker: WorkerID
    request: int
    task: TaskID
    activity: Activity


class ReceiveChunks(Command, frozen=True):
    """Write the chunks of a pull into the arena as they come, and post ChunkArrived for each, until EndReceiving."""

    pull: int
    offset: int
    size: int
    object: ObjectID


class EndReceiving(Command, frozen=True):
    """The pull is over: what still comes of it is dropped, and from now on nothing of it is written."""

    pull: int


class SendChunks(Command, frozen=True):
    """Send ``count`` chunks, from number ``first`` on, of the value whose header is at ``offset``, for the pull of
    ``target``; then post ChunksSent, also if ``target`` is dead.
    """

    target: WorkerID
    pull: int
    offset: int
    size: int
    first: int
    count: int


class SendFileChunks(Command, frozen=True):
    """As SendChunks, of a block of this node that is only on disk; then post FileChunksSent.

    Attributes:
        file: its number.
        position: of the block's header in the file.
        size: of the value.
        crcs: of the chunks that are to be sent.
    """

    target: WorkerID
    pull: int
    block: BlockName
    file: int
    path: str
    position: int
    size: int
    first: int
    crcs: tuple[int, ...]


class ClearBlocks(Command, frozen=True):
    """Overwrite the headers at these places, so that nobody finds there what has moved; the shell answers with
    BlocksCleared.
    """

    places: tuple[int, ...]


class WriteSpillFile(Command, frozen=True):
    """Write blocks into a new file, from each place so many bytes; the shell answers with SpillFileWritten."""

    file: int
    path: str
    parts: tuple[tuple[int, int], ...]


class ReadSpillFile(Command, frozen=True):
    """Bring a block back into the arena, its header last; the shell answers with BlockRestored."""

    block: BlockName
    place: int
    path: str
    position: int
    size: int
    crcs: tuple[int, ...]


class DeleteSpillFile(Command, frozen=True):
    """Nobody needs that file any more."""

    path: str


class DropPeer(Command, frozen=True):
    """A peer is dead: close the socket to it."""

    peer: WorkerID


class Effects:
    """Sends by target, in order, and commands, in order."""

    __slots__ = ("commands", "sends")

    def __init__(self) -> None:
        self.sends: dict[WorkerID, list[Message]] = {}
        self.commands: list[Command] = []

    def send(self, target: WorkerID, message: Message) -> None:
        """Send ``message`` to ``target``, after everything sent to it before."""
        queue = self.sends.get(target)
        if queue is None:
            self.sends[target] = [message]
        else:
            queue.append(message)

    def do(self, command: Command) -> None:
        """Ask for a command."""
        self.commands.append(command)
