"""``display`` in a worker: what a task shows goes to the cell that submitted it, as rich as in the notebook.

There is no IPython shell in a worker. IPython's own formatters make the representations (HTML, pictures), and
a line of JSON takes them to the notebook the way that printed text goes. Imported where ``display`` is called,
never before (see ``gnomon._shell.displaying``). The one rule for a changer: everything is bounded here, before
it travels; the notebook bounds the number.
"""

from __future__ import annotations

import base64
import functools
import json
import os
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import gnomon
from gnomon.observe import hooks
from gnomon.resources import size_words

DISPLAY_BYTES_MAX = 4 * 2**20
"""Largest representation that is sent; of a larger one only the text."""

PLACES_MAX = 100
"""Displays of one task that ``clear_output`` can replace; a cell shows no more."""

_LIVE = frozenset({"application/vnd.jupyter.widget-view+json"})
"""Representations that only work in the process that made them."""


def display(
    *objs: Any,
    include: Any = None,
    exclude: Any = None,
    metadata: dict[str, Any] | None = None,
    transient: dict[str, Any] | None = None,
    display_id: Any = None,
    raw: bool = False,
    clear: bool = False,
    update: bool = False,
    **_others: Any,
) -> Any:
    """IPython's ``display``, with its arguments.

    Raises:
        TypeError: ``update`` without a ``display_id``.
    """
    if hooks.display_sender() is None:
        given = {"metadata": metadata, "transient": transient, "display_id": display_id, "update": update}
        return _display_here(*objs, include=include, exclude=exclude, raw=raw, clear=clear, **given)
    if display_id is True:
        display_id = os.urandom(16).hex()
    display_id = display_id or (transient or {}).get("display_id") or ""
    if update and not display_id:
        raise TypeError("display_id required for update_display")
    if clear:
        clear_output()
    if not objs and display_id:
        objs, raw = ({},), True  # an empty place, to be filled later
    for shown in objs:
        data, noted = (shown, {}) if raw else bundle_of(shown, include, exclude)
        if data or raw:
            _send(data, {**noted, **(metadata or {})}, str(display_id), update)
    if not display_id:
        return None
    from IPython.core.display_functions import DisplayHandle

    return DisplayHandle(display_id)  # type: ignore[no-untyped-call]


def publish_display_data(
    data: Mapping[str, Any],
    metadata: Mapping[str, Any] | None = None,
    *,
    transient: Mapping[str, Any] | None = None,
    update: bool = False,
    **_others: Any,
) -> None:
    """IPython's function of this name: shows a MIME bundle."""
    _send(data, metadata or {}, str((transient or {}).get("display_id", "")), update)


def clear_output(wait: bool = False) -> None:
    """IPython's function of this name: what this task shows next takes the place of what it has shown.

    What other tasks show in the same cell stays, and so does what is printed.

    Args:
        wait: accepted; the old is always there until the new comes.
    """
    shown = _shown_by_this_task()
    for place in shown.free:
        _send({"text/plain": ""}, {}, place, True)
    shown.free, shown.taken = shown.taken, []


def take_over(module: ModuleType) -> None:
    """Put what works in a task in the place of what needs a notebook's kernel.

    Args:
        module: ``IPython.core.display_functions`` or ``tqdm.notebook``, just imported.
    """
    if module.__name__ == "tqdm.notebook":
        from tqdm.std import tqdm, trange

        own: dict[str, Any] = {"tqdm": tqdm, "tqdm_notebook": tqdm, "trange": trange, "tnrange": trange}
    else:
        own = {
            "display": display,
            "publish_display_data": publish_display_data,
            "clear_output": clear_output,
        }
    vars(module).update(own)


def bundle_of(shown: Any, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """All representations of an object by MIME type, and their metadata."""
    data, metadata = _formatter().format(shown, include=include, exclude=exclude)
    return dict(data), dict(metadata)


def show_figures() -> None:
    """Show matplotlib's open figures and close them, as a notebook does at the end of a cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for number in pyplot.get_fignums():
        display(pyplot.figure(number))
    pyplot.close("all")


def sendable(data: Mapping[str, Any]) -> dict[str, Any]:
    """The representations as JSON can hold them, without those that are too large or work only here."""
    kept: dict[str, Any] = {}
    refused = []
    for mime, value in data.items():
        if mime in _LIVE:
            continue
        text = base64.b64encode(value).decode() if isinstance(value, bytes) else value
        length = len(text) if isinstance(text, str) else len(json.dumps(text, default=repr))
        if length > DISPLAY_BYTES_MAX:
            refused.append(f"{mime} of {size_words(length)}")
        else:
            kept[mime] = text
    if refused:
        note = (
            f"({', '.join(refused)} not shown: a task can display {size_words(DISPLAY_BYTES_MAX)} at a time)"
        )
        plain = kept.get("text/plain", "")
        kept["text/plain"] = f"{plain}\n{note}".strip()
    return kept


@dataclass(slots=True)
class _Shown:
    """Where a task has shown something that has no ``display_id`` of the user's.

    Attributes:
        taken: places with what was shown since ``clear_output``.
        free: older ones, for what is shown next.
    """

    task: str | None
    taken: list[str] = field(default_factory=list)
    free: list[str] = field(default_factory=list)


_current: ContextVar[_Shown | None] = ContextVar("gnomon_shown", default=None)


def _shown_by_this_task() -> _Shown:
    task = gnomon.get_runtime_context().get_task_id()
    shown = _current.get()
    if shown is None or shown.task != task:
        shown = _Shown(task)
        _current.set(shown)
    return shown


def _place() -> tuple[str, bool]:
    """Where to show something, and whether that place is in use."""
    shown = _shown_by_this_task()
    update = bool(shown.free)
    place = shown.free.pop(0) if update else f"gnomon-shown-{os.urandom(8).hex()}"
    shown.taken.append(place)
    del shown.taken[:-PLACES_MAX]
    return place, update


def _send(data: Mapping[str, Any], metadata: Mapping[str, Any], display_id: str, update: bool) -> None:
    send = hooks.display_sender()
    if send is None:
        return
    if not display_id:
        display_id, update = _place()
    line = {"data": sendable(data), "metadata": metadata, "display_id": display_id, "update": update}
    send(json.dumps(line, default=repr) + "\n")


def _display_here(*objects: Any, **options: Any) -> Any:
    """In the kernel itself (the inline engine), or in a script: as IPython does it there."""
    from IPython.display import display as own

    return own(*objects, **options)  # type: ignore[no-untyped-call]


@functools.cache
def _formatter() -> Any:
    from IPython.core.formatters import DisplayFormatter

    formatter = DisplayFormatter()
    png = formatter.formatters["image/png"]
    png.for_type_by_name("matplotlib.figure", "Figure", _figure_png)
    return formatter


def _figure_png(figure: Any) -> Any:
    """A figure as a notebook's own formatter draws it."""
    from IPython.core.pylabtools import print_figure

    return print_figure(figure, fmt="png", base64=True)  # type: ignore[no-untyped-call]
