"""Actors of the inline engine: plain instances in this process.

    pending --constructor returned--> alive --kill, or no handle left--> dead
       +----constructor raised-----------------------------------------^
    alive --kill(no_restart=False), a restart is left--> pending

Calls of a sync actor run in its lanes (``inline_lanes``): in the calling thread unless it is a threaded one;
those of an async actor on the session's event loop. A constructor runs in the calling thread, unless one of its
arguments is still being made. The handle object is ready when the constructor has ended: calls need it.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Mapping
from functools import partial
from typing import Any

from gnomon._core.ledger import TaskState
from gnomon._engine.base import ActorBinding, ActorTemplate, MethodTemplate, Origin
from gnomon._engine.inline_book import InlineBook
from gnomon._engine.inline_calls import InlineCall, InlineCalls, running
from gnomon._engine.inline_lanes import Lane
from gnomon._engine.inline_loop import LoopThread
from gnomon._engine.inline_store import InlineStore
from gnomon._engine.inline_waits import Waits
from gnomon._engine.methods import traits_of
from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import (
    ActorDiedError,
    ActorHandleNotFoundError,
    ActorNameTakenError,
    SessionMismatchError,
    headline,
    remote_traceback,
)
from gnomon.ids import ActorID, handle_object

ASYNC_CONCURRENCY_DEFAULT = 1000
"""Calls at a time of an async actor, as in Ray."""

_NOTHING = pickling.to_bytes(pickling.serialize(None))


class InlineActor:
    """One actor.

    Attributes:
        creation: the call of its constructor; its arguments are kept for a restart.
        instance: the user's object; None unless it is alive.
        lane: where its calls run, if it is a sync one.
        slots: how many calls of an async one run at a time.
        pending: calls that have no outcome yet.
        closing: nobody holds a handle any more; it ends when ``pending`` is 0.
        death: why it is dead; None before.
    """

    def __init__(
        self, actor_id: ActorID, template: ActorTemplate, namespace: str, creation: InlineCall, lane: Lane
    ) -> None:
        self.actor_id = actor_id
        self.template = template
        self.namespace = namespace
        self.creation = creation
        self.kept: list[ObjectRef[Any]] = list(creation.held)
        self.instance: Any = None
        self.lane = lane
        self.slots = asyncio.Semaphore(template.options.max_concurrency or ASYNC_CONCURRENCY_DEFAULT)
        self.state = "pending"
        self.pending = 0
        self.done = 0
        self.restarts = 0
        self.closing = False
        self.death: ActorDiedError | None = None

    @property
    def name(self) -> tuple[str, str] | None:
        """(namespace, name), or None."""
        name = self.template.options.name
        return None if name is None else (self.namespace, name)

    def binding(self, ref: ObjectRef[Any] | None) -> ActorBinding:
        """The actor as a handle sees it."""
        template = self.template
        return ActorBinding(
            self.actor_id, template.name, template.methods, ref, template.is_async, traits=traits_of(template)
        )

    def may_restart(self) -> bool:
        """Whether a restart is left."""
        allowed = self.template.options.max_restarts
        return allowed < 0 or self.restarts < allowed

    def row(self, current: str = "") -> Mapping[str, Any]:
        """What the views show of it."""
        return {
            "class": self.template.name,
            "name": self.template.options.name or "",
            "state": self.state,
            "pid": os.getpid(),
            "pending": self.pending,
            "done": self.done,
            "current": current,
            "restarts": self.restarts,
            "cause": self.death.reason if self.death is not None else "",
            "cell": self.creation.row.cell,
            "node": "inline",
        }


class InlineActors:
    """All actors of one inline session.

    Args:
        namespace: the session's, where an actor does not name its own.
    """

    def __init__(
        self,
        calls: InlineCalls,
        store: InlineStore,
        book: InlineBook,
        loop: LoopThread,
        waits: Waits,
        namespace: str,
    ) -> None:
        self._calls = calls
        self._store = store
        self._book = book
        self._loop = loop
        self._waits = waits
        self._namespace = namespace
        self._actors: dict[ActorID, InlineActor] = {}
        self._names: dict[tuple[str, str], ActorID] = {}

    def clear(self) -> None:
        """The session ends."""
        for actor in list(self._actors.values()):
            actor.instance = None
            actor.kept = []
        self._actors.clear()
        self._names.clear()

    # ---------------------------------------------------------------- birth and death

    def create(
        self,
        template: ActorTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        line: int,
    ) -> ActorBinding:
        """Create an actor, or find the one of that name if the options say so."""
        options = template.options
        namespace = options.namespace or self._namespace
        if options.name is not None and (namespace, options.name) in self._names:
            if not options.get_if_exists:
                raise ActorNameTakenError(options.name, namespace)
            return self.named(options.name, namespace)
        if template.engine_state is None:
            pickling.dump_function(template.cls, [])  # a class that could not travel is an error here too
            template.engine_state = True
        creation, _ = self._calls.make(f"{template.name}.__init__", 0, args, kwargs, origin, line)
        limit = options.max_concurrency or 1
        lane = Lane(template.name, limit, limit > 1, self._calls, self._waits)
        actor = InlineActor(ActorID(creation.task_id), template, namespace, creation, lane)
        creation.actor_id = actor.actor_id
        creation.resources = dict(options.resources)
        handle = handle_object(actor.actor_id)
        ref = self._store.create(handle, template.name, creation.row.cell)
        self._actors[actor.actor_id] = actor
        if actor.name is not None:
            self._names[actor.name] = actor.actor_id
        self._tell(actor)
        self._calls.start(creation, partial(self._construct, actor))
        return actor.binding(ref)

    def _construct(self, actor: InlineActor) -> None:
        creation = actor.creation
        if actor.state == "dead":
            return
        if self._calls.failed_argument(creation):
            self._die(actor, "an argument of its constructor failed")
            return
        token = running.set(creation)
        self._book.started(creation.row, actor.restarts)
        try:
            with self._waits.held(actor.lane.turn):
                args, kwargs = self._calls.arguments(creation.packed)
                actor.instance = actor.template.cls(*args, **kwargs)
        except BaseException as error:
            why = f"its constructor raised {headline(error)}"
            self._calls.ended(creation, TaskState.FAILED, why)
            self._die(actor, why, remote_traceback(error))
            if isinstance(error, KeyboardInterrupt):
                raise
        else:
            actor.state = "alive"
            self._calls.ended(creation, TaskState.DONE)
            self._handle_ready(actor)
            self._tell(actor)
        finally:
            running.reset(token)

    def _die(self, actor: InlineActor, reason: str, traceback_str: str = "") -> None:
        if actor.name is not None and self._names.get(actor.name) == actor.actor_id:
            del self._names[actor.name]
        actor.state = "dead"
        actor.death = ActorDiedError(
            actor.template.name, actor.actor_id.hex(), reason, traceback_str=traceback_str
        )
        actor.kept = []
        actor.instance = None
        self._calls.ended(actor.creation, TaskState.CANCELLED)
        self._handle_ready(actor)
        self._tell(actor)

    def _handle_ready(self, actor: InlineActor) -> None:
        self._store.fill(handle_object(actor.actor_id), _NOTHING)

    def out_of_scope(self, actor_id: ActorID) -> None:
        """Nobody holds a handle any more."""
        actor = self._actors.get(actor_id)
        if actor is None or actor.template.options.lifetime == "detached":
            return
        actor.closing = True
        self._close_when_idle(actor)

    def _close_when_idle(self, actor: InlineActor) -> None:
        if actor.closing and not actor.pending and actor.state != "dead":
            self._die(actor, "nobody held a handle on it any more")

    def kill(self, actor_id: ActorID, no_restart: bool) -> None:
        """End an actor, or restart it; calls that have not ended fail."""
        actor = self.find(actor_id)
        if actor.state == "dead":
            return
        restart = not no_restart and actor.may_restart()
        for call in list(self._calls.unfinished.values()):
            if call.actor_id == actor_id:
                interrupt = call.interrupt
                self._calls.failed(call, ActorDiedError(actor.template.name, actor_id.hex(), "it was killed"))
                if interrupt is not None:
                    interrupt()
        if restart:
            actor.restarts += 1
            actor.state = "restarting"
            actor.instance = None
            self._construct(actor)
        else:
            self._die(actor, "it was killed by kill()")

    # ---------------------------------------------------------------- calls

    def submit(
        self,
        actor_id: ActorID,
        method: MethodTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        line: int,
    ) -> list[ObjectRef[Any]]:
        """InlineCall a method."""
        actor = self.find(actor_id)
        name = method.task_name or f"{actor.template.name}.{method.name}"
        call, refs = self._calls.make(name, method.num_returns, args, kwargs, origin, line)
        call.actor_id = actor_id
        call.resources = {}
        retries = method.max_task_retries
        call.allow_retries(
            actor.template.options.max_task_retries if retries is None else retries, method.retry_exceptions
        )
        actor.pending += 1
        call.on_end = partial(self._ended, actor)
        if actor.state == "pending":
            handle = handle_object(actor_id)
            call.held.append(self._store.reference(handle))
            call.needs = [*call.needs, handle]
        if actor.template.is_async:
            self._loop.start(self._run_async(actor, call, method.name))
        else:
            actor.lane.submit(call, partial(self._run, actor, call, method.name))
        return refs

    def _run(self, actor: InlineActor, call: InlineCall, method: str) -> None:
        if actor.death is not None:
            self._calls.failed(call, actor.death)
            return
        self._tell(actor, method)
        self._calls.run(call, getattr(actor.instance, method))

    async def _run_async(self, actor: InlineActor, call: InlineCall, method: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        call.interrupt = partial(self._loop.call, task.cancel)
        running.set(call)  # this coroutine has a context of its own
        try:
            for identity in call.needs:
                await self._ready(identity)
            async with actor.slots:
                while not call.ended and not await self._attempt_async(actor, call, method):
                    pass
        except asyncio.CancelledError:
            self._calls.cancel_now(call)

    async def _attempt_async(self, actor: InlineActor, call: InlineCall, method: str) -> bool:
        """Run it once; False when it is to be run again."""
        if actor.death is not None:
            self._calls.failed(call, actor.death)
            return True
        self._book.started(call.row, call.attempt)
        if self._calls.failed_argument(call):
            return True
        self._tell(actor, method)
        try:
            args, kwargs = self._calls.arguments(call.packed)
            call.function = bound = getattr(actor.instance, method)
            value = bound(*args, **kwargs)
            self._calls.succeed(call, await value if inspect.isawaitable(value) else value)
        except Exception as error:
            if call.retry(error):
                return False
            self._calls.raised(call, error)
        return True

    async def _ready(self, identity: bytes) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        self._store.when_ready(identity, lambda: loop.call_soon_threadsafe(ready.set))
        await ready.wait()

    def _ended(self, actor: InlineActor) -> None:
        actor.pending -= 1
        actor.done += 1
        self._tell(actor)
        self._close_when_idle(actor)

    def held(self) -> list[Mapping[str, int]]:
        """What the living actors hold, in units."""
        return [
            actor.template.options.resources
            for actor in list(self._actors.values())
            if actor.state == "alive"
        ]

    # ---------------------------------------------------------------- names

    def find(self, actor_id: ActorID) -> InlineActor:
        """An actor, dead or alive.

        Raises:
            SessionMismatchError: it is not of this session.
        """
        actor = self._actors.get(actor_id)
        if actor is None:
            raise SessionMismatchError(f"The actor {actor_id.hex()}")
        return actor

    def named(self, name: str, namespace: str | None) -> ActorBinding:
        """The living actor of that name."""
        where = namespace or self._namespace
        actor_id = self._names.get((where, name))
        if actor_id is None:
            raise ActorHandleNotFoundError(name, where)
        actor = self._actors[actor_id]
        detached = actor.template.options.lifetime == "detached"
        return actor.binding(None if detached else self._store.reference(handle_object(actor_id)))

    def names(self, all_namespaces: bool) -> list[tuple[str, str]]:
        """(namespace, name) of the living."""
        return sorted(key for key in self._names if all_namespaces or key[0] == self._namespace)

    def _tell(self, actor: InlineActor, current: str = "") -> None:
        self._book.ledger.actor_changed(actor.actor_id.hex(), **actor.row(current))
