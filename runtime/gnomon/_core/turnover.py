"""Turnover: for which tasks a full list makes room, and which rows leave it.

A list that were full for good would be blind: what somebody does next had no row. A list that took in each task of a
flood would be of no use either, and dear: its readers are told of every row that comes and goes. So rows leave in
batches. A cell that is new gets room at once; all others share one batch in ``REFILL_S``, so of a flood the views see its
beginning, and some of it now and then. The one rule for a changer: the answer for a task of a flood is a comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from gnomon._core.task_rows import TaskRow, TaskState

REFILL_S = 5.0
"""A batch may go so often, whoever it is for."""

LOOK_AGAIN_S = 0.25
"""After a look that found few rows to go, as most tasks have not ended."""

_BATCH_SHARE = 5
"""A batch is one row in so many of the list."""

_CELL_BATCHES = 2
"""Rows of a new cell that are listed at once, together with those that found room."""

_FAILED_KEPT_SHARE = 10
"""One row in so many of the list may be a failed task's for as long as it is among the latest of them."""


class Turnover:
    """How many rows may leave a list, in the course of time.

    Attributes:
        shut_until: before that time nothing goes for tasks of ``cell`` or an earlier one.
        cell: the latest one for which something has gone.
    """

    def __init__(self) -> None:
        self.shut_until = 0.0
        self.cell = -1
        self._left = 0

    def share(self, cell: int, now: float, rows: Sequence[TaskRow], rows_max: int) -> int:
        """How many rows may go so that a task gets one; 0 if it is only counted.

        Args:
            cell: the number of its cell; a cell that is run again is another one.
            now: when it was submitted, seconds.
            rows: the full list.
            rows_max: how long it may be.
        """
        batch = max(1, rows_max // _BATCH_SHARE)
        if cell > self.cell:
            self.cell = cell
            own = sum(row.cell == cell for row in rows)
            self._left = max(self._left, _CELL_BATCHES * batch - own)
            if self._left > 0:
                self.shut_until = now
        if now < self.shut_until:
            return 0
        if self._left <= 0:
            self._left = batch
        return min(batch, self._left)

    def spent(self, gone: int, share: int, now: float) -> None:
        """Of a share so many rows were found that could go."""
        self._left -= gone
        if self._left <= 0:
            self.shut_until = now + REFILL_S
        elif gone < share:
            self.shut_until = now + LOOK_AGAIN_S


def leaving(
    rows: Sequence[TaskRow], count: int, held: Callable[[], Collection[str]], rows_max: int
) -> list[TaskRow]:
    """The rows that go, at most ``count``: of tasks that have ended, the oldest first; those whose results somebody holds
    only when there are no others, and the latest that failed never.

    Args:
        rows: the list, oldest first.
        count: no more than that.
        held: tells the ids in hex of tasks whose results have a row; asked only if it matters, since they may be very many.
        rows_max: how long the list may be.
    """
    done = int(TaskState.DONE)
    ended = [row for row in rows if row.state >= done]
    failed = [row.index for row in ended if row.state == TaskState.FAILED]
    kept = frozenset(failed[-max(1, rows_max // _FAILED_KEPT_SHARE) :])
    may_go = [row for row in ended if row.index not in kept]
    if len(may_go) <= count:
        return may_go
    needed_by = held()
    free = [row for row in may_go if row.task.hex() not in needed_by]
    if len(free) >= count:
        return free[:count]
    needed = [row for row in may_go if row.task.hex() in needed_by]
    return [*free, *needed[: count - len(free)]]
