"""Calls on the inline engine, tasks and methods alike: from the arguments to the outcome in the store."""

from __future__ import annotations

import contextvars
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from gnomon._core.ledger import TaskRow, TaskState
from gnomon._engine.base import Origin
from gnomon._engine.inline_book import InlineBook
from gnomon._engine.inline_store import InlineStore
from gnomon._engine.inline_waits import Wait, Waits
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
from gnomon.ids import ActorID, ObjectID, TaskID, WorkerID, object_id, task_id
from gnomon.resources import Resources

STACK_HOP = 40
"""Calls inside calls after which the next one gets a thread, and so a stack, of its own: Python allows about
1,000 frames, a nested task takes 10."""

T = TypeVar("T")


class InlineCall:
    """A task or an actor call.

    Attributes:
        results: ids of what it will return.
        packed: its arguments.
        needs: what must be ready before it starts: the arguments that are references.
        held: references that the arguments need until it has ended.
        parent: the call it was submitted in, if any.
        interrupt: ends the running call; None where nothing can.
        cancelled: somebody has asked for its end.
        ended: it has its outcome.
        on_end: called once it has.
        attempts: how often it may run in all; -1 is without end.
        retry_on: what the user's code may raise to be run again.
        depth: how many calls it is nested in.
        function: what runs: a function or a bound method; None until it starts.
        cell: id of the notebook cell that asked for it.
    """

    __slots__ = (
        "actor_id", "attempt", "attempts", "cancelled", "cell", "depth", "ended", "function", "held", "interrupt", "name", "needs",
        "on_end", "packed", "parent", "resources", "results", "retry_on", "row", "task_id",
    )  # fmt: skip

    def __init__(
        self,
        identity: TaskID,
        name: str,
        packed: PackedArgs,
        results: Sequence[ObjectID],
        row: TaskRow,
        parent: InlineCall | None,
    ) -> None:
        self.task_id = identity
        self.name = name
        self.packed = packed
        self.results = results
        self.row = row
        self.parent = parent
        self.depth: int = parent.depth + 1 if parent is not None else 0
        self.needs: Sequence[ObjectID] = packed.dependencies
        self.held: list[ObjectRef[Any]] = []
        self.interrupt: Callable[[], object] | None = None
        self.cancelled = False
        self.ended = False
        self.on_end: Callable[[], object] | None = None
        self.actor_id: ActorID | None = None
        self.resources: Resources = {}
        self.cell = ""
        self.attempt = 0
        self.attempts = 1
        self.retry_on: tuple[type[BaseException], ...] = ()
        self.function: Callable[..., Any] | None = None

    def allow_retries(self, retries: int, rule: bool | tuple[type[BaseException], ...]) -> None:
        """Set how often it may run, and after which exceptions."""
        self.attempts = retries + 1 if retries >= 0 else -1
        self.retry_on = (Exception,) if rule is True else (rule or ())

    def retry(self, error: BaseException) -> bool:
        """Whether it is run again after ``error``; if so, the next attempt is counted."""
        left = self.attempts < 0 or self.attempt + 1 < self.attempts
        again = left and isinstance(error, self.retry_on) and not self.cancelled
        self.attempt += again
        return again


running: contextvars.ContextVar[InlineCall | None] = contextvars.ContextVar(
    "gnomon_inline_call", default=None
)
"""The call that the present code belongs to; follows coroutines too."""


class InlineCalls:
    """Makes calls, runs them and stores their outcomes.

    Args:
        owner: this process.

    Attributes:
        unfinished: calls without an outcome.
        in_use: what running tasks hold.
    """

    def __init__(self, owner: WorkerID, store: InlineStore, book: InlineBook, waits: Waits) -> None:
        self._owner = owner
        self._store = store
        self._book = book
        self._waits = waits
        self._counter = 0
        self._counter_lock = threading.Lock()
        self.unfinished: dict[TaskID, InlineCall] = {}
        self.in_use: list[Resources] = []

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
        line: int,
    ) -> tuple[InlineCall, list[ObjectRef[Any]]]:
        """A call and the references to its results."""
        packed = pickling.pack_args(args, kwargs, name)
        held = self.hold(packed)
        identity = self.next_id()
        outer = running.get()
        parent = outer.row if outer is not None else None
        row = self._book.submitted(identity, name, packed.dependencies, origin, line, parent)
        results = [object_id(identity, i + 1) for i in range(num_returns)]
        call = InlineCall(identity, name, packed, results, row, outer)
        call.held = held
        self.unfinished[identity] = call
        call.cell = self._book.ledger.cells.entries[row.cell][0]
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

    def run(self, call: InlineCall, function: Callable[..., Any]) -> None:
        """Run a call to its outcome, in this thread."""
        token = running.set(call)
        self.in_use.append(call.resources)
        try:
            while not self._attempt(call, function):
                pass
        finally:
            self.in_use.remove(call.resources)
            running.reset(token)

    def _attempt(self, call: InlineCall, function: Callable[..., Any]) -> bool:
        """Run it once; False when it is to be run again."""
        self._book.started(call.row, call.attempt)
        if self.failed_argument(call):
            return True
        try:
            args, kwargs = self.arguments(call.packed)
            call.function = function
            self.succeed(call, function(*args, **kwargs))
        except KeyboardInterrupt:
            self.cancel_now(call)
            raise
        except BaseException as error:
            if call.retry(error):
                return False
            self.raised(call, error)
        return True

    def failed_argument(self, call: InlineCall) -> bool:
        """Whether an argument is an error: then that is the outcome, and the call does not run."""
        for identity in call.packed.dependencies:
            blob = self._store.blob(identity)
            if pickling.is_error(blob):
                self._end(call, TaskState.FAILED, blob, "an argument failed")
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
        parts = split_results(value, len(call.results), call.name)
        packed = [pickling.serialize(part, f"the result of {call.name}") for part in parts]
        for identity, each in zip(call.results, packed, strict=True):
            self._store.fill(identity, pickling.to_bytes(each), each.contained)
        self.ended(call, TaskState.DONE)

    def raised(self, call: InlineCall, error: BaseException) -> None:
        """Store what the user's code raised."""
        self.failed(call, TaskError.from_exception(call.name, error, os.getpid()))

    def failed(self, call: InlineCall, error: GnomonError, state: TaskState = TaskState.FAILED) -> None:
        """Store an error as the outcome."""
        contained: list[ObjectID] = []
        self._end(
            call, state, pickling.serialize_error(error, contained), first_line(text_of(error)), contained
        )

    def cancel_now(self, call: InlineCall) -> None:
        """Store that a call was cancelled."""
        self.failed(call, TaskCancelledError(call.task_id.hex(), call.name), TaskState.CANCELLED)

    def _end(
        self, call: InlineCall, state: TaskState, blob: bytes, text: str, contained: Sequence[ObjectID] = ()
    ) -> None:
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
            call.interrupt = None
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
