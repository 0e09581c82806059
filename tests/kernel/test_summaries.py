"""What the status bar is told: only what has changed, since each message keeps the server from culling the kernel."""

from __future__ import annotations

import pytest

from gnomon import observe
from gnomon_kernel.summaries import Summaries

TOTAL = 1_000_000


class Machine:
    """A session and a memory that tests change."""

    def __init__(self) -> None:
        self.used = 100_000
        self.waiting = 0
        self.nodes = [{"alive": True, "workers": 2, "resources": {"CPU": 2.0}, "available": {"CPU": 0.5}}]

    def summary(self):
        tasks = {"waiting": self.waiting, "ready": 1, "running": 0}
        objects = {"store_used_bytes": 7, "store_capacity_bytes": 9}
        return {"session": "one", "tasks": tasks, "objects": objects}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(observe, "summary", machine.summary)
    monkeypatch.setattr(observe, "nodes", lambda: machine.nodes)
    monkeypatch.setattr(observe, "machine_memory", lambda: (machine.used, TOTAL))
    return machine


def test_a_session_in_which_nothing_happens_says_nothing(machine):
    told = Summaries()
    assert told.next() == {
        "kind": "summary", "session": "one", "cpus_used": 1.5, "cpus_total": 2.0, "busy": 0, "workers": 2,
        "queued": 1, "store_used_bytes": 7, "store_capacity_bytes": 9, "memory_used_bytes": 100_000, "memory_total_bytes": TOTAL,
    }  # fmt: skip
    assert told.next() is None
    machine.used += 50_000  # the memory of a machine is never quite still
    assert told.next() is None


def test_what_changes_is_told_with_the_memory_of_that_moment(machine):
    told = Summaries()
    told.next()
    machine.waiting, machine.used = 4, 120_000
    news = told.next()
    assert news is not None
    assert (news["queued"], news["memory_used_bytes"]) == (5, 120_000)
    machine.used = 171_000
    news = told.next()
    assert news is not None
    assert news["memory_used_bytes"] == 171_000


def test_dead_nodes_and_what_an_engine_can_not_tell_count_nothing(machine):
    there = {"resources": {"CPU": 2.0}, "available": {}}
    machine.nodes = [{"alive": False, "workers": 2, **there}, {"alive": True, **there}]
    news = Summaries().next()
    assert news is not None
    assert (news["workers"], news["cpus_used"], news["cpus_total"]) == (0, 2.0, 2.0)


def test_what_is_held_at_a_gate_is_not_in_use(machine):
    machine.nodes[0]["idle"] = {"CPU": 1.0}
    assert Summaries().next()["cpus_used"] == 0.5
