"""Owner and node: who may use which worker. The node is not on the path of a task.

owner                                   node
  | LeasesWanted(key, wanted, seen)  --> |   absolute, so that repeating it changes nothing
  | <-- LeaseGranted                     |
  | <-- LeaseReclaimed                   |   somebody else waits: give it back when you can
  | LeaseReturned                    --> |   spent: the worker's calls are used up, it shall end
  | LeaseBroken                      --> |   a cancelled task does not listen: kill its worker
  | <-- LeaseElsewhere                   |   ask that node for so many of them
  | <-- DemandInfeasible                 |   no node could ever run it

worker                                  node
  | WorkerReady                      --> |
  | WorkerBlocked, WorkerUnblocked   --> |   in get: its CPU is free meanwhile
  | <-- WorkerRetired                    |   idle too long: end yourself, once nobody needs what you own
"""

from __future__ import annotations

from gnomon._messages.base import Message
from gnomon._messages.session import NO_JOB
from gnomon.ids import JobID, LeaseID, TaskID, WorkerID


class LeasesWanted(Message, frozen=True, tag=20):
    """How many more workers an owner could use for one scheduling class.

    Attributes:
        key: the owner's number for the class (resources).
        wanted: leases wanted beyond the ``seen`` grants that the owner has received so far.
        job: whose workers it needs; a node knows the jobs of its own processes.
        hops: how often the demand has been sent on.
        spread: each lease on another node, if that is possible.
        retriable: what runs there may be run again: it goes first when memory is short.
    """

    key: int
    resources: dict[str, int]
    wanted: int
    seen: int
    job: JobID = NO_JOB
    hops: int = 0
    spread: bool = False
    retriable: bool = True


class LeaseGranted(Message, frozen=True, tag=21):
    """A worker for the owner's own use.

    Attributes:
        gpus: the GPUs that come with it.
    """

    lease: LeaseID
    key: int
    worker: WorkerID
    pid: int
    gpus: tuple[int | str, ...] = ()


class LeaseElsewhere(Message, frozen=True, tag=30):
    """That node has room: ask it for ``count`` of what was asked here, which is no longer wanted here."""

    key: int
    node: WorkerID
    count: int
    hops: int


class LeaseReclaimed(Message, frozen=True, tag=22):
    """Others wait: return this lease at once if it is idle, else after its time slice."""

    lease: LeaseID


class LeaseReturned(Message, frozen=True, tag=23):
    """The owner no longer uses the worker; nothing of his runs there.

    Attributes:
        spent: nobody may use it any more (``max_calls``): it ends once nobody needs what it owns.
    """

    lease: LeaseID
    spent: bool = False


class LeaseBroken(Message, frozen=True, tag=29):
    """The owner's task does not let itself be cancelled: kill the leased worker, if it still runs that one.

    The owner uses the lease no more and returns it when nothing of his is left there.
    """

    lease: LeaseID
    task: TaskID


class DemandInfeasible(Message, frozen=True, tag=24):
    """No node has so much, even when idle."""

    key: int
    asked: dict[str, int]
    has: dict[str, int]


class WorkerReady(Message, frozen=True, tag=25):
    """A forked worker listens."""

    pid: int


class WorkerBlocked(Message, frozen=True, tag=26):
    """The worker's task waits in ``get`` or ``wait``."""


class WorkerUnblocked(Message, frozen=True, tag=27):
    """It runs again."""


class WorkerRetired(Message, frozen=True, tag=28):
    """End yourself: you have been idle too long."""
