"""Freed means freed everywhere within 100 ms: references handed on through tasks and actors of several nodes, in fair weather."""

from __future__ import annotations

import pytest

from gnomon.testing.simulator import Plan
from gnomon.testing.simulator import session as simulated
from gnomon.testing.simulator.plans import lending_plan_of
from gnomon.testing.simulator.session import Session
from simulation.planted import Bug, planted

SEEDS = 12


@pytest.fixture(autouse=True)
def _look_after_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "_LOOK_EVERY", 1)


def fair_plan(seed: int, nodes: int) -> Plan:
    """Borrowers of borrowers of large values, and nothing that goes wrong."""
    budget = lending_plan_of(seed).budget
    budget.heavy, budget.cancels, budget.errors = nodes > 1, False, seed % 2 == 0
    plan = Plan(budget=budget, cpus=4, nodes=nodes, guest=seed % 3 == 0)
    plan.large_bytes = 2_500_000 if nodes > 1 else 200_000
    assert plan.fair
    return plan


@pytest.mark.parametrize("nodes", [1, 3])
def test_what_nobody_needs_is_gone_within_a_tenth_of_a_second(nodes: int) -> None:
    freed = borrowed = blocks = 0
    for seed in range(SEEDS):
        session = Session(seed, fair_plan(seed, nodes))
        assert session.run().failure == ""
        freed += session.freed.freed
        borrowed += session.freed.borrowed
        blocks += session.freed.blocks
    assert freed > 100, "too little was freed under its eyes to prove anything"
    assert borrowed > 20
    assert blocks > 20


def test_what_is_freed_too_late_is_noticed() -> None:
    """A borrower that keeps what it has borrowed, until its process ends."""
    bug = Bug(
        "the end of a borrow is not told", "references.ReferenceMachine._forget",
        "if entry.recorded and owner_of(identity) not in self.lost:", "if False:", 0,
    )  # fmt: skip
    with planted(bug):
        failures = [Session(seed, fair_plan(seed, 1)).run().failure for seed in range(5)]
    assert any("OR2" in failure and "which nobody has needed for" in failure for failure in failures)
