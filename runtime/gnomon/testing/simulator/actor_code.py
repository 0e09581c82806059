"""Actor code: what bodies do with actors: make, name, look up, call and kill them."""

from __future__ import annotations

from functools import partial
from typing import Any

from gnomon._core import events as ev
from gnomon._messages.actors import ActorAdmitted, ActorNameAsked, ActorSpec
from gnomon._messages.cluster import DriverJoined, DriverLeaving
from gnomon._messages.session import JobSpec
from gnomon.ids import ActorID, FunctionID, ObjectID, handle_object, task_of
from gnomon.testing.simulator.code import IDs, resources_of
from gnomon.testing.simulator.programs import MANY, Body, Step
from gnomon.testing.simulator.stream_code import StreamFrame
from gnomon.testing.simulator.threads import Waiting
from gnomon.testing.simulator.truth import ActorFacts, TaskFacts
from gnomon.testing.simulator.values import dump, error_of

LOOKED_UP = (Body(1_000_000, 0.001, (), ((),)), Body(1_000_001, 0.1, (), ((),)))
"""What is called through a handle that was got by name: something short or something long."""

_TRIES = 10
"""Times that get-or-create is tried while the actor of that name comes and goes."""


class Code(StreamFrame):
    """One body being run."""

    def _step_call(self, step: Step) -> None:
        assert step.body is not None
        chosen = self.pick(step.picks[:1], actors=True)
        if chosen:
            blob, dependencies, contained = self._arguments(step, step.picks[1:])
            actor = ActorID(task_of(chosen[0]))
            groups = ("", *dict(self.host.truth.actors[actor].kind.groups))
            group = groups[step.group % len(groups)]
            self._call(actor, step.body, blob, dependencies, contained, int(step.amount), group)

    def _call(
        self,
        actor: ActorID,
        body: Body,
        blob: bytes,
        dependencies: IDs,
        contained: IDs,
        retries: int,
        group: str = "",
    ) -> bool:
        """Submit a call. False when the actor does not allow so many."""
        host = self.host
        kind = host.truth.actors[actor].kind
        pending = host.pending_of(actor) if kind.pending_max else None
        if pending is not None:
            if pending.submitted - pending.ended >= kind.pending_max:
                return False
            pending.submitted += 1
        task = host.new_task()
        provenance = self._provenance()
        # one that waits for its consumer would rightly keep the calls behind it from ever starting
        backpressure = body.backpressure if kind.lanes >= MANY and not group else 0
        host.post(
            ev.CallSubmitted(
                task, actor, "method", "Actor.method", blob, dependencies, contained, body.num_returns,
                retries, body.retry_exceptions, group, kind.in_order, provenance, self.task, backpressure,
                pending=pending,
            )
        )  # fmt: skip
        facts = TaskFacts(task, body, retries, dependencies, {}, self.task, provenance.cell, actor)
        facts.in_order, facts.group, facts.contained = kind.in_order, group, contained
        facts.backpressure = 0 if body.dynamic else backpressure
        self._expect(facts)
        return True

    # -- birth -----------------------------------------------------------------------------------------------

    def _step_actor(self, step: Step) -> Waiting | None:
        arguments = self._arguments(step, step.picks)
        if step.name:
            return self._create_named(step, arguments)
        spec, dependencies, contained = self._spec(step, arguments)
        self.host.post(ev.ActorSubmitted(spec, dependencies, contained, 0))
        self.handles.append(handle_object(spec.actor))
        return None

    def _spec(self, step: Step, arguments: tuple[bytes, IDs, IDs]) -> tuple[ActorSpec, IDs, IDs]:
        """A new actor with its facts."""
        host, body = self.host, step.body
        assert body is not None
        blob, dependencies, contained = arguments
        actor = ActorID(host.new_task())
        host.session.bodies[body.number] = body
        placement = {"CPU": 10_000}
        resources = resources_of(body, 10_000 if host.session.spare_cpu() else 0)
        name = (step.namespace, step.name) if step.name else None
        kind = step.actor_kind
        assert kind is not None
        host.truth.actors[actor] = ActorFacts(
            actor, body, dependencies, {**placement, **resources}, int(step.amount), name, step.detached, kind
        )
        spec = ActorSpec(
            actor, host.me, "Actor", FunctionID(b"actor..."), b"", blob, (), b"", resources, placement,
            int(step.amount), 0 if kind.lanes == 1 else kind.lanes, kind.is_async, step.name, step.namespace,
            step.detached, None, dict(kind.groups), host.worker.job,
        )  # fmt: skip
        return spec, dependencies, contained

    def _create_named(self, step: Step, arguments: tuple[bytes, IDs, IDs]) -> Waiting:
        """With ``if_exists``, get-or-create: whoever has the name is called instead."""
        for _ in range(_TRIES):
            spec, dependencies, contained = self._spec(step, arguments)
            handle = handle_object(spec.actor)
            answer = yield from self.ask(partial(ev.ActorSubmitted, spec, dependencies, contained))
            if not (isinstance(answer, ActorAdmitted) and answer.taken):
                self.handles.append(handle)
                return
            self.host.post(ev.HandlesDropped((handle,)))
            if not step.if_exists:
                return
            found = yield from self._look_up(step.name, step.namespace)
            if found:
                return

    def _look_up(self, name: str, namespace: str) -> Any:
        """``get_actor`` and one call; or, without a name, ``list_named_actors``."""
        head = self.host.worker.head
        answer = yield from self.ask(
            lambda request: ev.AskedSomething(head, ActorNameAsked(request, name, namespace, not name))
        )
        if not name or answer.actor is None:
            return False
        body = LOOKED_UP[self.host.kernel.chance(0.3)]
        if self._call(answer.actor, body, dump([body.number, []]), (), (), 0):
            # Nobody waits for its result: the actor may be waiting for this very task.
            self.host.post(ev.HandlesDropped((self.handles.pop(),)))
        return True

    def _step_lookup(self, step: Step) -> Waiting:
        yield from self._look_up(step.name, step.namespace)

    def _step_forget(self, step: Step) -> None:
        """Let go of an actor, perhaps with calls under way."""
        for handle in self.pick(step.picks, actors=True):
            self.handles.remove(handle)
            self.host.post(ev.HandlesDropped((handle,)))

    # -- death -----------------------------------------------------------------------------------------------

    def _step_kill(self, step: Step) -> None:
        for identity in self.pick(step.picks, actors=True):
            self.kill(ActorID(task_of(identity)), bool(step.picks[0] % 2))

    def kill(self, actor: ActorID, no_restart: bool) -> None:
        """``kill``, with or without a restart."""
        facts = self.host.truth.actors[actor]
        facts.killed |= no_restart
        facts.kills += not no_restart
        self.host.post(ev.ActorKillAsked(actor, no_restart))

    # -- the end of the program --------------------------------------------------------------------------------

    def drive(self) -> Waiting:
        """A driver's program; afterwards it reads all that it holds and lets go of it."""
        host = self.host
        host.in_program = True
        if host.me != host.session.driver.me:
            job = JobSpec(host.worker.job, host.me, pid=7, started=1)
            yield from self.ask(
                lambda request: ev.AskedSomething(host.worker.node, DriverJoined(request, job))
            )
        yield from self.run_steps()
        for stream in list(self.streams):
            if self.host.kernel.chance(0.5):
                yield from self._drain(stream, None)
            else:
                self._let_go(stream)
        objects = self.host.truth.objects
        values = tuple(identity for identity in dict.fromkeys(self.handles) if identity in objects)
        if values:
            yield from self.get(values)
        self.drop_all()
        if host.me != host.session.driver.me:
            yield from self._say_goodbye()
        host.in_program = False
        host.session.unfinished -= 1

    def _say_goodbye(self) -> Waiting:
        """A driver leaves a cluster that lives on; what it owned dies with it."""
        host = self.host
        host.session.truth.dead[host.me] = None
        timer = host.kernel.after(2.0, host.session.end_guest, "has waited for its farewell long enough")
        yield from self.ask(lambda request: ev.AskedSomething(host.worker.node, DriverLeaving(request)))
        timer.cancel()
        host.kernel.after(0.001, host.session.end_guest, "exited")

    def end_detached(self, survivors: list[ActorID]) -> Waiting:
        """Detached actors serve whoever finds them by name; then they are killed."""
        for actor in survivors:
            name = self.host.truth.actors[actor].name
            assert name is not None
            yield from self._call_and_read(actor, name)
            self.kill(actor, True)
        self.drop_all()
        self.host.session.unfinished -= 1

    def _call_and_read(self, actor: ActorID, name: tuple[str, str]) -> Waiting:
        head = self.host.worker.head
        answer = yield from self.ask(
            lambda request: ev.AskedSomething(head, ActorNameAsked(request, name[1], name[0]))
        )
        assert answer.actor == actor, f"AC8: {name} is {answer.actor!r} and should be {actor.hex()}"
        self._call(actor, LOOKED_UP[0], dump([LOOKED_UP[0].number, []]), (), (), 0)
        result: ObjectID = self.handles[-1]
        yield from self.get((result,))
        value = self.host.worker.references.values[result]
        error = error_of(value) if isinstance(value, bytes) else None
        assert error is None, f"AC8: {name}, which is alive, answers {error}"
