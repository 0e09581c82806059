"""Generator calls being run on the inline engine: who draws items, and sinks for those that do not stream.

A sync generator is drawn in a thread: to its end, or for a stream one item at a time by whoever waits for it;
an async one on the event loop. However it ends, the generator is closed, so that its clean-up runs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from gnomon._engine.inline_call import InlineCall, Sink, running
from gnomon._engine.inline_store import InlineStore
from gnomon._engine.inline_streams import InlineStream
from gnomon._engine.inline_waits import Waits
from gnomon._shell.results import NO_MORE, close_generator
from gnomon._wire import pickling
from gnomon._wire.generators import DynamicObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ResultsMismatchError
from gnomon.ids import ObjectID, object_id

Packed = tuple[bytes, Sequence[ObjectRef[Any]]]
"""An item as it is stored, and the references inside it: they have to live until then."""


class FixedResults:
    """Items that become the ``num_returns`` results of a call."""

    def __init__(self, call: InlineCall, store: InlineStore) -> None:
        self._call = call
        self._store = store
        self._packed: list[Packed] = []

    def restart(self) -> None:
        """See ``Sink``."""
        self._packed = []

    def add(self, item: Any) -> bool:
        """See ``Sink``."""
        if len(self._packed) == len(self._call.results):
            return False
        packed = pickling.serialize(item, f"the result of {self._call.name}")
        inside = [self._store.reference(each) for each in packed.contained]
        self._packed.append((pickling.to_bytes(packed), inside))
        return True

    def end(self) -> None:
        """See ``Sink``."""
        count, there = len(self._call.results), len(self._packed)
        if there < count:
            raise ResultsMismatchError(self._call.name, count, there, verb="yielded")
        self._fill(self._packed)

    def fail(self, blob: bytes, contained: Sequence[ObjectID], raised: bool) -> None:
        """See ``Sink``. What was yielded before is kept."""
        missing = len(self._call.results) - len(self._packed)
        inside = [self._store.reference(each) for each in contained]
        self._fill([*self._packed, *[(blob, inside)] * missing])

    def _fill(self, packed: Sequence[Packed]) -> None:
        for identity, (blob, inside) in zip(self._call.results, packed, strict=True):
            self._store.fill(identity, blob, [ref._id for ref in inside])
        self._packed = []


class ListedItems:
    """Items of a call with ``num_returns="dynamic"``: objects of their own, and a list of them in the end."""

    def __init__(self, call: InlineCall, store: InlineStore) -> None:
        self._call = call
        self._store = store
        self._refs: list[ObjectRef[Any]] = []
        self._position = 0

    def restart(self) -> None:
        """See ``Sink``."""
        self._position = 0

    def add(self, item: Any) -> bool:
        """See ``Sink``."""
        self._position += 1
        if self._position > len(self._refs):
            packed = pickling.serialize(item, f"item {self._position} of {self._call.name}")
            self._append(pickling.to_bytes(packed), packed.contained)
        return True

    def _append(self, blob: bytes, contained: Sequence[ObjectID]) -> None:
        identity = object_id(self._call.task_id, len(self._refs) + 2)
        self._refs.append(self._store.create(identity, self._call.name, self._call.row.cell))
        self._store.fill(identity, blob, contained)

    def end(self) -> None:
        """See ``Sink``."""
        packed = pickling.serialize(DynamicObjectRefGenerator(self._refs))
        self._store.fill(self._call.results[0], pickling.to_bytes(packed), packed.contained)
        self._refs = []

    def fail(self, blob: bytes, contained: Sequence[ObjectID], raised: bool) -> None:
        """See ``Sink``. What the generator itself raised is the last item."""
        if raised:
            self._append(blob, contained)
            self.end()
        else:
            self._store.fill(self._call.results[0], blob, contained)
            self._refs = []


class Outcomes(Protocol):
    """What the end of a generator call is told to; ``InlineCalls`` is one."""

    def exhausted(self, call: InlineCall) -> None:
        """Its generator has ended."""
        ...

    def raised(self, call: InlineCall, error: BaseException) -> None:
        """Its generator has raised."""
        ...

    def cancel_now(self, call: InlineCall) -> None:
        """It was cancelled."""
        ...


class Pull:
    """A sync generator, drawn item by item in the calling thread.

    Args:
        begin: calls the function anew, for another attempt.
        generator: what the first call has returned.
        lock: held while the user's code runs; the actor's turn for a method.
    """

    def __init__(
        self,
        call: InlineCall,
        sink: Sink,
        outcomes: Outcomes,
        begin: Callable[[], Any],
        generator: Any,
        lock: threading.RLock,
        waits: Waits,
    ) -> None:
        self._call = call
        self._sink = sink
        self._outcomes = outcomes
        self._begin = begin
        self._iterator: Iterator[Any] | None = iter(generator)
        self._lock = lock
        self._waits = waits
        self._drawing = False

    def step(self) -> bool:
        """Draw one item; False when the call has ended."""
        with self._waits.held(self._lock):
            if self._over() or self._drawing:
                return False
            token = running.set(self._call)
            self._drawing = True
            try:
                return self._step() and not self._over()
            finally:
                self._drawing = False
                if self._over():
                    self._close()
                running.reset(token)

    def _over(self) -> bool:
        return self._call.ended

    def _step(self) -> bool:
        call, outcomes = self._call, self._outcomes
        if call.cancelled:
            outcomes.cancel_now(call)
            return False
        try:
            if self._iterator is None:
                self._iterator = iter(self._begin())
            item = next(self._iterator, NO_MORE)
        except KeyboardInterrupt:
            outcomes.cancel_now(call)
            raise
        except BaseException as error:
            return self._again(error)
        try:
            if item is not NO_MORE and self._sink.add(item):
                return True
            outcomes.exhausted(call)
        except Exception as error:
            outcomes.raised(call, error)
        return False

    def _again(self, error: BaseException) -> bool:
        """Whether it is run again after ``error``."""
        self._iterator = None
        if self._call.retry(error):
            self._sink.restart()
            return True
        self._outcomes.raised(self._call, error)
        return False

    def stop(self) -> None:
        """End it: now, or when the item that is being drawn is there."""
        self._call.cancelled = True
        if not self._lock.acquire(blocking=False):
            return
        try:
            if not self._drawing:
                token = running.set(self._call)
                try:
                    self._close()
                    self._outcomes.cancel_now(self._call)
                finally:
                    running.reset(token)
        finally:
            self._lock.release()

    def _close(self) -> None:
        iterator, self._iterator = self._iterator, iter(())
        if iterator is not None:
            close_generator(iterator)


async def draw_on_loop(call: InlineCall, value: Any, sink: Sink) -> None:
    """Draw the items of a generator, async or not, on the event loop, until it has ended.

    Raises:
        BaseException: whatever the user's code raises; ``asyncio.CancelledError`` when the call was cancelled.
    """
    try:
        if hasattr(value, "__aiter__"):
            async for item in value:
                if not await _hand_over(call, item, sink):
                    break
        else:
            for item in value:
                if not await _hand_over(call, item, sink):
                    break
    finally:
        await _close_on_loop(value)


async def _hand_over(call: InlineCall, item: Any, sink: Sink) -> bool:
    if call.struck:  # it has swallowed its cancellation
        raise asyncio.CancelledError
    wanted = sink.add(item)
    await asyncio.sleep(0)  # a generator that awaits nothing lets others run too
    if isinstance(sink, InlineStream):
        await sink.room()
    return wanted


async def _close_on_loop(value: Any) -> None:
    close = getattr(value, "aclose", None)
    if close is None:
        close_generator(value)
        return
    try:
        await close()
    except Exception:
        import traceback  # only needed when something went wrong

        traceback.print_exc()
