"""Raising the errors that lie in values."""

from __future__ import annotations

from typing import Any

from gnomon._wire import pickling


def prepare_error(error: Any) -> BaseException:
    """An error as ``get`` raises it: an actor's that died in its constructor has that as its cause."""
    creation = getattr(error, "creation_error", b"")
    if creation:
        cause = pickling.deserialize(creation, None)
        del error.creation_error
        if isinstance(cause, BaseException):
            error.__cause__ = cause
    assert isinstance(error, BaseException)
    return error
