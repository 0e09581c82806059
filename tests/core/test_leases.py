"""Leases: GPU ids with the grant, workers of the owner's job, spent workers, and what fits together."""

from __future__ import annotations

from typing import Any

from gnomon._core.account import ResourceAccount
from gnomon._core.devices import DeviceBook
from gnomon._core.effects import Effects
from gnomon._core.leases import LeaseMachine
from gnomon._messages.actors import ActorWorkerGranted, ActorWorkerWanted
from gnomon._messages.leases import DemandInfeasible, LeaseGranted, LeasesWanted
from gnomon.ids import ActorID, JobID, WorkerID

HEAD, OWNER, OTHER = WorkerID(b"head...."), WorkerID(b"owner..."), WorkerID(b"other...")
ONE, TWO = JobID(b"one."), JobID(b"two.")
GPU = 10_000


class Leases:
    """A lease machine with as many idle workers as one likes."""

    def __init__(self, cpus: float = 4, gpus: float = 2, ids: tuple[Any, ...] = ()) -> None:
        self.effects = Effects()
        account = ResourceAccount({"CPU": round(cpus * 10_000), "GPU": round(gpus * GPU), "memory": 100})
        devices = DeviceBook(round(gpus * GPU), ids)
        self.machine = LeaseMachine(
            lambda: self.effects, account, devices, lambda owner: ONE if owner == OWNER else TWO
        )
        self.workers = 0

    def want(self, resources: dict[str, int], count: int = 1, owner: WorkerID = OWNER, key: int = 0) -> None:
        self.machine.on_wanted(owner, LeasesWanted(key, resources, count, 0))

    def grant(self) -> list[Any]:
        """Place and assign all that can be; returns the grants."""
        self.machine.place()
        for lease in list(self.machine.placed):
            self.workers += 1
            self.machine.assign(lease, WorkerID(b"w%07d" % self.workers), self.workers)
        self.machine.check()
        sends, self.effects.sends = self.effects.sends, {}
        return [message for messages in sends.values() for message in messages]


def test_the_grant_tells_the_gpus() -> None:
    leases = Leases(ids=("GPU-a", "GPU-b"))
    leases.want({"CPU": 10_000, "GPU": GPU}, 2)
    grants = leases.grant()
    assert [grant.gpus for grant in grants] == [("GPU-a",), ("GPU-b",)]
    leases.machine.on_returned(OWNER, grants[0].lease)
    leases.want({"GPU": GPU // 2}, 2, OTHER)
    assert [grant.gpus for grant in leases.grant()] == [("GPU-a",), ("GPU-a",)]


def test_a_lease_without_gpus_has_none() -> None:
    leases = Leases()
    leases.want({"CPU": 10_000})
    (grant,) = leases.grant()
    assert isinstance(grant, LeaseGranted)
    assert grant.gpus == ()


def test_a_whole_gpu_waits_until_one_is_free_of_parts() -> None:
    leases = Leases()
    leases.want({"GPU": 6_000}, 2)
    first, second = leases.grant()
    leases.want({"GPU": 8_000}, 1, OTHER)
    assert leases.grant() == [], "8,000 units are free, but not of one GPU"
    leases.machine.on_returned(OWNER, second.lease)
    (grant,) = leases.grant()
    assert grant.gpus == second.gpus != first.gpus


def test_a_dead_worker_gives_its_gpu_back_once() -> None:
    leases = Leases(gpus=1)
    leases.want({"GPU": GPU})
    (grant,) = leases.grant()
    leases.machine.block(grant.worker)
    leases.machine.check()
    assert leases.machine.lose_worker(grant.worker) == OWNER
    assert leases.machine.lose_worker(grant.worker) is None
    leases.machine.check()
    assert leases.machine.devices.free == [GPU]


def test_a_withdrawn_demand_gives_the_gpu_of_its_placed_lease_back() -> None:
    leases = Leases(gpus=1)
    leases.want({"GPU": GPU})
    leases.machine.place()
    leases.machine.check()
    leases.want({"GPU": GPU}, 0)
    leases.machine.check()
    assert leases.machine.devices.free == [GPU]


def test_more_gpus_than_there_are_is_infeasible() -> None:
    leases = Leases()
    leases.want({"GPU": 3 * GPU})
    (answer,) = leases.grant()
    assert isinstance(answer, DemandInfeasible)
    assert answer.asked == {"GPU": 3 * GPU}
    leases.want({"GPU": GPU + 1})
    assert isinstance(leases.grant()[0], DemandInfeasible)


def test_actors_get_gpus_and_workers_of_their_job() -> None:
    leases = Leases(ids=("a", "b"))
    actor = ActorID(OTHER + b"-creates")
    leases.machine.on_actor_wanted(HEAD, ActorWorkerWanted(actor, 0, {"GPU": GPU}, {}, ONE))
    leases.machine.place()
    assert leases.machine.placed[0].demand.job == ONE
    (grant,) = leases.grant()
    assert isinstance(grant, ActorWorkerGranted)
    assert grant.gpus == ("a",)


def test_demands_are_of_their_owners_job() -> None:
    leases = Leases()
    leases.want({"CPU": 10_000})
    leases.want({"CPU": 10_000}, 1, OTHER)
    leases.machine.place()
    assert [lease.demand.job for lease in leases.machine.placed] == [ONE, TWO]


def test_ten_tenths_of_a_cpu_are_one() -> None:
    leases = Leases(cpus=1)
    leases.want({"CPU": 1_000}, 20)
    assert len(leases.grant()) == 10
    assert leases.machine.account.available["CPU"] == 0


def test_memory_is_admission_and_no_more() -> None:
    leases = Leases()
    leases.want({"memory": 60}, 2)
    (grant,) = leases.grant()
    assert leases.grant() == []
    leases.machine.on_returned(OWNER, grant.lease)
    assert len(leases.grant()) == 1
