"""``max_calls`` as owner and executor see it: the last call, what is handed back, the spent lease."""

from __future__ import annotations

from typing import Any

from actor_roles import CPU, ME, NODE, new_worker, told

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.effects import Effects
from gnomon._core.worker import Worker
from gnomon._messages import leases, tasks
from gnomon.ids import FunctionID, LeaseID, WorkerID, object_id, task_id

PEER = WorkerID(b"peer....")
FUNCTION = FunctionID(b"f")


def hear(worker: Worker, *events: Any, now: float = 1.0) -> Effects:
    effects = worker.handle(events, now)
    worker.check()
    return effects


def submitted(number: int, max_calls: int = 3) -> ev.TaskSubmitted:
    return ev.TaskSubmitted(
        task_id(ME, number), FUNCTION, b"payload", "f", CPU, 0, b"arguments", (), (), 1, 3, False, None, None,
        max_calls=max_calls,
    )  # fmt: skip


def finished(number: int, last: bool = False) -> tasks.TaskFinished:
    return tasks.TaskFinished(task_id(ME, number), 0, tasks.OK, (b"value",), 1.0, 1.0, last=last)


def leased(worker: Worker, count: int, lease: int = 1) -> Effects:
    """Submit tasks and get one worker for them, which takes many at a time."""
    hear(worker, *[submitted(number) for number in range(1, count + 1)])
    worker.tasks.dispatch.classes[0].mean_s = 0.00001
    grant = leases.LeaseGranted(LeaseID(lease), 0, PEER, 7)
    return hear(worker, ev.Received(NODE, [grant]))


def test_tasks_tell_their_limit() -> None:
    worker = new_worker()
    pushed = told(leased(worker, 5), PEER, tasks.TaskPushed)
    assert [task.max_calls for task in pushed] == [3] * 5


def test_the_owner_returns_a_spent_lease_when_all_has_come_back() -> None:
    worker = new_worker()
    leased(worker, 5)
    done = [finished(1), finished(2), finished(3, last=True)]
    effects = hear(worker, ev.Received(PEER, done))
    assert told(effects, NODE, leases.LeaseReturned) == [], "two tasks are still there"
    back = tasks.TasksReturned((task_id(ME, 4), task_id(ME, 5)))
    effects = hear(worker, ev.Received(PEER, [back]))
    assert told(effects, NODE, leases.LeaseReturned) == [leases.LeaseReturned(LeaseID(1), True)]
    assert told(effects, PEER, tasks.TaskPushed) == []
    assert told(effects, NODE, leases.LeasesWanted)[-1].wanted == 2
    other = WorkerID(b"other...")
    effects = hear(worker, ev.Received(NODE, [leases.LeaseGranted(LeaseID(2), 0, other, 8)]))
    again = told(effects, other, tasks.TaskPushed)
    assert [(task.task, task.attempt) for task in again] == [(task_id(ME, 4), 0), (task_id(ME, 5), 0)]


def test_the_last_call_counts_though_nobody_waits_for_its_answer() -> None:
    worker = new_worker()
    leased(worker, 1)
    late = tasks.TaskFinished(task_id(ME, 1), 7, tasks.OK, (b"value",), last=True)
    hear(worker, ev.Received(PEER, [late]))
    effects = hear(worker, ev.Received(PEER, [finished(1)]))
    assert told(effects, NODE, leases.LeaseReturned) == [leases.LeaseReturned(LeaseID(1), True)]


def pushed(number: int) -> tasks.TaskPushed:
    return tasks.TaskPushed(task_id(PEER, number), FUNCTION, b"arguments", max_calls=1)


def run_last(worker: Worker) -> Effects:
    taken = worker.execution.take(1.0)
    assert taken is not None
    return hear(worker, ev.TaskEnded(taken[1].task, tasks.OK, (b"value",), 1.0, 1.0, last=True))


def test_the_executor_hands_back_the_rest_and_whatever_comes_later() -> None:
    worker = new_worker()
    hear(worker, ev.Received(PEER, [pushed(1), pushed(2), pushed(3)]))
    effects = run_last(worker)
    assert [answer.last for answer in told(effects, PEER, tasks.TaskFinished)] == [True]
    assert told(effects, PEER, tasks.TasksReturned) == [
        tasks.TasksReturned((task_id(PEER, 2), task_id(PEER, 3)))
    ]
    effects = hear(worker, ev.Received(PEER, [pushed(4)]))
    assert told(effects, PEER, tasks.TasksReturned) == [tasks.TasksReturned((task_id(PEER, 4),), last=True)]
    assert worker.execution.take(2.0) is None


def test_a_spent_worker_ends_when_retired_and_nobody_needs_what_it_owns() -> None:
    worker = new_worker()
    mine = object_id(task_id(ME, 9), 1)
    hear(worker, ev.ObjectStored(mine, b"value", (), 5), ev.Received(PEER, [pushed(1)]))
    effects = run_last(worker)
    assert effects.commands == [], "the owner has still to hear of the outcome"
    effects = hear(worker, ev.Received(NODE, [leases.WorkerRetired()]))
    assert effects.commands == []
    effects = hear(worker, ev.HandlesDropped((mine,)))
    assert fx.EndProcess("idle") in effects.commands


def test_a_retired_worker_stays_while_a_task_of_its_own_runs() -> None:
    worker = new_worker()
    hear(worker, submitted(1), ev.HandlesDropped((object_id(task_id(ME, 1), 1),)))
    effects = hear(worker, ev.Received(NODE, [leases.WorkerRetired()]))
    assert fx.EndProcess("idle") not in effects.commands
    hear(worker, ev.Received(NODE, [leases.LeaseGranted(LeaseID(1), 0, PEER, 7)]))
    effects = hear(worker, ev.Received(PEER, [finished(1)]))
    assert fx.EndProcess("idle") in effects.commands
