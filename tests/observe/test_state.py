"""Rows, counts, graph and timeline read from a ledger."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from gnomon import observe
from gnomon._core.ledger import Ledger
from gnomon._messages.cluster import ReportedSpan


@pytest.fixture
def filled(engineer):
    first = engineer.submit("load", cell="1", line=2)
    engineer.start(first, worker=0)
    engineer.finish(first)
    second = engineer.submit("parse", deps=(0,), cell="2", line=5)
    engineer.start(second, worker=1)
    engineer.finish(second, error="KeyError: 'x'")
    third = engineer.submit("parse", deps=(0,), cell="2", line=5)
    engineer.start(third, worker=1)
    engineer.submit("total", deps=(1, 2))
    engineer.ledger.object_changed("aa", 10, "memory", "load", 1, 1, "")
    engineer.ledger.object_changed("bb", 99, "store", "parse", 2, 2, "n")
    engineer.ledger.actor_changed("cc", state="alive", cell=1, **{"class": "Counter"})
    engineer.ledger.node_changed("dd", alive=True)
    return engineer.ledger


def test_tasks_and_their_filters(filled):
    rows = observe.tasks(ledger=filled)
    assert [row["state"] for row in rows] == ["done", "failed", "running", "waiting"]
    assert rows[1]["error"] == "KeyError: 'x'"
    assert rows[3]["started"] is None
    assert [row["index"] for row in observe.tasks(state="failed", ledger=filled)] == [1]
    assert [row["index"] for row in observe.tasks(name="parse", ledger=filled)] == [1, 2]
    for cell in ("2", "In [2]"):
        assert [row["index"] for row in observe.tasks(cell=cell, ledger=filled)] == [1, 2]
    assert [row["index"] for row in observe.tasks(limit=2, ledger=filled)] == [2, 3]
    assert observe.tasks(limit=0, ledger=filled) == []


def test_an_unknown_state_is_an_error_that_lists_the_states(filled):
    with pytest.raises(ValueError, match="waiting, ready, running, done, failed, cancelled"):
        observe.tasks(state="lost", ledger=filled)


def test_objects_actors_nodes_and_summary(filled):
    assert [row["object_id"] for row in observe.objects(ledger=filled)] == ["bb", "aa"]
    assert [row["object_id"] for row in observe.objects(limit=1, ledger=filled)] == ["bb"]
    assert observe.objects(ledger=filled)[0]["cell"] == "In [2]"
    actor = {"id": "cc", "state": "alive", "class": "Counter", "cell": "In [1]", "cause": "", "stale": False}
    assert observe.actors(ledger=filled) == [actor]
    assert observe.nodes(ledger=filled) == [{"id": "dd", "alive": True}]
    summary = observe.summary(ledger=filled)
    assert summary["tasks"] == {
        "waiting": 1,
        "ready": 0,
        "running": 1,
        "done": 1,
        "failed": 1,
        "cancelled": 0,
    }
    assert summary["functions"]["parse"]["failed"] == 1
    assert summary["actors"] == {"alive": 1}


def test_rows_are_copies(filled):
    observe.actors(ledger=filled)[0]["state"] = "dead"
    assert filled.actors["cc"]["state"] == "alive"


def test_graph(filled):
    graph = observe.graph(ledger=filled)
    assert graph.deps == [(), (0,), (0,), (1, 2)]
    assert graph.group_edges() == {(0, 1): 2, (1, 2): 2}


def test_frame(filled):
    table = observe.frame(observe.tasks(ledger=filled))
    assert list(table["name"]) == ["load", "parse", "parse", "total"]
    assert table["created"].dt.year.min() > 2000
    assert table["started"].isna().sum() == 1
    assert len(observe.frame([])) == 0


def test_without_a_session_everything_is_empty(current):
    assert observe.tasks() == observe.objects() == observe.actors() == observe.nodes() == []
    assert observe.summary()["session"] == ""
    assert sum(observe.summary()["tasks"].values()) == 0
    assert observe.graph().tasks_total == 0
    assert observe.chrome_trace() == []


def test_the_current_session_is_the_default(current, filled):
    current(SimpleNamespace(ledger=filled))
    assert len(observe.tasks()) == 4
    assert observe.summary()["session"] == "session-1"


def test_timeline(filled, tmp_path):
    path = observe.write_chrome_trace(tmp_path / "trace.json", filled)
    events = json.loads(path.read_text())
    rows = {event["tid"]: event["args"]["name"] for event in events if event["ph"] == "M"}
    assert rows == {0: "worker 0", 1: "worker 1"}
    spans = [event for event in events if event["ph"] == "X"]
    assert [(span["name"], span["tid"]) for span in spans] == [("load", 0), ("parse", 1), ("parse", 1)]
    assert all(span["dur"] >= 0 and span["ts"] > 1e15 for span in spans)
    assert spans[1]["args"]["error"] == "KeyError: 'x'"


def test_when_a_session_has_ended_nothing_waits_runs_or_lives(ledger, engineer):
    done, running, waiting = (engineer.submit("f") for _ in range(3))
    ledger.tasks_listed_max = 3
    engineer.submit("f")  # has no row
    engineer.start(done)
    engineer.finish(done)
    engineer.start(running)
    ledger.object_changed("ab", 10, "store", "f", 1, 0, "")
    ledger.actor_changed("a", state="alive", pending=2)
    ledger.actor_changed("b", state="dead", cause="it was killed")
    ledger.node_changed("n", alive=True)
    for _ in range(2):
        ledger.end(waiting.created + 5)
        assert ledger.counts == [[0, 0, 0, 1, 0, 3]]
        assert [row["state"] for row in observe.tasks(ledger=ledger)] == ["done", "cancelled", "cancelled"]
        assert {row["cause"] for row in observe.actors(ledger=ledger)} == {
            "the session ended",
            "it was killed",
        }
        assert not observe.nodes(ledger=ledger)[0]["alive"]
        assert observe.objects(ledger=ledger) == []
    assert done.error == ""
    assert running.error == "the session ended"


def test_the_trace_has_what_took_time_besides_tasks(filled):
    worker, node = bytes.fromhex(filled.workers.entries[0][0]), b"nodepro1"
    filled.node_changed("n1", label="node 7", process=node.hex())
    filled.spans_noted(
        [
            ReportedSpan("read", worker, 1.0, 1.5, 10, "load"),
            ReportedSpan("transfer", node, 1.0, 3.0, 20, "n2"),
        ]
    )
    events = observe.chrome_trace(filled)
    others = {event["cat"]: event for event in events if event.get("cat") not in (None, "task")}
    assert (others["read"]["tid"], others["read"]["dur"], others["read"]["args"]["about"]) == (0, 5e5, "load")
    rows = {event["tid"]: event["args"]["name"] for event in events if event["ph"] == "M"}
    assert rows[others["transfer"]["tid"]] == "node 7: copies, disk"
    spans = observe.spans(ledger=filled)
    assert spans.workers[-1] == "node 7: copies, disk"
    assert [[span.kind for span in row] for row in (spans.work[0], spans.work[-1])] == [
        ["read"],
        ["transfer"],
    ]
    assert len(spans.rows) == len(spans.work) == len(spans.workers)
    assert (spans.rows[-1], spans.begin) == ([], 1.0)


def test_what_is_in_the_stores_is_that_of_all_living_nodes() -> None:
    ledger = Ledger("session")
    ledger.totals.update(count=1, store_used_bytes=100, store_capacity_bytes=1_000)
    assert observe.summary(ledger=ledger)["objects"]["store_capacity_bytes"] == 1_000  # no node has told yet
    for number, alive in enumerate((True, True, False)):
        ledger.node_changed(str(number), alive=alive, store_used_bytes=150, store_capacity_bytes=1_000)
    ledger.object_changed("aa", 100, "store", "put", 1, 0, "")
    told = observe.summary(ledger=ledger)["objects"]
    assert (told["store_used_bytes"], told["store_capacity_bytes"]) == (300, 2_000)
    ledger.object_changed(
        "bb", 400, "store", "put", 1, 0, ""
    )  # put a moment ago: its node has not told of it
    ledger.object_changed("cc", 400, "spilled", "put", 1, 0, "")
    assert observe.summary(ledger=ledger)["objects"]["store_used_bytes"] == 500
