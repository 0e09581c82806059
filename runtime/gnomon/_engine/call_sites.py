"""Where in a program's code work is submitted.

In a notebook every submission is stamped with its cell and a line of it. A function that another cell has defined stands
elsewhere: what it submits is stamped with the line that has called it, and also with its own; what a task submits, with
that in the task's code. Elsewhere looking up the file would cost each task something, so it is done only with the setting
``record_call_sites``: the origin is then ``FILES``, whose empty label means "the file of whoever calls".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Final, Protocol

from gnomon._engine import notebook_hooks
from gnomon._engine.base import Origin, Way
from gnomon._messages.tasks import NestedCall, Provenance

FILES: Final = Origin("", "")

CALLERS_MAX = 4
"""Names of tasks that travel with each nested one: the first, and the last ones."""

_UNCOUNTED = "In [ ]"
"""The label of code that runs without a number; the file it was compiled as has one."""

_CELL_MAGIC = "run_cell_magic"
"""What IPython makes of a cell calls this if it begins with ``%%time`` or the like; the lines below it are run apart."""

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def label_of(origin: Origin) -> str:
    """The label of a cell; or the name of the file whose code has called the runtime."""
    if origin.label:
        return origin.label
    return os.path.basename(_caller(sys._getframe(1)).f_code.co_filename)


def submitted_at(origin: Origin, frame: FrameType) -> Provenance:
    """That of what the notebook's own code submits; ``local_arguments.provenance_of`` asks for each place of a cell once.

    Args:
        origin: the cell that runs.
        frame: of the code that has called the runtime, which may be another cell's, or a library's.
    """
    known = origin.ways.get(frame.f_lasti)
    if known is not None and _has_come(known[0], frame):
        return known[1]
    code, line = frame.f_code, frame.f_lineno
    name_of, label = notebook_hooks.cell_name, origin.label
    if not label:
        return Provenance(origin.cell, label_of(origin), line)
    name = label if name_of is None or label == _UNCOUNTED else name_of(code.co_filename)
    if name_of is None or name == label:
        found = Provenance(origin.cell, label, line)
        origin.places[frame.f_lasti] = code, found
        return found
    way = _way(label, name_of, frame)
    at = way[-1].f_lineno if way else 0  # 0: another thread runs it, or a loop
    if _is_below_magic(way, code.co_filename):
        found = Provenance(origin.cell, label, at + line)
    else:
        helper = None if name is None else NestedCall(code.co_filename, line, code.co_name, (), 0)
        found = Provenance(origin.cell, label, at, helper)
    if way:
        origin.ways[frame.f_lasti] = tuple((each.f_code, each.f_lasti) for each in way), found
    return found


def _way(label: str, name_of: Callable[[str], str | None], frame: FrameType | None) -> list[FrameType]:
    """What a submission has come by: its own frame first, the innermost of the cell's code last; empty if there is none."""
    way = []
    while frame is not None:
        way.append(frame)
        if name_of(frame.f_code.co_filename) == label:
            return way
        frame = frame.f_back
    return []


def _is_below_magic(way: list[FrameType], file: str) -> bool:
    """Whether a file is what a cell magic runs: the lines below it."""
    runs = any(each.f_code.co_name == "<module>" and each.f_code.co_filename == file for each in way)
    return runs and _CELL_MAGIC in way[-1].f_code.co_names


def _has_come(way: Way, frame: FrameType | None) -> bool:
    for code, instruction in way:
        if frame is None or frame.f_lasti != instruction or frame.f_code is not code:
            return False
        frame = frame.f_back
    return True


def _frame_of(label: str, name_of: Callable[[str], str | None], frame: FrameType | None) -> FrameType | None:
    """The innermost code of a cell among what has called a frame."""
    while frame is not None and name_of(frame.f_code.co_filename) != label:
        frame = frame.f_back
    return frame


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
