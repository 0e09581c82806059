"""The task that has raised, of all that its error has passed through."""

from __future__ import annotations

from typing import Any

import pytest

import gnomon
from gnomon.exceptions import TaskError


def root_of(ref: Any) -> TaskError:
    """The innermost error of a task that has divided by zero, or asked one that has."""
    with pytest.raises(ZeroDivisionError) as caught:
        gnomon.get(ref, timeout=60)
    error: Any = caught.value
    while isinstance(error.cause, TaskError):
        error = error.cause
    assert isinstance(error, TaskError)
    return error
