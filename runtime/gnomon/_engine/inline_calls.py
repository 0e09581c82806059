"""Calls on the inline engine, tasks and methods alike: from the arguments to the outcome in the store."""

from __future__ import annotations

import contextvars
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from types import FrameType, GeneratorType
from typing import Any, TypeVar

from gnomon._core.ledger import TaskState
from gnomon._engine.base import DYNAMIC, STREAMING, Origin, Returned
from gnomon._engine.call_sites import nested_in, submitted_at
from gnomon._engine.inline_book import InlineBook
from gnomon._engine.inline_call import InlineCall, Sink, running
from gnomon._engine.inline_devices import InlineDevices
from gnomon._engine.inline_generators import FixedResults, ListedItems, Pull
from gnomon._engine.inline_store import InlineStore
from gnomon._engine.inline_streams import InlineStream, InlineStreams
from gnomon._engine.inline_waits import Wait, Waits
from gnomon._engine.rerun import NOT_KNOWN, Rerun
from gnomon._shell.previews import origin_facts, previews
from gnomon._shell.results import advise_copy
from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon._wire.pickling import PackedArgs
from gnomon.exceptions import (
    DeadlockError,
    GnomonError,
    NotInitializedError,
    ResultsMismatchError,
    SessionMismatchError,
    TaskCancelledError,
    TaskError,
    first_line,
    text_of,
)
from gnomon.ids import HANDLE_INDEX, ObjectID, TaskID, WorkerID, index_of, object_id, task_id, task_of
from gnomon.resources import Resources

STACK_HOP = 40
"""Calls inside calls after which the next one gets a thread, and so a stack, of its own: Python allows about
1,000 frames, a nested task takes 10."""

FAILED_MAX = 20
"""Failed tasks that can be run again."""

T = TypeVar("T")


class InlineCalls:
    """Makes calls, runs them and stores their outcomes.

    Args:
        owner: this process.

    Attributes:
        unfinished: calls without an outcome.
        in_use: what running tasks hold.
        failed_tasks: the last ones whose code has raised; and ``failed_because`` of whose error the last others failed.
        devices: the session's GPUs.
        streams: of those that yield.
    """

    def __init__(
        self, owner: WorkerID, store: InlineStore, book: InlineBook, waits: Waits, devices: InlineDevices
    ) -> None:
        self._owner = owner
        self._store = store
        self._book = book
        self._waits = waits
        self.devices = devices
        self.streams = InlineStreams(store, waits, lambda call: self.cancel(call, recursive=True))
        self._counter = 0
        self._counter_lock = threading.Lock()
        self.unfinished: dict[TaskID, InlineCall] = {}
        self.in_use: list[Resources] = []
        self.interval_s = 0.0
        self.slowed = 0
        self.failed_tasks: dict[TaskID, Rerun] = {}
        self.failed_because: dict[TaskID, TaskID] = {}

    def next_id(self) -> TaskID:
        """A fresh id for a task, a put or an actor."""
        with self._counter_lock:
            self._counter += 1
            return task_id(self._owner, self._counter)

    def make(
        self,
        name: str,
        num_returns: int,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
        backpressure: int = 0,
    ) -> tuple[InlineCall, Returned]:
        """A call, and the references to its results or the generator of them."""
        packed = pickling.pack_args(args, kwargs, name)
        held = self.hold(packed)
        identity = self.next_id()
        outer = running.get()
        parent = outer.row if outer is not None else None
        provenance = None
        if outer is not None and outer.provenance is not None:
            provenance = nested_in(outer, outer.provenance)
            origin = Origin(provenance.cell, provenance.label)
        elif origin is not None:
            provenance = submitted_at(origin, frame)
        line = frame.f_lineno if provenance is None else provenance.line
        row = self._book.submitted(identity, name, packed.dependencies, origin, line, parent)
        count = 1 if num_returns == DYNAMIC else num_returns
        results = [object_id(identity, i + 1) for i in range(count)]
        call = InlineCall(identity, name, packed, results, row, outer)
        call.held = held
        call.provenance = provenance
        self.unfinished[identity] = call
        call.cell = self._book.ledger.cells.entries[row.cell][0]
        if num_returns == STREAMING:
            return call, [self.streams.open(call, backpressure)]
        if num_returns == DYNAMIC:
            call.sink = ListedItems(call, self._store)
        return call, [self._store.create(each, name, row.cell) for each in call.results]

    def hold(self, packed: PackedArgs) -> list[ObjectRef[Any]]:
        """References to all that arguments need."""
        return [self._store.reference(each) for each in (*packed.dependencies, *packed.contained)]

    def missing(self, call: InlineCall) -> list[ObjectID]:
        """What a call still needs before it can start."""
        return [each for each in call.needs if not self._store.is_ready(each)]

    def await_arguments(self, call: InlineCall) -> bool:
        """Wait until a call can start; False when it has an outcome before that."""

        def begun(wait: Wait) -> None:
            call.interrupt = wait.end
            if call.ended:
                wait.end()

        try:
            self._store.wait(call.needs, len(call.needs), None, begun=begun)
        except DeadlockError as error:
            self.failed(call, error)
        except (NotInitializedError, SessionMismatchError):
            return False  # the session is over, or it was cancelled and its arguments are gone
        call.interrupt = None
        return not call.ended

    def start(self, call: InlineCall, run: Callable[[], object]) -> None:
        """Run a call now, or where an argument is still being made in a thread of its own."""
        if not self.missing(call):
            with_stack(call.depth, run, self._waits)
            return

        def later() -> None:
            if self.await_arguments(call):
                run()

        threading.Thread(target=later, name=f"gnomon-inline-{call.name}", daemon=True).start()

    def cancel(self, call: InlineCall, recursive: bool) -> bool:
        """Cancel a call that has no outcome; whether it was running.

        One that waits ends at once, one that runs when it can be interrupted: code in a thread can not.
        """
        call.cancelled = True
        if recursive:
            for each in list(self.unfinished.values()):
                if each.parent is call:
                    self.cancel(each, True)
        started, interrupt = call.row.started > 0, call.interrupt
        if not started:
            self.cancel_now(call)
        if interrupt is not None:
            interrupt()
        return started

    def run(
        self, call: InlineCall, function: Callable[..., Any], lock: threading.RLock | None = None
    ) -> None:
        """Run a call to its outcome, in this thread; a stream until its first item is there.

        Args:
            call: the call.
            function: what it calls.
            lock: held whenever the user's code runs, if that is over more than one stretch.
        """
        if self.interval_s:
            time.sleep(self.interval_s)
            self.slowed += 1
        token = running.set(call)
        self.in_use.append(call.resources)
        try:
            with self.devices.held(call):
                while not self._attempt(call, function, lock or threading.RLock()):
                    pass
        finally:
            self.in_use.remove(call.resources)
            running.reset(token)

    def _attempt(self, call: InlineCall, function: Callable[..., Any], lock: threading.RLock) -> bool:
        """Run it once; False when it is to be run again."""
        self._book.started(call.row, call.attempt)
        if self.failed_argument(call):
            return True
        try:
            value = self._call(call, function)
            if call.sink is not None or (type(value) is GeneratorType and call.results):
                self._draw(call, partial(self._call, call, function), value, lock)
            elif call.cancelled:
                self.cancel_now(call)  # it did not listen; nobody waits for its value any more
            else:
                self.succeed(call, value)
        except KeyboardInterrupt:
            self.cancel_now(call)
            raise
        except BaseException as error:
            if isinstance(error, SystemExit) and call.actor_id is not None:
                raise  # the actor ends
            if call.retry(error):
                return False
            self.raised(call, error)
        return True

    def _call(self, call: InlineCall, function: Callable[..., Any]) -> Any:
        args, kwargs = self.arguments(call.packed)
        call.function = function
        return function(*args, **kwargs)

    def _draw(self, call: InlineCall, begin: Callable[[], Any], value: Any, lock: threading.RLock) -> None:
        sink = self.sink_of(call)
        pull = Pull(call, sink, self, begin, value, lock, self._waits)
        if isinstance(sink, InlineStream):
            call.interrupt = pull.stop
            sink.pull = pull.step
            pull.step()
        else:
            while pull.step():
                pass

    def sink_of(self, call: InlineCall) -> Sink:
        """Where the items of a generator that it has returned go."""
        if call.sink is None:
            call.sink = FixedResults(call, self._store)
        return call.sink

    def exhausted(self, call: InlineCall) -> None:
        """Its generator has ended.

        Raises:
            ValueError: too early.
        """
        assert call.sink is not None
        call.sink.end()
        self.ended(call, TaskState.DONE)

    def failed_argument(self, call: InlineCall) -> bool:
        """Whether an argument is an error: then that is the outcome, and the call does not run."""
        for identity in call.packed.dependencies:
            blob = self._store.blob(identity)
            if pickling.is_error(blob):
                contained = self._store.contained(identity)
                self.failed_because[call.task_id] = task_of(identity)
                if len(self.failed_because) > FAILED_MAX:
                    del self.failed_because[next(iter(self.failed_because))]
                self._end(call, TaskState.FAILED, blob, "an argument failed", contained)
                return True
        return False

    def arguments(self, packed: PackedArgs) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Arguments put together anew."""
        values = [self._store.load(self._store.blob(each)) for each in packed.dependencies]
        arrived: list[ObjectRef[Any]] = []
        try:
            return pickling.unpack_args(pickling.to_bytes(packed.serialized), values, arrived)
        finally:
            self._store.adopt(arrived)

    def succeed(self, call: InlineCall, value: Any) -> None:
        """Store what a call returned.

        Raises:
            SerializationError: it can not be pickled.
            ObjectStoreFullError: there is no room for it.
            ValueError: it is another number of values than ``num_returns`` says.
        """
        if call.ended:
            return
        parts = split_results(value, len(call.results), call.name)
        packed = [pickling.serialize(part, f"the result of {call.name}") for part in parts]
        for identity, each in zip(call.results, packed, strict=True):
            self._store.fill(identity, pickling.to_bytes(each), each.contained)
        self.ended(call, TaskState.DONE)

    def raised(self, call: InlineCall, error: BaseException) -> None:
        """Store what the user's code raised."""
        if isinstance(error, ValueError):
            advise_copy(error)
        if call.actor_id is None:
            self._keep_failed(call)
        facts = {"arguments": previews(error), "attempt": call.attempt, **origin_facts(call.provenance)}
        self.failed(call, TaskError.from_exception(call.name, error, os.getpid(), **facts), raised=True)

    def rerun(self, identity: ObjectID) -> Rerun:
        """The failed task that makes an object; the one that raised, if that was an argument's."""
        task = task_of(identity)
        while task in self.failed_because:
            task = self.failed_because[task]
        return self.failed_tasks.get(task, Rerun(reason=NOT_KNOWN))

    def _keep_failed(self, call: InlineCall) -> None:
        """So that it can be run again: what its arguments refer to is kept with the error, its function by its template."""
        packed, name = call.packed, call.name
        try:
            function = weakref.ref(call.function)
        except TypeError:  # a callable object that can not be referenced weakly
            return

        def run() -> Any:
            __tracebackhide__ = True
            called = function()
            if called is None:
                raise ValueError(f"debug() can not run {name} again: its function is not there any more.")
            args, kwargs = self.arguments(packed)
            return called(*args, **kwargs)

        self.failed_tasks[call.task_id] = Rerun(call.name, run)
        if len(self.failed_tasks) > FAILED_MAX:
            del self.failed_tasks[next(iter(self.failed_tasks))]

    def failed(
        self,
        call: InlineCall,
        error: GnomonError,
        state: TaskState = TaskState.FAILED,
        raised: bool = False,
    ) -> None:
        """Store an error as the outcome; ``raised``: the user's code has."""
        contained: list[ObjectID] = []
        blob = pickling.serialize_error(error, contained)
        if raised and call.actor_id is None and call.sink is None:
            contained += [
                ref._id for ref in call.held if index_of(ref._id) != HANDLE_INDEX
            ]  # to be run again
        self._end(call, state, blob, first_line(text_of(error)), contained, raised)

    def cancel_now(self, call: InlineCall) -> None:
        """Store that a call was cancelled."""
        self.failed(call, TaskCancelledError(call.task_id.hex(), call.name), TaskState.CANCELLED)

    def _end(
        self,
        call: InlineCall,
        state: TaskState,
        blob: bytes,
        text: str,
        contained: Sequence[ObjectID] = (),
        raised: bool = False,
    ) -> None:
        if call.ended:
            return
        if call.sink is not None:
            call.sink.fail(blob, contained, raised)
        else:
            for identity in call.results:
                self._store.fill(identity, blob, contained)
        self.ended(call, state, text)

    def ended(self, call: InlineCall, state: TaskState, text: str = "") -> None:
        """A call has its outcome; what comes after the first changes nothing."""
        if not call.ended:
            call.ended = True
            self._book.ended(call.row, state, text)
            self.unfinished.pop(call.task_id, None)
            call.held = []
            call.interrupt = call.sink = call.function = call.parent = None  # they hold the user's objects
            self.streams.ended(call)
            if call.on_end is not None:
                call.on_end()


def with_stack(depth: int, function: Callable[[], T], waits: Waits) -> T:
    """Run ``function`` in this thread, or where calls are nested deeply in a fresh one that is waited for."""
    if depth == 0 or depth % STACK_HOP:
        return function()
    outcome: list[T] = []
    raised: list[BaseException] = []
    context = contextvars.copy_context()

    def body() -> None:
        try:
            outcome.append(context.run(function))
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=body, name=f"gnomon-inline-depth-{depth}", daemon=True)
    thread.start()
    with waits.blocked():
        thread.join()
    if raised:
        raise raised.pop()
    return outcome[0]


def split_results(value: Any, count: int, name: str) -> list[Any]:
    """What a call returned, as its ``count`` results.

    Raises:
        ResultsMismatchError: another number of values was returned.
    """
    if count == 1:
        return [value]
    if count == 0:
        return []
    try:
        values = list(value)
    except TypeError:
        raise ResultsMismatchError(name, count, None, type(value).__name__) from None
    if len(values) != count:
        raise ResultsMismatchError(name, count, len(values), type(value).__name__)
    return values
