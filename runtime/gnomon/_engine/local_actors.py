"""The local engine's actors: creating them, calling them, finding them by name."""

from __future__ import annotations

import dataclasses
import threading
import weakref
from types import FrameType
from typing import Any

import msgspec

from gnomon._core.events import ActorKillAsked, ActorSubmitted, CallSubmitted, PendingCalls
from gnomon._engine.base import ActorBinding, ActorTemplate, MethodTemplate, Origin, Returned
from gnomon._engine.large_arguments import LargeArguments
from gnomon._engine.local_arguments import own, pack_values, provenance_of
from gnomon._engine.local_returns import returned
from gnomon._engine.methods import traits_of
from gnomon._messages.actors import ActorAdmitted, ActorNameAnswered, ActorNameAsked, ActorSpec
from gnomon._shell import task_context
from gnomon._shell.core_worker import CoreWorker
from gnomon._shell.functions import PackedTemplates, RetryClasses, pack_classes, pack_function
from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ActorHandleNotFoundError, ActorNameTakenError, PendingCallsLimitExceeded
from gnomon.ids import ActorID, ObjectID, handle_object

_FIRST = (1).to_bytes(4, "big")


class LocalActors:
    """What ``LocalEngine`` says of actors; each method is one of ``Engine``."""

    def __init__(self, core: CoreWorker, packed: PackedTemplates, large: LargeArguments | None) -> None:
        self.core = core
        self._large = large
        self._packed = packed
        self.config = core.config
        self._post = core.loop.post
        self._submit = core.loop.submit
        self._lock = threading.Lock()
        self._pending: weakref.WeakValueDictionary[ActorID, PendingCalls] = weakref.WeakValueDictionary()
        self._retry_classes: dict[RetryClasses, bytes] = {}

    def create(
        self,
        template: ActorTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
    ) -> ActorBinding:
        """See ``Engine``."""
        options = template.options
        core = self.core
        if template.engine_state is None:
            function, payload, captured = pack_function(template.cls, False, core.large_capture_bytes)
            template.engine_state = function, payload, own(core, captured)
            self._packed.add(template)
        function, payload, handles = template.engine_state
        packed = pickling.pack_args(args, kwargs, template.name)
        actor = ActorID(core.new_task_id())
        detached = options.lifetime == "detached"
        provenance = provenance_of(origin, frame, task_context.current.get())
        arguments, extra = pack_values(core, packed, provenance, inline=detached)
        contained = [*packed.contained, *[ref._id for ref in handles]]
        if extra is not None:
            contained.append(extra._id)
        methods = {
            name: dataclasses.replace(method, max_task_retries=options.max_task_retries)
            if method.max_task_retries is None
            else method
            for name, method in template.methods.items()
        }
        namespace = options.namespace or self.config.namespace
        traits = traits_of(template)
        spec = ActorSpec(
            actor,
            core.me,
            template.name,
            function,
            payload,
            arguments,
            (),
            pickling.serialize((template.name, methods, template.is_async, traits)).to_bytes(),
            dict(options.resources),
            dict(options.placement_resources),
            options.max_restarts,
            options.max_concurrency or 0,
            template.is_async,
            options.name or "",
            namespace,
            detached,
            provenance,
            dict(options.concurrency_groups),
            self.config.job,
            options.spread,
        )
        while True:
            ref: ObjectRef[Any] = ObjectRef(handle_object(spec.actor))
            event = ActorSubmitted(spec, tuple(packed.dependencies), tuple(contained), 0)
            if not options.name:
                self._post(event)
                break
            if self._take_name(event):
                break
            if not options.get_if_exists:
                raise ActorNameTakenError(options.name, namespace)
            try:
                return self.named(options.name, namespace)
            except ActorHandleNotFoundError:  # it has died since: create one after all
                spec = msgspec.structs.replace(spec, actor=ActorID(core.new_task_id()))
        return ActorBinding(spec.actor, template.name, methods, ref, template.is_async, traits=traits)

    def _take_name(self, event: ActorSubmitted) -> bool:
        """Create an actor with a name; False when a living one has it."""

        def asking(request: int) -> ActorSubmitted:
            event.request = request
            return event

        admitted = self.core.ask_role(asking)
        assert isinstance(admitted, ActorAdmitted)
        return not admitted.taken

    def submit(
        self,
        binding: ActorBinding,
        method: MethodTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
    ) -> Returned:
        """See ``Engine``."""
        packed = pickling.pack_args(args, kwargs, method.name)
        core = self.core
        task = core.new_task_id()
        contained = packed.contained
        running = task_context.current.get()
        provenance = provenance_of(origin, frame, running)
        arguments, extra = pack_values(core, packed, provenance)
        if extra is not None:
            contained = [*contained, extra._id]
            if self._large is not None:
                self._large.note(f"{binding.class_name}.{method.name}", provenance, packed.serialized)
        traits = binding.traits
        retry = method.retry_exceptions
        pending = self._admit(binding, method.name) if traits.max_pending_calls > 0 else None
        refs: Returned
        if method.num_returns == 1:
            refs = [ObjectRef(ObjectID(task + _FIRST))]
        else:
            refs = returned(core, task, method.num_returns, method.backpressure)
        self._submit(
            CallSubmitted(
                task,
                binding.actor_id,
                method.name,
                f"{binding.class_name}.{method.name}",
                arguments,
                tuple(packed.dependencies),
                tuple(contained),
                method.num_returns,
                method.max_task_retries or 0,
                bool(retry),
                method.concurrency_group or "",
                not traits.out_of_order,
                provenance,
                running.task if running is not None else None,
                method.backpressure,
                name=method.task_name,
                retry_on=self._packed_classes(retry) if isinstance(retry, tuple) else b"",
                pending=pending,
                at_once=dict(traits.at_once).get(method.concurrency_group or "", 1) if traits.at_once else 0,
            )
        )
        return refs

    def _admit(self, binding: ActorBinding, method: str) -> PendingCalls:
        """Count a call to an actor that limits them.

        Raises:
            PendingCallsLimitExceeded: there are as many as it allows.
        """
        limit = binding.traits.max_pending_calls
        with self._lock:
            pending: PendingCalls | None = binding.engine_state
            if pending is None:
                pending = self._pending.get(binding.actor_id) or PendingCalls()
                binding.engine_state = self._pending[binding.actor_id] = pending
            if pending.submitted - pending.ended >= limit:
                raise PendingCallsLimitExceeded(f"{binding.class_name}.{method}", limit)
            pending.submitted += 1
        return pending

    def _packed_classes(self, classes: RetryClasses) -> bytes:
        packed = self._retry_classes.get(classes)
        if packed is None:
            packed = self._retry_classes[classes] = pack_classes(classes)
        return packed

    def kill(self, binding: ActorBinding, no_restart: bool) -> None:
        """See ``Engine``."""
        self.core.loop.apply([ActorKillAsked(binding.actor_id, no_restart)])

    def named(self, name: str, namespace: str | None) -> ActorBinding:
        """See ``Engine``."""
        where = namespace or self.config.namespace
        answer = self._ask_names(lambda request: ActorNameAsked(request, name, where))
        if answer.actor is None:
            raise ActorHandleNotFoundError(name, where)
        return self._described(answer.actor, answer.description)

    def names(self, all_namespaces: bool) -> list[tuple[str, str]]:
        """See ``Engine``."""
        where = "" if all_namespaces else self.config.namespace
        answer = self._ask_names(lambda request: ActorNameAsked(request, "", where, True))
        return [(namespace, name) for namespace, name in answer.names]

    def _ask_names(self, make: Any) -> ActorNameAnswered:
        answer = self.core.ask(self.config.head_process, make)
        assert isinstance(answer, ActorNameAnswered)
        return answer

    def current(self) -> ActorBinding | None:
        """See ``Engine``."""
        running = task_context.current.get()
        assignment = self.core.assignment
        if running is None or running.actor is None or assignment is None:
            return None
        return self._described(running.actor, assignment.spec.description)

    def _described(self, actor: ActorID, description: bytes) -> ActorBinding:
        """A weak binding from what its creator has told about the actor."""
        class_name, methods, is_async, traits = pickling.deserialize(description, None)
        return ActorBinding(actor, class_name, methods, None, is_async, traits=traits)

    def rebind(self, actor_id: ActorID, ref: ObjectRef[Any] | None) -> Any:
        """See ``Engine``; this engine keeps nothing in handles."""
        return None
