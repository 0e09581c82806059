"""What runs in this thread (or in this coroutine): the task, its name, and the cell it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar

from gnomon._messages.tasks import Provenance
from gnomon.ids import ActorID, TaskID


class RunningTask:
    """A task or call that runs now.

    Attributes:
        blocks: waiting in it blocks the worker's thread (an async actor's coroutine does not).
        function: what runs: a function or a bound method; None until it is loaded.
    """

    __slots__ = ("actor", "attempt", "blocks", "function", "name", "provenance", "resources", "task")

    def __init__(
        self,
        task: TaskID,
        name: str,
        provenance: Provenance | None,
        actor: ActorID | None,
        attempt: int,
        blocks: bool,
        resources: Mapping[str, int],
    ) -> None:
        self.task = task
        self.name = name
        self.provenance = provenance
        self.actor = actor
        self.attempt = attempt
        self.blocks = blocks
        self.resources = resources
        self.function: Callable[..., object] | None = None


current: ContextVar[RunningTask | None] = ContextVar("gnomon_running_task", default=None)


def blocks() -> bool:
    """Whether waiting here keeps a worker from its work."""
    running = current.get()
    return running is not None and running.blocks
