"""The coach in the notebook: hints as small notes under the cell that has just ended, and ``%remote coach``.

What is worth a hint is decided in :mod:`gnomon.observe.coach`, from what is known in any case. Here is when it looks (at the
end of a cell, and when asked), what it reads (the text of cells), and how a hint is shown.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

import gnomon
from gnomon import observe
from gnomon_kernel.cell_links import CellOf, linked, no_cell
from gnomon_kernel.display import count, say
from gnomon_kernel.origins import CellRun, Origins

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from gnomon.observe.coach import Coach, Hint

_PINS_MIN_BYTES = 50_000_000
_LOOKS_SHARE = 0.02
"""Of the time that looking for what outputs hold may take; each look is a search through the notebook's names."""

_ANSWER_S = 1.0

_log = logging.getLogger("gnomon.coach")


class CellCoach:
    """The coach of one shell."""

    def __init__(self, shell: InteractiveShell, origins: Origins) -> None:
        self._shell = shell
        self._origins = origins
        self._on = True
        self._coach: Coach | None = None
        self._outputs_due = 0.0

    def on_cell_end(self, ended: CellRun) -> None:
        """Look, and show what there is to say, below the cell that has ended."""
        if not self._on or not gnomon.is_initialized():
            return
        try:
            hints = self._look(ended)
        except Exception:  # a hint is never worth a cell's failure
            _log.exception("The coach could not look at the session; %%remote coach off switches it off.")
            return
        for hint in hints:
            self._show(hint)

    def command(self, word: str | None) -> None:
        """``%remote coach [on|off]``: switch it, or list what it has said."""
        if word is not None:
            self._on = word == "on"
            say(f"gnomon coach is {word}")
            return
        hints = [] if self._coach is None else self._coach.told
        if not hints:
            say(f"gnomon coach is {'on' if self._on else 'off'}, and has no hints so far")
            return
        say(f"gnomon coach has given {count(len(hints), 'hint')}{'' if self._on else ', and is off now'}:")
        for hint in hints:
            say(f"  {hint.text()}")

    def _look(self, ended: CellRun) -> list[Hint]:
        if self._coach is None:
            from gnomon.observe.coach import Coach  # nothing to import before a session runs

            self._coach = Coach(self._sources_of)
        hints = self._coach.look()
        return hints + self._look_at_outputs(self._coach, ended)

    def _look_at_outputs(self, coach: Coach, ended: CellRun) -> list[Hint]:
        nodes = observe.nodes()
        used = sum(node.get("store_used_bytes", 0) for node in nodes)
        began = time.monotonic()
        if used < _PINS_MIN_BYTES or began < self._outputs_due:
            return []
        capacity = sum(node.get("store_capacity_bytes", 0) for node in nodes)
        rows = observe.memory(everywhere=False).rows
        if coach.pins(rows, capacity, ended.number):  # then it is worth asking who else uses it
            identities = [row.object_id for row in rows if row.size_bytes]
            rows = observe.memory(identities, timeout_s=_ANSWER_S).rows
            hints = coach.look_at_outputs(rows, capacity, ended.number)
        else:
            hints = []
        ends = time.monotonic()
        self._outputs_due = ends + (ends - began) / _LOOKS_SHARE
        return hints

    def _sources_of(self, cell: str) -> Iterator[str]:
        """The code of a cell, then that of the others that may have defined the function around a line."""
        for run in self._origins.runs(cell):
            yield self._shell.transform_cell(run.text)  # type: ignore[no-untyped-call]

    def _show(self, hint: Hint) -> None:
        text = f"Hint: {hint.text()}"
        if getattr(self._shell, "kernel", None) is None:
            say(text)
            return
        bundle = {"text/plain": text, "text/html": as_html(hint, self._origins.cell_of)}
        self._shell.display_pub.publish(bundle, {"gnomon": {"hint": hint.kind}})


def as_html(hint: Hint, cell_of: CellOf = no_cell) -> str:
    """A hint as a small note in the notebook's colours; the cells that it names are links."""
    attributes: dict[str, Any] = {"hint": hint.kind, "cell": hint.cell, "line": hint.line}
    data = "".join(f' data-gnomon-{name}="{escape(str(value))}"' for name, value in attributes.items())
    return (
        f'<div class="jp-gnomon-hint" role="note"{data} style="border-left:3px solid var(--jp-info-color1,#0288d1);'
        "padding:2px 8px;font-size:var(--jp-ui-font-size1,13px);line-height:1.45;"
        f'color:var(--jp-ui-font-color1,#333)"><b>Hint, {linked(hint.place, cell_of)}:</b> '
        f"{linked(hint.finding, cell_of)} {linked(hint.advice, cell_of)}</div>"
    )
