"""Running one task: arguments in, function, results out. No threads here, no order: just one call and its
outcome.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from gnomon._core.events import HandlesArrived, TaskEnded
from gnomon._messages.base import Contained, Value
from gnomon._messages.tasks import CANCELLED, OK, RAISED, CallPushed, TaskPushed
from gnomon._shell import task_context
from gnomon._shell.core_worker import CoreWorker
from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import TaskError
from gnomon.ids import ActorID, TaskID, object_id, owner_of

_NOTHING: Mapping[str, int] = {}


class Call:
    """One task or call being run.

    Attributes:
        name: for errors and output.
    """

    __slots__ = ("actor", "blocks", "core", "name", "pushed", "resources", "started")

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
        self.started = time.monotonic()

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments, rebuilt; references among them are told to the role."""
        pushed = self.pushed
        blob = pushed.arguments
        if blob == _EMPTY:
            return (), {}
        return load_arguments(self.core, blob, pushed.values, pushed.task)

    def context(self) -> task_context.RunningTask:
        """What ``get_runtime_context`` and prints see."""
        pushed = self.pushed
        return task_context.RunningTask(
            pushed.task, self.name, pushed.provenance, self.actor, pushed.attempt, self.blocks, self.resources
        )

    def succeeded(self, value: Any) -> TaskEnded:
        """The outcome when the function has returned ``value``."""
        pushed = self.pushed
        task = pushed.task
        try:
            values = self._split(value)
            stored: list[Value] = []
            contained: list[Contained] = []
            for index, one in enumerate(values):
                serialized = pickling.serialize(one, f"the result of {self.name}")
                identity = object_id(task, index + 1)
                if serialized.contained:
                    contained.append(Contained(identity, tuple(serialized.contained)))
                if serialized.total_bytes <= self.core.inline_max:
                    stored.append(pickling.to_bytes(serialized))
                else:
                    stored.append(self.core.write_block(serialized, identity, owner_of(task)))
        except Exception as error:
            return self.failed(error, False)
        now = time.monotonic()
        keep = value if contained else None
        return TaskEnded(task, OK, tuple(stored), self.started, now, False, tuple(contained), keep=keep)

    def _split(self, value: Any) -> tuple[Any, ...]:
        count = self.pushed.num_returns
        if count == 1:
            return (value,)
        if count == 0:
            return ()
        try:
            values = tuple(value)
        except TypeError:
            raise ValueError(
                f"{self.name} has num_returns={count} but returned {type(value).__name__}, which can not be "
                f"split; return a tuple or list of {count} values."
            ) from None
        if len(values) != count:
            raise ValueError(
                f"{self.name} has num_returns={count} but returned {len(values)} values; return {count}."
            )
        return values

    def failed(self, error: BaseException, retriable: bool) -> TaskEnded:
        """The outcome when it has raised."""
        task = self.pushed.task
        wrapped = TaskError.from_exception(self.name, error, os.getpid())
        blob = pickling.serialize_error(wrapped)
        summary = f"{type(error).__name__}: {error}".split("\n", 1)[0][:200]
        return TaskEnded(task, RAISED, (blob,), self.started, time.monotonic(), retriable, (), summary)

    def cancelled(self) -> TaskEnded:
        """The outcome when it was interrupted."""
        return TaskEnded(self.pushed.task, CANCELLED, (), self.started, time.monotonic(), summary="cancelled")


_EMPTY = pickling.to_bytes(pickling.pack_args((), {}).serialized)


def load_arguments(
    core: CoreWorker, blob: Value, values: tuple[Value, ...], task: TaskID
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Rebuild packed arguments with the values of their dependencies."""
    arrived: list[ObjectRef[Any]] = []
    try:
        loaded = [
            pickling.deserialize(core.read(value_object(value), value, task), arrived) for value in values
        ]
        return pickling.unpack_args(core.read(value_object(blob), blob, task), loaded, arrived)
    finally:
        if arrived:
            core.loop.post(HandlesArrived(tuple(ref._id for ref in arrived), task, None))


def value_object(value: Value) -> Any:
    """The object a block belongs to; small values do not know theirs, and need not."""
    return None if isinstance(value, bytes) else value.object


def method_of(instance: Any, name: str) -> Callable[..., Any]:
    """The bound method of an actor, or an error that lists what there is."""
    method = getattr(instance, name, None)
    if callable(method):
        return method  # type: ignore[no-any-return]
    public = ", ".join(sorted(each for each in dir(type(instance)) if not each.startswith("_")))
    raise AttributeError(f"{type(instance).__name__} has no method {name!r}; it has: {public}.")
