"""Rerun: a failed task that can be run again in the calling thread, or why it can not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

NOT_KNOWN = (
    "nothing is kept of it: it has not failed, or is a call of an actor (whose state only the actor has), or many others "
    "have failed since"
)


@dataclass(frozen=True, slots=True)
class Rerun:
    """A failed task, ready to be run.

    Attributes:
        name: of the task.
        run: runs it; raises what it raises.
        reason: why it can not be run; then ``run`` is None.
    """

    name: str = ""
    run: Callable[[], Any] | None = None
    reason: str = ""
