"""How a notebook takes part: whose cell is running, where output goes, who watches a waiting ``get``.

Called by the kernel extension; every setter takes None to undo. The slots themselves live below, where the
engines can read them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

from gnomon._engine import notebook_hooks as _slots
from gnomon._engine import staleness
from gnomon._engine.base import CancelReceipt, Origin
from gnomon._engine.notebook_hooks import (
    DISPLAY_STREAM,
    WAIT_FIRST_REPORT_S,
    WAIT_REPORT_PERIOD_S,
    GroupProgress,
    OutputLines,
    OutputSink,
    WaitObserver,
    WaitProgress,
    current_origin,
)
from gnomon._engine.progress_bars import STREAM as PROGRESS_STREAM
from gnomon._engine.progress_bars import Bars
from gnomon._wire import object_ref
from gnomon.ids import ObjectID

__all__ = [
    "DISPLAY_STREAM",
    "PROGRESS_STREAM",
    "WAIT_FIRST_REPORT_S",
    "WAIT_REPORT_PERIOD_S",
    "Bars",
    "CancelReceipt",
    "GroupProgress",
    "Origin",
    "OutputLines",
    "OutputSink",
    "WaitObserver",
    "WaitProgress",
    "cancel_cell",
    "cell_changed",
    "handle_given_up",
    "current_origin",
    "display_sender",
    "group_progress",
    "output_sink",
    "session_id",
    "set_cell_names",
    "set_names",
    "set_origin",
    "set_output_sink",
    "set_wait_observer",
    "show_stale",
    "wait_observer",
]


def set_origin(origin: Origin | None) -> None:
    """Name the cell that runs from now on; every submission is stamped with it."""
    _slots.origin = origin


def set_cell_names(cell_name: Callable[[str], str | None] | None) -> None:
    """Name cells in the tracebacks of tasks: ``cell_name`` gets a file name, and returns what people call it."""
    _slots.cell_name = cell_name


def set_names(named: Callable[[], Iterable[tuple[str, str, Any]]] | None) -> None:
    """Say what has a name in the notebook, for the holders of objects.

    Args:
        named: called when somebody asks who holds what, in any thread; gives (kind, name, value), with "variable" or
            "output" as the kind.
    """
    from gnomon._shell.holder_names import Root  # importing it early would cost every start

    _slots.named = None if named is None else lambda: (Root(*each) for each in named())


def cell_changed(cell: str) -> None:
    """A cell is about to run again with another text: what it has submitted so far is stale from now on."""
    from gnomon._api.session import current_engine

    engine = current_engine()
    staleness.cell_changed(cell, None if engine is None else engine.ledger)


def handle_given_up(actor: str, how: str) -> None:
    """A variable of the notebook no longer holds an actor: told with the actor's death, if that follows from it.

    Args:
        actor: its id in hexadecimal.
        how: ``its variable counter was overwritten in In [7]``.
    """
    _slots.given_up.pop(actor, None)
    _slots.given_up[actor] = how
    if len(_slots.given_up) > _slots.GIVEN_UP_MAX:
        del _slots.given_up[next(iter(_slots.given_up))]


def show_stale(shown: bool) -> None:
    """Whether the ``repr`` of a reference tells that it was made by older code."""
    object_ref.noted = _stale if shown else None


def _stale(identity: ObjectID) -> str:
    from gnomon._api.session import current_engine

    engine = current_engine()
    why = "" if engine is None else staleness.stale_object(engine.ledger, identity)
    return f"stale: {why}" if why else ""


def set_output_sink(sink: OutputSink | None) -> None:
    """Send the output of tasks to ``sink`` (called in an engine's thread; it must not block)."""
    _slots.output_sink = sink


def output_sink() -> OutputSink | None:
    """Where the output of tasks goes now."""
    return _slots.output_sink


def display_sender() -> Callable[[str], object] | None:
    """In a worker, what sends a line of ``DISPLAY_STREAM`` to the submitting cell; None where output is shown."""
    return _slots.send_display


def set_wait_observer(observer: WaitObserver | None) -> None:
    """Tell ``observer`` about each ``get`` or ``wait`` of the main thread that takes long.

    The first report comes after ``WAIT_FIRST_REPORT_S`` seconds, then one every ``WAIT_REPORT_PERIOD_S``, and
    a last one with ``finished=True``, also when the call raises. It runs in the waiting thread.
    """
    _slots.wait_observer = observer


def wait_observer() -> WaitObserver | None:
    """Who is told about waiting calls now."""
    return _slots.wait_observer


def group_progress(also: Container[str] = frozenset()) -> tuple[GroupProgress, ...]:
    """The functions that have unfinished tasks, and those named by ``also``; empty without a session."""
    from gnomon._api.session import current_engine

    engine = current_engine()
    return () if engine is None else _slots.group_progress(engine.ledger, also)


def session_id() -> str:
    """The session that runs now; "" if none does. What :func:`group_progress` counts begins anew with each."""
    from gnomon._api.session import current_engine

    engine = current_engine()
    return "" if engine is None else engine.ledger.session


def cancel_cell(cell: str) -> CancelReceipt:
    """Cancel what a cell submitted and what has not finished.

    Args:
        cell: the id given to :func:`set_origin`.

    Returns:
        What was met: all that were cancelled, and how many of them were running. Without a session, nothing.
    """
    from gnomon._api.session import current_engine

    engine = current_engine()
    return CancelReceipt(cancelled=0, running=0) if engine is None else engine.cancel_cell(cell)
