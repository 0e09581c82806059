"""A worker dies: who has to run again, who may fail for it, and who keeps whom from getting on. One owner's role, no process."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import pytest

from gnomon._core.effects import AnswerRequest
from gnomon._core.events import CellCancelAsked, Received, TaskSubmitted
from gnomon._core.ledger import TaskState
from gnomon._core.links import LinkMachine
from gnomon._core.worker import Worker
from gnomon._messages.cluster import ProcessLost
from gnomon._messages.failures import is_failure
from gnomon._messages.leases import LeaseGranted
from gnomon._messages.tasks import OK, Provenance, TaskFinished, TaskPushed, TasksRecalled, TasksReturned
from gnomon.ids import FunctionID, JobID, LeaseID, TaskID, WorkerID, attempt_id, object_id, task_id

ME, NODE, HEAD = (WorkerID(bytes([number]) * 8) for number in (1, 2, 3))
SHORT_S = 1e-5


class Owner:
    """A Worker role with a node and workers around it, which do as they are told.

    The workers have shown that tasks are short: they are given many at a time.

    Attributes:
        pushed: per worker, what it has been given and has not answered.
    """

    def __init__(self, workers: int) -> None:
        self.role = Worker(ME, NODE, HEAD, ME, JobID(b"job-"), "session", LinkMachine(ME), settle_s=0.0)
        self.now = 1.0
        self.pushed: dict[WorkerID, deque[TaskPushed]] = {}
        self.made = 0
        self.submitted = 0
        self.submit(*[3] * workers)
        for _ in range(workers):
            self.grant()
        for worker in list(self.pushed):
            self.finish(worker, len(self.pushed[worker]))

    def handle(self, *events: Any) -> None:
        self.now += 1e-4
        for target, messages in self.role.handle(events, self.now).sends.items():
            for message in messages:
                if type(message) is TaskPushed:
                    self.pushed[target].append(message)
                elif type(message) is TasksRecalled and self.pushed[target]:
                    queue = self.pushed[target]
                    back = [queue.pop() for _ in range(min(message.count, len(queue) - 1))]
                    returned = TasksReturned(tuple(each.task for each in reversed(back)))
                    self.handle(Received(target, [returned]))
        self.role.check()

    def at(self, worker: WorkerID) -> list[tuple[TaskID, int]]:
        """(task, attempt) of what a worker has been given and has not answered."""
        return [(each.task, each.attempt) for each in self.pushed[worker]]

    def grant(self) -> WorkerID:
        self.made += 1
        worker = WorkerID(self.made.to_bytes(8, "big"))
        self.pushed[worker] = deque()
        self.handle(Received(NODE, [LeaseGranted(LeaseID(bytes(worker)), 0, worker, 1)]))
        return worker

    def submit(self, *retries: int, provenance: Provenance | None = None) -> list[TaskID]:
        """Tasks with so many retries each, in one batch."""
        tasks = []
        for _ in retries:
            self.submitted += 1
            tasks.append(task_id(ME, self.submitted))
        none: Any = ()
        cpu = {"CPU": 10_000}
        code = FunctionID(b"f" * 8)
        self.handle(
            *(
                TaskSubmitted(task, code, b"", "f", cpu, 0, b"", none, none, 1, each, False, provenance, None)
                for task, each in zip(tasks, retries, strict=True)
            )
        )
        return tasks

    def finish(self, worker: WorkerID, count: int = 1) -> None:
        """The worker answers for its oldest tasks, in one message."""
        queue = self.pushed[worker]
        answers = []
        for _ in range(count):
            each = queue.popleft()
            answers.append(
                TaskFinished(each.task, each.attempt, OK, (b"value",), self.now, self.now + SHORT_S)
            )
        self.handle(Received(worker, answers))

    def lose(self, worker: WorkerID, last_started: TaskID | None) -> None:
        """The worker is dead, and for a moment answers of its might still come."""
        self.handle(Received(NODE, [ProcessLost(worker, "was killed", last_started)]))
        self.now += self.role.settle_s
        self.handle()
        del self.pushed[worker]

    def outcome(self, task: TaskID) -> str:
        value = self.role.references.values.get(object_id(task, 1))
        return "" if value is None else "failed" if is_failure(value) else "value"


@pytest.fixture
def one() -> Owner:
    """An owner with one worker."""
    return Owner(1)


def test_a_task_without_retries_is_alone_on_its_worker(one: Owner) -> None:
    (worker,) = one.pushed
    first, second, third, fourth, fifth = one.submit(3, 3, 0, 3, 3)
    assert one.at(worker) == [(first, 0), (second, 0)]
    one.finish(worker)
    assert one.at(worker) == [(second, 0)]
    one.finish(worker)
    assert one.at(worker) == [(third, 0)]
    one.finish(worker)
    assert one.at(worker) == [(fourth, 0), (fifth, 0)]


def test_what_a_worker_died_of_goes_last_and_alone(one: Owner) -> None:
    (worker,) = one.pushed
    before, deadly, behind, last = one.submit(3, 3, 3, 3)
    one.lose(worker, deadly)
    worker = one.grant()
    assert one.at(worker) == [(before, 1), (behind, 0), (last, 0)]
    one.finish(worker, 3)
    assert one.at(worker) == [(deadly, 1)]
    one.submit(3, 3, 3)
    assert one.at(worker) == [(deadly, 1)]


def test_the_last_attempt_of_an_innocent_task_is_alone(one: Owner) -> None:
    """It has been hit before, and one more death that is not its own would fail it."""
    (worker,) = one.pushed
    innocent, deadly, _behind = one.submit(1, 3, 3)
    one.lose(worker, deadly)
    worker = one.grant()
    assert one.at(worker) == [(innocent, 1)]


def test_what_had_not_begun_costs_nothing(one: Owner) -> None:
    (worker,) = one.pushed
    tasks = one.submit(3, 3, 3)
    one.lose(worker, None)
    worker = one.grant()
    assert one.at(worker) == [(task, 0) for task in tasks]
    assert not one.role.ledger.attempts


def test_an_attempt_that_another_one_follows_stays_known(one: Owner) -> None:
    (worker,) = one.pushed
    (deadly,) = one.submit(3)
    begun = one.now
    one.lose(worker, deadly)
    ledger = one.role.ledger
    row = ledger.tasks[ledger.parent(deadly)]
    ((number, past),) = ledger.attempts
    assert (number, past.row, past.number, past.state) == (0, row, 0, TaskState.FAILED)
    assert ledger.workers.entries[past.worker][0] == worker.hex()
    assert past.reason == "was killed"
    assert past.started <= begun < past.finished
    assert (row.attempt, row.state, row.started, row.worker) == (1, TaskState.READY, 0.0, -1)
    second = one.grant()
    assert row.started > past.finished
    one.finish(second)
    assert (row.attempt, row.state, len(ledger.attempts)) == (1, TaskState.DONE, 1)


@pytest.mark.parametrize("seed", range(20))
def test_only_the_deadly_fail(seed: int) -> None:
    """Workers answer as late as they can: whatever they have done when they die has to be done again."""
    chooser = random.Random(seed)
    owner = Owner(chooser.randint(1, 3))
    retries = [chooser.choice((0, 1, 3)) for _ in range(200)]
    tasks = owner.submit(*retries)
    deadly = {task: each for task, each in zip(tasks, retries, strict=True) if chooser.random() < 0.05}
    deaths = 0
    while owner.role.tasks.records:
        worker = chooser.choice([worker for worker, queue in owner.pushed.items() if queue])
        queue = owner.pushed[worker]
        fatal = next((attempt_id(each.task, each.attempt) for each in queue if each.task in deadly), None)
        if fatal is None:
            owner.finish(worker, len(queue))
        else:
            deaths += 1
            owner.lose(worker, fatal)
            owner.grant()
    outcomes = {task: owner.outcome(task) for task in tasks}
    assert outcomes == {task: "failed" if task in deadly else "value" for task in tasks}
    assert deaths == sum(1 + retries for retries in deadly.values())


def test_of_what_a_cell_has_on_a_worker_one_task_runs(one: Owner) -> None:
    """The receipt of an interrupted cell: what was pushed behind another one has not begun."""
    (worker,) = one.pushed
    cell = Provenance("cell", "In [1]", 1)
    tasks = one.submit(*[3] * 5, provenance=cell)
    assert len(one.at(worker)) > 1
    effects = one.role.handle([CellCancelAsked(7, "cell")], one.now)
    assert [command for command in effects.commands if type(command) is AnswerRequest] == [
        AnswerRequest(7, (len(tasks), 1))
    ]
