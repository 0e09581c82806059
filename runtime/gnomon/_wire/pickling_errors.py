"""Errors as they travel: always readable on arrival, whatever their classes can do.

An exception of the user's travels twice in one blob, pickled and as text. Where it can not be pickled, or its
class can not be rebuilt by the receiver, a TaskError with the text takes its place. An error that the runtime
made travels as the name of its class and its fields, because head and node never pickle.
"""

from __future__ import annotations

import pickle
from typing import Any

from gnomon import exceptions
from gnomon._messages.failures import RAISED_KIND, read_failure
from gnomon.exceptions import GnomonError, InternalError, TaskError, remote_traceback

_KIND = bytes((RAISED_KIND,))


def wrap(error: BaseException, inner: bytes) -> bytes:
    """The blob of an exception.

    Args:
        error: the exception.
        inner: the blob of it as a value; empty when it can not be pickled.
    """
    if isinstance(error, TaskError):
        text = (error.function_name, error.traceback_str, error.pid, error._facts())
    else:
        text = ("", remote_traceback(error), None, {})
    return _KIND + pickle.dumps((*text, inner), 5)


def unwrap(blob: bytes | memoryview) -> tuple[bytes, TaskError]:
    """The blob of the exception as a value (empty when there is none), and the error that tells its text."""
    function_name, text, pid, facts, inner = pickle.loads(blob[1:])
    return inner, TaskError(function_name, text, None, pid, **facts)


def rebuild_failure(blob: bytes | memoryview) -> GnomonError:
    """The exception of a value that the runtime made; fields its class does not take become attributes."""
    name, fields = read_failure(blob)
    cls = getattr(exceptions, name, None)
    if not (isinstance(cls, type) and issubclass(cls, GnomonError)):
        return InternalError(f"{name} with {fields} has no class in gnomon.exceptions.")
    try:
        return cls(**fields)
    except TypeError:
        return _with_attributes(cls, fields)


def _with_attributes(cls: type[GnomonError], fields: dict[str, Any]) -> GnomonError:
    code = cls.__init__.__code__
    taken = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    error = cls(**{name: value for name, value in fields.items() if name in taken})
    for name, value in fields.items():
        if name not in taken:
            setattr(error, name, value)
    return error
