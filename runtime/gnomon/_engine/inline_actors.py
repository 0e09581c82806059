"""Actors of the inline engine: plain instances in this process.

    pending --constructor returned--> alive --kill, or no handle left--> dead
       +----constructor raised-----------------------------------------^
    alive --kill(no_restart=False), a restart is left--> pending

Calls of a sync actor run in the calling thread, one at a time; those of an async actor on the session's event
loop. A constructor runs in the calling thread in either case.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Mapping
from functools import partial
from typing import Any

from gnomon._core.ledger import TaskState
from gnomon._engine.base import ActorBinding, ActorTemplate, MethodTemplate, Origin
from gnomon._engine.inline_book import InlineBook
from gnomon._engine.inline_calls import InlineCall, InlineCalls, running
from gnomon._engine.inline_loop import LoopThread
from gnomon._engine.inline_store import InlineStore
from gnomon._engine.methods import traits_of
from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import (
    ActorDiedError,
    ActorHandleNotFoundError,
    ActorNameTakenError,
    SessionMismatchError,
    first_line,
    remote_traceback,
)
from gnomon.ids import ActorID, handle_object

ASYNC_CONCURRENCY_DEFAULT = 1000
"""Calls at a time of an async actor, as in Ray."""


class InlineActor:
    """One actor.

    Attributes:
        creation: the call of its constructor; its arguments are kept for a restart.
        instance: the user's object; None unless it is alive.
        turn: held while a call of a sync actor runs; reentrant, because a call may call its own actor.
        pending: calls that have no outcome yet.
        closing: nobody holds a handle any more; it ends when ``pending`` is 0.
        death: why it is dead; None before.
    """

    def __init__(
        self, actor_id: ActorID, template: ActorTemplate, namespace: str, creation: InlineCall
    ) -> None:
        self.actor_id = actor_id
        self.template = template
        self.namespace = namespace
        self.creation = creation
        self.kept: list[ObjectRef[Any]] = list(creation.held)
        self.instance: Any = None
        self.turn = threading.RLock()
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
        self, calls: InlineCalls, store: InlineStore, book: InlineBook, loop: LoopThread, namespace: str
    ) -> None:
        self._calls = calls
        self._store = store
        self._book = book
        self._loop = loop
        self._namespace = namespace
        self._actors: dict[ActorID, InlineActor] = {}
        self._names: dict[tuple[str, str], ActorID] = {}
        self._async_calls: dict[InlineCall, asyncio.Task[Any]] = {}

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
            pickling.dump_function(template.cls)  # a class that could not travel is an error here too
            template.engine_state = True
        creation, _ = self._calls.make(f"{template.name}.__init__", 0, args, kwargs, origin, line)
        actor = InlineActor(ActorID(creation.task_id), template, namespace, creation)
        creation.actor_id = actor.actor_id
        creation.resources = dict(options.resources)
        handle = handle_object(actor.actor_id)
        ref = self._store.create(handle, template.name, creation.row.cell)
        self._store.fill(handle, pickling.to_bytes(pickling.serialize(None)))
        self._actors[actor.actor_id] = actor
        if actor.name is not None:
            self._names[actor.name] = actor.actor_id
        self._tell(actor)
        self._calls.when_arguments_ready(creation, partial(self._construct, actor))
        return actor.binding(ref)

    def _construct(self, actor: InlineActor) -> None:
        creation = actor.creation
        token = running.set(creation)
        self._book.started(creation.row, actor.restarts)
        try:
            with actor.turn:
                args, kwargs = self._calls.arguments(creation.packed)
                actor.instance = actor.template.cls(*args, **kwargs)
        except BaseException as error:
            why = f"its constructor raised {type(error).__name__}: {first_line(str(error))}"
            self._book.ended(creation.row, TaskState.FAILED, why)
            self._die(actor, why, remote_traceback(error))
            if isinstance(error, KeyboardInterrupt):
                raise
        else:
            actor.state = "alive"
            self._book.ended(creation.row, TaskState.DONE)
            self._tell(actor)
        finally:
            running.reset(token)
            creation.held = []

    def _die(self, actor: InlineActor, reason: str, traceback_str: str = "") -> None:
        if actor.name is not None and self._names.get(actor.name) == actor.actor_id:
            del self._names[actor.name]
        actor.state = "dead"
        actor.death = ActorDiedError(
            actor.template.name, actor.actor_id.hex(), reason, traceback_str=traceback_str
        )
        actor.kept = []
        actor.instance = None
        self._tell(actor)

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
        for call, task in list(self._async_calls.items()):
            if call.actor_id == actor_id:
                self._calls.failed(call, ActorDiedError(actor.template.name, actor_id.hex(), "it was killed"))
                self._loop.call(task.cancel)
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
        if actor.template.is_async:
            self._loop.start(self._run_async(actor, call, method.name))
        else:
            self._calls.when_arguments_ready(call, partial(self._run, actor, call, method.name))
        return refs

    def _run(self, actor: InlineActor, call: InlineCall, method: str) -> None:
        try:
            with actor.turn:
                if actor.death is not None:
                    self._calls.failed(call, actor.death)
                    return
                self._tell(actor, method)
                self._calls.run(call, getattr(actor.instance, method))
        finally:
            self._ended(actor)

    async def _run_async(self, actor: InlineActor, call: InlineCall, method: str) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._async_calls[call] = task
        running.set(call)  # this coroutine has a context of its own
        try:
            for identity in call.packed.dependencies:
                await self._ready(identity)
            async with actor.slots:
                while not await self._attempt_async(actor, call, method):
                    pass
        except asyncio.CancelledError:
            self._calls.cancelled(call)
        finally:
            del self._async_calls[call]
            self._ended(actor)

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

    def unfinished(self) -> list[tuple[InlineCall, asyncio.Task[Any]]]:
        """Calls of async actors without an outcome."""
        return list(self._async_calls.items())

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
