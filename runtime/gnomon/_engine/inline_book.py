"""What the inline engine writes into the ledger, so that the views work on it as on any engine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from gnomon._core.ledger import Ledger, TaskRow, TaskState
from gnomon._engine.base import Origin
from gnomon._engine.call_sites import label_of
from gnomon.ids import NodeID, ObjectID, TaskID, WorkerID, node_name
from gnomon.resources import Resources, to_amounts


class InlineBook:
    """Rows of tasks, actors and the one node."""

    def __init__(self, ledger: Ledger, worker: WorkerID, node: NodeID) -> None:
        self.ledger = ledger
        self._node = node
        self._process = worker
        self._worker = ledger.workers.number((worker.hex(), os.getpid(), "this process"))

    def submitted(
        self,
        task: TaskID,
        name: str,
        dependencies: Iterable[ObjectID],
        origin: Origin | None,
        line: int,
        parent: TaskRow | None,
    ) -> TaskRow:
        """A call exists."""
        ledger = self.ledger
        cell = self.cell(origin) if origin is not None else (parent.cell if parent is not None else 0)
        deps = ledger.producers(dependencies)
        row = TaskRow(task, ledger.group(name), deps, cell, line, parent.index if parent is not None else -1)
        row.state = TaskState.READY
        ledger.task_submitted(row, time.monotonic())
        return row

    def started(self, row: TaskRow, attempt: int) -> None:
        """It runs."""
        if attempt > row.attempt:
            self.ledger.tried(row, time.monotonic(), "it raised an error that is worth another attempt")
        row.started = time.monotonic()
        row.worker = self._worker
        row.attempt = attempt
        self.ledger.task_changed(row, TaskState.RUNNING)

    def ended(self, row: TaskRow, state: TaskState, error: str = "") -> None:
        """It has an outcome."""
        row.finished = time.monotonic()
        row.error = error[:200]
        self.ledger.task_changed(row, state)

    def cell(self, origin: Origin | None) -> int:
        """The number of a cell."""
        return 0 if origin is None else self.ledger.cells.number((origin.cell, label_of(origin)))

    def node(
        self, resources: Resources, available: Resources, capacity_bytes: int, alive: bool = True
    ) -> None:
        """What the node has."""
        self.ledger.node_changed(
            self._node.hex(),
            label=node_name(self._node),
            process=self._process.hex(),
            pid=os.getpid(),
            alive=alive,
            resources=to_amounts(resources),
            available=to_amounts(available),
            workers=1,
            store_used_bytes=self.ledger.totals["store_used_bytes"],
            store_capacity_bytes=capacity_bytes,
        )
