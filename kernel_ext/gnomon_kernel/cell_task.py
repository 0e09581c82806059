"""The task that a ``%%remote`` cell becomes: this module runs in a worker, without a shell.

The cell's code runs in a namespace of its own, which holds the captured names. An error takes along where in
the cell it was raised (``FRAMES_ATTRIBUTE``), so that the notebook can show the cell's own lines.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import inspect
import io
import linecache
import os
import sys
import traceback
from dataclasses import dataclass, field
from typing import Any

import gnomon
from gnomon.observe import hooks

CELL_TASK_NAME = "%%remote"
"""Name of the task of a ``%%remote`` cell, wherever tasks are listed."""

FRAMES_ATTRIBUTE = "gnomon_cell_frames"
"""Attribute of a raised error: list of (file name, line number, function name), outermost first."""


@dataclass(frozen=True, slots=True)
class CellCode:
    """The code of a cell.

    Attributes:
        source: Python; its line numbers are those of the cell, magic line included.
        filename: the name under which the notebook's kernel knows the code.
        outputs: names whose values come back.
    """

    source: str
    filename: str
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """What a cell leaves.

    Attributes:
        result: value of its last expression, or None.
        values: the asked-for names that the cell has bound.
    """

    result: Any = None
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ShownAs:
    """Stands for a last expression that can not be sent: it looks the same.

    Attributes:
        text: its ``repr``.
        data: its other representations by MIME type.
        metadata: of those.
    """

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"text/plain": self.text, **self.data}, self.metadata


def run_cell(code: CellCode, names: dict[str, Any]) -> CellOutcome:
    """Run the code of a cell with ``names`` bound.

    Raises:
        BaseException: what the cell raises, with ``FRAMES_ATTRIBUTE`` set where that is possible.
    """
    lines = [line + "\n" for line in code.source.splitlines()]
    linecache.cache.setdefault(code.filename, (len(code.source), None, lines, code.filename))
    space: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins, "display": _display, **names}
    try:
        result = _execute(ast.parse(code.source, code.filename), code.filename, space)
    except BaseException as error:
        _note_frames(error, code.filename)
        raise
    _show_figures()
    values = {name: space[name] for name in code.outputs if name in space}
    return CellOutcome(_sendable(result), values)


def run_cell_apart(code: CellCode, names: dict[str, Any]) -> Any:
    """As :func:`run_cell`, its outcome as several results: the value of the last expression, and each output.

    Raises:
        NameError: an output was not assigned.
    """
    outcome = run_cell(code, names)
    missing = [name for name in code.outputs if name not in outcome.values]
    if missing:
        raise NameError(f"the cell ended without assigning {', '.join(missing)}, which %%remote -o asks for")
    if not code.outputs:
        return outcome.result
    return outcome.result, *(outcome.values[name] for name in code.outputs)


def _show_figures() -> None:
    """What was plotted and not shown is shown at the end, as in any cell."""
    if "matplotlib.pyplot" in sys.modules and hooks.display_sender() is not None:
        from gnomon_kernel.task_display import show_figures

        show_figures()


def _execute(tree: ast.Module, filename: str, space: dict[str, Any]) -> Any:
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    parts = [compile(tree, filename, "exec", flags)]
    if isinstance(last, ast.Expr):
        parts.append(compile(ast.Expression(last.value), filename, "eval", flags))
    if any(part.co_flags & inspect.CO_COROUTINE for part in parts):
        result = asyncio.run(_execute_async(parts, space))
    else:
        for part in parts:
            result = eval(part, space)
    return result if last is not None else None


async def _execute_async(parts: list[Any], space: dict[str, Any]) -> Any:
    result = None
    for part in parts:
        result = eval(part, space)
        if inspect.iscoroutine(result) and part.co_flags & inspect.CO_COROUTINE:
            result = await result
    return result


def _note_frames(error: BaseException, filename: str) -> None:
    frames = [(f.filename, f.lineno or 0, f.name) for f in traceback.extract_tb(error.__traceback__)]
    places = [position for position, frame in enumerate(frames) if frame[0] == filename]
    inside = frames[places[0] :] if places else []  # what led here is this module's and asyncio's
    package = os.path.dirname(gnomon.__file__ or "") + os.sep
    shown = [frame for frame in inside if not frame[0].startswith(package)]
    for link in chain(error):
        try:
            setattr(link, FRAMES_ATTRIBUTE, shown)
        except AttributeError:  # a class with slots: the message alone has to do
            continue


def chain(error: BaseException) -> list[BaseException]:
    """The error, and what it was caused by in other tasks; an error of a task travels without attributes."""
    links = [error]
    while isinstance(cause := getattr(links[-1], "cause", None), BaseException) and cause not in links:
        links.append(cause)
    return links


def _display(*objects: Any, **options: Any) -> Any:
    """``display``, which a notebook's code has without importing it; imported late, as IPython takes long."""
    from gnomon_kernel.task_display import display

    return display(*objects, **options)


class _Nowhere(io.RawIOBase):
    def write(self, data: Any) -> int:
        return len(data)


def _sendable(value: Any) -> Any:
    """The value, or what it looks like when it can not be pickled (a figure's axes, a generator, a lock)."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    import cloudpickle

    try:
        # large buffers are left out of the stream, so that trying costs no copy of them
        cloudpickle.CloudPickler(_Nowhere(), protocol=5, buffer_callback=lambda _buffer: False).dump(value)
    except Exception:
        return _shown_as(value)
    return value


def _shown_as(value: Any) -> ShownAs:
    from gnomon_kernel.task_display import bundle_of, sendable

    data, metadata = bundle_of(value)
    data = sendable(data)
    return ShownAs(data.pop("text/plain", repr(value)), data, metadata)
