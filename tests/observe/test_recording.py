"""The recording: what rows forget is kept on disk, bounded, and read as a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gnomon._core.ledger import Ledger, TaskState
from gnomon.observe import Recording
from gnomon.observe.history import HistoryFile
from gnomon.observe.run_report import whole_ledger
from observe.engineer import Engineer

DEADLINE_S = 30.0


class Stage:
    """The session that is recorded: set ``engine`` to another one, or to None."""

    def __init__(self, ledger: Ledger, directory: Path | None) -> None:
        self.directory = directory
        self.engine: Any = None
        self.enter(ledger)

    def enter(self, ledger: Ledger) -> None:
        info = SimpleNamespace(directory=None if self.directory is None else str(self.directory))
        self.engine = SimpleNamespace(ledger=ledger, name="local", info=info)


@pytest.fixture(params=["in a session's directory", "in no directory"])
def stage(request: pytest.FixtureRequest, ledger: Ledger, tmp_path: Path) -> Stage:
    return Stage(ledger, tmp_path if request.param == "in a session's directory" else None)


@pytest.fixture
def recording(stage: Stage) -> Iterator[Recording]:
    """A recording that is on, but looks only when it is told to."""
    recording = Recording(lambda: stage.engine)
    recording._thread = threading.Thread()
    yield recording
    recording._thread = None
    recording.stop()


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"waited {DEADLINE_S} s for {what}"
        pause.wait(0.01)


def test_changes_are_kept_in_their_order_each_once(stage, recording, ledger):
    ledger.actor_changed("a1", state="pending", watched={"n": 0})
    ledger.object_changed("o1", 100, "store", "f", 1, 0, "n")
    recording.look()
    recording.look()
    ledger.actor_changed("a1", state="alive", watched={"n": 1})
    ledger.node_changed("n1", alive=True)
    recording.look()
    ledger.object_gone("o1")
    ledger.tempo = {"mode": "paused"}
    recording.look()
    run = recording.run()
    assert [sorted(change) for change in run.changes] == [
        ["actors", "objects", "time"],
        ["actors", "nodes", "time"],
        ["objects", "tempo", "time"],
    ]
    first, second, third = run.changes
    assert first["time"] <= second["time"] <= third["time"]
    assert [first["actors"][0]["state"], second["actors"][0]["state"]] == ["pending", "alive"]
    assert first["objects"]["rows"] == [["o1", 100, "store", "f", 1, 0, "n"]]
    assert third["objects"]["gone"] == ["o1"]
    assert run.trouble == ""
    assert run.ended == 0.0


def test_objects_are_the_largest_ones(recording, ledger):
    for number in range(700):
        ledger.object_changed(f"{number:04}", number, "store", "f", 1, 0, "n")
    recording.look()
    (change,) = recording.run().changes
    sizes = [row[1] for row in change["objects"]["rows"]]
    assert len(sizes) == 500
    assert min(sizes) == 200


def test_tasks_that_the_ledger_does_not_list_are_kept_when_they_have_ended(stage, recording):
    ledger = Ledger("s", tasks_listed_max=2)
    stage.enter(ledger)
    recording.look()
    engineer = Engineer(ledger)
    rows = [engineer.submit(f"f{number % 2}") for number in range(6)]
    for number, row in enumerate(rows[:5]):
        engineer.start(row, worker=number)
        engineer.finish(row, error="ValueError: " + 400 * "x" if number == 4 else "")
    run = recording.run()
    assert [row.task for row in run.unlisted] == [row.task for row in rows[2:5]]
    assert [row.state for row in run.unlisted] == [TaskState.DONE, TaskState.DONE, TaskState.FAILED]
    for known, row in zip(run.unlisted, rows[2:5], strict=True):
        assert (known.started, known.finished, known.worker) == (row.started, row.finished, row.worker)
    assert len(run.unlisted[2].error) == 200
    assert len(rows[4].error) > 200, "the owner's own row stays as it is"


@pytest.mark.parametrize("recorded", [True, False])
def test_a_row_that_leaves_the_list_while_a_report_is_written_is_in_it(stage, request, recorded):
    ledger = Ledger("s", tasks_listed_max=5)
    stage.enter(ledger)
    recording = request.getfixturevalue("recording") if recorded else Recording(lambda: stage.engine)
    engineer = Engineer(ledger)
    rows = [engineer.submit("f", cell="a") for _ in range(5)]
    for row in rows:
        engineer.finish(row)
    run = recording.run()
    engineer.submit("g", cell="b")
    assert ledger.row(rows[0].index) is None
    assert [row.task for row in whole_ledger(run).tasks][:5] == [row.task for row in rows]


def test_a_session_that_has_ended_is_known_until_the_next_one(stage, recording, ledger):
    recording.look()
    ledger.actor_changed("a1", state="dead")
    stage.engine = None
    before = time.time()
    run = recording.run()
    assert run.ledger is ledger
    assert run.ended >= before
    assert run.changes[-1]["actors"][0]["state"] == "dead"
    assert ledger.unlisted is None
    assert recording.run().ended == run.ended
    other = Ledger("s2")
    stage.enter(other)
    assert recording.run().ledger is other


def test_without_recording_only_what_is_known_now(stage, ledger):
    recording = Recording(lambda: stage.engine)
    ledger.node_changed("n1", alive=True)
    assert [change["nodes"][0]["id"] for change in recording.run().changes] == ["n1"]
    assert ledger.unlisted is None
    stage.engine = None
    assert recording.run() is None


def test_the_thread_looks_by_itself_until_it_is_stopped(stage, ledger):
    recording = Recording(lambda: stage.engine)
    recording.start()
    recording.start()
    until(lambda: ledger.unlisted is not None, "the first look")
    ledger.actor_changed("a1", state="alive")
    stage.engine = None
    until(lambda: ledger.unlisted is None, "the last look")
    assert recording.run().changes[-1]["actors"][0]["state"] == "alive"
    recording.stop()
    recording.stop()
    assert recording.run() is None
    assert not [thread for thread in threading.enumerate() if thread.name == "gnomon-recording"]


def test_the_history_is_bounded_and_says_so(tmp_path):
    history = HistoryFile(str(tmp_path), bytes_max=1_000)
    kept = 0
    while history.append(b"c", bytes(95)):
        kept += 1
    assert kept == 10
    assert not history.append(b"c", b"")
    assert "full" in history.trouble
    assert [(kind, len(payload)) for kind, payload in history.frames()] == [(b"c", 95)] * 10
    history.close()
    history.close()


def test_a_history_that_can_not_be_written_says_so(tmp_path, monkeypatch):
    history = HistoryFile(str(tmp_path))
    assert history.append(b"c", b"1")

    def full(_payload: bytes) -> int:
        raise OSError(28, "No space left on device")

    real = history._file
    monkeypatch.setattr(history, "_file", SimpleNamespace(seek=real.seek, write=full, read=real.read))
    assert not history.append(b"c", b"2")
    assert "No space left" in history.trouble
    assert list(history.frames()) == [(b"c", b"1")]
    real.close()


def test_the_more_has_changed_the_rarer_it_looks(recording, ledger):
    recording.look()
    before = recording._period_s()
    for number in range(20):
        ledger.actor_changed("a1", watched={"text": f"{number}" + 1_000_000 * "x"})
        recording.look()
    assert recording._period_s() > 4 * before
