"""Generators being run by the threads of a plain worker or of a sync actor; an event loop's are in
``async_executor``.

Each item is a stretch of the user's code of its own: while it is pickled and sent, and while the next one
waits for room, no interrupt strikes half-way through a hand-over. A cancellation that comes then is seen
before the next item is made. However it ends, the generator is closed, so that its clean-up runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from gnomon._core.events import TaskEnded, WaitEnded, WaitStarted
from gnomon._shell.core_worker import CoreWorker
from gnomon._shell.loop import release
from gnomon._shell.results import NO_MORE, Call, close_generator
from gnomon.exceptions import TaskInterrupted
from gnomon.ids import TaskID

ROOM_WAIT_S = 0.01
"""A generator that waits longer than this for its consumer counts as blocked: others may use its CPU."""


class Generating:
    """What the executing threads share.

    Args:
        core: this process.
        enter: from now on an interrupt of a task strikes in a thread.
        leave: from now on none does.
        struck: called where a task is interrupted, before ``TaskInterrupted`` is raised.

    Attributes:
        wakers: by task that waits for room, how to wake it.
    """

    def __init__(
        self,
        core: CoreWorker,
        enter: Callable[[int, TaskID], object],
        leave: Callable[[int], object],
        struck: Callable[[TaskID], object],
    ) -> None:
        self._core = core
        self._execution = core.role.execution
        self._production = core.role.production
        self._enter = enter
        self._leave = leave
        self._struck = struck
        self.wakers: dict[TaskID, Callable[[], object]] = {}

    def wake(self, task: TaskID) -> None:
        """There may be room, or it is to end; from any thread."""
        waker = self.wakers.get(task)
        if waker is not None:
            waker()

    def run(self, call: Call, value: Any, thread: int) -> TaskEnded:
        """Make the items of ``value``, a generator or other iterable, in the calling thread.

        Raises:
            TaskInterrupted: the task was cancelled.
            BaseException: what the user's code has raised.
        """
        iterator = iter(value)
        draw = partial(self._draw, iterator, call.pushed.task, thread)
        try:
            if call.pushed.num_returns >= 0:
                return call.collected(draw)
            while (item := draw()) is not NO_MORE:
                try:
                    call.deliver(item)
                except Exception as error:
                    return call.failed(error, False)
                del item
                if call.limit and not self._production.has_room(call.pushed.task, call.items, call.limit):
                    self._wait_for_room(call, thread)
            return call.exhausted()
        finally:
            close_generator(iterator)

    def _draw(self, iterator: Iterator[Any], task: TaskID, thread: int) -> Any:
        try:
            self._enter(thread, task)
            self._refuse_cancelled(task)
            return next(iterator, NO_MORE)
        finally:
            self._leave(thread)

    def _refuse_cancelled(self, task: TaskID) -> None:
        if self._execution.is_cancelled(task):
            self._struck(task)
            raise TaskInterrupted

    def _wait_for_room(self, call: Call, thread: int) -> None:
        """Until the consumer is near enough; an interrupt strikes here as in the user's code."""
        task = call.pushed.task
        signal = threading.Lock()
        signal.acquire()
        blocked = False
        try:
            self.wakers[task] = partial(release, signal)
            self._enter(thread, task)
            while not self._production.has_room(task, call.items, call.limit):
                self._refuse_cancelled(task)
                if not self._core.loop.wait(signal, None if blocked else ROOM_WAIT_S):
                    with self._core.undisturbed():
                        blocked = True
                        self._core.loop.post(WaitStarted())
        finally:
            self._leave(thread)
            self.wakers.pop(task, None)
            if blocked:
                self._core.loop.post(WaitEnded())
