"""Membership, deaths, jobs and status.

node      NodeJoined --> head
driver    DriverJoined --> node;   node  DriverAdmitted --> driver          (a cluster that lives by itself)
driver    DriverLeaving --> node;  node  DriverDismissed --> driver
node      JobStarted, JobEnded --> head
any       ProcessWatched --> node;   node  ProcessLost --> whoever watches
node      ProcessWatched --> node of that process, or head; the answer is ProcessLost
node      ProcessDied --> head                    (head ends or restarts its actors)
node      NodeLoad --> head;   head  NodesSeen, NodeLost --> nodes           (where there are several)
head      JobStarted, JobEnded, ObservationWanted --> the other nodes
driver    StatusAsked --> head --> node;  NodeStatus --> head;  ClusterStatus --> driver
driver    NodeDelayed --> node --> workers                                  (a fault, made on purpose)
driver    ObservationWanted --> node --> workers; worker  RowsReported --> driver    (while somebody looks)
node, worker  SpansReported --> driver                                   (while somebody looks)
"""

from __future__ import annotations

import msgspec

from gnomon._messages.base import Message
from gnomon._messages.failures import ProcessEnd
from gnomon._messages.session import NOBODY, JobSpec
from gnomon.ids import ActorID, JobID, NodeID, TaskID, WorkerID


class NodeJoined(Message, frozen=True, tag=80):
    """A node serves the cluster.

    Attributes:
        pid, started: its process on this machine, which head watches; 0 for the node that head lives and dies with.
    """

    node: NodeID
    resources: dict[str, int]
    pid: int = 0
    started: int = 0
    labels: dict[str, str] = {}


class NodeLoad(Message, frozen=True, tag=97):
    """Node to head, when it has changed and at most a few times a second: what nobody holds there.

    Attributes:
        leaving: it gives out nothing more, and ends when what runs there has ended.
        waiting: actors that wait there for something to become free.
    """

    available: dict[str, int]
    leaving: bool = False
    waiting: tuple[ActorID, ...] = ()


class NodeSeen(msgspec.Struct, frozen=True, array_like=True):
    """One node as head knows it; resources in units."""

    process: WorkerID
    node: NodeID
    total: dict[str, int]
    available: dict[str, int]
    leaving: bool = False


class NodesSeen(Message, frozen=True, tag=98):
    """Head to nodes: all that live, the receiver among them. Stale by some tenths of a second."""

    nodes: tuple[NodeSeen, ...]


class NodeLost(Message, frozen=True, tag=99):
    """Head to nodes: a node is dead, and so are all processes whose ids begin with its tag."""

    process: WorkerID
    reason: str


class ProcessWatched(Message, frozen=True, tag=81):
    """Tell me when that process dies."""

    process: WorkerID


class ProcessLost(Message, frozen=True, tag=82):
    """A process has died.

    Attributes:
        reason: exit code or signal in words.
        last_started: the task it had begun last; those pushed after that one have not run.
        end: None for a process of which the node knows nothing.
        with_node: its node has died too, so that nobody knows what it had begun.
        node: on which it lived, where there are several: WriterSettled is to be told there too.
    """

    process: WorkerID
    reason: str
    last_started: TaskID | None = None
    end: ProcessEnd | None = None
    with_node: bool = False
    node: WorkerID = NOBODY


class ProcessDied(Message, frozen=True, tag=83):
    """Node to head: likewise."""

    process: WorkerID
    reason: str
    end: ProcessEnd | None = None


class NodeDelayed(Message, frozen=True, tag=100):
    """Driver to node, node to its workers: be late in all that goes to other nodes and comes from there.

    Attributes:
        by_s: how late.
        for_s: for so long from now on.
    """

    by_s: float
    for_s: float


class StatusAsked(Message, frozen=True, tag=84):
    """What is there, what is free?

    Attributes:
        detail: jobs and actors too; asked of head alone.
    """

    request: int
    detail: bool = False


class NodeReport(msgspec.Struct, frozen=True, array_like=True):
    """One node's state; resources in units, sizes in bytes.

    Attributes:
        nodes_known: living nodes that it has heard of, itself among them.
        store_spilled: of values that are only on disk.
        processes: of its workers, the first ones: (id, pid, 0 starting, 1 idle or 2 leased).
        received: bytes copied from each other node so far.
        memory: of its processes, shared memory aside; 0 when it is not known.
        blocked: workers whose task waits in ``get``; they hold no CPU.
    """

    node: NodeID
    process: WorkerID
    pid: int
    alive: bool
    resources: dict[str, int]
    available: dict[str, int]
    workers: int
    store_used: int
    store_capacity: int
    labels: dict[str, str] = {}
    nodes_known: int = 1
    store_spilled: int = 0
    processes: tuple[tuple[WorkerID, int, int], ...] = ()
    received: dict[WorkerID, int] = {}
    memory: int = 0
    blocked: int = 0


class NodeStatus(Message, frozen=True, tag=85):
    """Node's answer; or, with request 0, unasked for whoever observes."""

    request: int
    report: NodeReport


class JobReport(msgspec.Struct, frozen=True, array_like=True):
    """One job; times in seconds on the machine's monotonic clock, ``ended`` is 0 while it runs."""

    job: JobID
    pid: int
    entrypoint: str
    namespace: str
    started: float
    ended: float


class ActorReport(msgspec.Struct, frozen=True, array_like=True):
    """One actor that is not dead.

    Attributes:
        pid: of its process; 0 while it has none.
        resources: what it holds, or waits for while it is not alive, in units.
        node: where it runs, an id in hex.
    """

    actor: ActorID
    job: JobID
    class_name: str
    name: str
    namespace: str
    state: str
    pid: int
    detached: bool
    resources: dict[str, int]
    node: str = ""


class ClusterStatus(Message, frozen=True, tag=86):
    """Head's answer; jobs and actors only when asked for."""

    request: int
    nodes: tuple[NodeReport, ...]
    jobs: tuple[JobReport, ...] = ()
    actors: tuple[ActorReport, ...] = ()


class DriverJoined(Message, frozen=True, tag=91):
    """A driver joins the cluster: its workers are to be such as ``job`` says."""

    request: int
    job: JobSpec


class DriverAdmitted(Message, frozen=True, tag=92):
    """It may begin."""

    request: int


class DriverLeaving(Message, frozen=True, tag=93):
    """The driver's last words: its job is over, all that is its own may go."""

    request: int


class DriverDismissed(Message, frozen=True, tag=94):
    """Nothing of it is kept any more."""

    request: int


class JobStarted(Message, frozen=True, tag=95):
    """Node to head, for the list of jobs; head to the other nodes, with ``spec``: they may run its workers."""

    job: JobID
    pid: int
    entrypoint: str
    namespace: str
    spec: JobSpec | None = None


class JobEnded(Message, frozen=True, tag=96):
    """Node to head, and head to the other nodes: its driver has left or died."""

    job: JobID


class ObservationWanted(Message, frozen=True, tag=88):
    """Somebody looks (or no longer looks) at the views: report rows to ``observer``."""

    observer: WorkerID
    wanted: bool


class ReportedAttempt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A ``PastAttempt`` of a ledger, with the worker as in ``ReportedRow``."""

    number: int
    worker: tuple[str, int, str]
    started: float
    finished: float
    state: int
    reason: str


class ReportedRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One task of a ledger, with names instead of numbers; times as in ``TaskRow``.

    Attributes:
        worker: (id in hex, pid, label); empty while it is not running.
        tried: earlier attempts that have not been told.
    """

    task: bytes
    name: str
    parent: bytes
    state: int
    worker: tuple[str, int, str]
    created: float
    started: float
    finished: float
    cell: str
    label: str
    line: int
    error: str
    attempt: int = 0
    tried: tuple[ReportedAttempt, ...] = ()


class RowsReported(Message, frozen=True, tag=89):
    """Rows of tasks that another process owns, at most a few messages a second."""

    rows: tuple[ReportedRow, ...]


class ReportedSpan(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that took a process's time and is no task.

    Attributes:
        kind: one of ``SPAN_KINDS``.
        process: a worker, or a node's process.
        start, end: seconds on the machine's monotonic clock.
        size: in bytes.
        about: the other node's id in hex, or a task's name.
    """

    kind: str
    process: WorkerID
    start: float
    end: float
    size: int
    about: str


SPAN_KINDS = ("transfer", "spill", "restore", "read", "write")
"""Copied from another node; written to disk; read back; arguments brought and rebuilt; results written into the store."""


class SpansReported(Message, frozen=True, tag=101):
    """Worker or node to whoever looks, at most a few messages a second."""

    spans: tuple[ReportedSpan, ...]


Watched = int | float | str | bool | None
"""The value of a watched field, as views show it."""


class ActorReported(Message, frozen=True, tag=90):
    """What an actor has done, from its own process, to whoever looks.

    Attributes:
        done: calls that have ended since its start or last restart, whoever made them.
        pending: calls that are here and have not.
        current: the method that runs, or "".
        watched: the fields that its class names in ``watch``.
        incarnation: how often it had been restarted then.
    """

    actor: ActorID
    done: int
    pending: int
    current: str
    watched: dict[str, Watched] = {}
    incarnation: int = 0
