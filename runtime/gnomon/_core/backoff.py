"""Backoff: tasks that were ended for want of memory, and when they are tried again. The owner's side.

Such a death is no fault of the task's alone, so it costs none of its ``max_retries``; it has a limit of its own, and each
one is waited for twice as long as the one before, so that what always dies does not spin.

The rule for a changer: a task that waits here is READY, and in no queue of ``DispatchMachine``.
"""

from __future__ import annotations

import msgspec

from gnomon._core.records import TaskRecord
from gnomon._messages.failures import MemoryShortage
from gnomon.ids import TaskID

FIRST_S = 1.0
"""How long the first try is put off; as in Ray."""

LONGEST_S = 60.0


class BackoffMachine:
    """See the module.

    Attributes:
        retries_max: how often a task may be tried again after such deaths; -1 is without end.
        deaths: how often each unfinished task has died so.
        waiting: when each that waits is due.
    """

    def __init__(self, retries_max: int = -1) -> None:
        self.retries_max = retries_max
        self.deaths: dict[TaskID, int] = {}
        self.waiting: dict[TaskID, float] = {}

    def may_retry(self, record: TaskRecord, shortage: MemoryShortage) -> bool:
        """Whether it is run again; then this death costs it nothing."""
        event = record.event
        died = self.deaths.get(event.task, 0)
        used_up = 0 <= self.retries_max <= died
        if shortage.alone or used_up or not event.max_retries:
            return False
        self.deaths[event.task] = died + 1
        if event.max_retries > 0:
            record.event = msgspec.structs.replace(event, max_retries=event.max_retries + 1)
            if record.replay is not None:
                record.replay.event = record.event
        return True

    def put_off(self, task: TaskID, now: float) -> None:
        """It waits before it is tried again."""
        self.waiting[task] = now + min(LONGEST_S, FIRST_S * 2 ** (self.deaths[task] - 1))

    def withdraw(self, task: TaskID) -> bool:
        """It is not to be tried; whether it waited here."""
        return self.waiting.pop(task, None) is not None

    def due(self, now: float) -> list[TaskID]:
        """Those that have waited for long enough."""
        found = [task for task, time in self.waiting.items() if now >= time]
        for task in found:
            del self.waiting[task]
        return found

    def next_wakeup(self) -> float | None:
        """When the next one is due."""
        return min(self.waiting.values(), default=None)
