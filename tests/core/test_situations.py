"""What the books say of an object whose value is not there: one test for each reason. Told on demand, and only then."""

from __future__ import annotations

from typing import Any

from core.actor_roles import (
    ACTOR,
    CPU,
    HOST,
    ME,
    NODE,
    OTHER,
    alive,
    call_task,
    created,
    done,
    new_worker,
    over,
    received,
    result_of,
    submitted,
    told,
)
from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.worker import Worker
from gnomon._messages import actors, leases, situations, tasks
from gnomon._messages.base import Block
from gnomon._messages.failures import failure
from gnomon._messages.situations import Activity, Situation
from gnomon._messages.tasks import Provenance
from gnomon.ids import FunctionID, LeaseID, ObjectID, WorkerID, handle_object, object_id, task_id

WORKER = WorkerID(b"worker..")


def task(number: int, *dependencies: ObjectID, group: str = "f", retries: int = 0) -> ev.TaskSubmitted:
    return ev.TaskSubmitted(
        task_id(ME, number), FunctionID(b"function"), b"code", group, CPU, 1, b"\0", dependencies, (), 1, retries,
        False, Provenance("cell-1", "In [1]", 3), None,
    )  # fmt: skip


def result(number: int) -> ObjectID:
    return object_id(task_id(ME, number), 1)


def seen(worker: Worker, identity: ObjectID, now: float = 10.0) -> Situation:
    effects = worker.handle([ev.AskedHere(7, situations.SituationAsked(0, identity))], now)
    (answer,) = done(effects, fx.AnswerRequest)
    assert answer.request == 7
    assert isinstance(answer.answer, Situation)
    return answer.answer


def doing(worker: Worker, number: int, now: float = 10.0) -> Activity:
    (answer,) = done(
        worker.handle([ev.AskedHere(7, situations.ActivityAsked(0, call_task(number)))], now),
        fx.AnswerRequest,
    )
    assert isinstance(answer.answer, Activity)
    return answer.answer


def grant(worker: Worker, process: WorkerID = WORKER) -> None:
    granted = leases.LeaseGranted(LeaseID(1), 1, process, 12)
    worker.handle([received(NODE, granted)], 2.0)


def test_it_waits_for_a_worker() -> None:
    worker = new_worker()
    worker.handle([task(1), task(2)], 1.0)
    found = seen(worker, result(2))
    assert (found.state, found.producer, found.cell, found.line) == (situations.READY, "f", "In [1]", 3)
    assert (found.ahead, found.leased, found.resources, found.age) == (1, 0, CPU, 9.0)


def test_it_waits_for_arguments_and_they_are_told() -> None:
    worker = new_worker()
    theirs = object_id(task_id(OTHER, 1), 1)
    worker.handle([task(1, group="load"), task(2, result(1), theirs)], 1.0)
    found = seen(worker, result(2))
    assert (found.state, found.awaits_total) == (situations.WAITING, 2)
    by_object = {each.object: each for each in found.awaits}
    mine = by_object[result(1)]
    assert (mine.producer, mine.state, mine.age) == ("load", situations.READY, 9.0)
    assert by_object[theirs] == situations.Awaited(theirs)


def test_of_many_arguments_some_are_told_and_all_counted() -> None:
    worker = new_worker()
    worker.handle([task(number) for number in range(1, 11)], 1.0)
    worker.handle([task(20, *map(result, range(1, 11)))], 1.0)
    found = seen(worker, result(20))
    assert (len(found.awaits), found.awaits_total) == (5, 10)


def test_it_is_at_a_worker_and_others_know_whom_to_blame() -> None:
    worker = new_worker()
    worker.handle([task(1, group="hog"), task(2)], 1.0)
    grant(worker)
    found = seen(worker, result(1))
    assert (found.state, found.worker, found.pid, found.node) == (situations.SENT, WORKER, 12, NODE)
    assert (found.ahead, found.sent) == (0, 8.0)
    assert seen(worker, result(2)).rivals == (("hog", 1),)


def test_a_retry_is_told() -> None:
    worker = new_worker()
    worker.handle([task(1, retries=2)], 1.0)
    grant(worker)
    worker.tasks.records[task_id(ME, 1)].attempt = 1
    found = seen(worker, result(1))
    assert (found.attempt, found.retries) == (1, 2)


def test_a_value_and_an_error_are_told() -> None:
    worker = new_worker()
    small, large, bad = (object_id(task_id(ME, number), 1) for number in (31, 32, 33))
    block = Block(NODE, 0, 1_000_000, large)
    worker.handle(
        [
            ev.ObjectStored(small, b"\0x", (), 2),
            ev.ObjectStored(large, block, (), 1_000_000),
            ev.ObjectStored(bad, failure("InfeasibleError"), (), 10),
        ],
        1.0,
    )
    found = seen(worker, small)
    assert (found.state, found.producer, found.size, found.place) == (situations.VALUE, "put", 2, "memory")
    found = seen(worker, large)
    assert (found.size, found.place, found.nodes) == (1_000_000, "store", (NODE,))
    worker.ledger.object_moved(large.hex(), "spilled")
    assert seen(worker, large).place == "spilled"
    assert seen(worker, bad).state == situations.ERROR


def test_of_what_was_freed_nothing_is_known() -> None:
    assert seen(new_worker(), result(99)).state == situations.UNKNOWN
    assert seen(new_worker(), object_id(task_id(OTHER, 1), 1)).state == situations.UNKNOWN


def test_a_value_that_is_gone_is_lost() -> None:
    worker = new_worker()
    worker.handle([task(1)], 1.0)
    worker.references.entries[result(1)].lost = NODE
    del worker.tasks.records[task_id(ME, 1)]
    assert seen(worker, result(1)).state == situations.LOST


def test_a_call_waits_for_its_actor_its_turn_and_its_argument() -> None:
    worker = new_worker()
    worker.handle([created(), task(50, group="load")], 1.0)
    worker.handle([submitted(1), submitted(2, dependencies=(result(50),)), submitted(3)], 1.0)
    found = seen(worker, result_of(1))
    assert (found.state, found.ahead) == (situations.QUEUED, 0)
    assert found.actor is not None
    assert (found.actor.class_name, found.actor.state, found.actor.unfinished) == ("A", "pending", 3)
    second = seen(worker, result_of(2))
    assert (second.state, second.awaits[0].producer) == (situations.WAITING, "load")
    third = seen(worker, result_of(3))
    assert (third.state, third.blocked_by, third.awaits[0].producer) == (
        situations.QUEUED,
        "A.method",
        "load",
    )
    worker.handle([received(HOST, alive())], 2.0)
    found = seen(worker, result_of(1))
    assert (found.state, found.worker, found.pid) == (situations.SENT, HOST, 12)


def test_a_call_in_the_mailbox_knows_its_place() -> None:
    worker = new_worker()
    worker.handle([created(), submitted(1), submitted(2), received(HOST, alive())], 1.0)
    assert [seen(worker, result_of(number)).ahead for number in (1, 2)] == [0, 1]


def test_an_actor_waits_for_an_argument_of_its_constructor() -> None:
    worker = new_worker()
    creation = created()
    creation.dependencies = (result(50),)
    worker.handle([task(50, group="load"), creation], 1.0)
    found = seen(worker, handle_object(ACTOR)).actor
    assert found is not None
    assert [each.producer for each in found.constructor] == ["load"]


def test_an_actor_restarts_and_dies() -> None:
    worker = new_worker()
    worker.handle([created(max_restarts=1), received(HOST, alive())], 1.0)
    worker.handle([received(HOST, over(actors.RESTARTING, cause="its process ended"))], 1.0)
    found = seen(worker, handle_object(ACTOR)).actor
    assert found is not None
    assert (found.state, found.cause, found.worker) == ("restarting", "its process ended", b"")
    worker.handle([received(HOST, over(incarnation=1))], 2.0)
    found = seen(worker, handle_object(ACTOR)).actor
    assert found is not None
    assert (found.state, found.cause) == ("dead", "its process (pid 12) ended with exit code 3")


def test_of_a_generator_the_items_are_counted() -> None:
    worker = new_worker()
    generator = task(30)
    generator.num_returns, generator.backpressure = tasks.STREAMING, 2
    worker.handle([generator], 1.0)
    stream = worker.streams.streams[generator.task]
    worker.streams.on_item(stream, OTHER, tasks.ItemYielded(generator.task, 0, 1, b"\0one"))
    found = seen(worker, stream.item(2))
    assert (found.state, found.items, found.taken, found.limit) == (situations.READY, 1, 0, 2)


def test_another_process_is_answered() -> None:
    worker = new_worker()
    worker.handle([task(1)], 1.0)
    effects = worker.handle([received(OTHER, situations.SituationAsked(11, result(1)))], 2.0)
    (answer,) = told(effects, OTHER, situations.SituationTold)
    assert (answer.request, answer.situation.state) == (11, situations.READY)
    (heard,) = done(worker.handle([received(OTHER, answer)], 2.0), fx.AnswerRequest)
    assert (heard.request, heard.answer) == (11, answer)


def pushed(number: int, **changes: Any) -> tasks.CallPushed:
    fields: dict[str, Any] = {"incarnation": 0, "method": "method", "arguments": b"\0"} | changes
    return tasks.CallPushed(call_task(number), ACTOR, **fields)


def test_who_executes_knows_what_runs_and_what_waits() -> None:
    worker = new_worker()
    worker.execution.actor = ACTOR
    worker.handle([received(OTHER, pushed(1), pushed(2), pushed(3, name="third"))], 1.0)
    assert worker.execution.take(2.0) is not None
    assert doing(worker, 1).place == 0
    found = doing(worker, 3)
    assert (found.place, found.queued) == (2, 2)
    assert found.running == (situations.Doing(call_task(1), "method", 8.0),)
    assert doing(worker, 9).place == -1
    effects = worker.handle([received(OTHER, situations.ActivityAsked(4, call_task(2)))], 3.0)
    (command,) = done(effects, fx.TellActivity)
    assert (command.asker, command.request, command.task) == (OTHER, 4, call_task(2))
    assert command.activity.place == 1


def test_who_executes_knows_what_its_code_waits_for() -> None:
    worker = new_worker()
    worker.handle([task(1, group="inner"), ev.ValuesAwaited(1, (result(1),), 1)], 1.0)
    (awaited,) = doing(worker, 1).awaits
    assert (awaited.object, awaited.producer) == (result(1), "inner")
