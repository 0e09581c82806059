"""ObjectRef: a typed handle on a value that exists somewhere, or will.

It holds an id and nothing else. What a handle *means* (counting, pickling, waiting) is the running
engine's business, which it takes up by installing :class:`Hooks`. The one rule for a changer: ``__del__``
may run in any thread at any bytecode, so the drop hook must be one atomic step.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gnomon.ids import OBJECT_ID_BYTES, WORKER_ID_BYTES, ObjectID, TaskID, task_of

if TYPE_CHECKING:  # asyncio is a third of the time that importing gnomon takes
    import asyncio
    import concurrent.futures

T = TypeVar("T", covariant=True)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the running engine does with handles.

    Attributes:
        drop: called with the object's id when a handle disappears; any thread, must not block.
        reduce: called to pickle a handle; returns what ``__reduce__`` returns.
        future: a ``concurrent.futures.Future`` of the value.
    """

    drop: Callable[[bytes], Any]
    reduce: Callable[[ObjectRef[Any]], tuple[Any, ...]]
    future: Callable[[ObjectRef[Any]], concurrent.futures.Future[Any]]


def _no_drop(_identity: bytes) -> None:
    return None


def _no_session(ref: ObjectRef[Any]) -> Any:
    from gnomon.exceptions import NotInitializedError

    raise NotInitializedError(f"{ref!r} belongs to a session that has ended.")


_INERT = Hooks(drop=_no_drop, reduce=_no_session, future=_no_session)
noted: Callable[[ObjectID], str] | None = None
"""What the ``repr`` of a reference says beside its id: in a notebook, that it was made by older code."""

_hooks = _INERT
_drop: Callable[[bytes], Any] = _no_drop


def install(hooks: Hooks | None) -> None:
    """Give the handles of this process their meaning; None makes them inert."""
    global _hooks, _drop
    _hooks = hooks or _INERT
    _drop = _hooks.drop


class ObjectRef(Generic[T]):
    """A reference to a value that a task computes, an actor returns or ``put`` stored.

    Pass it to other tasks, put it inside other values, ``await`` it or ``get`` it. The value is freed when
    nobody holds a reference to it any more.
    """

    __slots__ = ("__weakref__", "_id")

    def __init__(self, identity: ObjectID) -> None:
        self._id = identity

    def __del__(self) -> None:
        try:
            _drop(self._id)
        except AttributeError:
            return  # an interrupt struck before it had an id

    def binary(self) -> bytes:
        """The id as bytes."""
        return self._id

    def hex(self) -> str:
        """The id in hexadecimal."""
        return self._id.hex()

    def task_id(self) -> TaskID:
        """The id of the task that makes the value (or of the ``put``)."""
        return task_of(self._id)

    def job_id(self) -> str:
        """The driver this value's owner works for, in hexadecimal."""
        return self._id[: WORKER_ID_BYTES // 2].hex()

    def is_nil(self) -> bool:
        """Whether it stands for nothing: never."""
        return False

    @classmethod
    def size(cls) -> int:
        """Length of an id in bytes."""
        return OBJECT_ID_BYTES

    def future(self) -> concurrent.futures.Future[T]:
        """A ``concurrent.futures.Future`` of the value."""
        return _hooks.future(self)

    def as_future(self) -> asyncio.Future[T]:
        """An ``asyncio`` future of the value, on the running loop."""
        from asyncio import wrap_future

        return wrap_future(self.future())

    def __await__(self) -> Generator[Any, None, T]:
        return self.as_future().__await__()

    if not TYPE_CHECKING:  # a checker is to see that there is no such attribute or operation

        def _no_value(self, *_others: Any) -> Any:
            raise TypeError(
                "A reference is no value to calculate with, to compare, to index or to loop over: get the value "
                "with gnomon.get(ref) first, or do it in the task that makes it."
            )

        # Not __iter__: who asks whether something is iterable (pandas for a cell's value) must hear no. Without
        # it, a loop comes to __getitem__.
        __len__ = __getitem__ = __setitem__ = __contains__ = __int__ = __float__ = _no_value

        def __bool__(self) -> bool:
            return True  # as in Ray; else Python would ask __len__

        __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _no_value
        __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _no_value
        __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __neg__ = _no_value
        __lt__ = __le__ = __gt__ = __ge__ = _no_value

        def __getattr__(self, name: str) -> Any:
            # only what is found nowhere else comes here; a library that probes asks for dunder names
            if name.startswith("_"):
                raise AttributeError(f"'ObjectRef' object has no attribute {name!r}")
            raise AttributeError(
                f"A reference has no attribute {name!r}: it stands for a value that may not be there yet. "
                "Get the value with gnomon.get(ref), or pass the reference to another remote call."
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return _hooks.reduce(self)

    def __hash__(self) -> int:
        return hash(self._id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectRef) and other._id == self._id

    def __repr__(self) -> str:
        note = noted(self._id) if noted is not None else ""
        return f"ObjectRef({self._id.hex()}{f', {note}' if note else ''})"
