"""What can be wrong with an actor class, its options and what is asked of its handles; and how it is said."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from gnomon._api import options as _options
from gnomon._engine.base import ActorBinding
from gnomon._engine.methods import METHOD_OPTIONS, is_async_class, members_of


def check_actor_options(cls: type, given: Mapping[str, Any]) -> None:
    """Check the options of an actor class, and what its methods say of its groups.

    Raises:
        ValueError: an unknown option, a wrong value, or options that do not go together.
        TypeError: a value of a wrong type.
    """
    of = f"the actor class {cls.__name__}"
    _options.check_options(_options.ACTOR_CHECKS, given, of)
    if given.get("get_if_exists") and not given.get("name"):
        raise ValueError(f"get_if_exists of {of} needs a name=... too: which actor is to be found?")
    if given.get("allow_out_of_order_execution") is False and is_async_class(cls):
        raise ValueError(
            f"allow_out_of_order_execution of {of} can not be False, since it has async methods, whose calls run "
            "at the same time. Leave it out, or make all methods sync."
        )
    groups = given.get("concurrency_groups") or {}
    for name, function in members_of(cls).items():
        group = getattr(function, METHOD_OPTIONS, {}).get("concurrency_group")
        if group is not None:
            check_group(f"{cls.__name__}.{name}", group, groups)


def check_method_options(of: str, given: Mapping[str, Any], generator: bool) -> None:
    """Check the options of a method; ``generator``: it yields."""
    _options.check_options(_options.METHOD_CHECKS, given, f"the method {of}")
    _options.check_generator(given, generator, f"the method {of}")


def check_group(of: str, group: str, groups: Collection[str]) -> None:
    """Check that an actor has the concurrency group that a method or a call names.

    Raises:
        ValueError: it has not; the message lists those that it has.
    """
    if group in groups:
        return
    if not groups:
        raise ValueError(
            f"concurrency_group of the method {of} is {group!r}, but the class has no groups: declare them with "
            f"@remote(concurrency_groups={{{group!r}: 2}})."
        )
    near = difflib.get_close_matches(group, groups, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"concurrency_group of the method {of} is {group!r}, which the class does not have.{hint} "
        f"Its groups are: {', '.join(sorted(groups))}."
    )


def no_method(binding: ActorBinding | None, name: str) -> str:
    """Why a handle has no such attribute, and what to do instead."""
    if binding is None or name.startswith("__"):
        return f"an actor handle has no attribute {name!r}"
    if name in binding.traits.properties:
        return (
            f"{name!r} is a property of the actor class {binding.class_name}: properties and fields can only be read "
            f"in the actor. Give it a method that returns self.{name}, or call "
            f"handle.__ray_call__.remote(lambda actor: actor.{name})."
        )
    near = difflib.get_close_matches(name, binding.methods, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    offered = ", ".join(sorted(each for each in binding.methods if not each.startswith("_")))
    return (
        f"The actor class {binding.class_name} has no method {name!r}.{hint} It has: {offered or 'none'}. "
        "Fields of an actor can only be read through a method."
    )
