"""The feed: what a reader knows after the messages is what the ledger holds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from gnomon import observe
from gnomon._core.ledger import ATTEMPTS_KEPT, SPANS_KEPT, Ledger, TaskRow, TaskState
from gnomon._messages.cluster import ReportedSpan
from gnomon.ids import WorkerID
from gnomon.observe.backlog import MESSAGE_BYTES_MAX
from gnomon.observe.columns import DEPENDENCIES_SHOWN_MAX
from observe.feed_reader import FeedReader


def read_all(subscription: observe.Subscription, reader: FeedReader) -> int:
    """Poll until there is nothing new; the number of messages."""
    count = 0
    while (message := subscription.poll()) is not None:
        reader.read(message)
        count += 1
        assert count < 10_000
    return count


def assert_knows(reader: FeedReader, ledger: Ledger) -> None:
    assert reader.names == ledger.names.entries
    assert [(cell["id"], cell["label"]) for cell in reader.cells] == ledger.cells.entries
    assert [(row["id"], row["pid"], row["label"]) for row in reader.workers] == ledger.workers.entries
    assert reader.groups == dict(enumerate(ledger.counts))
    assert len(reader.tasks) == len(ledger.tasks)
    for known, row in zip(reader.tasks, ledger.tasks, strict=True):
        shown = (known["func"], known["cell"], known["line"], tuple(known["deps"]), known["state"])
        assert shown == (row.group, row.cell, row.line, row.deps, row.state)
        assert known["worker"] == row.worker
        assert (known["start"] != 0.0) == (row.started != 0.0)
        assert (known["end"] != 0.0) == (row.finished != 0.0)
    assert reader.totals == ledger.totals
    assert reader.actors == ledger.actors
    assert reader.nodes == ledger.nodes
    assert reader.limits == {"tasks_listed": len(ledger.tasks), "tasks_total": ledger.tasks_total}
    assert max(reader.sizes) <= MESSAGE_BYTES_MAX


def test_snapshot_of_an_empty_session(ledger):
    reader = FeedReader()
    subscription = observe.Feed(ledger).subscribe()
    assert read_all(subscription, reader) == 1
    assert_knows(reader, ledger)
    assert subscription.poll() is None


def test_snapshot_then_deltas(ledger, engineer):
    first = engineer.submit("load", cell="a", line=3)
    engineer.start(first)
    reader = FeedReader()
    subscription = observe.Feed(ledger).subscribe()
    read_all(subscription, reader)
    assert_knows(reader, ledger)
    second = engineer.submit("count", deps=(first.index,), cell="b", line=5)
    engineer.finish(first)
    ledger.object_changed("ab" * 20, 1_000, "store", "load", 2, 1, "n1")
    ledger.totals["count"] = 1
    ledger.actor_changed("cd" * 16, state="alive", name=None, cell=0)
    ledger.node_changed("ef" * 8, alive=True, workers=2)
    assert read_all(subscription, reader) == 1
    assert reader.objects == {"ab" * 20: [1_000, "store", "load", 2, 1, "n1"]}
    assert_knows(reader, ledger)
    engineer.start(second, worker=1)
    engineer.finish(second, error="ValueError:\n  wrong")
    ledger.object_gone("ab" * 20)
    ledger.actor_changed("cd" * 16, state="dead")
    read_all(subscription, reader)
    assert reader.objects == {}
    assert reader.errors == {1: "ValueError: wrong"}
    assert reader.snapshots == 1
    assert_knows(reader, ledger)


def test_times_are_unix_seconds(ledger, engineer):
    before = time.time()
    row = engineer.submit("f")
    engineer.start(row)
    reader = FeedReader()
    read_all(observe.Feed(ledger).subscribe(), reader)
    known = reader.tasks[0]
    assert before - 1 < known["created"] <= known["start"] < time.time() + 1
    assert known["end"] == 0.0


def test_nothing_is_noted_while_nobody_reads(ledger, engineer):
    subscription = observe.Feed(ledger).subscribe()
    subscription.poll()
    assert ledger.readers == 1
    subscription.hide()
    row = engineer.submit("f")
    engineer.start(row)
    ledger.object_changed("a", 1, "memory", "f", 1, 0, "")
    assert ledger.readers == 0
    assert not ledger.changed_tasks
    assert not ledger.changed_objects
    assert subscription.poll() is None


def test_a_shown_again_reader_gets_a_snapshot(ledger, engineer):
    reader = FeedReader()
    subscription = observe.Feed(ledger).subscribe()
    read_all(subscription, reader)
    subscription.hide()
    engineer.start(engineer.submit("f"))
    subscription.resync()
    read_all(subscription, reader)
    assert reader.snapshots == 2
    assert_knows(reader, ledger)


def test_readers_are_independent(ledger, engineer):
    feed = observe.Feed(ledger)
    fast, slow = FeedReader(), FeedReader()
    fast_subscription, slow_subscription = feed.subscribe(), feed.subscribe()
    for _ in range(20):
        row = engineer.submit("f")
        engineer.start(row)
        read_all(fast_subscription, fast)
        engineer.finish(row)
    fast_subscription.close()
    assert ledger.readers == 1
    read_all(slow_subscription, slow)
    assert_knows(slow, ledger)
    assert fast.snapshots == slow.snapshots == 1


def test_big_snapshot_is_split_and_every_message_fits(ledger, engineer):
    workers = 40
    for number in range(9_000):
        deps = tuple(range(max(0, number - 3), number))
        row = engineer.submit(
            f"module.function_{number % 300}", deps=deps, cell=str(number % 50), line=number
        )
        if number % 3:
            engineer.start(row, worker=number % workers)
        if number % 3 == 2:
            engineer.finish(row, error="" if number % 30 else "ValueError: " + "é" * 5_000)
    for number in range(700):
        ledger.object_changed(f"{number:040x}", number, "store", "module.function", 1, 0, "0" * 16)
        ledger.actor_changed(f"{number:032x}", state="dead", cause="because " * 1_000, cell=0)
    reader = FeedReader()
    subscription = observe.Feed(ledger).subscribe()
    assert read_all(subscription, reader) > 5
    assert len(reader.objects) == 500
    assert min(row[0] for row in reader.objects.values()) == 200
    assert all(len(row["cause"]) <= 2_000 for row in reader.actors.values())
    reader.actors = ledger.actors
    assert_knows(reader, ledger)


def test_a_brief_message_tells_all_counts_and_some_rows_the_others_come_later(ledger, engineer):
    reader = FeedReader()
    subscription = observe.Feed(ledger).subscribe()
    reader.read(subscription.poll(brief=True))
    for number in range(4_000):
        engineer.start(engineer.submit("f"), worker=number % 4)
        ledger.object_changed(f"{number:040x}", 10**6 + number, "store", "f", 1, 0, "n1")
    reader.read(subscription.poll(brief=True))
    assert reader.sizes[-1] < MESSAGE_BYTES_MAX // 3
    assert sum(reader.groups[0]) == 4_000
    assert 0 < len(reader.tasks) < 4_000
    assert reader.objects
    read_all(subscription, reader)
    assert_knows(reader, ledger)


def test_whatever_people_name_things_every_message_fits(ledger, engineer):
    long, count = "ü" * 2_500, 40
    for number in range(count):
        row = engineer.submit(f"{long}{number}", cell=f"{long}{number}")
        engineer.start(row, worker=number)
        engineer.finish(row, error=long)
        ledger.object_changed(f"{number:040x}", 10**6, "store", f"{long}{number}", 1, row.cell, "n1")
        texts = dict.fromkeys(("name", "class", "cause", "current"), long)
        ledger.actor_changed(f"a{number}", watched={f"{long}{n}": long for n in range(5)}, **texts)
        processes = [[f"{n:016x}", n, "leased"] for n in range(300)]
        ledger.node_changed(f"n{number}", label=long, processes=processes, resources={long: 1.0})
    reader = FeedReader()
    subscription = observe.Feed(ledger).subscribe()
    read_all(subscription, reader)
    assert max(reader.sizes) <= MESSAGE_BYTES_MAX
    assert len(reader.actors) == len(reader.nodes) == len(reader.objects) == count
    assert reader.states() == [TaskState.FAILED] * count
    assert {row[2] for row in reader.objects.values()} == set(reader.names), "one name for one function"


def test_a_reader_is_told_only_of_what_it_shows(ledger, engineer):
    feed = observe.Feed(ledger)
    parts = {name: FeedReader() for name in sorted(observe.PARTS)}
    subscriptions = {name: feed.subscribe([name]) for name in parts}
    for _ in range(2):  # in a snapshot, and in a delta
        engineer.start(engineer.submit("f", cell="a"))
        ledger.object_changed("ab" * 20, 1_000, "store", "f", 2, 1, "n1")
        ledger.actor_changed("cd" * 16, state="alive", cell=1)
        ledger.node_changed("ef" * 8, alive=True)
        for name, subscription in subscriptions.items():
            read_all(subscription, parts[name])
    for name, reader in parts.items():
        assert bool(reader.tasks) == (name == "tasks")
        assert bool(reader.objects) == bool(reader.totals) == (name == "objects")
        assert bool(reader.actors) == (name == "actors")
        assert reader.names == ["f"]
        assert reader.groups == {0: [0, 0, 2, 0, 0, 0]}
        assert reader.nodes == ledger.nodes
        assert reader.limits["tasks_total"] == 2
    with pytest.raises(ValueError, match="no part 'task'. Use some of: actors, objects, tasks"):
        feed.subscribe(["task"])


def test_a_closed_subscription_stays_closed(ledger):
    subscription = observe.Feed(ledger).subscribe()
    subscription.close()
    subscription.resync()  # what was on its way when it was closed
    assert ledger.readers == 0
    assert subscription.poll() is None


def test_a_task_with_very_many_dependencies_still_fits(ledger, engineer):
    for _ in range(9_000):
        engineer.submit("part")
    engineer.submit("reduce", deps=tuple(range(9_000)))
    reader = FeedReader()
    read_all(observe.Feed(ledger).subscribe(), reader)
    assert reader.tasks[-1]["deps"] == list(range(DEPENDENCIES_SHOWN_MAX))
    assert max(reader.sizes) <= MESSAGE_BYTES_MAX


def test_beyond_the_limit_only_the_counts_grow(engineer):
    ledger = engineer.ledger
    ledger.tasks_listed_max = 10
    reader = FeedReader()
    subscription = observe.Feed(ledger).subscribe()
    read_all(subscription, reader)
    rows = [engineer.submit("f") for _ in range(1_000)]
    for row in rows:
        engineer.start(row)
        engineer.finish(row)
    assert len(ledger.changed_tasks) == 20
    read_all(subscription, reader)
    assert_knows(reader, ledger)
    assert reader.groups[0][TaskState.DONE] == 1_000
    assert reader.limits == {"tasks_listed": 10, "tasks_total": 1_000}


def test_many_changing_groups_are_all_told(ledger, engineer):
    reader = FeedReader()
    subscription = observe.Feed(ledger).subscribe()
    for _ in range(3):
        for number in range(2_000):
            engineer.submit(f"f{number}")
        message = subscription.poll()
        assert message is not None
        reader.read(message)
    read_all(subscription, reader)
    assert_knows(reader, ledger)


def test_an_engine_that_writes_while_readers_come_and_go(ledger, engineer):
    """The engine's thread never waits for the feed, and nothing is lost between the two."""
    finished = threading.Event()

    def work() -> None:
        recent = []
        for number in range(8_000):
            recent.append(engineer.submit(f"f{number % 7}", deps=(number - 1,) if number % 2 else ()))
            if len(recent) > 20:
                row = recent.pop(0)
                engineer.start(row, worker=number % 5)
                engineer.finish(row, error="" if number % 11 else "KeyError: 1")
                key = f"{number:040x}"
                ledger.object_changed(key, number % 100, "memory", "f", 1, 0, "")
                if number % 3:
                    ledger.object_gone(key)
        finished.set()

    feed = observe.Feed(ledger)
    steady, restless = FeedReader(), FeedReader()
    steady_subscription, restless_subscription = feed.subscribe(), feed.subscribe()
    thread = threading.Thread(target=work)
    thread.start()
    turns = 0
    while not finished.is_set():
        for subscription, reader in ((steady_subscription, steady), (restless_subscription, restless)):
            message = subscription.poll()
            if message is not None:
                reader.read(message)
        turns += 1
        if turns % 7 == 0:
            restless_subscription.hide()
            restless_subscription.resync()
    thread.join()
    for subscription, reader in ((steady_subscription, steady), (restless_subscription, restless)):
        read_all(subscription, reader)
        assert_knows(reader, ledger)
    assert steady.snapshots == 1
    for key, row in steady.objects.items():
        assert row == ledger.objects[key]


def test_detail_tells_all_of_one_task(ledger, engineer):
    first = engineer.submit("load", cell="7", line=3)
    second = engineer.submit("parse", deps=(first.index,), cell="7", line=4)
    engineer.start(second, worker=2)
    engineer.finish(second, error="ValueError: bad row")
    detail = observe.Feed(ledger).detail(1)
    assert detail["kind"] == "detail"
    assert (detail["id"], detail["name"], detail["state"]) == (1, "parse", "failed")
    assert (detail["cell_label"], detail["line"], detail["deps"]) == ("In [7]", 4, [0])
    assert (detail["worker"], detail["pid"]) == ("worker 2", 1002)
    assert detail["end"] >= detail["start"] >= detail["created"] > 1e9
    assert "ValueError: bad row" in detail["text"]
    assert "text" in observe.Feed(ledger).detail(99)
    assert "text" in observe.Feed(None).detail(0)


def test_the_process_wide_feed_follows_the_sessions(
    current: Callable[[object], None], monkeypatch: pytest.MonkeyPatch, engineer, ledger
):
    observe.feed.cache_clear()  # else it tells first how another test's session ended
    reader = FeedReader()
    subscription = observe.feed().subscribe()
    try:
        assert read_all(subscription, reader) == 1
        assert reader.idle == 1
        current(SimpleNamespace(ledger=ledger, name="local"))
        engineer.submit("f")
        read_all(subscription, reader)
        assert_knows(reader, ledger)
        other = Ledger("session-2")
        current(SimpleNamespace(ledger=other, name="inline"))
        read_all(subscription, reader)
        assert reader.session == "session-2"
        assert reader.tasks == []
        assert (ledger.readers, other.readers) == (0, 1)
        current(None)
        read_all(subscription, reader)
        assert reader.idle == 2
        assert other.readers == 0
    finally:
        subscription.close()


def test_the_tempo_is_told_when_it_changes(ledger):
    reader, subscription = FeedReader(), observe.Feed(ledger).subscribe()
    assert read_all(subscription, reader) == 1
    assert reader.tempo == {}
    ledger.tempo = {"mode": "paused", "waiting": 1}
    assert read_all(subscription, reader) == 1
    assert reader.tempo == {"mode": "paused", "waiting": 1}
    late = FeedReader()
    assert read_all(observe.Feed(ledger).subscribe(), late) == 1
    assert late.tempo == reader.tempo
    ledger.tempo = {}
    assert read_all(subscription, reader) == 1
    assert reader.tempo == {}


def test_a_view_that_was_hidden_when_the_session_ended_learns_how_it_ended(engineer, ledger):
    followed = [ledger]
    feed = observe.Feed(follow=lambda: (ledger, "local") if followed else None)
    hidden, seen = feed.subscribe(), feed.subscribe()
    readers = {hidden: FeedReader(), seen: FeedReader()}
    tasks = [engineer.submit("f") for _ in range(3)]
    for subscription, reader in readers.items():
        read_all(subscription, reader)
    hidden.hide()
    for row in tasks:
        engineer.start(row)
        engineer.finish(row)
    followed.clear()
    engineer.submit("late")  # what the engine still writes while it ends
    hidden.resync()
    for subscription, reader in readers.items():
        read_all(subscription, reader)
        assert_knows(reader, ledger)
        assert reader.idle == 1
        assert subscription.poll() is None
    assert ledger.readers == 0


def test_what_the_end_of_a_session_still_changes_is_told_as_its_end(engineer, ledger):
    followed = [ledger]
    subscription = observe.Feed(follow=lambda: (ledger, "local") if followed else None).subscribe()
    ledger.object_changed("a0", 100, "memory", "f", 1, 0, "")
    ledger.totals.update(count=1, memory_bytes=100)
    engineer.submit("f")
    header, _ = subscription.poll()
    assert "ended" not in header
    followed.clear()
    # the engine is on its way down: it has not yet ended its ledger
    assert [message[0]["kind"] for message in (subscription.poll(), subscription.poll())] == [
        "snapshot",
        "idle",
    ]
    ledger.end(1.0)
    header, _ = subscription.poll()
    assert (header["kind"], header["ended"]) == ("delta", True)
    assert header["objects"]["count"] == 0
    assert subscription.poll() is None


def test_attempts_that_others_have_followed_are_told_once_and_within_the_limit(ledger):
    rows = [TaskRow(bytes([number]) * 16, ledger.group("f"), (), 0, 0, -1) for number in range(3)]
    for row in rows[:2]:
        ledger.task_submitted(row, 1.0)
    subscription = observe.Feed(ledger).subscribe()
    reader = FeedReader()
    read_all(subscription, reader)

    def tried(row, reason):
        row.worker, row.started = 0, 2.0
        ledger.tried(row, 3.5, reason)

    def told():
        found = []
        while (message := subscription.poll()) is not None:
            reader.read(message)
            found += message[0].get("attempts", [])
        return found

    tried(rows[1], "its worker died")
    tried(rows[1], "x" * 1_000)
    tried(rows[2], "not listed")
    first, second = told()
    assert (first[:3], first[5:]) == ([1, 0, 0], [TaskState.FAILED, "its worker died"])
    assert first[4] - first[3] == pytest.approx(1.5)
    assert first[3] > 1e9
    assert (second[1], len(second[6]) <= 200) == (1, True)
    assert told() == []
    for _ in range(ATTEMPTS_KEPT + 10):
        tried(rows[0], "y" * 300)
    assert [each[1] for each in told()] == list(range(10, ATTEMPTS_KEPT + 10)), "the latest ones, in order"
    assert max(reader.sizes) <= MESSAGE_BYTES_MAX


def test_what_took_time_besides_is_told_once_and_within_the_limit(ledger):
    worker = WorkerID(b"worker..")
    subscription = observe.Feed(ledger).subscribe()
    reader = FeedReader()
    read_all(subscription, reader)

    def note(first, count):
        ledger.spans_noted(
            ReportedSpan("read", worker, float(each), each + 0.5, each, "f")
            for each in range(first, first + count)
        )

    def told():
        rows = []
        while (message := subscription.poll()) is not None:
            reader.read(message)
            rows += message[0].get("spans", [])
        return rows

    note(1, 3)
    rows = told()
    assert [(row[0], row[1], row[4], row[5]) for row in rows] == [
        ("read", worker.hex(), each, "f") for each in (1, 2, 3)
    ]
    assert all(row[3] - row[2] == pytest.approx(0.5) and row[2] > 1e9 for row in rows)
    assert told() == []
    note(10, SPANS_KEPT + 100)
    assert [row[4] for row in told()] == list(range(110, SPANS_KEPT + 110)), "the latest ones, in order"
    assert max(reader.sizes) <= MESSAGE_BYTES_MAX
