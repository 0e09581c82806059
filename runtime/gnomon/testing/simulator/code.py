"""Code: a body of a program being run: each step posts the events that the API would post for it.

The driver's program, tasks, constructors and methods are all such code; what differs is how it begins and
ends, and that is the host's business (``executor``). A step returns a generator when it has to wait. Steps
that concern actors are in ``actor_code``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from gnomon._core import events as ev
from gnomon._messages.base import Block, Value
from gnomon._messages.cluster import StatusAsked
from gnomon._messages.objects import BlocksFreed
from gnomon._messages.tasks import Provenance
from gnomon.ids import FunctionID, ObjectID, TaskID, WorkerID, handle_object, index_of, object_id, task_of
from gnomon.testing.simulator.programs import Body, Step
from gnomon.testing.simulator.threads import Thread, Waiting
from gnomon.testing.simulator.truth import TaskFacts
from gnomon.testing.simulator.values import Ref, distinct, dump

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost

IDs = tuple[ObjectID, ...]

_PATIENCE_S = 0.01
"""How long code waits that must not wait for ever: a method, for a call that may stand behind it."""


class Frame(Thread):
    """One body being run, but for what it does with actors.

    Attributes:
        body: what is run.
        provenance: the cell it was submitted from, which is that of all it submits; None in the driver.
    """

    def __init__(self, host: WorkerHost, body: Body, task: TaskID | None) -> None:
        super().__init__(host, task)
        self.body = body

    def run_steps(self) -> Waiting:
        """The body's steps, each after a moment, and its duration."""
        random = self.host.kernel.random
        for step in self.body.steps:
            if not step.at_once:
                yield from self.sleep(random.uniform(0.000001, 0.0002))
            waiting: Waiting | None = getattr(self, "_step_" + step.kind)(step)
            if waiting is not None:
                yield from waiting
        yield from self.sleep(self.body.duration_s * random.uniform(0.5, 1.5))

    def put_aside(self) -> ObjectID:
        """A small value whose one handle is not kept."""
        number = self.host.new_put_number()
        identity = object_id(self.host.new_task(), 1)
        value = dump([number, 1])
        self.host.truth.objects[identity] = (number, 1)
        self.host.truth.contents[identity] = ()
        self.host.worker.references.values[identity] = value
        self.host.post(ev.ObjectStored(identity, value, (), len(value)))
        return identity

    def results(self, submitter: WorkerID) -> Generator[Any, Any, tuple[list[Value], list[IDs]]]:
        """The body's results and the references in each; large ones are written for ``submitter``."""
        assert self.task is not None
        values: list[Value] = []
        contained: list[IDs] = []
        try:
            for index, picks in enumerate(self.body.results, 1):
                inner = self.pick(picks, actors=False) + self.pick(picks[:1], actors=True)
                blob = dump([self.body.number, index, *map(Ref, inner)])
                identity = object_id(self.task, index)
                block = None
                if self.body.large:
                    block = yield from self.write(blob, identity, submitter)
                values.append(block or blob)
                contained.append(distinct(inner))
                self.host.truth.contents[identity] = tuple(inner)
        except InterruptedError:
            self._discard(values)
            raise
        return values, contained

    def _discard(self, values: list[Value]) -> None:
        """Nobody will hear of them."""
        names = tuple(value.name for value in values if isinstance(value, Block))
        if names:
            self.host.post(ev.AskedSomething(self.host.worker.node, BlocksFreed(names)))

    def pick(self, picks: tuple[int, ...], actors: bool) -> list[ObjectID]:
        """The variables that these picks mean: handles on values, or on actors."""
        found = [identity for identity in self.handles if (index_of(identity) == 0) == actors]
        return [found[pick % len(found)] for pick in picks] if found else []

    def _arguments(self, step: Step, picks: tuple[int, ...]) -> tuple[bytes, IDs, IDs]:
        """(blob, dependencies, contained) of a call's arguments."""
        values = self.pick(picks[step.nested :], actors=False)
        nested = self.pick(picks[: step.nested], actors=False)
        if step.nested:
            nested += self.pick(picks[:1], actors=True)
        assert step.body is not None
        blob = dump([step.body.number, [Ref(identity) for identity in nested]])
        return blob, distinct(values), distinct(nested)

    def _expect(self, facts: TaskFacts) -> None:
        """Handles on the results of a submitted task, and what those should be."""
        host = self.host
        host.session.bodies[facts.body.number] = facts.body
        host.watch.submitted(facts, facts.actor is None or handle_object(facts.actor) in self.handles)
        for index in range(1, len(facts.body.results) + 1):
            identity = object_id(facts.task, index)
            host.truth.objects[identity] = (facts.body.number, index)
            self.handles.append(identity)

    def _provenance(self) -> Provenance:
        """A cell of the driver's; whatever a task submits is of its own cell."""
        known = self.host.truth.tasks.get(self.task) if self.task is not None else None
        if known is not None:
            return Provenance(known.cell, "In [1]", 1)
        self.host.cells += 1
        return Provenance(f"cell {self.host.cells % 3}", "In [1]", self.host.cells)

    # -- tasks -----------------------------------------------------------------------------------------------

    def _step_task(self, step: Step) -> None:
        host, body = self.host, step.body
        assert body is not None
        blob, dependencies, contained = self._arguments(step, step.picks)
        task = host.new_task()
        retries = int(step.amount)
        resources = resources_of(body, body.cpus)
        provenance = self._provenance()
        function = FunctionID(bytes([body.number % 4]) * 8)
        calls_max = 2 if body.number % 4 == 3 else 0
        spread = host.session.plan.budget.heavy and body.number % 3 == 0
        host.post(
            ev.TaskSubmitted(
                task, function, b"code" + function, f"f{body.number % 4}", resources,
                host.class_key(resources, spread, retries != 0), blob, dependencies, contained, body.num_returns, retries,
                body.retry_exceptions, provenance, self.task, body.backpressure, calls_max, spread,
            )
        )  # fmt: skip
        facts = TaskFacts(task, body, retries, dependencies, resources, self.task, provenance.cell)
        facts.contained = contained
        facts.backpressure = 0 if body.dynamic else body.backpressure
        self._expect(facts)

    def _step_cancel(self, step: Step) -> None:
        how = int(step.amount)
        for identity in self.pick(step.picks, actors=False):
            self.host.post(ev.CancelAsked(task_of(identity), how % 5 == 0, how % 3 > 0))

    def _step_cancel_cell(self, step: Step) -> Waiting | None:
        if self.task is not None:
            return None
        return self._cancel_cell("cell 1")

    def _cancel_cell(self, cell: str) -> Waiting:
        asked: list[int] = []

        def ask(request: int) -> ev.CellCancelAsked:
            asked.append(request)
            return ev.CellCancelAsked(request, cell)

        cancelled, _ = yield from self.ask(ask)
        self.host.watch.cell_cancelled(asked[0], cancelled)

    # -- objects ---------------------------------------------------------------------------------------------

    def _step_put(self, step: Step) -> Waiting:
        host = self.host
        nested = self.pick(step.picks, actors=False)
        if step.nested:
            nested += self.pick(step.picks[:1], actors=True)
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
        host.post(ev.ObjectStored(identity, value, distinct(nested), host.session.plan.large_bytes))
        self.handles.append(identity)

    def _step_get(self, step: Step) -> Waiting | None:
        wanted = distinct(self.pick(step.picks, actors=False))
        return self.get(wanted, step.amount or self._patience()) if wanted else None

    def _patience(self) -> float | None:
        return None if self.task is None or self.host.executor.may_wait else _PATIENCE_S

    def _step_wait(self, step: Step) -> Waiting | None:
        wanted = distinct(self.pick(step.picks, actors=False))
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


def resources_of(body: Body, cpus: int) -> dict[str, int]:
    """What a body asks for, in units."""
    found = {"CPU": cpus} if cpus else {}
    if body.gpus:
        found["GPU"] = body.gpus
    return found
