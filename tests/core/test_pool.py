"""The node's workers: one job each, a few kept idle per living job, spent and superfluous ones retired."""

import itertools
from typing import Any

from gnomon._core.effects import Effects, KillWorker, StartWorker
from gnomon._core.pool import PoolMachine
from gnomon._messages.leases import WorkerRetired
from gnomon.ids import JobID, WorkerID

ONE, TWO = JobID(b"one."), JobID(b"two.")


class Pool:
    """A pool whose workers are ready as soon as they are started."""

    def __init__(self, keep_idle: int = 1, workers_max: int = 100) -> None:
        numbers = itertools.count()
        self.effects = Effects()
        self.machine = PoolMachine(
            lambda: self.effects, lambda: WorkerID(b"w%07d" % next(numbers)), keep_idle, workers_max
        )
        self.now = 0.0

    def settle(self) -> list[Any]:
        """Let what was started be ready; returns all commands until there are none."""
        done: list[Any] = []
        while self.effects.commands:
            commands, self.effects.commands = self.effects.commands, []
            for command in commands:
                if isinstance(command, StartWorker):
                    self.machine.on_ready(command.worker, 1, self.now)
                elif isinstance(command, KillWorker):
                    self.machine.lose(command.worker)
            done += commands
            self.machine.check()
        return done

    def retired(self) -> list[WorkerID]:
        found = [
            worker
            for worker, messages in self.effects.sends.items()
            if any(isinstance(message, WorkerRetired) for message in messages)
        ]
        self.effects.sends.clear()
        return found

    def pass_time(self, seconds: float) -> list[WorkerID]:
        """Time passes; returns who is retired."""
        self.now += seconds
        self.machine.on_time(self.now)
        self.machine.check()
        return self.retired()


def lease(pool: Pool, job: JobID) -> WorkerID:
    pool.machine.start(1, job)
    pool.settle()
    worker = pool.machine.take_idle(job)
    assert worker is not None
    return worker


def test_a_worker_serves_its_own_job_alone() -> None:
    pool = Pool()
    pool.machine.open_job(ONE)
    pool.settle()
    assert pool.machine.take_idle(TWO) is None
    worker = pool.machine.take_idle(ONE)
    assert worker is not None
    pool.machine.put_back(worker, pool.now)
    assert pool.machine.take_idle(TWO) is None
    assert pool.machine.take_idle(ONE) == worker


def test_each_living_job_keeps_its_idle_workers() -> None:
    pool = Pool(keep_idle=2)
    for job in (ONE, TWO):
        pool.machine.open_job(job)
        pool.settle()
    extra = [lease(pool, ONE) for _ in range(4)]
    for worker in extra:
        pool.machine.put_back(worker, pool.now)
    assert not pool.pass_time(0.5)
    assert len(pool.pass_time(1.0)) == 4, "six were idle, two are kept"
    assert {job: len(idle) for job, idle in pool.machine.idle.items()} == {ONE: 2, TWO: 2}
    assert pool.machine.next_wakeup() is None


def test_the_end_of_a_job_ends_what_nobody_has_leased() -> None:
    pool = Pool(keep_idle=2)
    pool.machine.open_job(ONE)
    pool.machine.open_job(TWO)
    pool.settle()
    leased = pool.machine.take_idle(ONE)
    assert leased is not None
    pool.machine.start(3, ONE)
    starting = list(pool.machine.starting)
    pool.effects.commands.clear()
    idle = [worker for worker, _ in pool.machine.idle[ONE]]
    pool.machine.end_job(ONE)
    pool.machine.check()
    assert pool.machine.take_idle(ONE) is None, "one that is being killed is nobody's"
    killed = [command.worker for command in pool.settle()]
    assert sorted(killed) == sorted([*idle, *starting])
    assert leased in pool.machine
    assert len(pool.machine.idle[TWO]) == 2


def test_a_detached_actor_of_an_ended_job_still_gets_workers_and_none_is_kept() -> None:
    pool = Pool(keep_idle=2)
    pool.machine.open_job(ONE)
    pool.settle()
    pool.machine.end_job(ONE)
    pool.settle()
    worker = lease(pool, ONE)
    pool.machine.put_back(worker, pool.now)
    assert pool.machine.next_wakeup() == pool.now + pool.machine.idle_s
    assert pool.pass_time(1.0) == [worker]


def test_a_spent_worker_is_retired_and_not_idle() -> None:
    pool = Pool()
    worker = lease(pool, ONE)
    pool.machine.retire(worker)
    assert pool.retired() == [worker]
    assert pool.machine.take_idle(ONE) is None
    pool.machine.retire(worker)
    assert pool.retired() == [], "once"
    pool.machine.lose(worker)
    pool.machine.check()
    assert worker not in pool.machine


def test_an_idle_worker_of_another_job_makes_room_at_the_limit() -> None:
    pool = Pool(keep_idle=2, workers_max=2)
    pool.machine.open_job(ONE)
    pool.settle()
    pool.machine.start(1, TWO)
    pool.settle()
    assert len(pool.retired()) == 1
    assert pool.machine.take_idle(TWO) is not None
    pool.machine.start(5, TWO)
    pool.settle()
    assert len(pool.machine) <= 2


def test_starting_workers_count_for_their_own_job() -> None:
    pool = Pool(keep_idle=0)
    pool.machine.start(2, ONE)
    pool.machine.start(2, ONE)
    pool.machine.start(1, TWO)
    assert [command.job for command in pool.effects.commands] == [ONE, ONE, TWO]
