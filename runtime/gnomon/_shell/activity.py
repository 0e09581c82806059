"""Where the code of a task is now: the innermost line of the user's, in a thread or in a coroutine that is suspended.

A look, not a trace: the code goes on meanwhile, so that the line is one where it was a moment ago.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from gnomon._core.events import AskedSomething
from gnomon._messages.situations import ActivityTold
from gnomon._shell.holder_steps import is_ours
from gnomon.ids import TaskID

if TYPE_CHECKING:
    from gnomon._core.effects import TellActivity
    from gnomon._shell.core_worker import CoreWorker


def tell(core: CoreWorker, command: TellActivity) -> None:
    """Answer another process; in the loop's thread, so it only looks."""
    running = command.activity.running
    actor = core.assignment is not None and command.task == TaskID(core.assignment.spec.actor)
    task = running[0].task if actor and running else command.task  # of an actor: whatever it runs
    file, line, function = place_of(core, task)
    found = msgspec.structs.replace(command.activity, file=file, line=line, function=function)
    core.loop.post(AskedSomething(command.asker, ActivityTold(command.request, found)))


def place_of(core: CoreWorker, task: TaskID) -> tuple[str, int, str]:
    """File, line and function where the user's code is in a task that runs here; ``("", 0, "")`` if none does."""
    thread = core.thread_of(task)
    if thread:
        frames = _of_stack(sys._current_frames().get(thread))
    else:
        frames = reversed(list(_of_coroutine(core.coroutine_of(task))))
    from gnomon._shell.holder_answers import (
        libraries,
    )  # it looks at whole processes, and imports what that takes

    others: tuple[str, int, str] | None = None
    for frame, line in frames:
        if is_ours(frame):
            continue
        place = (frame.f_code.co_filename, line, frame.f_code.co_name)
        if not place[0].startswith(libraries()):
            return place
        others = others or place
    return others or ("", 0, "")


def _of_stack(frame: types.FrameType | None) -> Iterator[tuple[types.FrameType, int]]:
    """The innermost first."""
    while frame is not None:
        yield frame, frame.f_lineno or 0
        frame = frame.f_back


def _of_coroutine(awaited: Any) -> Iterator[tuple[types.FrameType, int]]:
    """The frames of what awaits what, the outermost first."""
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is not None:
            yield frame, frame.f_lineno or 0
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
