"""Running one task: arguments in, function, results out. No threads here, no order: just one call and its
outcome.
"""

from __future__ import annotations

import inspect
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gnomon._core.events import HandlesArrived, ItemProduced, TaskEnded
from gnomon._messages.base import Block, Contained, Value
from gnomon._messages.tasks import CANCELLED, DYNAMIC, OK, RAISED, STREAMING, CallPushed, TaskPushed
from gnomon._shell import task_context
from gnomon._shell.bringing import bring_arguments, is_elsewhere
from gnomon._shell.core_worker import CoreWorker
from gnomon._shell.large_values import discard_blocks
from gnomon._shell.previews import origin_facts, previews
from gnomon._wire import pickling
from gnomon._wire.generators import pack_items
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ResultsMismatchError, TaskError, headline
from gnomon.ids import ActorID, ObjectID, TaskID, object_id, owner_of

ITEMS_POSTED_MAX = 64
"""Items of a generator handed to the loop before one is waited to be sent: a fast one can not run away."""

NO_MORE: Any = object()
"""What is drawn from a generator after its last item."""

_SLOW_S = 0.001
"""What takes less than this besides the user's code is too short to be seen in a timeline."""

_NOTHING: Mapping[str, int] = {}
_NONE = pickling.to_bytes(pickling.serialize(None))


class Call:
    """One task or call being run.

    Attributes:
        name: for errors and output.
        items: how many a generator has made so far, those included that an earlier attempt has delivered.
        retry_on: exceptions that are worth another attempt, if the task has any.
    """

    __slots__ = ("actor", "blocks", "core", "items", "name", "pushed", "resources", "retry_on", "started")

    def __init__(
        self,
        core: CoreWorker,
        pushed: TaskPushed | CallPushed,
        name: str,
        actor: ActorID | None = None,
        blocks: bool = True,
        resources: Mapping[str, int] = _NOTHING,
    ) -> None:
        self.core = core
        self.pushed = pushed
        self.name = name
        self.actor = actor
        self.blocks = blocks
        self.resources = resources
        self.items = 0
        self.retry_on: tuple[type[BaseException], ...] = (BaseException,)
        self.started = time.monotonic()

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, rebuilt; references among them are told to the role."""
        pushed = self.pushed
        blob = pushed.arguments
        if blob == _EMPTY:
            return (), {}
        loaded = load_arguments(self.core, blob, pushed.values, pushed.task)
        size = 0
        if pushed.values or type(blob) is Block:
            size = sum(each.size for each in (blob, *pushed.values) if isinstance(each, Block))
            if size:
                self.core.note_span("read", self.started, size, self.name)
        if not size and self.core.role.reporting.observer is not None:
            self._note_slow("read", self.started, blob)
        return loaded

    def _note_slow(self, kind: str, began: float, value: Value) -> None:
        """Small values may take long too: what unpickles one may import a library."""
        if time.monotonic() - began >= _SLOW_S and not isinstance(value, Block):
            self.core.note_span(kind, began, len(value), self.name)

    def context(self) -> task_context.RunningTask:
        """What ``get_runtime_context`` and prints see."""
        pushed = self.pushed
        return task_context.RunningTask(
            pushed.task, self.name, pushed.provenance, self.actor, pushed.attempt, self.blocks, self.resources
        )

    def succeeded(self, value: Any) -> TaskEnded:
        """The outcome when the function has returned ``value``."""
        try:
            stored, contained = self._store(self._split(value))
        except Exception as error:
            return self.failed(error, False)
        now = time.monotonic()
        keep = value if contained else None
        return TaskEnded(
            self.pushed.task, OK, tuple(stored), self.started, now, False, tuple(contained), keep=keep
        )

    def _store(self, values: Iterable[Any]) -> tuple[list[Value], list[Contained]]:
        """The results as they travel, and the references in them."""
        task = self.pushed.task
        stored: list[Value] = []
        contained: list[Contained] = []
        observed = self.core.role.reporting.observer is not None
        try:
            for index, one in enumerate(values):
                began = time.monotonic() if observed else 0.0
                serialized = pickling.serialize(one, f"the result of {self.name}")
                identity = object_id(task, index + 1)
                if serialized.contained:
                    contained.append(Contained(identity, tuple(serialized.contained)))
                stored.append(self._write(serialized, identity, began))
                if observed:
                    self._note_slow("write", began, stored[-1])
        except BaseException:
            discard_blocks(self.core, stored)
            raise
        return stored, contained

    def _write(self, serialized: pickling.Serialized, identity: ObjectID, began: float = 0.0) -> Value:
        """A value as it travels: itself, or where it lies. ``began``: when its pickling began, if that counts."""
        if serialized.total_bytes <= self.core.inline_max:
            return pickling.to_bytes(serialized)
        began = began or time.monotonic()
        block = self.core.write_block(serialized, identity, owner_of(identity))
        self.core.note_span("write", began, serialized.total_bytes, self.name)
        return block

    def _split(self, value: Any) -> tuple[Any, ...]:
        count = self.pushed.num_returns
        if count == 1:
            return (value,)
        if count == 0:
            return ()
        try:
            values = tuple(value)
        except TypeError:
            raise ResultsMismatchError(self.name, count, None, type(value).__name__) from None
        if len(values) != count:
            raise ResultsMismatchError(self.name, count, len(values), type(value).__name__)
        return values

    def failed(self, error: BaseException, retriable: bool) -> TaskEnded:
        """The outcome when it has raised."""
        if isinstance(error, ValueError):
            advise_copy(error)
        facts = {
            "arguments": previews(error),
            "attempt": self.pushed.attempt,
            **origin_facts(self.pushed.provenance),
        }
        wrapped = TaskError.from_exception(self.name, error, os.getpid(), **facts)
        inner: list[ObjectID] = []
        blob = pickling.serialize_error(wrapped, inner)
        forget_frames(error)
        ended = self.failed_with(blob, headline(error)[:200], retriable)
        if inner:
            ended.contained = self._in_error(tuple(inner))
            ended.keep = error
        return ended

    def _in_error(self, inner: tuple[ObjectID, ...], done: int = 0) -> tuple[Contained, ...]:
        """The references inside an error: it is the value of all results after the first ``done``."""
        task, count = self.pushed.task, self.pushed.num_returns
        if count < 0:
            return (Contained(object_id(task, self.items + 1 + (count == DYNAMIC)), inner),)
        return tuple(Contained(object_id(task, index), inner) for index in range(done + 1, count + 1))

    def failed_with(self, blob: bytes, summary: str, retriable: bool) -> TaskEnded:
        """The outcome with this error value; ``summary``: in one line."""
        task = self.pushed.task
        ended = TaskEnded(task, RAISED, (blob,), self.started, time.monotonic(), retriable, (), summary)
        if self.pushed.num_returns < 0:
            ended.items = self.items
            try:
                ended.values = (blob, self._items_result(self.items + 1))
            except Exception:  # no room for a long list: then the error is all there is
                return ended
        return ended

    def retriable(self, error: BaseException) -> bool:
        """Whether what the user's code has raised is worth another attempt."""
        return self.pushed.retry_exceptions and isinstance(error, self.retry_on)

    # -- generators -----------------------------------------------------------------------------------------------

    @property
    def limit(self) -> int:
        """How many items it may be ahead of its consumer; 0 is without limit: nobody takes those of a list."""
        return self.pushed.backpressure if self.pushed.num_returns == STREAMING else 0

    def deliver(self, item: Any) -> None:
        """Send the next item of a generator to the owner, unless an earlier attempt has delivered it."""
        pushed = self.pushed
        index = self.items + 1
        if index > pushed.skip:
            identity = object_id(pushed.task, index + (pushed.num_returns == DYNAMIC))
            serialized = pickling.serialize(item, f"item {index} of {self.name}")
            inner = tuple(serialized.contained)
            value = self._write(serialized, identity)
            event = ItemProduced(pushed.task, index, value, inner, item if inner else None)
            if index % ITEMS_POSTED_MAX:
                self.core.loop.post(event)
            else:
                self.core.loop.apply([event])
        self.items = index

    def exhausted(self) -> TaskEnded:
        """The outcome when a generator has ended."""
        try:
            result = self._items_result(self.items)
        except Exception as error:
            return self.failed(error, False)
        now = time.monotonic()
        return TaskEnded(self.pushed.task, OK, (result,), self.started, now, items=self.items)

    def _items_result(self, count: int) -> Value:
        """The result besides the items: the list of references to all ``count``, if the caller wants that."""
        pushed = self.pushed
        if pushed.num_returns != DYNAMIC:
            return _NONE
        items = [object_id(pushed.task, index + 1) for index in range(1, count + 1)]
        return self._write(pickling.serialize(pack_items(items)), object_id(pushed.task, 1))

    def collected(self, draw: Callable[[], Any]) -> TaskEnded:
        """The outcome of a generator whose caller wants a fixed number of results.

        Args:
            draw: the next item, or NO_MORE.
        """
        count = self.pushed.num_returns
        values: list[Any] = []
        if not count:
            return self.succeeded(None)
        try:
            while len(values) <= count and (item := draw()) is not NO_MORE:
                values.append(item)
        except Exception as error:
            return self._failed_after(values[:count], error, self.retriable(error))
        if len(values) < count:
            few = ResultsMismatchError(self.name, count, len(values), verb="yielded")
            return self._failed_after(values, few, False)
        if len(values) > count:
            sys.stderr.write(f"{self.name} yields more than its num_returns={count} values; it was closed.\n")
        return self.succeeded(values[0] if count == 1 else values[:count])

    def _failed_after(self, values: list[Any], error: BaseException, retriable: bool) -> TaskEnded:
        """The outcome when the first results are there and the others have an error."""
        ended = self.failed(error, retriable)
        try:
            stored, contained = self._store(values)
        except Exception as worse:
            return self.failed(worse, False)
        ended.values = (*stored, *ended.values)
        if ended.contained:
            contained += self._in_error(ended.contained[0].inner, len(values))
        ended.contained = tuple(contained)
        ended.keep = (values, error) if contained else None
        return ended

    def cancelled(self) -> TaskEnded:
        """The outcome when it was interrupted."""
        return TaskEnded(self.pushed.task, CANCELLED, (), self.started, time.monotonic(), summary="cancelled")


_MAY_GO_ON = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
_EMPTY = pickling.to_bytes(pickling.pack_args((), {}).serialized)


def load_arguments(
    core: CoreWorker, blob: Value, values: tuple[Value, ...], task: TaskID
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Rebuild packed arguments with the values of their dependencies."""
    arrived: list[ObjectRef[Any]] = []
    _handles = None
    if (values or type(blob) is Block) and is_elsewhere(core, (blob, *values)):
        blob, values, _handles = bring_arguments(core, blob, values)
    try:
        blobs = core.read_all(values, task) if values else ()
        loaded = [pickling.deserialize(each, arrived) for each in blobs]
        return pickling.unpack_args(core.read(blob, task), loaded, arrived)
    finally:
        if arrived:
            core.loop.post(HandlesArrived(tuple(ref._id for ref in arrived), task, None))


_READ_ONLY = (
    "assignment destination is read-only",
    "output array is read-only",
    "buffer source array is read-only",
)


def advise_copy(error: ValueError) -> None:
    """NumPy says that an array is read-only; why it is, and what helps, only we know."""
    if error.args and error.args[0] in _READ_ONLY and not getattr(error, "__notes__", None):
        error.add_note(
            "Arrays that come out of the object store are views of it, which everybody shares, and so read-only. "
            "To change one, take a copy first: array = array.copy()."
        )


def forget_frames(error: BaseException) -> None:
    """Let go of what the user's finished frames hold: those of the error, and of the errors that led to it.

    Code like ``error = ...; raise error`` puts an exception into its own traceback. What its frames hold, large
    objects among it, would wait for the collector, and an idle worker collects nothing.
    """
    seen: dict[int, None] = {}
    work: list[BaseException | None] = [error]
    while work:
        one = work.pop()
        if one is not None and id(one) not in seen:
            seen[id(one)] = None
            work += (one.__cause__, one.__context__)
            _clear_frames(one)


def _clear_frames(error: BaseException) -> None:
    trace = error.__traceback__
    while trace is not None:
        # a generator or coroutine that has caught it before may live on
        if not trace.tb_frame.f_code.co_flags & _MAY_GO_ON:
            try:
                trace.tb_frame.clear()
            except RuntimeError:  # it is not over: one of the runtime's, or another thread's
                pass
        trace = trace.tb_next


def close_generator(iterator: Any) -> None:
    """Let a generator clean up. What that raises can not change the outcome any more, so it is printed."""
    close = getattr(iterator, "close", None)
    if close is not None:
        try:
            close()
        except BaseException:
            traceback.print_exc()
