"""Functions at executors: shipped once a lease, forgotten when there are too many."""

from __future__ import annotations

from typing import Any

import pytest

from gnomon._core import events as ev
from gnomon._core import shipping
from gnomon._core.effects import Effects
from gnomon._core.links import LinkMachine
from gnomon._core.shipping import FunctionBudget, FunctionsHere
from gnomon._core.worker import Worker
from gnomon._messages import leases, tasks
from gnomon.ids import FunctionID, JobID, LeaseID, WorkerID, task_id
from gnomon.testing.simulator import Plan, run_seed

ME, NODE, HEAD = WorkerID(b"me......"), WorkerID(b"node...."), WorkerID(b"head....")
PEER, OTHER = WorkerID(b"peer...."), WorkerID(b"other...")


def function(number: int) -> FunctionID:
    return FunctionID(b"%08d" % number)


def submitted(number: int, of: FunctionID) -> ev.TaskSubmitted:
    return ev.TaskSubmitted(
        task_id(ME, number), of, b"payload of" + of, "f", {"CPU": 10_000}, 0, b"arguments", (), (), 1, 3, False,
        None, None,
    )  # fmt: skip


def finished(number: int) -> tasks.TaskFinished:
    return tasks.TaskFinished(task_id(ME, number), 0, tasks.OK, (b"value",), 1.0, 1.0)


@pytest.fixture
def owner() -> Worker:
    """It has a lease, and no task."""
    worker = Worker(ME, NODE, HEAD, ME, JobID(b"job."), "session", LinkMachine(ME))
    worker.handle([submitted(0, function(0))], 1.0)
    worker.handle([ev.Received(NODE, [leases.LeaseGranted(LeaseID(1), 0, PEER, 7)])], 1.0)
    worker.handle([ev.Received(PEER, [finished(0)])], 1.0)
    return worker


def sent(effects: Effects, kind: type) -> list[Any]:
    return [message for message in effects.sends.get(PEER, ()) if type(message) is kind]


def run(owner: Worker, number: int, of: FunctionID) -> Effects:
    """Submit a task, and have it finished."""
    effects = owner.handle([submitted(number, of)], 1.0)
    assert len(sent(effects, tasks.TaskPushed)) == 1
    owner.handle([ev.Received(PEER, [finished(number)])], 1.0)
    owner.check()
    return effects


def test_a_function_is_shipped_once(owner: Worker) -> None:
    assert len(sent(run(owner, 1, function(1)), tasks.FunctionShipped)) == 1
    assert sent(run(owner, 2, function(1)), tasks.FunctionShipped) == []


def test_what_is_shipped_is_bounded_and_told(owner: Worker) -> None:
    there = FunctionsHere()
    for number in range(1, 3 * shipping.FUNCTIONS_MAX):
        effects = run(owner, number, function(number))
        for gone in sent(effects, tasks.FunctionsForgotten):
            there.on_forgotten(ME, gone)
        for shipped in sent(effects, tasks.FunctionShipped):
            there.on_shipped(ME, shipped)
        assert function(number) in there.payloads
    assert len(there.payloads) == shipping.FUNCTIONS_MAX
    assert set(there.payloads) == set(owner.tasks.dispatch.leased[PEER].shipped.sizes)
    assert len(sent(run(owner, 9_999, function(1)), tasks.FunctionShipped)) == 1, "it was forgotten"


def test_a_function_in_use_is_not_forgotten(owner: Worker) -> None:
    leased = owner.tasks.dispatch.leased[PEER]
    run(owner, 1, function(1))
    owner.handle([submitted(2, function(2))], 1.0)  # and it runs
    assert [record.event.function for record in leased.inflight.values()] == [function(2)]
    owner.tasks.dispatch.classes[0].mean_s = None
    for number in range(3, 2 * shipping.FUNCTIONS_MAX):
        owner.tasks.dispatch._ship(leased, submitted(number, function(number)))
    effects = owner.handle([], 1.0)
    forgotten = [each for gone in sent(effects, tasks.FunctionsForgotten) for each in gone.functions]
    assert len(forgotten) == shipping.FUNCTIONS_MAX
    assert function(1) in forgotten
    assert function(2) not in forgotten
    owner.handle([ev.Received(PEER, [finished(2)])], 1.0)


def test_large_functions_go_earlier() -> None:
    kept = FunctionBudget()
    size = shipping.FUNCTION_BYTES_MAX // 2
    assert kept.add(function(1), size) == ()
    assert kept.add(function(2), size) == ()
    assert kept.add(function(3), size) == (function(1),)
    assert kept.add(function(4), 3 * size) == (function(2), function(3))
    assert function(4) in kept
    assert kept.add(function(4), 10) == ()
    assert kept.size_bytes == 10


def test_what_another_owner_has_shipped_since_is_kept() -> None:
    here = FunctionsHere()
    here.on_shipped(ME, tasks.FunctionShipped(function(1), b"x"))
    here.on_shipped(OTHER, tasks.FunctionShipped(function(1), b"x"))
    here.on_forgotten(ME, tasks.FunctionsForgotten((function(1),)))
    assert here.payloads == {function(1): b"x"}
    here.on_forgotten(OTHER, tasks.FunctionsForgotten((function(1), function(2))))
    assert here.payloads == {}


def test_a_lease_begins_with_nothing(owner: Worker) -> None:
    begun = tasks.LeaseBegun({}, (), LeaseID(5))
    shipped = tasks.FunctionShipped(function(1), b"x")
    owner.handle([ev.Received(PEER, [begun, shipped])], 1.0)
    owner.handle([ev.Received(OTHER, [tasks.LeaseBegun({}, (), LeaseID(4))])], 1.0)  # late
    assert list(owner.functions.payloads) == [function(1)]
    owner.handle([ev.Received(OTHER, [tasks.LeaseBegun({}, (), LeaseID(6))])], 1.0)
    assert not owner.functions.payloads


def test_no_task_ever_comes_before_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    """The simulator's executors assert it; with room for one function only there is much to forget."""
    monkeypatch.setattr(shipping, "FUNCTIONS_MAX", 1)
    forgotten = []
    on_forgotten = FunctionsHere.on_forgotten

    def counted(self: FunctionsHere, sender: WorkerID, message: tasks.FunctionsForgotten) -> None:
        forgotten.append(message)
        on_forgotten(self, sender, message)

    monkeypatch.setattr(FunctionsHere, "on_forgotten", counted)
    for seed in range(100):
        run_seed(seed, Plan())
    assert len(forgotten) > 20
