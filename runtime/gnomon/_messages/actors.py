"""Owner, head, node and actor: birth, names and death. Calls go directly (see ``tasks``).

owner                 head                    node              worker
  | ActorRegistered --> |                       |                  |
  |                     | ActorWorkerWanted --> |                  |
  |                     | <- ActorWorkerGranted |                  |
  |                     | ActorAssigned ------------------------> |   runs the constructor
  |                     | <----------------- ActorBorn, ActorStillborn
  | <-- ActorChanged    |   to the owner and whoever subscribed
  | ActorSubscribed --> |   a handle arrived somewhere
  | ActorUnneeded   --> |   no handle is left: end after pending calls
  | ActorKilled     --> |
  | ActorNameAsked  --> | --> ActorNameAnswered
"""

from __future__ import annotations

import msgspec

from gnomon._messages.base import Message, Value
from gnomon._messages.failures import ProcessEnd
from gnomon._messages.session import NO_JOB
from gnomon._messages.tasks import Provenance
from gnomon._messages.tempo import TempoSet
from gnomon.ids import ActorID, FunctionID, JobID, WorkerID

PENDING = "pending"
ALIVE = "alive"
RESTARTING = "restarting"
DEAD = "dead"

ASYNC_CALLS = 1000
"""Calls at a time of an async actor that does not say otherwise."""


class ActorSpec(msgspec.Struct, frozen=True, array_like=True):
    """All that is needed to make an actor, and to make it again. Head and node never unpickle it.

    Attributes:
        description: pickled facts for handles made by name (class name, methods).
        max_concurrency: 0 means the default of its kind.
        owner: whose death ends a non-detached actor.
        groups: calls at a time by name of the concurrency group.
        job: whose workers it may run in.
        spread: it lives where the fewest do.
    """

    actor: ActorID
    owner: WorkerID
    class_name: str
    function: FunctionID
    payload: bytes
    arguments: Value
    values: tuple[Value, ...]
    description: bytes
    resources: dict[str, int]
    placement: dict[str, int]
    max_restarts: int
    max_concurrency: int
    is_async: bool
    name: str
    namespace: str
    detached: bool
    provenance: Provenance | None = None
    groups: dict[str, int] = {}
    job: JobID = NO_JOB
    spread: bool = False


class ActorRegistered(Message, frozen=True, tag=60):
    """A new actor.

    Attributes:
        request: answered by ActorAdmitted when it has a name.
        resolved: ``spec.values`` are there. A named actor is registered at once, so that its name is taken,
            and once more when they are.
    """

    spec: ActorSpec
    request: int = 0
    resolved: bool = True


class ActorAdmitted(Message, frozen=True, tag=61):
    """Whether the name was free."""

    request: int
    taken: bool


class ActorWorkerWanted(Message, frozen=True, tag=62):
    """Head to node: a worker for one incarnation of an actor.

    Attributes:
        name: of its class.
        retriable: it may be restarted: it goes first when memory is short.
    """

    actor: ActorID
    incarnation: int
    resources: dict[str, int]
    placement: dict[str, int]
    job: JobID = NO_JOB
    name: str = ""
    retriable: bool = False


class ActorWorkerGranted(Message, frozen=True, tag=63):
    """Node to head."""

    actor: ActorID
    incarnation: int
    worker: WorkerID
    pid: int
    gpus: tuple[int | str, ...] = ()


class ActorWorkerInfeasible(Message, frozen=True, tag=64):
    """No node has so much."""

    actor: ActorID
    incarnation: int
    asked: dict[str, int]
    has: dict[str, int]


class ActorWorkerUnwanted(Message, frozen=True, tag=65):
    """Head to node: kill that incarnation's worker, or forget the request."""

    actor: ActorID
    incarnation: int


class ActorAssigned(Message, frozen=True, tag=66):
    """Head to worker: become this actor.

    Attributes:
        tempos: of drivers that have slowed their jobs down: head may be faster than the word of the node.
    """

    spec: ActorSpec
    incarnation: int
    gpus: tuple[int | str, ...] = ()
    tempos: tuple[TempoSet, ...] = ()


class ActorBorn(Message, frozen=True, tag=67):
    """The constructor has returned."""

    actor: ActorID
    incarnation: int


class ActorStillborn(Message, frozen=True, tag=68):
    """The constructor has raised; ``error`` is the pickled error."""

    actor: ActorID
    incarnation: int
    error: bytes
    summary: str


class ActorLeaving(Message, frozen=True, tag=69):
    """The actor ends itself on purpose (``exit_actor``, ``__ray_terminate__``): no restart."""

    actor: ActorID
    incarnation: int
    reason: str


class ActorChanged(Message, frozen=True, tag=70):
    """The actor's state as head knows it.

    Attributes:
        incarnation: 0 for the first.
        error: the pickled error of a constructor that raised, else empty.
        end: how its process ended, if that is why.
        node: where it lives, an id in hex.
    """

    actor: ActorID
    state: str
    incarnation: int
    worker: WorkerID
    pid: int
    cause: str
    error: bytes = b""
    end: ProcessEnd | None = None
    node: str = ""


class ActorSubscribed(Message, frozen=True, tag=71):
    """The sender has a handle and wants to hear of changes; the answer is an ActorChanged."""

    actor: ActorID


class ActorUnneeded(Message, frozen=True, tag=72):
    """From the owner: no handle is left. It ends after the calls it has got."""

    actor: ActorID


class ActorKilled(Message, frozen=True, tag=73):
    """``kill``: end it at once."""

    actor: ActorID
    no_restart: bool


class ActorDrained(Message, frozen=True, tag=74):
    """Head to worker: finish the calls you have, then end."""

    actor: ActorID
    reason: str


class ActorNameAsked(Message, frozen=True, tag=75):
    """Who has this name? ``all_names`` asks for a list instead."""

    request: int
    name: str
    namespace: str
    all_names: bool = False


class ActorNameAnswered(Message, frozen=True, tag=76):
    """The actor of that name, or ``None``; or the list of (namespace, name)."""

    request: int
    actor: ActorID | None
    description: bytes
    names: tuple[tuple[str, str], ...] = ()
