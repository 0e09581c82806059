"""A driver slows its own job down: who may begin what, and when. Nothing of this is sent while the job runs freely.

driver                node              worker
  | TempoSet ---------> | --> head, other nodes; ---> |   its gate closes, or opens; also told to workers to come
  | TempoSet ----------------------------------------> |   and straight to those that it pushes to
  | <-------------------------------------- StartAsked |   something waits at the gate
  | StartAllowed ------------------------------------> |   one may begin
  | <----------------------------------- StartDeclined |   nothing waits any more, or nobody is free
  | <--------------------------------------- StartOver |   what was allowed last has ended, or waits
  owner <---------------------------------- TasksHeld  |   for its views: this one waits at the gate; this one begins
"""

from __future__ import annotations

from gnomon._messages.base import Message
from gnomon.ids import TaskID, WorkerID


class TempoSet(Message, frozen=True, tag=130):
    """From now on workers of this driver's job ask before they begin anything; or no longer.

    Attributes:
        epoch: counts the driver's changes between the two; what belongs to another one is void.
    """

    driver: WorkerID
    epoch: int
    gated: bool


class StartAsked(Message, frozen=True, tag=131):
    """A worker to its driver: something waits here, and somebody is free to run it.

    Attributes:
        group: an actor's concurrency group; there is one open question at most for each.
        task: the first in that queue.
        idle: resources that the worker holds meanwhile, though nothing runs there; none of an actor that lives.
    """

    epoch: int
    group: str
    task: TaskID
    idle: dict[str, int] = {}


class StartAllowed(Message, frozen=True, tag=132):
    """Begin one of that group.

    Attributes:
        round: for the driver's books, to be sent back if it is not used.
    """

    epoch: int
    group: str
    round: int


class StartDeclined(Message, frozen=True, tag=133):
    """These permissions are not used, and an open question of the group is withdrawn."""

    epoch: int
    group: str
    rounds: tuple[int, ...]


class StartOver(Message, frozen=True, tag=134):
    """What has begun here last has ended, or waits for something."""

    epoch: int


class TasksHeld(Message, frozen=True, tag=135):
    """Executor to owner: these wait at the gate (``held``), or have been let through."""

    tasks: tuple[TaskID, ...]
    held: bool
    epoch: int
