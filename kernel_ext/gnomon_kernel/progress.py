"""One line for each function of a cell that waits in ``get``: done, running, failed, time left.

The API tells :meth:`WaitDisplay.observe`, in the waiting thread, how far the wait is: first after half a
second, then four times a second, and at its end. All waits of a cell share one output, which is rewritten in
place, once more when the cell has ended (waits that were too short to be told may have followed), and keeps its
last state, as HTML and as text. Counts and the time are those since the cell began: what was open then, and what
has been submitted since. As in the graph, "8/10" says that eight of ten are done; failed ones are not.
"""

from __future__ import annotations

import dataclasses
import html
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gnomon.observe import hooks
from gnomon_kernel.display import duration
from gnomon_kernel.origins import ALL_NAMES, CellRun, Origins

FUNCTIONS_SHOWN_MAX = 20
"""More functions than these are added up in a last line."""

ESTIMATE_AFTER_S = 2.0
"""No time left is told before: the first rates are far off."""

Publish = Callable[[dict[str, str], str, bool], Any]
"""Shows a MIME bundle under a display id; the third argument says that it is shown already."""


@dataclass(frozen=True, slots=True)
class FunctionProgress:
    """How far the tasks of one function are, since the cell began."""

    name: str
    total: int
    done: int
    running: int
    failed: int
    cancelled: int

    @property
    def ended(self) -> int:
        """Tasks with an outcome."""
        return self.done + self.failed + self.cancelled


class WaitDisplay:
    """The progress lines of the running cell.

    Args:
        origins: tells which cell that is.
        publish: shows them.
        counted: the counts of all functions of the session.
    """

    def __init__(
        self,
        origins: Origins,
        publish: Publish,
        counted: Callable[[], tuple[hooks.GroupProgress, ...]] = lambda: hooks.group_progress(ALL_NAMES),
    ) -> None:
        self._origins = origins
        self._publish = publish
        self._counted = counted
        self._run: CellRun | None = None
        self._display_id = ""
        self._first: tuple[float, int] = (0.0, 0)
        self._last: tuple[list[FunctionProgress], hooks.WaitProgress] | None = None

    def observe(self, progress: hooks.WaitProgress) -> None:
        """Show how far a wait is; the API calls it in the waiting thread."""
        run = self._origins.current
        update = bool(self._display_id) and run is self._run
        if not update:
            self._run, self._display_id = run, f"gnomon-progress-{uuid.uuid4().hex}"
        rows = since_cell_start(self._counted() or progress.groups, run)
        if run is not None:
            passed = max(progress.elapsed_s, time.monotonic() - run.began)
            progress = dataclasses.replace(progress, elapsed_s=passed)
        self._show(rows, progress, self._time_left(rows, progress, first=not update), update)

    def cell_ended(self, run: CellRun) -> None:
        """What the cell has done since its last wait that was told of is added to its lines."""
        if run is not self._run or self._last is None:
            return
        shown, progress = self._last
        rows = since_cell_start(self._counted(), run)
        if not rows or rows == shown:
            return
        if progress.satisfied or all(row.ended == row.total for row in rows):
            passed = time.monotonic() - run.began
            progress = dataclasses.replace(progress, ready=progress.total, elapsed_s=passed)
        self._show(rows, dataclasses.replace(progress, finished=True), None, update=True)

    def _show(
        self, rows: list[FunctionProgress], progress: hooks.WaitProgress, left_s: float | None, update: bool
    ) -> None:
        self._last = rows, progress
        bundle = {"text/plain": as_text(rows, progress, left_s), "text/html": as_html(rows, progress, left_s)}
        self._publish(bundle, self._display_id, update)

    def _time_left(
        self, rows: list[FunctionProgress], progress: hooks.WaitProgress, first: bool
    ) -> float | None:
        ended = sum(row.ended for row in rows) if rows else progress.ready
        open_ones = (sum(row.total for row in rows) if rows else progress.total) - ended
        if first or progress.elapsed_s < self._first[0]:
            self._first = (progress.elapsed_s, ended)
        passed, gained = progress.elapsed_s - self._first[0], ended - self._first[1]
        if progress.finished or passed < ESTIMATE_AFTER_S or gained <= 0 or not open_ones:
            return None
        if progress.tempo == "paused":
            return None
        return open_ones * passed / gained


def since_cell_start(groups: tuple[hooks.GroupProgress, ...], run: CellRun | None) -> list[FunctionProgress]:
    """What the session's counts say about this cell: less the tasks that had ended when it began."""
    session = hooks.session_id()
    if (
        run is not None and run.session != session
    ):  # the cell has started another one, in which all is its own
        run.session, run.finished_before = session, {}
    rows = []
    for group in groups:
        before = run.finished_before.get(group.name) if run is not None else None
        done, failed, cancelled = (before.done, before.failed, before.cancelled) if before else (0, 0, 0)
        rows.append(
            FunctionProgress(
                name=group.name,
                total=group.total - done - failed - cancelled,
                done=group.done - done,
                running=group.running,
                failed=group.failed - failed,
                cancelled=group.cancelled - cancelled,
            )
        )
    rows = [row for row in rows if row.total > 0]
    return rows if len(rows) <= FUNCTIONS_SHOWN_MAX else _with_rest(rows)


def as_text(rows: list[FunctionProgress], progress: hooks.WaitProgress, left_s: float | None) -> str:
    """One line for each function."""
    lines = [f"{row.name}: {row.done:,}/{row.total:,}{_state_words(row, progress)}" for row in rows]
    if _told_by_references(rows, progress):
        lines.append(f"{_REFERENCES}: {progress.ready:,}/{progress.total:,}")
    lines[-1] += _time_words(progress, left_s)
    return "\n".join(lines)


def as_html(rows: list[FunctionProgress], progress: hooks.WaitProgress, left_s: float | None) -> str:
    """The same with bars, in the colours of the front end's theme."""
    bars = [
        _bar_row(row.name, row.done, row.failed + row.cancelled, row.total, _state_words(row, progress))
        for row in rows
    ]
    if _told_by_references(rows, progress):
        bars.append(_bar_row(_REFERENCES, progress.ready, 0, progress.total, ""))
    tail = html.escape(_time_words(progress, left_s).lstrip(", "))
    return (
        '<div class="jp-gnomon-progress" role="status" style="font-size:var(--jp-ui-font-size1,13px)">'
        f'{"".join(bars)}<div style="color:var(--jp-ui-font-color2,#666)">{tail}</div></div>'
    )


_REFERENCES = "references ready"


def _told_by_references(rows: list[FunctionProgress], progress: hooks.WaitProgress) -> bool:
    """Whether no function has a task that the wait could be for: another process runs it, or a lost value is made again."""
    return not rows or (not progress.finished and all(row.ended == row.total for row in rows))


def _with_rest(rows: list[FunctionProgress]) -> list[FunctionProgress]:
    shown, rest = rows[: FUNCTIONS_SHOWN_MAX - 1], rows[FUNCTIONS_SHOWN_MAX - 1 :]
    return [
        *shown,
        FunctionProgress(
            name=f"{len(rest)} other functions",
            total=sum(row.total for row in rest),
            done=sum(row.done for row in rest),
            running=sum(row.running for row in rest),
            failed=sum(row.failed for row in rest),
            cancelled=sum(row.cancelled for row in rest),
        ),
    ]


def _state_words(row: FunctionProgress, progress: hooks.WaitProgress) -> str:
    """What a wait has left to run when it has what it wanted is not told: it goes on, and the line does not."""
    running = 0 if progress.finished and progress.satisfied else row.running
    counts = ((running, "running"), (row.failed, "failed"), (row.cancelled, "cancelled"))
    return "".join(f", {number:,} {word}" for number, word in counts if number)


_TEMPO_WORDS = {
    "paused": ", paused: nothing begins until %remote step or %remote resume",
    "slow": ", in slow motion",
    "seeded": ", one at a time",
}


def _time_words(progress: hooks.WaitProgress, left_s: float | None) -> str:
    if progress.finished:
        stopped = "" if progress.satisfied else "stopped waiting "
        return f", {stopped}after {duration(progress.elapsed_s)}"
    words = f", {duration(progress.elapsed_s)}{_TEMPO_WORDS.get(progress.tempo, '')}"
    return words if left_s is None else f"{words}, about {duration(left_s)} left"


def _bar_row(name: str, done: int, bad: int, total: int, words: str) -> str:
    def part(count: int, colour: str) -> str:
        return f'<span style="width:{100 * count / max(total, 1):.1f}%;background:{colour}"></span>'

    bar = part(done, "var(--jp-success-color1,#388e3c)") + part(bad, "var(--jp-error-color1,#d32f2f)")
    return (
        '<div style="display:flex;align-items:center;gap:8px;line-height:1.6">'
        f'<code style="min-width:10em">{html.escape(name)}</code>'
        '<span style="display:flex;width:12em;height:8px;border-radius:4px;overflow:hidden;'
        f'background:var(--jp-layout-color3,#ddd)" aria-hidden="true">{bar}</span>'
        f"<span>{done:,}/{total:,}{html.escape(words)}</span></div>"
    )
