"""Which call may be pushed next: lanes, held calls, retries, cancels."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from gnomon._core.call_queue import CallQueue, CallRecord
from gnomon._core.events import CallSubmitted
from gnomon._core.ledger import TaskRow
from gnomon.ids import ActorID, TaskID, WorkerID, object_id, task_id

ME = WorkerID(b"me......")
ACTOR = ActorID(task_id(ME, 1))
ARGUMENT = object_id(task_id(ME, 2), 1)


def call(number: int, lane: str = "", missing: bool = False, in_order: bool = True) -> CallRecord:
    task = task_id(ME, 100 + number)
    event = CallSubmitted(
        task, ACTOR, "method", "A.method", b"\0", (), (), 1, 0, False, lane, in_order, None, None
    )
    record = CallRecord(event, TaskRow(task, 0, (), 0, 0, -1, b""), number, (None, lane))
    record.missing = {ARGUMENT} if missing else None
    return record


def taken(queue: CallQueue) -> list[int]:
    queue.check()
    return [record.number for record in iter(queue.take, None) if record is not None]


def give(queue: CallQueue, record: CallRecord) -> None:
    assert record.missing
    record.missing.clear()
    queue.arguments_there(record)


def end(queue: CallQueue, record: CallRecord) -> None:
    record.ended = True
    queue.withdraw(record)


def test_a_late_argument_holds_up_its_own_lane_only() -> None:
    queue = CallQueue()
    late = call(2, "a", missing=True)
    for record in (call(1, "a"), late, call(3, "b"), call(4, "a"), call(5, "b")):
        queue.add(record)
    assert taken(queue) == [1, 3, 5]
    give(queue, late)
    assert taken(queue) == [2, 4]
    assert queue.lanes == {}


def test_an_argument_that_is_there_before_its_turn_waits_for_its_turn() -> None:
    queue = CallQueue()
    first, second = call(1, missing=True), call(2, missing=True)
    for record in (first, second, call(3)):
        queue.add(record)
    give(queue, second)
    assert taken(queue) == []
    give(queue, first)
    assert taken(queue) == [1, 2, 3]


def test_calls_out_of_order_wait_for_their_own_arguments_alone() -> None:
    queue = CallQueue()
    late = call(1, missing=True, in_order=False)
    for record in (late, call(2, in_order=False)):
        queue.add(record)
    assert taken(queue) == [2]
    give(queue, late)
    assert taken(queue) == [1]
    assert queue.held == {}


def test_a_retried_call_goes_before_all_that_were_submitted_later() -> None:
    queue = CallQueue()
    records = [call(number) for number in range(1, 6)]
    for record in records:
        queue.add(record)
    assert [queue.take() for _ in range(3)] == records[:3]
    queue.put_back((records[1], records[0]))
    assert taken(queue) == [1, 2, 4, 5]


def test_a_retried_call_goes_before_a_lane_that_waits() -> None:
    queue = CallQueue()
    first, late, behind = call(1), call(2, missing=True), call(3)
    queue.add(first)
    assert queue.take() is first
    queue.add(late)
    queue.add(behind)
    queue.put_back((first,))
    give(queue, late)
    assert taken(queue) == [1, 2, 3]


def test_a_cancelled_call_holds_nobody_up() -> None:
    queue = CallQueue()
    late, middle = call(1, missing=True), call(2)
    for record in (late, middle, call(3)):
        queue.add(record)
    end(queue, middle)
    end(queue, late)
    assert taken(queue) == [3]
    held = call(4, missing=True, in_order=False)
    queue.add(held)
    end(queue, held)
    assert taken(queue) == []
    assert not queue.held


def test_withdrawn_calls_do_not_pile_up() -> None:
    queue = CallQueue()
    records = [call(number) for number in range(5_000)]
    for record in records:
        queue.add(record)
    for record in records[:4_000]:
        end(queue, record)
    assert len(queue.ready) < 3_000
    assert taken(queue) == list(range(4_000, 5_000))


def test_drain_gives_all_that_have_not_ended_in_their_order() -> None:
    queue = CallQueue()
    late = call(1, "a", missing=True)
    gone = call(4, "b")
    for record in (late, call(2, "b"), call(3, "a"), gone, call(5, "c", missing=True, in_order=False)):
        queue.add(record)
    end(queue, gone)
    assert [record.number for record in queue.drain()] == [1, 2, 3, 5]
    assert taken(queue) == []


@pytest.mark.parametrize("in_order", [True, False])
def test_ten_thousand_waiting_calls_are_looked_at_once_each(in_order: bool) -> None:
    """Each call that becomes ready costs its own steps, not a look at all that still wait."""
    looks = 0

    class Watched(CallRecord):
        __slots__ = ()

        def __getattribute__(self, name: str) -> Any:
            nonlocal looks
            looks += name == "missing"
            return super().__getattribute__(name)

    queue = CallQueue()
    records = []
    for number in range(10_000):
        template = call(number, str(number) if in_order else "", True, in_order)
        record = Watched(template.event, template.row, number, template.lane)
        record.missing = {ARGUMENT}
        records.append(record)
        queue.add(record)
    looks = 0
    for record in reversed(records):
        assert record.missing is not None
        record.missing.clear()
        queue.arguments_there(record)
        assert queue.take() is record
    assert looks <= 10 * len(records)


def histories(seed: int) -> Iterator[tuple[str, int]]:
    chooser = random.Random(seed)
    for _ in range(300):
        yield (
            chooser.choice(("add", "add", "late", "give", "take", "retry", "cancel")),
            chooser.randrange(1_000),
        )


@pytest.mark.parametrize("seed", range(20))
def test_random_histories_keep_each_lane_in_order(seed: int) -> None:
    """Against the rule itself: in each lane a call is taken after all earlier ones, unless they ended or retry."""
    queue = CallQueue()
    records: list[CallRecord] = []
    waiting: list[CallRecord] = []
    out: list[CallRecord] = []
    for what, pick in histories(seed):
        if what in ("add", "late"):
            record = call(len(records), "ab"[pick % 2], missing=what == "late")
            records.append(record)
            queue.add(record)
            waiting += [record] if what == "late" else []
        elif what == "give" and waiting:
            give(queue, waiting.pop(pick % len(waiting)))
        elif what == "take" and (record_ := queue.take()) is not None:
            earlier = [
                each
                for each in records[: record_.number]
                if each.lane == record_.lane and not each.pushed and not each.ended
            ]
            assert earlier == [], f"{record_.number} overtook {[each.number for each in earlier]}"
            record_.pushed = True
            out.append(record_)
        elif what == "retry" and out:
            record_ = out.pop(pick % len(out))
            record_.pushed = False
            queue.put_back((record_,))
        elif what == "cancel" and records:
            record_ = records[pick % len(records)]
            if not record_.ended and not record_.pushed:
                record_.ended = True
                waiting = [each for each in waiting if each is not record_]
                queue.withdraw(record_)
        queue.check()


def test_task_ids_of_lanes_are_told_apart() -> None:
    one, other = call(1), call(2)
    one.lane, other.lane = (TaskID(b"one"), ""), (TaskID(b"other"), "")
    one.missing = {ARGUMENT}
    queue = CallQueue()
    queue.add(one)
    queue.add(other)
    assert taken(queue) == [2]
