"""``remote``: makes functions and classes remote, bare or with options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from gnomon._api.actor import ActorClass, make_actor_class
from gnomon._api.checks import shown
from gnomon._api.definitions import define_function
from gnomon._api.remote_function import RemoteFunction, make_remote_function
from gnomon._wire.generators import ObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")


class RemoteDecorator(Protocol):
    """What ``remote(option=...)`` returns."""

    @overload
    def __call__(self, target: type[C], /) -> ActorClass[C]: ...  # type: ignore[overload-overlap]

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, target: Callable[P, Iterator[R]], /
    ) -> RemoteFunction[P, ObjectRefGenerator[R]]: ...

    @overload
    def __call__(self, target: Callable[P, R], /) -> RemoteFunction[P, ObjectRef[R]]: ...


class RemoteDecoratorOfMany(Protocol):
    """What ``remote(num_returns=...)`` returns: calls have a list of references, or None."""

    def __call__(self, target: Callable[P, Any], /) -> RemoteFunction[P, Any]: ...


@overload
def remote(target: type[C], /) -> ActorClass[C]: ...  # type: ignore[overload-overlap]


@overload
def remote(  # type: ignore[overload-overlap]
    target: Callable[P, Iterator[R]], /
) -> RemoteFunction[P, ObjectRefGenerator[R]]: ...


@overload
def remote(target: Callable[P, R], /) -> RemoteFunction[P, ObjectRef[R]]: ...


@overload
def remote(*, num_returns: int | str, **options: Any) -> RemoteDecoratorOfMany: ...


@overload
def remote(**options: Any) -> RemoteDecorator: ...


def remote(*targets: Any, **options: Any) -> Any:
    """Make a function remote, or a class an actor class: ``@remote``, ``@remote(num_cpus=2)``, ``remote(f)``.

    Options of functions: num_returns (0 or more; "streaming", the default of functions that yield; "dynamic"),
    num_cpus, num_gpus (fractions too), resources (amounts by
    name), memory (bytes, for admission), accelerator_type, max_retries (after a worker's death, 3 by default,
    -1 without end), retry_exceptions (True, or a list of classes), name, scheduling_strategy.

    Options of classes: num_cpus, num_gpus, resources, memory, accelerator_type, max_restarts,
    max_task_retries, max_concurrency, name, namespace, get_if_exists, lifetime ("detached"),
    scheduling_strategy.

    Raises:
        ValueError: an unknown option, or a wrong value.
        TypeError: a value of a wrong type, or something that can not be remote.
    """
    if targets and options or len(targets) > 1:
        raise TypeError(f"remote takes options by name only. {_FORMS}")
    if targets:
        return _make(targets[0], {})
    if not options:
        raise TypeError(f"@remote() without options: leave the parentheses out. {_FORMS}")

    def decorate(target: Any) -> Any:
        return _make(target, options)

    return decorate


_FORMS = "Write @remote, or @remote(num_cpus=2), or remote(f)."


def _make(target: Any, options: dict[str, Any]) -> Any:
    if isinstance(target, RemoteFunction | ActorClass):
        raise TypeError(f"{target!r} is remote already; use .options(...) to change its options.")
    if inspect.isclass(target):
        return make_actor_class(target, options)
    if callable(target):
        define_function(target)
        return make_remote_function(target, options)
    raise TypeError(f"remote makes functions and classes remote, not {shown(target)}. {_FORMS}")
