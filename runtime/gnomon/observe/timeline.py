"""The timeline: which task ran where and when, and what else took time, in the trace-event format that trace viewers read.

One row a worker, one span a task; tasks that still run end now. Open the file in Perfetto or in
``chrome://tracing``. :func:`spans` gives the same as plain values.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon._core.ledger import Ledger, TaskRow, TaskState
from gnomon.observe.columns import wall_time
from gnomon.observe.state import ledger_of


@dataclass(frozen=True, slots=True)
class Span:
    """One task that has started, where it ran.

    Attributes:
        function: its number in :attr:`Spans.names`.
        start: seconds on the monotonic clock, as ``end``; what runs ends now.
        state: as :func:`~gnomon.observe.tasks` names them.
    """

    function: int
    start: float
    end: float
    state: str


@dataclass(frozen=True, slots=True)
class WorkSpan:
    """What took time in a worker, or in a node's own process, and is no task as it ended.

    Attributes:
        kind: "transfer", "spill", "restore", "read" (arguments) or "write" (results); "again" is an attempt that another
            one followed.
        start: seconds on the monotonic clock, as ``end``.
    """

    kind: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Spans:
    """What ran where and when, as a small static picture needs it.

    Attributes:
        names: of functions.
        workers: what each row is called.
        rows: for each worker its spans by start.
        begin: start of the first span, seconds on the monotonic clock; 0 without any.
        end: of the last one.
        work: for each worker what took its time besides, by start. Nodes whose own processes worked have rows behind those
            of the workers, without spans.
    """

    names: Sequence[str]
    workers: Sequence[str]
    rows: Sequence[Sequence[Span]]
    begin: float = 0.0
    end: float = 0.0
    work: Sequence[Sequence[WorkSpan]] = ()


NO_SPANS = Spans((), (), ())


def worker_name(label: str, pid: int) -> str:
    """``worker 4711``, ``actor Counter (worker 4711)``: as the views call it."""
    return f"{label} (worker {pid})" if label.startswith("actor ") else label


def spans(*, ledger: Ledger | None = None) -> Spans:
    """What ran where and when: all listed tasks that have started, by worker.

    Args:
        ledger: another ledger than the current session's.
    """
    book = ledger_of(ledger)
    if book is None:
        return NO_SPANS
    now = time.monotonic()
    labels = [label for _identity, _pid, label in list(book.workers.entries)]
    rows: list[list[Span]] = [[] for _ in labels]
    for row in list(book.tasks):
        if row.started and 0 <= row.worker < len(rows):
            running = row.state == TaskState.RUNNING
            end = now if running else max(row.finished, row.started)
            rows[row.worker].append(Span(row.group, row.started, end, TaskState(row.state).name.lower()))
    for of_worker in rows:
        of_worker.sort(key=lambda span: span.start)
    work = _work(book, labels)
    rows += [[] for _ in range(len(work) - len(rows))]
    times = [(span.start, span.end) for row in rows for span in row]
    times += [(span.start, span.end) for of_one in work for span in of_one]
    begin = min((start for start, _ in times), default=0.0)
    end = max((end for _, end in times), default=0.0)
    return Spans(list(book.names.entries), labels, rows, begin, end, work)


def _work(book: Ledger, labels: list[str]) -> list[list[WorkSpan]]:
    """What is no task, by row; rows of nodes are added to ``labels``."""
    numbers = {
        identity: number for number, (identity, *_) in enumerate(list(book.workers.entries)[: len(labels)])
    }
    found: list[list[WorkSpan]] = [[] for _ in labels]
    for _, past in book.attempts.copy():
        if 0 <= past.worker < len(found):
            found[past.worker].append(WorkSpan("again", past.started, past.finished))
    for _, span in book.spans.copy():
        place = span.process.hex()
        if place not in numbers:
            numbers[place] = len(labels)
            labels.append(_node_label(book, place))
            found.append([])
        found[numbers[place]].append(WorkSpan(span.kind, span.start, span.end))
    for of_one in found:
        of_one.sort(key=lambda span: span.start)
    return found


def _node_label(book: Ledger, process: str) -> str:
    found = (row["label"] for row in book.nodes.copy().values() if row.get("process") == process)
    return f"{next(found, '') or 'node'}: copies, disk"


_PROCESS = 1
"""The format wants a process for each row; one is enough for one session."""

_COLOURS = {TaskState.FAILED: "terrible", TaskState.CANCELLED: "grey", TaskState.RUNNING: "yellow"}
"""The viewers' own colour names; tasks that are done get one by function name."""


def chrome_trace(ledger: Ledger | None = None) -> list[dict[str, Any]]:
    """Events of all listed tasks that have started.

    Args:
        ledger: another ledger than the current session's.

    Returns:
        Complete events ("ph": "X") with ``ts`` and ``dur`` in microseconds, and the names of the rows.
    """
    book = ledger_of(ledger)
    if book is None:
        return []
    offset_s = time.time() - time.monotonic()
    now = time.monotonic()
    names: list[dict[str, Any]] = [
        {
            "ph": "M",
            "name": "thread_name",
            "pid": _PROCESS,
            "tid": number,
            "args": {"name": worker_name(label, pid)},
        }
        for number, (_identity, pid, label) in enumerate(list(book.workers.entries))
    ]
    tasks = [_span(book, row, offset_s, now) for row in list(book.tasks) if row.started]
    return names + tasks + _past_attempts(book, offset_s) + _other_work(book, offset_s)


def _past_attempts(book: Ledger, offset_s: float) -> list[dict[str, Any]]:
    """Attempts at tasks that others have followed, where they ran."""
    return [
        {
            "ph": "X",
            "cat": "attempt",
            "name": book.names.entries[past.row.group],
            "pid": _PROCESS,
            "tid": max(past.worker, 0),
            "ts": wall_time(past.started, offset_s) * 1e6,
            "dur": max(0.0, past.finished - past.started) * 1e6,
            "cname": "bad",
            "args": {
                "task": _title(book, past.row),
                "task_id": past.row.task.hex(),
                "attempt": past.number + 1,
                "tried again": past.reason,
            },
        }
        for _, past in book.attempts.copy()
    ]


def _other_work(book: Ledger, offset_s: float) -> list[dict[str, Any]]:
    """What took time and is no task; that of nodes' own processes stands in a row of its own for each."""
    rows = {identity: number for number, (identity, _pid, _label) in enumerate(list(book.workers.entries))}
    events: list[dict[str, Any]] = []
    for _number, span in book.spans.copy():
        place = span.process.hex()
        if place not in rows:
            rows[place] = len(rows)
            name = {"name": _node_label(book, place)}
            events.append(
                {"ph": "M", "name": "thread_name", "pid": _PROCESS, "tid": rows[place], "args": name}
            )
        events.append(
            {
                "ph": "X",
                "cat": span.kind,
                "name": span.kind,
                "pid": _PROCESS,
                "tid": rows[place],
                "ts": wall_time(span.start, offset_s) * 1e6,
                "dur": max(0.0, span.end - span.start) * 1e6,
                "args": {"bytes": span.size, "about": span.about},
            }
        )
    return events


def write_chrome_trace(path: str | os.PathLike[str], ledger: Ledger | None = None) -> Path:
    """Write :func:`chrome_trace` to a file.

    Raises:
        OSError: the file can not be written.
    """
    target = Path(path)
    target.write_text(json.dumps(chrome_trace(ledger)), encoding="utf-8")
    return target


def _title(book: Ledger, row: TaskRow) -> str:
    """``load #17``, as the views call a task."""
    name: str = book.names.entries[row.group]
    return f"{name} #{book.shown.get(row.index, row.index)}" if row.index >= 0 else name


def _span(book: Ledger, row: TaskRow, offset_s: float, now: float) -> dict[str, Any]:
    span: dict[str, Any] = {
        "ph": "X",
        "cat": "task",
        "name": book.names.entries[row.group],
        "pid": _PROCESS,
        "tid": max(row.worker, 0),
        "ts": wall_time(row.started, offset_s) * 1e6,
        "dur": max(0.0, (row.finished or now) - row.started) * 1e6,
        "args": {
            "task": _title(book, row),
            "task_id": row.task.hex(),
            "state": TaskState(row.state).name.lower(),
            "cell": book.cells.entries[row.cell][1],
            "line": row.line,
            "error": row.error,
        },
    }
    colour = _COLOURS.get(TaskState(row.state))
    if colour is not None:
        span["cname"] = colour
    return span
