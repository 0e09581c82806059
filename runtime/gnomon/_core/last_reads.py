"""LastReads: what actors' processes may still read that are being killed. One per process.

An incarnation is over for its calls before its process has ended; until it has, it may read what their arguments hold.
"""

from __future__ import annotations

from collections.abc import Iterable

from gnomon._core.call_queue import CallRecord
from gnomon._core.references import ReferenceMachine
from gnomon.ids import ObjectID, WorkerID


class LastReads:
    """Holds by process, until the node tells of its end."""

    def __init__(self, references: ReferenceMachine) -> None:
        self.references = references
        self._held: dict[WorkerID, list[ObjectID]] = {}

    def keep(self, worker: WorkerID, lost: Iterable[CallRecord]) -> None:
        """``worker`` had these calls, is being killed and still lives."""
        for record in lost:
            if record.holds:
                self.references.hold(record.holds)
                self._held.setdefault(worker, []).extend(record.holds)

    def on_process_lost(self, process: WorkerID) -> None:
        """Now it reads nothing any more."""
        held = self._held.pop(process, None)
        if held is not None:
            self.references.release(held)
