"""Several nodes: where leases come from, who hears of whose death, and what a dead node takes with it. Roles only."""

from __future__ import annotations

from node_roles import CPU, DRIVER, HEAD, JOB, Roles, process_of

from gnomon._core import events as ev
from gnomon._core.dispatch import NEAR_BYTES_MIN
from gnomon._core.ledger import TaskState
from gnomon._messages import actors, cluster, leases, objects
from gnomon._messages.actors import ActorSpec
from gnomon._messages.base import Block
from gnomon._messages.failures import read_failure
from gnomon.ids import ActorID, FunctionID, WorkerID, object_id, task_id

TWO = {"CPU": 20_000}
SPECIAL = {"CPU": 10_000, "special": 10_000}
A_SPECIAL = {"special": 10_000}
NOTHING = object_id(task_id(DRIVER, 9_999), 1)


def test_every_node_hears_of_every_other() -> None:
    roles = Roles(TWO, TWO, SPECIAL)
    assert [sorted(node.neighbours.views) for node in roles.nodes] == [
        [process_of(2), process_of(3)],
        [process_of(1), process_of(3)],
        [process_of(1), process_of(2)],
    ]
    assert sorted(roles.watched) == [process_of(2), process_of(3)], "head lives and dies with the first"


def test_a_single_node_hears_and_tells_nothing_of_others() -> None:
    roles = Roles(TWO)
    roles.submit(5)
    assert not roles.sent(cluster.NodeLoad)
    assert not roles.sent(cluster.NodesSeen)
    assert not roles.sent(leases.LeaseElsewhere)
    assert not roles.sent(cluster.ProcessWatched, HEAD)


def test_a_task_goes_to_the_node_that_has_what_it_asks_for() -> None:
    roles = Roles(TWO, SPECIAL)
    roles.submit(1, A_SPECIAL)
    assert (roles.at(roles.nodes[0]), roles.at(roles.nodes[1])) == (0, 1)
    assert roles.nodes[1].pool.jobs[next(iter(roles.nodes[1].pool.leased))] == JOB


def test_what_no_node_has_is_infeasible_and_the_error_says_the_most_that_one_has() -> None:
    roles = Roles(TWO, SPECIAL)
    (task,) = roles.submit(1, {"CPU": 10_000, "special": 20_000})
    value = roles.driver.references.values[object_id(task, 1)]
    assert isinstance(value, bytes)
    name, fields = read_failure(value)
    assert name == "InfeasibleError"
    assert fields["has"] == {"CPU": 20_000, "special": 10_000}


def test_where_nodes_may_be_added_what_none_has_waits_for_one_that_has() -> None:
    roles = Roles(TWO, CPU, grows=True)
    tasks = roles.submit(3, A_SPECIAL)
    assert not any(object_id(task, 1) in roles.driver.references.values for task in tasks)
    assert not roles.sent(leases.DemandInfeasible)
    roles.submit(2)
    assert sum(map(roles.at, roles.nodes)) == 2, "others are served meanwhile"
    third = roles.join({"CPU": 20_000, "special": 20_000})
    roles.run()
    assert roles.at(third) == 2
    assert not roles.nodes[0].leases.queue


def test_what_waits_for_a_node_makes_nobody_give_leases_back() -> None:
    roles = Roles(TWO, grows=True)
    roles.submit(2)
    roles.submit(1, A_SPECIAL)
    assert not roles.sent(leases.LeaseReclaimed)


def test_when_the_only_node_with_a_resource_dies_tasks_and_actors_wait_for_another() -> None:
    roles = Roles(TWO, {"CPU": 20_000, "special": 20_000}, grows=True)
    (task,) = roles.submit(1, A_SPECIAL)
    roles.post(HEAD, ev.Received(DRIVER, [actors.ActorRegistered(spec(1, {"special": 1}))]))
    roles.run()
    roles.kill(roles.nodes[1])
    (record,) = roles.head.actors.records.values()
    assert record.state == actors.RESTARTING
    assert object_id(task, 1) not in roles.driver.references.values
    third = roles.join({"CPU": 20_000, "special": 20_000})
    roles.run()
    assert roles.at(third) == 1
    assert roles.head.actors.nodes[record.spec.actor] == third.me
    assert roles.sent(actors.ActorAssigned)[-1].incarnation == 1


def test_an_actor_that_waits_for_a_node_can_be_killed() -> None:
    roles = Roles(TWO, grows=True)
    wanted = spec(1, A_SPECIAL)
    roles.post(HEAD, ev.Received(DRIVER, [actors.ActorRegistered(wanted)]))
    roles.run()
    roles.post(HEAD, ev.Received(DRIVER, [actors.ActorKilled(wanted.actor, True)]))
    roles.run()
    (record,) = roles.head.actors.records.values()
    assert record.state == actors.DEAD
    roles.join(SPECIAL)
    roles.run()
    assert not roles.sent(actors.ActorWorkerWanted)


def test_work_is_packed_on_its_node_until_that_is_half_used_and_then_spread() -> None:
    roles = Roles({"CPU": 40_000}, {"CPU": 40_000})
    roles.submit(2)
    assert (roles.at(roles.nodes[0]), roles.at(roles.nodes[1])) == (2, 0)
    roles.submit(2)
    assert (roles.at(roles.nodes[0]), roles.at(roles.nodes[1])) == (2, 2)
    roles.submit(10)
    assert (roles.at(roles.nodes[0]), roles.at(roles.nodes[1])) == (4, 4)


def test_spread_takes_one_of_each_node_in_turn() -> None:
    roles = Roles({"CPU": 40_000}, {"CPU": 40_000}, {"CPU": 40_000})
    roles.submit(3, spread=True)
    assert [roles.at(node) for node in roles.nodes] == [1, 1, 1]


def test_a_demand_that_waits_goes_on_when_another_node_has_room_again() -> None:
    roles = Roles(CPU, CPU)
    roles.submit(3)
    assert [roles.at(node) for node in roles.nodes] == [1, 1]
    roles.join(CPU)
    roles.run()
    assert [roles.at(node) for node in roles.nodes] == [1, 1, 1]


def test_a_demand_is_sent_on_a_bounded_number_of_times() -> None:
    """LR10: every node believes the next one to be free."""
    roles = Roles(CPU, CPU)
    first, second = roles.nodes
    roles.submit(2)
    before = len(roles.sent(leases.LeaseElsewhere))
    for node in (first, second):
        for view in node.neighbours.views.values():
            view.available = {"CPU": 1_000_000}
    roles.submit(1)
    assert len(roles.sent(leases.LeaseElsewhere)) - before <= 4


def test_when_nothing_is_wanted_any_more_every_node_hears_it() -> None:
    roles = Roles(CPU, CPU)
    tasks = roles.submit(8)
    for task in tasks:
        roles.post(DRIVER, ev.CancelAsked(task, False, False))
    roles.run()
    dispatch = roles.driver.tasks.dispatch
    assert all(one.wanted == 0 for one in dispatch.classes.values())
    for node in roles.nodes:
        assert not [demand for demand in node.leases.queue if demand.outstanding]


def test_a_death_is_told_across_nodes() -> None:
    roles = Roles(TWO, TWO)
    first, second = roles.nodes
    (theirs,) = list(second.pool.pids)
    assert roles.watch(DRIVER, first, theirs) == []
    lost = cluster.ProcessLost(theirs, "was killed", node=second.me)
    roles.post(second.me, ev.WorkerExited(theirs, "was killed"))
    roles.run()
    assert lost in roles.sent(cluster.ProcessLost, DRIVER)
    assert roles.watch(DRIVER, first, theirs) == [lost], "and to who comes late"


def test_who_asks_for_a_process_of_no_node_is_told_so() -> None:
    roles = Roles(TWO, TWO)
    stranger = WorkerID(b"xx.00001")
    assert roles.watch(DRIVER, roles.nodes[0], stranger) == [
        cluster.ProcessLost(stranger, "is not part of this session")
    ]


def test_a_watch_may_be_faster_than_the_news_of_the_node() -> None:
    roles = Roles(TWO, TWO)
    first = roles.nodes[0]
    third = WorkerID(b"n3.00000")
    roles.join(TWO)
    roles.run(1)
    assert third[:3] in [view[:3] for view in roles.head.nodes]
    assert process_of(3) not in first.neighbours.views
    roles.post(first.me, ev.Received(DRIVER, [cluster.ProcessWatched(third)]))
    roles.run()
    roles.post(process_of(3), ev.WorkerExited(third, "was killed"))
    roles.run()
    assert [lost.reason for lost in roles.sent(cluster.ProcessLost, DRIVER)][-1:] == ["was killed"]


def test_a_dead_node_takes_its_processes_with_it_and_tasks_are_retried_elsewhere() -> None:
    roles = Roles(CPU, {"CPU": 20_000})
    first, second = roles.nodes
    (task, *_) = roles.submit(3, max_retries=1)
    assert [roles.at(node) for node in roles.nodes] == [1, 2]
    roles.kill(second)
    assert list(first.neighbours.views) == []
    assert roles.at(second) == 0
    records = roles.driver.tasks.records
    assert len(records) == 3, "the two that may have begun have a retry"
    assert sorted(record.attempt for record in records.values()) == [0, 1, 1]
    assert roles.head.membership.reports_of_dead()[0].node == second.node


def test_a_task_that_may_have_begun_on_a_dead_node_is_not_repeated_without_a_retry_left() -> None:
    roles = Roles({"CPU": 0}, CPU)
    (task,) = roles.submit(1, max_retries=0)
    roles.kill(roles.nodes[1])
    value = roles.driver.references.values[object_id(task, 1)]
    assert isinstance(value, bytes)
    name, fields = read_failure(value)
    assert name == "WorkerCrashedError"
    assert "node that died" in fields["reason"]


def test_what_a_dead_node_had_leased_elsewhere_comes_back() -> None:
    """An owner on the dead node has a worker of the first one."""
    roles = Roles(CPU, CPU)
    first, second = roles.nodes
    owner = next(iter(second.pool.pids))
    roles.post(first.me, ev.Received(owner, [leases.LeasesWanted(0, CPU, 1, 0, JOB)]))
    roles.run()
    assert first.account.available == {"CPU": 0}
    roles.kill(second)
    roles.now += 1.0
    roles.run()
    assert first.account.available == CPU


def test_jobs_are_known_on_all_nodes_and_end_on_all() -> None:
    roles = Roles(CPU, CPU)
    third = roles.join(CPU)
    roles.run()
    for node in roles.nodes[1:]:
        assert list(node.jobs.elsewhere) == [DRIVER]
        assert set(node.pool.jobs.values()) == {JOB}
    roles.post(process_of(1), ev.Received(DRIVER, [cluster.DriverLeaving(1)]))
    roles.run()
    assert not third.jobs.elsewhere
    assert all(not node.pool.jobs for node in roles.nodes)


def spec(number: int, resources: dict[str, int]) -> ActorSpec:
    actor = ActorID(task_id(DRIVER, 1_000 + number))
    return ActorSpec(
        actor, DRIVER, "A", FunctionID(b"a" * 8), b"", b"", (), b"", resources, {}, 1, 0, False, "", "", False, None, {}, JOB,
    )  # fmt: skip


def test_an_actor_lives_where_its_resources_are_and_restarts_elsewhere() -> None:
    roles = Roles(CPU, SPECIAL, SPECIAL)
    roles.post(HEAD, ev.Received(DRIVER, [actors.ActorRegistered(spec(1, A_SPECIAL))]))
    roles.run()
    record = next(iter(roles.head.actors.records.values()))
    home = roles.head.actors.nodes[record.spec.actor]
    assert home in (process_of(2), process_of(3))
    roles.kill(next(node for node in roles.nodes if node.me == home))
    (assigned, again) = roles.sent(actors.ActorAssigned)
    assert (assigned.incarnation, again.incarnation) == (0, 1)
    assert roles.head.actors.nodes[record.spec.actor] not in (home, process_of(1))


def test_an_actor_that_waits_for_room_moves_to_where_some_is() -> None:
    roles = Roles(CPU, CPU)
    roles.submit(2)
    roles.post(HEAD, ev.Received(DRIVER, [actors.ActorRegistered(spec(1, CPU))]))
    roles.run()
    assert not roles.sent(actors.ActorAssigned)
    roles.join({"CPU": 20_000})
    roles.run()
    assert len(roles.sent(actors.ActorAssigned)) == 1
    assert list(roles.head.actors.nodes.values()) == [process_of(3)]


def test_a_node_that_leaves_gives_out_nothing_more_and_ends_when_it_is_idle() -> None:
    roles = Roles(CPU, TWO)
    first, second = roles.nodes
    tasks = roles.submit(3)
    assert [roles.at(node) for node in roles.nodes] == [1, 2]
    roles.post(second.me, ev.DrainAsked())
    roles.run(5)
    roles.submit(4)
    assert roles.at(second) <= 2
    assert not roles.ended, "tasks run there"
    for task in tasks:
        roles.post(DRIVER, ev.CancelAsked(task, True, False))
    roles.now += 10.0
    roles.run()
    assert roles.ended == [second.me]
    states = [record.row.state for record in roles.driver.tasks.records.values()]
    assert TaskState.READY in states or TaskState.RUNNING in states


def test_a_task_goes_where_most_of_its_arguments_are() -> None:
    """For large arguments only."""
    roles = Roles({"CPU": 40_000}, {"CPU": 40_000})
    second = roles.nodes[1]
    large, small = (roles.put(Block(second.me, 0, size, NOTHING)) for size in (NEAR_BYTES_MIN, 1_000))
    roles.submit(1, dependencies=(small,))
    assert [roles.at(node) for node in roles.nodes] == [1, 0]
    roles.submit(2, dependencies=(large, small))
    assert [roles.at(node) for node in roles.nodes] == [1, 2]
    roles.kill(second)
    assert roles.at(roles.nodes[0]) == 3, "what ran there runs here again"


def test_a_process_that_is_known_to_be_dead_is_watched_no_more() -> None:
    roles = Roles(CPU, CPU)
    first, second = roles.nodes
    gone = WorkerID(second.me[:3] + b"gone!")
    roles.watch(DRIVER, first, gone)
    assert gone in first.dead
    room = objects.BlockAsked(0, 1_000, gone, object_id(task_id(gone, 1), 1))
    roles.post(first.me, ev.Received(DRIVER, [room]))
    roles.run()
    assert gone not in first.neighbours.watched
    roles.kill(second)
    first.check()


def test_a_silent_node_is_killed_and_one_that_is_heard_is_not() -> None:
    roles = Roles(CPU, patience_s=5.0)
    silent, heard = roles.join(CPU), roles.join(CPU)
    heard.neighbours.heartbeat_s = 1.0
    roles.run(40)
    assert not roles.killed
    roles.run(100)
    assert roles.killed[0] == silent.me
    assert heard.me not in roles.killed


def test_a_head_that_has_stood_still_blames_nobody() -> None:
    roles = Roles(CPU, patience_s=5.0)
    roles.join(CPU)
    roles.run(20)
    roles.now += 60.0
    roles.run(20)
    assert not roles.killed
