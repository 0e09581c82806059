"""What is inside what: one step of the search for names, from a value to everything that it holds.

Runs none of the user's code where that can be helped: it asks types, not values. The rule for a changer: a
frame's variables are read through ``locals_of`` alone, which leaves no copy behind.
"""

from __future__ import annotations

import functools
import gc
import sys
import types
from collections import deque
from collections.abc import Iterator
from inspect import CO_OPTIMIZED
from typing import Any

from gnomon._wire.generators import DynamicObjectRefGenerator

_SUSPENDED = {
    types.GeneratorType: "gi_frame",
    types.CoroutineType: "cr_frame",
    types.AsyncGeneratorType: "ag_frame",
}
_NOT_THE_USERS = ("gnomon.", "gnomon_kernel", "IPython.", "ipykernel.")
"""Modules whose variables are nobody's: those that run a cell hold all of its names, by their shell."""

_NOT_ENTERED = (types.ModuleType, types.BuiltinFunctionType, types.CodeType, types.FrameType)


def children(value: Any) -> Iterator[tuple[str, Any, Any]]:
    """(style of the step, step, what is there) for everything that a value holds."""
    try:
        if is_a(value, dict):
            yield from (("item", key, child) for key, child in list(dict.items(value)))
        elif is_a(value, (list, tuple, deque)):
            yield from (("item", index, child) for index, child in enumerate(list(value)))
        elif is_a(value, (set, frozenset)):
            yield from (("inside", "", child) for child in list(value))
        elif is_a(value, BaseException):
            yield from _of_error(value)
        elif is_a(value, types.FunctionType):
            yield from _of_function(value)
        elif is_a(value, types.MethodType):
            yield "attribute", "__self__", value.__self__
        elif is_a(value, functools.partial):
            yield "attribute", "args", value.args
            yield "attribute", "keywords", value.keywords
        elif is_a(value, tuple(_SUSPENDED)):
            yield from _of_suspended(value)
        elif is_a(value, type):
            if value.__module__ == "__main__":
                yield from (("attribute", name, child) for name, child in list(vars(value).items()))
        elif not is_a(value, _NOT_ENTERED):
            yield from _of_instance(value)
    except Exception:  # it has changed under us, or raises when it is looked at: then it stays without a name
        return


def _of_function(function: types.FunctionType) -> Iterator[tuple[str, Any, Any]]:
    name = function.__qualname__
    for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield "closure", f"{variable} in the closure of {name}", cell.cell_contents
        except ValueError:
            continue  # not assigned yet
    for child in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield "closure", f"a default argument of {name}", child


def _of_suspended(suspended: Any) -> Iterator[tuple[str, Any, Any]]:
    frame = frame_of(suspended)
    if frame is not None:
        for variable, child in locals_of(frame).items():
            yield "local", f"{variable} in the suspended {suspended.__qualname__}()", child


def _of_error(error: BaseException) -> Iterator[tuple[str, Any, Any]]:
    trace = error.__traceback__
    while trace is not None:
        if not is_ours(trace.tb_frame):
            name = trace.tb_frame.f_code.co_qualname
            for variable, child in locals_of(trace.tb_frame).items():
                yield "traceback", f"{variable} in {name}()", child
        trace = trace.tb_next
    yield "attribute", "args", error.args
    yield "attribute", "__cause__", error.__cause__
    yield "attribute", "__context__", error.__context__
    yield from _of_instance(error)


def _of_instance(value: Any) -> Iterator[tuple[str, Any, Any]]:
    kind = type(value)
    if kind is DynamicObjectRefGenerator:
        yield "item", 0, value._refs
        return
    if kind.__module__.startswith(("gnomon._", "gnomon.observe", "gnomon_kernel")):
        yield from _of_remote(value)
        return
    attributes = attributes_of(value)
    yield from (("attribute", name, child) for name, child in list(attributes.items()))
    slots = [
        (name, member)
        for base in kind.__mro__
        for name, member in vars(base).items()
        if is_a(member, types.MemberDescriptorType)
    ]
    for name, member in slots:
        try:
            yield "attribute", name, member.__get__(value)
        except AttributeError:
            continue
    if not attributes and not slots and gc.is_tracked(value):
        yield from (("inside", "", child) for child in gc.get_referents(value) if not is_a(child, type))


def _of_remote(value: Any) -> Iterator[tuple[str, Any, Any]]:
    """A remote function or actor class: what its pickle has captured."""
    template: Any = attributes_of(value).get("_template")
    for ref in getattr(getattr(template, "engine_state", None), "handles", ()):
        yield "closure", f"captured by the remote {template.name}", ref


def is_a(value: Any, kinds: type | tuple[type, ...]) -> bool:
    """``isinstance`` that runs nobody's code: that one asks the value for its ``__class__``."""
    return issubclass(type(value), kinds)


def attributes_of(value: Any) -> dict[str, Any]:
    """What is in an object's dict, without asking its class."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return {}
    return found if type(found) is dict else {}


def locals_of(frame: types.FrameType) -> dict[str, Any]:
    """A copy of a function's variables; {} for a module's code, whose variables are the module's."""
    if not frame.f_code.co_flags & CO_OPTIMIZED:
        return {}
    shown = frame.f_locals
    found = dict(shown)
    if sys.version_info < (3, 13):
        shown.clear()  # the frame keeps this dict, and it would keep the values after their variables are gone
    return found


def is_ours(frame: types.FrameType) -> bool:
    """Whether a frame is the runtime's or the notebook's, and not the user's."""
    return str(frame.f_globals.get("__name__", "")).startswith(_NOT_THE_USERS)


def frame_of(value: Any) -> types.FrameType | None:
    """The frame that a value is, or in which it is suspended."""
    found: types.FrameType | None = None
    if is_a(value, types.FrameType):
        found = value
    for kind, attribute in _SUSPENDED.items():
        if is_a(value, kind):
            found = getattr(value, attribute)
    return found
