"""Code: user code running in a simulated process: a driver's program, a task, a constructor, a method.

A thread interprets a ``Body`` (``programs``) the way real code would use the API: each step posts the events that the
API would post, and waits are waits for the role's commands. It may stop for good at any step, when its process
crashes. The rule for a changer: a handle is in ``handles`` for as long as the real code would hold it; every
handle that is made is dropped exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from gnomon._core import events as ev
from gnomon._messages.actors import ActorAdmitted, ActorNameAsked, ActorSpec
from gnomon._messages.base import Block, Value
from gnomon._messages.cluster import StatusAsked
from gnomon._messages.objects import BlockAsked, BlockGiven
from gnomon._messages.tasks import Provenance
from gnomon.ids import ActorID, FunctionID, ObjectID, TaskID, WorkerID, handle_object, index_of, object_id, task_of
from gnomon.testing.simulator.programs import Body, Step
from gnomon.testing.simulator.values import Ref, distinct, dump, error_of, load, refs_in

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost

Waiting = Generator[Any, Any, None]
LARGE_BYTES = 200_000
LOOKED_UP = Body(1_000_000, 0.001, (), ((),))
"""What is called through a handle that was got by name."""


class Interrupted(Exception):
    """The task was cancelled while it ran."""


class Thread:
    """One running body.

    Attributes:
        task: the task or call that it runs; None in the driver's main thread.
        handles: ids of the handles it holds, one entry for each.
        views: large values that it reads in place; each is a handle too.
        interrupted: a cancellation that takes effect at the next step.
    """

    def __init__(self, host: WorkerHost, body: Body, task: TaskID | None, handles: list[ObjectID]) -> None:
        self.host = host
        self.body = body
        self.task = task
        self.handles = handles
        self.views: list[Block] = []
        self.interrupted = False
        self._steps: Waiting | None = None
        self._ticket = 0
        self._masked = False

    # -- being run ------------------------------------------------------------------------------------------------

    def start(self, steps: Waiting) -> None:
        """Begin to run."""
        self._steps = steps
        self.resume(self._ticket, None)

    def ticket(self) -> int:
        """What ends the present wait: a later ``resume`` with it does nothing."""
        return self._ticket

    def resume(self, ticket: int, answer: Any) -> None:
        """Go on until the next wait; a dead process's threads do not."""
        if not self.host.alive or self._steps is None or ticket != self._ticket:
            return
        self._ticket += 1
        try:
            if self.interrupted and not self._masked:
                self.interrupted = False
                self._steps.throw(Interrupted())
            else:
                self._steps.send(answer)
        except StopIteration:
            self._steps = None

    def interrupt(self) -> None:
        """Raise Interrupted in the body, now or as soon as it does not write."""
        self.interrupted = True
        if not self._masked:
            self.host.kernel.after(0.0, self.resume, self._ticket, None)

    def sleep(self, seconds: float) -> Waiting:
        """Let virtual time pass."""
        self.host.kernel.after(seconds, self.resume, self._ticket, None)
        yield

    def values_of(self, identities: tuple[ObjectID, ...], count: int, timeout_s: float | None) -> Waiting:
        """Wait until ``count`` of these have a value, or the time is over."""
        host = self.host
        values = host.worker.references.values
        if sum(identity in values for identity in identities) >= count:
            return
        if self.task is not None:
            host.post(ev.WaitStarted())
        token = host.new_token(self)
        host.post(ev.ValuesAwaited(token, identities, count))
        timer = None
        if timeout_s is not None:
            timer = host.kernel.after(timeout_s, host.wake, token)
        try:
            yield
        finally:
            host.tokens.pop(token, None)
            if timer is not None:
                timer.cancel()
            if sum(identity in values for identity in identities) < count:
                host.post(ev.WaitAbandoned(token))
            if self.task is not None:
                host.post(ev.WaitEnded())

    # -- the steps of a body --------------------------------------------------------------------------------------

    def run_steps(self) -> Waiting:
        """The body's steps, each after a moment."""
        random = self.host.kernel.random
        for step in self.body.steps:
            yield from self.sleep(random.uniform(0.000001, 0.0002))
            yield from getattr(self, "_step_" + step.kind)(step)
        yield from self.sleep(self.body.duration_s * random.uniform(0.5, 1.5))

    def _pick(self, picks: tuple[int, ...], actors: bool) -> list[ObjectID]:
        """The variables that these picks mean: handles on values, or on actors."""
        found = [identity for identity in self.handles if (index_of(identity) == 0) == actors]
        return [found[pick % len(found)] for pick in picks] if found else []

    def _arguments(self, step: Step, picks: tuple[int, ...]) -> tuple[bytes, tuple[ObjectID, ...], tuple[ObjectID, ...]]:
        """(blob, dependencies, contained) of a call's arguments."""
        values = self._pick(picks[step.nested :], actors=False)
        nested = self._pick(picks[: step.nested], actors=False)
        if step.nested:
            nested += self._pick(picks[:1], actors=True)
        assert step.body is not None
        blob = dump([step.body.number, [Ref(identity) for identity in nested]])
        return blob, distinct(values), distinct(nested)

    def _expect(self, task: TaskID, body: Body) -> None:
        truth = self.host.truth
        for index in range(1, len(body.results) + 1):
            identity = object_id(task, index)
            truth.objects[identity] = (body.number, index)
            self.handles.append(identity)

    def _step_task(self, step: Step) -> Waiting:
        host, body = self.host, step.body
        assert body is not None
        blob, dependencies, contained = self._arguments(step, step.picks)
        task = host.new_task()
        host.session.know(body)
        retries = int(step.amount)
        host.truth.limits[task] = 1 + retries
        resources = self._resources(body, body.cpus)
        host.cells += 1
        provenance = Provenance(f"cell {host.cells % 3}", "In [1]", host.cells)
        function = FunctionID(bytes([body.number % 3]) * 8)
        host.post(
            ev.TaskSubmitted(
                task, function, b"code" + function, f"f{body.number % 3}", resources,
                host.class_key(resources), blob, dependencies, contained, len(body.results), retries,
                body.retry_exceptions, provenance, self.task,
            )
        )  # fmt: skip
        host.dependencies[task] = dependencies
        self._expect(task, body)
        return
        yield

    def _step_call(self, step: Step) -> Waiting:
        host, body = self.host, step.body
        assert body is not None
        chosen = self._pick(step.picks[:1], actors=True)
        if not chosen:
            return
        blob, dependencies, contained = self._arguments(step, step.picks[1:])
        actor = ActorID(task_of(chosen[0]))
        self._call(actor, body, blob, dependencies, contained, int(step.amount))
        return
        yield

    def _call(
        self,
        actor: ActorID,
        body: Body,
        blob: bytes,
        dependencies: tuple[ObjectID, ...],
        contained: tuple[ObjectID, ...],
        retries: int,
    ) -> None:
        host = self.host
        task = host.new_task()
        host.session.know(body)
        host.truth.limits[task] = 1 + retries
        host.post(
            ev.CallSubmitted(
                task, actor, "method", "Actor.method", blob, dependencies, contained, len(body.results),
                retries, body.retry_exceptions, "", None, self.task,
            )
        )  # fmt: skip
        host.dependencies[task] = dependencies
        host.call_numbers[task] = host.next_call_number(actor)
        self._expect(task, body)

    def _step_actor(self, step: Step) -> Waiting:
        host, body = self.host, step.body
        assert body is not None
        blob, dependencies, contained = self._arguments(step, step.picks)
        host.session.know(body)
        actor = ActorID(host.new_task())
        spec = ActorSpec(
            actor, host.me, "Actor", FunctionID(b"actor..."), b"", blob, (), b"", self._resources(body, 0),
            {"CPU": 10_000}, int(step.amount), 0, False, step.name, "", False,
        )  # fmt: skip
        host.dependencies[TaskID(actor)] = dependencies
        if not step.name:
            host.post(ev.ActorSubmitted(spec, dependencies, contained, 0))
            self.handles.append(handle_object(actor))
            return
        host.session.allow("ActorDiedError")  # weak handles by name keep nobody alive
        answer = yield from self.ask(lambda request: ev.ActorSubmitted(spec, dependencies, contained, request))
        if isinstance(answer, ActorAdmitted) and answer.taken:
            host.post(ev.HandlesDropped((handle_object(actor),)))
        else:
            self.handles.append(handle_object(actor))

    def ask(self, make: Callable[[int], Any]) -> Generator[Any, Any, Any]:
        """Post the event ``make(request)``; returns what its AnswerRequest says."""
        self._masked = True
        self.host.post(make(self.host.new_request(self)))
        answer = yield
        self._masked = False
        return answer

    def _resources(self, body: Body, cpus: int) -> dict[str, int]:
        found = {"CPU": cpus} if cpus else {}
        if body.gpus:
            found["GPU"] = body.gpus
        return found

    def _step_lookup(self, step: Step) -> Waiting:
        """``get_actor`` and one call, or ``list_named_actors``."""
        head = self.host.worker.head
        answer = yield from self.ask(
            lambda request: ev.AskedSomething(head, ActorNameAsked(request, step.name, "", not step.name))
        )
        if step.name and answer.actor is not None:
            self._call(answer.actor, LOOKED_UP, dump([LOOKED_UP.number, []]), (), (), 0)
            # Nobody waits for its result: the actor may be waiting for this very task.
            self.host.post(ev.HandlesDropped((self.handles.pop(),)))

    def _step_status(self, step: Step) -> Waiting:
        head = self.host.worker.head
        yield from self.ask(lambda request: ev.AskedSomething(head, StatusAsked(request)))

    def _step_cancel_cell(self, step: Step) -> Waiting:
        if self.task is None:
            self.host.session.allow("TaskCancelledError")
            yield from self.ask(lambda request: ev.CellCancelAsked(request, "cell 1"))

    def _step_put(self, step: Step) -> Waiting:
        host = self.host
        nested = self._pick(step.picks, actors=False)
        if step.nested:
            nested += self._pick(step.picks[:1], actors=True)
        task = host.new_task()
        number = host.new_put_number()
        identity = object_id(task, 1)
        tree = [number, 1, *map(Ref, nested)]
        value: Value | None = dump(tree)
        if step.large:
            answer: list[Value | None] = []
            yield from self.write(dump(tree), identity, host.me, answer)
            value = answer[0]
            if value is None:
                return
        assert value is not None
        host.truth.objects[identity] = (number, 1)
        host.truth.contents[identity] = tuple(nested)
        host.worker.references.values[identity] = value
        host.post(ev.ObjectStored(identity, value, distinct(nested), LARGE_BYTES))
        self.handles.append(identity)

    def write(
        self, blob: bytes, identity: ObjectID, owner: WorkerID, answer: list[Value | None]
    ) -> Waiting:
        """Put a large value into the arena; appends its Block to ``answer``, or None when there is no room."""
        host = self.host
        node = host.worker.node
        given = yield from self.ask(
            lambda request: ev.AskedSomething(node, BlockAsked(request, LARGE_BYTES, owner))
        )
        written = isinstance(given, BlockGiven)
        answer.append(host.arena.write(given.offset, LARGE_BYTES, identity, blob) if written else None)

    def _step_get(self, step: Step) -> Waiting:
        wanted = distinct(self._pick(step.picks, actors=False))
        if wanted:
            yield from self.get(wanted)

    def get(self, wanted: tuple[ObjectID, ...]) -> Waiting:
        """Read values; the references inside become variables."""
        host = self.host
        yield from self.values_of(wanted, len(wanted), None)
        for identity in wanted:
            blob = self.read(host.worker.references.values[identity], None)
            host.truth.check_read(identity, blob)
            if error_of(blob) is None:
                arrived = refs_in(load(blob))
                if arrived:
                    host.post(ev.HandlesArrived(tuple(arrived), None, identity))
                    self.handles += arrived

    def read(self, value: Value, task: TaskID | None) -> bytes:
        """The bytes of a value; a large one is viewed, which holds it."""
        if not isinstance(value, Block):
            return value
        self.host.post(ev.HandlesArrived((value.object,), task, None))
        self.views.append(value)
        return self.host.arena.read(value)

    def _step_wait(self, step: Step) -> Waiting:
        wanted = distinct(self._pick(step.picks, actors=False))
        if wanted:
            yield from self.values_of(wanted, 1 + step.picks[0] % len(wanted), step.amount)

    def _step_drop(self, step: Step) -> Waiting:
        if self.handles:
            dropped = self.handles.pop(step.picks[0] % len(self.handles))
            self.host.post(ev.HandlesDropped((dropped,)))
        return
        yield

    def _step_sleep(self, step: Step) -> Waiting:
        yield from self.sleep(step.amount)

    def _step_kill(self, step: Step) -> Waiting:
        for identity in self._pick(step.picks, actors=True):
            host = self.host
            host.session.allow("ActorDiedError", "ActorUnavailableError")
            host.post(ev.ActorKillAsked(ActorID(task_of(identity)), bool(step.picks[0] % 2)))
        return
        yield

    def _step_cancel(self, step: Step) -> Waiting:
        for identity in self._pick(step.picks, actors=False):
            self.host.session.allow("TaskCancelledError")
            force = step.picks[0] % 5 == 0
            if force:
                self.host.session.allow_crashes()
            self.host.post(ev.CancelAsked(task_of(identity), force, True))
        return
        yield

    # -- the end --------------------------------------------------------------------------------------------------

    def results(self, submitter: WorkerID) -> Generator[Any, Any, tuple[list[Value], list[tuple[ObjectID, ...]]]]:
        """The values of the body's results, and the references in each; large ones written for ``submitter``."""
        assert self.task is not None
        values: list[Value] = []
        contained: list[tuple[ObjectID, ...]] = []
        for index, picks in enumerate(self.body.results, 1):
            inner = self._pick(picks, actors=False) + self._pick(picks[:1], actors=True)
            blob = dump([self.body.number, index, *map(Ref, inner)])
            if self.body.large:
                answer: list[Value | None] = []
                yield from self.write(blob, object_id(self.task, index), submitter, answer)
                values.append(answer[0] if answer[0] is not None else blob)
            else:
                values.append(blob)
            contained.append(distinct(inner))
            self.host.truth.contents[object_id(self.task, index)] = tuple(inner)
        return values, contained

    def drop_all(self) -> None:
        """All handles go, as when a function's frame does."""
        for view in self.views:
            self.host.arena.read(view)
            self.handles.append(view.object)
        self.views = []
        if self.handles:
            self.host.post(ev.HandlesDropped(tuple(self.handles)))
            self.handles = []

