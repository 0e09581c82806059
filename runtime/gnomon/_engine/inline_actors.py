"""Actors of the inline engine: plain instances in this process.

    pending --constructor returned--> alive --kill, or no handle left--> dead
       +----constructor raised-----------------------------------------^
    alive --kill(no_restart=False), a restart is left--> pending

Calls of a sync actor run in its lanes (``inline_lanes``): in the calling thread unless it is a threaded one;
those of an async actor on the session's event loop (``inline_async``). A constructor runs in the calling thread,
unless one of its arguments is still being made. The handle object is ready when the constructor has ended: calls
need it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType
from typing import Any

from gnomon._core.ledger import TaskState
from gnomon._engine.base import ActorBinding, ActorTemplate, MethodTemplate, Origin, Returned
from gnomon._engine.inline_actor import InlineActor
from gnomon._engine.inline_async import AsyncCalls
from gnomon._engine.inline_book import InlineBook
from gnomon._engine.inline_call import InlineCall, running
from gnomon._engine.inline_calls import InlineCalls
from gnomon._engine.inline_lanes import Lane
from gnomon._engine.inline_loop import LoopThread
from gnomon._engine.inline_store import InlineStore
from gnomon._engine.inline_streams import InlineStream
from gnomon._engine.inline_waits import Waits
from gnomon._shell.methods import method_of
from gnomon._wire import pickling
from gnomon.exceptions import (
    ActorExit,
    ActorHandleNotFoundError,
    ActorNameTakenError,
    DeadlockError,
    PendingCallsLimitExceeded,
    SessionMismatchError,
    headline,
    remote_traceback,
)
from gnomon.ids import ActorID, handle_object

_NOTHING = pickling.to_bytes(pickling.serialize(None))


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
        self._on_loop = AsyncCalls(calls, store, book, loop, self._tell, self._left)
        self._namespace = namespace
        self._actors: dict[ActorID, InlineActor] = {}
        self._names: dict[tuple[str, str], ActorID] = {}

    def living(self) -> list[tuple[str, Any]]:
        """Class name and instance of each actor that is alive."""
        actors = list(self._actors.values())
        return [(actor.template.name, actor.instance) for actor in actors if actor.instance is not None]

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
        frame: FrameType,
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
        creation, _ = self._calls.make(f"{template.name}.__init__", 0, args, kwargs, origin, frame)
        actor = InlineActor(ActorID(creation.task_id), template, namespace, creation, self._lanes(template))
        creation.actor_id = actor.actor_id
        creation.resources = dict(options.resources)
        self._calls.devices.take(creation)
        handle = handle_object(actor.actor_id)
        ref = self._store.create(handle, template.name, creation.row.cell)
        self._actors[actor.actor_id] = actor
        if actor.name is not None:
            self._names[actor.name] = actor.actor_id
        self._tell(actor)
        self._calls.start(creation, partial(self._construct, actor))
        return actor.binding(ref)

    def _lanes(self, template: ActorTemplate) -> dict[str, Lane]:
        options = template.options
        limits = {"": options.max_concurrency or 1, **options.concurrency_groups}
        threaded = len(limits) > 1 or limits[""] > 1
        return {
            group: Lane(f"{template.name}-{group}", limit, threaded, self._calls, self._waits)
            for group, limit in limits.items()
        }

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
            with self._waits.held(actor.turn):
                args, kwargs = self._calls.arguments(creation.packed)
                actor.instance = actor.template.cls(*args, **kwargs)
        except SystemExit as exit_:
            self._calls.ended(creation, TaskState.FAILED, reason_of(exit_))
            self._die(actor, reason_of(exit_))
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
        actor.death = actor.death_of(reason, traceback_str)
        actor.kept = []
        actor.instance = None
        self._calls.devices.give(actor.creation)
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
        if actor.state != "dead":
            self._end(actor, "it was killed by gnomon.kill()", not no_restart and actor.may_restart())

    def _left(self, actor: InlineActor, call: InlineCall, exit_: SystemExit) -> None:
        """A call has ended its actor: on purpose, unless it gives an exit code that says otherwise."""
        crash = not isinstance(exit_, ActorExit) and bool(exit_.code)
        if actor.state != "dead":
            self._end(actor, reason_of(exit_), crash and actor.may_restart())

    def _end(self, actor: InlineActor, reason: str, restart: bool) -> None:
        if restart:
            actor.restarts += 1
            actor.state = "restarting"
            actor.instance = None
        else:
            self._die(actor, reason)
        for call in list(self._calls.unfinished.values()):
            if call.actor_id == actor.actor_id:
                self._lose(actor, call, reason, restart)
        if restart:
            self._construct(actor)

    def _lose(self, actor: InlineActor, call: InlineCall, reason: str, restart: bool) -> None:
        """A call that has not ended when its actor ends: what has not started waits for a restart."""
        started, interrupt = call.row.started > 0, call.interrupt
        if restart and not started:
            return
        error = actor.unavailable(reason) if restart else actor.death_of(reason, started=started)
        self._calls.failed(call, error)
        if interrupt is not None:
            interrupt()

    # ---------------------------------------------------------------- calls

    def submit(
        self,
        actor_id: ActorID,
        method: MethodTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
    ) -> Returned:
        """Call a method."""
        actor = self.find(actor_id)
        caller = caller_of(running.get())
        limit = actor.template.options.max_pending_calls
        if 0 < limit <= actor.pending[caller]:
            raise PendingCallsLimitExceeded(f"{actor.template.name}.{method.name}", limit)
        name = method.task_name or f"{actor.template.name}.{method.name}"
        call, returned = self._calls.make(
            name, method.num_returns, args, kwargs, origin, frame, method.backpressure
        )
        call.actor_id = actor_id
        retries = method.max_task_retries
        call.allow_retries(
            actor.template.options.max_task_retries if retries is None else retries, method.retry_exceptions
        )
        actor.pending[caller] += 1
        call.on_end = partial(self._ended, actor, caller)
        if actor.state == "pending":
            handle = handle_object(actor_id)
            call.held.append(self._store.reference(handle))
            call.needs = [*call.needs, handle]
        group = method.concurrency_group or ""
        lane = actor.lanes[group]
        run = partial(self._run, actor, call, method.name, lane)
        if actor.template.is_async:
            self._loop.start(self._on_loop.run(actor, call, method.name, actor.slots[group]))
        elif actor.template.options.out_of_order:
            self._calls.start(call, partial(self._in_turn, lane, run))
        else:
            lane.submit(call, run)
        return returned

    def _in_turn(self, lane: Lane, run: Callable[[], object]) -> None:
        with self._waits.held(lane.turn):
            run()

    def _run(self, actor: InlineActor, call: InlineCall, method: str, lane: Lane) -> None:
        if actor.death is not None:
            self._calls.failed(call, actor.death)
            return
        self._tell(actor, method)
        try:
            lane.drain()
            self._calls.run(call, method_of(actor.instance, method), lane.turn)
            if isinstance(call.sink, InlineStream):
                lane.began(call.sink)
        except DeadlockError as error:
            self._calls.failed(call, error)
        except SystemExit as exit_:
            self._left(actor, call, exit_)

    def _ended(self, actor: InlineActor, caller: bytes) -> None:
        actor.pending[caller] -= 1
        if not actor.pending[caller]:
            del actor.pending[caller]
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


def reason_of(exit_: SystemExit) -> str:
    """Why an actor has ended whose code raised this."""
    if isinstance(exit_, ActorExit):
        return str(exit_) or "it called exit_actor()"
    return f"it called sys.exit({exit_.code!r})" if exit_.code else "it called sys.exit()"


def caller_of(call: InlineCall | None) -> bytes:
    """What stands for the process that calls: the driver, a task or an actor."""
    if call is None:
        return b""
    return call.task_id if call.actor_id is None else call.actor_id
