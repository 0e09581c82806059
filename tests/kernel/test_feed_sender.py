"""The thread that sends the feed to views: requests, limits, and its end."""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from gnomon import observe
from gnomon._core.ledger import Ledger
from gnomon_kernel import feed, silence
from gnomon_kernel.feed import FeedLink, FeedSender, unpin
from gnomon_kernel.feed_pace import (
    BUSY_PERIOD_S,
    FLOOD_PERIOD_S,
    PERIOD_S,
    FeedPace,
    flood_period_s,
    tasks_now,
)
from gnomon_kernel.summaries import SUMMARY_PERIOD_S
from observe.engineer import Engineer
from observe.feed_reader import FeedReader

DEADLINE_S = 30.0


class View:
    """Collects what is sent to it, with the time."""

    def __init__(self) -> None:
        self.arrived: queue.Queue[tuple[float, dict[str, Any], list[bytes]]] = queue.Queue()
        self.reader = FeedReader()

    def __call__(self, header: dict[str, Any], buffers: list[bytes]) -> None:
        self.arrived.put((time.monotonic(), header, buffers))

    def next(self) -> tuple[float, dict[str, Any]]:
        moment, header, buffers = self.arrived.get(timeout=DEADLINE_S)
        if header["kind"] in ("snapshot", "delta", "idle"):
            self.reader.read((header, buffers[0] if buffers else b""))
        return moment, header


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> Ledger:
    ledger = Ledger("session-1")
    engine = SimpleNamespace(ledger=ledger, name="local")
    session = SimpleNamespace(current_engine=lambda: engine)
    monkeypatch.setitem(sys.modules, "gnomon._api.session", session)
    return ledger


@pytest.fixture
def sender():
    sender = FeedSender()
    yield sender
    sender.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "gnomon-feed"]


def looking(sender: FeedSender, answers: bool = False) -> tuple[View, FeedLink]:
    """A view that has asked for the feed and has got its first snapshot, and its link."""
    view = View()
    link = sender.connect(view, answers=answers)
    link.receive({"kind": "subscribe"})
    assert view.next()[1]["kind"] == "snapshot"
    return view, link


def wait_until(condition) -> None:
    limit = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true"
        time.sleep(0.005)


def test_a_view_that_subscribes_gets_a_snapshot_and_deltas(ledger, sender):
    view, _ = looking(sender)
    engineer = Engineer(ledger)
    engineer.start(engineer.submit("f"))
    while not view.reader.tasks:
        assert view.next()[1]["kind"] == "delta"
    assert view.reader.states() == [2]


def test_messages_keep_their_distance(ledger, sender):
    stop = threading.Event()
    engineer = Engineer(ledger)

    def work() -> None:
        while not stop.is_set():
            row = engineer.submit("f")
            engineer.start(row)
            engineer.finish(row)
            stop.wait(0.001)

    view = View()
    thread = threading.Thread(target=work)
    thread.start()
    try:
        link = sender.connect(view)
        link.receive({"kind": "subscribe"})
        for _ in range(3):
            link.receive({"kind": "resync"})
        moments = [view.next()[0] for _ in range(6)]
    finally:
        stop.set()
        thread.join()
    assert moments[-1] - moments[0] >= 5 * PERIOD_S


def test_hidden_views_cost_nothing_and_come_back_with_a_snapshot(ledger, sender):
    view, link = looking(sender)
    assert ledger.readers == 1
    link.receive({"kind": "hidden"})
    wait_until(lambda: ledger.readers == 0)
    engineer = Engineer(ledger)
    engineer.submit("f")
    link.receive({"kind": "visible"})
    assert [view.next()[1]["kind"] for _ in range(2)] == ["hidden", "snapshot"]
    assert len(view.reader.tasks) == 1


def test_a_view_that_is_taken_for_hidden_is_told_so(ledger, sender):
    """What it has said may have come in another order: one that is seen all the same asks again."""
    view, link = looking(sender)
    link.receive({"kind": "visible"})
    assert view.next()[1]["kind"] == "snapshot"
    link.receive({"kind": "hidden"})
    assert view.next()[1] == {"kind": "hidden"}
    assert ledger.readers == 0
    link.receive({"kind": "resync"})
    assert view.next()[1]["kind"] == "snapshot"


def test_after_the_last_of_many_a_view_is_told_once_how_many_they_were(ledger, sender, monkeypatch):
    """A server that drops messages when there are too many of them may have dropped the last one."""
    monkeypatch.setattr(feed, "_PROBE_AFTER_S", 0.3)
    view = View()
    link = sender.connect(view)
    link.receive({"kind": "subscribe"})
    Engineer(ledger).submit("f")
    while len(view.reader.tasks) < 1:
        view.next()
    header = view.next()[1]
    assert (header["kind"], header.get("new"), header.get("groups")) == ("delta", None, None)
    numbered = view.reader.sequence
    looks: list[float] = []
    monkeypatch.setattr(sender._pace, "period_s", lambda: looks.append(0.0) or PERIOD_S)
    wait_until(lambda: len(looks) > 8)  # whether it lacks anything
    assert view.arrived.empty()
    Engineer(ledger).submit("g")
    while len(view.reader.tasks) < 2:
        view.next()
    assert view.reader.sequence == numbered + 1


def test_a_view_that_falls_silent_is_sent_nothing_until_it_is_back(ledger, sender, monkeypatch):
    """A page that has crashed, or sleeps, closes nothing; the server would keep for it what the kernel sends."""
    monkeypatch.setattr(silence, "SILENT_S", 0.3)
    view, silent = looking(sender, answers=True)
    engineer = Engineer(ledger)

    def is_given_up() -> bool:
        engineer.submit("f")
        return ledger.readers == 0

    wait_until(is_given_up)
    # one that has no way to answer while a cell runs is believed to be there
    other, _ = looking(sender)
    engineer.submit("f")
    while len(other.reader.tasks) < len(ledger.tasks):
        other.next()
    assert ledger.readers == 1
    silent.receive({"kind": "seen"})
    while len(view.reader.tasks) < len(ledger.tasks):
        view.next()


def test_only_who_is_sent_things_can_be_silent():
    view = silence.Silence()
    for burst in range(5):  # a reader who looks at what has run, and runs something again
        for step in range(50):
            view.sent(burst * 120.0 + step * 0.2)
            assert not view.is_gone
    for step in range(301):
        assert not view.is_gone
        view.sent(1_000.0 + step * 0.2)
    view.sent(1_061.0)
    assert view.is_gone
    view.heard()
    assert not view.is_gone


def test_resync_starts_anew(ledger, sender):
    view, link = looking(sender)
    link.receive({"kind": "resync"})
    assert view.next()[1]["kind"] == "snapshot"


def test_detail_is_answered_and_nonsense_is_not(ledger, sender):
    view = View()
    Engineer(ledger).submit("f")
    link = sender.connect(view)
    for content in ({}, {"kind": "detail"}, {"kind": "detail", "id": "0"}, {"kind": "unknown"}):
        link.receive(content)
    link.receive({"kind": "detail", "id": 0})
    header = view.next()[1]
    assert (header["kind"], header["id"], header["name"]) == ("detail", 0, "f")


def test_an_announced_view_is_sent_to_before_it_has_said_anything(ledger, sender):
    view = View()
    sender.connect(view, announced=True)
    assert view.next()[1]["kind"] == "snapshot"
    # it may have been loading then, so the snapshot is repeated
    assert view.next()[1]["kind"] == "snapshot"


def test_a_view_that_fails_is_closed_and_the_others_go_on(ledger, sender, caplog):
    def broken(_header: dict[str, Any], _buffers: list[bytes]) -> None:
        raise RuntimeError("the comm is closed")

    with caplog.at_level(logging.ERROR, logger="gnomon.feed"):
        failing = sender.connect(broken, announced=True)
        wait_until(lambda: failing.closed)
    assert "live view was closed" in caplog.text
    looking(sender)


def test_closing_the_last_link_ends_the_reading(ledger, sender):
    view, link = looking(sender)
    link.close()
    link.close()
    assert ledger.readers == 0
    link.receive({"kind": "visible"})
    looking(sender)
    assert view.arrived.empty()


def test_a_link_that_is_closed_while_it_subscribes_leaves_no_reader(ledger, sender, monkeypatch):
    real, closed = observe.feed(), threading.Event()

    class Closing:
        def subscribe(self, parts: frozenset[str]) -> observe.Subscription:
            subscription = real.subscribe(parts)
            link.close()
            closed.set()
            return subscription

    link = sender.connect(View())
    monkeypatch.setattr(observe, "feed", lambda: Closing())
    link.receive({"kind": "subscribe"})
    assert closed.wait(DEADLINE_S)
    sender.close()
    assert ledger.readers == 0, "the engine would note changes for a reader that never comes"


def test_a_link_that_is_closed_is_closed_again_without_waiting_for_anybody(ledger, sender):
    """The collector closes a widget again when it drops it: in any thread, in the middle of anything."""
    view, link = looking(sender)
    link.close()
    with observe.feed()._lock, sender._wake:
        again = threading.Thread(target=link.close, daemon=True)
        again.start()
        again.join(DEADLINE_S)
        assert not again.is_alive()


def test_views_are_told_less_often_while_the_process_is_busy():
    clock = {"now": 0.0, "used": 0.0, "steps": 0}
    left = 0
    pace = FeedPace(lambda: clock["now"], lambda: clock["used"], lambda: (clock["steps"], left))

    def after(passed_s: float, used_s: float, steps: int = 0) -> float:
        clock["now"] += passed_s
        clock["used"] += used_s
        clock["steps"] += steps
        return pace.period_s()

    assert after(0.2, 0.09) == PERIOD_S
    assert after(0.2, 0.11) == BUSY_PERIOD_S
    assert after(0.05, 0.0) == BUSY_PERIOD_S, "too soon to tell"
    assert after(0.45, 0.5) == BUSY_PERIOD_S
    assert after(0.5, 0.05) == PERIOD_S
    assert after(30.0, 0.3) == PERIOD_S
    assert after(0.25, 0.0, steps=900) == FLOOD_PERIOD_S, "others may have the processors"
    assert pace.is_flood
    assert after(0.1, 0.1, steps=0) == FLOOD_PERIOD_S, "too soon to tell"
    assert after(0.9, 0.9, steps=900) == BUSY_PERIOD_S
    assert after(1.0, 0.9, steps=90_000) == FLOOD_PERIOD_S
    assert after(0.25, 0.0, steps=100) == PERIOD_S, "how it ended is told at once"
    assert not pace.is_flood
    left = 7
    after(0.25, 0.0, steps=10_000)
    assert [after(0.25, 0.2) for _ in range(6)] == 5 * [FLOOD_PERIOD_S] + [BUSY_PERIOD_S]
    assert after(0.25, 0.2) == BUSY_PERIOD_S
    assert PERIOD_S >= 1 / observe.MESSAGES_PER_SECOND_MAX


def test_messages_are_brief_from_the_first_moment_of_a_flood():
    clock = {"now": 0.0, "steps": 0}
    pace = FeedPace(lambda: clock["now"], lambda: 0.0, lambda: (clock["steps"], 0))
    clock |= {"now": 1.0, "steps": 50}
    pace.period_s()
    assert not pace.is_brief()
    clock |= {"now": 1.01, "steps": 200}
    assert not pace.is_brief(), "so few fit into one message"
    clock |= {"now": 1.02, "steps": 1_000}
    assert pace.is_brief(), "before the next look at the clocks"
    clock |= {"now": 3.0, "steps": 1_001}
    pace.period_s()
    assert not pace.is_brief()


def test_a_flood_is_told_of_less_often_where_processors_are_few():
    assert [flood_period_s(cpus) for cpus in (1, 2, 4, 8, 64)] == [2.0, 2.0, 1.0, 0.5, 0.5]


def test_the_tasks_that_make_a_flood_are_those_submitted_and_those_ended(ledger):
    assert tasks_now() == (0, 0)
    engineer = Engineer(ledger)
    rows = [engineer.submit("f") for _ in range(3)]
    assert tasks_now() == (3, 3)
    engineer.start(rows[0])
    engineer.finish(rows[0])
    engineer.start(rows[1])
    engineer.finish(rows[1], error="no")
    assert tasks_now() == (5, 1)


def test_in_a_flood_views_are_told_together_and_of_its_end_at_once(ledger, sender):
    pace = SimpleNamespace(now=PERIOD_S, period_s=lambda: pace.now, is_brief=lambda: True)
    sender._pace = pace
    views = [looking(sender)[0] for _ in range(2)]
    pace.now = 3600.0
    engineer = Engineer(ledger)
    engineer.submit("f")

    def told_with_a_newcomer() -> bool:
        looking(sender)
        return not any(view.arrived.empty() for view in views)

    wait_until(told_with_a_newcomer)
    engineer.submit("f")
    pace.now = PERIOD_S
    for view in views:
        while len(view.reader.tasks) < 2:
            view.next()


def test_a_status_bar_does_not_take_the_views_along_in_a_flood(sender):
    bar = View()
    link = sender.connect(bar)
    link.receive({"kind": "summarise"})
    bar.next()
    assert link.due(60.0) - link.due(PERIOD_S) == pytest.approx(60.0 - SUMMARY_PERIOD_S)


def test_unpin_lets_messages_go_where_the_front_end_sent_them():
    class Pinned:
        def _reply_subshell_for(self, data: object, default: object) -> object:
            return "the blocked shell"

    class Plain:
        pass

    pinned, plain = Pinned(), Plain()
    unpin(pinned)
    unpin(plain)
    assert pinned._reply_subshell_for({}, "subshell-1") == "subshell-1"
    assert not hasattr(plain, "_reply_subshell_for")
