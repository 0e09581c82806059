"""What type checkers know of actor methods. Nothing here exists at run time but the names.

A checker can not turn the methods of ``C`` into the attributes of ``ActorHandle[C]``: unannotated, a handle's
methods take and return anything. Those that ``@method`` decorates are known, seen through ``ActorProxy``:

    class Counter:
        @gnomon.method
        def add(self, amount: int) -> int: ...

    counter: ActorProxy[Counter] = gnomon.remote(Counter).remote()
    counter.add.remote(1)                # ObjectRef[int], and "1" in its place is an error
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from gnomon._wire.generators import ObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef

P = ParamSpec("P")
R = TypeVar("R")
V = TypeVar("V")
R_co = TypeVar("R_co", covariant=True)


class RemoteMethod(Protocol[P, R_co, V]):
    """A method decorated with ``@method``: called directly inside its class, by ``.remote`` through a handle."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call it here, on ``self``."""
        ...

    # as in RemoteFunction.remote: the method's own parameters, or references in place of some

    @overload
    def remote(self, *args: P.args, **kwargs: P.kwargs) -> V: ...

    @overload
    def remote(self, ref: ObjectRef[Any], /, *args: Any, **kwargs: Any) -> V: ...

    @overload
    def remote(self, a: Any, ref: ObjectRef[Any], /, *args: Any, **kwargs: Any) -> V: ...

    @overload
    def remote(self, a: Any, b: Any, ref: ObjectRef[Any], /, *args: Any, **kwargs: Any) -> V: ...

    @overload
    def remote(self, *args: ObjectRef[Any], **kwargs: ObjectRef[Any]) -> V: ...

    def options(self, **options: Any) -> RemoteMethod[P, R_co, Any]:
        """The same method with other options."""
        ...


class MethodDecorator(Protocol):
    """What ``method(option=...)`` returns."""

    @overload
    def __call__(
        self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]], /
    ) -> RemoteMethod[P, Coroutine[Any, Any, R], ObjectRef[R]]: ...

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[Any, P], Iterator[R]], /
    ) -> RemoteMethod[P, Iterator[R], ObjectRefGenerator[R]]: ...

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, function: Callable[Concatenate[Any, P], AsyncIterator[R]], /
    ) -> RemoteMethod[P, AsyncIterator[R], ObjectRefGenerator[R]]: ...

    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], R], /) -> RemoteMethod[P, R, ObjectRef[R]]: ...


class MethodDecoratorOfMany(Protocol):
    """What ``method(num_returns=...)`` returns: calls have a list of references, or None."""

    def __call__(self, function: Callable[Concatenate[Any, P], R], /) -> RemoteMethod[P, R, Any]:
        """Decorate a method."""
        ...
