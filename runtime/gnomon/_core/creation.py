"""Creation of actors, as their creator sees it: resolve the constructor's arguments, tell head, keep the
arguments.

The arguments' references are held as long as a restart may need them again: until the actor is dead for good,
or lives in its last incarnation. A detached actor outlives its creator, and so must its arguments: they travel
in its spec, large ones too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from gnomon._core.clients import ClientMachine
from gnomon._core.effects import AnswerRequest, Effects, InlineValues
from gnomon._core.events import ActorSubmitted
from gnomon._core.fetching import Then
from gnomon._core.references import ReferenceMachine
from gnomon._messages.actors import (
    DEAD,
    ActorAdmitted,
    ActorChanged,
    ActorRegistered,
    ActorSpec,
    ActorStillborn,
    ActorUnneeded,
)
from gnomon._messages.base import Block, Value
from gnomon._messages.failures import is_failure
from gnomon.ids import ActorID, ObjectID, WorkerID, handle_object


class CreationMachine:
    """Actors that this process has created and that are not dead."""

    def __init__(
        self,
        head: WorkerID,
        effects: Callable[[], Effects],
        references: ReferenceMachine,
        clients: ClientMachine,
        bring: Callable[[Iterable[Block], Then], None],
    ) -> None:
        self.head = head
        self._effects = effects
        self.references = references
        self.clients = clients
        self._bring = bring
        self._holds: dict[ActorID, tuple[ObjectID, ...]] = {}
        self._restarts: dict[ActorID, int] = {}
        self._waiting: dict[ActorID, tuple[ActorSubmitted, set[ObjectID]]] = {}
        self._waiting_on: dict[ObjectID, list[ActorID]] = {}
        self._inlining: dict[ActorID, ActorSpec] = {}

    def kept(self) -> Iterable[tuple[ActorID, tuple[ObjectID, ...]]]:
        """The arguments that are held for each actor."""
        return self._holds.items()

    def missing(self, actor: ActorID) -> Iterable[ObjectID]:
        """The arguments that a constructor still waits for."""
        waiting = self._waiting.get(actor)
        return () if waiting is None else waiting[1]

    def submit(self, event: ActorSubmitted, now: float) -> None:
        """A new actor; its creator's handle is the first reference to its handle object."""
        spec: ActorSpec = event.spec
        references = self.references
        references.expect(handle_object(spec.actor), spec.class_name)
        self.clients.client(spec.actor, spec.class_name, subscribe=False)
        self._row(spec)
        holds = event.dependencies + event.contained
        self._holds[spec.actor] = holds
        self._restarts[spec.actor] = spec.max_restarts
        references.hold(holds)
        if not self._wait(event):
            self._register(event, now)
        elif event.request:
            self._effects().send(self.head, ActorRegistered(spec, event.request, False))

    def _wait(self, event: ActorSubmitted) -> bool:
        """Wait for those arguments that have no value; False if there are none."""
        missing = {identity for identity in event.dependencies if identity not in self.references.values}
        if missing:
            self._waiting[event.spec.actor] = (event, missing)
            for identity in sorted(missing):
                self._waiting_on.setdefault(identity, []).append(event.spec.actor)
                self.references.need(identity)
        return bool(missing)

    def _row(self, spec: ActorSpec) -> None:
        ledger = self.clients.ledger
        made = spec.provenance
        ledger.actor_changed(
            spec.actor.hex(),
            **{
                "class": spec.class_name,
                "name": spec.name,
                "state": "pending",
                "pid": 0,
                "pending": 0,
                "done": 0,
                "current": "",
                "restarts": 0,
                "cause": "",
                "cell": ledger.cells.number((made.cell, made.label)) if made is not None else 0,
                "line": made.line if made is not None else 0,
                "node": "",
            },
        )

    def on_ready(self, identity: ObjectID) -> None:
        """An argument has its value."""
        for actor in self._waiting_on.pop(identity, ()):
            waiting = self._waiting.get(actor)
            if waiting is not None:
                waiting[1].discard(identity)
                if not waiting[1]:
                    del self._waiting[actor]
                    event = msgspec.structs.replace(waiting[0], request=0)
                    if not self._wait(event):  # an earlier one may have been lost meanwhile
                        self._register(event, 0.0)

    def _register(self, event: ActorSubmitted, now: float) -> None:
        spec: ActorSpec = event.spec
        values = tuple(self.references.values[identity] for identity in event.dependencies)
        bad = next((value for value in values if is_failure(value)), None)
        if bad is not None:
            self._fail(spec, bad, now)
            if event.request:
                self._effects().do(AnswerRequest(event.request, ActorAdmitted(event.request, False)))
            return
        spec = msgspec.structs.replace(spec, values=values)
        if spec.detached and any(isinstance(value, Block) for value in values):
            self._inlining[spec.actor] = spec
            if event.request:  # its name is taken at once
                self._effects().send(self.head, ActorRegistered(spec, event.request, False))
            blocks = [value for value in values if isinstance(value, Block)]
            self._bring(blocks, lambda brought: self._inline(spec, brought, now))
            return
        self._effects().send(self.head, ActorRegistered(spec, event.request))

    def _fail(self, spec: ActorSpec, bad: Value, now: float) -> None:
        """A value among the constructor's arguments is an error."""
        assert isinstance(bad, bytes)
        cause = "an argument of its constructor failed"
        self.clients.on_actor_changed(ActorChanged(spec.actor, DEAD, 0, WorkerID(b""), 0, cause, bad), now)
        self._effects().send(self.head, ActorStillborn(spec.actor, 0, bad, cause))
        self.forget(spec.actor)

    def _inline(self, spec: ActorSpec, brought: dict[ObjectID, Value], now: float) -> None:
        """A detached actor's large arguments are on this node: they are copied while the actor's own hold lasts."""
        if spec.actor in self._inlining:
            bad = next((value for value in brought.values() if is_failure(value)), None)
            if bad is not None:
                self._fail(spec, bad, now)
            else:
                values = tuple(
                    brought[value.object] if isinstance(value, Block) else value for value in spec.values
                )
                self._effects().do(InlineValues(spec.actor, values))
        self.references.release(brought)

    def on_inlined(self, actor: ActorID, values: tuple[Value, ...]) -> None:
        """A detached actor's arguments no longer lie where their owner's death would free them."""
        spec = self._inlining.pop(actor, None)
        if spec is not None:
            spec = msgspec.structs.replace(spec, values=values)
            self._effects().send(self.head, ActorRegistered(spec))

    def unneeded(self, actor: ActorID) -> None:
        """No handle is left: head ends the actor, or it is never made. A detached one needs no handle."""
        waiting = self._waiting.get(actor)
        if waiting is not None and waiting[0].spec.detached:
            return  # it needs no handles, only its arguments
        if waiting is not None:
            self.forget(actor)
        if waiting is None or waiting[0].request:
            self._effects().send(self.head, ActorUnneeded(actor))

    def alive(self, actor: ActorID, incarnation: int) -> None:
        """It lives; what its constructor has kept it holds itself."""
        restarts = self._restarts.get(actor)
        if restarts is not None and 0 <= restarts <= incarnation:
            self.forget(actor)

    def forget(self, actor: ActorID) -> None:
        """Its constructor will not run any more: the arguments are no longer needed."""
        self._restarts.pop(actor, None)
        self._waiting.pop(actor, None)
        self._inlining.pop(actor, None)
        self.references.release(self._holds.pop(actor, ()))
