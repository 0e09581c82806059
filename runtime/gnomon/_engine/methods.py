"""The methods of an actor class: what its handles offer.

Worked out where it is decorated and where it runs.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Final

from gnomon._engine.arity import arity_of
from gnomon._engine.base import STREAMING, ActorTemplate, ActorTraits, MethodTemplate
from gnomon._engine.subclasses import NeedsDecorator
from gnomon._shell.methods import BUILT_IN

METHOD_OPTIONS: Final = "__gnomon_method__"
"""Attribute in which ``@method(...)`` leaves its options on a function."""


def method_templates(cls: type) -> dict[str, MethodTemplate]:
    """Every method that a handle of ``cls`` offers, by name: inherited ones, class and static methods too."""
    templates = {}
    for name, function in members_of(cls).items():
        options: Mapping[str, Any] = getattr(function, METHOD_OPTIONS, {})
        skip_first = not isinstance(inspect.getattr_static(cls, name), staticmethod)
        generator = is_generator(function)
        fields = {"num_returns": STREAMING, **options} if generator else options
        arity = arity_of(function, skip_first)
        templates[name] = MethodTemplate(name=name, arity=arity, generator=generator, **fields)
    return templates


def members_of(cls: type) -> dict[str, Any]:
    """The functions behind the methods of a class, by name."""
    found = {}
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        if name not in vars(object) and _is_method(member):
            found[name] = getattr(member, "__func__", member)
    return found


BUILT_IN_METHODS: Final = {
    name: MethodTemplate(name=name, arity=arity_of(function, True)) for name, function in BUILT_IN.items()
}
"""Methods that every handle offers."""


def traits_of(template: ActorTemplate) -> ActorTraits:
    """What the handles of an actor are told of its class and options."""
    cls, options = template.cls, template.options
    members = {name: inspect.getattr_static(cls, name) for name in dir(cls) if not name.startswith("__")}
    return ActorTraits(
        out_of_order=options.out_of_order or template.is_async,
        groups=tuple(options.concurrency_groups),
        max_pending_calls=options.max_pending_calls,
        max_task_retries=options.max_task_retries,
        properties=tuple(name for name, member in members.items() if isinstance(member, property)),
        at_once=_at_once(template),
    )


def _at_once(template: ActorTemplate) -> tuple[tuple[str, int], ...]:
    options = template.options
    several = options.concurrency_groups or (options.max_concurrency or 1) > 1
    if options.out_of_order or template.is_async or not several:
        return ()
    return (("", options.max_concurrency or 1), *options.concurrency_groups.items())


def is_generator(function: Any) -> bool:
    """Whether calling it makes a generator, asynchronous or not: its calls stream unless told otherwise."""
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def function_name(function: Any) -> str | None:
    """What a function or bound method is called where it is defined: ``module.f``, ``module.Class.method``.

    None where there is none (between the arrival of a call and its start).
    """
    if function is None:
        return None
    name = getattr(function, "__name__", None) or type(function).__name__
    owner = getattr(function, "__self__", None)
    if owner is not None and inspect.ismethod(function):
        cls = owner if isinstance(owner, type) else type(owner)
        return f"{cls.__module__}.{cls.__name__}.{name}"
    return f"{getattr(function, '__module__', None) or type(function).__module__}.{name}"


def is_async_class(cls: type) -> bool:
    """Whether one method at least is ``async def``: then all calls run on an event loop."""
    for name in dir(cls):
        member = inspect.getattr_static(cls, name)
        function = getattr(member, "__func__", member)
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            return True
    return False


def _is_method(member: Any) -> bool:
    if isinstance(member, NeedsDecorator):
        return False
    return isinstance(member, staticmethod | classmethod) or inspect.isroutine(member)
