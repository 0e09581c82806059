"""What runs in this thread (or in this coroutine): the task, its name, and the cell it comes from."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import CodeType

from gnomon._messages.tasks import Provenance
from gnomon.ids import ActorID, TaskID


class RunningTask:
    """A task or call that runs now.

    Attributes:
        blocks: waiting in it blocks the worker's thread (an async actor's coroutine does not).
        function: what runs: a function or a bound method; None until it is loaded.
        submits: code and line of its latest submission, and what is told of those; None before the first in a notebook.
    """

    __slots__ = (
        "actor", "attempt", "blocks", "function", "name", "provenance", "resources", "submits", "task",
    )  # fmt: skip

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
        self.submits: tuple[CodeType, int, Provenance] | None = None


_RUNS = ("_run_task", "_run_call")
"""Functions of the executor that have a variable ``running``."""

current: ContextVar[RunningTask | None] = ContextVar("gnomon_running_task", default=None)


def of_main_thread() -> RunningTask | None:
    """What the main thread runs: threads that the user's code has started print in its name.

    A context variable is not theirs, and to note every task for them would cost all tasks; so it is looked for.
    """
    main = threading.main_thread().ident
    if main is None or main == threading.get_ident():
        return None
    from gnomon._shell.holder_steps import locals_of  # importing it early would cost every start

    frame = sys._current_frames().get(main)
    while frame is not None:
        if frame.f_code.co_name in _RUNS and frame.f_globals.get("__name__") == "gnomon._shell.executor":
            found = locals_of(frame).get("running")
            return found if isinstance(found, RunningTask) else None
        frame = frame.f_back
    return None


def blocks() -> bool:
    """Whether waiting here keeps a worker from its work."""
    running = current.get()
    return running is not None and running.blocks
