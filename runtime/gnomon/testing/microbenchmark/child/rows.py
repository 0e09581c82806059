"""All rows whose work is repeated in one long-lived session, in the order of the table."""

from __future__ import annotations

from . import rows_actors, rows_async_actors, rows_objects, rows_tasks  # noqa: TID252
from .work import Row  # noqa: TID252

_MODULES = (rows_objects, rows_tasks, rows_actors, rows_async_actors)

RAYS_ROWS: tuple[Row, ...] = tuple(row for module in _MODULES for row in module.rows.all)
"""The rows of ``ray microbenchmark``, in its order, on which the figures of the gigabyte rows depend."""

ROWS: dict[str, Row] = {row.name: row for row in (*RAYS_ROWS, *rows_objects.steady_rows.all)}
