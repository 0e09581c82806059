"""Actors as head sees them: births, ends and names."""

from __future__ import annotations

import pytest
from actor_roles import (
    ACTOR,
    END,
    HEAD,
    HOST,
    ME,
    NEXT,
    NODE,
    NODE_ID,
    OTHER,
    THEIRS,
    lost,
    new_head,
    new_worker,
    over,
    received,
    spec,
    told,
)

from gnomon._core import events as ev
from gnomon._core.effects import Effects
from gnomon._core.head import Head
from gnomon._messages import actors, cluster
from gnomon.ids import ActorID, WorkerID, task_id

REASON = "(pid 12) ended with exit code 3"


def states(effects: Effects, target: WorkerID = ME) -> list[tuple[str, int]]:
    return [(change.state, change.incarnation) for change in told(effects, target, actors.ActorChanged)]


def register(head: Head, actor: ActorID = ACTOR, request: int = 0, **changes: object) -> Effects:
    made = spec(actor, **changes)
    return head.handle([received(made.owner, actors.ActorRegistered(made, request))], 1.0)


def granted(head: Head, worker: WorkerID = HOST, incarnation: int = 0) -> Effects:
    grant = actors.ActorWorkerGranted(ACTOR, incarnation, worker, 12)
    return head.handle([received(NODE, grant)], 1.1)


def born(head: Head, worker: WorkerID = HOST, incarnation: int = 0) -> Effects:
    granted(head, worker, incarnation)
    return head.handle([received(worker, actors.ActorBorn(ACTOR, incarnation))], 1.2)


def died(head: Head, worker: WorkerID = HOST) -> Effects:
    return head.handle([received(NODE, cluster.ProcessDied(worker, REASON, END))], 2.0)


def living(**changes: object) -> Head:
    head = new_head()
    register(head, **changes)
    assert states(born(head)) == [(actors.ALIVE, 0)]
    return head


def test_a_death_tells_how_its_process_ended() -> None:
    head = living()
    [change] = told(died(head), ME, actors.ActorChanged)
    assert change == over(cause=f"its process {REASON}")
    effects = head.handle([received(OTHER, actors.ActorSubscribed(ACTOR))], 3.0)
    assert told(effects, OTHER, actors.ActorChanged) == [change], "who asks later hears the same"


def test_a_restart_tells_it_too_and_the_next_life_begins_without_it() -> None:
    head = living(max_restarts=1)
    [change] = told(died(head), ME, actors.ActorChanged)
    assert (change.state, change.end) == (actors.RESTARTING, END)
    [change] = told(born(head, NEXT, 1), ME, actors.ActorChanged)
    assert (change.state, change.incarnation, change.end) == (actors.ALIVE, 1, None)
    [change] = told(died(head, NEXT), ME, actors.ActorChanged)
    assert (change.state, change.incarnation) == (actors.DEAD, 1)
    head.check()


def test_an_intended_end_is_no_reason_to_restart() -> None:
    head = living(max_restarts=-1)
    effects = head.handle([received(HOST, actors.ActorLeaving(ACTOR, 0, "it called exit_actor()"))], 2.0)
    [change] = told(effects, ME, actors.ActorChanged)
    assert (change.state, change.cause, change.end) == (actors.DEAD, "it called exit_actor()", None)
    assert states(died(head)) == []


def test_an_actor_may_leave_in_its_constructor() -> None:
    head = new_head()
    register(head, max_restarts=3)
    granted(head)
    effects = head.handle([received(HOST, actors.ActorLeaving(ACTOR, 0, "enough"))], 2.0)
    assert states(effects) == [(actors.DEAD, 0)]


@pytest.mark.parametrize("no_restart", [True, False])
def test_kill_without_restarts_left_ends_it_and_twice_is_as_once(no_restart: bool) -> None:
    head = living()
    effects = head.handle([received(ME, actors.ActorKilled(ACTOR, no_restart))], 2.0)
    assert states(effects) == [(actors.DEAD, 0)]
    assert told(effects, NODE, actors.ActorWorkerUnwanted) == [actors.ActorWorkerUnwanted(ACTOR, 0)]
    effects = head.handle([received(ME, actors.ActorKilled(ACTOR, no_restart))], 2.1)
    assert effects.sends == {}
    head.check()


def test_kill_with_a_restart_left() -> None:
    head = living(max_restarts=1)
    effects = head.handle([received(ME, actors.ActorKilled(ACTOR, False))], 2.0)
    assert states(effects) == [(actors.RESTARTING, 0)]
    assert not told(effects, NODE, actors.ActorWorkerWanted), (
        "the killed process may still live, on a slow node"
    )
    effects = died(head)
    assert states(effects) == [], "the end of the killed process is not the end of the next"
    assert [asked.incarnation for asked in told(effects, NODE, actors.ActorWorkerWanted)] == [1]
    assert states(born(head, NEXT, 1)) == [(actors.ALIVE, 1)]


def test_killed_twice_before_its_process_has_ended_it_is_placed_once() -> None:
    head = living(max_restarts=2)
    for now in (2.0, 2.1):
        effects = head.handle([received(ME, actors.ActorKilled(ACTOR, False))], now)
        assert not told(effects, NODE, actors.ActorWorkerWanted)
    assert [asked.incarnation for asked in told(died(head), NODE, actors.ActorWorkerWanted)] == [2]
    head.check()


def test_a_constructor_that_raises_when_it_is_restarted() -> None:
    head = living(max_restarts=5)
    died(head)
    granted(head, NEXT, 1)
    effects = head.handle(
        [received(NEXT, actors.ActorStillborn(ACTOR, 1, b"\1error", "ValueError: no"))], 3.0
    )
    [change] = told(effects, ME, actors.ActorChanged)
    assert (change.state, change.error) == (actors.DEAD, b"\1error")
    assert change.cause == "its constructor raised ValueError: no"


def test_a_name_is_free_as_soon_as_its_actor_is_killed() -> None:
    head = new_head()
    register(head, request=1, name="ann")
    again = actors.ActorRegistered(spec(THEIRS, name="ann"), 2)
    effects = head.handle([received(ME, actors.ActorKilled(ACTOR, True), again)], 2.0)
    assert told(effects, ME, actors.ActorAdmitted) == [actors.ActorAdmitted(2, False)]
    head.check()


def test_a_name_is_free_as_soon_as_nobody_needs_its_actor() -> None:
    head = living(name="ann")
    head.handle([received(ME, actors.ActorUnneeded(ACTOR))], 2.0)
    assert head.actors.records[ACTOR].state == actors.ALIVE, "it ends after its last calls"
    effects = head.handle([received(ME, actors.ActorNameAsked(1, "ann", ""))], 2.1)
    assert told(effects, ME, actors.ActorNameAnswered)[0].actor is None
    other = ActorID(task_id(OTHER, 77))
    effects = register(head, other, request=5, name="ann")
    assert told(effects, ME, actors.ActorAdmitted) == [actors.ActorAdmitted(5, False)]
    died(head)
    assert list(head.actors.names.values()) == [other]
    head.check()


def test_of_two_who_create_at_once_one_gets_the_name() -> None:
    head = new_head()
    mine = actors.ActorRegistered(spec(ACTOR, name="ann"), 1)
    theirs = actors.ActorRegistered(spec(THEIRS, name="ann", owner=OTHER), 1)
    effects = head.handle([received(ME, mine), received(OTHER, theirs)], 2.0)
    assert told(effects, ME, actors.ActorAdmitted) == [actors.ActorAdmitted(1, False)]
    assert told(effects, OTHER, actors.ActorAdmitted) == [actors.ActorAdmitted(1, True)]
    asked = actors.ActorNameAsked(7, "ann", "")
    effects = head.handle([received(OTHER, asked)], 2.1)
    assert [answer.actor for answer in told(effects, OTHER, actors.ActorNameAnswered)] == [ACTOR]


def test_of_actors_that_died_long_ago_it_is_known_that_they_are_dead() -> None:
    head = new_head()
    head.actors.dead_max = 3
    for number in range(10):
        actor = ActorID(task_id(ME, 10 + number))
        register(head, actor)
        head.handle([received(ME, actors.ActorKilled(actor, True))], 2.0)
    assert len(head.actors.records) == 3
    effects = head.handle([received(OTHER, actors.ActorSubscribed(ActorID(task_id(ME, 10))))], 3.0)
    assert states(effects, OTHER) == [(actors.DEAD, 0)]


def test_a_detached_actor_survives_its_owner() -> None:
    head = living(detached=True, name="ann")
    effects = head.handle([received(NODE, cluster.ProcessDied(ME, REASON))], 2.0)
    assert effects.sends.get(NODE) is None
    assert head.actors.records[ACTOR].state == actors.ALIVE


def test_the_node_tells_watchers_and_head_how_a_worker_ended() -> None:
    from gnomon._core.arena_allocator import ArenaAllocator
    from gnomon._core.links import LinkMachine
    from gnomon._core.node import Node

    ids = iter(WorkerID(b"w%07d" % number) for number in range(100))
    node = Node(
        NODE, NODE_ID, HEAD, ME, {"CPU": 20_000}, ArenaAllocator(1 << 20), LinkMachine(NODE), lambda: next(ids),
        keep_idle=1, workers_max=10,
    )  # fmt: skip
    effects = node.handle([], 1.0)
    [start] = effects.commands
    worker = start.worker  # type: ignore[attr-defined]
    node.handle([received(ME, cluster.ProcessWatched(worker))], 1.1)
    effects = node.handle([ev.WorkerExited(worker, REASON, None, END)], 1.2)
    assert told(effects, ME, cluster.ProcessLost) == [lost(worker)]
    assert told(effects, HEAD, cluster.ProcessDied) == [cluster.ProcessDied(worker, REASON, END)]
    effects = node.handle([received(OTHER, cluster.ProcessWatched(worker))], 1.3)
    assert told(effects, OTHER, cluster.ProcessLost) == [lost(worker)]


def test_a_worker_whose_constructor_exits_tells_head_that_it_leaves() -> None:
    worker = new_worker(HOST)
    worker.handle([received(HEAD, actors.ActorAssigned(spec(), 0))], 1.0)
    effects = worker.handle([ev.ActorEnding("it called exit_actor()")], 1.1)
    assert told(effects, HEAD, actors.ActorLeaving)
    assert not told(effects, HEAD, actors.ActorBorn)
