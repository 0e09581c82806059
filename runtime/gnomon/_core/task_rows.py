"""Rows of tasks: what the ledger notes of each one, and of attempts that were not the last."""

from __future__ import annotations

from enum import IntEnum

import msgspec


class TaskState(IntEnum):
    """The life of a task as its owner sees it, in the order of the columns of ``groups``."""

    WAITING = 0
    READY = 1
    RUNNING = 2
    DONE = 3
    FAILED = 4
    CANCELLED = 5


TASK_STATES = len(TaskState)


class TaskRow(msgspec.Struct, gc=False, eq=False, array_like=True):
    """One task. Mutable: the owner changes it in place; times are seconds on the monotonic clock.

    Written to disk only (``observe.recording``), as an array: names of fields would be most of it.

    Attributes:
        index: the number that it got when it was listed, in the order of listing; kept when it leaves the list. -1 if it
            never was.
        line: line of the submitting call in its cell or file.
        foreign: owned by another process, which reports it.
        told: the observer knows how it ended.
        submitter: id of the task that submitted it; ``parent`` is that one's number in the same ledger.
    """

    task: bytes
    group: int
    deps: tuple[int, ...]
    cell: int
    line: int
    parent: int
    submitter: bytes = b""
    index: int = -1
    state: int = 0
    worker: int = -1
    created: float = 0.0
    started: float = 0.0
    finished: float = 0.0
    attempt: int = 0
    error: str = ""
    foreign: bool = False
    told: bool = False


class PastAttempt(msgspec.Struct, frozen=True, gc=False):
    """An attempt at a task that another one follows, or has followed. Times as in :class:`TaskRow`.

    Attributes:
        number: 0 for the first.
        worker: where it ran, the number in the ledger; -1 if it is not known.
        state: how it ended: FAILED, or DONE where its result was lost later.
        reason: why another one follows; "" where it was done.
    """

    row: TaskRow
    number: int
    worker: int
    started: float
    finished: float
    state: int
    reason: str
