"""Nodes and workers wired together for the tests of pulls. What a message or a chunk meets on its way the test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.arena_allocator import ArenaAllocator
from gnomon._core.links import LinkMachine
from gnomon._core.node import Node
from gnomon._core.pulls import CHUNK_BYTES
from gnomon._core.worker import Worker
from gnomon._messages import cluster, objects
from gnomon._messages.base import Block, Value
from gnomon._messages.failures import read_failure
from gnomon.ids import JobID, NodeID, ObjectID, WorkerID, object_id, task_id

HEAD = WorkerID(b"head....")
A, B, C = WorkerID(b"aaa.node"), WorkerID(b"bbb.node"), WorkerID(b"ccc.node")
ON_A, ON_B, ON_C = WorkerID(b"aaa.work"), WorkerID(b"bbb.work"), WorkerID(b"ccc.work")
ALSO_ON_B = WorkerID(b"bbb.next")
MIB = 1 << 20


class Network:
    """Three nodes with workers.

    Attributes:
        said: every message that was delivered, as (sender, target, message).
        memory: by node and offset, what was written there, chunk by chunk.
        on_the_way: chunks that were sent and have not arrived.
        spoil: says of which chunks the checksum is wrong when they arrive.
        answers: what fetches were answered with, by request.
    """

    def __init__(self, capacity: int = 512 * MIB) -> None:
        self.now = 1.0
        self.nodes = {me: _node(me, capacity) for me in (A, B, C)}
        homes = {ON_A: A, ON_B: B, ALSO_ON_B: B, ON_C: C}
        self.workers = {me: _worker(me, home) for me, home in homes.items()}
        self.dead: dict[WorkerID, None] = {}
        self.said: list[tuple[WorkerID, WorkerID, Any]] = []
        self.memory: dict[WorkerID, dict[int, dict[int, Any]]] = {me: {} for me in self.nodes}
        self.receiving: dict[tuple[WorkerID, int], int] = {}
        self.on_the_way: list[tuple[WorkerID, fx.SendChunks]] = []
        self.spoil: Callable[[WorkerID, int], bool] = lambda node, chunk: False
        self.answers: dict[int, dict[ObjectID, Value]] = {}
        self._request = 0

    # -- messages -------------------------------------------------------------------------------------------------

    def tell(self, target: WorkerID, *events: Any) -> None:
        """Let a role handle events, and all that follows from it, chunks excepted."""
        work = [(target, list(events))]
        while work:
            who, batch = work.pop(0)
            role: Any = self.nodes.get(who) or self.workers.get(who)
            if role is None or who in self.dead:
                continue
            effects = role.handle(batch, self.now)
            role.check()
            for command in effects.commands:
                work += self._perform(who, command)
            for to, messages in effects.sends.items():
                self.said += [(who, to, message) for message in messages]
                heard = [message for message in messages if type(message) is not cluster.ProcessWatched]
                work.append((to, [ev.Received(who, heard)]))  # of deaths everybody hears from ``kill``

    def wait(self, seconds: float = 1.0) -> None:
        """Let time pass, after which what was held because of a death no longer is."""
        self.now += seconds
        for who in (*self.workers, *self.nodes):
            self.tell(who)

    def _perform(self, who: WorkerID, command: fx.Command) -> list[tuple[WorkerID, list[Any]]]:
        if isinstance(command, fx.ReserveBlock):
            self.memory[who][command.offset] = {}
            return [(who, [ev.BlockReserved(command.request, command.asker, command.offset, False)])]
        if isinstance(command, fx.ReceiveChunks):
            self.receiving[who, command.pull] = command.offset
        elif isinstance(command, fx.EndReceiving):
            del self.receiving[who, command.pull]
        elif isinstance(command, fx.SendChunks):
            self.on_the_way.append((who, command))
        elif isinstance(command, fx.AnswerRequest) and isinstance(command.answer, dict):
            self.answers[command.request] = command.answer
        return []

    def of(self, kind: type, sender: WorkerID | None = None) -> list[Any]:
        """The messages of a kind that were said so far."""
        return [message for who, _, message in self.said if type(message) is kind and sender in (None, who)]

    # -- chunks ---------------------------------------------------------------------------------------------------

    def carry(self, runs: int = 1_000_000) -> None:
        """Let what SendChunks has asked for arrive, and what is asked for because of it."""
        while self.on_the_way and runs:
            runs -= 1
            source, command = self.on_the_way.pop(0)
            if source in self.dead:
                continue
            written = self.memory[source][command.offset]
            for chunk in range(command.first, command.first + command.count):
                self._arrive(source, command, chunk, written[chunk])
            self.tell(source, ev.ChunksSent(command.offset))

    def _arrive(self, source: WorkerID, command: fx.SendChunks, chunk: int, content: Any) -> None:
        offset = self.receiving.get((command.target, command.pull))
        if offset is None or command.target in self.dead:
            return
        intact = not self.spoil(source, chunk)
        self.memory[command.target][offset][chunk] = content if intact else "spoiled"
        self.tell(command.target, ev.ChunkArrived(command.pull, chunk, intact))

    # -- what programs do -----------------------------------------------------------------------------------------

    def put(self, owner: WorkerID, size: int, number: int = 1, attempt: str = "put") -> Block:
        """A large value of ``owner``, on its node."""
        identity = object_id(task_id(owner, number), 1)
        node = self.workers[owner].node
        self.tell(node, ev.Received(owner, [objects.BlockAsked(0, size, owner, identity)]))
        offset = next(o for o, block in self.nodes[node].blocks.objects.items() if block.object == identity)
        chunks = range(-(-size // CHUNK_BYTES))
        self.memory[node][offset] = {chunk: (identity, attempt, chunk) for chunk in chunks}
        block = Block(node, offset, size, identity)
        self.tell(owner, ev.ObjectStored(identity, block, (), size))
        return block

    def lend(self, block: Block, *borrowers: WorkerID) -> None:
        """Handles come to life in other processes."""
        for borrower in borrowers:
            self.tell(borrower, ev.HandlesArrived((block.object,), None, None))

    def drop(self, block: Block, *holders: WorkerID) -> None:
        """A handle of each goes."""
        for holder in holders:
            self.tell(holder, ev.HandlesDropped((block.object,)))

    def read(self, reader: WorkerID, *blocks: Block) -> int:
        """A thread is about to read; returns the number of the question."""
        self._request += 1
        self.tell(reader, ev.BlocksNeeded(self._request, blocks))
        return self._request

    def content(self, block: Block) -> list[Any]:
        """What lies there, chunk by chunk."""
        written = self.memory[WorkerID(block.node)][block.offset]
        return [written[chunk] for chunk in range(-(-block.size // CHUNK_BYTES))]

    def answer(self, request: int, block: Block) -> Value:
        """What a fetch was answered with; its reader has read it."""
        return self.answers[request][block.object]

    def kill(self, process: WorkerID) -> None:
        """A process dies, with a node all that live there, and everybody hears of it."""
        dying = [me for me, worker in self.workers.items() if worker.node == process]
        for each in (*dying, process):
            self.dead[each] = None
        for each in (*dying, process):
            for me in (*self.workers, *self.nodes):
                self.hear_of_death(me, each)

    def hear_of_death(self, listener: WorkerID, process: WorkerID) -> None:
        """``listener`` is told that a process is dead."""
        self.tell(listener, ev.Received(HEAD, [cluster.ProcessLost(process, "was killed")]))

    def used(self, node: WorkerID) -> int:
        """Bytes given out on a node."""
        return self.nodes[node].blocks.allocator.used_bytes


def _node(me: WorkerID, capacity: int) -> Node:
    links = LinkMachine(me)
    return Node(
        me,
        NodeID(me),
        HEAD,
        WorkerID(b""),
        {"CPU": 10_000},
        ArenaAllocator(capacity),
        links,
        lambda: WorkerID(b"newcomer"),
        keep_idle=0,
        workers_max=10,
    )


def _worker(me: WorkerID, node: WorkerID) -> Worker:
    return Worker(me, node, HEAD, ON_A, JobID(b"job."), "session", LinkMachine(me))


def error_name(value: Value) -> str:
    """The class of an error value."""
    assert isinstance(value, bytes)
    return read_failure(value)[0]


__all__ = ["A", "ALSO_ON_B", "B", "C", "MIB", "ON_A", "ON_B", "ON_C", "Network", "error_name"]
