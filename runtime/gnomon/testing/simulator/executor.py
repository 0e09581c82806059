"""Lanes: what the executing threads of a simulated worker do: take, run, answer, become an actor.

    plain worker    one lane: take, run, take, run ...; answers are handed over in batches
    sync actor      the same, in order
    threaded actor  several lanes, of which one works until the role wants more (``WidenExecutor``)
    groups          lanes of their own for the calls of each concurrency group
    async actor     as many calls at a time as it may have, on one event loop: waiting blocks nobody

A lane is a thread that takes one after the other. It stands in for ``_shell.executor``, whose waiting is all
that is left out.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from gnomon._core import events as ev
from gnomon._messages.actors import ActorAssigned
from gnomon._messages.base import Contained, Value
from gnomon._messages.failures import failure
from gnomon._messages.tasks import CANCELLED, OK, RAISED, CallPushed, TaskPushed
from gnomon.ids import ActorID, FunctionID, ObjectID, TaskID, WorkerID, object_id
from gnomon.testing.simulator.actor_code import Code
from gnomon.testing.simulator.generating import ItemMaker
from gnomon.testing.simulator.programs import MANY, Body
from gnomon.testing.simulator.threads import Thread, View, Waiting
from gnomon.testing.simulator.values import distinct, dump_error, error_of, load, refs_in

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost

_NO_BODY = Body(0, 0.0, (), ())


class Lanes:
    """The executing side of a worker process.

    Attributes:
        running: by task, what runs.
        is_async: it is an async actor: what waits does not block.
        kept: large values that the actor views in its state.
        held: references in its state.
        may_wait: its code may wait for values as long as it takes.
    """

    def __init__(self, host: WorkerHost) -> None:
        self.host = host
        self.execution = host.worker.execution
        self.running: dict[TaskID, Code] = {}
        self.generating = ItemMaker(self)
        self.is_async = False
        self.may_wait = True
        self._room = {"": 1}
        self._wide = False
        self._leaving = ""
        self._spent = False
        self._constructing = False
        self._draining = ""
        self.kept: list[View] = []
        self.held: list[ObjectID] = []
        self._calls: dict[FunctionID, int] = {}
        self._ended: dict[TaskID, Thread] = {}

    # -- commands ------------------------------------------------------------------------------------------------

    def wake(self, group: str = "") -> None:
        """There is something to take, for the lanes of a group."""
        if self.is_async:
            self._pump()
        elif not self._constructing and self._room.get(group, 0):
            self._room[group] -= 1
            self._serve(group)

    def widen(self) -> None:
        """Calls wait behind a long one: another lane takes the next."""
        self._wide = True
        self.wake()

    def interrupt(self, task: TaskID) -> None:
        """Raise InterruptedError in a running task."""
        thread = self.running.get(task)
        if thread is not None and not thread.body.deaf:
            thread.interrupt()

    def drain(self, reason: str) -> None:
        """End after the calls that are here."""
        self._draining = reason
        self.wake()

    def hand_over(self) -> None:
        """Answer for what has ended; only now do the references inside results go."""
        for ended in self.execution.take_unanswered():
            self.host.post(ended)
            self._ended.pop(ended.task).drop_all()

    # -- taking --------------------------------------------------------------------------------------------------

    def _serve(self, group: str) -> None:
        """A lane looks for something to run."""
        if not self.host.alive or self._leaving:
            return
        if self._spent and self.host.has_news:  # its last answer is being applied
            self.host.kernel.after(0.0005, self._serve, group)
            return
        taken = self.execution.take(self.host.kernel.now, group)
        if taken is None:
            self._room[group] += 1
            if self._ended:
                self.hand_over()
            self._leave_if_drained()
            return
        if self._wide or group:
            self._pass_on(group)
        self._begin(*taken)

    def _pass_on(self, group: str) -> None:
        """Another lane of the group may take the next, until none is left."""
        more = bool(self.execution.groups[group] if group else self.execution.queue)
        if more and self._room[group]:
            self._room[group] -= 1
            self.host.kernel.after(0.00001, self._serve, group)
        elif not more and not group:
            self._wide = bool(self.execution.groups)

    def _pump(self) -> None:
        """An event loop begins what there is room for."""
        for group in self._room:
            while self.host.alive and not self._constructing and not self._leaving and self._room[group] > 0:
                taken = self.execution.take(self.host.kernel.now, group)
                if taken is None:
                    break
                self._room[group] -= 1
                self._begin(*taken)
        self._leave_if_drained()

    def _leave_if_drained(self) -> None:
        if not self._draining or self._constructing or not self.host.alive:
            return
        if self.execution.is_idle() and not self.execution.unanswered:
            self.host.leave(self._draining)
        elif not self.running and self.host.has_news:  # what has ended is being applied
            self.host.kernel.after(0.0005, self._leave_if_drained)

    def _begin(self, submitter: WorkerID, message: TaskPushed | CallPushed) -> None:
        thread = Code(self.host, _NO_BODY, message.task)
        self.running[message.task] = thread
        self.host.watch.started(self.host, message)
        self.host.session.begun(self.host, message.task)
        thread.start(self._run(thread, submitter, message))

    # -- running -------------------------------------------------------------------------------------------------

    def _run(self, thread: Code, submitter: WorkerID, message: TaskPushed | CallPushed) -> Waiting:
        ended = ev.TaskEnded(message.task, OK, (), self.host.kernel.now, 0.0)
        try:
            lost = yield from self._enter(thread, message)
            if lost:
                ended.outcome, ended.values = RAISED, (lost,)
                if message.num_returns < 0:
                    ended.values = (lost, self.generating.result(message, 1, thread.body.number))
            else:
                yield from thread.run_steps()
                yield from self._end(thread, submitter, message, ended)
            self.host.watch.ended(self.host.truth.tasks[message.task], thread.body.deaf)
        except InterruptedError:
            ended.outcome, ended.values, ended.contained, ended.items = CANCELLED, (), (), 0
            if self.execution.take_recursive(message.task):
                self.host.post(ev.ChildrenCancelAsked(message.task))
        if thread.body.keep and type(message) is CallPushed and ended.outcome == OK:
            self._keep(thread)
        thread.drop_all(besides=distinct(identity for each in ended.contained for identity in each.inner))
        ended.finished = self.host.kernel.now
        ended.last = self._count(message)
        self._spent |= ended.last
        self._answer(ended, thread, message)

    def _enter(self, thread: Code, message: TaskPushed | CallPushed) -> Generator[Any, Any, bytes]:
        """The thread has taken it; an interrupt strikes only the user's code, which has not begun."""
        random = self.host.kernel.random
        yield from thread.sleep_masked(random.uniform(0.0, random.choice((0.00005, 0.00005, 0.0005))))
        if self.execution.is_cancelled(message.task):
            raise InterruptedError
        self.host.watch.coding(self.host, self.host.truth.tasks[message.task])
        lost = yield from self._open(thread, message)
        return lost

    def _end(
        self, thread: Code, submitter: WorkerID, message: TaskPushed | CallPushed, ended: ev.TaskEnded
    ) -> Waiting:
        """The steps are over: results, items, an error, or the actor's end."""
        body, task = thread.body, message.task
        raises = False
        if body.generates:
            ended.items, values, raises = yield from self.generating.run(thread, submitter, message)
            ended.values = tuple(values)
        elif message.attempt < body.raises:
            ended.values, raises = (dump_error(body.number),), True
        elif type(message) is CallPushed and self.execution.is_cancelled(task):
            raise InterruptedError  # it did not listen; nobody waits for its value any more
        else:
            values, inner = yield from thread.results(submitter)
            ended.values = tuple(values)
            ended.contained = tuple(
                Contained(object_id(task, index), each) for index, each in enumerate(inner, 1) if each
            )
        if raises:
            ended.outcome, ended.retriable = RAISED, body.retry_exceptions
        elif type(message) is CallPushed and body.exits:
            ended.outcome, ended.values, ended.contained = RAISED, (self._exit_error(thread, message),), ()

    def _exit_error(self, thread: Code, message: CallPushed) -> bytes:
        """What the call gets in which the actor ends itself."""
        self._leaving = f"body {thread.body.number} has ended it"
        self.host.truth.actors[message.actor].exiting = True
        return failure(
            "ActorDiedError", class_name="Actor", actor_id=message.actor.hex(), reason=self._leaving,
            creation_error=b"",
        )  # fmt: skip

    def _count(self, message: TaskPushed | CallPushed) -> bool:
        """Whether this worker has run all the calls of a function that it may."""
        if type(message) is not TaskPushed or not message.max_calls:
            return False
        calls = self._calls[message.function] = self._calls.get(message.function, 0) + 1
        return calls >= message.max_calls

    def _open(self, thread: Code, message: TaskPushed | CallPushed) -> Generator[Any, Any, bytes]:
        """Give a thread its body and the handles that its arguments bring to life; or say why that can not be."""
        if type(message) is TaskPushed:
            assert message.function in self.host.worker.functions.payloads, "a task came before its function"
        dependencies = self.host.truth.tasks[message.task].dependencies
        lost = yield from self._open_arguments(
            thread, message.task, dependencies, message.arguments, message.values
        )
        return lost

    def _open_arguments(
        self,
        thread: Code,
        task: TaskID,
        dependencies: tuple[ObjectID, ...],
        arguments: Value,
        values: tuple[Value, ...],
    ) -> Generator[Any, Any, bytes]:
        truth = self.host.truth
        packed = yield from thread.read(arguments, task)
        if error_of(packed) is not None:
            return packed
        tree = load(packed)
        arrived = refs_in(tree)
        assert len(values) == len(dependencies), f"{task.hex()} has {len(values)} of {dependencies}"
        thread.body = self.host.session.bodies[tree[0]]
        brought = yield from thread.bring(values)
        lost = next((value for value in brought.values() if isinstance(value, bytes)), None)
        if lost is not None:
            thread.put_down(brought)
            return lost
        for identity, value in zip(dependencies, values, strict=True):
            blob = yield from thread.read(brought.get(identity) or value, task)
            if error_of(blob) is not None:
                assert truth.losses, f"{task.hex()} was started with a failed argument"
                thread.put_down(brought)
                return blob
            truth.check_read(identity, blob)
            arrived += refs_in(load(blob))
        if arrived:
            self.host.post(ev.HandlesArrived(tuple(arrived), task, None))
        thread.handles = arrived
        thread.put_down(brought)
        return b""

    def _answer(self, ended: ev.TaskEnded, thread: Code, message: TaskPushed | CallPushed) -> None:
        """Hand the outcome over, at once or with those of the next tasks; the lane goes on."""
        group = message.group if type(message) is CallPushed and message.group in self._room else ""
        kernel = self.host.kernel
        del self.running[ended.task]
        self.execution.unanswered.append(ended)
        self._ended[ended.task] = thread
        if ended.last or self._leaving or not self.execution.queue or kernel.chance(0.5):
            self.hand_over()
        if self._leaving:
            self.host.post(ev.ActorEnding(self._leaving))
            self.host.leave(self._leaving)
            return
        delay_s = kernel.random.uniform(0.000001, 0.00005)
        if self.is_async:
            self._room[group] += 1
            kernel.after(delay_s, self._pump)
        else:
            kernel.after(delay_s, self._serve, group)

    def _keep(self, thread: Code) -> None:
        """The actor keeps some of its arguments, in references or in views of large values."""
        harmless = self.host.truth.harmless
        for identity in [each for each in thread.handles if harmless(each)][: thread.body.keep]:
            thread.handles.remove(identity)
            self.held.append(identity)
        for view in [each for each in thread.views if harmless(each.object)][: thread.body.keep]:
            thread.views.remove(view)
            self.kept.append(view)
        for view in self.kept:
            self.host.memory.read(view.place, view.object)

    # -- being an actor ------------------------------------------------------------------------------------------

    def become(self, assignment: ActorAssigned) -> None:
        """Run the constructor and serve calls from now on."""
        self._constructing = True
        self.host.kernel.after(0.00001, self._construct, assignment)

    def _construct(self, assignment: ActorAssigned) -> None:
        if not self.host.alive:
            return
        actor = assignment.spec.actor
        self.host.watch.constructing(self.host, actor, assignment.incarnation)
        thread = Code(self.host, _NO_BODY, TaskID(actor))
        self.may_wait = False
        thread.start(self._run_constructor(thread, assignment))

    def _run_constructor(self, thread: Code, assignment: ActorAssigned) -> Generator[Any, Any, None]:
        spec = assignment.spec
        facts = self.host.truth.actors[spec.actor]
        error = yield from self._open_arguments(
            thread, TaskID(spec.actor), facts.dependencies, spec.arguments, spec.values
        )
        body = thread.body
        if not error:
            yield from thread.run_steps()
        if (
            not error and body.raises and (body.raises > 1 or assignment.incarnation > 0)
        ):  # some only when made again
            facts.raised = True
            error = dump_error(body.number)
        self.host.post(ev.ActorConstructed(error, f"body {body.number}" if error else ""))
        self._keep(thread)
        thread.drop_all()
        self._constructing = False
        if error:
            self.host.leave("the constructor raised")
            return
        self._open_lanes(spec.actor)
        for group in list(self._room):
            self.wake(group)

    def _open_lanes(self, actor: ActorID) -> None:
        kind = self.host.truth.actors[actor].kind
        self.is_async = kind.is_async
        self.may_wait = kind.is_async and kind.lanes >= MANY and not kind.groups
        self._room = {"": kind.lanes, **dict(kind.groups)}
        self._wide = bool(kind.groups)
        if not kind.is_async:
            self.execution.threads = kind.lanes

    @property
    def is_leaving(self) -> bool:
        """Whether it is an actor that has ended itself."""
        return bool(self._leaving)

    @property
    def last_begun(self) -> TaskID | None:
        """What a process notes before it begins something; not where several lanes would overwrite it."""
        one = len(self._room) == 1 and (self.is_async or self.execution.threads == 1)
        return self.execution.last_started if one else None
