"""Code: a body of a program being run: each step posts the events that the API would post for it.

The driver's program, tasks, constructors and methods are all such code; what differs is how it begins and
ends, and that is the host's business (``processes``). A step returns a generator when it has to wait.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from gnomon._core import events as ev
from gnomon._messages.actors import ActorAdmitted, ActorNameAsked, ActorSpec
from gnomon._messages.base import Value
from gnomon._messages.cluster import StatusAsked
from gnomon._messages.tasks import Provenance
from gnomon.ids import (
    ActorID,
    FunctionID,
    ObjectID,
    TaskID,
    WorkerID,
    handle_object,
    index_of,
    object_id,
    task_of,
)
from gnomon.testing.simulator.programs import Body, Step
from gnomon.testing.simulator.threads import LARGE_BYTES, Thread, Waiting
from gnomon.testing.simulator.values import Ref, distinct, dump

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost

LOOKED_UP = Body(1_000_000, 0.001, (), ((),))
"""What is called through a handle that was got by name."""

_IDS = tuple[ObjectID, ...]


class Code(Thread):
    """One body being run.

    Attributes:
        body: what is run.
    """

    def __init__(self, host: WorkerHost, body: Body, task: TaskID | None) -> None:
        super().__init__(host, task)
        self.body = body

    def run_steps(self) -> Waiting:
        """The body's steps, each after a moment, and its duration."""
        random = self.host.kernel.random
        for step in self.body.steps:
            yield from self.sleep(random.uniform(0.000001, 0.0002))
            waiting: Waiting | None = getattr(self, "_step_" + step.kind)(step)
            if waiting is not None:
                yield from waiting
        yield from self.sleep(self.body.duration_s * random.uniform(0.5, 1.5))

    def results(self, submitter: WorkerID) -> Generator[Any, Any, tuple[list[Value], list[_IDS]]]:
        """The body's results and the references in each; large ones are written for ``submitter``."""
        assert self.task is not None
        values: list[Value] = []
        contained: list[_IDS] = []
        for index, picks in enumerate(self.body.results, 1):
            inner = self._pick(picks, actors=False) + self._pick(picks[:1], actors=True)
            blob = dump([self.body.number, index, *map(Ref, inner)])
            identity = object_id(self.task, index)
            block = None
            if self.body.large:
                block = yield from self.write(blob, identity, submitter)
            values.append(block or blob)
            contained.append(distinct(inner))
            self.host.truth.contents[identity] = tuple(inner)
        return values, contained

    def _pick(self, picks: tuple[int, ...], actors: bool) -> list[ObjectID]:
        """The variables that these picks mean: handles on values, or on actors."""
        found = [identity for identity in self.handles if (index_of(identity) == 0) == actors]
        return [found[pick % len(found)] for pick in picks] if found else []

    def _arguments(self, step: Step, picks: tuple[int, ...]) -> tuple[bytes, _IDS, _IDS]:
        """(blob, dependencies, contained) of a call's arguments."""
        values = self._pick(picks[step.nested :], actors=False)
        nested = self._pick(picks[: step.nested], actors=False)
        if step.nested:
            nested += self._pick(picks[:1], actors=True)
        assert step.body is not None
        blob = dump([step.body.number, [Ref(identity) for identity in nested]])
        return blob, distinct(values), distinct(nested)

    def _expect(self, task: TaskID, body: Body) -> None:
        """Handles on the results of a submitted task, and what those should be."""
        for index in range(1, len(body.results) + 1):
            identity = object_id(task, index)
            self.host.truth.objects[identity] = (body.number, index)
            self.handles.append(identity)

    # -- tasks and actors ------------------------------------------------------------------------------------

    def _step_task(self, step: Step) -> None:
        host, body = self.host, step.body
        assert body is not None
        blob, dependencies, contained = self._arguments(step, step.picks)
        task = host.new_task()
        host.session.know(body)
        retries = int(step.amount)
        host.truth.limits[task] = 1 + retries
        host.dependencies[task] = dependencies
        resources = _resources(body, body.cpus)
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
        self._expect(task, body)

    def _step_call(self, step: Step) -> None:
        assert step.body is not None
        chosen = self._pick(step.picks[:1], actors=True)
        if chosen:
            blob, dependencies, contained = self._arguments(step, step.picks[1:])
            actor = ActorID(task_of(chosen[0]))
            self._call(actor, step.body, blob, dependencies, contained, int(step.amount))

    def _call(
        self, actor: ActorID, body: Body, blob: bytes, dependencies: _IDS, contained: _IDS, retries: int
    ) -> None:
        host = self.host
        task = host.new_task()
        host.session.know(body)
        host.truth.limits[task] = 1 + retries
        host.dependencies[task] = dependencies
        host.call_numbers[task] = host.next_call_number(actor)
        host.post(
            ev.CallSubmitted(
                task, actor, "method", "Actor.method", blob, dependencies, contained, len(body.results),
                retries, body.retry_exceptions, "", True, None, self.task,
            )
        )  # fmt: skip
        self._expect(task, body)

    def _step_actor(self, step: Step) -> Waiting | None:
        host, body = self.host, step.body
        assert body is not None
        blob, dependencies, contained = self._arguments(step, step.picks)
        host.session.know(body)
        actor = ActorID(host.new_task())
        host.dependencies[TaskID(actor)] = dependencies
        spec = ActorSpec(
            actor, host.me, "Actor", FunctionID(b"actor..."), b"", blob, (), b"", _resources(body, 0),
            {"CPU": 10_000}, int(step.amount), 0, False, step.name, "", False,
        )  # fmt: skip
        if step.name:
            return self._create_named(spec, dependencies, contained)
        host.post(ev.ActorSubmitted(spec, dependencies, contained, 0))
        self.handles.append(handle_object(actor))
        return None

    def _create_named(self, spec: ActorSpec, dependencies: _IDS, contained: _IDS) -> Waiting:
        self.host.session.allow("ActorDiedError")  # handles that were got by name keep nobody alive
        answer = yield from self.ask(
            lambda request: ev.ActorSubmitted(spec, dependencies, contained, request)
        )
        handle = handle_object(spec.actor)
        if isinstance(answer, ActorAdmitted) and answer.taken:
            self.host.post(ev.HandlesDropped((handle,)))
        else:
            self.handles.append(handle)

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

    def _step_kill(self, step: Step) -> None:
        for identity in self._pick(step.picks, actors=True):
            self.host.session.allow("ActorDiedError", "ActorUnavailableError")
            self.host.post(ev.ActorKillAsked(ActorID(task_of(identity)), bool(step.picks[0] % 2)))

    def _step_cancel(self, step: Step) -> None:
        for identity in self._pick(step.picks, actors=False):
            self.host.session.allow("TaskCancelledError")
            force = step.picks[0] % 5 == 0
            if force:
                self.host.session.allow_crashes()
            self.host.post(ev.CancelAsked(task_of(identity), force, True))

    def _step_cancel_cell(self, step: Step) -> Waiting | None:
        if self.task is not None:
            return None
        self.host.session.allow("TaskCancelledError")
        return self.ask(lambda request: ev.CellCancelAsked(request, "cell 1"))

    # -- objects ---------------------------------------------------------------------------------------------

    def _step_put(self, step: Step) -> Waiting:
        host = self.host
        nested = self._pick(step.picks, actors=False)
        if step.nested:
            nested += self._pick(step.picks[:1], actors=True)
        number = host.new_put_number()
        identity = object_id(host.new_task(), 1)
        value: Value | None = dump([number, 1, *map(Ref, nested)])
        if step.large:
            assert isinstance(value, bytes)
            value = yield from self.write(value, identity, host.me)
        if value is None:
            return
        host.truth.objects[identity] = (number, 1)
        host.truth.contents[identity] = tuple(nested)
        host.worker.references.values[identity] = value  # as the storing thread does, so that get is at once
        host.post(ev.ObjectStored(identity, value, distinct(nested), LARGE_BYTES))
        self.handles.append(identity)

    def _step_get(self, step: Step) -> Waiting | None:
        wanted = distinct(self._pick(step.picks, actors=False))
        return self.get(wanted) if wanted else None

    def _step_wait(self, step: Step) -> Waiting | None:
        wanted = distinct(self._pick(step.picks, actors=False))
        if not wanted:
            return None
        return self.values_of(wanted, 1 + step.picks[0] % len(wanted), step.amount)

    def _step_drop(self, step: Step) -> None:
        if self.handles:
            dropped = self.handles.pop(step.picks[0] % len(self.handles))
            self.host.post(ev.HandlesDropped((dropped,)))

    def _step_sleep(self, step: Step) -> Waiting:
        return self.sleep(step.amount)

    def _step_status(self, step: Step) -> Waiting:
        head = self.host.worker.head
        return self.ask(lambda request: ev.AskedSomething(head, StatusAsked(request)))


def _resources(body: Body, cpus: int) -> dict[str, int]:
    found = {"CPU": cpus} if cpus else {}
    if body.gpus:
        found["GPU"] = body.gpus
    return found
