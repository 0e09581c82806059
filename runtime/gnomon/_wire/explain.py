"""Why a value can not be pickled: the path to the guilty part, and what to do about it.

pickle says ``cannot pickle '_thread.lock' object`` and not where the lock is. When pickling has failed, this
module takes the value apart again, one level at a time, always into the first part that fails on its own.
It runs only after a failure, so it may be slow, within the limits below.
"""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType
from typing import Any

from gnomon._wire.pickling_refs import collectors
from gnomon._wire.pickling_serializers import dumps_by_value
from gnomon.exceptions import SerializationError, text_of

_DEPTH_MAX = 12
"""Longer paths help nobody."""
_PARTS_MAX = 10_000
"""Parts tried in all: a failure in a huge list is found, or given up, within about a second."""

ADVICE = (
    "Locks, sockets, open files, generators and database connections can not leave their process: "
    "make it inside the task, keep it in an actor, or leave it out (__getstate__)."
)


def refusal(value: Any, what: str, error: BaseException) -> SerializationError:
    """The error for a value that can not be pickled.

    Args:
        value: the value.
        what: the path's first word: how the user calls the value.
        error: what pickle said.
    """
    path, why = _search(value, what, error)
    advice = " ".join(getattr(error, "__notes__", ())) or ADVICE
    return SerializationError(f"{path}: {why}. {advice}", path)


def refused_arguments(
    args: tuple[Any, ...], kwargs: dict[str, Any], what: str, error: BaseException
) -> SerializationError:
    """The error for arguments of a call, of which at least one can not be pickled."""
    for place, argument in [*enumerate(args, 1), *kwargs.items()]:
        failure = failure_of(argument)
        if failure is not None:
            name = f"argument {place if isinstance(place, int) else repr(place)} of {what}"
            return refusal(argument, name, failure)
    return refusal(None, f"the arguments of {what}", error)


def no_rebuild(error: BaseException) -> SerializationError:
    """The error for a value that was pickled elsewhere and can not be rebuilt here."""
    if isinstance(error, SerializationError):
        return error
    why = f"{type(error).__name__}: {text_of(error)}".rstrip(".")
    advice = "Its class or its __setstate__ fails in this process."
    if isinstance(error, ModuleNotFoundError):
        advice = f"Install {error.name} here, or put it beside the notebook."
    elif isinstance(error, AttributeError):
        advice = "The module that defines it here is another version than where it was made."
    return SerializationError(f"A value arrived that can not be rebuilt: {why}. {advice}", "")


def _search(value: Any, path: str, error: BaseException) -> tuple[str, str]:
    seen: set[int] = set()
    for _ in range(_DEPTH_MAX):
        if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
            return path, "it is nested too deeply for pickle"
        seen.add(id(value))
        for step, part in parts(value):
            if id(part) in seen:
                continue
            if len(seen) >= _PARTS_MAX:
                return path, reason(error)
            failure = failure_of(part)
            if failure is not None:
                value, path, error = part, f"{path} -> {step}", failure
                break
            seen.add(id(part))
        else:
            return path, reason(error)
    return path, reason(error)


def failure_of(value: Any) -> Exception | None:
    """What pickling a value raises; None when it can be pickled."""
    outer = collectors.dumping
    collectors.dumping = {}
    try:
        dumps_by_value(value, 5, _uncopied)
    except Exception as error:
        return error
    finally:
        collectors.dumping = outer
    return None


def _uncopied(_buffer: pickle.PickleBuffer) -> None:
    return None


def reason(error: BaseException) -> str:
    """What an error says, without a full stop; with its class, unless it is one of those that pickle raises."""
    text = text_of(error).rstrip(".")
    if text and isinstance(error, TypeError | AttributeError | pickle.PicklingError):
        return text
    return f"{type(error).__name__}: {text}".rstrip(": ")


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """What ``value`` is made of, each part with the step that leads to it."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield f"[{short(key)}]", part
        for key in value:
            yield f"key {short(key)}", key
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield f"[{index}]", part
    elif isinstance(value, set | frozenset):
        for part in value:
            yield f"element {short(part)}", part
    elif isinstance(value, MethodType):
        yield ".__self__", value.__self__
    elif isinstance(value, FunctionType):
        yield from _parts_of_function(value)
    elif isinstance(value, type):
        for name, part in vars(value).items():
            yield from _class_part(name, part)
    else:
        yield from _parts_of_instance(value)


def _class_part(name: str, part: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(part, staticmethod | classmethod):
        part = part.__func__
    if not name.startswith("__") or isinstance(part, FunctionType):
        yield f".{name}", part


def _parts_of_function(function: FunctionType) -> Iterator[tuple[str, Any]]:
    try:
        variables = inspect.getclosurevars(function)
    except ValueError:  # a cell that is still empty
        return
    for name, part in variables.nonlocals.items():
        yield f"variable {name!r}", part
    for name, part in variables.globals.items():
        yield f"global {name!r}", part
    for index, part in enumerate(function.__defaults__ or ()):
        yield f"default {index + 1}", part
    for name, part in (function.__kwdefaults__ or {}).items():
        yield f"default {name!r}", part


def _parts_of_instance(value: Any) -> Iterator[tuple[str, Any]]:
    reduce: Callable[[int], Any] = value.__reduce_ex__
    try:
        reduced = reduce(5)
    except Exception:  # then the instance itself is the culprit, unless an attribute shows more
        yield from _attributes(getattr(value, "__dict__", None))
        return
    if not isinstance(reduced, tuple):
        return
    _, args, state, items, pairs = (*reduced, None, None, None)[:5]
    if isinstance(state, tuple) and len(state) == 2:
        yield from _attributes(state[0])
        yield from _attributes(state[1])
    elif isinstance(state, dict):
        yield from _attributes(state)
    elif state is not None:
        yield "its state", state
    for index, part in enumerate(args or ()):
        step = f"its class {part.__name__}" if isinstance(part, type) else f"constructor argument {index + 1}"
        yield step, part
    for index, part in enumerate(items or ()):
        yield f"[{index}]", part
    for key, part in pairs or ():
        yield f"[{short(key)}]", part


def _attributes(state: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(state, dict):
        for name, part in state.items():
            yield f".{name}", part


def short(key: Any) -> str:
    """A value in at most 40 characters."""
    try:
        text = repr(key)
    except Exception:  # the user's __repr__ must not hide the real error
        text = f"a {type(key).__name__}"
    return text if len(text) <= 40 else text[:37] + "..."
