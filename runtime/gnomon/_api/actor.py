"""Actor classes, handles and methods: what ``@remote`` makes of a class.

    ActorClass --remote()--> ActorHandle --.method--> ActorMethod --remote()--> ObjectRef

A handle holds an ``ActorBinding``, and that the reference which keeps the actor alive; counting handles is
ordinary reference counting. The one rule for a changer: a method holds the binding, never the handle, so that
no cycle delays the end of an actor that nobody holds any more.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Callable, Mapping, Sequence
from sys import _getframe, maxsize
from typing import Any, Generic, TypeVar

from gnomon._api import options as _options
from gnomon._api import session
from gnomon._api.definitions import Definition, define
from gnomon._engine import notebook_hooks
from gnomon._engine.arity import Arity, arity_of
from gnomon._engine.base import ActorBinding, ActorTemplate, Engine, MethodTemplate
from gnomon._engine.methods import METHOD_OPTIONS, is_async_class, is_generator, method_templates
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import SessionMismatchError
from gnomon.ids import ActorID

C = TypeVar("C")
F = TypeVar("F", bound=Callable[..., Any])


class ActorClass(Generic[C]):
    """A class whose instances live in processes of their own: ``Counter.remote(...)`` creates one.

    Made by ``@gnomon.remote``. The class itself is ``Counter.__wrapped__``.
    """

    __wrapped__: type[C]
    __name__: str

    def __init__(self, cls: type[C], given: Mapping[str, Any]) -> None:
        self._cls = cls
        self._given = dict(given)
        functools.update_wrapper(self, cls, updated=())
        self._engine: Engine | None = None
        self._definition: Definition | None = None

    # Looked at when first needed: a class that refers to its own remote form is still empty when that is
    # unpickled.

    @functools.cached_property
    def _template(self) -> ActorTemplate:
        cls = self._cls
        options = _options.actor_options(self._given)
        return ActorTemplate(cls, cls.__name__, options, method_templates(cls), is_async_class(cls))

    @functools.cached_property
    def _arity(self) -> Arity | None:
        return arity_of(self._cls)

    def remote(self, *args: Any, **kwargs: Any) -> ActorHandle[C]:
        """Create an actor; returns a handle at once, before the constructor has run.

        Raises:
            TypeError: the arguments do not fit the constructor.
            ActorNameTakenError: a living actor has this name (a ``ValueError``).
        """
        engine = session.current
        if engine is None or engine is not self._engine:
            engine = self._enter_session()
        if self._arity is not None:
            self._arity.check(self._cls.__name__, args, kwargs)
        origin, line = notebook_hooks.origin, _getframe(1).f_lineno
        handle: ActorHandle[C] = ActorHandle(
            engine.create_actor(self._template, args, kwargs, origin, line), engine
        )
        if self._definition is not None:
            handle._gnomon_definition = self._definition
            self._definition.made(handle._actor_id.hex(), engine.ledger)
        return handle

    def options(self, **options: Any) -> ActorClass[C]:
        """The same class with other options; see ``gnomon.remote`` for which there are.

        Raises:
            ValueError: an unknown option or a wrong value.
            TypeError: a value of a wrong type.
        """
        check_actor_options(self._cls, {**self._given, **options})
        changed = ActorClass(self._cls, {**self._given, **options})
        changed._definition = self._definition
        return changed

    def _remote(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> ActorHandle[C]:
        """``.options(**options).remote(*args, **kwargs)`` in one call, as in Ray."""
        target = self.options(**options) if options else self
        return target.remote(*(args or ()), **(kwargs or {}))

    def _enter_session(self) -> Engine:
        engine = session.engine()
        self._template.engine_state = None
        self._engine = engine
        return engine

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Always raises: an actor is created by ``.remote(...)``."""
        name = self._cls.__name__
        raise TypeError(
            f"{name} is an actor class: create an actor with {name}.remote(...), or an ordinary object with "
            f"{name}.__wrapped__(...)."
        )

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        """``class Special(Counter)`` inherits from the class itself; it needs a decorator of its own."""
        return (self._cls,)

    def __repr__(self) -> str:
        return f"ActorClass({self._cls.__name__})"

    def __reduce__(self) -> tuple[Any, ...]:
        # the object first and its state after: a class may refer to its own remote form
        return _blank, (), {"cls": self._cls, "given": self._given}

    def __setstate__(self, state: dict[str, Any]) -> None:
        ActorClass.__init__(self, state["cls"], state["given"])


def _blank() -> ActorClass[Any]:
    return ActorClass.__new__(ActorClass)


class ActorMethod:
    """A method of an actor: ``handle.method.remote(...)``."""

    __slots__ = ("_binding", "_engine", "_least", "_most", "_none", "_single", "_template")

    def __init__(self, binding: ActorBinding, template: MethodTemplate, engine: Engine) -> None:
        self._binding = binding
        self._template = template
        self._engine = engine
        arity = template.arity
        self._least, self._most = (arity.least, arity.most) if arity else (0, maxsize)
        self._single = template.num_returns == 1 or template.num_returns < 0
        self._none = template.num_returns == 0

    def remote(self, *args: Any, **kwargs: Any) -> Any:
        """Submit a call; returns at once with a reference to its result (a list for ``num_returns`` > 1, an
        ``ObjectRefGenerator`` for a method that yields).

        Calls from one process run in the order in which it submitted them.

        Raises:
            TypeError: the arguments do not fit the method.
            SerializationError: an argument can not be pickled.
            SessionMismatchError: the actor's session has ended.
        """
        engine = self._engine
        if engine is not session.current:
            raise SessionMismatchError(f"The actor {self._binding.class_name}")
        template = self._template
        if (kwargs or not self._least <= len(args) <= self._most) and template.arity is not None:
            template.arity.check(f"{self._binding.class_name}.{template.name}", args, kwargs)
        refs = engine.submit_actor_task(
            self._binding, template, args, kwargs, notebook_hooks.origin, _getframe(1).f_lineno
        )
        if self._single:
            return refs[0]
        return None if self._none else refs

    def options(self, **options: Any) -> ActorMethod:
        """The same method with other options: num_returns, max_task_retries, retry_exceptions.

        Raises:
            ValueError: an unknown option or a wrong value.
            TypeError: a value of a wrong type.
        """
        template = self._template
        check_method_options(f"{self._binding.class_name}.{template.name}", options, template.generator)
        changed = dataclasses.replace(template, **_options.method_fields(options))
        return ActorMethod(self._binding, changed, self._engine)

    def _remote(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> Any:
        """``.options(**options).remote(*args, **kwargs)`` in one call, as in Ray."""
        target = self.options(**options) if options else self
        return target.remote(*(args or ()), **(kwargs or {}))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Always raises: a method of an actor is called by ``.remote(...)``."""
        name = self._template.name
        raise TypeError(f"{name} is a method of an actor: call handle.{name}.remote(...).")

    def __repr__(self) -> str:
        return f"ActorMethod({self._binding.class_name}.{self._template.name})"


class ActorHandle(Generic[C]):
    """A handle on an actor: its methods are attributes, called by ``.remote(...)``.

    Pass it to tasks and other actors. The actor ends, after its pending calls, when no handle is left, unless
    it is detached.
    """

    def __init__(self, binding: ActorBinding, engine: Engine | None) -> None:
        self._gnomon_binding = binding
        self._gnomon_engine = engine
        self._gnomon_definition: Definition | None = None

    def __getattr__(self, name: str) -> ActorMethod:
        # called once per method: the result becomes an ordinary attribute
        binding: ActorBinding | None = self.__dict__.get("_gnomon_binding")
        template = binding.methods.get(name) if binding is not None else None
        if binding is None or template is None:
            raise AttributeError(_no_method(binding, name))
        method = ActorMethod(binding, template, self._gnomon_engine or self._gnomon_enter_session())
        self.__dict__[name] = method
        return method

    def _gnomon_enter_session(self) -> Engine:
        """Take up a handle that was unpickled where no session was running yet."""
        engine = self._gnomon_engine = session.engine()
        binding = self._gnomon_binding
        binding.engine_state = engine.rebind(binding.actor_id, binding.ref)
        return engine

    @property
    def _actor_id(self) -> ActorID:
        return self._gnomon_binding.actor_id

    def __reduce__(self) -> tuple[Any, ...]:
        binding = self._gnomon_binding
        return rebuild_handle, (
            binding.actor_id,
            binding.class_name,
            dict(binding.methods),
            binding.is_async,
            binding.ref,
        )

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._gnomon_binding.methods})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActorHandle) and other._actor_id == self._actor_id

    def __hash__(self) -> int:
        return hash(self._actor_id)

    def __repr__(self) -> str:
        definition = self._gnomon_definition
        stale = ", of an older definition" if definition is not None and definition.superseded else ""
        return f"Actor({self._gnomon_binding.class_name}, {self._actor_id.hex()}{stale})"


def rebuild_handle(
    actor_id: ActorID,
    class_name: str,
    methods: Mapping[str, MethodTemplate],
    is_async: bool,
    ref: ObjectRef[Any] | None,
) -> ActorHandle[Any]:
    """A handle that has arrived by pickle."""
    binding = ActorBinding(actor_id, class_name, methods, ref, is_async)
    engine = session.current
    if engine is not None:
        binding.engine_state = engine.rebind(actor_id, ref)
    return ActorHandle(binding, engine)


def make_actor_class(cls: type[C], given: Mapping[str, Any]) -> ActorClass[C]:
    """The remote form of a class.

    Raises:
        ValueError: an unknown option or a wrong value.
        TypeError: a value of a wrong type.
    """
    check_actor_options(cls, given)
    made = ActorClass(cls, given)
    made._definition = define(cls)
    return made


def check_actor_options(cls: type, given: Mapping[str, Any]) -> None:
    """Check the options of an actor class."""
    of = f"the actor class {cls.__name__}"
    _options.check_options(_options.ACTOR_CHECKS, given, of)
    if given.get("get_if_exists") and not given.get("name"):
        raise ValueError(f"get_if_exists of {of} needs a name=... too.")
    if given.get("max_task_retries") and not given.get("max_restarts"):
        raise ValueError(
            f"max_task_retries of {of} needs max_restarts=... too: a dead actor repeats no call."
        )


def check_method_options(of: str, given: Mapping[str, Any], generator: bool) -> None:
    """Check the options of a method; ``generator``: it yields."""
    _options.check_options(_options.METHOD_CHECKS, given, f"the method {of}")
    _options.check_generator(given, generator, f"the method {of}")


def method(**options: Any) -> Callable[[F], F]:
    """Decorator with options for a method of an actor class: num_returns, max_task_retries, retry_exceptions.

    Raises:
        ValueError: an unknown option or a wrong value.
        TypeError: a value of a wrong type, or no option at all.
    """
    if not options:
        raise TypeError("@method needs an option, for example @method(num_returns=2); else leave it out.")

    def decorate(function: F) -> F:
        if not callable(function):
            raise TypeError("@method takes keyword options alone, for example @method(num_returns=2).")
        of = getattr(function, "__qualname__", repr(function))
        check_method_options(of, options, is_generator(function))
        setattr(function, METHOD_OPTIONS, _options.method_fields(options))
        return function

    return decorate


def _no_method(binding: ActorBinding | None, name: str) -> str:
    if binding is None or name.startswith("__"):
        return f"an actor handle has no attribute {name!r}"
    near = difflib.get_close_matches(name, binding.methods, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    offered = ", ".join(sorted(each for each in binding.methods if not each.startswith("_")))
    return (
        f"The actor class {binding.class_name} has no method {name!r}.{hint} It has: {offered or 'none'}. "
        "Fields of an actor can only be read through a method."
    )
