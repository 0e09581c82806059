"""All rows whose work is repeated in one long-lived session, in the order of the table."""

from __future__ import annotations

from . import rows_actors, rows_async_actors, rows_objects, rows_tasks  # noqa: TID252
from .work import Row  # noqa: TID252

_MODULES = (rows_objects, rows_tasks, rows_actors, rows_async_actors)

ROWS: dict[str, Row] = {row.name: row for module in _MODULES for row in module.rows.all}
