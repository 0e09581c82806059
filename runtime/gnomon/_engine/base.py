"""The Engine protocol: all that the API, the magics and the views know of a runtime.

An engine runs tasks and actors and keeps objects. ``local`` does so in processes over ZeroMQ, ``inline``
in the calling thread, ``ray`` on a Ray cluster. The API validates; engines may trust what they get.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any, Final, Protocol

from gnomon._core.ledger import Ledger
from gnomon._core.tempo import TempoFacts
from gnomon._engine.arity import Arity
from gnomon._engine.explanation import Explanation
from gnomon._engine.memory import MemoryReport
from gnomon._engine.rerun import Rerun
from gnomon._messages.tasks import DYNAMIC, STREAMING, Provenance
from gnomon._wire.generators import ObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import ActorID, JobID, NodeID, ObjectID, TaskID, WorkerID
from gnomon.resources import Resources

if TYPE_CHECKING:
    import concurrent.futures

Returned = list[ObjectRef[Any]] | list[ObjectRefGenerator[Any]]
"""What a submitted call returns at once."""

__all__ = [
    "DYNAMIC",
    "STALL_S",
    "STREAMING",
    "ActorBinding",
    "ActorOptions",
    "ActorTemplate",
    "ActorTraits",
    "CancelReceipt",
    "Engine",
    "FORCE_REFUSED",
    "ExecutionContext",
    "InitOptions",
    "MethodTemplate",
    "Origin",
    "Returned",
    "SessionInfo",
    "TaskOptions",
    "TaskTemplate",
    "node_labels",
]


Way = tuple[tuple[CodeType, int], ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """The notebook cell in which work was submitted: its stable id and its label (``In [3]``).

    Attributes:
        places: what is known of the places in the cell's own code that have submitted, by instruction: whose that is, and
            what is told of a submission there. Filled by ``call_sites``.
        ways: the same of places elsewhere, with the way to each: instructions, from it to the cell's own code.
    """

    cell: str
    label: str
    places: dict[int, tuple[CodeType, Provenance]] = field(default_factory=dict, compare=False, repr=False)
    ways: dict[int, tuple[Way, Provenance]] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What ``init`` was asked for, validated; what an engine is started with.

    Attributes:
        num_cpus: CPUs of the node, the machine's own unless given.
        num_gpus: GPUs of the node, those that can be seen unless given.
        resources: all of the node's resources in units, CPU, GPU and memory included.
        object_store_memory: capacity of the object store in bytes; None leaves it to the engine.
        namespace: where names of actors live; a random one unless given.
        gpus: names of the node's GPUs; numbers unless ``CUDA_VISIBLE_DEVICES`` names some.
        address: None starts a new session; else the cluster to join: "auto" or its directory.
        log_to_driver: show the output of tasks.
        labels: of the node.
        runtime_env: environment of all tasks and actors.
        settings: overrides of ``gnomon.settings.Settings`` and what else ``_system_config`` may name.
    """

    num_cpus: float
    num_gpus: float
    resources: Resources
    namespace: str
    object_store_memory: int | None = None
    gpus: tuple[int | str, ...] = ()
    address: str | None = None
    log_to_driver: bool = True
    labels: Mapping[str, str] = field(default_factory=dict)
    runtime_env: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def node_labels(node: NodeID, given: Mapping[str, str]) -> dict[str, str]:
    """The labels of a node: its id under Ray's key, and those of the user's."""
    return {"ray.io/node-id": node.hex(), **given}


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """Options of a task, validated and with defaults filled in.

    Attributes:
        num_returns: how many results a call has; 0 means none, STREAMING and DYNAMIC a generator's items.
        resources: in units of ``gnomon.resources.UNITS``, CPU and GPU included.
        max_retries: extra attempts after a worker's death; -1 is without end.
        retry_exceptions: also retry when the user's code raises: every exception, or these classes.
        max_calls: a worker ends after so many calls of the function; 0 is without limit.
        backpressure: how many items a generator may be ahead of its consumer; 0 is without limit.
        spread: its tasks go to as many nodes as possible.
    """

    num_returns: int = 1
    resources: Mapping[str, int] = field(default_factory=dict)
    max_retries: int = 3
    retry_exceptions: bool | tuple[type[BaseException], ...] = False
    name: str = ""
    max_calls: int = 0
    backpressure: int = 0
    spread: bool = False


@dataclass(frozen=True, slots=True)
class ActorOptions:
    """Options of an actor, validated and with defaults filled in.

    Attributes:
        resources: held for life, in units; by default an actor holds nothing while it lives.
        placement_resources: must be free where the actor is placed (1 CPU by default).
        max_restarts: -1 is without end.
        max_concurrency: calls at a time; 1 for sync actors, 1,000 for async ones unless given.
        concurrency_groups: calls at a time by name of the group; methods without one share
            ``max_concurrency``.
        max_pending_calls: unfinished calls that one handle's process may have; -1 is without end.
        out_of_order: calls may start in any order.
        spread: it lives where the fewest do.
    """

    resources: Mapping[str, int] = field(default_factory=dict)
    placement_resources: Mapping[str, int] = field(default_factory=dict)
    max_restarts: int = 0
    max_task_retries: int = 0
    max_concurrency: int | None = None
    name: str | None = None
    namespace: str | None = None
    get_if_exists: bool = False
    lifetime: str | None = None
    concurrency_groups: Mapping[str, int] = field(default_factory=dict)
    max_pending_calls: int = -1
    out_of_order: bool = False
    spread: bool = False


@dataclass(slots=True, eq=False, weakref_slot=True)
class TaskTemplate:
    """A remote function with one set of options: built once, submitted many times.

    Attributes:
        engine_state: the engine's own cache (an id, a scheduling class); the API sets it to None
            whenever the session changes and never looks into it.
    """

    function: Callable[..., Any]
    name: str
    options: TaskOptions
    engine_state: Any = None


@dataclass(slots=True, eq=False)
class MethodTemplate:
    """A method of an actor class with one set of options.

    Attributes:
        num_returns: as in ``TaskOptions``, and so ``backpressure``.
        generator: it is a generator function, asynchronous or not.
        task_name: what its calls are called in place of ``Class.method``.
        arity: the arguments it takes, for a check at the call; None where that is not known.
    """

    name: str
    num_returns: int = 1
    max_task_retries: int | None = None
    retry_exceptions: bool | tuple[type[BaseException], ...] = False
    concurrency_group: str | None = None
    arity: Arity | None = None
    backpressure: int = 0
    generator: bool = False
    task_name: str = ""


@dataclass(slots=True, eq=False, weakref_slot=True)
class ActorTemplate:
    """An actor class with one set of options.

    Attributes:
        methods: every public method by name.
        is_async: the class has at least one ``async def`` method.
    """

    cls: type
    name: str
    options: ActorOptions
    methods: Mapping[str, MethodTemplate]
    is_async: bool = False
    engine_state: Any = None


@dataclass(frozen=True, slots=True)
class ActorTraits:
    """What every handle of an actor knows of its options.

    Attributes:
        out_of_order: calls may start in any order.
        groups: names of the concurrency groups.
        max_pending_calls: unfinished calls that one process may have; -1 is without end.
        max_task_retries: of the methods that every actor has.
        properties: names that are properties of the class, for the error that says so.
        at_once: for actors that run several calls at a time, in order: how many of each group ("" is the rest).
    """

    out_of_order: bool = False
    groups: tuple[str, ...] = ()
    max_pending_calls: int = -1
    max_task_retries: int = 0
    properties: tuple[str, ...] = ()
    at_once: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True, eq=False)
class ActorBinding:
    """One actor as a handle sees it.

    Attributes:
        ref: reference to the actor's handle object (keeps the actor alive); None on a weak handle
            (``get_actor`` of a named actor, ``self``).
        engine_state: the engine's own cache.
    """

    actor_id: ActorID
    class_name: str
    methods: Mapping[str, MethodTemplate]
    ref: ObjectRef[Any] | None
    is_async: bool = False
    engine_state: Any = None
    traits: ActorTraits = field(default_factory=ActorTraits)


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """Where the calling code runs: what ``get_runtime_context`` shows.

    Attributes:
        task_name: as ``.options(name=...)`` says; None in a driver, and so ``function_name``.
        function_name: the function or method, with its module.
        actor_name: "" for an actor without a name, None outside of actors.
        node_labels: as given to ``init``.
    """

    job_id: JobID
    node_id: NodeID
    worker_id: WorkerID
    task_id: TaskID | None
    actor_id: ActorID | None
    task_name: str | None
    mode: str
    namespace: str
    resources: Resources
    attempt: int = 0
    was_reconstructed: bool = False
    function_name: str | None = None
    actor_name: str | None = None
    node_labels: Mapping[str, str] = field(default_factory=dict)
    is_canceled: bool = False
    gpus: tuple[int | str, ...] = ()


STALL_S: Final = 5.0
"""After so long a driver's wait is looked into: does it wait for ever?"""

FORCE_REFUSED: Final = (
    "cancel(force=True) would end the process of the actor, with all its other calls: cancel a call without force, "
    "or end the actor with gnomon.kill(handle)."
)
"""What ``cancel`` says of a forced cancellation of an actor's call."""


@dataclass(frozen=True, slots=True)
class CancelReceipt:
    """What a cancellation by cell met: all that were cancelled, and how many of them were running."""

    cancelled: int
    running: int


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What ``init`` tells about a session."""

    engine: str
    session: str
    directory: str | None
    node_id: NodeID
    namespace: str
    pid: int
    resources: Resources
    store_capacity_bytes: int


class Engine(Protocol):
    """A runtime for tasks, actors and objects. Methods raise the exceptions of ``gnomon.exceptions``."""

    name: str
    info: SessionInfo
    ledger: Ledger

    @property
    def ended(self) -> str:
        """Why it can do nothing any more (its cluster was stopped, its node has died); "" while it can."""
        ...

    def submit_task(
        self,
        template: TaskTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
    ) -> Returned:
        """Submit one call; returns its ``num_returns`` references at once.

        STREAMING: a list of one ``ObjectRefGenerator``, with an ``ItemSource`` of the engine's. DYNAMIC: a list
        of one reference, whose value will be a ``DynamicObjectRefGenerator``.
        """
        ...

    def create_actor(
        self,
        template: ActorTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
    ) -> ActorBinding:
        """Create an actor; returns before its constructor has run.

        Raises:
            ActorNameTakenError: a live actor has this name (a ``ValueError``).
        """
        ...

    def submit_actor_task(
        self,
        binding: ActorBinding,
        method: MethodTemplate,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        origin: Origin | None,
        frame: FrameType,
    ) -> Returned:
        """Submit one call of a method, in order after this process's earlier calls to the actor."""
        ...

    def put(self, value: Any) -> ObjectRef[Any]:
        """Store a value."""
        ...

    def get_one(self, ref: ObjectRef[Any]) -> Any:
        """The value of one reference, without a timeout: the short path of ``get``."""
        ...

    def get(self, refs: Sequence[ObjectRef[Any]], timeout: float | None) -> list[Any]:
        """The values, in order; raises the first error among them, or ``GetTimeoutError``."""
        ...

    def wait(
        self, refs: Sequence[Any], num_returns: int, timeout: float | None, fetch_local: bool
    ) -> tuple[list[Any], list[Any]]:
        """Split references and generators into at most ``num_returns`` ready ones and the others, each in the
        given order. Both have an ``_id`` to wait for; a generator's is that of its next item.
        """
        ...

    def future(self, ref: ObjectRef[Any]) -> concurrent.futures.Future[Any]:
        """A future of the value, completed from an engine thread."""
        ...

    def cancel(self, ref: ObjectRef[Any], force: bool, recursive: bool) -> None:
        """Cancel the task that makes ``ref``; nothing happens when it has finished.

        Raises:
            ValueError: ``force``, and it is an unfinished call of an actor.
        """
        ...

    def cancel_task(self, task: TaskID) -> None:
        """Cancel a task and what it has submitted, whoever submitted it; nothing happens when it has ended."""
        ...

    def cancel_cell(self, cell: str) -> CancelReceipt:
        """Cancel the unfinished tasks that a notebook cell submitted."""
        ...

    def kill_actor(self, binding: ActorBinding, no_restart: bool) -> None:
        """End an actor's process at once."""
        ...

    def get_named_actor(self, name: str, namespace: str | None) -> ActorBinding:
        """The live actor of that name; raises ``ValueError`` when there is none."""
        ...

    def list_named_actors(self, all_namespaces: bool) -> list[tuple[str, str]]:
        """(namespace, name) of the live named actors."""
        ...

    def nodes(self) -> list[dict[str, Any]]:
        """One dict per node, with Ray's keys."""
        ...

    def cluster_resources(self) -> Resources:
        """All resources, in units."""
        ...

    def available_resources(self) -> Resources:
        """Resources that nobody holds now, in units."""
        ...

    def why_waiting(self) -> str:
        """Why what has not begun can not begin, and what to do about it; "" if it will."""
        ...

    def why(self, identity: ObjectID, answer_s: float = 2.0) -> Explanation:
        """Why an object is not there yet, or failed, or is slow; of an actor, given its handle object.

        Each process that is asked has ``answer_s`` seconds: one in native code that keeps the interpreter is silent.
        """
        ...

    def tempo(self, mode: str, interval_s: float, seed: int, steps: int) -> TempoFacts:
        """How fast work begins, from now on; ``mode`` "" asks only. See ``TempoMachine``.

        Raises:
            ControlUnavailableError: this engine, or this process, can not do that.
        """
        ...

    def rerun(self, identity: ObjectID) -> Rerun:
        """The failed task that makes an object, with its arguments, to be run in the calling thread."""
        ...

    def store_bytes(self) -> tuple[int, int]:
        """Capacity of the object stores of all nodes, and how much of it is in use."""
        ...

    def context(self) -> ExecutionContext:
        """Where the calling thread runs."""
        ...

    def memory(self, objects: Sequence[ObjectID], timeout_s: float, everywhere: bool = True) -> MemoryReport:
        """All objects, or these, with who holds each; computed by asking everybody, in at most ``timeout_s``.

        Without ``everywhere`` only what this process knows.
        """
        ...

    def current_actor(self) -> ActorBinding | None:
        """A weak binding (``ref`` is None) of the actor whose method the caller runs in, if any."""
        ...

    def rebind(self, actor_id: ActorID, ref: ObjectRef[Any] | None) -> Any:
        """Engine state for a handle that has arrived in this process by pickle."""
        ...

    def shutdown(self) -> None:
        """End the session; idempotent."""
        ...
