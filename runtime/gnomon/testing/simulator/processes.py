"""The processes of a simulated session: hosts for head, node and workers.

A host carries out what its role commands, and lets ``watch`` and ``names`` see what it hears and says. What
a worker's executing threads do is in ``executor``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.node import Node
from gnomon._core.pulls import chunk_count
from gnomon._core.worker import Worker
from gnomon._messages.base import HEADER_BYTES, Block, Value
from gnomon._messages.envelope import Envelope
from gnomon._messages.leases import WorkerReady
from gnomon.ids import ActorID, FunctionID, ObjectID, TaskID, WorkerID, task_id
from gnomon.testing.simulator.executor import Lanes
from gnomon.testing.simulator.host import Host
from gnomon.testing.simulator.losses import lose_while_pulled, rots
from gnomon.testing.simulator.memory import Memory
from gnomon.testing.simulator.threads import Thread, Waiting
from gnomon.testing.simulator.values import is_lost

if TYPE_CHECKING:
    from gnomon.testing.simulator.session import Session

IDLE = "exited: idle"
"""How a process ends that nobody needs; any other end explains that what it owned is gone."""


class WrittenOnce(dict[ObjectID, Value]):
    """A process's values: each object gets one value and keeps it (CN1, CN8, OR10)."""

    def __setitem__(self, identity: ObjectID, value: Value) -> None:
        known = self.get(identity, value)
        moves = isinstance(known, Block) and (isinstance(value, Block) or is_lost(value))
        assert known is value or moves, f"CN1: {identity.hex()} is {known!r} and becomes {value!r}"
        super().__setitem__(identity, value)


class HeadHost(Host):
    """Head's shell: nothing but a network."""

    session: Session

    def _do_watch_node(self, command: fx.WatchNode) -> None:
        """``Nodes.kill_one`` tells of its end; here, if it has ended already."""
        if not self.session.nodes.hosts[command.node].alive:
            self.kernel.after(0.0001, self.post, ev.NodeExited(command.node, "has ended"))

    def before_events(self, events: list[Any]) -> None:
        """Who is given to which actor is noted."""
        self.session.watch.head_heard(events)

    def after_events(self, events: list[Any]) -> None:
        """Names are looked at after each batch."""
        self.session.names.heard(events)

    def says(self, target: WorkerID, envelope: Envelope) -> None:
        """Actors' births and deaths are compared with the facts."""
        self.session.watch.head_said(target, envelope.messages)
        self.session.names.said(target, envelope.messages)


class NodeHost(Host):
    """The node's shell: forks, kills and reserves.

    Attributes:
        node: the role.
        memory: its arena.
        rooms: (offset, size) by pull.
    """

    session: Session
    node: Node
    memory: Memory
    rooms: dict[int, tuple[int, int]]

    def _do_receive_chunks(self, command: fx.ReceiveChunks) -> None:
        self.rooms[command.pull] = (command.offset, command.size)
        lose_while_pulled(self.session, command.object)

    def _do_end_receiving(self, command: fx.EndReceiving) -> None:
        del self.rooms[command.pull]

    def _do_send_chunks(self, command: fx.SendChunks) -> None:
        content = self.memory.content(command.offset)
        self._send_each(
            command.target, command.pull, range(command.first, command.first + command.count), content
        )
        self.kernel.after(self.kernel.random.uniform(0.0001, 0.01), self._sent, command.offset, content)

    def _do_send_file_chunks(self, command: fx.SendFileChunks) -> None:
        self.kernel.after(self.kernel.random.uniform(0.0001, 0.01), self._send_from_file, command)

    def _send_from_file(self, command: fx.SendFileChunks) -> None:
        if not self.alive:
            return
        sent = ev.FileChunksSent(command.target, command.pull, command.block, command.file)
        content = self.memory.peek(command.path, command.position, command.block[1])
        if rots(self.session):
            sent.error = "its copy on disk can not be read: it is damaged"
        else:
            chunks = range(command.first, command.first + len(command.crcs))
            self._send_each(command.target, command.pull, chunks, (command.block[1], content))
        self.post(sent)

    def _send_each(self, to: WorkerID, pull: int, chunks: range, content: tuple[ObjectID, bytes]) -> None:
        """Each chunk may be late, spoiled or lost, but not twice."""
        network, random = self.session.network, self.kernel.random
        for chunk in chunks:
            key = (to, pull, chunk)
            faulty = self.kernel.now < network.weather.until_s and key not in self.session.nodes.faults
            intact = True
            if faulty and network.weather.loss and self.kernel.chance(0.2):
                self.session.nodes.faults[key] = None
                self.session.truth.chunks_spoiled += 1
                if self.kernel.chance(0.5):
                    continue
                intact = False
            target = self.session.nodes.hosts[to]
            self.kernel.after(random.uniform(0.0001, 0.01), target.arrive, pull, chunk, content, intact)

    def _sent(self, offset: int, content: tuple[ObjectID, bytes]) -> None:
        assert not self.alive or self.memory.content(offset) == content, (
            f"{offset} was reused while it was sent"
        )
        self.post(ev.ChunksSent(offset))

    def arrive(self, pull: int, chunk: int, content: tuple[ObjectID, bytes], intact: bool) -> None:
        """A chunk has come."""
        if not self.alive or pull not in self.rooms:
            return
        offset, size = self.rooms[pull]
        if intact:
            self.memory.receive(offset, chunk, chunk_count(size), content)
        self.post(ev.ChunkArrived(pull, chunk, intact))

    def _do_measure_memory(self, command: fx.MeasureMemory) -> None:
        """Nobody looks at it here."""

    def _do_start_worker(self, command: fx.StartWorker) -> None:
        self.kernel.after(
            self.kernel.random.uniform(0.002, 0.02), self.session.fork, command.worker, command.job
        )

    def _do_end_process(self, command: fx.EndProcess) -> None:
        """It has been drained."""
        self.session.nodes.end(self, command.reason)

    def _do_watch_driver(self, command: fx.WatchDriver) -> None:
        """``Session.end_guest`` tells of its end; here, if it has ended already."""
        if not self.session.workers[command.driver].alive:
            self.kernel.after(0.0001, self.post, ev.DriverExited(command.driver, "has ended"))

    def _do_kill_worker(self, command: fx.KillWorker) -> None:
        host = self.session.workers.get(command.worker)
        if command.running and (host is None or host.executor.last_begun != command.running):
            return
        for_memory = self.session.shortages.killing(self, host, command.worker)
        if host is not None and not for_memory:
            self.session.watch.killing(host)
        self.session.kill(command.worker, "was killed by SIGKILL")

    def _do_reserve_block(self, command: fx.ReserveBlock) -> None:
        self.memory.reserve(command.offset, command.size)
        failed = self.kernel.chance(self.session.plan.reserve_failure)
        event = ev.BlockReserved(command.request, command.asker, command.offset, failed)
        self.kernel.after(self.kernel.random.uniform(0.00001, 0.001), self.post, event)

    # -- the disk --------------------------------------------------------------------------------------------

    def _do_clear_blocks(self, command: fx.ClearBlocks) -> None:
        self.memory.clear(command.places)
        self.kernel.after(0.00001, self.post, ev.BlocksCleared())

    def _do_write_spill_file(self, command: fx.WriteSpillFile) -> None:
        self.kernel.after(self.kernel.random.uniform(0.0001, 0.01), self._write_spill_file, command)

    def _write_spill_file(self, command: fx.WriteSpillFile) -> None:
        if self.kernel.chance(self.session.plan.disk_failure):
            self.post(ev.SpillFileWritten(command.file, (), "no space left on device"))
            return
        places = [place for place, _ in command.parts]
        self.memory.spill(command.path, places)
        crcs = [(0,) * chunk_count(size - HEADER_BYTES) for _, size in command.parts]
        self.post(ev.SpillFileWritten(command.file, tuple(enumerate(crcs))))

    def _do_read_spill_file(self, command: fx.ReadSpillFile) -> None:
        self.memory.reserve(command.place, command.size)
        self.kernel.after(self.kernel.random.uniform(0.0001, 0.01), self._read_spill_file, command)

    def _read_spill_file(self, command: fx.ReadSpillFile) -> None:
        if rots(self.session):
            self.post(ev.BlockRestored(command.block, "its copy on disk can not be read: it is damaged"))
            return
        no_memory = self.kernel.chance(self.session.plan.reserve_failure)
        if not no_memory:
            self.memory.restore(command.place, command.path, command.position, command.block[1])
        self.post(ev.BlockRestored(command.block, no_memory=no_memory))

    def _do_delete_spill_file(self, command: fx.DeleteSpillFile) -> None:
        self.memory.delete(command.path)


class WorkerHost(Host):
    """A worker's or the driver's shell: runs code.

    Attributes:
        worker: the role.
        threads: code that holds handles.
        tokens: threads that wait for values.
        pending: its unfinished calls to actors that limit them.
        cells: of the driver's program, to number what it submits.
        calls: of functions that limit them.
        spent: it has run one of those as often as it may.
        in_program: it is a driver whose program has not ended.
        overdrawn: code has waited during the present lease, and its CPU was free meanwhile.
    """

    def __init__(self, session: Session, me: WorkerID, label: str, role: Worker, memory: Memory) -> None:
        super().__init__(session.kernel, session.network, me, label, role)
        self.session = session
        self.worker = role
        self.truth = session.truth
        self.watch = session.watch
        self.memory = memory
        self.threads: dict[Thread, None] = {}
        self.tokens: dict[int, tuple[Thread, int]] = {}
        self.cells = 0
        self.pending: dict[ActorID, ev.PendingCalls] = {}
        self.overdrawn = False
        self.calls: dict[FunctionID, int] = {}
        self.spent = False
        self.in_program = False
        self.executor = Lanes(self)
        self._requests: dict[int, tuple[Thread, int]] = {}
        self._classes: dict[tuple[tuple[str, int], ...], int] = {}
        self._counter = 0
        self._number = 0
        role.references.values = WrittenOnce()
        role.calls.clients.idle_max = 1

    def before_events(self, events: list[Any]) -> None:
        """Cancels, kills and outcomes are noted."""
        self.watch.heard(self, events)
        if self.session.plan.shortages:
            self.session.shortages.heard(self, events)
        self.session.copies.heard(self, events)
        self.session.tempo.heard(self, events)

    def says(self, target: WorkerID, envelope: Envelope) -> None:
        """Pushes are compared with what may be pushed."""
        self.watch.said(self, target, envelope.messages)
        self.session.copies.said(self, target, envelope.messages)
        self.session.tempo.said(self, target, envelope.messages)

    def after_events(self, events: list[Any]) -> None:
        """What was cancelled may have ended, what somebody holds not been freed."""
        self.watch.settled(self)
        self.session.check_handles()

    def check_views(self) -> None:
        """Whatever code here views is what it was."""
        for view in [view for thread in self.threads for view in thread.views] + self.executor.kept:
            self.memory.read(view.place, view.object)

    # -- what code asks for ----------------------------------------------------------------------------------

    def new_task(self) -> TaskID:
        """The id of the next task, call, actor or put of this process."""
        self._counter += 1
        return task_id(self.me, self._counter)

    def new_put_number(self) -> int:
        """What the next put value says of itself."""
        self.session.puts += 1
        return -self.session.puts

    def pending_of(self, actor: ActorID) -> ev.PendingCalls:
        """Counts this process's unfinished calls to an actor."""
        return self.pending.setdefault(actor, ev.PendingCalls())

    def new_token(self, thread: Thread) -> int:
        """A number by which the role can wake ``thread``."""
        self._number += 1
        self.tokens[self._number] = (thread, thread.ticket())
        return self._number

    def new_request(self, thread: Thread) -> int:
        """A number by which an answer finds ``thread``."""
        self._number += 1
        self._requests[self._number] = (thread, thread.ticket())
        return self._number

    def class_key(self, resources: dict[str, int], spread: bool, retriable: bool) -> int:
        """The number of a scheduling class."""
        key = (*sorted(resources.items()), ("spread", int(spread)), ("retriable", int(retriable)))
        return self._classes.setdefault(key, len(self._classes) + 1)

    def wake(self, token: int) -> None:
        """Let a waiting thread go on: its values are there, or its time is over."""
        waiting = self.tokens.pop(token, None)
        if waiting is not None:
            waiting[0].resume(waiting[1], None)

    def forget_token(self, token: int) -> None:
        """The thread waits no longer."""
        self.tokens.pop(token, None)

    # -- commands --------------------------------------------------------------------------------------------

    def _do_wake_waiter(self, command: fx.WakeWaiter) -> None:
        self.kernel.after(self.kernel.random.uniform(0.00001, 0.0001), self.wake, command.token)

    def _do_answer_request(self, command: fx.AnswerRequest) -> None:
        asked = self._requests.pop(command.request, None)
        if asked is not None:
            self.kernel.after(0.00001, asked[0].resume, asked[1], command.answer)

    def _do_wake_executor(self, command: fx.WakeExecutor) -> None:
        self.kernel.after(self.kernel.random.uniform(0.00001, 0.0001), self.executor.wake, command.group)

    def _do_widen_executor(self, command: fx.WidenExecutor) -> None:
        self.kernel.after(self.kernel.random.uniform(0.00001, 0.0001), self.executor.widen)

    def _do_wake_producer(self, command: fx.WakeProducer) -> None:
        self.kernel.after(
            self.kernel.random.uniform(0.00001, 0.0001), self.executor.generating.wake, command.task
        )

    def _do_answer_ended(self, command: fx.AnswerEnded) -> None:
        self.executor.hand_over()

    def _do_interrupt_task(self, command: fx.InterruptTask) -> None:
        if command.force and command.task in self.executor.running and self.worker.execution.actor is None:
            self.watch.killing(self)
            self.session.kill(self.me, "was ended by cancel(force=True)")
        else:
            self.executor.interrupt(command.task)

    def _do_inline_values(self, command: fx.InlineValues) -> None:
        thread = Thread(self, None)
        thread.start(self._inline_values(thread, command))

    def _inline_values(self, thread: Thread, command: fx.InlineValues) -> Waiting:
        values = []
        for value in command.values:
            values.append((yield from thread.read(value, None)))
        yield from thread.sleep(0.00001)
        self.post(ev.ValuesInlined(command.actor, tuple(values)))
        thread.drop_all()

    def _do_become_actor(self, command: fx.BecomeActor) -> None:
        self.executor.become(command.assignment)

    def _do_drain_actor(self, command: fx.DrainActor) -> None:
        self.executor.drain(command.reason)

    def _do_end_process(self, command: fx.EndProcess) -> None:
        self.leave(command.reason)

    def leave(self, reason: str) -> None:
        """End when everything has been said."""
        if not self.alive:
            return
        if any(link.unacked for link in self.worker.links.links.values()) or self._events:
            self.kernel.after(0.01, self.leave, reason)
        else:
            if self.executor.is_leaving and self.worker.execution.actor is not None:
                self.truth.actors[self.worker.execution.actor].left = True
            self.session.kill(self.me, IDLE if reason == "idle" else f"exited: {reason}")


def announce(host: WorkerHost, node: WorkerID, pid: int) -> None:
    """A forked worker says that it listens."""
    host.post(ev.AskedSomething(node, WorkerReady(pid)))
