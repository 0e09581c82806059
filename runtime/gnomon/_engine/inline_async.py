"""Calls of async actors on the inline engine: coroutines on the session's event loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from functools import partial
from types import GeneratorType
from typing import Any

from gnomon._engine.inline_actor import InlineActor
from gnomon._engine.inline_book import InlineBook
from gnomon._engine.inline_call import InlineCall, running
from gnomon._engine.inline_calls import InlineCalls
from gnomon._engine.inline_generators import draw_on_loop
from gnomon._engine.inline_loop import LoopThread
from gnomon._engine.inline_store import InlineStore
from gnomon._shell.methods import method_of


class AsyncCalls:
    """Runs them.

    Args:
        tell: an actor does something else now.
        left: a call has ended its actor.
    """

    def __init__(
        self,
        calls: InlineCalls,
        store: InlineStore,
        book: InlineBook,
        loop: LoopThread,
        tell: Callable[[InlineActor, str], object],
        left: Callable[[InlineActor, InlineCall, SystemExit], object],
    ) -> None:
        self._calls = calls
        self._store = store
        self._book = book
        self._loop = loop
        self._tell = tell
        self._left = left

    async def run(self, actor: InlineActor, call: InlineCall, method: str, slots: asyncio.Semaphore) -> None:
        """Run a call to its outcome, when its arguments and a slot are there."""
        task = asyncio.current_task()
        assert task is not None
        running.set(call)  # this coroutine has a context of its own
        call.interrupt = partial(self._loop.call, _strike, call, task)
        try:
            if call.cancelled:
                raise asyncio.CancelledError
            for identity in call.needs:
                await self._ready(identity)
            async with slots:
                while not call.ended and not await self._attempt(actor, call, method):
                    pass
        except asyncio.CancelledError:
            self._calls.cancel_now(call)

    async def _attempt(self, actor: InlineActor, call: InlineCall, method: str) -> bool:
        """Run it once; False when it is to be run again."""
        if actor.death is not None:
            self._calls.failed(call, actor.death)
            return True
        self._book.started(call.row, call.attempt)
        if self._calls.failed_argument(call):
            return True
        self._tell(actor, method)
        try:
            args, kwargs = self._calls.arguments(call.packed)
            call.function = bound = method_of(actor.instance, method)
            await self._finish(call, bound(*args, **kwargs))
        except SystemExit as exit_:
            self._left(actor, call, exit_)
        except Exception as error:
            if call.retry(error):
                if call.sink is not None:
                    call.sink.restart()
                return False
            self._calls.raised(call, error)
        return True

    async def _finish(self, call: InlineCall, value: Any) -> None:
        if inspect.isawaitable(value):
            value = await value
        if call.sink is not None or (
            call.results and (inspect.isasyncgen(value) or type(value) is GeneratorType)
        ):
            await draw_on_loop(call, value, self._calls.sink_of(call))
            self._calls.exhausted(call)
        elif call.cancelled:
            self._calls.cancel_now(call)  # it did not listen; nobody waits for its value any more
        else:
            self._calls.succeed(call, value)

    async def _ready(self, identity: bytes) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        self._store.when_ready(identity, lambda: loop.call_soon_threadsafe(ready.set))
        await ready.wait()


def _strike(call: InlineCall, task: asyncio.Task[Any]) -> None:
    call.struck = True
    task.cancel()
