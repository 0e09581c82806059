"""The inline engine: the whole API in the calling process, for debugging and for tests.

A task runs when it is submitted, in the thread that submits it, so that a breakpoint is hit and a ``print``
prints. Values still travel by pickle, as on any engine: what works here works there. Calls of async actors
run on an event loop in a thread; a task that needs one of their results waits for it at submission.

Not the same as on other engines: tasks do not run in parallel (what would wait for a later call of the same
thread raises ``DeadlockError``), ``cancel`` interrupts only calls of async actors, and there are no processes
to kill. What has to wait for an argument, and the calls of threaded actors, run in threads.
"""

from __future__ import annotations

import concurrent.futures
import os
import socket
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any

import msgspec

from gnomon._core.ledger import Ledger
from gnomon._core.tempo import FREE, SLOW, TempoFacts
from gnomon._engine import notebook_hooks
from gnomon._engine.base import (
    FORCE_REFUSED,
    ActorBinding,
    ActorTemplate,
    CancelReceipt,
    ExecutionContext,
    InitOptions,
    MethodTemplate,
    Origin,
    Returned,
    SessionInfo,
    TaskTemplate,
    node_labels,
)
from gnomon._engine.explanation import Explanation
from gnomon._engine.inline_actors import InlineActors
from gnomon._engine.inline_book import InlineBook
from gnomon._engine.inline_call import running
from gnomon._engine.inline_calls import InlineCalls
from gnomon._engine.inline_devices import InlineDevices
from gnomon._engine.inline_loop import LoopThread
from gnomon._engine.inline_store import InlineStore
from gnomon._engine.inline_waits import Waits
from gnomon._engine.memory import MemoryReport
from gnomon._engine.methods import function_name
from gnomon._engine.rerun import Rerun, deepest
from gnomon._wire import object_ref, pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import (
    ControlUnavailableError,
    GetTimeoutError,
    InfeasibleError,
    UnsupportedOptionError,
    note_asked_for,
)
from gnomon.ids import (
    ActorID,
    JobID,
    NodeID,
    ObjectID,
    TaskID,
    WorkerID,
    actor_of,
    first_process,
    node_name,
    object_id,
    task_of,
)
from gnomon.resources import Resources, fits, to_amounts
from gnomon.settings import Settings

STORE_DEFAULT_BYTES = 2 * 2**30
"""Capacity unless given: enough for a lesson, too little to push the notebook's kernel into swapping."""


class InlineEngine:
    """See the module. Made by :meth:`start`."""

    name = "inline"
    ended = ""

    def __init__(self, options: InitOptions) -> None:
        settings = Settings()
        session = os.urandom(4).hex()
        worker = WorkerID(os.urandom(8))
        node = NodeID(first_process(1, os.urandom(8)))
        self.info = SessionInfo(
            engine=self.name,
            session=session,
            directory=None,
            node_id=node,
            namespace=options.namespace,
            pid=os.getpid(),
            resources=dict(options.resources),
            store_capacity_bytes=options.object_store_memory or STORE_DEFAULT_BYTES,
        )
        self.ledger = Ledger(session, settings.tasks_listed_max)
        self._worker = worker
        self._job = JobID(worker[:4])
        self._labels = node_labels(node, options.labels)
        self._functions: weakref.WeakValueDictionary[bytes, Callable[..., Any]]
        self._functions = weakref.WeakValueDictionary()
        self._book = InlineBook(self.ledger, worker, node)
        self._loop = LoopThread()
        self._waits = Waits(self._loop)
        self._store = InlineStore(
            self.ledger,
            self._waits,
            self.info.store_capacity_bytes,
            settings.inline_result_max_bytes,
            self._released,
        )
        devices = InlineDevices(options.resources.get("GPU", 0), options.gpus)
        self._calls = InlineCalls(worker, self._store, self._book, self._waits, devices)
        self._actors = InlineActors(
            self._calls, self._store, self._book, self._loop, self._waits, options.namespace
        )

    def _released(self, identity: ObjectID) -> None:
        if not self._calls.streams.released(identity):
            self._actors.out_of_scope(actor_of(identity))

    @classmethod
    def start(cls, options: InitOptions) -> InlineEngine:
        """Start a session.

        Raises:
            UnsupportedOptionError: a runtime environment was asked for.
        """
        if options.runtime_env:
            raise UnsupportedOptionError(
                "runtime_env", "the inline engine has no process of its own to set up"
            )
        engine = cls(options)
        store = engine._store
        object_ref.install(
            object_ref.Hooks(drop=store.drop, reduce=pickling.reduce_ref, future=engine.future)
        )
        pickling.set_out_of_band(store.pin, lambda ref: store.adopt([ref]))
        engine._book.node(engine.info.resources, engine.info.resources, engine.info.store_capacity_bytes)
        return engine

    def shutdown(self) -> None:
        """End the session; idempotent."""
        self._waits.close()
        self._calls.streams.close()
        self._loop.stop()
        self._actors.clear()
        pickling.set_out_of_band(None, None)
        object_ref.install(None)
        self.ledger.end(time.monotonic())

    # ---------------------------------------------------------------- tasks and actors

    def submit_task(
        self,
        template: TaskTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
    ) -> Returned:
        """Run a task; see ``Engine``."""
        options = template.options
        self._check_feasible(f"The task {template.name}", options.resources)
        if template.engine_state is None:
            template.engine_state = self._shipped(template.function)
        call, returned = self._calls.make(
            template.name, options.num_returns, args, kwargs, origin, frame, options.backpressure
        )
        call.resources = dict(options.resources)
        call.allow_retries(options.max_retries, options.retry_exceptions)
        self._calls.start(call, partial(self._calls.run, call, template.engine_state))
        return returned

    def _shipped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function as another process would get it: what it captures is a copy."""
        blob = pickling.dump_function(function, [])
        identity = pickling.function_id(blob)
        known = self._functions.get(identity)
        if known is not None:
            return known
        arrived: list[ObjectRef[Any]] = []
        loaded: Callable[..., Any] = pickling.load_function(blob, arrived)
        self._store.adopt(arrived)
        try:
            self._functions[identity] = loaded
        except TypeError:  # a callable object that can not be referenced weakly: one copy per template
            return loaded
        return loaded

    def create_actor(
        self,
        template: ActorTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
    ) -> ActorBinding:
        """Create an actor; see ``Engine``. Its constructor has run when this returns."""
        self._check_feasible(f"The actor {template.name}", template.options.placement_resources)
        return self._actors.create(template, args, kwargs, origin, frame)

    def submit_actor_task(
        self,
        binding: ActorBinding,
        method: MethodTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
    ) -> Returned:
        """Call a method; see ``Engine``."""
        return self._actors.submit(binding.actor_id, method, args, kwargs, origin, frame)

    def _check_feasible(self, what: str, asked: Mapping[str, int]) -> None:
        if not fits(asked, self.info.resources):
            raise InfeasibleError(what, asked, self.info.resources)

    def cancel(self, ref: ObjectRef[Any], force: bool, recursive: bool) -> None:
        """Cancel what has not ended; a function that runs in a thread can only ask ``is_canceled``."""
        self._store.is_ready(ref._id)  # refuses a reference of another session
        call = self._calls.unfinished.get(task_of(ref._id))
        if call is None:
            return
        if force and call.actor_id is not None:
            raise ValueError(FORCE_REFUSED)
        self._calls.cancel(call, recursive)

    def cancel_task(self, task: TaskID) -> None:
        """Cancel a task that has not ended."""
        call = self._calls.unfinished.get(task)
        if call is not None:
            self._calls.cancel(call, recursive=True)

    def cancel_cell(self, cell: str) -> CancelReceipt:
        """Cancel what a cell submitted and has not ended."""
        met = [call for call in list(self._calls.unfinished.values()) if call.cell == cell]
        running = sum(self._calls.cancel(call, recursive=True) for call in met)
        return CancelReceipt(cancelled=len(met), running=running)

    def kill_actor(self, binding: ActorBinding, no_restart: bool) -> None:
        """End an actor; see ``Engine``."""
        self._actors.kill(binding.actor_id, no_restart)

    def get_named_actor(self, name: str, namespace: str | None) -> ActorBinding:
        """The living actor of that name; see ``Engine``."""
        return self._actors.named(name, namespace)

    def list_named_actors(self, all_namespaces: bool) -> list[tuple[str, str]]:
        """(namespace, name) of the living named actors."""
        return self._actors.names(all_namespaces)

    def current_actor(self) -> ActorBinding | None:
        """The actor whose method the caller runs in."""
        call = running.get()
        if call is None or call.actor_id is None:
            return None
        return self._actors.find(call.actor_id).binding(None)

    def rebind(self, actor_id: ActorID, ref: ObjectRef[Any] | None) -> Any:
        """Nothing to keep for a handle here."""
        return None

    # ---------------------------------------------------------------- objects

    def put(self, value: Any) -> ObjectRef[Any]:
        """Store a value; see ``Engine``."""
        packed = pickling.serialize(value)
        call = running.get()
        cell = call.row.cell if call is not None else self._book.cell(notebook_hooks.origin)
        ref = self._store.create(object_id(self._calls.next_id(), 1), "put", cell)
        self._store.fill(ref._id, pickling.to_bytes(packed), packed.contained)
        return ref

    def get_one(self, ref: ObjectRef[Any]) -> Any:
        """The value of one reference."""
        if not self._store.is_ready(ref._id):
            self._store.wait([ref._id], 1, None)
        blob = self._store.blob(ref._id)
        value = self._store.load(blob)
        if pickling.is_error(blob):
            try:
                note_asked_for(value, ref._id)
                raise value
            finally:
                del value  # its traceback holds this frame: a cycle
        return value

    def get(self, refs: Sequence[ObjectRef[Any]], timeout: float | None) -> list[Any]:
        """The values, in order; see ``Engine``."""
        ready = self._store.wait([ref._id for ref in refs], len(refs), timeout, hasty=True)
        if ready < len(refs):
            for ref in refs:
                if self._store.failed(ref._id):
                    self.get_one(ref)
            raise GetTimeoutError(timeout_s=timeout, ready=ready, total=len(refs))
        return [self.get_one(ref) for ref in refs]

    def wait(
        self, refs: Sequence[Any], num_returns: int, timeout: float | None, fetch_local: bool
    ) -> tuple[list[Any], list[Any]]:
        """Ready ones and the others; see ``Engine``. Looks no further than it must: loops call it for each result."""
        refs = refs if isinstance(refs, list) else list(refs)
        places = self._store.first_ready(refs, num_returns)
        if len(places) < num_returns:
            self._store.wait([ref._id for ref in refs], num_returns, timeout)
            places = self._store.first_ready(refs, num_returns)
        if len(places) == 1:
            (place,) = places
            return [refs[place]], refs[:place] + refs[place + 1 :]
        taken = set(places)
        return [refs[place] for place in places], [ref for i, ref in enumerate(refs) if i not in taken]

    def future(self, ref: ObjectRef[Any]) -> concurrent.futures.Future[Any]:
        """A future of the value; it holds the reference until it is complete."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()

        def complete() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(self.get_one(ref))
            except BaseException as error:
                future.set_exception(error)

        self._store.when_ready(ref._id, complete)
        return future

    def memory(self, objects: Sequence[ObjectID], timeout_s: float, everywhere: bool = True) -> MemoryReport:
        """See ``Engine``."""
        from gnomon._engine.inline_memory import memory_of  # few programs ask

        actors = self._actors.living()
        return memory_of(self._store, self.ledger, self._worker, actors, tuple(objects), timeout_s / 2)

    # ---------------------------------------------------------------- the cluster

    def nodes(self) -> list[dict[str, Any]]:
        """This process as the one node."""
        node = self.info.node_id.hex()
        return [
            {
                "NodeID": node,
                "Alive": True,
                "alive": True,
                "NodeManagerAddress": "127.0.0.1",
                "NodeManagerHostname": socket.gethostname(),
                "NodeName": node_name(self.info.node_id),
                "Resources": to_amounts(self.info.resources),
                "Labels": dict(self._labels),
            }
        ]

    def cluster_resources(self) -> Resources:
        """All resources, in units."""
        return dict(self.info.resources)

    def available_resources(self) -> Resources:
        """Resources that no running call and no actor holds; never less than 0."""
        free = dict(self.info.resources)
        for held in (*self._calls.in_use, *self._actors.held()):
            for name, units in held.items():
                free[name] = max(0, free.get(name, 0) - units)
        return free

    def why_waiting(self) -> str:
        """Never: a wait that can not end is an error here."""
        return ""

    def why(self, identity: ObjectID, answer_s: float = 2.0) -> Explanation:
        """See ``Engine``."""
        from gnomon._engine.inline_why import InlineWhy  # few programs ask

        return InlineWhy(self._store, self._calls, self._actors, self.ledger).why(identity)

    def tempo(self, mode: str, interval_s: float, seed: int, steps: int) -> TempoFacts:
        """See ``Engine``. Slow motion alone: each task sleeps before it begins."""
        if mode not in ("", FREE, SLOW):
            raise ControlUnavailableError(
                "Pausing, stepping or ordering work",
                "on the inline engine a task runs when it is submitted, in the thread that submits it",
                "Use slow motion, a debugger, or the local engine: gnomon.init(engine='local').",
            )
        if mode:
            self._calls.interval_s, self._calls.slowed = interval_s, 0
        interval_s = self._calls.interval_s
        facts = TempoFacts(SLOW if interval_s else FREE, interval_s, begun=self._calls.slowed)
        self.ledger.tempo = msgspec.structs.asdict(facts) if interval_s else {}
        return facts

    def rerun(self, identity: ObjectID) -> Rerun:
        """See ``Engine``."""
        ready = self._store.is_ready(identity)  # refuses a reference of another session
        error = self._store.load(self._store.blob(identity)) if ready else None
        return deepest(error, self._calls.rerun, identity)

    def store_bytes(self) -> tuple[int, int]:
        """See ``Engine``."""
        return self.info.store_capacity_bytes, self.ledger.totals.get("store_used_bytes", 0)

    def context(self) -> ExecutionContext:
        """Where the calling code runs."""
        call = running.get()
        actor = self._actors.find(call.actor_id) if call is not None and call.actor_id is not None else None
        held = {} if call is None else dict(call.resources)
        return ExecutionContext(
            job_id=self._job,
            node_id=self.info.node_id,
            worker_id=self._worker,
            task_id=None if call is None else call.task_id,
            actor_id=None if call is None else call.actor_id,
            task_name=None if call is None else call.name,
            mode="driver" if call is None else "worker",
            namespace=self.info.namespace,
            resources=dict(actor.template.options.resources) if actor is not None else held,
            attempt=0 if call is None else call.attempt,
            was_reconstructed=actor is not None and actor.restarts > 0,
            function_name=None if call is None else function_name(call.function),
            actor_name=None if actor is None else actor.template.options.name or "",
            node_labels=self._labels,
            is_canceled=call is not None and call.cancelled,
            gpus=() if call is None else actor.creation.gpus if actor is not None else call.gpus,
        )
