"""Which tasks an owner shows as running: of what a worker has been given, the oldest; never more than there are workers."""

from __future__ import annotations

from collections import Counter

from test_lost_workers import Owner

from gnomon._core.events import Received
from gnomon._core.ledger import TaskRow, TaskState
from gnomon._core.situations import situation_of
from gnomon._core.tempo import FREE, PAUSED, TempoAsked
from gnomon._messages.situations import READY, SENT
from gnomon._messages.tasks import TasksReturned
from gnomon._messages.tempo import TasksHeld
from gnomon.ids import TaskID, object_id


def rows(owner: Owner) -> dict[TaskID, TaskRow]:
    return {TaskID(row.task): row for row in owner.role.ledger.tasks}


def states(owner: Owner) -> Counter[str]:
    found = Counter(TaskState(row.state).name for row in owner.role.ledger.tasks)
    told = [sum(column) for column in zip(*owner.role.ledger.counts, strict=True)]
    assert {TaskState(number).name: each for number, each in enumerate(told) if each} == found
    return found


def test_the_oldest_of_each_worker_runs_and_the_others_are_ready() -> None:
    owner = Owner(2)
    owner.submit(*[3] * 40)
    assert sum(map(len, owner.pushed.values())) == 40, "all have been sent"
    assert states(owner) == {"DONE": 2, "RUNNING": 2, "READY": 38}
    first, second = owner.pushed
    running = {task for task, row in rows(owner).items() if row.state == TaskState.RUNNING}
    assert running == {owner.pushed[first][0].task, owner.pushed[second][0].task}
    owner.finish(first, 5)
    assert states(owner) == {"DONE": 7, "RUNNING": 2, "READY": 33}
    begun = rows(owner)[owner.pushed[first][0].task]
    assert (begun.state, begun.started) == (TaskState.RUNNING, owner.now)
    for worker in (first, second):
        owner.finish(worker, len(owner.pushed[worker]))
    assert states(owner) == {"DONE": 42}


def test_what_comes_back_or_is_lost_does_not_run() -> None:
    owner = Owner(2)
    owner.submit(*[3] * 10)
    first, second = owner.pushed
    queued = [each.task for each in owner.pushed[first]][1:]
    for each in list(owner.pushed[first])[1:]:
        owner.pushed[first].remove(each)
    owner.handle(Received(first, [TasksReturned(tuple(queued))]))
    assert states(owner)["RUNNING"] == 2
    owner.lose(second, None)
    assert states(owner) == {"DONE": 2, "RUNNING": 1, "READY": 9}
    assert [row.started > 0 for row in owner.role.ledger.tasks if row.state == TaskState.READY] == [False] * 9


def test_an_attempt_that_a_worker_died_of_has_begun_no_earlier_than_the_first_of_its_batch() -> None:
    owner = Owner(1)
    tasks = owner.submit(*[3] * 4)
    (worker,) = owner.pushed
    began = rows(owner)[tasks[0]].started
    owner.lose(worker, tasks[2])
    noted = {past.row.task: past.started for _, past in owner.role.ledger.attempts}
    assert noted == dict.fromkeys(tasks[:3], began)


def test_at_a_gate_the_worker_says_what_runs() -> None:
    owner = Owner(1)
    (worker,) = owner.pushed
    before = owner.submit(3)
    owner.handle(TempoAsked(1, PAUSED))
    after = owner.submit(3, 3)
    owner.finish(worker)
    assert [TaskState(rows(owner)[task].state).name for task in (*before, *after)] == [
        "DONE",
        "READY",
        "READY",
    ]
    (pushed,) = owner.pushed[worker]
    owner.handle(Received(worker, [TasksHeld((pushed.task,), held=True, epoch=1)]))
    assert situation_of(owner.role, object_id(pushed.task, 1)).state == READY
    owner.handle(Received(worker, [TasksHeld((pushed.task,), held=False, epoch=1)]))
    assert states(owner)["RUNNING"] == 1
    owner.handle(TempoAsked(2, FREE))
    assert states(owner)["RUNNING"] == 1


def test_a_word_of_the_gate_that_comes_when_it_is_open_again_is_void() -> None:
    owner = Owner(1)
    (worker,) = owner.pushed
    owner.handle(TempoAsked(1, PAUSED))
    owner.submit(3)
    (pushed,) = owner.pushed[worker]
    owner.handle(TempoAsked(2, FREE))
    owner.handle(Received(worker, [TasksHeld((pushed.task,), held=True, epoch=1)]))
    assert states(owner)["RUNNING"] == 1
    owner.handle(TempoAsked(3, PAUSED))
    owner.handle(Received(worker, [TasksHeld((pushed.task,), held=True, epoch=3)]))
    assert states(owner)["READY"] == 1


def test_a_task_behind_others_at_its_worker_has_been_sent() -> None:
    owner = Owner(1)
    tasks = owner.submit(*[3] * 3)
    found = situation_of(owner.role, object_id(tasks[2], 1))
    assert (found.state, found.ahead) == (SENT, 2)
