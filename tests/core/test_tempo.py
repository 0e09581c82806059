"""The turnstile: who may begin what, and when."""

from __future__ import annotations

import pytest

from gnomon._core.effects import Effects
from gnomon._core.ledger import Ledger
from gnomon._core.tempo import FREE, PAUSED, SEEDED, SLOW, TempoMachine
from gnomon._messages.tempo import StartAllowed, StartAsked, StartDeclined, StartOver, TempoSet
from gnomon.ids import WorkerID, task_id

ME, A, B, C = (WorkerID(bytes([number]) * 8) for number in (1, 2, 3, 4))


class Turnstile:
    """A TempoMachine, and what it lets through."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.ledger = Ledger("session")
        self.machine = TempoMachine(ME, lambda: self.effects, self.ledger)
        self.now = 1.0

    def set(self, mode: str, interval_s: float = 0.0, seed: int = 0, steps: int = 0) -> TempoSet | None:
        return self.machine.set(mode, interval_s, seed, steps, self.now)

    def ask(self, worker: WorkerID, number: int, group: str = "", epoch: int = 0) -> None:
        asked = StartAsked(epoch or self.machine.epoch, group, task_id(ME, number))
        self.machine.on_asked(worker, asked, self.now)

    def decline(self, worker: WorkerID, *rounds: int, group: str = "") -> None:
        declined = StartDeclined(self.machine.epoch, group, rounds)
        self.machine.on_declined(worker, declined, self.now)

    def over(self, worker: WorkerID) -> None:
        self.machine.on_over(worker, StartOver(self.machine.epoch), self.now)

    def allowed(self, after_s: float = 0.0) -> list[WorkerID]:
        """Who is let through when so much time has passed."""
        self.now += after_s
        self.machine.run(self.now)
        self.machine.check()
        sent, self.effects = self.effects.sends, Effects()
        for messages in sent.values():
            assert all(type(message) is StartAllowed for message in messages)
        return [worker for worker, messages in sent.items() for _ in messages]


def test_paused_lets_nobody_through() -> None:
    turnstile = Turnstile()
    assert turnstile.set(PAUSED) == TempoSet(ME, 1, True)
    turnstile.ask(A, 1)
    turnstile.ask(B, 2)
    assert turnstile.allowed(100.0) == []
    assert turnstile.machine.next_wakeup() is None
    assert turnstile.ledger.tempo["waiting"] == 2


def test_a_step_lets_through_as_many_as_it_says_in_the_order_of_asking() -> None:
    turnstile = Turnstile()
    turnstile.set(PAUSED)
    for worker in (A, B, C):
        turnstile.ask(worker, 1)
    assert turnstile.set(PAUSED, steps=2) is None
    assert turnstile.allowed() == [A, B]
    assert turnstile.allowed() == []
    assert turnstile.machine.facts().begun == 2


def test_a_step_waits_for_somebody_who_asks() -> None:
    turnstile = Turnstile()
    turnstile.set(PAUSED, steps=2)
    assert turnstile.allowed() == []
    turnstile.ask(B, 1)
    assert turnstile.allowed() == [B]
    turnstile.ask(A, 2)
    turnstile.ask(B, 3)
    assert turnstile.allowed() == [A]


def test_a_step_that_is_not_used_goes_to_another() -> None:
    turnstile = Turnstile()
    turnstile.set(PAUSED, steps=1)
    turnstile.ask(A, 1)
    assert turnstile.allowed() == [A]
    turnstile.ask(B, 2)
    turnstile.decline(A, turnstile.machine.round)
    assert turnstile.allowed() == [B]
    assert turnstile.machine.facts().begun == 1


def test_an_unused_permission_of_an_earlier_round_is_no_step() -> None:
    turnstile = Turnstile()
    turnstile.set(PAUSED, steps=1)
    turnstile.ask(A, 1)
    assert turnstile.allowed() == [A]
    earlier = turnstile.machine.round
    turnstile.set(SLOW, interval_s=1.0)
    turnstile.set(PAUSED)
    turnstile.decline(A, earlier)
    turnstile.ask(B, 2)
    assert turnstile.allowed() == []


@pytest.mark.parametrize(
    ("mode", "told"), [(FREE, TempoSet(ME, 2, False)), (PAUSED, None), (SLOW, None), (SEEDED, None)]
)
def test_workers_hear_of_gates_alone(mode: str, told: TempoSet | None) -> None:
    turnstile = Turnstile()
    turnstile.set(PAUSED)
    assert turnstile.set(mode, interval_s=1.0) == told


def test_nothing_is_left_when_it_is_free() -> None:
    turnstile = Turnstile()
    turnstile.set(PAUSED, steps=3)
    turnstile.ask(A, 1)
    turnstile.allowed()
    turnstile.set(FREE)
    turnstile.machine.check()
    turnstile.ask(B, 1)
    assert turnstile.allowed(1.0) == []
    assert turnstile.ledger.tempo == {}


def test_what_belongs_to_another_epoch_is_void() -> None:
    turnstile = Turnstile()
    turnstile.set(PAUSED)
    turnstile.set(FREE)
    turnstile.set(PAUSED, steps=1)
    turnstile.ask(A, 1, epoch=1)
    assert turnstile.allowed() == []
    turnstile.ask(A, 1)
    assert turnstile.allowed() == [A]


def test_slow_motion_lets_one_through_each_interval() -> None:
    turnstile = Turnstile()
    turnstile.set(SLOW, interval_s=2.0)
    for worker in (A, B, C):
        turnstile.ask(worker, 1)
    assert turnstile.allowed() == [A]
    assert turnstile.machine.next_wakeup() == 3.0
    assert turnstile.allowed(1.9) == []
    assert turnstile.allowed(0.1) == [B]
    turnstile.decline(C)
    assert turnstile.machine.next_wakeup() is None
    assert turnstile.allowed(9.0) == []


def test_a_withdrawn_question_is_not_answered() -> None:
    turnstile = Turnstile()
    turnstile.set(PAUSED)
    turnstile.ask(A, 1, "io")
    turnstile.ask(A, 2)
    turnstile.decline(A)
    turnstile.set(PAUSED, steps=2)
    assert turnstile.allowed() == [A]
    assert turnstile.machine.facts().steps == 1


def seeded(seed: int, workers: tuple[WorkerID, ...], asked: tuple[int, ...]) -> list[int]:
    """The numbers of the tasks in the order in which they are let through, one at a time."""
    turnstile = Turnstile()
    turnstile.set(SEEDED, seed=seed)
    waiting = dict(zip(workers, asked, strict=True))
    begun = []
    for worker, number in waiting.items():
        turnstile.ask(worker, number)
    while waiting:
        assert turnstile.allowed(turnstile.machine.settle_s * 0.9) == []
        (worker,) = turnstile.allowed(turnstile.machine.settle_s * 0.2)
        begun.append(waiting.pop(worker))
        assert turnstile.allowed(turnstile.machine.settle_s * 1.1) == []  # it runs
        turnstile.over(worker)
    return begun


def test_a_seed_draws_the_same_whoever_the_workers_are() -> None:
    orders = {seed: seeded(seed, (A, B, C), (1, 2, 3)) for seed in range(20)}
    assert orders == {seed: seeded(seed, (C, A, B), (2, 3, 1)) for seed in range(20)}
    assert len({tuple(order) for order in orders.values()}) == 6, "each order of three comes up"


def test_the_next_one_is_drawn_when_the_one_before_dies_or_takes_long() -> None:
    turnstile = Turnstile()
    turnstile.set(SEEDED, seed=1)
    for worker in (A, B, C):
        turnstile.ask(worker, worker[0])
    (first,) = turnstile.allowed(turnstile.machine.settle_s)
    turnstile.machine.on_process_lost(first, turnstile.now)
    (second,) = turnstile.allowed(turnstile.machine.settle_s)
    assert turnstile.allowed(turnstile.machine.patience_s * 0.9) == []
    (third,) = turnstile.allowed(turnstile.machine.patience_s * 0.2)
    assert {first, second, third} == {A, B, C}


def test_the_next_one_is_drawn_when_a_permission_comes_back() -> None:
    turnstile = Turnstile()
    turnstile.set(SEEDED, seed=1)
    turnstile.ask(A, 1)
    assert turnstile.allowed(turnstile.machine.settle_s) == [A]
    turnstile.decline(A, turnstile.machine.round)
    turnstile.ask(B, 2)
    assert turnstile.allowed(turnstile.machine.settle_s) == [B]


def test_the_dead_do_not_wait() -> None:
    turnstile = Turnstile()
    turnstile.set(PAUSED)
    turnstile.ask(A, 1)
    turnstile.ask(A, 2, "io")
    turnstile.ask(B, 3)
    turnstile.machine.on_process_lost(A, turnstile.now)
    turnstile.set(PAUSED, steps=3)
    assert turnstile.allowed() == [B]


def test_a_draw_waits_for_those_who_are_known_to_have_something_but_not_for_ever() -> None:
    turnstile = Turnstile()
    known: list[bool] = [False]
    turnstile.machine.all_have_asked = lambda: known[0]
    settle_s = turnstile.machine.settle_s
    turnstile.set(SEEDED, seed=1)
    turnstile.ask(A, 1)
    assert turnstile.allowed(2 * settle_s) == []
    assert turnstile.machine.next_wakeup() == turnstile.now + settle_s, "it looks again"
    known[0] = True
    assert turnstile.allowed(settle_s) == [A]
    known[0] = False
    turnstile.over(A)
    turnstile.ask(B, 2)
    assert turnstile.allowed(2 * settle_s) == []
    assert turnstile.allowed(turnstile.machine.patience_s) == [B]
