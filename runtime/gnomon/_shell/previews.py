"""The arguments of a call that has raised, each in a few characters, made where it was raised and while its frame is there.

Only what Python itself knows how to show is shown by value: a ``__repr__`` of the user's may take long, or say too much.
What is named like a secret is not shown at all. The values are those at the time of the error.
"""

from __future__ import annotations

import inspect
import re
import types
from typing import Any

from gnomon._messages.tasks import Provenance
from gnomon._shell.holder_steps import is_ours

ARGUMENTS_MAX = 6
CHARACTERS_MAX = 40
_ELEMENTS_MAX = 3

_SECRET = re.compile(r"passw|secret|token|api_?key|credential|private", re.IGNORECASE)
_ATOMS = (int, float, complex, bool, type(None))
_TEXTS = (str, bytes, bytearray)
_CONTAINERS = (list, tuple, set, frozenset, dict)
_ARRAYS = ("numpy", "pandas", "torch", "pyarrow", "polars")


def previews(error: BaseException) -> tuple[str, ...]:
    """``("x=1", "rows=list of 1,000")`` of the outermost function of the user's in the traceback."""
    frame = _first_frame(error)
    if frame is None:
        return ()
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    values = frame.f_locals
    names = [name for name in code.co_varnames[:count] if name in values and name not in ("self", "cls")]
    shown = [f"{name}={_hidden_or_shown(name, values[name])}" for name in names[:ARGUMENTS_MAX]]
    more = len(names) - len(shown)
    return (*shown, f"and {more} more") if more else tuple(shown)


def _first_frame(error: BaseException) -> types.FrameType | None:
    entry = error.__traceback__
    while entry is not None:
        if not is_ours(entry.tb_frame):
            return entry.tb_frame
        entry = entry.tb_next
    return None


def _hidden_or_shown(name: str, value: Any) -> str:
    return "(not shown)" if _SECRET.search(name) else preview(value)


def origin_facts(provenance: Provenance | None) -> dict[str, Any]:
    """Where something was submitted, as fields of a ``TaskError``."""
    nested = None if provenance is None else provenance.nested
    if nested is None:
        return {"site": site(provenance)}
    more = nested.depth - len(nested.callers)
    between = (f"{more:,} more",) if more else ()
    callers = (*nested.callers[:1], *between, *nested.callers[1:])
    return {
        "site": site(provenance),
        "called_at": (nested.file, nested.line, nested.function),
        "callers": callers,
    }


def site(provenance: Provenance | None) -> str:
    """Where something was submitted: ``In [3], line 4``."""
    if provenance is None or not provenance.label:
        return ""
    return f"{provenance.label}, line {provenance.line}" if provenance.line else provenance.label


def preview(value: Any) -> str:
    """A value in at most some 40 characters."""
    kind = type(value)
    if kind in _ATOMS:
        text = repr(value) if kind is not int or abs(value) < 10**CHARACTERS_MAX else "a large int"
        return _cut(text)
    if kind in _TEXTS:
        return _cut(repr(value[:CHARACTERS_MAX])) if len(value) <= CHARACTERS_MAX else _long_text(value)
    if kind in _CONTAINERS:
        return _container(value, kind)
    return _array(value, kind) or _cut(kind.__qualname__)


def _long_text(value: Any) -> str:
    return f"{value[: CHARACTERS_MAX // 2]!r}... of {len(value):,}"


def _container(value: Any, kind: type) -> str:
    parts = (
        [*value.keys(), *value.values()]
        if kind is dict
        else list(value)
        if len(value) <= _ELEMENTS_MAX
        else []
    )
    if len(value) <= _ELEMENTS_MAX and all(type(each) in (*_ATOMS, *_TEXTS) for each in parts):
        text = repr(value)
        if len(text) <= CHARACTERS_MAX:
            return text
    return f"{kind.__name__} of {len(value):,}"


def _array(value: Any, kind: type) -> str:
    """Shape and type of an array or table, of libraries that can be trusted to tell them at once."""
    if kind.__module__.partition(".")[0] not in _ARRAYS:
        return ""
    try:
        shape, element = getattr(value, "shape", None), getattr(value, "dtype", "")
        return (
            _cut(f"{kind.__name__} {element} {tuple(shape)}".replace("  ", " ")) if shape is not None else ""
        )
    except Exception:  # a library's own way to say no
        return ""


def _cut(text: str) -> str:
    return text if len(text) <= CHARACTERS_MAX else text[: CHARACTERS_MAX - 3] + "..."
