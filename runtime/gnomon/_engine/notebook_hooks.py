"""Slots through which a notebook takes part in a running engine: where work comes from, where output goes.

The kernel extension fills them (through :mod:`gnomon.observe.hooks`, the public face); the API and the
engines read them. Outside a notebook all are None and cost one global read. The one rule for a changer:
``origin`` is read on every ``.remote()``, so it stays a plain module attribute.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gnomon._core.ledger import Ledger, TaskState
from gnomon._engine.base import Origin
from gnomon.exceptions import HANDLES_GONE

if TYPE_CHECKING:
    from gnomon._shell.holder_names import Root


@dataclass(frozen=True, slots=True)
class OutputLines:
    """What a task or an actor has printed, on its way to the cell that submitted it.

    Attributes:
        cell: id of the submitting cell; "" when the work came from no cell.
        worker_label: the process that printed, as people read it.
        stream: "stdout" or "stderr"; or "progress", whose lines are states of progress bars; or "display", whose
            lines are rich output as JSON.
        text: one or more lines, as printed.
        task_name: the function or method that printed; "" when it is not known.
    """

    cell: str
    worker_label: str
    stream: str
    text: str
    task_name: str = ""


@dataclass(frozen=True, slots=True)
class GroupProgress:
    """How far the tasks of one function are: counts over the whole session."""

    name: str
    waiting: int
    ready: int
    running: int
    done: int
    failed: int
    cancelled: int

    @property
    def total(self) -> int:
        """All tasks of this function."""
        return self.unfinished + self.done + self.failed + self.cancelled

    @property
    def unfinished(self) -> int:
        """Tasks that have no outcome yet."""
        return self.waiting + self.ready + self.running


@dataclass(frozen=True, slots=True)
class WaitProgress:
    """How far a ``get`` or ``wait`` of the main thread is.

    Attributes:
        total: references waited for.
        ready: how many of them have an outcome.
        elapsed_s: seconds since the call began.
        finished: this is the last report; the call returns or raises now.
        groups: the functions that have unfinished tasks now, or had some when this call first reported.
        wanted: how many outcomes are enough for this call; all of them for ``get``.
        tempo: how work begins meanwhile: "free", "paused", "slow" or "seeded".
    """

    total: int
    ready: int
    elapsed_s: float
    finished: bool = False
    groups: tuple[GroupProgress, ...] = ()
    wanted: int | None = None
    tempo: str = "free"

    @property
    def satisfied(self) -> bool:
        """The call has what it waited for."""
        return self.ready >= (self.total if self.wanted is None else self.wanted)


OutputSink = Callable[[OutputLines], object]
WaitObserver = Callable[[WaitProgress], object]

WAIT_FIRST_REPORT_S = 0.5
"""A call that ends sooner is never reported: a flash of progress helps nobody."""

WAIT_REPORT_PERIOD_S = 0.25

origin: Origin | None = None
"""The cell now running; set when a cell starts, None between cells."""

output_sink: OutputSink | None = None
"""Takes the output of tasks; called in an engine's thread, must not block. None: print it here."""

send_progress: Callable[[str], object] | None = None
"""Takes states of progress bars where they are not shown: set in workers. None: this process shows them."""

DISPLAY_STREAM = "display"
"""The stream of output lines that are rich output: a JSON object with ``data`` by MIME type, ``metadata``,
``display_id`` ("" for none) and ``update``."""

send_display: Callable[[str], object] | None = None
"""Takes such lines where they are not shown: set in workers. None: this process shows them."""

recorded: bool = False
"""Whether what happens is recorded: sessions that start then are told of other processes' tasks and of nodes, as by a view."""

before_shutdown: Callable[[], None] | None = None
"""Called, in the thread that ends the session, while it is still there: whoever records it notes how it stood last."""

wait_observer: WaitObserver | None = None
"""Told how far a waiting ``get`` is; called in the waiting thread."""


cell_name: Callable[[str], str | None] | None = None
"""What people call the cell that was compiled under a file name (``In [3]``); for the tracebacks of tasks."""


named: Callable[[], Iterable[Root]] | None = None
"""What has a name in the notebook: where a search for the holders of objects begins."""


given_up: dict[str, str] = {}
"""By actor (its id in hex): how its variable in the notebook was given up; the newest ``GIVEN_UP_MAX``."""

GIVEN_UP_MAX = 1_000


def cause_of(actor: str, cause: str) -> str:
    """Why an actor has died, with the variable that was given up if that is why."""
    return f"{cause}: {given_up[actor]}" if actor in given_up and cause.startswith(HANDLES_GONE) else cause


def current_origin() -> Origin | None:
    """The cell now running, or None."""
    return origin


def group_progress(ledger: Ledger, also: Container[str] = frozenset()) -> tuple[GroupProgress, ...]:
    """The functions of ``ledger`` of which this process has unfinished tasks.

    Tasks that tasks have submitted are left out: they are told of a moment later, so that a bar would end before
    it is full.

    Args:
        ledger: the current engine's.
        also: names to list even when all their tasks have ended, so that a bar can reach its end.
    """
    groups = []
    for name, counts, foreign in zip(
        ledger.names.entries, ledger.counts, ledger.foreign_counts, strict=False
    ):
        own = [every - theirs for every, theirs in zip(counts, foreign, strict=True)]
        if name in also or any(own[: TaskState.DONE]):
            groups.append(GroupProgress(name, *own))
    return tuple(groups)
