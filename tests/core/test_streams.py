"""Generators as their owner and their executor see them: events in, effects out."""

from __future__ import annotations

from typing import Any

import pytest
from actor_roles import HEAD, ME, NODE, OTHER, told

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.effects import Effects
from gnomon._core.links import LinkMachine
from gnomon._core.worker import Worker
from gnomon._messages import actors, cluster, leases, objects, tasks
from gnomon._messages.base import Block, Contained
from gnomon._messages.failures import RAISED_KIND, STREAM_END, failure, is_failure, read_failure
from gnomon.ids import (
    COMPLETION_INDEX,
    HANDLE_INDEX,
    ActorID,
    FunctionID,
    JobID,
    LeaseID,
    ObjectID,
    WorkerID,
    attempt_id,
    object_id,
    task_id,
)

PEER, GHOST = WorkerID(b"peer...."), WorkerID(b"ghost...")
TASK = task_id(ME, 1)
ACTOR = ActorID(task_id(ME, 50))
BOOM = failure("WorkerCrashedError", function_name="f")
NONE = b"\0none"
LIST = b"\0list"


def item(index: int) -> ObjectID:
    return object_id(TASK, index)


def error_in(value: Any) -> str:
    assert is_failure(value), value
    return read_failure(value)[0]


class Owner:
    """A role that has submitted one generator."""

    def __init__(self, num_returns: int = tasks.STREAMING, backpressure: int = 0, retries: int = 3) -> None:
        self._begin(
            ev.TaskSubmitted(
                TASK, FunctionID(b"function"), b"code", "f", {"CPU": 10_000}, 1, b"\0", (), (), num_returns,
                retries, False, None, None, backpressure,
            )
        )  # fmt: skip

    def _begin(self, submitted: ev.TaskSubmitted | ev.CallSubmitted) -> None:
        self.role = Worker(ME, NODE, HEAD, ME, JobID(b"job."), "session", LinkMachine(ME), settle_s=0.0)
        self.values = self.role.references.values
        self.entries = self.role.references.entries
        self.attempt = 0
        self.worker = PEER
        self.handle(submitted)

    def handle(self, *events: Any) -> Effects:
        effects = self.role.handle(events, 1.0)
        self.role.check()
        return effects

    def hear(self, *messages: Any, sender: WorkerID | None = None) -> Effects:
        return self.handle(ev.Received(sender or self.worker, list(messages)))

    def grant(self, worker: WorkerID = PEER) -> tasks.TaskPushed:
        """The task is pushed to ``worker``."""
        self.worker = worker
        effects = self.hear(leases.LeaseGranted(LeaseID(1), 1, worker, 1), sender=NODE)
        [pushed] = told(effects, worker, tasks.TaskPushed)
        self.attempt = pushed.attempt
        return pushed

    def yields(self, index: int, value: Any = None, inner: tuple[ObjectID, ...] = ()) -> Effects:
        value = value or b"\0item %d" % index
        return self.hear(tasks.ItemYielded(TASK, self.attempt, index, value, inner))

    def ends(self, items: int, outcome: int = tasks.OK, values: tuple[Any, ...] = (NONE,)) -> Effects:
        return self.hear(tasks.TaskFinished(TASK, self.attempt, outcome, values, items=items))

    def take(self, index: int) -> Effects:
        return self.handle(ev.ItemTaken(TASK, index))

    def drop(self, *indexes: int) -> Effects:
        return self.handle(ev.HandlesDropped(tuple(object_id(TASK, index) for index in indexes)))

    def loses_its_worker(self) -> Effects:
        lost = cluster.ProcessLost(self.worker, "was killed", TASK)
        return self.hear(lost, sender=NODE)

    def awaits(self, index: int, token: int = 1) -> Effects:
        return self.handle(ev.ValuesAwaited(token, (item(index),), 1))

    def holds_nothing(self) -> bool:
        assert self.role.streams.streams == {}
        assert self.role.references._waits == {}
        return self.entries == {} and self.values == {}


@pytest.fixture
def owner() -> Owner:
    owner = Owner()
    owner.grant()
    return owner


# -- items ---------------------------------------------------------------------------------------------------


def test_the_next_item_is_always_waited_for_as_an_object(owner: Owner) -> None:
    assert owner.awaits(1).commands == []
    assert owner.yields(1).commands == [fx.WakeWaiter(1)]
    assert owner.values[item(1)] == b"\0item 1"
    assert owner.awaits(2, token=2).commands == []
    assert owner.ends(1).commands == [fx.WakeWaiter(2)]
    assert owner.values[item(2)] == STREAM_END


def test_an_error_is_the_last_item(owner: Owner) -> None:
    owner.yields(1)
    owner.ends(1, tasks.RAISED, (BOOM, NONE))
    assert [owner.values[item(index)] for index in (1, 2, 3)] == [b"\0item 1", BOOM, STREAM_END]


def test_items_have_rows_and_the_end_has_none(owner: Owner) -> None:
    owner.yields(1)
    owner.ends(1)
    rows = owner.role.ledger.objects
    assert [rows[key][2] for key in rows] == ["f"]
    owner.take(1)
    owner.drop(1, HANDLE_INDEX)
    assert rows == {}
    assert owner.role.ledger.totals["count"] == 0


def test_a_taken_item_belongs_to_its_handle(owner: Owner) -> None:
    owner.yields(1)
    owner.yields(2)
    owner.take(1)
    owner.drop(1)
    assert item(1) not in owner.entries
    assert owner.values[item(2)] == b"\0item 2"
    owner.take(2)
    owner.ends(2)
    owner.drop(HANDLE_INDEX)
    assert owner.values == {item(2): b"\0item 2"}
    owner.drop(2)
    assert owner.holds_nothing()


def test_who_waits_for_an_item_that_another_has_taken_and_dropped_is_woken(owner: Owner) -> None:
    owner.yields(1)
    owner.take(1)
    owner.drop(1)
    assert owner.awaits(1).commands == [fx.WakeWaiter(1)]


def test_a_repeated_item_changes_nothing(owner: Owner) -> None:
    owner.yields(1)
    effects = owner.yields(1, Block(NODE, 4096, 100, item(1)))
    assert told(effects, NODE, objects.BlocksFreed) == [objects.BlocksFreed(((4096, item(1)),))]
    assert owner.values[item(1)] == b"\0item 1"
    assert item(3) not in owner.entries


@pytest.mark.parametrize(("attempt", "sender"), [(0, OTHER), (1, GHOST)])
def test_an_item_counts_from_the_present_attempt_alone(owner: Owner, attempt: int, sender: WorkerID) -> None:
    owner.loses_its_worker()
    assert owner.grant(OTHER).attempt == 1
    held = object_id(task_id(PEER, 9), 1)
    effects = owner.hear(tasks.ItemYielded(TASK, attempt, 1, b"\0old", (held,)), sender=sender)
    assert told(effects, sender, tasks.HoldReleased) == [tasks.HoldReleased(attempt_id(TASK, attempt), 1)]
    assert item(1) not in owner.values
    assert held not in owner.entries


def test_the_references_in_an_item_are_held_by_it(owner: Owner) -> None:
    mine = object_id(task_id(ME, 7), 1)
    owner.handle(ev.ObjectStored(mine, b"\0value", (), 6))
    effects = owner.yields(1, inner=(mine,))
    assert told(effects, PEER, tasks.HoldReleased) == [tasks.HoldReleased(attempt_id(TASK, owner.attempt), 1)]
    owner.drop(7)
    owner.handle(ev.HandlesDropped((mine,)))
    assert mine in owner.values
    owner.take(1)
    owner.drop(1)
    assert mine not in owner.values


def test_an_executor_holds_what_others_own_until_they_know(owner: Owner) -> None:
    theirs = object_id(task_id(OTHER, 7), 1)
    effects = owner.yields(1, inner=(theirs,))
    assert told(effects, PEER, tasks.HoldReleased) == []
    [added] = told(effects, OTHER, objects.BorrowAdded)
    effects = owner.hear(objects.BorrowRecorded(added.receipt), sender=OTHER)
    assert told(effects, PEER, tasks.HoldReleased) == [tasks.HoldReleased(attempt_id(TASK, owner.attempt), 1)]


# -- attempts ------------------------------------------------------------------------------------------------


def test_a_new_attempt_is_told_how_many_items_there_are(owner: Owner) -> None:
    assert owner.attempt == 0
    owner.yields(1)
    owner.yields(2)
    owner.loses_its_worker()
    pushed = owner.grant(OTHER)
    assert (pushed.attempt, pushed.skip) == (1, 2)
    owner.yields(3)
    owner.ends(3)
    assert [owner.values[item(index)] for index in (1, 2, 3, 4)] == [
        b"\0item 1",
        b"\0item 2",
        b"\0item 3",
        STREAM_END,
    ]


def test_without_retries_a_lost_worker_is_the_last_item() -> None:
    owner = Owner(retries=0)
    owner.grant()
    owner.yields(1)
    owner.loses_its_worker()
    assert error_in(owner.values[item(2)]) == "WorkerCrashedError"
    assert owner.values[item(3)] == STREAM_END


def test_a_replay_that_yields_less_is_an_error(owner: Owner) -> None:
    owner.yields(1)
    owner.yields(2)
    owner.loses_its_worker()
    owner.grant(OTHER)
    owner.ends(1)
    assert error_in(owner.values[item(3)]) == "StreamingGeneratorReplayInconsistentError"


def test_an_argument_that_failed_is_the_first_item() -> None:
    owner = Owner()
    failed = object_id(task_id(ME, 2), 1)
    owner.handle(ev.ObjectStored(failed, BOOM, (), 1))
    late = task_id(ME, 3)
    owner.handle(
        ev.TaskSubmitted(
            late, FunctionID(b"function"), b"", "g", {}, 2, b"\0", (failed,), (), tasks.STREAMING, 0, False, None, None
        )
    )  # fmt: skip
    assert owner.values[object_id(late, 1)] == BOOM
    assert owner.values[object_id(late, 2)] == STREAM_END


def test_a_cancelled_task_keeps_the_items_it_has_made(owner: Owner) -> None:
    owner.yields(1)
    effects = owner.handle(ev.CancelAsked(TASK, False, True))
    assert told(effects, PEER, tasks.TaskCancelled)
    owner.ends(1, tasks.CANCELLED, ())
    assert owner.values[item(1)] == b"\0item 1"
    assert error_in(owner.values[item(2)]) == "TaskCancelledError"
    assert owner.values[item(3)] == STREAM_END


# -- back-pressure -------------------------------------------------------------------------------------------


def test_the_executor_is_told_what_was_taken() -> None:
    owner = Owner(backpressure=2)
    assert owner.grant().backpressure == 2
    owner.yields(1)
    assert told(owner.take(1), PEER, tasks.ItemsTaken) == [tasks.ItemsTaken(TASK, 0, 1)]
    owner.loses_its_worker()
    owner.worker = OTHER
    effects = owner.hear(leases.LeaseGranted(LeaseID(2), 1, OTHER, 1), sender=NODE)
    kinds = [type(message) for message in effects.sends[OTHER]]
    assert kinds.index(tasks.TaskPushed) < kinds.index(tasks.ItemsTaken)
    assert told(effects, OTHER, tasks.ItemsTaken) == [tasks.ItemsTaken(TASK, 1, 1)]


def test_without_backpressure_nobody_is_told(owner: Owner) -> None:
    owner.yields(1)
    assert owner.take(1).sends == {}


# -- closing -------------------------------------------------------------------------------------------------


def test_dropping_the_handle_cancels_the_task_and_frees_the_items(owner: Owner) -> None:
    owner.yields(1)
    owner.yields(2)
    owner.take(1)
    effects = owner.drop(HANDLE_INDEX)
    assert told(effects, PEER, tasks.TaskCancelled) == [tasks.TaskCancelled(TASK, 0, False, True)]
    assert owner.values == {item(1): b"\0item 1"}
    effects = owner.yields(3, Block(NODE, 4096, 100, item(3)))
    assert told(effects, NODE, objects.BlocksFreed) == [objects.BlocksFreed(((4096, item(3)),))]
    owner.ends(3, tasks.CANCELLED, ())
    owner.drop(1)
    assert owner.holds_nothing()


def test_dropping_the_handle_of_a_task_that_has_not_begun_ends_it() -> None:
    owner = Owner()
    owner.drop(HANDLE_INDEX)
    assert owner.holds_nothing()
    assert owner.role.tasks.records == {}


def test_dropping_the_handle_at_the_end_leaves_nothing(owner: Owner) -> None:
    owner.yields(1)
    owner.ends(1)
    owner.drop(HANDLE_INDEX)
    assert owner.holds_nothing()


def test_dropping_the_handle_wakes_whoever_still_waits(owner: Owner) -> None:
    owner.awaits(1)
    assert owner.drop(HANDLE_INDEX).commands == [fx.WakeWaiter(1)]
    owner.ends(0, tasks.CANCELLED, ())
    assert owner.holds_nothing()


@pytest.mark.parametrize("items", [0, 1, 3])
def test_close_puts_the_end_where_the_next_item_would_be(owner: Owner, items: int) -> None:
    for index in range(1, items + 1):
        owner.yields(index)
    if items:
        owner.take(1)
    following = min(items, 1) + 1
    if items < 2:
        owner.awaits(following)
    effects = owner.handle(ev.StreamClosed(TASK))
    assert effects.commands == ([fx.WakeWaiter(1)] if items < 2 else [])
    assert told(effects, PEER, tasks.TaskCancelled)
    assert owner.values[item(following)] == STREAM_END
    assert item(following + 1) not in owner.entries
    assert owner.handle(ev.StreamClosed(TASK)).sends == {}
    owner.ends(items, tasks.CANCELLED, ())
    owner.drop(HANDLE_INDEX, *([1] if items else []))
    assert owner.holds_nothing()


# -- the completion ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    ("outcome", "values", "expected"),
    [
        (tasks.OK, (NONE,), NONE),
        (tasks.RAISED, (BOOM, NONE), NONE),
        (tasks.CANCELLED, (BOOM,), BOOM),
    ],
)
def test_the_completion_tells_of_the_end(
    owner: Owner, early: bool, outcome: int, values: tuple[bytes, ...], expected: bytes
) -> None:
    if early:
        owner.handle(ev.CompletionWanted(TASK))
        assert object_id(TASK, COMPLETION_INDEX) not in owner.values
    owner.ends(0, outcome, values)
    owner.handle(ev.CompletionWanted(TASK))
    assert owner.values[object_id(TASK, COMPLETION_INDEX)] == expected
    owner.drop(COMPLETION_INDEX, HANDLE_INDEX, *([COMPLETION_INDEX] if early else []))
    if outcome != tasks.OK:
        assert item(1) not in owner.entries
    assert owner.holds_nothing()


def test_a_task_whose_end_is_waited_for_is_not_cancelled_with_its_generator() -> None:
    owner = Owner(backpressure=1)
    owner.grant()
    owner.yields(1)
    owner.handle(ev.CompletionWanted(TASK))
    effects = owner.drop(HANDLE_INDEX)
    assert told(effects, PEER, tasks.TaskCancelled) == []
    [room] = told(effects, PEER, tasks.ItemsTaken)
    assert room.taken > 10**9
    owner.yields(2)
    assert item(2) not in owner.values
    owner.ends(2)
    assert owner.values == {object_id(TASK, COMPLETION_INDEX): NONE}
    owner.drop(COMPLETION_INDEX)
    assert owner.holds_nothing()


# -- dynamic -------------------------------------------------------------------------------------------------


@pytest.fixture
def dynamic() -> Owner:
    owner = Owner(tasks.DYNAMIC)
    owner.grant()
    return owner


def test_the_result_of_a_dynamic_generator_holds_its_items(dynamic: Owner) -> None:
    dynamic.yields(1)
    dynamic.yields(2)
    assert item(1) not in dynamic.values
    dynamic.ends(2, values=(LIST,))
    assert dynamic.values[item(1)] == LIST
    assert dynamic.entries[item(1)].inner == (item(2), item(3))
    dynamic.handle(ev.HandlesArrived((item(2), item(3)), None, item(1)))
    dynamic.drop(1)
    assert dynamic.values == {item(2): b"\0item 1", item(3): b"\0item 2"}
    dynamic.drop(2, 3)
    assert dynamic.holds_nothing()


def test_the_error_of_a_dynamic_generator_is_its_last_item(dynamic: Owner) -> None:
    dynamic.yields(1)
    dynamic.ends(1, tasks.RAISED, (BOOM, LIST))
    assert dynamic.entries[item(1)].inner == (item(2), item(3))
    assert dynamic.values[item(3)] == BOOM
    dynamic.drop(1)
    assert dynamic.holds_nothing()


def test_a_dynamic_generator_that_is_lost_has_one_error(dynamic: Owner) -> None:
    dynamic.yields(1)
    dynamic.handle(ev.CancelAsked(TASK, False, True))
    dynamic.loses_its_worker()
    assert error_in(dynamic.values[item(1)]) == "TaskCancelledError"
    dynamic.drop(1)
    assert dynamic.holds_nothing()


def test_a_dynamic_result_that_nobody_wants_leaves_nothing(dynamic: Owner) -> None:
    dynamic.yields(1)
    dynamic.drop(1)
    effects = dynamic.yields(2, Block(NODE, 4096, 100, item(3)))
    assert told(effects, NODE, objects.BlocksFreed) == [objects.BlocksFreed(((4096, item(3)),))]
    effects = dynamic.ends(2, values=(Block(NODE, 8192, 100, item(1)),))
    assert told(effects, NODE, objects.BlocksFreed) == [objects.BlocksFreed(((8192, item(1)),))]
    assert dynamic.holds_nothing()


# -- references inside errors ----------------------------------------------------------------------------------

MINE = object_id(task_id(ME, 7), 1)
RAISED = bytes((RAISED_KIND,)) + b"an exception with a reference"


def fails_with_reference(owner: Owner, items: int, outer: int, values: tuple[Any, ...]) -> Effects:
    """The generator raises an error that holds MINE, after ``items`` items; MINE has no other holder then."""
    owner.handle(ev.ObjectStored(MINE, b"\0value", (), 6))
    contained = (Contained(item(outer), (MINE,)),)
    ended = tasks.TaskFinished(TASK, owner.attempt, tasks.RAISED, values, contained=contained, items=items)
    effects = owner.hear(ended)
    assert told(effects, owner.worker, tasks.HoldReleased) == [
        tasks.HoldReleased(attempt_id(TASK, owner.attempt), 0)
    ]
    owner.handle(ev.HandlesDropped((MINE,)))
    return effects


def test_the_references_in_a_generators_error_are_held_by_it(owner: Owner) -> None:
    owner.yields(1)
    fails_with_reference(owner, 1, 2, (RAISED, NONE))
    assert owner.values[item(2)] == RAISED
    assert MINE in owner.values
    owner.take(1)
    owner.take(2)
    owner.drop(1, 2)
    assert MINE not in owner.values


def test_the_references_in_the_error_of_a_list_are_held_by_it(dynamic: Owner) -> None:
    dynamic.yields(1)
    fails_with_reference(dynamic, 1, 3, (RAISED, LIST))
    assert dynamic.values[item(3)] == RAISED
    assert MINE in dynamic.values
    dynamic.drop(1)
    assert dynamic.holds_nothing()


def test_the_error_of_a_list_that_nobody_wants_keeps_nothing(dynamic: Owner) -> None:
    dynamic.yields(1)
    dynamic.drop(1)
    fails_with_reference(dynamic, 1, 3, (RAISED, LIST))
    assert dynamic.holds_nothing()


def test_an_error_that_comes_too_early_in_a_replay_does_not_touch_the_items(owner: Owner) -> None:
    theirs = object_id(task_id(ME, 8), 1)
    owner.handle(ev.ObjectStored(theirs, b"\0value", (), 6))
    owner.yields(1, inner=(theirs,))
    owner.handle(ev.HandlesDropped((theirs,)))
    owner.loses_its_worker()
    owner.grant(OTHER)
    fails_with_reference(owner, 0, 1, (RAISED, NONE))
    assert owner.entries[item(1)].inner == (theirs,)
    assert theirs in owner.values
    assert MINE not in owner.values


def test_a_failed_argument_is_held_by_what_it_fails(owner: Owner) -> None:
    owner.handle(ev.ObjectStored(MINE, b"\0value", (), 6))
    failed = object_id(task_id(ME, 2), 1)
    owner.handle(ev.ObjectStored(failed, RAISED, (MINE,), 1))
    late = task_id(ME, 3)
    owner.handle(
        ev.TaskSubmitted(
            late, FunctionID(b"function"), b"", "g", {}, 2, b"\0", (failed,), (), 2, 0, False, None, None
        )
    )  # fmt: skip
    owner.handle(ev.HandlesDropped((MINE, failed, object_id(late, 1))))
    assert owner.values[object_id(late, 2)] == RAISED
    assert MINE in owner.values
    owner.handle(ev.HandlesDropped((object_id(late, 2),)))
    assert MINE not in owner.values
    assert failed not in owner.values


# -- a fixed number of results ---------------------------------------------------------------------------------


def test_results_that_were_there_before_an_error_stay() -> None:
    owner = Owner(num_returns=3)
    owner.grant()
    mine = object_id(task_id(ME, 7), 1)
    message = tasks.TaskFinished(
        TASK, 0, tasks.RAISED, (b"\0first", BOOM), contained=(Contained(item(1), (mine,)),)
    )
    owner.handle(ev.ObjectStored(mine, b"\0value", (), 6))
    owner.hear(message)
    assert [owner.values[item(index)] for index in (1, 2, 3)] == [b"\0first", BOOM, BOOM]
    assert owner.entries[item(1)].inner == (mine,)


def test_results_of_an_attempt_that_is_repeated_are_let_go() -> None:
    owner = Owner(num_returns=2)
    owner.grant()
    held = object_id(task_id(OTHER, 7), 1)
    block = Block(NODE, 4096, 100, item(1))
    effects = owner.hear(
        tasks.TaskFinished(
            TASK, 0, tasks.RAISED, (block, BOOM), retriable=True, contained=(Contained(item(1), (held,)),)
        )
    )
    assert told(effects, NODE, objects.BlocksFreed) == [objects.BlocksFreed(((4096, item(1)),))]
    assert told(effects, PEER, tasks.HoldReleased) == [tasks.HoldReleased(TASK)]
    assert [pushed.attempt for pushed in told(effects, PEER, tasks.TaskPushed)] == [1]
    assert item(1) not in owner.values


# -- actors --------------------------------------------------------------------------------------------------


class Caller(Owner):
    """A role that has called a generator method of an actor, which lives in PEER."""

    def __init__(self, retries: int = 1, backpressure: int = 0) -> None:
        self._begin(
            ev.CallSubmitted(
                TASK, ACTOR, "m", "A.m", b"\0", (), (), tasks.STREAMING, retries, False, "", True, None, None, backpressure
            )
        )  # fmt: skip

    def becomes(self, state: str, incarnation: int, worker: WorkerID = PEER) -> Effects:
        changed = actors.ActorChanged(ACTOR, state, incarnation, worker, 1, "was killed")
        effects = self.hear(changed, sender=HEAD)
        if state != actors.ALIVE:
            self.hear(cluster.ProcessLost(self.worker, "was killed", TASK), sender=NODE)
        return effects


def test_a_restarted_actor_makes_the_items_again_and_sends_the_rest() -> None:
    caller = Caller(backpressure=5)
    [pushed] = told(caller.becomes(actors.ALIVE, 0), PEER, tasks.CallPushed)
    assert (pushed.skip, pushed.backpressure) == (0, 5)
    caller.yields(1)
    caller.yields(2)
    assert told(caller.take(1), PEER, tasks.ItemsTaken) == [tasks.ItemsTaken(TASK, 0, 1)]
    caller.becomes(actors.RESTARTING, 1)
    caller.yields(3)
    assert item(3) not in caller.values, "its sender is dead"
    effects = caller.becomes(actors.ALIVE, 1, OTHER)
    [pushed] = told(effects, OTHER, tasks.CallPushed)
    assert (pushed.attempt, pushed.skip) == (1, 2)
    assert told(effects, OTHER, tasks.ItemsTaken) == [tasks.ItemsTaken(TASK, 1, 1)]
    caller.worker, caller.attempt = OTHER, 1
    caller.yields(3)
    caller.ends(3)
    assert caller.values[item(3)] == b"\0item 3"
    assert caller.values[item(4)] == STREAM_END


def test_a_dead_actor_is_the_last_item() -> None:
    caller = Caller()
    caller.becomes(actors.ALIVE, 0)
    caller.yields(1)
    caller.becomes(actors.DEAD, 0)
    assert error_in(caller.values[item(2)]) == "ActorDiedError"
    assert caller.values[item(3)] == STREAM_END


def test_dropping_the_handle_cancels_the_call() -> None:
    caller = Caller()
    caller.becomes(actors.ALIVE, 0)
    caller.yields(1)
    effects = caller.drop(HANDLE_INDEX)
    assert told(effects, PEER, tasks.TaskCancelled) == [tasks.TaskCancelled(TASK, 0, False, True)]
    caller.ends(1, tasks.CANCELLED, ())
    assert caller.holds_nothing()


# -- the executor ----------------------------------------------------------------------------------------------


class Producer:
    """A role that runs one generator for PEER."""

    def __init__(self, backpressure: int = 0, begun: bool = True) -> None:
        self.role = Worker(ME, NODE, HEAD, OTHER, JobID(b"job."), "session", LinkMachine(ME))
        self.task = task_id(PEER, 1)
        pushed = tasks.TaskPushed(
            self.task, FunctionID(b"function"), b"\0", num_returns=tasks.STREAMING, backpressure=backpressure
        )
        self.hear(pushed)
        if begun:
            assert self.role.execution.take(1.0) is not None

    def handle(self, *events: Any) -> Effects:
        effects = self.role.handle(events, 1.0)
        self.role.check()
        return effects

    def hear(self, *messages: Any, sender: WorkerID = PEER) -> Effects:
        return self.handle(ev.Received(sender, list(messages)))

    def has_room(self, made: int) -> bool:
        return self.role.production.has_room(self.task, made, 2)


def test_an_item_is_sent_and_its_references_held_until_the_owner_knows() -> None:
    producer = Producer()
    mine = object_id(task_id(ME, 3), 1)
    producer.handle(ev.ObjectStored(mine, b"\0value", (), 6))
    effects = producer.handle(
        ev.ItemProduced(producer.task, 1, b"\0one", (mine,)), ev.HandlesDropped((mine,))
    )
    assert told(effects, PEER, tasks.ItemYielded) == [
        tasks.ItemYielded(producer.task, 0, 1, b"\0one", (mine,))
    ]
    producer.hear(tasks.HoldReleased(producer.task, 2))
    assert mine in producer.role.references.entries
    producer.hear(tasks.HoldReleased(producer.task, 1))
    assert mine not in producer.role.references.entries


def test_a_producer_may_be_so_many_items_ahead() -> None:
    producer = Producer(backpressure=2)
    assert [producer.has_room(made) for made in (0, 1, 2)] == [True, True, False]
    effects = producer.hear(tasks.ItemsTaken(producer.task, 0, 1))
    assert effects.commands == [fx.WakeProducer(producer.task)]
    assert [producer.has_room(made) for made in (2, 3)] == [True, False]
    producer.handle(ev.TaskEnded(producer.task, tasks.OK, (NONE,), 1.0, 1.0, items=3))
    assert producer.role.execution.taken == {}
    assert producer.hear(tasks.ItemsTaken(producer.task, 0, 3)).commands == []
    assert producer.role.execution.taken == {}


def test_what_was_taken_before_a_replay_begins_counts() -> None:
    producer = Producer(backpressure=2, begun=False)
    producer.hear(tasks.ItemsTaken(producer.task, 0, 4))
    assert producer.has_room(5)
    producer.hear(tasks.ItemsTaken(producer.task, 0, 3))
    assert producer.has_room(5), "a number taken never falls"
    producer.hear(tasks.ItemsTaken(producer.task, 7, 9))
    assert not producer.has_room(6), "of another attempt"


def test_a_generator_whose_owner_is_dead_is_interrupted() -> None:
    producer = Producer()
    effects = producer.hear(cluster.ProcessLost(PEER, "was killed"), sender=NODE)
    assert effects.commands[-1] == fx.InterruptTask(producer.task, False)
    assert producer.role.execution.is_cancelled(producer.task)


def test_the_answer_tells_how_many_items_there_were() -> None:
    producer = Producer()
    ended = ev.TaskEnded(producer.task, tasks.OK, (NONE,), 1.0, 1.0, items=5)
    [finished] = told(producer.handle(ended), PEER, tasks.TaskFinished)
    assert finished.items == 5
