"""Calls of actors, in their caller's role."""

from __future__ import annotations

import pytest
from actor_roles import (
    ACTOR,
    END,
    HANDLE,
    HEAD,
    HOST,
    ME,
    NEXT,
    NODE,
    NODE_ID,
    OTHER,
    THEIRS,
    alive,
    call_task,
    caller_with,
    created,
    done,
    finished,
    lost,
    new_worker,
    over,
    pushed,
    received,
    result_of,
    submitted,
    told,
    value_of,
)

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.ledger import TaskState
from gnomon._core.worker import Worker
from gnomon._messages import actors, objects, tasks
from gnomon._messages.base import Block, Borrow, Contained
from gnomon.ids import TaskID, WorkerID, handle_object, object_id, task_id

ARGUMENT = object_id(task_id(OTHER, 50), 1)


# -- the end of an incarnation --------------------------------------------------------------------------------


def test_the_news_of_a_death_may_be_faster_than_the_last_answer() -> None:
    worker = caller_with(1, 2)
    worker.handle([received(HEAD, over())], 2.0)
    assert value_of(worker, 1) is None, "its answer may still come"
    worker.handle([received(HOST, finished(1))], 2.001)
    worker.handle([received(NODE, lost())], 2.002)
    worker.handle([], 2.1)
    assert value_of(worker, 1) == "OK"
    assert value_of(worker, 2)[0] == "ActorDiedError"
    worker.check()


def test_the_last_answer_may_lie_behind_the_nodes_news_too() -> None:
    worker = caller_with(1, 2)
    effects = worker.handle([received(NODE, lost())], 2.0)
    assert done(effects, fx.DropPeer) == []
    assert worker.next_wakeup() == pytest.approx(2.0 + worker.settle_s)
    worker.handle([received(HOST, finished(1)), received(HEAD, over())], 2.001)
    effects = worker.handle([], 2.0 + worker.settle_s)
    assert done(effects, fx.DropPeer) == [fx.DropPeer(HOST)]
    assert value_of(worker, 1) == "OK"
    assert value_of(worker, 2)[0] == "ActorDiedError"
    worker.handle([received(HOST, finished(2))], 2.1)
    assert value_of(worker, 2)[0] == "ActorDiedError", "one outcome"


def test_nothing_is_waited_for_where_no_answer_is_missing() -> None:
    worker = caller_with(1)
    worker.handle([received(HOST, finished(1))], 2.0)
    effects = worker.handle([received(NODE, lost())], 2.1)
    assert done(effects, fx.DropPeer) == [fx.DropPeer(HOST)]
    effects = worker.handle([submitted(2)], 2.2)
    assert pushed(effects) == [], "its process is gone, whatever head knows"
    worker.handle([received(HEAD, over())], 2.3)
    assert value_of(worker, 2)[0] == "ActorDiedError"


def test_an_alive_that_is_slower_than_the_death_pushes_nothing() -> None:
    """The worker was leased by this process before it became the actor, so that the node's news was asked for."""
    worker = new_worker()
    worker.handle([created(max_restarts=1), submitted(1)], 1.0)
    worker.handle([received(NODE, lost())], 1.1)
    effects = worker.handle([received(HEAD, alive())], 1.2)
    assert pushed(effects) == []
    worker.handle([received(HEAD, over(actors.RESTARTING))], 1.3)
    effects = worker.handle([received(HEAD, alive(1, NEXT))], 1.4)
    assert pushed(effects, NEXT) == [1]


def test_the_next_incarnation_waits_for_the_last_answers_of_this_one() -> None:
    worker = caller_with(1, 2, 3, max_retries=1, max_restarts=1)
    events = [received(HEAD, over(actors.RESTARTING), alive(1, NEXT)), submitted(4)]
    effects = worker.handle(events, 2.0)
    assert pushed(effects, NEXT) == [], "calls before it may have to be repeated first"
    worker.handle([received(HOST, finished(1))], 2.01)
    worker.handle([received(NODE, lost(last_started=call_task(2)))], 2.02)
    effects = worker.handle([], 2.1)
    assert pushed(effects, NEXT) == [2, 3, 4]
    attempts = {message.task: message.attempt for message in told(effects, NEXT, tasks.CallPushed)}
    assert attempts == {call_task(2): 1, call_task(3): 0, call_task(4): 0}, (
        "3 had not started: no retry spent"
    )
    worker.check()


def test_patience_ends_where_the_node_tells_nothing() -> None:
    worker = caller_with(1)
    worker.handle([received(HEAD, over())], 2.0)
    due = worker.next_wakeup()
    assert due is not None
    worker.handle([], 2.9)
    assert value_of(worker, 1) is None
    worker.handle([], 3.0)
    assert value_of(worker, 1)[0] == "ActorDiedError"


def test_calls_behind_the_last_started_say_that_they_have_not_run() -> None:
    worker = caller_with(1, 2, 3)
    worker.handle([submitted(4, dependencies=(ARGUMENT,))], 1.2)
    worker.handle([received(NODE, lost(last_started=call_task(2))), received(HEAD, over())], 2.0)
    worker.handle([], 2.1)
    for number, started in ((1, True), (2, True), (3, False), (4, False)):
        name, fields = value_of(worker, number)
        assert name == "ActorDiedError"
        assert fields["started"] is started, number
        assert (fields["pid"], fields["exit_code"], fields["last_output"]) == (12, 3, "last words")
        assert fields["node_id"] == NODE_ID.hex()
        assert fields["reason"] == "its process (pid 12) ended with exit code 3"


def test_without_retries_a_restart_fails_what_was_pushed_and_keeps_what_was_not() -> None:
    worker = caller_with(1, 2, max_restarts=1)
    worker.handle([received(HEAD, over(actors.RESTARTING)), submitted(3)], 2.0)
    worker.handle([received(NODE, lost(last_started=call_task(1)))], 2.01)
    worker.handle([], 2.1)
    assert value_of(worker, 1)[0] == value_of(worker, 2)[0] == "ActorUnavailableError"
    assert [value_of(worker, number)[1]["started"] for number in (1, 2)] == [True, False]
    effects = worker.handle([received(HEAD, alive(1, NEXT))], 2.2)
    assert pushed(effects, NEXT) == [3]


def test_after_a_kill_no_call_reaches_the_actor_and_those_it_has_are_settled_with_its_end() -> None:
    worker = caller_with(1, 2, 3)
    effects = worker.handle([ev.ActorKillAsked(ACTOR, True), submitted(4)], 2.0)
    assert told(effects, HEAD, actors.ActorKilled) == [actors.ActorKilled(ACTOR, True)]
    assert pushed(effects) == []
    worker.handle([received(HOST, finished(1))], 2.01)
    worker.handle([ev.ActorKillAsked(ACTOR, True), received(HEAD, over(cause="late"))], 2.02)
    worker.handle([received(NODE, lost(last_started=call_task(2)))], 2.03)
    worker.handle([], 2.03 + worker.settle_s)
    assert value_of(worker, 1) == "OK", "it had ended before"
    facts = [value_of(worker, number)[1] for number in (2, 3, 4)]
    assert [fact["reason"] for fact in facts] == ["it was killed by gnomon.kill"] * 3
    assert [fact["started"] for fact in facts] == [True, False, False]
    worker.handle([ev.ActorKillAsked(ACTOR, False)], 2.2)
    worker.check()


def test_a_kill_counts_at_once_where_nothing_is_waited_for_and_in_a_second_where_nobody_tells() -> None:
    idle = caller_with()
    idle.handle([ev.ActorKillAsked(ACTOR, True), submitted(1)], 2.0)
    assert value_of(idle, 1)[1]["reason"] == "it was killed by gnomon.kill"
    alone = caller_with(1)
    alone.handle([ev.ActorKillAsked(ACTOR, True)], 2.0)
    alone.handle([], 2.9)
    assert value_of(alone, 1) is None
    alone.handle([], 3.0)
    assert value_of(alone, 1)[0] == "ActorDiedError"


def test_kill_while_an_end_is_being_settled() -> None:
    worker = caller_with(1, max_retries=5, max_restarts=5)
    worker.handle([received(HEAD, over(actors.RESTARTING))], 2.0)
    worker.handle([ev.ActorKillAsked(ACTOR, True)], 2.01)
    effects = worker.handle([received(HEAD, alive(1, NEXT)), received(NODE, lost())], 2.02)
    assert pushed(effects, NEXT) == []
    effects = worker.handle([], 2.02 + worker.settle_s)
    assert pushed(effects, NEXT) == []
    assert value_of(worker, 1)[0] == "ActorDiedError"
    worker.check()


def test_a_refusal_waits_for_the_next_incarnation() -> None:
    worker = caller_with(1, 2, max_restarts=1)
    worker.handle([received(HOST, finished(1, tasks.REFUSED, values=()))], 2.0)
    effects = worker.handle([received(HEAD, alive()), submitted(3)], 2.1)
    assert pushed(effects) == []
    worker.handle([received(HEAD, over(actors.RESTARTING)), received(NODE, lost())], 2.2)
    effects = worker.handle([received(HEAD, alive(1, NEXT))], 2.3)
    effects = worker.handle([], 2.4) if not pushed(effects, NEXT) else effects
    assert pushed(effects, NEXT) == [1, 3]


# -- lanes ----------------------------------------------------------------------------------------------------


def test_a_late_argument_holds_up_calls_of_its_own_task_only() -> None:
    worker = caller_with()
    one, other = TaskID(b"one".ljust(16)), TaskID(b"other".ljust(16))
    events = [
        submitted(1, parent=one, dependencies=(ARGUMENT,)),
        submitted(2, parent=one),
        submitted(3, parent=other),
        submitted(4, parent=one, concurrency_group="io"),
    ]
    effects = worker.handle(events, 2.0)
    assert pushed(effects) == [3, 4]
    effects = worker.handle([received(OTHER, objects.ObjectServed(ARGUMENT, b"\0value"))], 2.1)
    assert pushed(effects) == [1, 2]


def test_an_actor_that_runs_one_call_at_a_time_submits_in_one_lane() -> None:
    worker = new_worker()
    mine = actors.ActorAssigned(spec_of(THEIRS), 0)
    worker.handle([received(HEAD, mine), created(), received(HEAD, alive())], 1.0)
    one, other = TaskID(b"one".ljust(16)), TaskID(b"other".ljust(16))
    effects = worker.handle(
        [submitted(1, parent=one, dependencies=(ARGUMENT,)), submitted(2, parent=other)], 1.1
    )
    assert pushed(effects) == []


def spec_of(actor: actors.ActorID, **changes: object) -> actors.ActorSpec:
    from actor_roles import spec

    return spec(actor, owner=OTHER, **changes)


def test_calls_out_of_order_do_not_wait_for_each_other() -> None:
    worker = caller_with()
    events = [submitted(1, dependencies=(ARGUMENT,), in_order=False), submitted(2, in_order=False)]
    assert pushed(worker.handle(events, 2.0)) == [2]


# -- cancelling -----------------------------------------------------------------------------------------------


def test_a_cancelled_call_that_waits_lets_those_behind_it_go() -> None:
    worker = caller_with()
    worker.handle([submitted(1, dependencies=(ARGUMENT,)), submitted(2)], 2.0)
    effects = worker.handle([ev.CancelAsked(call_task(1), False, True)], 2.1)
    assert value_of(worker, 1)[0] == "TaskCancelledError"
    assert pushed(effects) == [2]
    worker.check()


def test_a_cancelled_call_whose_result_the_next_one_needs() -> None:
    worker = caller_with()
    worker.handle([submitted(1, dependencies=(ARGUMENT,)), submitted(2, dependencies=(result_of(1),))], 2.0)
    worker.handle([ev.CancelAsked(call_task(1), False, True)], 2.1)
    worker.check()
    assert [value_of(worker, number)[0] for number in (1, 2)] == ["TaskCancelledError"] * 2


def test_of_the_cancelled_calls_of_an_actor_one_runs_and_the_others_lie_in_its_mailbox() -> None:
    worker = caller_with(1, 2, 3, provenance=tasks.Provenance("cell", "In [1]", 1))
    effects = worker.handle([ev.CellCancelAsked(7, "cell")], 2.0)
    assert done(effects, fx.AnswerRequest) == [fx.AnswerRequest(7, (3, 1))]


def test_a_cancelled_call_is_not_retried() -> None:
    worker = caller_with(1, max_retries=-1, max_restarts=5)
    effects = worker.handle([ev.CancelAsked(call_task(1), False, True)], 2.0)
    assert told(effects, HOST, tasks.TaskCancelled)
    worker.handle([received(HEAD, over(actors.RESTARTING)), received(NODE, lost())], 2.1)
    worker.handle([received(HEAD, alive(1, NEXT))], 2.2)
    effects = worker.handle([], 2.3)
    assert value_of(worker, 1)[0] == "TaskCancelledError"
    assert pushed(effects, NEXT) == []


def test_who_asks_with_force_is_told_whether_it_is_a_call() -> None:
    worker = caller_with(1)
    effects = worker.handle([ev.CancelAsked(call_task(1), True, True, 7)], 2.0)
    assert done(effects, fx.AnswerRequest) == [fx.AnswerRequest(7, True)]
    assert not told(effects, HOST, tasks.TaskCancelled), "a call is not cancelled by force"
    effects = worker.handle([ev.CancelAsked(call_task(9), True, True, 8)], 2.1)
    assert done(effects, fx.AnswerRequest) == [fx.AnswerRequest(8, False)]


# -- late answers ---------------------------------------------------------------------------------------------


def test_a_late_answer_of_a_killed_actor_leaves_nothing_behind() -> None:
    worker = caller_with(1)
    theirs = object_id(task_id(OTHER, 5), 1)
    worker.handle([ev.ActorKillAsked(ACTOR, True)], 2.0)
    worker.handle([], 3.0)
    block = Block(NODE, 4096, 100, result_of(1))
    answer = finished(
        1, values=(block,), borrows=(Borrow(theirs, 3),), contained=(Contained(result_of(1), (theirs,)),)
    )
    effects = worker.handle([received(HOST, answer)], 3.1)
    assert told(effects, NODE, objects.BlocksFreed) == [objects.BlocksFreed((block.name,))]
    assert told(effects, HOST, tasks.HoldReleased) == [tasks.HoldReleased(call_task(1))]
    [added] = told(effects, OTHER, objects.BorrowAdded)
    assert (added.borrower, added.borrows) == (HOST, (Borrow(theirs, 3),))


def test_a_late_answer_of_a_task_records_what_its_process_keeps() -> None:
    worker = new_worker()
    theirs = object_id(task_id(OTHER, 5), 1)
    answer = tasks.TaskFinished(task_id(ME, 77), 0, tasks.OK, (b"\0",), borrows=(Borrow(theirs, 3),))
    effects = worker.handle([received(HOST, answer)], 2.0)
    [added] = told(effects, OTHER, objects.BorrowAdded)
    assert added.borrower == HOST


# -- pending calls, and who is remembered ---------------------------------------------------------------------


def test_pending_calls_are_counted_down_when_they_end() -> None:
    pending = ev.PendingCalls()
    worker = caller_with(1, 2, pending=pending)
    worker.handle([received(HOST, finished(1))], 2.0)
    assert pending.ended == 1
    worker.handle([ev.ActorKillAsked(ACTOR, True), received(NODE, lost())], 2.1)
    worker.handle([], 2.1 + worker.settle_s)
    assert pending.ended == 2


def test_a_dead_actor_without_a_handle_is_forgotten() -> None:
    worker = caller_with(1)
    worker.handle([received(HOST, finished(1)), ev.HandlesDropped((HANDLE, result_of(1)))], 2.0)
    worker.handle([received(NODE, lost()), received(HEAD, over())], 2.1)
    worker.handle([], 3.0)
    assert worker.calls.clients.clients == {}
    assert worker.ledger.actors[ACTOR.hex()]["state"] == "dead"
    worker.check()


def test_a_dead_actor_with_a_handle_is_remembered_until_that_is_dropped() -> None:
    worker = new_worker()
    worker.handle([ev.HandlesArrived((handle_object(THEIRS),), None, None), submitted(1, actor=THEIRS)], 1.0)
    worker.handle([received(HEAD, over(actor=THEIRS))], 1.1)
    worker.handle([], 2.0)
    assert THEIRS in worker.calls.clients.clients
    worker.handle([ev.HandlesDropped((handle_object(THEIRS), result_of(1)))], 2.1)
    worker.handle([], 3.0)
    assert worker.calls.clients.clients == {}


def test_living_actors_without_a_handle_are_remembered_up_to_a_limit() -> None:
    worker = new_worker()
    clients = worker.calls.clients
    clients.idle_max = 10
    for number in range(30):
        actor = actors.ActorID(task_id(OTHER, 10 + number))
        host = WorkerID(b"h%07d" % number)
        worker.handle([submitted(number, actor=actor)], 1.0)
        worker.handle([received(HEAD, alive(0, host, actor))], 1.1)
        worker.handle([received(host, finished(number)), ev.HandlesDropped((result_of(number),))], 1.2)
    worker.handle([], 2.0)
    assert len(clients.clients) == 10
    worker.check()
    first = actors.ActorID(task_id(OTHER, 10))
    effects = worker.handle([submitted(100, actor=first)], 2.1)
    assert told(effects, HEAD, actors.ActorSubscribed) == [actors.ActorSubscribed(first)]
    effects = worker.handle([received(HEAD, alive(0, HOST, first))], 2.2)
    assert pushed(effects) == [100]


def test_an_actor_may_be_forgotten_between_the_news_of_its_end_and_its_last_answer() -> None:
    worker = new_worker()
    worker.calls.clients.idle_max = 0
    worker.handle([submitted(1, actor=THEIRS)], 1.0)
    worker.handle([received(HEAD, alive(actor=THEIRS))], 1.1)
    worker.handle([received(HEAD, over(actor=THEIRS))], 1.2)
    assert THEIRS in worker.calls.clients.ending
    worker.handle([received(HOST, finished(1))], 1.3)
    worker.check()
    worker.handle([received(NODE, lost())], 1.4)
    worker.handle([], 5.0)
    assert worker.calls.clients.clients == worker.calls.clients.ending == {}
    assert value_of(worker, 1) == "OK"


# -- creation -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_restarts", "incarnation", "kept"), [(0, 0, False), (1, 0, True), (1, 1, False)]
)
def test_arguments_go_when_the_constructor_will_not_run_again(
    max_restarts: int, incarnation: int, kept: bool
) -> None:
    worker = new_worker()
    mine = object_id(task_id(ME, 60), 1)
    events = [ev.ObjectStored(mine, b"\0", (), 1), created(contained=(mine,), max_restarts=max_restarts)]
    worker.handle([*events, ev.HandlesDropped((mine,))], 1.0)
    worker.handle([received(HEAD, alive(incarnation))], 1.1)
    assert (mine in worker.references.entries) is kept
    worker.handle([received(HEAD, over(incarnation=incarnation))], 1.2)
    assert mine not in worker.references.entries


def test_an_actor_is_born_when_the_owners_know_what_its_constructor_has_kept() -> None:
    worker = new_worker()
    theirs = object_id(task_id(OTHER, 5), 1)
    worker.handle([received(HEAD, actors.ActorAssigned(spec_of(THEIRS), 0))], 1.0)
    arrived = ev.HandlesArrived((theirs,), TaskID(THEIRS), None)
    effects = worker.handle([arrived, ev.ActorConstructed(b"", "")], 1.1)
    [added] = told(effects, OTHER, objects.BorrowAdded)
    assert not told(effects, HEAD, actors.ActorBorn)
    effects = worker.handle([received(OTHER, objects.BorrowRecorded(added.receipt))], 1.2)
    assert told(effects, HEAD, actors.ActorBorn) == [actors.ActorBorn(THEIRS, 0)]


def test_an_error_with_no_process_behind_it_has_no_end() -> None:
    worker = caller_with(1)
    cause = "its owner, the process that created it, died"
    worker.handle([received(HEAD, over(cause=cause, end=None)), received(NODE, lost())], 2.0)
    worker.handle([], 2.1)
    name, fields = value_of(worker, 1)
    assert (name, fields["reason"]) == ("ActorDiedError", cause)
    assert "exit_code" not in fields
    assert END.code == 3


# -- what is shown as running ---------------------------------------------------------------------------------


def shown_running(worker: Worker) -> list[int]:
    return [
        int.from_bytes(row.task[8:], "big") - 100
        for row in worker.ledger.tasks
        if row.state == TaskState.RUNNING
    ]


def test_of_a_plain_actor_the_oldest_call_is_shown() -> None:
    worker = caller_with(1, 2, 3)
    assert shown_running(worker) == [1]
    worker.handle([received(HOST, finished(1))], 2.0)
    assert shown_running(worker) == [2]


def test_of_each_group_as_many_are_shown_as_run_at_a_time() -> None:
    worker = caller_with(1, 2, 3, at_once=2)
    more = [submitted(number, at_once=1, concurrency_group="io") for number in (4, 5, 6)]
    worker.handle(list(more), 1.5)
    assert shown_running(worker) == [1, 2, 4]
    worker.handle([received(HOST, finished(2)), received(HOST, finished(5))], 2.0)
    assert shown_running(worker) == [1, 3, 4], "the fifth ended before its turn was seen"
    worker.handle([received(HOST, finished(4))], 2.1)
    assert shown_running(worker) == [1, 3, 6]
    worker.handle([received(HEAD, over()), received(NODE, lost())], 2.2)
    worker.handle([], 2.5)
    assert shown_running(worker) == []
    worker.check()
