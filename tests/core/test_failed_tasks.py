"""Failed tasks keep their arguments with their error, the last ones only; everything held is released once."""

from __future__ import annotations

from core.actor_roles import ME, new_worker, received
from core.test_situations import WORKER, grant, result, task
from gnomon._core import events as ev
from gnomon._core.failed_tasks import FailedTasks
from gnomon._core.worker import Worker
from gnomon._messages import tasks
from gnomon._messages.failures import failure
from gnomon.ids import ObjectID, object_id, task_id


def put(worker: Worker, number: int) -> ObjectID:
    identity = object_id(task_id(ME, number), 1)
    worker.handle([ev.ObjectStored(identity, b"\0x", (), 2)], 1.0)
    return identity


def fail(worker: Worker, number: int, argument: ObjectID) -> None:
    worker.handle([task(number, argument)], 1.0)
    if not worker.tasks.dispatch.leased:
        grant(worker)
    error = failure("InternalError")
    ended = tasks.TaskFinished(task_id(ME, number), 0, tasks.RAISED, (error,))
    worker.handle([received(WORKER, ended)], 3.0)
    assert worker.references.values[result(number)] == error


def drop(worker: Worker, *identities: ObjectID) -> None:
    worker.handle([ev.HandlesDropped(identities)], 4.0)
    worker.check()


def test_arguments_live_as_long_as_the_error() -> None:
    worker = new_worker()
    argument = put(worker, 50)
    fail(worker, 1, argument)
    drop(worker, argument)
    assert argument in worker.references.entries
    drop(worker, result(1))
    assert worker.references.entries == {}


def test_of_many_only_the_last_keep_theirs() -> None:
    worker = new_worker()
    worker.tasks.failed = FailedTasks(worker.references, tasks_max=2)
    arguments = [put(worker, 50 + number) for number in range(4)]
    for number, argument in enumerate(arguments):
        fail(worker, number + 1, argument)
    drop(worker, *arguments)
    assert [argument in worker.references.entries for argument in arguments] == [False, False, True, True]
    assert list(worker.tasks.failed.tasks) == [task_id(ME, 3), task_id(ME, 4)]
    drop(worker, *(result(number) for number in range(1, 5)))
    assert worker.references.entries == {}


def test_an_error_that_is_gone_is_not_let_go_twice() -> None:
    worker = new_worker()
    worker.tasks.failed = FailedTasks(worker.references, tasks_max=1)
    first, second = put(worker, 50), put(worker, 51)
    fail(worker, 1, first)
    drop(worker, result(1))
    fail(worker, 2, second)
    drop(worker, first, second, result(2))
    assert worker.references.entries == {}


def test_their_arguments_are_bounded_in_bytes() -> None:
    worker = new_worker()
    worker.tasks.failed = FailedTasks(worker.references, bytes_max=0)
    fail(worker, 1, put(worker, 50))
    assert (worker.tasks.failed.tasks, worker.tasks.failed.bytes) == ({}, 0)


def test_whose_argument_was_an_error_is_noted() -> None:
    worker = new_worker()
    bad = object_id(task_id(ME, 50), 1)
    worker.handle([ev.ObjectStored(bad, failure("InternalError"), (), 5), task(1, bad)], 1.0)
    _, held, culprit = worker.tasks.failed.tasks[task_id(ME, 1)]
    assert (held, culprit) == ((), bad)
