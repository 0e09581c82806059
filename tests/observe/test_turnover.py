"""Rows that leave a full list: what readers, rows and reports know of them, and of the others."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from types import SimpleNamespace

import pytest

from gnomon import observe
from gnomon._core.ledger import Ledger, TaskRow, TaskState
from gnomon.observe.backlog import MESSAGE_BYTES_MAX
from gnomon.observe.recording import Run
from gnomon.observe.run_report import whole_ledger
from observe.engineer import Engineer
from observe.feed_reader import FeedReader, decode

ROWS_MAX = 10_000


class View:
    """One reader of a feed, and what it knows."""

    def __init__(self, feed: observe.Feed) -> None:
        self.subscription = feed.subscribe()
        self.reader = FeedReader()

    def read(self) -> None:
        while (message := self.subscription.poll()) is not None:
            self.reader.read(message)

    def assert_knows(self, ledger: Ledger) -> None:
        self.read()
        reader = self.reader
        assert list(reader.numbered) == [row.index for row in ledger.tasks]
        assert reader.states() == [row.state for row in ledger.tasks]
        assert reader.groups == dict(enumerate(ledger.counts))
        assert reader.limits == {"tasks_listed": len(ledger.tasks), "tasks_total": ledger.tasks_total}
        assert max(reader.sizes) <= MESSAGE_BYTES_MAX


def run(engineer: Engineer, count: int, cell: str, error: str = "") -> list[TaskRow]:
    """Tasks that end at once, each of which takes the result of the one before."""
    rows: list[TaskRow] = []
    for _ in range(count):
        before = (rows[-1].index,) if rows and rows[-1].index >= 0 else ()
        row = engineer.submit(f"step {cell}", deps=before, cell=cell, line=len(rows) + 1)
        engineer.start(row)
        engineer.finish(row, error=error if len(rows) == 7 else "")
        rows.append(row)
    return rows


def test_readers_know_the_same_whenever_they_came(ledger, engineer):
    feed = observe.Feed(ledger)
    steady, restless = View(feed), View(feed)
    for number in range(6):
        run(engineer, ROWS_MAX // 3, f"flood {number}")
        steady.read()
        if number % 2:
            restless.subscription.hide()
        else:
            restless.subscription.resync()
            restless.subscription.poll()
    run(engineer, 50, "last", error="ValueError: no")
    restless.subscription.resync()
    for view in (steady, restless, View(feed)):
        view.assert_knows(ledger)
    assert steady.reader.snapshots == 1
    assert len(ledger.tasks) <= ROWS_MAX
    assert ledger.tasks_total > len(ledger.tasks)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_reader_that_looks_while_rows_leave_knows_the_same(ledger, engineer, when):
    view = View(observe.Feed(ledger))
    view.read()

    class Noticed(deque[int]):
        """Rows that have left: somebody reads the very moment before, or after, they are noted."""

        def extend(self, numbers: Iterable[int]) -> None:
            if when == "before":
                view.read()
            super().extend(numbers)
            if when == "after":
                view.read()

    ledger.tasks_listed_max = 10
    ledger.gone_tasks = Noticed()
    run(engineer, 10, "a")
    run(engineer, 3, "b")
    view.assert_knows(ledger)


def test_how_a_task_has_ended_is_told_with_its_leave(ledger, engineer):
    subscription = observe.Feed(ledger).subscribe()
    ledger.tasks_listed_max = 10
    rows = [engineer.submit("long", cell="a") for _ in range(6)]
    engineer.start(rows[0])
    subscription.poll()
    for row in rows:
        row.finished = time.monotonic()
        ledger.task_changed(row, TaskState.CANCELLED)
    run(engineer, 10, "b")
    header, buffer = subscription.poll()
    assert header["kind"] == "delta"
    new, offset = decode(header["new"], buffer, 0)
    changed, offset = decode(header["changed"], buffer, offset)
    gone, _ = decode(header["gone"], buffer, offset)
    left = set(gone["id"])
    assert left
    told = dict(zip(changed["id"], zip(changed["state"], changed["end"], strict=True), strict=True))
    for row in rows:
        assert (row.index in left) == (ledger.row(row.index) is None)
        state, end = told[row.index]
        assert state == TaskState.CANCELLED
        assert end > 0
    assert not left & set(new["id"])


def test_after_floods_the_tasks_that_come_are_listed_and_nothing_has_grown(ledger, engineer):
    view = View(observe.Feed(ledger))
    view.read()
    for number in range(5):
        run(engineer, 12_000, f"flood {number}")
        view.read()
        new = run(engineer, 50, f"then {number}", error="ValueError: no")
        assert all(ledger.row(row.index) is row for row in new)
        view.assert_knows(ledger)
        assert view.reader.numbered[new[7].index]["state"] == TaskState.FAILED
        assert view.reader.errors[new[7].index] == "ValueError: no"
        assert [row["state"] for row in observe.tasks(name=f"step then {number}", ledger=ledger)].count(
            "done"
        ) == 49
        assert len(ledger.tasks) <= ROWS_MAX
        assert len(ledger._numbers) == len(ledger.tasks)
    assert not ledger.gone_tasks
    assert not ledger.changed_tasks
    failed = [row for row in ledger.tasks if row.state == TaskState.FAILED]
    assert len(failed) == 5, "none has left"


def test_a_flood_tells_of_few_rows_more_than_the_list_holds(ledger, engineer, monkeypatch):
    monkeypatch.setattr("observe.engineer.time", SimpleNamespace(monotonic=lambda: 100.0))
    view = View(observe.Feed(ledger))
    for _ in range(10):
        run(engineer, ROWS_MAX, "flood")
        view.read()
    assert view.reader.latest < 1.5 * ROWS_MAX


def test_the_card_of_a_task_says_when_it_has_left_the_list(ledger, engineer):
    ledger.tasks_listed_max = 10
    old = run(engineer, 10, "a")
    feed = observe.Feed(ledger)
    assert feed.detail(old[0].index)["state"] == "done"
    new = run(engineer, 1, "b")
    assert "left the list" in feed.detail(old[0].index)["text"]
    assert feed.detail(new[0].index)["id"] == 10
    assert "session that has ended" in feed.detail(11)["text"]


def test_a_static_graph_has_the_edges_between_listed_tasks(ledger, engineer):
    ledger.tasks_listed_max = 10
    run(engineer, 10, "a")
    run(engineer, 3, "b")
    graph = observe.graph(ledger=ledger)
    assert graph.tasks_total == 13
    assert graph.deps == [(), *[(place,) for place in range(5)], (), (6,), (7,)]


def test_the_path_of_a_failure_ends_where_the_list_does(ledger, engineer):
    ledger.tasks_listed_max = 10
    rows = [engineer.submit("first")]
    engineer.finish(rows[0], error="ValueError: no")
    for _ in range(2):
        rows.append(engineer.submit("next", deps=(rows[-1].index,)))
        engineer.finish(rows[-1], error="ValueError: no")
    identity = (rows[-1].task + bytes(4)).hex()
    assert [row["index"] for row in observe.failure_path(identity, ledger=ledger)] == [2, 1, 0]
    run(engineer, 8, "b")
    assert [row["index"] for row in observe.failure_path(identity, ledger=ledger)] == [2]


@pytest.mark.parametrize("recorded", [True, False])
def test_a_report_has_what_was_recorded_in_the_order_of_submission(recorded):
    ledger = Ledger("s", tasks_listed_max=10)
    engineer = Engineer(ledger)
    if recorded:
        ledger.unlisted = type(ledger.changed_tasks)()
    early = run(engineer, 30, "a")
    late = run(engineer, 3, "b")
    late[0].parent = late[1].parent = early[0].index
    ledger.tried(late[2], time.monotonic(), "it died")
    unlisted = list(ledger.unlisted or ())
    whole = whole_ledger(Run(ledger, "local", 0.0, listed=ledger.tasks, unlisted=unlisted))
    assert [row.index for row in late] == [12, 13, 14], "rows of a session keep their numbers"
    if not recorded:
        assert whole.tasks == ledger.tasks
        assert whole.shown == {}
        return
    assert [row.task for row in whole.tasks] == [row.task for row in (*early, *late)]
    assert [row.index for row in whole.tasks] == list(range(33))
    listed = [row.index >= 0 for row in early]
    assert [row.deps for row in whole.tasks[:12]] == [(), *[(place,) for place in range(11)]]
    assert listed == [True] * 12 + [False] * 18
    assert [row.deps for row in whole.tasks[-3:]] == [(), (30,), (31,)]
    assert [row.parent for row in whole.tasks[-3:]] == [0, 0, -1]
    assert [past.row for _, past in whole.attempts] == [whole.tasks[-1]]
    # each is shown with the number that the views have called it by; those that had none come behind
    shown = [whole.shown[row.index] for row in whole.tasks]
    assert shown == [*range(12), *range(15, 33), 12, 13, 14]
    assert whole.tasks_total == 33
