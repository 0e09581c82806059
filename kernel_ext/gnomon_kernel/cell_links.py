"""Cells that are named in HTML, as links where there is somebody who can lead to them.

A link is an element of its own, ``<gnomon-cell>``: JupyterLab and Notebook 7 with the lab extension know what it does
(``labextension/src/cell-element.ts``); to a saved page, to VS Code and to a notebook that is not trusted it is the plain
text within it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

CellOf = Callable[[int], str]
"""The front end's id of the cell that ran as In [n]; "" if it is not known."""

_NAMED = re.compile(r"In ?\[(?P<number>\d+)\](?:(?:, line |:)(?P<line>\d+))?")


def no_cell(_number: int) -> str:
    """Knows none."""
    return ""


def linked(text: str, cell_of: CellOf) -> str:
    """A text as HTML in which the cells that it names, like ``In [3], line 2``, are links; ``In [3]:2`` is one, too."""
    parts = []
    end = 0
    for found in _NAMED.finditer(text):
        cell = cell_of(int(found["number"]))
        if cell:
            parts.append(escape(text[end : found.start()]))
            parts.append(
                f'<gnomon-cell data-cell="{escape(cell)}" data-line="{found["line"] or 0}">'
                f"{escape(found[0])}</gnomon-cell>"
            )
            end = found.end()
    return "".join([*parts, escape(text[end:])])
