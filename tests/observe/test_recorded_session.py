"""A report of a real session: all its tasks, those of other processes and those beyond the listed ones; and its nodes."""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gnomon
from gnomon import observe
from gnomon.observe import run_report
from observe.feed_reader import FeedReader

pytestmark = pytest.mark.timeout(240)

DEADLINE_S = 60.0


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A recorded session, and a folder."""
    script = tmp_path / "report.js"
    script.write_text("", encoding="utf-8")
    monkeypatch.setattr(run_report, "SCRIPT", script)
    observe.recording().start()
    gnomon.init(num_cpus=2)
    yield tmp_path
    gnomon.shutdown()
    observe.recording().stop()


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"waited {DEADLINE_S} s for {what}"
        pause.wait(0.05)


def read(page: Path) -> FeedReader:
    """What a view knows at the end of a report."""
    packed = page.read_text(encoding="utf-8").partition('id="gnomon-run">')[2].partition("<")[0]
    data, offset, reader = gzip.decompress(base64.b64decode(packed)), 0, FeedReader()
    while offset < len(data):
        sizes = [int.from_bytes(data[at : at + 4], "little") for at in (offset, offset + 4)]
        header: dict[str, Any] = json.loads(data[offset + 8 : offset + 8 + sizes[0]])
        offset += 8 + sum(sizes)
        if header["kind"] != "recorded":
            reader.read(({"limits": {}, **header}, data[offset - sizes[1] : offset]))
    return reader


def test_tasks_of_tasks_actors_and_nodes_are_in_the_report(session: Path) -> None:
    inner = gnomon.remote(lambda number: number)
    outer = gnomon.remote(lambda: sum(gnomon.get([inner.remote(number) for number in range(3)])))

    @gnomon.remote
    class Counter:
        def add(self) -> int:
            return 1

    counter = Counter.remote()
    assert gnomon.get([outer.remote(), counter.add.remote()]) == [3, 1]
    until(
        lambda: observe.summary()["tasks"]["done"] == 5 and observe.nodes(),
        "the reports of the other processes",
    )
    gnomon.shutdown()
    reader = read(observe.report(session / "run.html"))
    assert len(reader.groups) == 2, "both lambdas are of one name"
    assert sum(counts[3] for counts in reader.groups.values()) == 5
    assert reader.states() == [3] * 5
    assert sorted(task["parent"] for task in reader.tasks) == [-1, -1, 0, 0, 0]
    assert [row["class"] for row in reader.actors.values()] == ["Counter"]
    assert len(reader.nodes) == 1
    assert reader.idle == 1


def kinds_of_work() -> set[str]:
    return {span.kind for row in observe.spans().work for span in row}


def test_slow_pickling_of_small_values_is_told(session: Path) -> None:
    class Slow:
        def __getstate__(self) -> dict[str, int]:
            time.sleep(0.01)
            return {"number": 1}

        def __setstate__(self, state: dict[str, int]) -> None:
            time.sleep(0.01)

    passed = gnomon.remote(lambda value: value)
    # workers hear a moment later that somebody looks
    until(
        lambda: gnomon.get(passed.remote(Slow())) and kinds_of_work() >= {"read", "write"},
        "the time that pickling takes",
    )


def test_earlier_attempts_are_in_the_report_also_of_tasks_that_tasks_own(session: Path) -> None:
    @gnomon.remote(max_retries=2)
    def deadly(mark: str) -> int:
        if not Path(mark).exists():
            Path(mark).touch()
            os._exit(1)
        return 1

    @gnomon.remote
    def outer(mark: str) -> int:
        return gnomon.get(deadly.remote(mark))

    marks = [str(session / name) for name in ("own", "other")]
    assert gnomon.get([deadly.remote(marks[0]), outer.remote(marks[1])], timeout=DEADLINE_S) == [1, 1]
    until(
        lambda: sum(span.kind == "again" for row in observe.spans().work for span in row) == 2,
        "both attempts that failed",
    )
    gnomon.shutdown()
    trace = json.loads(observe.report(session / "run.json").read_text(encoding="utf-8"))
    tried = [event for event in trace if event.get("cat") == "attempt"]
    assert [(event["args"]["attempt"], event["dur"] > 0) for event in tried] == [(1, True)] * 2
    assert len({event["args"]["task_id"] for event in tried}) == 2


def test_a_session_that_ends_before_the_first_look_is_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        sys.modules["gnomon.observe.recording"], "PERIOD_S", 600.0
    )  # the name is the function's, too
    observe.recording().start()
    try:
        gnomon.init(engine="inline")
        assert gnomon.get(gnomon.remote(lambda: 1).remote()) == 1
        gnomon.shutdown()
        trace = json.loads(observe.report(tmp_path / "run.json").read_text(encoding="utf-8"))
        assert [event["cat"] for event in trace if event["ph"] == "X"] == ["task"]
    finally:
        observe.recording().stop()


def test_more_tasks_than_the_views_list_are_all_in_the_report(session: Path) -> None:
    tasks = 10_500
    f = gnomon.remote(lambda number: number)
    assert sum(gnomon.get([f.remote(number) for number in range(tasks)])) == tasks * (tasks - 1) // 2
    assert observe.summary()["tasks"]["done"] == tasks
    assert len(observe.tasks()) == 10_000
    reader = read(observe.report(session / "run.html"))
    assert reader.states() == [3] * tasks
    assert all(task["end"] >= task["start"] > 0 for task in reader.tasks)
