"""What a call runs: the method of that name, or one of those that every actor has."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from gnomon.exceptions import ActorExit


def _ready(_actor: Any) -> bool:
    """``__ray_ready__``: true as soon as the constructor has returned."""
    return True


def _call(actor: Any, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """``__ray_call__``: run ``function(actor, ...)`` there."""
    return function(actor, *args, **kwargs)


def _terminate(_actor: Any) -> None:
    """``__ray_terminate__``: end after the calls before."""
    raise ActorExit("it was asked to end by __ray_terminate__")


BUILT_IN: dict[str, Callable[..., Any]] = {
    "__ray_ready__": _ready,
    "__ray_call__": _call,
    "__ray_terminate__": _terminate,
}
"""Methods that every actor has, by name; each takes the actor first."""


def method_of(instance: Any, name: str) -> Callable[..., Any]:
    """The bound method of an actor, or an error that lists what there is."""
    built_in = BUILT_IN.get(name)
    if built_in is not None:
        return partial(built_in, instance)
    method = getattr(instance, name, None)
    if callable(method):
        return method  # type: ignore[no-any-return]
    public = ", ".join(sorted(each for each in dir(type(instance)) if not each.startswith("_")))
    raise AttributeError(f"{type(instance).__name__} has no method {name!r}; it has: {public}.")
