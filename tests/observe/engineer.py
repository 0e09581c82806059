"""Fills a ledger as an engine would, for tests of what reads it."""

from __future__ import annotations

import time

from gnomon._core.ledger import Ledger, TaskRow, TaskState


class Engineer:
    """Writes a ledger the way an engine does."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._counter = 0

    def submit(self, name: str, deps: tuple[int, ...] = (), cell: str = "", line: int = 0) -> TaskRow:
        self._counter += 1
        number = self.ledger.cells.number((cell, f"In [{cell}]")) if cell else 0
        group = self.ledger.group(name)
        row = TaskRow(self._counter.to_bytes(16, "big"), group, deps, number, line, -1)
        self.ledger.task_submitted(row, time.monotonic())
        return row

    def start(self, row: TaskRow, worker: int = 0) -> None:
        row.worker = self.ledger.workers.number((f"{worker:016x}", 1000 + worker, f"worker {worker}"))
        row.started = time.monotonic()
        self.ledger.task_changed(row, TaskState.RUNNING)

    def finish(self, row: TaskRow, error: str = "") -> None:
        row.finished = time.monotonic()
        row.error = error
        self.ledger.task_changed(row, TaskState.FAILED if error else TaskState.DONE)
