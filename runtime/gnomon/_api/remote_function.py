"""Remote functions: what ``@remote`` makes of a function.

``remote`` is on the hot path: between it and the engine there is one comparison of sessions, one check of the
number of arguments and one read of the caller's line. Whatever can be worked out before is.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from sys import _getframe, maxsize
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from gnomon._api import options as _options
from gnomon._api import session
from gnomon._api.advice import no_attribute, public
from gnomon._engine import notebook_hooks
from gnomon._engine.arity import arity_of
from gnomon._engine.base import Engine, TaskTemplate
from gnomon._engine.methods import is_generator
from gnomon._wire.object_ref import ObjectRef

if TYPE_CHECKING:
    from gnomon.dag import FunctionNode

P = ParamSpec("P")
V = TypeVar("V")
"""What ``.remote()`` returns: ``ObjectRef[R]``, or a list of references, or None."""

VARIANTS_MAX = 64
"""Results of ``.options(...)`` that a function keeps, so that writing it in a loop costs nothing."""


class RemoteFunction(Generic[P, V]):
    """A function whose calls run as tasks: ``f.remote(...)`` instead of ``f(...)``.

    Made by ``@gnomon.remote``. The function itself is ``f.__wrapped__``.
    """

    __wrapped__: Callable[..., Any]
    __name__: str

    def __init__(self, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
        self._function = function
        self._given = dict(given)
        functools.update_wrapper(self, function)
        self._prepare()

    def _prepare(self) -> None:
        """Work out all that a call needs."""
        options = _options.task_options(self._given, is_generator(self._function))
        name = getattr(self._function, "__name__", None) or type(self._function).__name__
        self._name = name
        self._template = TaskTemplate(self._function, options.name or name, options)
        self._arity = arity_of(self._function)
        self._least, self._most = (self._arity.least, self._arity.most) if self._arity else (0, maxsize)
        self._single = options.num_returns == 1 or options.num_returns < 0
        self._none = options.num_returns == 0
        self._engine: Engine | None = None
        self._variants: dict[Any, RemoteFunction[P, Any]] = {}

    # For type checkers: the function's own parameters, or a reference in place of one or more of them. There is
    # no way to write "each parameter, or a reference to it", so what stands beside a reference is not checked;
    # a reference given by name must stand among references only.

    @overload
    def remote(self, /, *args: P.args, **kwargs: P.kwargs) -> V: ...

    @overload
    def remote(self, ref: ObjectRef[Any], /, *args: Any, **kwargs: Any) -> V: ...

    @overload
    def remote(self, a: Any, ref: ObjectRef[Any], /, *args: Any, **kwargs: Any) -> V: ...

    @overload
    def remote(self, a: Any, b: Any, ref: ObjectRef[Any], /, *args: Any, **kwargs: Any) -> V: ...

    @overload
    def remote(self, a: Any, b: Any, c: Any, ref: ObjectRef[Any], /, *args: Any, **kwargs: Any) -> V: ...

    @overload
    def remote(self, /, *args: ObjectRef[Any], **kwargs: ObjectRef[Any]) -> V: ...

    def remote(self, /, *args: Any, **kwargs: Any) -> Any:
        """Submit a call; returns at once with a reference to its result (a list for ``num_returns`` > 1, an
        ``ObjectRefGenerator`` for a function that yields).

        References among the arguments are waited for, and the function gets their values.

        Raises:
            TypeError: the arguments do not fit the function.
            SerializationError: an argument can not be pickled.
        """
        engine = session.current
        if engine is not self._engine or engine is None:
            engine = self._enter_session()
        if (kwargs or not self._least <= len(args) <= self._most) and self._arity is not None:
            self._arity.check(self._name, args, kwargs)
        refs = engine.submit_task(self._template, args, kwargs, notebook_hooks.origin, _getframe(1))
        if self._single:
            return refs[0]
        return None if self._none else refs

    @overload
    def options(self, *, num_returns: int | str | None, **options: Any) -> RemoteFunction[P, Any]: ...

    @overload
    def options(self, **options: Any) -> RemoteFunction[P, V]: ...

    def options(self, **options: Any) -> RemoteFunction[P, Any]:
        """The same function with other options; see ``gnomon.remote`` for which there are.

        Raises:
            ValueError: an unknown option or a wrong value, or one that only the decorator may set.
            TypeError: a value of a wrong type.
        """
        key = _variant_key(options)
        known = self._variants.get(key) if key is not None else None
        if known is not None:
            return known
        for name in _options.DECORATOR_ONLY & options.keys():
            raise ValueError(
                f"{name} can only be set by the decorator, not by .options(): write @remote({name}=...)."
            )
        check_function_options(self._function, options, self._name)
        variant: RemoteFunction[P, Any] = RemoteFunction(self._function, {**self._given, **options})
        if key is not None and len(self._variants) < VARIANTS_MAX:
            self._variants[key] = variant
        return variant

    def bind(self, *args: Any, **kwargs: Any) -> FunctionNode:
        """A node of a graph: the call, to be made when the graph is executed. See ``gnomon.dag``.

        Raises:
            TypeError: the arguments do not fit the function.
        """
        from gnomon.dag import FunctionNode  # few programs bind

        if self._arity is not None:
            self._arity.check(self._name, args, kwargs)
        return FunctionNode(self, self._name, args, kwargs)

    def _remote(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """``.options(**options).remote(*args, **kwargs)`` in one call, as in Ray."""
        target = self.options(**options) if options else self
        return target.remote(*(args or ()), **(kwargs or {}))

    def _enter_session(self) -> Engine:
        engine = session.engine()
        self._template.engine_state = None
        self._engine = engine
        return engine

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Always raises: a remote function is called by ``.remote(...)``."""
        raise TypeError(
            f"{self._name} is a remote function: call {self._name}.remote(...), or "
            f"{self._name}.__wrapped__(...) to run it here."
        )

    if not TYPE_CHECKING:  # a checker is to see that there is no such attribute

        def __getattr__(self, name: str) -> Any:
            # only what is found nowhere else comes here
            mine = self.__dict__.get("_name", "f")
            raise no_attribute(
                f"The remote function {mine}",
                name,
                public(RemoteFunction),
                f"Call it with {mine}.remote(...); {mine}.__wrapped__ is the function itself.",
            )

    def __repr__(self) -> str:
        return f"RemoteFunction({self._name})"

    def __reduce__(self) -> tuple[Any, ...]:
        # the object first and its state after: a function may refer to its own remote form
        return _blank, (), {"function": self._function, "given": self._given}

    def __setstate__(self, state: dict[str, Any]) -> None:
        RemoteFunction.__init__(self, state["function"], state["given"])


def _blank() -> RemoteFunction[..., Any]:
    return RemoteFunction.__new__(RemoteFunction)


def make_remote_function(
    function: Callable[..., Any], given: Mapping[str, Any]
) -> RemoteFunction[..., ObjectRef[Any]]:
    """The remote form of a function.

    Raises:
        ValueError: an unknown option, a wrong value, or an ``async def`` function.
        TypeError: a value of a wrong type.
    """
    name = getattr(function, "__name__", repr(function))
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise ValueError(
            f"{name} is an `async def` function, which tasks can not be: make it a method of an actor, or "
            f"write a function that calls asyncio.run({name}(...))."
        )
    check_function_options(function, given, name)
    if given.get("num_gpus") and given.get("max_calls") is None:
        # As in Ray: libraries keep GPU memory until their process ends, and the next task needs it.
        given = {**given, "max_calls": 1}
    return RemoteFunction(function, given)


def check_function_options(function: Callable[..., Any], given: Mapping[str, Any], name: str) -> None:
    """Check the options of a remote function."""
    of = f"the remote function {name}"
    _options.check_options(_options.TASK_CHECKS, given, of)
    _options.check_generator(given, is_generator(function), of)


def _variant_key(options: Mapping[str, Any]) -> Any:
    """What makes two sets of options the same; None where that can not be told cheaply."""
    key = []
    for name, value in sorted(options.items()):
        if isinstance(value, Mapping):
            value = tuple(sorted(value.items(), key=str))
        elif isinstance(value, list):
            value = tuple(value)
        key.append((name, type(value), value))
    try:
        hash(found := tuple(key))
    except TypeError:
        return None
    return found
