"""A node short of memory: who is ended, what its owner makes of that, and when it is tried again."""

from __future__ import annotations

from typing import Any

import pytest

from core.node_roles import CPU, DRIVER, HEAD, JOB, Roles
from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.backoff import FIRST_S, LONGEST_S
from gnomon._core.pressure import SPARE_BYTES, Candidate, MemoryHigh, choose_victim
from gnomon._messages.actors import ActorRegistered, ActorSpec, ActorWorkerGranted
from gnomon._messages.failures import ProcessEnd, is_failure, read_failure
from gnomon._messages.leases import WorkerRetired
from gnomon._messages.situations import SituationAsked
from gnomon.ids import ActorID, FunctionID, TaskID, WorkerID, attempt_id, object_id, task_id

MUCH = 10 * SPARE_BYTES
A, B = WorkerID(b"owner a."), WorkerID(b"owner b.")


def candidate(name: str, owner: WorkerID, order: int, retriable: bool = True) -> Candidate:
    return Candidate(WorkerID(name.encode()), owner, retriable, order)


@pytest.mark.parametrize(
    ("candidates", "victim", "is_only"),
    [
        ([], None, False),
        ([candidate("one", A, 1)], "one", True),
        ([candidate("old", A, 1), candidate("new", A, 2)], "new", False),
        ([candidate("a1", A, 1), candidate("a2", A, 2), candidate("b", B, 3)], "a2", False),
        ([candidate("a", A, 1), candidate("b", B, 2)], "b", True),
        ([candidate("a", A, 1, False), candidate("a again", A, 2)], "a again", True),
        ([candidate("a", A, 1, False), candidate("b", B, 2, False)], "b", True),
        ([candidate("a", A, 9, False), candidate("a too", A, 8, False), candidate("b", B, 1)], "b", True),
        ([candidate("b", B, 3), candidate("a1", A, 1), candidate("a2", A, 2)], "a2", False),
    ],
)
def test_the_choice(candidates: list[Candidate], victim: str | None, is_only: bool) -> None:
    chosen = choose_victim(candidates)
    if victim is None:
        assert chosen is None
    else:
        assert chosen is not None
        assert (chosen[0].worker, chosen[1]) == (victim.encode(), is_only)


class Starving(Roles):
    """A node whose workers have taken much once they were leased, unless ``sizes`` says else."""

    def __init__(self, cpus: int = 4) -> None:
        super().__init__({"CPU": cpus * 10_000})
        self.sizes: dict[int, int] = {}
        self.ends = True
        self.killed_workers: list[WorkerID] = []

    def perform(self, me: WorkerID, role: Any, command: Any) -> None:
        if not isinstance(command, fx.KillWorker):
            super().perform(me, role, command)
            return
        self.killed_workers.append(command.worker)
        if self.ends:
            leased = self.driver.tasks.dispatch.leased.get(command.worker)
            records = list(leased.inflight.values()) if leased is not None else []
            begun = attempt_id(records[0].event.task, records[0].attempt) if records else None
            self.post(me, ev.WorkerExited(command.worker, "was killed", begun))

    def high(self) -> list[WorkerID]:
        """A reading above the threshold; who is killed for it."""
        before = len(self.killed_workers)
        node = self.nodes[0]
        sizes = {
            pid: self.sizes.get(pid, MUCH if worker in node.leases.by_worker else 0)
            for worker, pid in node.pool.pids.items()
        }
        self.post(node.me, MemoryHigh(95, 100, 0.9, sizes, "the machine has"))
        self.run(4)
        return self.killed_workers[before:]

    def worker_of(self, task: TaskID) -> WorkerID:
        worker = self.driver.tasks.records[task].worker
        assert worker is not None
        return worker

    def pid_of(self, worker: WorkerID) -> int:
        return self.nodes[0].pool.pids[worker]

    def value(self, task: TaskID) -> Any:
        return self.driver.references.values.get(object_id(task, 1))

    def error(self, task: TaskID) -> tuple[str, dict[str, Any]]:
        value = self.value(task)
        assert is_failure(value), f"{value!r} is no error"
        return read_failure(value)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.run()


def running(roles: Starving, count: int, **options: Any) -> list[TaskID]:
    tasks = roles.submit(count, **options)
    assert all(roles.driver.tasks.records[task].worker for task in tasks)
    return tasks


def test_the_newest_goes_and_is_tried_again_after_a_while() -> None:
    roles = Starving()
    old, new = running(roles, 2)
    victim = roles.worker_of(new)
    assert roles.high() == [victim]
    record = roles.driver.tasks.records[new]
    assert record.worker is None
    assert new in roles.driver.tasks.backoff.waiting
    assert roles.worker_of(old)
    roles.wait(FIRST_S)
    assert roles.driver.tasks.records[new].worker is not None
    assert roles.driver.tasks.records[new].attempt == 1


def test_who_asks_hears_why_it_waits() -> None:
    roles = Starving()
    _, new = running(roles, 2)
    roles.high()
    effects = roles.driver.handle([ev.AskedHere(7, SituationAsked(0, object_id(new, 1)))], roles.now)
    (answer,) = [each for each in effects.commands if isinstance(each, fx.AnswerRequest)]
    assert (answer.answer.state, answer.answer.starved) == ("ready", 1)
    assert 0 < answer.answer.put_off <= FIRST_S


def test_such_a_death_costs_no_retry() -> None:
    roles = Starving()
    _, new = running(roles, 2, max_retries=1)
    for death in range(5):
        roles.high()
        assert roles.value(new) is None, f"death {death}"
        roles.wait(LONGEST_S)
        roles.high()  # the first reading after an end is not acted on
    record = roles.driver.tasks.records[new]
    assert (record.attempt, record.event.max_retries) == (5, 6)


def test_it_waits_twice_as_long_each_time_and_not_without_end() -> None:
    roles = Starving()
    _, new = running(roles, 2)
    waits = []
    for _ in range(9):
        roles.high()
        waits.append(roles.driver.tasks.backoff.waiting[new] - roles.now)
        roles.wait(LONGEST_S)
        roles.high()
    assert [round(wait) for wait in waits] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_the_last_of_its_owner_fails() -> None:
    roles = Starving()
    (task,) = running(roles, 1)
    roles.high()
    name, fields = roles.error(task)
    assert name == "OutOfMemoryError"
    assert fields["alone"] is True
    assert fields["what"] == "f"
    assert (fields["used_bytes"], fields["limit_bytes"], fields["threshold"]) == (95, 100, 0.9)
    assert [tuple(user)[1:] for user in fields["top"]][0] == (MUCH, "f")


def test_what_has_used_up_its_tries_fails() -> None:
    roles = Starving()
    roles.driver.tasks.backoff.retries_max = 1
    old, new = running(roles, 2)
    roles.high()
    roles.wait(FIRST_S)
    assert roles.high() == []
    assert roles.value(new) is None
    roles.high()
    name, fields = roles.error(new)
    assert (name, fields["alone"], fields["deaths"]) == ("OutOfMemoryError", False, 2)
    assert roles.value(old) is None


def test_what_may_not_be_run_again_goes_last_and_fails() -> None:
    roles = Starving()
    once = running(roles, 1, max_retries=0, key=7)[0]
    often = running(roles, 1)[0]
    victim = roles.worker_of(often)
    assert roles.high() == [victim]
    assert roles.high() == []
    victim = roles.worker_of(once)
    assert roles.high() == [victim]
    assert roles.error(once)[0] == "OutOfMemoryError"


def test_nobody_else_goes_before_the_victim_has_ended_and_the_memory_was_read_anew() -> None:
    roles = Starving()
    running(roles, 3)
    roles.ends = False
    (victim,) = roles.high()
    assert roles.high() == []
    roles.post(roles.nodes[0].me, ev.WorkerExited(victim, "was killed"))
    roles.run()
    assert roles.high() == []
    assert len(roles.high()) == 1


def test_a_victim_that_does_not_end_is_not_waited_for_without_end() -> None:
    roles = Starving()
    running(roles, 3)
    roles.ends = False
    (first,) = roles.high()
    roles.wait(roles.nodes[0].pressure.patience_s)
    (second,) = roles.high()
    assert second != first


def test_who_has_taken_little_lives() -> None:
    roles = Starving()
    old, new = running(roles, 2)
    roles.sizes[roles.pid_of(roles.worker_of(new))] = SPARE_BYTES - 1
    victim = roles.worker_of(old)
    assert roles.high() == [victim]
    assert roles.error(old)[1]["alone"] is True, "the other one has taken nothing to speak of"


def test_idle_workers_are_asked_to_end_first() -> None:
    roles = Starving()
    pool = roles.nodes[0].pool
    tasks = running(roles, 2)
    pool.start(1, JOB)
    roles.post(roles.nodes[0].me)
    roles.run(2)
    ((spare, _),) = pool.idle[JOB]
    roles.sizes[roles.pid_of(spare)] = MUCH
    assert roles.high() == []
    assert roles.sent(WorkerRetired, spare)
    assert spare in pool.retired
    newest = roles.worker_of(tasks[1])
    assert roles.high() == [newest], "the next reading is high still"


def test_a_worker_that_had_ended_by_itself_is_not_told_to_have_been_ended() -> None:
    roles = Starving()
    running(roles, 1)
    roles.ends = False
    (victim,) = roles.high()
    event = ev.WorkerExited(victim, "exited", None, ProcessEnd(roles.nodes[0].node, 5, 0))
    assert roles.nodes[0].pressure.on_exited(event) == ("exited", event.end)


def test_cancelled_while_it_is_put_off() -> None:
    roles = Starving()
    _, new = running(roles, 2)
    roles.high()
    roles.post(DRIVER, ev.CancelAsked(new, False, True))
    roles.run()
    assert roles.error(new)[0] == "TaskCancelledError"
    assert not roles.driver.tasks.backoff.waiting
    assert not roles.driver.tasks.backoff.deaths
    roles.wait(LONGEST_S)


def test_an_actor_that_can_not_be_restarted_goes_after_tasks_and_by_its_class_in_the_story() -> None:
    roles = Starving()
    (task,) = running(roles, 1)
    fields = (b"", b"", (), b"", CPU, {}, 0, 0, False, "", "", False, None, {}, JOB)
    spec = ActorSpec(ActorID(task_id(DRIVER, 900)), DRIVER, "Counter", FunctionID(b"a" * 8), *fields)
    roles.post(HEAD, ev.Received(DRIVER, [ActorRegistered(spec)]))
    roles.run()
    (grant,) = roles.sent(ActorWorkerGranted)
    victim = roles.worker_of(task)
    assert roles.high() == [victim]
    top = roles.error(task)[1]["top"]
    assert {name for _, _, name in top} == {"f", "actor Counter"}
    assert roles.killed_workers[-1] != grant.worker
