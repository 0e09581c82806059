"""The actor's own role: its queues, concurrency groups, cancelled calls, its intended end."""

from __future__ import annotations

from typing import Any

from actor_roles import (
    HEAD,
    HOST,
    ME,
    NODE,
    OTHER,
    call_task,
    done,
    lost,
    new_worker,
    received,
    spec,
    take,
    take_all,
    told,
)

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.worker import Worker
from gnomon._messages import actors, tasks
from gnomon.ids import ActorID, TaskID, WorkerID, task_id

MINE = ActorID(task_id(OTHER, 1))
"""The actor that the process under test is."""


def actor_with(groups: dict[str, int] | None = None, is_async: bool = False) -> Worker:
    worker = new_worker(HOST)
    assigned = actors.ActorAssigned(spec(MINE, owner=OTHER, groups=groups or {}, is_async=is_async), 0)
    worker.handle([received(HEAD, assigned), ev.ActorConstructed(b"", "")], 1.0)
    return worker


def call(number: int, group: str = "", incarnation: int = 0, caller: WorkerID = ME) -> tasks.CallPushed:
    return tasks.CallPushed(call_task(number, caller), MINE, incarnation, "method", b"\0", group=group)


def cancelled(number: int, caller: WorkerID = ME) -> tasks.TaskCancelled:
    return tasks.TaskCancelled(call_task(number, caller), 0, False, True)


def outcomes(effects: fx.Effects, caller: WorkerID = ME) -> dict[TaskID, int]:
    return {message.task: message.outcome for message in told(effects, caller, tasks.TaskFinished)}


def test_each_group_has_a_queue_and_is_woken() -> None:
    worker = actor_with({"io": 2, "compute": 1})
    pushes = [call(1, "io"), call(2), call(3, "compute"), call(4, "io")]
    effects = worker.handle([received(ME, *pushes)], 1.1)
    assert done(effects, fx.WakeExecutor) == [
        fx.WakeExecutor("io"),
        fx.WakeExecutor(),
        fx.WakeExecutor("compute"),
    ]
    assert (take_all(worker), take_all(worker, "io"), take_all(worker, "compute")) == ([2], [1, 4], [3])
    effects = worker.handle([received(ME, call(5, "io"))], 1.2)
    assert done(effects, fx.WakeExecutor) == [fx.WakeExecutor("io")]


def test_the_actor_is_idle_when_all_its_groups_are() -> None:
    worker = actor_with({"io": 2})
    assert worker.execution.is_idle()
    worker.handle([received(ME, call(1, "io"))], 1.1)
    assert not worker.execution.is_idle()
    assert take(worker, "io") == 1
    assert not worker.execution.is_idle()
    worker.handle([ev.TaskEnded(call_task(1), tasks.OK, (b"\0",), 1.1, 1.2)], 1.2)
    assert worker.execution.is_idle()


def test_tasks_that_the_process_ran_before_are_none_of_the_actors() -> None:
    worker = new_worker(HOST)
    task = task_id(ME, 7)
    worker.handle([received(ME, tasks.TaskPushed(task, bytes(16), b"\0"))], 0.5)
    assert worker.execution.take(0.6, "") is not None
    worker.handle([ev.TaskEnded(task, tasks.OK, (b"\0",), 0.6, 0.7)], 0.7)
    assigned = actors.ActorAssigned(spec(MINE, owner=OTHER), 0)
    worker.handle([received(HEAD, assigned), ev.ActorConstructed(b"", "")], 1.0)
    assert worker.execution.facts() == (0, 0, "")
    worker.handle([received(ME, call(1))], 1.1)
    assert take(worker) == 1
    worker.handle([ev.TaskEnded(call_task(1), tasks.OK, (b"\0",), 1.1, 1.2)], 1.2)
    assert worker.execution.facts() == (1, 0, "")


def test_calls_for_another_incarnation_are_refused() -> None:
    worker = actor_with({"io": 1})
    effects = worker.handle([received(ME, call(1, "io", incarnation=1))], 1.1)
    assert outcomes(effects) == {call_task(1): tasks.REFUSED}


def test_an_actor_that_ends_refuses_what_is_queued_in_every_group() -> None:
    worker = actor_with({"io": 2})
    worker.handle([received(ME, call(1), call(2, "io"))], 1.1)
    effects = worker.handle([ev.ActorEnding("it called exit_actor()"), received(ME, call(3, "io"))], 1.2)
    assert outcomes(effects) == dict.fromkeys(map(call_task, (1, 2, 3)), tasks.REFUSED)
    assert told(effects, HEAD, actors.ActorLeaving) == [
        actors.ActorLeaving(MINE, 0, "it called exit_actor()")
    ]


def test_cancelled_calls_leave_their_queues_in_one_pass() -> None:
    worker = actor_with({"io": 2})
    pushes = [call(number, "io" if number % 2 else "") for number in range(2_000)]
    worker.handle([received(ME, *pushes)], 1.1)
    doomed = [number for number in range(2_000) if number % 3 == 0]
    effects = worker.handle([received(ME, *map(cancelled, doomed))], 1.2)
    assert outcomes(effects) == dict.fromkeys(map(call_task, doomed), tasks.CANCELLED)
    kept = [number for number in range(2_000) if number % 3]
    assert take_all(worker) == [number for number in kept if not number % 2]
    assert take_all(worker, "io") == [number for number in kept if number % 2]
    assert not any(worker.execution.is_cancelled(call_task(number)) for number in kept)


def test_a_running_call_is_interrupted_and_asked_for() -> None:
    worker = actor_with()
    worker.handle([received(ME, call(1))], 1.1)
    assert take(worker) == 1
    effects = worker.handle([received(ME, cancelled(1))], 1.2)
    assert done(effects, fx.InterruptTask) == [fx.InterruptTask(call_task(1), False, True)]
    assert worker.execution.is_cancelled(call_task(1))
    assert outcomes(effects) == {}
    ended = ev.TaskEnded(call_task(1), tasks.CANCELLED, (), 1.1, 1.3)
    assert outcomes(worker.handle([ended], 1.3)) == {call_task(1): tasks.CANCELLED}
    assert not worker.execution.is_cancelled(call_task(1))


def test_a_cancel_of_another_attempt_touches_nothing() -> None:
    worker = actor_with()
    worker.handle([received(ME, call(1))], 1.1)
    late = tasks.TaskCancelled(call_task(1), 1, False, True)
    effects = worker.handle([received(ME, late)], 1.2)
    assert outcomes(effects) == {}
    assert take(worker) == 1


def test_a_cancel_that_overtakes_its_call_is_remembered() -> None:
    worker = actor_with()
    worker.handle([received(ME, cancelled(1))], 1.1)
    worker.handle([received(ME, call(1))], 1.2)
    assert take(worker) == 1
    assert worker.execution.is_cancelled(call_task(1)), "who runs it asks this first"


def test_calls_of_a_dead_caller_are_dropped_from_every_group() -> None:
    worker = actor_with({"io": 2})
    worker.handle([received(OTHER, call(1, "io", caller=OTHER)), received(ME, call(2, "io"))], 1.1)
    worker.handle([received(NODE, lost(OTHER))], 1.2)
    assert take_all(worker, "io") == [2]


def test_facts_count_calls_of_all_groups() -> None:
    worker = actor_with({"io": 2})
    worker.handle([received(ME, call(1, "io"), call(2))], 1.1)
    facts: Any = worker.execution.facts()
    assert facts == (0, 2, "")
    take(worker, "io")
    assert worker.execution.facts() == (0, 2, "method")


def test_what_a_dead_caller_has_asked_an_async_actor_for_is_cancelled_with_its_children() -> None:
    worker = actor_with(is_async=True)
    worker.handle([received(ME, call(1)), received(OTHER, call(2, caller=OTHER))], 1.1)
    assert take_all(worker) == [1, 2]
    effects = worker.handle([received(NODE, lost(ME))], 1.2)
    assert done(effects, fx.InterruptTask) == [fx.InterruptTask(call_task(1), False)]
    assert worker.execution.is_cancelled(call_task(1))
    assert worker.execution.take_recursive(call_task(1))
    assert not worker.execution.is_cancelled(call_task(2, OTHER))


def test_what_a_dead_caller_has_asked_another_actor_for_runs_to_its_end() -> None:
    worker = actor_with()
    worker.handle([received(ME, call(1), call(2))], 1.1)
    assert take(worker) == 1
    effects = worker.handle([received(NODE, lost(ME))], 1.2)
    assert done(effects, fx.InterruptTask) == []
    assert take(worker) is None
