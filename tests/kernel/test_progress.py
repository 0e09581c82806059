"""Progress of a waiting cell: the lines, their bars, and one output for each cell."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from gnomon.observe import hooks
from gnomon_kernel.origins import CellRun
from gnomon_kernel.progress import (
    ESTIMATE_AFTER_S,
    FUNCTIONS_SHOWN_MAX,
    WaitDisplay,
    as_html,
    as_text,
    since_cell_start,
)
from kernel.live_kernel import LiveKernel


def group(name: str = "f", **counts: int) -> hooks.GroupProgress:
    fields = dict.fromkeys(("waiting", "ready", "running", "done", "failed", "cancelled"), 0)
    return hooks.GroupProgress(name, **{**fields, **counts})


def progress(
    *groups: hooks.GroupProgress,
    elapsed_s: float = 1.0,
    ready: int = 0,
    total: int = 10,
    finished: bool = False,
    wanted: int | None = None,
    tempo: str = "free",
) -> hooks.WaitProgress:
    return hooks.WaitProgress(total, ready, elapsed_s, finished, groups, wanted, tempo)


def text(made: hooks.WaitProgress, run: CellRun | None = None, left_s: float | None = None) -> str:
    return as_text(since_cell_start(made.groups, run), made, left_s)


def test_a_line_for_each_function() -> None:
    made = progress(group("load", done=10), group("fit", ready=5, running=2, done=3, failed=1, cancelled=1))
    assert text(made) == "load: 10/10\nfit: 3/12, 2 running, 1 failed, 1 cancelled, 1.0 s"


def test_the_last_line_tells_the_time() -> None:
    assert text(progress(group(running=1)), left_s=63.0) == "f: 0/1, 1 running, 1.0 s, about 1 min 03 s left"
    ended = progress(group(done=10), elapsed_s=3.21, ready=10, finished=True)
    assert text(ended) == "f: 10/10, after 3.2 s"
    stopped = progress(group(done=4, running=6), elapsed_s=3.21, ready=4, finished=True)
    assert text(stopped) == "f: 4/10, 6 running, stopped waiting after 3.2 s"


def test_a_paused_session_says_so_and_promises_nothing() -> None:
    made = progress(group(ready=3), tempo="paused")
    assert text(made) == "f: 0/3, 1.0 s, paused: nothing begins until %remote step or %remote resume"
    assert "paused: nothing begins" in as_html(since_cell_start(made.groups, None), made, None)
    assert text(progress(group(ready=3), tempo="slow")) == "f: 0/3, 1.0 s, in slow motion"
    assert (
        text(progress(group(ready=3), tempo="paused", finished=True)) == "f: 0/3, stopped waiting after 1.0 s"
    )


def test_a_wait_that_has_what_it_wanted_has_not_stopped_waiting() -> None:
    made = progress(group(done=1, running=1), ready=1, total=2, wanted=1, finished=True)
    assert text(made) == "f: 1/2, after 1.0 s"
    assert "f</code>" in as_html(since_cell_start(made.groups, None), made, None)
    assert "running" not in as_html(since_cell_start(made.groups, None), made, None)
    late = progress(group(done=1, running=1), ready=1, total=2, wanted=2, finished=True)
    assert text(late) == "f: 1/2, 1 running, stopped waiting after 1.0 s"


def test_what_no_function_tells_of_is_told_by_references() -> None:
    """Tasks of other processes, and values that are made again, are not among the counts."""
    assert text(progress(ready=3)) == "references ready: 3/10, 1.0 s"
    assert text(progress(group("make", done=10))) == "make: 10/10\nreferences ready: 0/10, 1.0 s"
    assert "references ready" in as_html([], progress(), None)
    ended = progress(group("make", done=10), ready=10, finished=True)
    assert text(ended) == "make: 10/10, after 1.0 s"


def test_a_failed_task_is_not_done_as_in_the_graph() -> None:
    made = progress(group("part", done=18, failed=1), ready=19, total=19, finished=True)
    assert text(made) == "part: 18/19, 1 failed, after 1.0 s"
    assert ">18/19, 1 failed<" in as_html(since_cell_start(made.groups, None), made, None)


def test_counts_are_those_since_the_cell_began() -> None:
    before = {"f": group(done=100, failed=2), "old": group("old", done=5)}
    run = CellRun("c", "In [1]", {}, finished_before=before)
    made = progress(group(done=103, failed=2, running=1), group("old", done=5))
    assert text(made, run) == "f: 3/4, 1 running, 1.0 s"


def test_another_session_counts_from_nothing() -> None:
    before = {"f": group(done=100)}
    run = CellRun("c", "In [1]", {}, finished_before=before, session="that the cell has ended")
    assert text(progress(group(done=99, running=1)), run) == "f: 99/100, 1 running, 1.0 s"


def test_many_functions_are_added_up() -> None:
    made = progress(*(group(f"f{n}", done=n, running=1) for n in range(50)))
    rows = since_cell_start(made.groups, None)
    assert len(rows) == FUNCTIONS_SHOWN_MAX
    assert rows[-1].name == "31 other functions"
    assert sum(row.total for row in rows) == sum(n + 1 for n in range(50))


def test_html_shows_names_safely_and_bars_in_proportion() -> None:
    made = progress(group("<lambda>", done=1, failed=1, running=2))
    shown = as_html(since_cell_start(made.groups, None), made, None)
    assert "<lambda>" not in shown
    assert "&lt;lambda&gt;" in shown
    assert shown.count("width:25.0%") == 2
    assert "1/4, 2 running, 1 failed" in shown
    assert "0/1 " not in as_html([], progress(total=0), None)


@pytest.fixture
def display() -> SimpleNamespace:
    made = SimpleNamespace(shown=[], counts=(), origins=SimpleNamespace(current=CellRun("a", "In [1]", {})))

    def publish(bundle: dict[str, str], display_id: str, update: bool) -> Any:
        made.shown.append((bundle["text/plain"], display_id, update))

    waits = WaitDisplay(made.origins, publish, lambda: made.counts)
    made.observe, made.cell_ended = waits.observe, waits.cell_ended
    return made


def test_all_waits_of_a_cell_share_one_output(display: SimpleNamespace) -> None:
    display.observe(progress(group(running=1)))
    display.observe(progress(group(done=1), finished=True, ready=10))
    display.observe(progress(group(done=1, running=1)))
    assert [update for _text, _id, update in display.shown] == [False, True, True]
    assert len({display_id for _text, display_id, _update in display.shown}) == 1
    display.origins.current = CellRun("a", "In [2]", {})  # the cell runs again
    display.observe(progress(group(running=1)))
    assert display.shown[-1][2] is False
    assert display.shown[-1][1] != display.shown[0][1]


def test_the_lines_tell_of_all_that_the_cell_has_submitted(display: SimpleNamespace) -> None:
    """Also of functions whose waits were too short to be told, before and after the one that was not."""
    run = display.origins.current
    display.counts = (group("quick", done=3), group("slow", running=1))
    display.observe(progress(group("slow", running=1)))
    assert display.shown[-1][0].startswith("quick: 3/3\nslow: 0/1, 1 running, ")
    display.counts = (group("quick", done=3), group("slow", done=1))
    display.observe(progress(group("slow", done=1), ready=10, finished=True))
    display.cell_ended(run)
    assert len(display.shown) == 2, "nothing was done since"
    display.counts = (group("quick", done=8, cancelled=2), group("slow", done=1), group("last", done=1))
    display.cell_ended(CellRun("b", "In [2]", {}))
    assert len(display.shown) == 2, "another cell"
    display.cell_ended(run)
    lines, _, update = display.shown[-1]
    assert re.fullmatch(r"quick: 8/10, 2 cancelled\nslow: 1/1\nlast: 1/1, after .+", lines), lines
    assert update


def test_a_cell_that_stopped_waiting_and_has_its_results_all_the_same(display: SimpleNamespace) -> None:
    display.observe(progress(group(running=1)))
    display.observe(progress(group(running=1), finished=True))
    assert "stopped waiting after" in display.shown[-1][0]
    display.counts = (group(done=1),)
    display.cell_ended(display.origins.current)
    assert "f: 1/1, after" in display.shown[-1][0]


def test_the_time_is_that_of_the_cell_as_the_counts_are(display: SimpleNamespace) -> None:
    display.origins.current.began -= 60.0
    display.observe(progress(group(done=1), elapsed_s=0.5, finished=True, ready=10))
    assert re.search(r", after (60|61|62)(\.\d)? s|after 1 min", display.shown[-1][0]), display.shown[-1][0]


def test_time_left_comes_from_the_rate_and_not_too_early(display: SimpleNamespace) -> None:
    display.observe(progress(group(done=10, ready=90), elapsed_s=0.5))
    display.observe(progress(group(done=20, ready=80), elapsed_s=0.4 + ESTIMATE_AFTER_S))
    assert "left" not in display.shown[-1][0]
    display.observe(progress(group(done=50, ready=50), elapsed_s=4.5))
    assert display.shown[-1][0].endswith("4.5 s, about 5.0 s left")


def test_progress_in_a_kernel_is_one_output_rewritten(live_kernel: LiveKernel) -> None:
    code = """
from gnomon.observe import hooks
def report(done, finished=False):
    group = hooks.GroupProgress("square", 0, 0, 10 - done, done, 0, 0)
    hooks.wait_observer()(hooks.WaitProgress(10, done, done / 10, finished, (group,)))
"""
    live_kernel.run(code).check()
    cell = live_kernel.run("report(2); report(5); report(10, True); 'value'").check()
    (shown,) = cell.displays().values()
    assert shown["text/plain"] == "square: 10/10, after 1.0 s"
    assert "jp-gnomon-progress" in shown["text/html"]
    assert len(cell.contents("display_data")) == 1
    assert cell.result() == "'value'"


def test_short_waits_after_a_long_one_are_counted_when_the_cell_ends(live_kernel: LiveKernel) -> None:
    live_kernel.run("%remote start --engine inline").check()
    code = """
import gnomon
from gnomon.observe import hooks
@gnomon.remote
def quick(): ...
gnomon.get(quick.remote())
hooks.wait_observer()(hooks.WaitProgress(1, 1, 1.0, True))
gnomon.get([quick.remote() for _ in range(3)])
"""
    for _ in range(2):  # the second time what the first one did is not counted
        (shown,) = live_kernel.run(code).check().displays().values()
        assert shown["text/plain"].startswith("quick: 4/4, after "), shown
