"""Actor classes, handles and methods: what ``@remote`` makes of a class.

    ActorClass --remote()--> ActorHandle --.method--> ActorMethod --remote()--> ObjectRef

A handle holds an ``ActorBinding``, and that the reference which keeps the actor alive; counting handles is
ordinary reference counting. The one rule for a changer: a method holds the binding, never the handle, so that
no cycle delays the end of an actor that nobody holds any more.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from sys import _getframe, maxsize
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, overload

from gnomon._api import options as _options
from gnomon._api import session
from gnomon._api.actor_checks import check_actor_options, check_group, check_method_options, no_method
from gnomon._api.advice import no_attribute, public
from gnomon._api.checks import shown
from gnomon._api.definitions import Definition, define
from gnomon._api.typed import MethodDecorator, MethodDecoratorOfMany, RemoteMethod
from gnomon._engine import notebook_hooks
from gnomon._engine.arity import Arity, arity_of
from gnomon._engine.base import ActorBinding, ActorTemplate, ActorTraits, Engine, MethodTemplate
from gnomon._engine.methods import (
    BUILT_IN_METHODS,
    METHOD_OPTIONS,
    is_async_class,
    is_generator,
    method_templates,
)
from gnomon._engine.subclasses import Undecorated
from gnomon._wire.generators import ObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ActorExit, SessionMismatchError
from gnomon.ids import ActorID

if TYPE_CHECKING:
    from gnomon.dag import ClassMethodNode, ClassNode, OutputNode

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")


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

    # The second half of what is returned is for type checkers: it lets the handle be annotated as an
    # ``ActorProxy[C]`` without being narrowed to its first half.

    def remote(self, /, *args: Any, **kwargs: Any) -> ActorHandle[C] | Any:
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
        origin, frame = notebook_hooks.origin, _getframe(1)
        handle: ActorHandle[C] = ActorHandle(
            engine.create_actor(self._template, args, kwargs, origin, frame), engine
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

    def bind(self, *args: Any, **kwargs: Any) -> ClassNode:
        """A node of a graph: an actor, to be created when the graph is executed. See ``gnomon.dag``.

        Raises:
            TypeError: the arguments do not fit the constructor.
        """
        from gnomon.dag import ClassNode  # few programs bind

        name = self._cls.__name__
        if self._arity is not None:
            self._arity.check(name, args, kwargs)
        return ClassNode(self, name, self._template.methods, args, kwargs)

    def _remote(
        self, args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None, **options: Any
    ) -> ActorHandle[C] | Any:
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

    if not TYPE_CHECKING:  # a checker is to see that there is no such attribute

        def __getattr__(self, name: str) -> Any:
            # only what is found nowhere else comes here: the class's own constants, class and static methods
            cls = self.__dict__.get("_cls")
            label = cls.__name__ if cls is not None else "C"
            if cls is not None and not name.startswith("__") and hasattr(cls, name):
                if not inspect.isfunction(inspect.getattr_static(cls, name)):
                    return getattr(cls, name)
                raise AttributeError(
                    f"{name} is a method of {label}'s actors: create one, handle = {label}.remote(...), and call "
                    f"handle.{name}.remote(...)."
                )
            raise no_attribute(
                f"The actor class {label}",
                name,
                [*public(ActorClass), *(public(cls) if cls is not None else ())],
                f"Create an actor with {label}.remote(...); {label}.__wrapped__ is the class itself.",
            )

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        """``class Special(Counter)`` inherits from the class itself; it needs a decorator of its own."""
        last = next(base for base in reversed(bases) if isinstance(base, ActorClass))
        return (self._cls, Undecorated) if self is last else (self._cls,)

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

    def remote(self, /, *args: Any, **kwargs: Any) -> Any:
        """Submit a call; returns at once with a reference to its result (a list for ``num_returns`` > 1, an
        ``ObjectRefGenerator`` for a method that yields).

        The calls of one task (or of a driver) to one concurrency group start in the order of submission,
        unless the actor is async or allows out-of-order execution.

        Raises:
            TypeError: the arguments do not fit the method.
            SerializationError: an argument can not be pickled.
            SessionMismatchError: the actor's session has ended.
            PendingCallsLimitExceeded: this process has ``max_pending_calls`` unfinished calls there.
        """
        engine = self._engine
        if engine is not session.current:
            raise SessionMismatchError(f"The actor {self._binding.class_name}")
        template = self._template
        if (kwargs or not self._least <= len(args) <= self._most) and template.arity is not None:
            template.arity.check(f"{self._binding.class_name}.{template.name}", args, kwargs)
        refs = engine.submit_actor_task(
            self._binding, template, args, kwargs, notebook_hooks.origin, _getframe(1)
        )
        if self._single:
            return refs[0]
        return None if self._none else refs

    def options(self, **options: Any) -> ActorMethod:
        """The same method with other options.

        They are num_returns, max_task_retries, retry_exceptions, concurrency_group and name.

        Raises:
            ValueError: an unknown option or a wrong value, or a group that the class does not have.
            TypeError: a value of a wrong type.
        """
        template = self._template
        of = f"{self._binding.class_name}.{template.name}"
        check_method_options(of, options, template.generator)
        if options.get("concurrency_group") is not None:
            check_group(of, options["concurrency_group"], self._binding.traits.groups)
        changed = dataclasses.replace(template, **_options.method_fields(options))
        return ActorMethod(self._binding, changed, self._engine)

    def bind(self, *args: Any, **kwargs: Any) -> ClassMethodNode | tuple[OutputNode, ...]:
        """A node of a graph: the call, to be made when the graph is executed. See ``gnomon.dag``.

        Returns:
            The node; a tuple with a node for each result where ``num_returns`` > 1.

        Raises:
            TypeError: the arguments do not fit the method.
        """
        from gnomon.dag import ClassMethodNode  # few programs bind

        template = self._template
        name = f"{self._binding.class_name}.{template.name}"
        if template.arity is not None:
            template.arity.check(name, args, kwargs)
        node = ClassMethodNode(lambda _: self, name, args, kwargs)
        return node.outputs(template.num_returns) if template.num_returns > 1 else node

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

    if not TYPE_CHECKING:  # a checker is to see that there is no such attribute

        def __getattr__(self, name: str) -> Any:
            mine = f"handle.{self._template.name}" if name not in ActorMethod.__slots__ else "it"
            raise no_attribute(
                f"The method {mine}", name, public(ActorMethod), f"Call it with {mine}.remote(...)."
            )

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
        template = binding.methods.get(name) or _built_in(binding, name) if binding is not None else None
        if binding is None or template is None:
            raise AttributeError(no_method(binding, name))
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
            dataclasses.astuple(binding.traits),
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
        if not stale and self._gnomon_engine is not None:
            row = self._gnomon_engine.ledger.actors.get(self._actor_id.hex(), {})
            stale = ", stale: made by an older run of its cell" if row.get("stale") else ""
        return f"Actor({self._gnomon_binding.class_name}, {self._actor_id.hex()}{stale})"


ActorProxy: TypeAlias = ActorHandle[C] | type[C]
"""For annotations: a handle whose ``@method`` methods type checkers know (see ``gnomon._api.typed``)."""


def rebuild_handle(
    actor_id: ActorID,
    class_name: str,
    methods: Mapping[str, MethodTemplate],
    is_async: bool,
    ref: ObjectRef[Any] | None,
    traits: tuple[Any, ...],
) -> ActorHandle[Any]:
    """A handle that has arrived by pickle."""
    binding = ActorBinding(actor_id, class_name, methods, ref, is_async, traits=ActorTraits(*traits))
    engine = session.current
    if engine is not None:
        binding.engine_state = engine.rebind(actor_id, ref)
    return ActorHandle(binding, engine)


def _built_in(binding: ActorBinding, name: str) -> MethodTemplate | None:
    """One of the methods that every actor has."""
    template = BUILT_IN_METHODS.get(name)
    if template is None or name == "__ray_terminate__":
        return template
    return dataclasses.replace(template, max_task_retries=binding.traits.max_task_retries)


def exit_actor() -> None:
    """End the actor in whose method this is called, on purpose: it is not restarted.

    The present call and those that have not ended fail with ``ActorDiedError``; earlier ones keep their results.

    Raises:
        TypeError: it is not called in an actor.
    """
    engine = session.current
    if engine is None or engine.context().actor_id is None:
        raise TypeError(
            "exit_actor() ends the actor in whose method it is called, and this code runs in none. To end an actor "
            "from outside, call gnomon.kill(handle) or handle.__ray_terminate__.remote()."
        )
    raise ActorExit("it called exit_actor()")


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


@overload
def method(
    function: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]], /
) -> RemoteMethod[P, Coroutine[Any, Any, R], ObjectRef[R]]: ...


@overload
def method(  # type: ignore[overload-overlap]
    function: Callable[Concatenate[Any, P], Iterator[R]], /
) -> RemoteMethod[P, Iterator[R], ObjectRefGenerator[R]]: ...


@overload
def method(  # type: ignore[overload-overlap]
    function: Callable[Concatenate[Any, P], AsyncIterator[R]], /
) -> RemoteMethod[P, AsyncIterator[R], ObjectRefGenerator[R]]: ...


@overload
def method(function: Callable[Concatenate[Any, P], R], /) -> RemoteMethod[P, R, ObjectRef[R]]: ...


@overload
def method(*, num_returns: int | str, **options: Any) -> MethodDecoratorOfMany: ...


@overload
def method(**options: Any) -> MethodDecorator: ...


def method(*functions: Any, **options: Any) -> Any:
    """Decorator for a method of an actor class, bare or with options: ``@method``, ``@method(num_returns=2)``.

    Options: num_returns, max_task_retries, retry_exceptions, concurrency_group, name. Bare, it only tells type
    checkers that the method is called by ``.remote`` (see ``gnomon.actor.ActorProxy``).

    Raises:
        ValueError: an unknown option or a wrong value.
        TypeError: a value of a wrong type, or something that is no function.
    """
    if (functions and options) or len(functions) > 1:
        raise TypeError(f"method takes options by name only. {_METHOD_FORMS}")

    def decorate(function: Any) -> Any:
        if not (callable(function) or isinstance(function, staticmethod | classmethod)):
            raise TypeError(f"method decorates a function, not {shown(function)}. {_METHOD_FORMS}")
        inner = getattr(function, "__func__", function)
        check_method_options(getattr(inner, "__qualname__", repr(inner)), options, is_generator(inner))
        if options:
            setattr(inner, METHOD_OPTIONS, _options.method_fields(options))
        return function

    return decorate(functions[0]) if functions else decorate


_METHOD_FORMS = "Write @method, or @method(num_returns=2)."
