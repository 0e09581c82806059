"""Watched fields: what an actor shows of itself in the views.

    class Trainer:
        watch = ("step", "loss")

Fields are read between two instructions of whatever runs, in another thread than the actor's methods; therefore
nothing of the user's is called: properties are left out, and of a value that is neither a number nor a text only
its type and its size are told.
"""

from __future__ import annotations

import math
from inspect import getattr_static
from types import MemberDescriptorType
from typing import Any

from gnomon._messages.cluster import Watched

FIELDS_MAX = 16
TEXT_CHARACTERS_MAX = 80

_EXACT = 2**53
"""Larger integers are not exact in a browser: they travel as text."""


def watched_fields(cls: type) -> tuple[str, ...]:
    """The names in the class attribute ``watch``; none if it is anything but a tuple or list of names."""
    declared = getattr_static(cls, "watch", ())
    if type(declared) not in (tuple, list) or not all(isinstance(name, str) for name in declared):
        return ()
    return tuple(dict.fromkeys(declared))[:FIELDS_MAX]


def sample(instance: Any, fields: tuple[str, ...]) -> dict[str, Watched]:
    """The fields as they are now; those that do not exist (yet) are left out. Never raises."""
    found: dict[str, Watched] = {}
    for name in fields:
        try:
            value = _stored(instance, name)
        except AttributeError:
            continue
        try:
            found[name] = shown(value)
        except Exception as error:
            found[name] = f"<can not be shown: {type(error).__name__}>"
    return found


def shown(value: Any) -> Watched:
    """A number, a short text, or what kind of thing it is."""
    kind = type(value)
    if value is None or kind is bool:
        known: Watched = value
        return known
    if kind is int:
        return int(value) if -_EXACT < value < _EXACT else _cut(f"{value:.6e}")
    if kind is float:
        return float(value) if math.isfinite(value) else str(value)
    if kind is str:
        return _cut(value)
    shape = getattr_static(value, "shape", None)
    if kind.__module__.partition(".")[0] in ("numpy", "torch", "jax", "jaxlib") and shape is not None:
        sizes = tuple(int(size) for size in value.shape)
        return shown(value.item()) if math.prod(sizes) == 1 else f"{kind.__name__} {_sizes(sizes)}"
    if kind in (list, tuple, dict, set, frozenset, bytes, bytearray):
        return f"{kind.__name__} of {len(value):,}"
    return kind.__name__


def _stored(instance: Any, name: str) -> Any:
    """A stored attribute, of the instance or of its class."""
    known = getattr_static(instance, name)
    if isinstance(known, MemberDescriptorType):
        return known.__get__(instance)
    if hasattr(type(known), "__get__"):
        raise AttributeError(name)
    return known


def _sizes(sizes: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in sizes)


def _cut(text: str) -> str:
    line = " ".join(text[: 4 * TEXT_CHARACTERS_MAX].split())
    return line if len(line) <= TEXT_CHARACTERS_MAX else line[: TEXT_CHARACTERS_MAX - 1] + "…"
