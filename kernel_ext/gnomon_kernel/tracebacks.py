"""Errors that gnomon raises on purpose end, in a notebook, at the line that was typed; its own are shown as cards.

A wrong argument is told by its sentence; the frames in which gnomon found it help nobody. They stay where
the error was not raised on purpose, that is not by a ``raise`` of ours: then it is a bug, to be reported.
"""

from __future__ import annotations

import dis
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import gnomon
from gnomon_kernel.cell_names import analyse
from gnomon_kernel.error_cards import card_of, has_card
from gnomon_kernel.object_names import word_for
from gnomon_kernel.origins import Origins, cell_label

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_PACKAGES = tuple(f"{path}/" for path in (Path(gnomon.__file__).parent, Path(__file__).parent))
_RAISE = dis.opmap["RAISE_VARARGS"]


class ShortTracebacks:
    """Shows the errors of one shell without the frames of gnomon at their end."""

    def __init__(self, shell: InteractiveShell, origins: Origins) -> None:
        self._shell = shell
        self._origins = origins
        self._show = shell.showtraceback

    def install(self) -> None:
        """From now on."""
        self._shell.showtraceback = self._shorten_and_show  # type: ignore[method-assign]

    def remove(self) -> None:
        """As before; what somebody else has put there since stays."""
        if self._shell.__dict__.get("showtraceback") == self._shorten_and_show:
            del self._shell.showtraceback

    def _shorten_and_show(self, exc_tuple: Any = None, *args: Any, **kwargs: Any) -> Any:
        given = exc_tuple or sys.exc_info()
        if len(given) == 3 and isinstance(given[1], BaseException):
            word = self._word_for(given[1]) if has_card(given[1]) else ""  # looks into the frames of gnomon
            shorten(given[1])
            exc_tuple = (given[0], given[1], given[1].__traceback__)
            if has_card(given[1]) and not hasattr(given[1], "_render_traceback_"):
                return self._show_card(exc_tuple, word, *args, **kwargs)
        return self._show(exc_tuple, *args, **kwargs)

    def _word_for(self, error: BaseException) -> str:
        assert isinstance(error, gnomon.exceptions.GnomonError)
        try:
            return word_for(error, self._shell.user_ns)
        except Exception:
            # what is in a notebook may do anything when it is looked at; the card is worth more
            return ""

    def _show_card(self, exc_tuple: Any, word: str, *args: Any, **kwargs: Any) -> Any:
        """As a card. In a kernel the HTML is an output, and the text is the ``error`` output right after it, which papermill,
        nbconvert and front ends look for; where both could be seen, the card hides it. In a terminal the text is printed.
        """
        shell: Any = self._shell
        kind, error, trace = exc_tuple
        try:
            card = card_of(error, self._cell_name, self._assigned_in, word)
            text, html = card.text(), card.html(self._origins.cell_of)
        except Exception:  # an error that can not be told well is told as Python does
            return self._show(exc_tuple, *args, **kwargs)
        shell._get_exc_info(exc_tuple)  # what %debug and sys.last_value look at
        shell.InteractiveTB.tb = trace
        if getattr(shell, "kernel", None) is None:
            shell._showtraceback(kind, error, text.split("\n"))
        else:
            sys.stdout.flush()
            sys.stderr.flush()
            first = text.split("\n", 1)[0]
            shell.display_pub.publish(
                {"text/plain": first, "text/html": html}, {"gnomon": {"error": kind.__name__}}
            )
            shell._showtraceback(kind, card.message(), text.split("\n"))
        if shell.call_pdb:
            shell.debugger(force=True)
        return None

    def _assigned_in(self, name: str) -> str:
        """The cell that has last given a value to a name, as far as texts tell."""
        for run in self._origins.newest_first():
            try:
                names = analyse(self._shell.transform_cell(run.text))  # type: ignore[no-untyped-call]
            except (SyntaxError, ValueError):
                continue
            if name in names.binds:
                return run.label
        return ""

    def _cell_name(self, file: str) -> str | None:
        return cell_label(self._shell, file)


def shorten(error: BaseException) -> None:
    """Drop the frames of gnomon at the end of an error's traceback, if gnomon raised it on purpose."""
    if isinstance(error, gnomon.exceptions.InternalError):
        return
    frames: list[TracebackType] = []
    entry = error.__traceback__
    while entry is not None:
        frames.append(entry)
        entry = entry.tb_next
    if not frames or frames[-1].tb_frame.f_code.co_code[frames[-1].tb_lasti] != _RAISE:
        return
    kept = len(frames)
    while kept and frames[kept - 1].tb_frame.f_code.co_filename.startswith(_PACKAGES):
        kept -= 1
    if 0 < kept < len(frames):
        frames[kept - 1].tb_next = None
