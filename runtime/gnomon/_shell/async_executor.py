"""Async actors: one event loop in the worker's main thread; calls are its tasks.

At most ``concurrency`` of them run at a time, and of each concurrency group as many as it says.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import time
import traceback
from collections.abc import AsyncGenerator, Iterator, Mapping
from functools import partial
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from gnomon._core.events import TaskEnded
from gnomon._messages.tasks import CallPushed
from gnomon._shell import task_context
from gnomon._shell.methods import method_of
from gnomon._shell.results import NO_MORE, Call, close_generator
from gnomon.exceptions import TaskInterrupted
from gnomon.ids import TaskID, attempt_id

if TYPE_CHECKING:
    from gnomon._shell.executor import Executor


class AsyncExecutor:
    """Runs an async actor's calls.

    Args:
        concurrency: calls at a time that belong to no group.
        groups: calls at a time by group.
    """

    def __init__(self, executor: Executor, concurrency: int, groups: Mapping[str, int]) -> None:
        self._executor = executor
        self._room = {"": concurrency, **groups}
        self._loop = asyncio.new_event_loop()
        self._tasks: dict[TaskID, asyncio.Task[None]] = {}
        self._entered: dict[TaskID, None] = {}
        self._woken = False
        self._over = False
        executor.core.coroutine_of = self._coroutine_of

    def wake(self) -> None:
        """There is something to take; from the runtime's thread."""
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._pump)

    def cancel(self, task: TaskID) -> None:
        """Cancel a running call; from the runtime's thread."""
        self._loop.call_soon_threadsafe(self._cancel, task)

    def _cancel(self, task: TaskID) -> None:
        # One that has not been entered asks ``is_cancelled`` itself; asyncio would never run it, to no outcome.
        if task in self._entered:
            self._executor.struck(task)
            self._tasks[task].cancel()

    def _coroutine_of(self, task: TaskID) -> Any:
        running = self._tasks.get(task)
        return None if running is None else running.get_coro()

    def run(self) -> None:
        """Serve until the actor ends; in the main thread."""
        asyncio.set_event_loop(self._loop)
        self._loop.call_soon(self._pump)
        try:
            self._loop.run_forever()
        except SystemExit as exit_:  # raised in a task of the user's own
            self._executor.note_exit(exit_)
        finally:
            self._executor.leave()
            self._over = True  # what still runs dies with the actor, and its callers hear of that
            for task in self._tasks.values():
                task.cancel()
            if self._tasks:
                self._loop.run_until_complete(asyncio.gather(*self._tasks.values(), return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    def _pump(self) -> None:
        """Start what there is room for; end when told to."""
        self._woken = False
        executor = self._executor
        for group in self._room:
            while self._room[group] > 0:
                taken = executor.execution.take(time.monotonic(), group)
                if taken is None:
                    break
                pushed = taken[1]
                assert isinstance(pushed, CallPushed)
                if len(self._room) == 1:
                    begun = attempt_id(pushed.task, pushed.attempt) if pushed.attempt else pushed.task
                    executor.note.begin(begun)
                self._room[group] -= 1
                context = contextvars.copy_context()
                self._tasks[pushed.task] = self._loop.create_task(self._run(pushed, group), context=context)
        if executor.draining and not executor.ending and not self._tasks:
            with executor.core.loop.lock:
                idle = executor.execution.is_idle()
            if idle:
                executor.ending = executor.draining
        if executor.ending:
            self._loop.stop()

    async def _run(self, pushed: CallPushed, group: str) -> None:
        executor = self._executor
        assert executor.core.assignment is not None
        spec = executor.core.assignment.spec
        name = pushed.name or f"{spec.class_name}.{pushed.method}"
        call = Call(executor.core, pushed, name, spec.actor, blocks=False, resources=spec.resources)
        running = call.context()
        task_context.current.set(running)
        self._entered[pushed.task] = None
        value: Any
        ended: TaskEnded | None
        try:
            if executor.execution.is_cancelled(pushed.task):
                raise TaskInterrupted
            args, kwargs = call.arguments()
            if pushed.retry_on:
                call.retry_on = executor.functions.load_classes(pushed.retry_on)
            running.function = method = method_of(executor.actor, pushed.method)
            value = method(*args, **kwargs)
            if inspect.isawaitable(value):
                value = await value
            if pushed.num_returns < 0:
                ended = await self._generate(call, value)
            elif isinstance(value, GeneratorType):
                ended = call.collected(partial(next, value, NO_MORE))
            elif executor.execution.is_cancelled(pushed.task):
                executor.struck(pushed.task)
                raise TaskInterrupted  # it did not listen; nobody waits for its value any more
            else:
                ended = call.succeeded(value)
        except (asyncio.CancelledError, TaskInterrupted):
            ended = call.cancelled()
        except SystemExit as exit_:
            executor.note_exit(exit_)
            ended = executor.left_call(call)
        except BaseException as error:
            ended = call.failed(error, call.retriable(error))
        args = kwargs = value = None  # type: ignore[assignment]
        del self._tasks[pushed.task], self._entered[pushed.task]
        self._room[group] += 1
        unanswered = executor.execution.unanswered
        if ended is not None and not self._over:
            unanswered.append(ended)
        if len(unanswered) == 1 or executor.ending:
            self._loop.call_soon(self._flush)

    async def _generate(self, call: Call, value: Any) -> TaskEnded:
        """Make a generator's items; others run between two of them.

        A cancellation is asyncio's alone, and strikes once: else it would strike the clean-up, too.
        """
        items = value if hasattr(value, "__aiter__") else _asynchronous(iter(value))
        this = asyncio.current_task()
        try:
            async for item in items:
                if this is not None and this.cancelling():
                    raise TaskInterrupted  # it has struck, and the user's code has swallowed it
                try:
                    call.deliver(item)
                except Exception as error:
                    return call.failed(error, False)
                del item
                await asyncio.sleep(0)
                if call.limit:
                    await self._wait_for_room(call)
            return call.exhausted()
        finally:
            await _close(items)

    async def _wait_for_room(self, call: Call) -> None:
        """Until the consumer is near enough."""
        task, limit = call.pushed.task, call.limit
        executor = self._executor
        production = executor.core.role.production
        woken = asyncio.Event()
        try:
            executor.generating.wakers[task] = partial(self._loop.call_soon_threadsafe, woken.set)
            while not production.has_room(task, call.items, limit):
                await woken.wait()
                woken.clear()
        finally:
            executor.generating.wakers.pop(task, None)

    def _flush(self) -> None:
        """Hand the answers of this round of the event loop over, all at once."""
        if self._over:
            return
        execution = self._executor.execution
        if execution.unanswered:
            self._executor.hand_over()
        if execution.queue or execution.groups or self._executor.draining or self._executor.ending:
            self._pump()


async def _asynchronous(iterator: Iterator[Any]) -> AsyncGenerator[Any, None]:
    """The items of an ordinary generator."""
    try:
        for item in iterator:
            yield item
    finally:
        close_generator(iterator)


async def _close(items: Any) -> None:
    """``close_generator`` for asynchronous ones."""
    close = getattr(items, "aclose", None)
    if close is not None:
        try:
            await close()
        except BaseException:
            traceback.print_exc()
