"""``%remote tasks``, and ``objects``, ``actors``, ``nodes`` with a filter: rows of now, as pandas frames."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gnomon
from gnomon import observe

if TYPE_CHECKING:
    import pandas

Row = dict[str, Any]

_NAMED_BY = ("name", "class", "producer")
"""Where rows of tasks, actors and objects have the name that ``--name`` means."""


class Tables:
    """Frames for one notebook."""

    def frame(self, kind: str, options: argparse.Namespace) -> pandas.DataFrame:
        """The rows that the options let through, the newest last.

        Args:
            kind: "tasks", "objects", "actors" or "nodes".
            options: of the command.
        """
        rows = _READERS[kind]()
        kept = [number for number, row in enumerate(rows) if _fits(row, options)]
        if options.limit is not None:
            kept = kept[-options.limit :]
        return observe.frame(rows).iloc[kept].reset_index(drop=True)  # it has its columns also without rows


def is_filtered(options: argparse.Namespace) -> bool:
    """Whether a table was asked for: by ``--frame``, or by any filter."""
    return any(value not in (None, False) for value in vars(options).values())


def _fits(row: Row, options: argparse.Namespace) -> bool:
    cell, name = getattr(options, "cell", None), getattr(options, "name", None)
    if options.state is not None and row.get("state") != options.state:
        return False
    if cell is not None and row.get("cell") != f"In [{cell}]":
        return False
    return name is None or any(row.get(column) == name for column in _NAMED_BY)


def _nodes() -> list[Row]:
    if not gnomon.is_initialized():
        return []
    watched = {row["id"]: row for row in observe.nodes()}
    return [_node(row, watched.get(row["NodeID"], {})) for row in gnomon.nodes()]


def _node(row: Row, watched: Row) -> Row:
    """What the cluster says of a node, and what a live view has been told, if one is open."""
    resources = {name: value for name, value in row["Resources"].items() if not name.startswith("node:")}
    return {
        "name": row["NodeName"],
        "node_id": row["NodeID"],
        "state": "alive" if row["Alive"] else "dead",
        **{name: resources.pop(name, 0.0) for name in ("CPU", "GPU")},
        "resources": {name: value for name, value in resources.items() if name != "memory"},
        "workers": watched.get("workers"),
        "store_used_bytes": watched.get("store_used_bytes"),
        "labels": row["Labels"],
    }


def _objects() -> list[Row]:
    return observe.objects()[::-1]  # the largest last, where --limit keeps it


_READERS: dict[str, Callable[[], list[Row]]] = {
    "tasks": observe.tasks,
    "objects": _objects,
    "actors": observe.actors,
    "nodes": _nodes,
}
