"""Why a process holds its objects, as far as its role knows: told on demand, and only then."""

from __future__ import annotations

from typing import Any

from core.actor_roles import CPU, HEAD, ME, NODE, OTHER, created, done, new_worker, received, submitted, told
from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.worker import Worker
from gnomon._messages import holders, objects, tasks
from gnomon._messages.base import Block, Borrow
from gnomon._messages.holders import HeldObject, Holder
from gnomon._messages.tasks import Provenance
from gnomon.ids import FunctionID, ObjectID, WorkerID, object_id, task_id


def put(worker: Worker, number: int, **changes: Any) -> ObjectID:
    identity = object_id(task_id(ME, number), 1)
    fields: dict[str, Any] = {"value": b"\0" + b"1" * number, "contained": (), "size": number, **changes}
    worker.handle([ev.ObjectStored(identity, **fields)], 1.0)
    return identity


def held(worker: Worker, *wanted: ObjectID, rows_max: int = 100) -> dict[ObjectID, HeldObject]:
    effects = worker.handle([ev.HoldingsWanted(7, wanted, rows_max)], 2.0)
    (answer,) = done(effects, fx.AnswerRequest)
    assert answer.request == 7
    return {row.object: row for row in answer.answer[0]}


def task(
    number: int, dependencies: tuple[ObjectID, ...], contained: tuple[ObjectID, ...] = ()
) -> ev.TaskSubmitted:
    return ev.TaskSubmitted(
        task_id(ME, number), FunctionID(b"function"), b"code", "f", CPU, 1, b"\0", dependencies, contained, 1, 0,
        False, None, None,
    )  # fmt: skip


def test_references_are_what_is_left_of_the_holds() -> None:
    worker = new_worker()
    identity = put(worker, 5, provenance=Provenance("cell-1", "In [1]", 3))
    worker.handle([ev.HandlesArrived((identity,), None, None)], 1.0)
    row = held(worker)[identity]
    assert (row.handles, row.holders, row.borrowers) == (2, (), ())
    assert (row.size, row.state, row.producer, row.owned) == (5, "memory", "put", True)
    assert (row.cell, row.line) == ("In [1]", 3)
    worker.handle([ev.HandlesDropped((identity, identity))], 1.0)
    assert held(worker) == {}


def test_arguments_containers_and_borrowers_are_told() -> None:
    worker = new_worker()
    argument = put(worker, 1)
    nested = put(worker, 2, contained=(argument,))
    worker.handle([task(20, (argument,)), task(21, (argument,)), task(22, (nested,), (argument,))], 1.0)
    borrow = objects.BorrowAdded(OTHER, (Borrow(argument, 1),), 1)
    worker.handle([received(OTHER, borrow)], 1.0)
    rows = held(worker)
    assert rows[argument].holders == (
        Holder("task", "argument of f (ready), 3 times"),
        Holder("container", f"inside ObjectRef({nested.hex()}) of put"),
    )
    assert (rows[argument].handles, rows[argument].borrowers) == (1, (OTHER,))
    assert rows[nested].holders == (Holder("task", "argument of f (ready)"),)
    result = rows[object_id(task_id(ME, 20), 1)]
    assert (result.state, result.size, result.producer, result.handles) == ("pending", -1, "f", 1)


def test_many_alike_are_counted_and_many_unlike_cut() -> None:
    worker = new_worker()
    argument = put(worker, 1)
    outers = [put(worker, number, contained=(argument,)) for number in range(2, 40)]
    row = held(worker, argument)[argument]
    assert len(row.holders) == 20
    assert row.holders[0].name.startswith(f"inside ObjectRef({outers[0].hex()})")
    assert row.holders[-1] == Holder("container", "and 19 more like it")
    assert row.handles == 1


def test_what_actors_need_again_is_told() -> None:
    worker = new_worker()
    argument = put(worker, 1)
    worker.handle([created(contained=(argument,), max_restarts=1), submitted(1, contained=(argument,))], 1.0)
    kinds = [(holder.kind, holder.name.split(",")[0]) for holder in held(worker)[argument].holders]
    assert kinds == [("task", "argument of A.method (waiting)"), ("actor", "argument of A.__init__")]


def test_items_wait_in_their_generator_and_the_one_ahead_is_no_object() -> None:
    worker = new_worker()
    generator = task(30, ())
    generator.num_returns = tasks.STREAMING
    worker.handle([generator], 1.0)
    assert held(worker) == {}
    stream = worker.streams.streams[generator.task]
    worker.streams.on_item(stream, OTHER, tasks.ItemYielded(generator.task, 0, 1, b"\0one"))
    (row,) = held(worker).values()
    assert row.object == object_id(generator.task, 1)
    assert row.holders == (Holder("generator", "not taken yet from the generator f"),)
    assert row.handles == 0


def test_the_largest_come_first_and_the_rest_is_counted() -> None:
    worker = new_worker()
    large = put(worker, 9, value=Block(NODE, 0, 1_000_000, object_id(task_id(ME, 9), 1)), size=1_000_000)
    for number in range(1, 6):
        put(worker, number)
    effects = worker.handle([ev.HoldingsWanted(1, (), 2)], 1.0)
    (answer,) = done(effects, fx.AnswerRequest)
    rows, left_out = answer.answer
    assert [row.size for row in rows] == [1_000_000, 5]
    assert (rows[0].object, rows[0].state, rows[0].nodes) == (large, "store", (NODE,))
    assert left_out == 4


def test_another_process_is_answered_after_a_search_for_names() -> None:
    worker = new_worker()
    identity = put(worker, 3)
    asked = holders.HoldersAsked(11, (identity, object_id(task_id(ME, 99), 1)), 5, 0.1)
    effects = worker.handle([received(OTHER, asked)], 1.0)
    (command,) = done(effects, fx.NameHolders)
    assert (command.asker, command.request, command.left_out, command.budget_s) == (OTHER, 11, 0, 0.1)
    assert [row.object for row in command.rows] == [identity]
    told_ = holders.HoldersTold(11, 1, "worker", command.rows, 0, True)
    (answer,) = done(worker.handle([received(OTHER, told_)], 1.0), fx.AnswerRequest)
    assert (answer.request, answer.answer) == (11, told_)


def test_what_is_borrowed_is_told_too() -> None:
    worker = new_worker()
    theirs = object_id(task_id(WorkerID(b"theirs.."), 1), 1)
    worker.handle([ev.HandlesArrived((theirs,), None, None)], 1.0)
    row = held(worker)[theirs]
    assert (row.owned, row.state, row.size, row.handles) == (False, "unknown", -1, 1)
    assert told(worker.handle([], 1.1), HEAD, holders.HoldersTold) == []
