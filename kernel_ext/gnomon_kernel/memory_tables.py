"""``%remote memory``: who holds what, as tables in a notebook and as plain text anywhere else.

The text has whole ids, which makes its lines long. In the tables of a notebook an id takes little room and shows its end,
where ids differ; it is there as a whole for who copies it, and in its tooltip.
"""

from __future__ import annotations

import argparse
from html import escape
from typing import TYPE_CHECKING

from gnomon import observe
from gnomon.observe.memory_report import MemoryTable, memory_tables, memory_totals, more_words
from gnomon_kernel.cell_links import CellOf, linked
from gnomon_kernel.display import say
from gnomon_kernel.origins import Origins

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top;white-space:normal"
_ID = (
    "display:inline-block;max-width:8em;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;direction:rtl;"
    "vertical-align:bottom"
)
"""Cut at its beginning: that of ids which one process has made is the same."""


def show_memory(
    shell: InteractiveShell, origins: Origins, report: observe.MemoryReport, options: argparse.Namespace
) -> None:
    """Tables where the shell has a front end that shows them, else text."""
    how = {"group_by": options.group_by, "sort_by": options.sort_by, "units": options.units}
    text = observe.memory_text(report, **how, limit=options.num_entries)
    if getattr(shell, "kernel", None) is None:
        say(text)
        return
    tables = memory_tables(report, **how, limit=options.num_entries)
    totals = memory_totals(report, options.units)
    shell.display_pub.publish({"text/plain": text, "text/html": as_html(tables, totals, origins.cell_of)})


def as_html(tables: list[MemoryTable], totals: list[str], cell_of: CellOf) -> str:
    """The tables of a report in the notebook's colours; the cells that they name are links."""
    shown = "".join(_table(table, cell_of) for table in tables)
    below = "".join(f"<div>{escape(line)}</div>" for line in totals)
    return f'<div class="jp-gnomon-memory" style="line-height:1.4">{shown}{below}</div>'


def _table(table: MemoryTable, cell_of: CellOf) -> str:
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(name)}</th>' for name in table.head)
    rows = "".join(f"<tr>{_row(row, cell_of)}</tr>" for row in table.rows)
    more = f"<div>{escape(more_words(table))}</div>" if table.left_out else ""
    return (
        '<table style="border-collapse:collapse;margin:0 0 6px;font-size:inherit">'
        f'<caption style="caption-side:top;text-align:left;padding:0;font-weight:bold">{escape(table.title)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"
    )


def _row(row: tuple[str, ...], cell_of: CellOf) -> str:
    size, *words, identity = row
    cells = "".join(f'<td style="{_CELL}">{linked(word, cell_of)}</td>' for word in words)
    return (
        f'<td style="{_CELL};white-space:nowrap">{escape(size)}</td>{cells}'
        f'<td style="{_CELL}"><code title="{escape(identity)}" style="{_ID}">{escape(identity)}</code></td>'
    )
