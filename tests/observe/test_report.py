"""Reports: a page with the whole run in it, or a Chrome trace; what is no report is never overwritten."""

from __future__ import annotations

import base64
import gzip
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gnomon import observe
from gnomon._core.ledger import Ledger, TaskState
from gnomon.exceptions import NotInitializedError
from gnomon.observe import Recording, run_report
from gnomon.observe.run_report import write_report
from observe.engineer import Engineer
from observe.feed_reader import FeedReader


class Stage:
    """A session that is recorded; looks are taken by the test."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.engineer = Engineer(ledger)
        info = SimpleNamespace(directory=None)
        self.engine: Any = SimpleNamespace(ledger=ledger, name="local", info=info)
        self.recording = Recording(lambda: self.engine)
        self.recording._thread = threading.Thread()
        self.recording.look()

    def close(self) -> None:
        self.recording._thread = None
        self.recording.stop()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Stage]:
    script = tmp_path / "report.js"
    script.write_text("document.title = '</script>';", encoding="utf-8")
    monkeypatch.setattr(run_report, "SCRIPT", script)
    stage = Stage(Ledger("s1", tasks_listed_max=50))
    yield stage
    stage.close()


def frames_of(page: str) -> list[tuple[dict[str, Any], bytes]]:
    """The messages that a page holds."""
    found = re.search(r'<script type="text/plain" id="gnomon-run">([^<]*)</script>', page)
    assert found is not None
    data = gzip.decompress(base64.b64decode(found[1]))
    frames, offset = [], 0
    while offset < len(data):
        header = int.from_bytes(data[offset : offset + 4], "little")
        buffer = int.from_bytes(data[offset + 4 : offset + 8], "little")
        start = offset + 8
        text = data[start : start + header]
        frames.append((json.loads(text), data[start + header : start + header + buffer]))
        offset = start + header + buffer
    return frames


def read(page: str) -> FeedReader:
    reader = FeedReader()
    for header, buffer in frames_of(page):
        if header["kind"] != "recorded":
            reader.read(({"limits": {}, **header}, buffer))
    return reader


def play(stage: Stage, tasks: int) -> None:
    for number in range(tasks):
        row = stage.engineer.submit("f", cell="c1", line=number % 7)
        stage.engineer.start(row, worker=number % 3)
        stage.engineer.finish(row, error="ValueError: no" if number % 10 == 3 else "")


def test_a_page_holds_all_tasks_and_what_changed_when(stage, tmp_path):
    stage.ledger.actor_changed("a1", state="pending")
    stage.recording.look()
    stage.ledger.actor_changed("a1", state="alive")
    play(stage, 120)
    page = write_report(tmp_path / "run.html", stage.recording).read_text(encoding="utf-8")
    reader = read(page)
    assert len(reader.tasks) == 120
    assert reader.states().count(TaskState.FAILED) == 12
    assert len(reader.errors) == 12
    assert reader.groups == {0: [0, 0, 0, 108, 12, 0]}
    assert reader.actors["a1"]["state"] == "alive"
    assert [cell["label"] for cell in reader.cells] == ["", "In [c1]"]
    headers = [header for header, _buffer in frames_of(page)]
    times = [header["time"] for header in headers]
    assert times == sorted(times)
    told = [actor["state"] for header in headers for actor in header.get("actors", [])]
    assert told[:2] == ["pending", "alive"]
    assert headers[-1]["kind"] == "recorded"
    assert headers[-1]["note"] == ""


def test_a_page_and_a_trace_call_a_task_as_the_views_do(stage, tmp_path):
    play(stage, 120)
    later = stage.engineer.submit("g", cell="c2")
    stage.engineer.start(later, worker=1)
    stage.engineer.finish(later)
    assert 0 < later.index < 120, "some of the first ones were never listed"
    headers = [
        header
        for header, _ in frames_of(write_report(tmp_path / "a.html", stage.recording).read_text("utf-8"))
    ]
    number, shown = headers[-1]["numbers"][-1]
    assert (number, shown) == (120, later.index)
    events = json.loads(write_report(tmp_path / "a.json", stage.recording).read_text("utf-8"))
    titles = [event["args"]["task"] for event in events if event["ph"] == "X"]
    assert titles[-1] == f"g #{later.index}"
    assert len(set(titles)) == 121


def test_a_page_is_one_file_that_loads_nothing(stage, tmp_path):
    page = write_report(tmp_path / "run.HTML", stage.recording).read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"(src|href)\s*=", page)
    assert "'<\\/script>'" in page
    assert page.count("</script>") == 2


def test_a_session_that_has_ended_is_told_to_its_end(stage, tmp_path):
    play(stage, 3)
    running = stage.engineer.submit("f")
    stage.engineer.start(running)
    stage.engine = None
    page = write_report(tmp_path / "run.html", stage.recording).read_text(encoding="utf-8")
    reader = read(page)
    assert len(reader.tasks) == 4
    assert reader.idle == 1


def test_tasks_that_nobody_kept_are_told_of(stage, tmp_path):
    play(stage, 60)
    unfinished = stage.engineer.submit("f")
    assert unfinished.index < 0
    page = write_report(tmp_path / "run.html", stage.recording).read_text(encoding="utf-8")
    assert frames_of(page)[-1][0]["note"] == "1 task not listed, only counted"


def test_a_trace_has_a_span_for_each_task_that_has_run(stage, tmp_path):
    play(stage, 120)
    target = write_report(tmp_path / "run.json", stage.recording)
    events = json.loads(target.read_text(encoding="utf-8"))
    assert sum(event["ph"] == "X" for event in events) == 120


def test_attempts_that_others_have_followed_are_in_the_page_and_in_the_trace(stage, tmp_path):
    row = stage.engineer.submit("f")
    stage.engineer.start(row, worker=1)
    stage.ledger.tried(row, row.started + 2.0, "its worker died")
    stage.engineer.start(row, worker=2)
    stage.engineer.finish(row)
    page = write_report(tmp_path / "run.html", stage.recording).read_text(encoding="utf-8")
    ((index, number, worker, start, end, _, reason),) = [
        told for header, _ in frames_of(page) for told in header.get("attempts", ())
    ]
    first = stage.ledger.workers.numbers[(f"{1:016x}", 1001, "worker 1")]
    assert (index, number, worker, reason) == (row.index, 0, first, "its worker died")
    assert end - start == pytest.approx(2.0)
    trace = write_report(tmp_path / "run.json", stage.recording).read_text(encoding="utf-8")
    (event,) = [event for event in json.loads(trace) if event.get("cat") == "attempt"]
    assert (event["tid"], event["dur"], event["args"]["attempt"]) == (first, pytest.approx(2e6), 1)


@pytest.mark.parametrize("name", ["run", "run.txt", "run.json.gz", "run.ipynb"])
def test_other_suffixes_are_refused_by_name(stage, tmp_path, name):
    with pytest.raises(ValueError, match=rf"\.html.*\.json.*'{name}'.*try"):
        write_report(tmp_path / name, stage.recording)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("suffix", ["html", "json"])
def test_only_reports_are_overwritten(stage, tmp_path, suffix):
    target = tmp_path / f"run.{suffix}"
    write_report(target, stage.recording)
    write_report(target, stage.recording)
    play(stage, 1)
    write_report(target, stage.recording)
    write_report(target, stage.recording)
    target.write_text("my own", encoding="utf-8")
    with pytest.raises(FileExistsError, match=r"is no report.*--replace"):
        write_report(target, stage.recording)
    assert target.read_text(encoding="utf-8") == "my own"
    write_report(target, stage.recording, replace=True)
    assert target.read_text(encoding="utf-8") != "my own"


def test_without_the_script_the_next_step_is_told(stage, tmp_path, monkeypatch):
    monkeypatch.setattr(run_report, "SCRIPT", tmp_path / "absent.js")
    with pytest.raises(FileNotFoundError, match="npm run build:prod"):
        write_report(tmp_path / "run.html", stage.recording)
    assert not (tmp_path / "run.html").exists()
    write_report(tmp_path / "run.json", stage.recording)


def test_without_a_session_there_is_nothing_to_report(current, tmp_path):
    current(None)
    with pytest.raises(NotInitializedError, match="nothing to report"):
        observe.report(tmp_path / "run.html")


def test_a_hundred_thousand_tasks_are_all_in_the_page(monkeypatch, stage, tmp_path):
    play(stage, 100_000)
    target = write_report(tmp_path / "run.html", stage.recording)
    reader = read(target.read_text(encoding="utf-8"))
    assert len(reader.tasks) == 100_000
    assert all(task["end"] >= task["start"] >= task["created"] > 0 for task in reader.tasks)
    assert target.stat().st_size < 5_000_000
