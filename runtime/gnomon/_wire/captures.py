"""Large captures: what a function or class carries along that had better be put into the store.

A function travels with the variables it uses: its closure, the globals of a notebook, default arguments. A data
frame among them is pickled into the function and sent to every worker, which nobody intends. This looks for the
guilty variables, and only after the whole has turned out to be large, so it may pickle them once more.
"""

from __future__ import annotations

import pickle
import sys
import warnings
from types import FunctionType
from typing import Any

from gnomon._wire import explain
from gnomon._wire.pickling_refs import collectors
from gnomon._wire.pickling_serializers import dumps_by_value
from gnomon.resources import size_words

_SHOWN_MAX = 3
"""Variables that a warning names: the largest ones."""
_WARNED_MAX = 1_000

_warned: dict[tuple[str, ...], None] = {}


def warn_if_large(function: Any, size_bytes: int, limit_bytes: int) -> None:
    """Warn once of a function or class whose pickle has ``size_bytes`` and should not have more than ``limit_bytes``."""
    if size_bytes <= limit_bytes:
        return
    found = large_captures(function, limit_bytes)
    name = getattr(function, "__qualname__", repr(function)).rpartition("<locals>.")[2]
    key = (getattr(function, "__module__", None) or "", name, *(step for step, _ in found))
    if key in _warned:
        return
    if len(_warned) >= _WARNED_MAX:
        _warned.clear()
    _warned[key] = None
    warnings.warn(_sentence(name, size_bytes, found), UserWarning, stacklevel=_users_level())


def large_captures(function: Any, limit_bytes: int) -> list[tuple[str, int]]:
    """What makes a function or class large: the variables as people call them, and their size in bytes, largest first.

    Args:
        function: also a class, whose attributes and methods count.
        limit_bytes: smaller ones than a tenth of it are left out.
    """
    found: dict[str, int] = {}
    pending = [(function, "")]
    seen = {id(function)}
    while pending:
        thing, prefix = pending.pop()
        for step, part in explain.parts(thing):
            if id(part) in seen:
                continue
            seen.add(id(part))
            if isinstance(part, FunctionType):
                pending.append((part, f"{prefix}{step} -> "))
            elif (size := _size_bytes(part)) >= limit_bytes // 10:
                found[f"{prefix}{step}"] = size
    return sorted(found.items(), key=lambda pair: -pair[1])[:_SHOWN_MAX]


def _size_bytes(value: Any) -> int:
    """Size of a value's pickle; 0 when it has none."""
    buffers: list[pickle.PickleBuffer] = []
    outer = collectors.dumping
    collectors.dumping = {}
    try:
        inband = dumps_by_value(value, 5, buffers.append)
        return len(inband) + sum(buffer.raw().nbytes for buffer in buffers)
    except Exception:  # a module, say: the whole has been pickled, so this part travels by name
        return 0
    finally:
        collectors.dumping = outer


def _sentence(name: str, size_bytes: int, found: list[tuple[str, int]]) -> str:
    if not found:
        return (
            f"{name} is {size_words(size_bytes)} large when it is sent to workers. Put large data into the store "
            "once, with ref = gnomon.put(data), and pass ref as an argument."
        )
    what = ", ".join(f"{step} ({size_words(size)})" for step, size in found)
    variable = found[0][0].rpartition(" ")[2].strip("'.")
    if not variable.isidentifier():
        variable = "data"
    return (
        f"{name} captures {what}: a copy goes to every worker, again after each change. Put it into the store "
        f"once, with ref = gnomon.put({variable}), and pass ref as an argument."
    )


def _users_level() -> int:
    """The ``stacklevel`` of the first frame that is not gnomon's, for the caller of this function's caller."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "gnomon":
        frame = frame.f_back
        level += 1
    return level
