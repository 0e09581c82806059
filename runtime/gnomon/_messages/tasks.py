"""Owner and executor: tasks and actor calls go out, results come back.

owner                               executor
  | LeaseBegun                     --> |
  | FunctionShipped (once a function)  |
  | FunctionsForgotten             --> |   when there are too many
  | TaskPushed, TaskPushed, ...    --> |
  | <-- TaskFinished, TaskFinished ... |   results, small ones inline
  | <-- ItemYielded, ItemYielded ...   |   of a generator, before its TaskFinished
  | ItemsTaken                     --> |   how far a generator with back-pressure may go on
  | <-- TasksReturned                  |   not started: blocked in get, or one task runs long
  | TasksRecalled, TaskCancelled   --> |
  | HoldReleased                   --> |   the references inside a result are recorded
"""

from __future__ import annotations

import msgspec

from gnomon._messages.base import Borrow, Contained, Message, Value
from gnomon.ids import ActorID, FunctionID, LeaseID, ObjectID, TaskID

STREAMING = -1
"""``num_returns`` of a generator whose items are handed on as they come."""

DYNAMIC = -2
"""``num_returns`` of a generator whose one result is the list of references to its items."""


class FunctionShipped(Message, frozen=True, tag=1):
    """A pickled function (or class), before the first task that needs it on this executor."""

    function: FunctionID
    payload: bytes


class FunctionsForgotten(Message, frozen=True, tag=13):
    """No task of the sender's needs these any more; should one later, they are shipped again."""

    functions: tuple[FunctionID, ...]


class LeaseBegun(Message, frozen=True, tag=10):
    """The sender has leased this worker; its tasks hold ``resources`` and ``gpus`` while they run.

    Attributes:
        lease: numbered by the node: what an earlier holder has said may arrive later.
    """

    resources: dict[str, int]
    gpus: tuple[int | str, ...] = ()
    lease: LeaseID = LeaseID(0)


class NestedCall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where in the code of a task another one was submitted; or in that of a function, which another cell has defined than
    the one that has called it: then there are no callers.

    Attributes:
        file: as the code was compiled; of a cell a name that the notebook's kernel knows.
        callers: names of the tasks from the one that the notebook submitted to the one whose code this is; of many, the
            first and the last ones.
        depth: how many they are.
    """

    file: str
    line: int
    function: str
    callers: tuple[str, ...]
    depth: int


class Provenance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where in the notebook a task comes from; tasks it submits inherit that.

    Attributes:
        line: of that cell; 0 if it is not known.
        nested: where it was submitted, if not by that line of the cell itself.
    """

    cell: str
    label: str
    line: int
    nested: NestedCall | None = None


class TaskPushed(Message, frozen=True, tag=2):
    """One task, its dependencies resolved.

    Attributes:
        arguments: packed arguments; a Block when large.
        values: the values of the dependencies, in the order of the slots in ``arguments``.
        attempt: 0 for the first.
        num_returns: how many results; STREAMING or DYNAMIC for a generator.
        retry_exceptions: whether a raised exception may be answered by another attempt.
        skip: items of a generator that an earlier attempt has delivered: they are made and not sent again.
        backpressure: how many items a generator may be ahead of its consumer; 0 is without limit.
        max_calls: the worker ends after so many calls of this function; 0 is without limit.
    """

    task: TaskID
    function: FunctionID
    arguments: Value
    values: tuple[Value, ...] = ()
    num_returns: int = 1
    attempt: int = 0
    retry_exceptions: bool = False
    name: str = ""
    provenance: Provenance | None = None
    skip: int = 0
    backpressure: int = 0
    max_calls: int = 0


class CallPushed(Message, frozen=True, tag=3):
    """One actor call. The link between two processes keeps order, so calls need no numbers of their own.

    Attributes:
        incarnation: of the actor it is meant for; any other refuses it.
        group: the concurrency group, or "".
        skip, backpressure: as in TaskPushed.
        name: what the user calls it; "" for ``Class.method``.
        retry_on: the pickled classes of exceptions that ``retry_exceptions`` is restricted to, or empty.
    """

    task: TaskID
    actor: ActorID
    incarnation: int
    method: str
    arguments: Value
    values: tuple[Value, ...] = ()
    num_returns: int = 1
    attempt: int = 0
    retry_exceptions: bool = False
    group: str = ""
    provenance: Provenance | None = None
    skip: int = 0
    backpressure: int = 0
    name: str = ""
    retry_on: bytes = b""


OK = 0
RAISED = 1
CANCELLED = 2
REFUSED = 3


class TaskFinished(Message, frozen=True, tag=4):
    """A task has ended here.

    Attributes:
        outcome: OK, RAISED (``values`` holds one pickled error), CANCELLED, or REFUSED (never started:
            wrong incarnation, or the process is ending).
        values: the results. A generator's is one: None, or (DYNAMIC) the list of references to its items;
            when it has RAISED, that comes after the error. RAISED while the results of a task with a fixed
            number of them were being drawn from a generator: those that were there, and the error for the rest.
        retriable: RAISED, and the user's ``retry_exceptions`` covers the exception.
        borrows: handles to others' objects that came with the arguments and are still held here.
        contained: references inside the results; held here until HoldReleased.
        summary: the error in one line, for the views.
        last: the executor ends itself after this (``exit_actor``, ``max_calls``).
        items: how many items a generator has yielded in all, skipped ones included.
    """

    task: TaskID
    attempt: int
    outcome: int
    values: tuple[Value, ...]
    started: float = 0.0
    finished: float = 0.0
    retriable: bool = False
    borrows: tuple[Borrow, ...] = ()
    contained: tuple[Contained, ...] = ()
    summary: str = ""
    last: bool = False
    items: int = 0


class ItemYielded(Message, frozen=True, tag=11):
    """A generator has made one more item.

    Attributes:
        index: counts the items from 1.
        inner: references inside it; held here until HoldReleased of that index.
    """

    task: TaskID
    attempt: int
    index: int
    value: Value
    inner: tuple[ObjectID, ...] = ()


class ItemsTaken(Message, frozen=True, tag=12):
    """The consumer of a generator has taken so many items in all."""

    task: TaskID
    attempt: int
    taken: int


class TasksReturned(Message, frozen=True, tag=5):
    """Tasks handed back unstarted.

    Attributes:
        last: the sender's calls are used up: it will take no more.
    """

    tasks: tuple[TaskID, ...]
    last: bool = False


class TasksRecalled(Message, frozen=True, tag=6):
    """Hand back up to ``count`` unstarted tasks, newest first."""

    count: int


class TaskCancelled(Message, frozen=True, tag=7):
    """Cancel a task here: unstarted ones never start, running ones are interrupted (or killed: ``force``)."""

    task: TaskID
    attempt: int
    force: bool
    recursive: bool


class HoldReleased(Message, frozen=True, tag=8):
    """The owner of a task's results has recorded the references inside them.

    Attributes:
        task: the attempt's id: one that runs again may be done before this is heard of the one before.
        index: of an item of a generator; 0 means the results that came with TaskFinished.
    """

    task: TaskID
    index: int = 0


class OutputProduced(Message, frozen=True, tag=9):
    """Lines a task has printed, on their way to the cell that submitted it."""

    cell: str
    worker: str
    stream: str
    text: str
    task_name: str
