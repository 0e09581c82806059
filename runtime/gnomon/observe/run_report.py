"""Reports: one file that shows a run, as it was at any moment, in any browser and without a network.

The page is the live views themselves, and what they are told is a recording of the feed: the same messages in
the same format (``observe.feed``), first what changed besides tasks, in the order of time, then all tasks, whose
rows tell what they were when. The views can go back in time by themselves; the page lets them.

A report holds what the views show: names of functions, cells by number and line, sizes, states, times, the first
words of errors. It holds no code, no values, no arguments, no output and nothing of the environment.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from gnomon._core.ledger import Ledger, TaskRow
from gnomon.exceptions import NotInitializedError
from gnomon.observe.backlog import Backlog, Message, Source
from gnomon.observe.largest import LargestObjects
from gnomon.observe.recording import Recording, Run
from gnomon.observe.timeline import write_chrome_trace

SCRIPT = Path(__file__).parent / "static" / "report.js"
"""Built from ``labextension/src``; part of every wheel, absent in a Python-only installation."""

REPORT_TASKS_MAX = 200_000
"""A page with more would be slow; the first ones are shown, the others only counted."""

_MARK = "<!doctype html><!-- gnomon report -->"
_TRACE_MARKS = ('[{"ph":', "[]")
_SUFFIXES = (".html", ".htm", ".json")


def write_report(path: str | os.PathLike[str], recording: Recording, *, replace: bool = False) -> Path:
    """Write what is known of a run to a file; see :func:`gnomon.observe.report`."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in _SUFFIXES:
        raise ValueError(
            f"A report is a page (.html) or a Chrome trace (.json); {target.name!r} says neither: "
            f"try {target.stem or 'run'}.html."
        )
    _check_target(target, replace)
    run = recording.run()
    if run is None:
        raise NotInitializedError("There is nothing to report: no session has run.")
    whole = whole_ledger(run)
    if suffix == ".json":
        return write_chrome_trace(target, whole)
    target.write_text(page_of(run, whole), encoding="utf-8")
    return target


def whole_ledger(run: Run) -> Ledger:
    """A run's ledger as it would be if it listed all tasks that are known."""
    known = run.ledger
    whole = Ledger(known.session, REPORT_TASKS_MAX)
    whole.names, whole.cells, whole.workers = known.names, known.cells, known.workers
    whole.counts, whole.tasks_total = known.counts, known.tasks_total
    whole.objects, whole.actors, whole.nodes = known.objects, known.actors, known.nodes
    whole.totals, whole.tempo = known.totals, known.tempo
    whole.spans, whole.spans_total = known.spans, known.spans_total
    whole.attempts, whole.attempts_total = known.attempts, known.attempts_total
    whole.tasks, whole.numbers_given = run.listed, known.numbers_given
    if run.unlisted:
        _put_in_order(whole, run.unlisted)
    return whole


def _put_in_order(whole: Ledger, unlisted: list[TaskRow]) -> None:
    """List also those that were not, or no longer, in the order of their submission. That is their numbers here; they are
    shown with those that the views have called them by, and one that never had any with one behind those.
    """
    rows = {row.task: row for row in (*unlisted, *whole.tasks)}
    # of those submitted in one moment the listed ones first, which others may refer to
    order = sorted(rows.values(), key=lambda row: (row.created, row.index < 0, row.index))[:REPORT_TASKS_MAX]
    places = {row.index: place for place, row in enumerate(order) if row.index >= 0}
    new_numbers = count(whole.numbers_given)
    whole.shown = {
        place: row.index if row.index >= 0 else next(new_numbers) for place, row in enumerate(order)
    }
    whole.tasks = [
        replace(
            row,
            index=place,
            parent=places.get(row.parent, -1),
            deps=tuple(places[dep] for dep in row.deps if dep in places),
        )
        for place, row in enumerate(order)
    ]
    known = {row.task: row for row in whole.tasks}
    whole.attempts = deque(
        (number, replace(past, row=known[past.row.task]))
        for number, past in whole.attempts.copy()
        if past.row.task in known
    )


def page_of(run: Run, whole: Ledger) -> str:
    """The page of a run.

    Raises:
        FileNotFoundError: this installation lacks the views' script.
    """
    try:
        script = SCRIPT.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FileNotFoundError(
            "This installation lacks the views' script, which reports need: run `npm run build:prod` in the "
            "source tree, or write a Chrome trace (.json)."
        ) from None
    script = script.replace("</script", "<\\/script")  # in its texts: a page's script ends at the first one
    data = base64.b64encode(gzip.compress(_packed(messages_of(run, whole)), 6)).decode("ascii")
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.ended or time.time()))
    title = html.escape(f"gnomon run of {when}")
    return (
        f'{_MARK}\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # the page may load nothing from anywhere, whatever is in it
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data: blob:; '
        "script-src 'unsafe-inline'; style-src 'unsafe-inline'\"></head>\n"
        f'<body><header><h1>{title}</h1></header><main id="gnomon"></main><noscript>This page needs JavaScript.</noscript>\n'
        f'<script type="text/plain" id="gnomon-run">{data}</script>\n'
        f"<script>{script}</script></body></html>\n"
    )


def messages_of(run: Run, whole: Ledger) -> Iterator[Message]:
    """The recording as messages of the feed: a snapshot, deltas, and one that says what it is."""
    end = run.ended or time.time()
    first = {"engine": run.engine, "session": whole.session}
    sequence = 0
    for change in run.changes:
        yield {"kind": "delta" if sequence else "snapshot", "seq": sequence, **first, **change}, b""
        sequence += 1
    largest = LargestObjects()
    largest.search(whole.objects.copy())
    source = Source(whole, run.engine, largest, run.offset_s)
    backlog = Backlog()
    while (message := backlog.take(source)) is not None:
        header, buffer = message
        kind = "delta" if sequence else "snapshot"
        yield {**header, "kind": kind, "seq": sequence, "time": end}, buffer
        sequence += 1
    if run.ended:
        yield {"kind": "idle", "time": end}, b""
    yield (
        {"kind": "recorded", "time": end, "note": _note(run, whole), "numbers": _numbers(whole.shown)},
        b"",
    )


def _numbers(shown: Mapping[int, int]) -> list[tuple[int, int]]:
    """What tasks are shown as, in runs: from this number on, they are shown with numbers from that one on."""
    runs: list[tuple[int, int]] = []
    for number, as_what in shown.items():
        before = runs[-1][1] - runs[-1][0] if runs else 0
        if as_what - number != before:
            runs.append((number, as_what))
    return runs


def _note(run: Run, whole: Ledger) -> str:
    missing = whole.tasks_total - len(whole.tasks)
    parts = [f"{missing:,} task{'s' * (missing > 1)} not listed, only counted"] if missing > 0 else []
    return "; ".join([*parts, *([run.trouble] if run.trouble else [])])


def _packed(messages: Iterator[Message]) -> bytes:
    """Frames of the page: lengths of header and buffer (4 bytes each, little endian), header, buffer."""
    parts: list[bytes] = []
    for header, buffer in messages:
        text = json.dumps(header, separators=(",", ":")).encode()
        parts += [len(text).to_bytes(4, "little"), len(buffer).to_bytes(4, "little"), text, buffer]
    return b"".join(parts)


def _check_target(target: Path, replace: bool) -> None:
    """A file that is no report of ours is not overwritten unless that was asked for."""
    if replace or not target.exists():
        return
    with target.open("rb") as file:
        begin = file.read(64).decode("utf-8", "replace")
    marks: tuple[Any, ...] = _TRACE_MARKS if target.suffix.lower() == ".json" else (_MARK,)
    if not begin.startswith(marks):
        raise FileExistsError(
            f"{target} exists and is no report: choose another name, or overwrite it (--replace, replace=True)."
        )
