"""Which cell is running: told to the API, and remembered for the output that comes later.

IPython says when a cell starts and ends. From that this module keeps two things: the cell now running
(every submission is stamped with it, by :mod:`gnomon.observe.hooks`), and for each cell of late the message
that its output must answer (the *parent*), so that a line printed minutes later still finds its cell.
It publishes nothing and cancels nothing. The one rule for a changer: a cell that runs again keeps its id and
takes the new parent, since front ends forget the older run's output area.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gnomon.observe import hooks

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CELLS_REMEMBERED_MAX = 1_000
"""Cells whose output can still be routed; a longer notebook forgets those that ran longest ago."""


@dataclass(slots=True)
class CellRun:
    """One run of one cell.

    Attributes:
        cell: the front end's stable id of the cell, or one made from its number where there is none.
        label: as people read it, ``In [3]``.
        parent: header of the request that runs the cell; empty in a terminal.
        text: of the cell.
        finished_before: finished tasks by function name when the cell started.
        session: the one in which they are counted; "" for none.
        number: that of the label; 0 if it has none.
        own_task: name of the task that the cell itself became, by ``%%remote``.
        began: when, on the monotonic clock.
    """

    cell: str
    label: str
    parent: Mapping[str, Any]
    text: str = ""
    finished_before: dict[str, hooks.GroupProgress] = field(default_factory=dict)
    session: str = ""
    own_task: str = ""
    number: int = 0
    began: float = field(default_factory=time.monotonic)


class _AllNames(frozenset[str]):
    """The set that holds every name: asks ``group_progress`` for all functions."""

    def __contains__(self, _name: object) -> bool:
        return True


ALL_NAMES = _AllNames()


class Origins:
    """The cells of one shell, fed by its ``pre_run_cell`` and ``post_run_cell`` events."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._running: list[CellRun] = []
        self._runs: OrderedDict[str, CellRun] = OrderedDict()
        self._numbered: OrderedDict[int, str] = OrderedDict()

    @property
    def current(self) -> CellRun | None:
        """The innermost cell that runs now."""
        return self._running[-1] if self._running else None

    def find(self, cell: str) -> CellRun | None:
        """The latest run of a cell, if it is still remembered. Any thread may call it."""
        return self._runs.get(cell)

    def latest(self) -> CellRun | None:
        """The cell that started last: where output without a cell goes."""
        try:
            return self._runs[next(reversed(self._runs))]
        except (StopIteration, KeyError):
            return None

    def cells(self, label: str | None = None) -> list[str]:
        """Ids of the remembered cells: all, or those whose latest run has this label."""
        return [cell for cell, run in list(self._runs.items()) if label in (None, run.label)]

    def cell_of(self, number: int) -> str:
        """The front end's id of the cell that ran as ``In [number]``; "" if it has none, or that was long ago."""
        cell = self._numbered.get(number, "")
        return "" if cell.startswith("In [") else cell  # that is a name of ours, for what has none

    def runs(self, first: str) -> list[CellRun]:
        """The latest runs of the remembered cells: that of the cell ``first``, then the others, newest first."""
        return sorted(self.newest_first(), key=lambda run: run.cell != first)

    def newest_first(self) -> list[CellRun]:
        """The latest runs of the remembered cells."""
        return list(reversed(self._runs.values()))

    def resume(self) -> None:
        """Enter the cell that is running already: the one that loads the extension, if it is a cell."""
        number = _cells_started(self._shell) - 1
        in_kernel = getattr(self._shell, "kernel", None) is not None
        if number >= 1 and (not in_kernel or _message_id(parent_of(self._shell))):
            self._enter(None, number, counted=True)

    def on_cell_start(self, info: Any = None) -> None:
        """IPython's ``pre_run_cell``."""
        parent = parent_of(self._shell)
        if self._running and _message_id(self._running[-1].parent) != _message_id(parent):
            self._running.clear()  # a run whose end was never told
        counted = bool(getattr(info, "store_history", True))
        if self._running and not counted:
            self._running.append(self._running[-1])  # code run by the cell belongs to the cell
        else:
            text = str(getattr(info, "raw_cell", None) or "")
            self._enter(getattr(info, "cell_id", None), _cells_started(self._shell), counted, text)

    def on_cell_end(self) -> CellRun | None:
        """IPython's ``post_run_cell``; returns the run that has ended."""
        if not self._running:
            return None
        ended = self._running.pop()
        outer = self.current
        hooks.set_origin(hooks.Origin(outer.cell, outer.label) if outer else None)
        return ended

    def _enter(self, cell: str | None, number: int, counted: bool, text: str = "") -> None:
        parent = parent_of(self._shell)
        label = f"In [{number}]" if counted else "In [ ]"
        cell = cell or _front_end_id(parent) or f"{label} {_message_id(parent)[:8]}".strip()
        run = CellRun(cell, label, _header(parent), text, number=number if counted else 0)
        before = self._runs.get(cell)
        if before is not None and before.text != text:
            hooks.cell_changed(cell)
        run.finished_before = {group.name: group for group in hooks.group_progress(ALL_NAMES)}
        run.session = hooks.session_id()
        self._running.append(run)
        self._runs[cell] = run
        self._runs.move_to_end(cell)
        self._numbered[number] = cell
        for remembered in (self._runs, self._numbered):
            while len(remembered) > CELLS_REMEMBERED_MAX:
                remembered.popitem(last=False)
        hooks.set_origin(hooks.Origin(run.cell, run.label))


def cell_label(shell: InteractiveShell, file: str) -> str | None:
    """What people call the cell that was compiled as a file: ``In [3]``, as its prompt; None for other files.

    IPython's own tracebacks write ``Cell In[3]``; whatever gnomon says itself writes it like this.
    """
    found = shell.compile.format_code_name(file)
    return found[1].replace("In[", "In [") if found else None


def parent_of(shell: InteractiveShell) -> Mapping[str, Any]:
    """The request that is being served, as the kernel knows it; empty in a terminal."""
    get_parent = getattr(shell, "get_parent", None)
    parent = get_parent() if get_parent is not None else None
    return parent if isinstance(parent, Mapping) else {}


def _header(parent: Mapping[str, Any]) -> Mapping[str, Any]:
    header = parent.get("header", parent)
    return dict(header) if isinstance(header, Mapping) else {}


def _message_id(parent: Mapping[str, Any]) -> str:
    return str(_header(parent).get("msg_id", ""))


def _front_end_id(parent: Mapping[str, Any]) -> str | None:
    metadata = parent.get("metadata")
    found = metadata.get("cellId") if isinstance(metadata, Mapping) else None
    return str(found) if found else None


def _cells_started(shell: InteractiveShell) -> int:
    """Number of the cell that starts now: IPython 8 counts at a cell's end, 9 at its start, ``In`` is one."""
    history = shell.history_manager
    return len(history.input_hist_parsed) if history is not None else shell.execution_count
