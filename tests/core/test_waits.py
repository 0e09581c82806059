"""Waits for several values: counted down, and cut short by an error for those in haste."""

from __future__ import annotations

from gnomon._core.effects import Effects, WakeWaiter
from gnomon._core.events import ValuesAwaited
from gnomon._core.ledger import Ledger
from gnomon._core.references import ReferenceMachine
from gnomon._messages.failures import failure
from gnomon.ids import ObjectID, WorkerID, object_id, task_id

ME, NODE = (WorkerID(bytes([number]) * 8) for number in (1, 2))
GOOD, BAD = b"\0value", failure("TaskCancelledError")


class Process:
    def __init__(self) -> None:
        self.effects = Effects()
        self.machine = ReferenceMachine(
            ME,
            NODE,
            lambda: self.effects,
            Ledger("session"),
            lambda _actor: None,
            lambda _object, _value: None,
        )

    def expect(self, number: int) -> ObjectID:
        identity = object_id(task_id(ME, number), 1)
        self.machine.expect(identity, "f")
        return identity

    def woken(self) -> list[int]:
        tokens = [each.token for each in self.effects.commands if isinstance(each, WakeWaiter)]
        self.effects.commands.clear()
        return tokens

    def nothing_waits(self) -> bool:
        machine = self.machine
        return not machine._waits and not machine._wait_objects and not machine._hasty


def test_a_wait_counts_its_values_down() -> None:
    process = Process()
    objects = tuple(process.expect(i) for i in range(3))
    process.machine.wait_for(ValuesAwaited(7, objects, 2))
    process.machine.fulfil(objects[2], GOOD)
    assert process.woken() == []
    process.machine.fulfil(objects[0], BAD)
    assert process.woken() == [7]
    assert process.nothing_waits()


def test_an_error_wakes_those_in_haste_at_once() -> None:
    process = Process()
    first, second, other = (process.expect(i) for i in range(3))
    process.machine.wait_for(ValuesAwaited(1, (second,), 1, frozenset((first, second))))
    process.machine.wait_for(ValuesAwaited(2, (second,), 1))
    process.machine.fulfil(other, BAD)
    assert process.woken() == []
    process.machine.fulfil(first, BAD)
    assert process.woken() == [1]
    process.machine.fulfil(second, GOOD)
    assert process.woken() == [2]
    assert process.nothing_waits()


def test_an_error_that_came_before_the_wait_wakes_it() -> None:
    process = Process()
    first, second = process.expect(1), process.expect(2)
    seen = process.machine.failures
    process.machine.fulfil(first, BAD)
    process.machine.wait_for(ValuesAwaited(1, (second,), 1, frozenset((first, second)), seen))
    assert process.woken() == [1]
    assert process.nothing_waits()


def test_an_abandoned_wait_leaves_nothing() -> None:
    process = Process()
    objects = (process.expect(1), process.expect(2))
    process.machine.wait_for(ValuesAwaited(1, objects[1:], 1, frozenset(objects)))
    process.machine.abandon(1)
    process.machine.fulfil(objects[0], BAD)
    process.machine.fulfil(objects[1], GOOD)
    assert process.woken() == []
    assert process.nothing_waits()
