"""One call on the inline engine, task or method alike: what is known of it from submission to outcome."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from gnomon._core.devices import DeviceID
from gnomon._core.ledger import TaskRow
from gnomon._engine.call_sites import Submits
from gnomon._messages.tasks import Provenance
from gnomon._wire.object_ref import ObjectRef
from gnomon._wire.pickling import PackedArgs
from gnomon.ids import ActorID, ObjectID, TaskID
from gnomon.resources import Resources


class Sink(Protocol):
    """Where the items of a generator go."""

    def restart(self) -> None:
        """It begins again: items that are there already are made again and left out."""
        ...

    def add(self, item: Any) -> bool:
        """The next item; False when no more are wanted.

        Raises:
            SerializationError: it can not be pickled.
            ObjectStoreFullError: there is no room for it.
        """
        ...

    def end(self) -> None:
        """The generator has ended.

        Raises:
            ValueError: too few items.
        """
        ...

    def fail(self, blob: bytes, contained: Sequence[ObjectID], raised: bool) -> None:
        """The call has failed with the error ``blob``, ``raised`` by the generator or before it or from outside."""
        ...


class InlineCall:
    """A task or an actor call.

    Attributes:
        results: ids of what it will return.
        sink: where its items go, if it is a call whose generator's items are objects of their own.
        packed: its arguments.
        needs: what must be ready before it starts: the arguments that are references.
        held: references that the arguments need until it has ended.
        parent: the call it was submitted in, if any.
        provenance: where it was submitted, if that is known.
        submits: see ``call_sites.nested_in``.
        interrupt: ends the running call; None where nothing can.
        cancelled: somebody has asked for its end.
        struck: its coroutine has been told so.
        ended: it has its outcome.
        on_end: called once it has.
        attempts: how often it may run in all; -1 is without end.
        retry_on: what the user's code may raise to be run again.
        depth: how many calls it is nested in.
        function: what runs: a function or a bound method; None until it starts.
        cell: id of the notebook cell that asked for it.
        gpus: names of those it holds.
    """

    __slots__ = (
        "actor_id", "attempt", "attempts", "cancelled", "cell", "depth", "ended", "function", "gpus", "held", "interrupt",
        "name", "needs", "on_end", "packed", "parent", "provenance", "resources", "results", "retry_on", "row", "sink",
        "struck", "submits", "task_id",
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
        self.sink: Sink | None = None
        self.held: list[ObjectRef[Any]] = []
        self.interrupt: Callable[[], object] | None = None
        self.cancelled = False
        self.struck = False
        self.ended = False
        self.on_end: Callable[[], object] | None = None
        self.actor_id: ActorID | None = None
        self.resources: Resources = {}
        self.cell = ""
        self.provenance: Provenance | None = None
        self.submits: Submits | None = None
        self.gpus: tuple[DeviceID, ...] = ()
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
