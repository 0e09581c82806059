"""Jobs at the node: drivers that join, leave and die, what goes with them, and what stays."""

from __future__ import annotations

from typing import Any

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.arena_allocator import ArenaAllocator
from gnomon._core.effects import Effects
from gnomon._core.head import Head
from gnomon._core.links import LinkMachine
from gnomon._core.node import Node
from gnomon._messages import actors, cluster, leases, objects
from gnomon._messages.session import NOBODY, JobSpec
from gnomon.ids import ActorID, JobID, NodeID, WorkerID, object_id, task_id

NODE, HEAD = WorkerID(b"node...."), WorkerID(b"head....")
A, B, LOOKER = WorkerID(b"driver-a"), WorkerID(b"driver-b"), WorkerID(b"looker..")
THEIRS = object_id(task_id(A, 1), 1)
ONE, TWO = JobID(b"\1\0\0\0"), JobID(b"\2\0\0\0")
CPU = {"CPU": 10_000}


class NodeUnderTest:
    """A node of a cluster that no driver has started; what it starts is ready at once, what it kills ends."""

    def __init__(self, driver: WorkerID = NOBODY) -> None:
        numbers = iter(range(1_000))
        self.node = Node(
            NODE, NodeID(b"thenode."), HEAD, driver, {"CPU": 40_000}, ArenaAllocator(1 << 20), LinkMachine(NODE),
            lambda: WorkerID(b"w%07d" % next(numbers)), keep_idle=1, workers_max=50,
        )  # fmt: skip
        self.now = 1.0
        self.started: dict[WorkerID, JobID] = {}
        self.killed: list[WorkerID] = []
        self.commands: list[Any] = []

    def hear(self, *events: Any) -> dict[WorkerID, list[Any]]:
        """Give events; returns all that is sent until nothing happens any more."""
        sent: dict[WorkerID, list[Any]] = {}
        waiting = list(events)
        while True:
            effects: Effects = self.node.handle(waiting, self.now)
            self.node.check()
            waiting = []
            for target, messages in effects.sends.items():
                sent.setdefault(target, []).extend(messages)
            for command in effects.commands:
                if isinstance(command, fx.StartWorker):
                    self.started[command.worker] = command.job
                    waiting.append(ev.Received(command.worker, [leases.WorkerReady(1)]))
                elif isinstance(command, fx.KillWorker):
                    self.killed.append(command.worker)
                    waiting.append(ev.WorkerExited(command.worker, "was killed by SIGKILL"))
                else:
                    self.commands.append(command)
            if not waiting:
                return sent

    def join(self, driver: WorkerID, job: JobID, hidden: bool = False) -> dict[WorkerID, list[Any]]:
        spec = JobSpec(job, driver, "space", ["/notes"], pid=7, started=9, entrypoint="python", hidden=hidden)
        return self.hear(ev.Received(driver, [cluster.DriverJoined(5, spec)]))

    def lease(self, owner: WorkerID, count: int = 1) -> list[WorkerID]:
        wanted = leases.LeasesWanted(0, CPU, count, 0)
        sent = self.hear(ev.Received(owner, [wanted]))
        grants = [each for each in sent.get(owner, ()) if isinstance(each, leases.LeaseGranted)]
        return [grant.worker for grant in grants]

    def watches(self, watcher: WorkerID, process: WorkerID) -> list[Any]:
        return self.hear(ev.Received(watcher, [cluster.ProcessWatched(process)])).get(watcher, [])


def of(kind: type, messages: list[Any] | None) -> list[Any]:
    return [message for message in messages or () if type(message) is kind]


def test_a_driver_is_admitted_listed_and_gets_workers_of_its_own() -> None:
    test = NodeUnderTest()
    assert not test.hear() or test.started == {}
    sent = test.join(A, ONE)
    assert of(cluster.DriverAdmitted, sent[A]) == [cluster.DriverAdmitted(5)]
    assert of(cluster.JobStarted, sent[HEAD]) == [
        cluster.JobStarted(ONE, 7, "python", "space", test.node.jobs.specs[ONE])
    ]
    assert set(test.started.values()) == {ONE}
    assert test.commands == [fx.WatchDriver(A, 7, 9)]


def test_tasks_of_two_drivers_run_in_different_workers() -> None:
    test = NodeUnderTest()
    test.join(A, ONE)
    test.join(B, TWO)
    mine, theirs = test.lease(A), test.lease(B)
    assert [test.started[worker] for worker in (*mine, *theirs)] == [ONE, TWO]


def test_a_worker_is_of_the_job_of_the_worker_that_leases_it() -> None:
    test = NodeUnderTest()
    test.join(A, ONE)
    test.join(B, TWO)
    (worker,) = test.lease(B)
    (nested,) = test.lease(worker)
    assert test.started[nested] == TWO


def test_the_death_of_a_driver_ends_its_job_and_no_other() -> None:
    test = NodeUnderTest()
    test.join(A, ONE)
    test.join(B, TWO)
    mine = test.lease(A, 2)
    (nested,) = test.lease(mine[0])
    (theirs,) = test.lease(B)
    sent = test.hear(ev.DriverExited(A, "(pid 7) has ended"))
    assert {*mine, nested} <= set(test.killed)
    assert {worker for worker, job in test.started.items() if job == ONE} == set(test.killed)
    assert theirs in test.node.pool
    assert of(cluster.JobEnded, sent[HEAD]) == [cluster.JobEnded(ONE)]
    assert A in {message.process for message in of(cluster.ProcessDied, sent[HEAD])}
    assert test.node.account.available == {"CPU": 30_000}
    assert test.watches(B, A) == [cluster.ProcessLost(A, "(pid 7) has ended")]


def settled(test: NodeUnderTest, worker: WorkerID, owner: WorkerID) -> None:
    test.hear(ev.Received(worker, [objects.WriterSettled(owner)]))


def test_a_worker_that_runs_nothing_for_a_dead_one_lives_on() -> None:
    """It may own what others need: the death of a process that has leased it costs nothing but the lease."""
    test = NodeUnderTest()
    test.join(A, ONE)
    (first,) = test.lease(A)
    (nested,) = test.lease(first)
    sent = test.hear(ev.WorkerExited(first, "was killed by SIGKILL"))
    assert test.killed == []
    lost = cluster.ProcessLost(first, "was killed by SIGKILL")
    assert of(cluster.ProcessLost, sent[nested]) == [lost], "it may never have heard of who has leased it"
    settled(test, nested, first)
    test.now += test.node.orphan_grace_s
    test.hear()
    assert test.killed == []
    assert test.node.account.available == {"CPU": 40_000}
    assert nested in {worker for worker, _ in test.node.pool.idle[ONE]}


def test_a_worker_that_goes_on_for_a_dead_one_is_killed() -> None:
    test = NodeUnderTest()
    test.join(A, ONE)
    (first,) = test.lease(A)
    (nested,) = test.lease(first)
    test.hear(ev.WorkerExited(first, "was killed by SIGKILL"))
    settled(test, nested, WorkerID(b"another."))
    assert test.node.next_wakeup() == test.now + test.node.orphan_grace_s
    test.now += test.node.orphan_grace_s
    test.hear()
    assert test.killed == [nested]
    assert test.node.account.available == {"CPU": 40_000}


def test_whoever_watches_a_driver_hears_of_its_death() -> None:
    test = NodeUnderTest()
    test.join(A, ONE)
    test.join(B, TWO)
    assert test.watches(B, A) == []
    sent = test.hear(ev.DriverExited(A, "(pid 7) has ended"))
    assert of(cluster.ProcessLost, sent[B]) == [cluster.ProcessLost(A, "(pid 7) has ended")]


def test_a_driver_that_leaves_gets_an_answer_and_then_its_link_goes() -> None:
    test = NodeUnderTest()
    test.join(A, ONE)
    workers = test.lease(A)
    sent = test.hear(ev.Received(A, [cluster.DriverLeaving(8)]))
    assert of(cluster.DriverDismissed, sent[A]) == [cluster.DriverDismissed(8)]
    assert set(workers) <= set(test.killed)
    assert A not in test.node.links.dead, "the answer must still get through"
    late = test.hear(ev.Received(A, [leases.LeasesWanted(0, CPU, 1, 0)]))
    assert A not in late, "what it says after its good-bye is not heard"
    due = test.node.next_wakeup()
    assert due is not None
    test.now = due
    test.hear()
    assert A in test.node.links.dead
    assert fx.DropPeer(A) in test.commands
    assert test.hear(ev.DriverExited(A, "(pid 7) has ended")) == {}, "its process ends much later"


def test_a_detached_actor_and_what_it_leases_outlive_the_job() -> None:
    test = NodeUnderTest()
    test.join(A, ONE)
    actor = ActorID(A + b"\0" * 7 + b"\1")
    wanted = actors.ActorWorkerWanted(actor, 0, {}, {}, ONE)
    (granted,) = of(actors.ActorWorkerGranted, test.hear(ev.Received(HEAD, [wanted]))[HEAD])
    (helper,) = test.lease(granted.worker)
    test.hear(ev.DriverExited(A, "(pid 7) has ended"))
    assert granted.worker in test.node.pool
    assert helper in test.node.pool
    more = test.lease(granted.worker, 2)
    assert more
    assert {test.started[worker] for worker in more} == {ONE}
    again = actors.ActorWorkerWanted(actor, 1, {}, {}, ONE)
    (second,) = of(actors.ActorWorkerGranted, test.hear(ev.Received(HEAD, [again]))[HEAD])
    assert test.started[second.worker] == ONE


def test_blocks_of_a_dead_driver_are_asked_of_all_drivers() -> None:
    test = NodeUnderTest()
    test.join(A, ONE)
    test.join(B, TWO)
    test.hear(ev.Received(A, [objects.BlockAsked(1, 100, A, THEIRS)]))
    (reserve,) = [command for command in test.commands if isinstance(command, fx.ReserveBlock)]
    test.hear(ev.BlockReserved(1, A, reserve.offset, False))
    sent = test.hear(ev.DriverExited(A, "(pid 7) has ended"))
    rounds = 0
    while (asked := of(objects.UseAsked, sent.get(B, []))) and asked[0].blocks:
        rounds += 1
        assert asked[0].blocks == ((reserve.offset, THEIRS),)
        assert test.node.blocks.allocator.used_bytes
        for worker in list(test.node.pool.pids):
            test.hear(ev.Received(worker, [objects.UseTold(asked[0].round, ())]))
        sent = test.hear(ev.Received(B, [objects.UseTold(asked[0].round, ())]))
    assert rounds >= 2
    assert test.node.blocks.allocator.used_bytes == 0


def test_views_hear_of_their_own_job_alone() -> None:
    test = NodeUnderTest()
    test.join(A, ONE)
    test.join(B, TWO)
    sent = test.hear(ev.Received(A, [cluster.ObservationWanted(A, True)]))
    told = [target for target, messages in sent.items() if of(cluster.ObservationWanted, messages)]
    assert told
    assert {test.started[target] for target in told if target != HEAD} == {ONE}
    (theirs,) = test.lease(B)
    assert test.started[theirs] == TWO
    for worker in test.lease(B, 3):
        sent = test.hear()
        assert not of(cluster.ObservationWanted, sent.get(worker))


def test_one_who_only_looks_is_not_listed_and_gets_no_workers() -> None:
    test = NodeUnderTest()
    sent = test.join(LOOKER, JobID(b"\0\0\0\0"), hidden=True)
    assert of(cluster.DriverAdmitted, sent[LOOKER])
    assert not of(cluster.JobStarted, sent.get(HEAD))
    assert test.started == {}
    sent = test.hear(ev.Received(LOOKER, [cluster.DriverLeaving(6)]))
    assert not of(cluster.JobEnded, sent.get(HEAD))


def test_the_first_driver_of_a_session_of_its_own_is_a_job_from_the_start() -> None:
    test = NodeUnderTest(driver=A)
    sent = test.hear()
    assert len(of(cluster.JobStarted, sent[HEAD])) == 1
    assert set(test.started.values()) == {test.node.jobs.first}
    (worker,) = test.lease(A)
    assert test.started[worker] == test.node.jobs.first


def test_a_spent_worker_is_retired_when_its_lease_is_returned() -> None:
    test = NodeUnderTest(driver=A)
    test.hear()
    granted = of(leases.LeaseGranted, test.hear(ev.Received(A, [leases.LeasesWanted(0, CPU, 1, 0)]))[A])
    sent = test.hear(ev.Received(A, [leases.LeaseReturned(granted[0].lease, True)]))
    assert of(leases.WorkerRetired, sent[granted[0].worker]) == [leases.WorkerRetired()]
    assert granted[0].worker not in test.lease(A, 3)


def test_ended_jobs_are_forgotten_when_there_are_too_many() -> None:
    test = NodeUnderTest()
    test.node.jobs.ended_max = 3
    for number in range(10):
        driver = WorkerID(b"driver%02d" % number)
        test.join(driver, JobID(number.to_bytes(4, "little")))
        test.hear(ev.DriverExited(driver, "has ended"))
    assert len(test.node.jobs.ended) == 3
    assert len(test.node.jobs.specs) == 3


def test_head_lists_jobs_and_actors() -> None:
    head = Head(HEAD, LinkMachine(HEAD))
    head.handle([ev.Received(NODE, [cluster.NodeJoined(NodeID(b"thenode."), CPU)])], 1.0)
    head.handle([ev.Received(NODE, [cluster.JobStarted(ONE, 7, "python a.py", "space")])], 2.0)
    head.handle([ev.Received(NODE, [cluster.JobStarted(TWO, 8, "python b.py", "other")])], 3.0)
    head.handle([ev.Received(NODE, [cluster.JobEnded(ONE), cluster.JobEnded(ONE)])], 4.0)
    effects = head.handle([ev.Received(B, [cluster.StatusAsked(9, True)])], 5.0)
    (asked,) = effects.sends[NODE]
    report = cluster.NodeReport(NodeID(b"thenode."), NODE, 1, True, CPU, CPU, 0, 0, 0)
    effects = head.handle([ev.Received(NODE, [cluster.NodeStatus(asked.request, report)])], 5.0)
    (answer,) = effects.sends[B]
    assert [(job.job, job.started, job.ended) for job in answer.jobs] == [(ONE, 2.0, 4.0), (TWO, 3.0, 0.0)]
    assert answer.actors == ()
