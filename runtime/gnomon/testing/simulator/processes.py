"""The processes of a simulated session: hosts for head, node and workers, and the node's memory.

A worker's host is what the shell's threads are: it lets the code of tasks, calls and constructors run
(``code``), one at a time per worker, and turns the role's commands into their waking, interrupting and
ending.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.node import Node
from gnomon._core.worker import Worker
from gnomon._messages.base import Block, Contained, Value
from gnomon._messages.leases import WorkerReady
from gnomon._messages.tasks import CANCELLED, OK, RAISED, CallPushed, TaskPushed
from gnomon.ids import WORKER_ID_BYTES, ActorID, ObjectID, TaskID, WorkerID, object_id, task_id
from gnomon.testing.simulator.code import Code
from gnomon.testing.simulator.host import Host
from gnomon.testing.simulator.programs import Body
from gnomon.testing.simulator.threads import Thread
from gnomon.testing.simulator.values import distinct, dump_error, error_of, load, refs_in

if TYPE_CHECKING:
    from gnomon.testing.simulator.session import Session

IDLE = "exited: idle"
"""How a process ends that nobody needs; any other end explains that what it owned is gone."""
_NO_BODY = Body(0, 0.0, (), ())


class Memory:
    """The node's arena. Reading what is not there, or not yet written, is a failed run (OD4, OD8).

    Attributes:
        node: whose tables say which ranges are given out.
    """

    def __init__(self) -> None:
        self.node: Node | None = None
        self._written: dict[int, bytes] = {}
        self._objects: dict[int, ObjectID] = {}

    def reserve(self, offset: int) -> None:
        """The range was given out anew: what was there is gone."""
        self._written.pop(offset, None)

    def write(self, offset: int, size: int, identity: ObjectID, blob: bytes) -> Block:
        """Write a value."""
        assert self.node is not None
        assert offset in self.node.blocks.owners, f"written at {offset}, which was given back meanwhile"
        assert offset not in self._written, f"{offset} was written twice"
        self._written[offset] = blob
        self._objects[offset] = identity
        return Block(self.node.me, offset, size, identity)

    def read(self, block: Block) -> bytes:
        """Read it."""
        assert self.node is not None
        assert block.offset in self.node.blocks.owners, f"{block} was freed before it was read"
        mine = block.offset in self._written and self._objects[block.offset] == block.object
        assert mine, f"{block} was given to somebody else before it was read"
        return self._written[block.offset]


class NodeHost(Host):
    """The node's shell: forks, kills and reserves."""

    session: Session

    def _do_start_worker(self, command: fx.StartWorker) -> None:
        self.kernel.after(self.kernel.random.uniform(0.002, 0.02), self.session.fork, command.worker)

    def _do_kill_worker(self, command: fx.KillWorker) -> None:
        self.session.kill(command.worker, "was killed by SIGKILL")

    def _do_reserve_block(self, command: fx.ReserveBlock) -> None:
        self.session.memory.reserve(command.offset)
        failed = self.kernel.chance(self.session.plan.reserve_failure)
        event = ev.BlockReserved(command.request, command.asker, command.offset, failed)
        self.kernel.after(self.kernel.random.uniform(0.00001, 0.001), self.post, event)


class WorkerHost(Host):
    """A worker's or the driver's shell: runs code.

    Attributes:
        worker: the role.
        tokens: threads that wait for values.
    """

    def __init__(self, session: Session, me: WorkerID, label: str, role: Worker) -> None:
        super().__init__(session.kernel, session.network, me, label, role)
        self.session = session
        self.worker = role
        self.truth = session.truth
        self.bodies = session.bodies
        self.dependencies = session.dependencies
        self.call_numbers = session.call_numbers
        self.memory = session.memory
        self.tokens: dict[int, tuple[Thread, int]] = {}
        self._requests: dict[int, tuple[Thread, int]] = {}
        self._classes: dict[tuple[tuple[str, int], ...], int] = {}
        self._calls: dict[ActorID, int] = {}
        self.cells = 0
        self._counter = 0
        self._number = 0
        self._running: Code | None = None
        self._constructing = False
        self._kept: list[Block] = []
        self._ended: dict[TaskID, Thread] = {}
        self._draining = ""

    # -- what code asks for ----------------------------------------------------------------------------------

    def new_task(self) -> TaskID:
        """The id of the next task, call, actor or put of this process."""
        self._counter += 1
        return task_id(self.me, self._counter)

    def new_put_number(self) -> int:
        """What the next put value says of itself."""
        self.session.puts += 1
        return -self.session.puts

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

    def next_call_number(self, actor: ActorID) -> int:
        """Numbers this process's calls to an actor from 1."""
        number = self._calls[actor] = self._calls.get(actor, 0) + 1
        return number

    def class_key(self, resources: dict[str, int]) -> int:
        """The number of a scheduling class."""
        return self._classes.setdefault(tuple(sorted(resources.items())), len(self._classes) + 1)

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
        self.kernel.after(self.kernel.random.uniform(0.00001, 0.0001), self._take)

    def _do_interrupt_task(self, command: fx.InterruptTask) -> None:
        thread = self._running
        if thread is None or thread.task != command.task:
            return
        if command.force:
            self.session.kill(self.me, "was ended by cancel(force=True)")
            return
        if command.recursive:
            self.post(ev.ChildrenCancelAsked(command.task))
        thread.interrupt()

    def _do_become_actor(self, command: fx.BecomeActor) -> None:
        spec = command.assignment.spec
        self._constructing = True
        self.kernel.after(0.00001, self._construct, spec)

    def _do_drain_actor(self, command: fx.DrainActor) -> None:
        self._draining = command.reason
        self._take()

    def _do_end_process(self, command: fx.EndProcess) -> None:
        self._leave(command.reason)

    def _leave(self, reason: str) -> None:
        """End when everything has been said."""
        if not self.alive:
            return
        if any(link.unacked for link in self.worker.links.links.values()) or self._events:
            self.kernel.after(0.01, self._leave, reason)
        else:
            self.session.kill(self.me, IDLE if reason == "idle" else f"exited: {reason}")

    # -- running ---------------------------------------------------------------------------------------------

    def run_driver(self, body: Body) -> None:
        """Run the driver's program; afterwards it reads all that it holds and lets go of it."""
        thread = Code(self, body, None)
        self._running = thread
        thread.start(self._drive(thread))

    def _drive(self, thread: Code) -> Generator[Any, Any, None]:
        yield from thread.run_steps()
        values = [identity for identity in dict.fromkeys(thread.handles) if identity in self.truth.objects]
        if values:
            yield from thread.get(tuple(values))
        thread.drop_all()
        self.session.finished = True

    def _take(self) -> None:
        """The executing thread looks for something to run."""
        if not self.alive or self._running is not None or self._constructing:
            return
        taken = self.worker.execution.take(self.kernel.now)
        if taken is None:
            if self._ended:
                self._hand_over()
            if self._draining:
                self._leave(self._draining)
            return
        submitter, message = taken
        thread = self._running = self._open(message)
        thread.start(self._execute(thread, submitter, message))

    def _open(self, message: TaskPushed | CallPushed) -> Code:
        """A thread for a pushed task, with the handles that its arguments bring to life."""
        if type(message) is TaskPushed:
            assert message.function in self.worker.functions, "a task came before its function"
        self.truth.started(message.task)
        if type(message) is CallPushed:
            number = self.call_numbers[message.task]
            caller = message.task[:WORKER_ID_BYTES]
            self.truth.call_started(message.actor, message.incarnation, self.me, caller, number)
        return self._open_arguments(message.task, message.arguments, message.values)

    def _open_arguments(self, task: TaskID, arguments: Value, values: tuple[Value, ...]) -> Code:
        thread = Code(self, _NO_BODY, task)
        tree = load(thread.read(arguments, task))
        arrived = refs_in(tree)
        dependencies = self.dependencies[task]
        assert len(values) == len(dependencies), f"{task.hex()} has {len(values)} of {dependencies}"
        for identity, value in zip(dependencies, values, strict=True):
            blob = thread.read(value, task)
            assert error_of(blob) is None, f"{task.hex()} was started with a failed argument"
            self.truth.check_read(identity, blob)
            arrived += refs_in(load(blob))
        if arrived:
            self.post(ev.HandlesArrived(tuple(arrived), task, None))
        thread.body, thread.handles = self.bodies[tree[0]], arrived
        return thread

    def _execute(
        self, thread: Code, submitter: WorkerID, message: TaskPushed | CallPushed
    ) -> Generator[Any, Any, None]:
        body, task = thread.body, message.task
        started = self.kernel.now
        outcome, retriable = OK, False
        values: list[Value] = []
        contained: list[Contained] = []
        try:
            yield from thread.run_steps()
            if message.attempt < body.raises:
                outcome, values, retriable = RAISED, [dump_error(body.number)], body.retry_exceptions
            else:
                values, inner = yield from thread.results(submitter)
                contained = [
                    Contained(object_id(task, index), each) for index, each in enumerate(inner, 1) if each
                ]
        except InterruptedError:
            outcome, values = CANCELLED, []
        if body.keep and type(message) is CallPushed and outcome == OK:
            self._keep(thread)
        thread.drop_all(besides=distinct(identity for each in contained for identity in each.inner))
        ended = ev.TaskEnded(
            task, outcome, tuple(values), started, self.kernel.now, retriable, tuple(contained)
        )
        self._answer(ended, thread)
        self._running = None
        self.kernel.after(self.kernel.random.uniform(0.000001, 0.00005), self._take)

    def _answer(self, ended: ev.TaskEnded, thread: Thread) -> None:
        """Hand the outcome over, at once or with those of the next tasks."""
        execution = self.worker.execution
        execution.unanswered.append(ended)
        self._ended[ended.task] = thread
        if not execution.queue or self.kernel.chance(0.5):
            self._hand_over()

    def _hand_over(self) -> None:
        """Answer for what has ended; only now do the references inside results go."""
        for ended in self.worker.execution.take_unanswered():
            self.post(ended)
            self._ended.pop(ended.task).drop_all()

    def _do_answer_ended(self, command: fx.AnswerEnded) -> None:
        self._hand_over()

    def _keep(self, thread: Code) -> None:
        """The actor keeps some of its arguments, in references or in views of large values."""
        harmless = self.truth.harmless
        for identity in [each for each in thread.handles if harmless(each)][: thread.body.keep]:
            thread.handles.remove(identity)
        for view in [each for each in thread.views if harmless(each.object)][: thread.body.keep]:
            thread.views.remove(view)
            self._kept.append(view)
        for view in self._kept:
            self.memory.read(view)

    def _construct(self, spec: Any) -> None:
        if not self.alive:
            return
        thread = self._open_arguments(TaskID(spec.actor), spec.arguments, spec.values)
        thread.start(self._run_constructor(thread))

    def _run_constructor(self, thread: Code) -> Generator[Any, Any, None]:
        body = thread.body
        yield from thread.run_steps()
        error = dump_error(body.number) if body.raises else b""
        self.post(ev.ActorConstructed(error, f"body {body.number}" if error else ""))
        self._keep(thread)
        thread.drop_all()
        self._constructing = False
        self._take()


def announce(host: WorkerHost, node: WorkerID, pid: int) -> None:
    """A forked worker says that it listens."""
    host.post(ev.AskedSomething(node, WorkerReady(pid)))
