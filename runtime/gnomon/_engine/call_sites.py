"""Where in a program's code work is submitted.

In a notebook every submission is stamped with its cell; what a task submits, also with the line in that task's code.
Elsewhere looking up the file would cost each task something, so it is done only with the setting ``record_call_sites``:
the origin is then ``FILES``, whose empty label means "the file of whoever calls".
"""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import Final, Protocol

from gnomon._engine.base import Origin
from gnomon._messages.tasks import NestedCall, Provenance

FILES: Final = Origin("", "")

CALLERS_MAX = 4
"""Names of tasks that travel with each nested one: the first, and the last ones."""

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def label_of(origin: Origin) -> str:
    """The label of a cell; or the name of the file whose code has called the runtime."""
    if origin.label:
        return origin.label
    return os.path.basename(_caller(sys._getframe(1)).f_code.co_filename)


Submits = tuple[CodeType, int, Provenance]
"""Code and line of the latest submission of something that runs, and what is told of those."""


class Submitter(Protocol):
    """Something that runs and submits."""

    name: str
    submits: Submits | None


def nested_in(running: Submitter, above: Provenance) -> Provenance:
    """That of what the code of a running task submits now; the same object for the calls of one line in a row.

    Args:
        running: what submits.
        above: that of the running task itself.
    """
    frame = _caller(sys._getframe(1))
    code, line = frame.f_code, frame.f_lineno
    known = running.submits
    if known is not None and known[0] is code and known[1] == line:
        return known[2]
    nested = above.nested
    callers = (running.name,) if nested is None else (*nested.callers, running.name)
    if len(callers) > CALLERS_MAX:
        callers = (callers[0], *callers[1 - CALLERS_MAX :])
    depth = 1 if nested is None else nested.depth + 1
    call = NestedCall(code.co_filename, line, code.co_name, callers, depth)
    found = Provenance(above.cell, above.label, above.line, call)
    running.submits = code, line, found
    return found


def _caller(frame: FrameType) -> FrameType:
    """The code that has called the runtime."""
    while frame.f_code.co_filename.startswith(_OWN) and frame.f_back is not None:
        frame = frame.f_back
    return frame
