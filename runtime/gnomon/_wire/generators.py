"""Generators of references: what a call returns whose function yields.

``ObjectRefGenerator`` hands items out as they are made. Where they come from is the engine's business: it
gives each generator an ``ItemSource``. There is one consumer, so a generator is not pickled; what it yields
are references like any other. ``DynamicObjectRefGenerator`` is the value of a call with
``num_returns="dynamic"``: all references at once, when the task has ended.

The rule for a changer: looking at an item and taking it are one step under the lock, with Ctrl-C put off in
a main thread, so that no item is lost between them and none is taken twice.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar

from gnomon._wire.object_ref import ObjectRef
from gnomon._wire.pickling_refs import rebuild_ref
from gnomon.ids import ObjectID

if TYPE_CHECKING:  # asyncio is a third of the time that importing gnomon takes
    import concurrent.futures

T = TypeVar("T", covariant=True)

_END: Any = object()

watch: Callable[[ObjectRefGenerator[Any]], object] | None = None
"""Called before ``next`` blocks; it may wait for the item itself. Set by the API, for notebooks that show waits."""


class ItemSource(Protocol):
    """One generator's items, as an engine offers them. Items count from 1."""

    handle: ObjectRef[Any]
    """A reference of the generator's task; when it is collected, nobody wants more items."""

    def item(self, index: int) -> ObjectID:
        """The object that item ``index`` is: it has a value once the item or the end is there."""
        ...

    def peek(self, index: int) -> bool | None:
        """True when item ``index`` is there, False when the generator has ended before it; else None."""
        ...

    def wait(self, index: int) -> None:
        """Block until ``peek`` can tell."""
        ...

    def future(self, index: int) -> concurrent.futures.Future[None]:
        """Done when ``peek`` can tell."""
        ...

    def take(self, index: int) -> ObjectRef[Any]:
        """Take an item that is there, each once and in order."""
        ...

    def close(self) -> None:
        """No more items are wanted: stop the task, free what was not taken; the next item is the end."""
        ...

    def completed(self) -> ObjectRef[None]:
        """A reference that is ready when the task has ended."""
        ...

    def undisturbed(self) -> AbstractContextManager[None]:
        """Ctrl-C is put off meanwhile."""
        ...


class ObjectRefGenerator(Generic[T]):
    """The references that a generator task or method yields, each as soon as its value exists.

    Iterate with ``for`` or ``async for``, or call ``next``. When the task raises, the last reference is to
    the error. The task is stopped, and what was not taken is freed, when nobody holds this object any more;
    or by ``close``. It can be given to ``wait`` and ``cancel``, but not to another task: pass on the
    references instead.
    """

    __slots__ = ("__weakref__", "_lock", "_next", "_source")

    def __init__(self, source: ItemSource) -> None:
        self._source = source
        self._next = 1
        self._lock = threading.Lock()

    @property
    def _id(self) -> ObjectID:
        """The object to wait for, as ``wait`` does."""
        return self._source.item(self._next)

    def __iter__(self) -> ObjectRefGenerator[T]:
        return self

    def __next__(self) -> ObjectRef[T]:
        while True:
            index = self._next
            if watch is not None and self._source.peek(index) is None:
                watch(self)
            self._source.wait(index)
            ref = self._take(index)
            if ref is _END:
                raise StopIteration
            if ref is not None:
                return ref  # type: ignore[no-any-return]

    def __aiter__(self) -> ObjectRefGenerator[T]:
        return self

    async def __anext__(self) -> ObjectRef[T]:
        from asyncio import wrap_future

        while True:
            index = self._next
            if self._source.peek(index) is None:
                await wrap_future(self._source.future(index))
            ref = self._take(index)
            if ref is _END:
                raise StopAsyncIteration
            if ref is not None:
                return ref  # type: ignore[no-any-return]

    def _take(self, index: int) -> Any:
        """Item ``index``, the end, or None when another thread was faster."""
        source = self._source
        with source.undisturbed(), self._lock:
            if index != self._next:
                return None
            there = source.peek(index)
            if not there:
                return None if there is None else _END
            self._next = index + 1
            return source.take(index)

    def completed(self) -> ObjectRef[None]:
        """A reference that is ready when the task has ended.

        ``get`` on it is None, also when the generator itself has raised (the error is its last item), and
        raises when the task was cancelled or its worker died.
        """
        return self._source.completed()

    def is_finished(self) -> bool:
        """Whether every item was taken and the task has ended."""
        return self._source.peek(self._next) is False

    def next_ready(self) -> bool:
        """Whether ``next`` returns a reference at once."""
        return self._source.peek(self._next) is True

    def close(self) -> None:
        """Stop the task and free what was not taken."""
        with self._source.undisturbed(), self._lock:
            self._source.close()

    async def aclose(self) -> None:
        """``close``, for code that closes asynchronous generators."""
        self.close()

    def send(self, value: Any) -> NoReturn:
        """Always raises: nothing can be sent into a task that runs."""
        raise NotImplementedError(_ONE_WAY)

    def throw(self, value: Any) -> NoReturn:
        """Always raises: ``close`` or ``gnomon.cancel`` stops the task."""
        raise NotImplementedError(_ONE_WAY)

    async def asend(self, value: Any) -> NoReturn:
        """Always raises, as ``send``."""
        raise NotImplementedError(_ONE_WAY)

    async def athrow(self, value: Any) -> NoReturn:
        """Always raises, as ``throw``."""
        raise NotImplementedError(_ONE_WAY)

    def __reduce__(self) -> NoReturn:
        error = TypeError("an ObjectRefGenerator can not be pickled, since its items have one consumer")
        error.add_note("Pass the references that it yields instead, for example list(generator).")
        raise error

    def __repr__(self) -> str:
        return f"ObjectRefGenerator({self._source.handle.task_id().hex()})"


_ONE_WAY = "A generator of references goes one way: use next(), close() or gnomon.cancel()."


class DynamicObjectRefGenerator(Generic[T]):
    """The references to all items of a task with ``num_returns="dynamic"``; when it raised, the last one is
    to the error.

    Iterating takes them out one by one. It can be pickled and passed on as long as they are in it.
    """

    __slots__ = ("_refs",)

    def __init__(self, refs: Iterable[ObjectRef[T]]) -> None:
        self._refs = deque(refs)

    def __iter__(self) -> Iterator[ObjectRef[T]]:
        while self._refs:
            yield self._refs.popleft()

    def __len__(self) -> int:
        return len(self._refs)

    def __reduce__(self) -> tuple[Any, ...]:
        return DynamicObjectRefGenerator, (list(self._refs),)

    def __repr__(self) -> str:
        return f"DynamicObjectRefGenerator({len(self._refs)} references)"


class _Named:
    """Becomes a reference when it is unpickled; is none before."""

    __slots__ = ("identity",)

    def __init__(self, identity: ObjectID) -> None:
        self.identity = identity

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild_ref, (self.identity,)


def pack_items(items: Iterable[ObjectID]) -> Any:
    """What is pickled to become a DynamicObjectRefGenerator where it arrives. The process that runs a task
    holds no references to its items, and must not let go of any.
    """
    named: Any = [_Named(identity) for identity in items]
    return DynamicObjectRefGenerator(named)
