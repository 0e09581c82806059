"""The local engine: tasks and actors in processes of this machine, over ZeroMQ.

In a driver it owns a session (``local_start``); in a worker it is the same engine on the worker's core
(``inside``), so that tasks use the same API. What it does itself: turn templates and arguments into the
core's events, and back.
"""

from __future__ import annotations

import concurrent.futures
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import FrameType
from typing import Any

from gnomon._core import effects as fx
from gnomon._core.effects import Command
from gnomon._core.events import (
    CancelAsked,
    CellCancelAsked,
    TaskSubmitted,
)
from gnomon._core.tempo import TempoAsked, TempoFacts
from gnomon._engine import notebook_hooks
from gnomon._engine.base import (
    FORCE_REFUSED,
    CancelReceipt,
    ExecutionContext,
    Origin,
    Returned,
    SessionInfo,
    TaskTemplate,
)
from gnomon._engine.explanation import Explanation
from gnomon._engine.large_arguments import LargeArguments
from gnomon._engine.local_actors import LocalActors
from gnomon._engine.local_arguments import own, pack_values, provenance_of
from gnomon._engine.local_output import show_lines, show_output
from gnomon._engine.local_returns import returned
from gnomon._engine.local_session import DriverSession
from gnomon._engine.local_status import ClusterView
from gnomon._engine.memory import MemoryReport
from gnomon._engine.methods import function_name
from gnomon._engine.notebook_hooks import OutputLines
from gnomon._engine.rerun import Rerun
from gnomon._engine.stalls import Stalls, why_deep, why_waiting
from gnomon._shell import task_context
from gnomon._shell.core_worker import CoreWorker, past_owners
from gnomon._shell.functions import PackedTemplates, pack_function
from gnomon._shell.holder_answers import main_module
from gnomon._shell.holder_names import Root
from gnomon._shell.local_wait import wait_local
from gnomon._wire import object_ref, pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ControlUnavailableError
from gnomon.ids import FunctionID, ObjectID, TaskID, task_of
from gnomon.resources import Resources

_FIRST = (1).to_bytes(4, "big")


class _Prepared:
    """A template as this engine needs it: pickled once, its scheduling class looked up."""

    __slots__ = (
        "backpressure", "captured", "class_key", "function", "handles", "max_calls", "max_retries", "num_returns",
        "payload", "resources", "retry", "spread",
    )  # fmt: skip

    def __init__(
        self,
        function: FunctionID,
        payload: bytes,
        handles: list[ObjectRef[Any]],
        template: TaskTemplate,
        class_key: int,
    ) -> None:
        options = template.options
        self.handles = handles
        self.captured = [ref._id for ref in handles]
        self.function = function
        self.payload = payload
        self.resources = dict(options.resources)
        self.class_key = class_key
        self.num_returns = options.num_returns
        self.max_retries = options.max_retries
        self.max_calls = options.max_calls
        self.retry = bool(options.retry_exceptions)
        self.backpressure = options.backpressure
        self.spread = options.spread


class LocalEngine:
    """See the module. Made by ``LocalStarter.start`` in a driver and by :meth:`inside` in a worker."""

    name = "local"

    def __init__(
        self, session: DriverSession | None, core: CoreWorker | None, log_to_driver: bool = True
    ) -> None:
        self._session = session
        self._log_to_driver = log_to_driver
        if session is not None:
            core = session.open(self._perform, self._on_lost)
            core.role.reporting.always = notebook_hooks.output_sink is not None or notebook_hooks.recorded
            core.wait_long = Stalls(core).wait
        assert core is not None
        self.core = core
        core.largest_here = partial(_largest_here, core)
        if session is not None:
            core.named = _named
        self.config = core.config
        self.ledger = core.role.ledger
        self.info = SessionInfo(
            engine=self.name,
            session=self.config.session,
            directory=self.config.directory,
            node_id=self.config.node,
            namespace=self.config.namespace,
            pid=os.getpid(),
            resources=dict(self.config.resources),
            store_capacity_bytes=self.ledger.totals["store_capacity_bytes"],
        )
        self.view = ClusterView(core)
        self.put = core.put if self._session is None else self._put
        self.get_one = core.get_one
        self._post = core.loop.post
        self._submit = core.loop.submit
        self._classes: dict[tuple[frozenset[tuple[str, int]], bool, bool], int] = {}
        self._futures: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._future_thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._packed = PackedTemplates()
        self._large = None if session is None else LargeArguments(self.ledger)
        actors = LocalActors(core, self._packed, self._large)
        self.create_actor = actors.create
        self.submit_actor_task = actors.submit
        self.kill_actor = actors.kill
        self.get_named_actor = actors.named
        self.list_named_actors = actors.names
        self.current_actor = actors.current
        self.rebind = actors.rebind
        object_ref.install(object_ref.Hooks(core.loop.drop, pickling.reduce_ref, self.future))
        pickling.set_out_of_band(None, lambda ref: core.handles_arrived([ref]))

    @classmethod
    def inside(cls, core: CoreWorker) -> LocalEngine:
        """The engine of a worker."""
        return cls(None, core)

    # -- commands, in the loop's thread ---------------------------------------------------------------------------

    def _perform(self, command: Command) -> None:
        if type(command) is fx.ShowOutput and self._log_to_driver:
            show_output(command.output)
        elif type(command) is fx.NoteStore:
            from gnomon._engine.full_store import note_in_thread  # few programs fill their store

            note_in_thread(self.core, command)

        elif type(command) is fx.NoteWaiting:
            cell, _ = self.core.role.ledger.cells.entries[-1]
            show_lines(OutputLines(cell, "", "stderr", f"{why_deep([command.report])}\n", "gnomon"))

    def _on_lost(self, reason: str) -> None:
        self.core.end(reason)

    # -- tasks ----------------------------------------------------------------------------------------------------

    def _prepare(self, template: TaskTemplate) -> _Prepared:
        options = template.options
        function, payload, captured = pack_function(
            template.function, options.retry_exceptions, self.core.large_capture_bytes
        )
        handles = own(self.core, captured)
        key = (frozenset(options.resources.items()), options.spread, options.max_retries == 0)
        with self._lock:
            class_key = self._classes.setdefault(key, len(self._classes))
        prepared = template.engine_state = _Prepared(function, payload, handles, template, class_key)
        self._packed.add(template)
        return prepared

    def submit_task(
        self,
        template: TaskTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
    ) -> Returned:
        """See ``Engine``."""
        prepared: _Prepared = template.engine_state or self._prepare(template)
        packed = pickling.pack_args(args, kwargs, template.name)
        core = self.core
        task = core.new_task_id()
        contained = packed.contained
        if prepared.captured:
            contained = [*contained, *prepared.captured]
        running = task_context.current.get()
        provenance = provenance_of(origin, frame, running)
        arguments, extra = pack_values(core, packed, provenance)
        if extra is not None:
            contained = [*contained, extra._id]
            if self._large is not None:
                self._large.note(template.name, provenance, packed.serialized)
        count = prepared.num_returns
        refs: Returned
        if count == 1:
            refs = [ObjectRef(ObjectID(task + _FIRST))]
        else:
            refs = returned(core, task, count, prepared.backpressure)
        self._submit(
            TaskSubmitted(
                task,
                prepared.function,
                prepared.payload,
                template.name,
                prepared.resources,
                prepared.class_key,
                arguments,
                tuple(packed.dependencies),
                tuple(contained),
                count,
                prepared.max_retries,
                prepared.retry,
                provenance,
                running.task if running is not None else None,
                prepared.backpressure,
                prepared.max_calls,
                prepared.spread,
            )
        )
        return refs

    def cancel(self, ref: ObjectRef[Any], force: bool, recursive: bool) -> None:
        """See ``Engine``."""
        if past_owners:
            self.core.refuse_foreign([ref._id])
        task = task_of(ref._id)
        if not force:
            self._post(CancelAsked(task, False, recursive))
        elif self.core.ask_role(lambda request: CancelAsked(task, True, recursive, request)):
            raise ValueError(FORCE_REFUSED)

    def cancel_task(self, task: TaskID) -> None:
        """See ``Engine``."""
        self._post(CancelAsked(task, False, True))

    def cancel_cell(self, cell: str) -> CancelReceipt:
        """See ``Engine``."""
        cancelled, running = self.core.ask_role(lambda request: CellCancelAsked(request, cell))
        return CancelReceipt(cancelled, running)

    # -- objects --------------------------------------------------------------------------------------------------

    def _put(self, value: Any) -> ObjectRef[Any]:
        origin = notebook_hooks.origin
        if origin is None:
            return self.core.put(value)
        return self.core.put(value, provenance_of(origin, sys._getframe(2), None))

    def get(self, refs: Sequence[ObjectRef[Any]], timeout: float | None) -> list[Any]:
        """See ``Engine``."""
        return self.core.get(refs, timeout)

    def wait(
        self, refs: Sequence[Any], num_returns: int, timeout: float | None, fetch_local: bool
    ) -> tuple[list[Any], list[Any]]:
        """See ``Engine``."""
        if fetch_local:
            return wait_local(self.core, refs, num_returns, timeout)
        return self.core.wait(refs, num_returns, timeout)

    def future(self, ref: ObjectRef[Any]) -> concurrent.futures.Future[Any]:
        """See ``Engine``. Values are rebuilt in a thread of their own: that may run the user's code."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        if self._future_thread is None:
            with self._lock:
                if self._future_thread is None:
                    self._future_thread = threading.Thread(
                        target=self._serve_futures, name="gnomon-futures", daemon=True
                    )
                    self._future_thread.start()
        self.core.when_ready(ref._id, lambda: self._futures.put((future, ref)))
        return future

    def _serve_futures(self) -> None:
        while (item := self._futures.get()) is not None:
            future, ref = item
            if future.set_running_or_notify_cancel():
                _complete(future, self.core.get_one, ref)
            del item, future, ref  # this thread may wait long for the next

    # -- the cluster ----------------------------------------------------------------------------------------------

    def nodes(self) -> list[dict[str, Any]]:
        """See ``Engine``."""
        return self.view.nodes()

    def cluster_resources(self) -> Resources:
        """See ``Engine``."""
        return self.view.totals()

    def available_resources(self) -> Resources:
        """See ``Engine``."""
        return self.view.available()

    def why_waiting(self) -> str:
        """See ``Engine``."""
        return why_waiting(self.core)

    def why(self, identity: ObjectID, answer_s: float = 2.0) -> Explanation:
        """See ``Engine``."""
        from gnomon._engine.local_why import why  # few programs ask

        return why(self.core, identity, answer_s)

    def tempo(self, mode: str, interval_s: float, seed: int, steps: int) -> TempoFacts:
        """See ``Engine``."""
        if self._session is None and mode:
            raise ControlUnavailableError(
                "Tempo", "this is a task, and how fast work begins is for the driver to say"
            )
        facts: TempoFacts = self.core.ask_role(
            lambda request: TempoAsked(request, mode, interval_s, seed, steps)
        )
        return facts

    def rerun(self, identity: ObjectID) -> Rerun:
        """See ``Engine``."""
        from gnomon._engine.local_rerun import rerun_of  # few programs ask

        return rerun_of(self.core, identity)

    def store_bytes(self) -> tuple[int, int]:
        """See ``Engine``."""
        return self.view.store()

    def context(self) -> ExecutionContext:
        """See ``Engine``."""
        running = task_context.current.get()
        return ExecutionContext(
            job_id=self.config.job,
            node_id=self.config.node,
            worker_id=self.core.me,
            task_id=running.task if running is not None else None,
            actor_id=running.actor if running is not None else None,
            task_name=running.name if running is not None else None,
            function_name=function_name(running.function) if running is not None else None,
            actor_name=self._actor_name(running),
            node_labels=self.config.labels,
            mode="driver" if self._session is not None else "worker",
            namespace=self.config.namespace,
            resources=dict(running.resources) if running is not None else {},
            attempt=running.attempt if running is not None else 0,
            was_reconstructed=self.core.role.execution.incarnation > 0,
            is_canceled=running is not None and self.core.role.execution.is_cancelled(running.task),
            gpus=self.core.role.execution.gpus,
        )

    def _actor_name(self, running: task_context.RunningTask | None) -> str | None:
        assignment = self.core.assignment
        if running is None or running.actor is None or assignment is None:
            return None
        return assignment.spec.name

    def memory(self, objects: Sequence[ObjectID], timeout_s: float, everywhere: bool = True) -> MemoryReport:
        """See ``Engine``."""
        from gnomon._engine.local_memory import memory_of  # few programs ask

        return memory_of(self.core, tuple(objects), timeout_s, everywhere)

    @property
    def ended(self) -> str:
        """See ``Engine``."""
        return self.core.ended

    def shutdown(self) -> None:
        """See ``Engine``."""
        if self._session is None:
            return
        object_ref.install(None)
        pickling.set_out_of_band(None, None)
        self._packed.close()
        self._session.end()
        self._futures.put(None)
        self.ledger.end(time.monotonic())


def _named() -> Iterable[Root]:
    """Where a search for the names of references begins in a driver: a notebook knows better than we do."""
    return (notebook_hooks.named or main_module)()


def _complete(
    future: concurrent.futures.Future[Any], get: Callable[[ObjectRef[Any]], Any], ref: ObjectRef[Any]
) -> None:
    """Give a future its value or error, and keep neither."""
    try:
        value = get(ref)
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(value)


def _largest_here(core: CoreWorker) -> str:
    from gnomon._engine.full_store import largest_here  # few programs fill their store

    return largest_here(core)
