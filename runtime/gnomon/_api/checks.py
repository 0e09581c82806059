"""Checks of arguments and options: each takes what it checks for (for the sentence) and a value.

A wrong type is a ``TypeError``, a wrong value a ``ValueError``, and both say what is allowed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gnomon.exceptions import UnsupportedOptionError
from gnomon.resources import UNITS

Check = Callable[[str, Any], object]


def shown(value: Any) -> str:
    """A value as an error names it: short, with its type."""
    try:
        text = repr(value)
    except Exception:  # the user's __repr__ must not hide the real error
        text = "a value"
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"{text} ({type(value).__name__})"


def item(what: str, key: Any) -> str:
    """``num_cpus of f`` and a key as ``num_cpus['key'] of f``."""
    name, of, whose = what.partition(" of ")
    return f"{name}[{key!r}]{of}{whose}"


def number(what: str, value: Any) -> None:
    """A finite number >= 0, or None."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{what} must be a number, not {shown(value)}.")
    if not 0 <= value < float("inf"):
        raise ValueError(f"{what} must be a finite number >= 0, not {value!r}.")


def amount(what: str, value: Any) -> None:
    """An amount of a resource: a number that is not lost when it is rounded to units, or None."""
    number(what, value)
    if value and round(value * UNITS) == 0:
        raise ValueError(
            f"{what} must be 0 or at least {1 / UNITS:g}, not {value!r}: no smaller part is counted."
        )


def memory(what: str, value: Any) -> None:
    """A number of bytes >= 0, or None."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise TypeError(f"{what} must be a number of bytes (2 * 1024**3 is 2 GiB), not {shown(value)}.")
    number(what, value)


def whole(minimum: int, meaning: str = "") -> Check:
    """An integer >= ``minimum``, or None; ``meaning`` explains special values."""

    def check(what: str, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{what} must be an integer, not {shown(value)}.")
        if value < minimum:
            raise ValueError(f"{what} must be >= {minimum}{meaning}, not {value}.")

    return check


def text(what: str, value: Any) -> None:
    """A string with something in it, or None."""
    if value is None:
        return
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string, not {shown(value)}.")
    if not value:
        raise ValueError(f"{what} may not be empty.")


def string(what: str, value: Any) -> None:
    """A string, or None; an empty one means the default too."""
    if value:
        text(what, value)
    elif value is not None and not isinstance(value, str):
        raise TypeError(f"{what} must be a string, not {shown(value)}.")


def flag(what: str, value: Any) -> None:
    """True, False or None."""
    if value is not None and not isinstance(value, bool):
        raise TypeError(f"{what} must be True or False, not {shown(value)}.")


def mapping(what: str, value: Any) -> None:
    """A mapping with strings as keys, or None."""
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise TypeError(f"{what} must be a dict, not {shown(value)}.")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"the keys of {what} must be strings, not {shown(key)}.")


def labels(what: str, value: Any) -> None:
    """A dict of strings by string, or None."""
    mapping(what, value)
    for key, each in (value or {}).items():
        if not isinstance(each, str):
            raise TypeError(f"{item(what, key)} must be a string, not {shown(each)}.")


_OWN_ARGUMENTS = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory", "object_store_memory": ""}


def custom_resources(what: str, value: Any) -> None:
    """Amounts by name of resource, without those that have arguments of their own."""
    mapping(what, value)
    for name, each in (value or {}).items():
        if name in _OWN_ARGUMENTS:
            instead = _OWN_ARGUMENTS[name]
            raise ValueError(
                f"{what} may not hold {name!r}" + (f": use {instead}=... instead." if instead else ".")
            )
        if each is None:
            raise TypeError(f"{item(what, name)} must be a number, not None.")
        amount(item(what, name), each)


def groups(what: str, value: Any) -> None:
    """Calls at a time by name of the concurrency group, or None."""
    if value is not None and not isinstance(value, Mapping):
        raise TypeError(
            f'{what} must be a dict of how many calls run at a time, like {{"io": 2}}, not {shown(value)}.'
        )
    for name, size in (value or {}).items():
        if not isinstance(name, str):
            raise TypeError(f"the names of the groups in {what} must be strings, not {shown(name)}.")
        if not name:
            raise ValueError(f"the names of the groups in {what} may not be empty.")
        if size is None:
            raise TypeError(f"the group {name!r} in {what} must be an integer, not None.")
        whole(1)(f"the group {name!r} in {what}", size)


def one_of(*allowed: Any) -> Check:
    """One of a few values."""

    def check(what: str, value: Any) -> None:
        if value not in allowed:
            raise ValueError(f"{what} must be one of {', '.join(map(repr, allowed))}, not {shown(value)}.")

    return check


class NotYet:
    """The check of an option that can not be honoured: only values that mean the default are accepted.

    Attributes:
        same: what means the default; None does always.
        why: what can not be honoured, and what to do instead.
        kind: what to check first, so that a value of a wrong type is told of its type.
    """

    def __init__(self, same: tuple[Any, ...], why: str, kind: Check | None) -> None:
        self.same = (None, *same)
        self.why = why
        self.kind = kind

    def __call__(self, what: str, value: Any) -> None:
        if self.kind is not None:
            self.kind(what, value)
        if not any(value is each or (type(value) is type(each) and value == each) for each in self.same):
            raise UnsupportedOptionError(what, self.why)


def not_yet(*same: Any, why: str, kind: Check | None = None) -> NotYet:
    """An option that can not be honoured, see ``NotYet``."""
    return NotYet(same, why, kind)


def timeout(what: str, value: Any) -> None:
    """Seconds >= 0, or None for no limit."""
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{what} must be a number of seconds or None, not {shown(value)}.")
    if not value >= 0:
        raise ValueError(f"{what} must be >= 0 seconds, not {value!r}; None waits without a limit.")
