"""What to type for an object: the name that the notebook has for it, or its id.

An error is shown when the call that raised it is over, and what only that call held is gone soon. So that its id can
still be used, the error that is shown keeps the reference itself, as long as Python keeps that error (``%remote unpin
tracebacks`` lets it go).
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import gnomon
from gnomon import exceptions
from gnomon.exceptions import GnomonError

_LOOKED_AT_MAX = 100_000
"""Elements of the notebook's lists and dicts: a longer search would be felt."""

_ID = re.compile("[0-9a-f]{16,}")

_QUOTED = re.compile("'([0-9a-f]{40})'")

_KEPT = "_reference_asked_for"


def word_for(error: GnomonError, space: Mapping[str, Any]) -> str:
    """What names, after ``%remote debug``, the object whose value was asked for: ``total``, ``refs[3]`` or an id; "" if it is
    not known.

    Args:
        error: with its traceback, the frames of gnomon included.
        space: the names of the notebook.
    """
    identity = exceptions.asked_for(error)
    if not identity:
        return ""
    found = name_of(identity, space)
    if found:
        return found
    kept = next((ref for ref in _references_of(error) if ref.hex() == identity), None)
    if kept is None:
        return ""
    error.__dict__[_KEPT] = kept
    return identity


def is_id(word: str) -> bool:
    """Whether a word is an id in hexadecimal, not an expression."""
    return _ID.fullmatch(word) is not None


def name_of(identity: str, space: Mapping[str, Any]) -> str:
    """The expression by which the notebook has an object; "" if there is none.

    Args:
        identity: in hexadecimal.
        space: the names of the notebook.
    """
    visible = [(name, value) for name, value in list(space.items()) if not name.startswith("_")]
    for name, value in visible:
        if _is_meant(value, identity):
            return name
    elements = ((name, key, each) for name, value in visible for key, each in _elements(value))
    for name, key, each in islice(elements, _LOOKED_AT_MAX):
        if _is_meant(each, identity):
            return f"{name}[{key!r}]"
    return ""


def with_names(text: str, space: Mapping[str, Any]) -> str:
    """A text in which quoted ids of objects are replaced by what the notebook calls them: ``why('0a1b...')`` by ``why(ref)``."""
    return _QUOTED.sub(lambda found: name_of(found[1], space) or found[0], text)


def _is_meant(value: Any, identity: str) -> bool:
    return isinstance(value, gnomon.ObjectRef) and value.hex() == identity


def _elements(value: Any) -> Iterator[tuple[Any, Any]]:
    """Of lists, tuples and dicts, with what stands between the brackets."""
    if type(value) in (list, tuple):
        yield from enumerate(value)
    elif type(value) is dict:
        yield from ((key, each) for key, each in list(value.items()) if type(key) in (str, int))


def _references_of(error: BaseException) -> Iterator[Any]:
    """Those in the variables of the calls that the error has passed through."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        for value in list(frame.f_locals.values()):
            if isinstance(value, gnomon.ObjectRef):
                yield value
            elif type(value) in (list, tuple):
                yield from (each for each in value if isinstance(each, gnomon.ObjectRef))
