"""The items of streaming generators on the inline engine.

A stream always has one object ahead of what was made: the next item, or in the end ``STREAM_END``; who waits
for the next item waits for that. Items of a sync generator are made by whoever waits (``inline_generators``),
one at a time, the first one at submission; those of an async one on the event loop, as fast as it can.

    open --the generator has ended--> ended       (what was not taken can still be taken)
     +----close()--> closed                       (what was not taken is dropped)
     +----nobody holds the generator: its call is cancelled, unless somebody waits for its completion
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from gnomon._engine.inline_call import InlineCall
from gnomon._engine.inline_store import InlineStore
from gnomon._engine.inline_waits import Waits
from gnomon._messages.failures import STREAM_END
from gnomon._wire import pickling
from gnomon._wire.generators import ObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import COMPLETION_INDEX, HANDLE_INDEX, ObjectID, TaskID, index_of, object_id, task_of

_NOTHING = pickling.to_bytes(pickling.serialize(None))


class InlineStream:
    """One generator's items: the ``Sink`` of its call.

    Args:
        limit: how many items it may be ahead of its consumer; 0 is without limit.
        stop: ends the call; from any thread, soon.

    Attributes:
        pull: does the next step in the calling thread, False when there is none; None where that is not for a
            thread to do.
        made: how many items there have been; an error counts.
        taken: how many of them the consumer has.
        ended: no more will come.
        closed: no more are wanted, and those that were not taken are gone.
    """

    def __init__(
        self, call: InlineCall, store: InlineStore, limit: int, stop: Callable[[InlineCall], object]
    ) -> None:
        self.call = call
        self.pull: Callable[[], bool] | None = None
        self.made = 0
        self.taken = 0
        self.ended = False
        self.closed = False
        self.abandoned = False
        self._store = store
        self._limit = limit
        self._stop = stop
        self._position = 0
        self._items: dict[int, ObjectRef[Any]] = {}
        self._lock = threading.Lock()
        self._room: Callable[[], object] | None = None
        self._outcome = _NOTHING
        self.ahead = self._next_object(1)

    def _next_object(self, index: int) -> ObjectRef[Any]:
        identity = object_id(self.call.task_id, index)
        row = self.call.row
        return self._store.create(identity, self.call.name, row.cell, partial(self._make, index))

    def _make(self, index: int) -> None:
        """Somebody waits for item ``index``: make it, if that is for a thread to do."""
        while self.made < index and not self.ended and self.pull is not None:
            if not self.pull():
                return

    # ---------------------------------------------------------------- the producer

    def restart(self) -> None:
        """See ``Sink``."""
        self._position = 0

    def add(self, item: Any) -> bool:
        """See ``Sink``."""
        self._position += 1
        if self._position > self.made:
            packed = pickling.serialize(item, f"item {self._position} of {self.call.name}")
            self._append(pickling.to_bytes(packed), packed.contained)
        return not self.closed

    def _append(self, blob: bytes, contained: Sequence[ObjectID]) -> None:
        with self._lock:
            ref = self.ahead
            self.made += 1
            self.ahead = self._next_object(self.made + 1)
            if not self.closed and not self.abandoned:
                self._items[self.made] = ref
        self._store.fill(ref._id, blob, contained)

    def end(self) -> None:
        """See ``Sink``."""
        self.ended = True
        self.pull = None
        self._store.fill(self.ahead._id, STREAM_END)
        self._tell_completion()

    def fail(self, blob: bytes, contained: Sequence[ObjectID], raised: bool) -> None:
        """See ``Sink``. The error is one more item; that of the generator itself is no error of its completion."""
        if not self.ended:
            if not raised:
                self._outcome = blob
            self._append(blob, contained)
            self.end()

    async def room(self) -> None:
        """Wait, on the event loop, until the consumer is near enough."""
        loop = asyncio.get_running_loop()
        while (
            self._limit and self.made - self.taken >= self._limit and not self.closed and not self.abandoned
        ):
            near = asyncio.Event()
            self._room = partial(loop.call_soon_threadsafe, near.set)
            if self.made - self.taken >= self._limit:
                await near.wait()

    # ---------------------------------------------------------------- the consumer

    def peek(self, index: int) -> bool | None:
        """Whether item ``index`` is there; None where that is open, in spite of an attempt to make it."""
        if index not in self._items and not self.closed:
            self._make(index)
        with self._lock:
            if index in self._items:
                return True
            return False if self.closed or (self.ended and index > self.made) else None

    def settled(self, index: int) -> bool:
        """Whether nobody need wait for item ``index`` any more."""
        return self.made >= index or self.ended or self.closed

    def take(self, index: int) -> ObjectRef[Any]:
        """An item that is there."""
        with self._lock:
            self.taken = index
            ref = self._items.pop(index)
        self._make_room()
        return ref

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room()

    def close(self) -> None:
        """No more are wanted; returns when the generator is closed, if that is for a thread to do."""
        with self._lock:
            self.closed = True
            dropped, self._items = self._items, {}
        dropped.clear()
        if not self.ended:
            self._stop(self.call)
        self._make_room()

    def completed(self) -> ObjectRef[None]:
        """A reference that is ready when the call has ended."""
        identity = object_id(self.call.task_id, COMPLETION_INDEX)
        with self._lock:
            if self._store.exists(identity):
                return self._store.reference(identity)
            ref = self._store.create(identity, self.call.name, self.call.row.cell, self._drain)
        if self.ended:
            self._tell_completion()
        return ref

    def _drain(self) -> None:
        while not self.ended and self.pull is not None:
            if not self.pull():
                return

    def _tell_completion(self) -> None:
        identity = object_id(self.call.task_id, COMPLETION_INDEX)
        if self._store.exists(identity):
            self._store.fill(identity, self._outcome)

    # ---------------------------------------------------------------- the end

    def is_wanted(self) -> bool:
        """Whether somebody waits for its end."""
        return self._store.exists(object_id(self.call.task_id, COMPLETION_INDEX))

    def abandon(self) -> None:
        """Nobody holds the generator any more."""
        with self._lock:
            self.abandoned = True
            dropped, self._items = self._items, {}
        dropped.clear()
        self._make_room()


class InlineItems:
    """What an ``ObjectRefGenerator`` of this engine draws from: an ``ItemSource``."""

    __slots__ = ("_store", "_stream", "handle")

    def __init__(self, stream: InlineStream, store: InlineStore) -> None:
        self._stream = stream
        self._store = store
        self.handle: ObjectRef[Any] = store.create(
            object_id(stream.call.task_id, HANDLE_INDEX), stream.call.name, stream.call.row.cell
        )

    def item(self, index: int) -> ObjectID:
        """See ``ItemSource``."""
        if self._stream.closed:
            return ObjectID(self._stream.ahead._id)
        return object_id(self._stream.call.task_id, index)

    def peek(self, index: int) -> bool | None:
        """See ``ItemSource``; of a sync generator the item is made first."""
        self._store.refuse_ended()
        return self._stream.peek(index)

    def wait(self, index: int) -> None:
        """See ``ItemSource``."""
        while not self._stream.settled(index):
            self._store.wait([self._stream.ahead._id], 1, None)

    def future(self, index: int) -> concurrent.futures.Future[None]:
        """See ``ItemSource``."""
        future: concurrent.futures.Future[None] = concurrent.futures.Future()

        def there() -> None:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

        if self._stream.settled(index):
            there()
        else:
            self._store.when_ready(self.item(index), there)
        return future

    def take(self, index: int) -> ObjectRef[Any]:
        """See ``ItemSource``."""
        return self._stream.take(index)

    def close(self) -> None:
        """See ``ItemSource``."""
        self._stream.close()

    def completed(self) -> ObjectRef[None]:
        """See ``ItemSource``."""
        self._store.refuse_ended()
        return self._stream.completed()

    def undisturbed(self) -> AbstractContextManager[None]:
        """See ``ItemSource``: nothing here is torn by an interrupt between two steps for long."""
        return nullcontext()


class InlineStreams:
    """The streams of a session, each until its call has ended and nobody holds its generator.

    Args:
        cancel: ends a call.
    """

    def __init__(self, store: InlineStore, waits: Waits, cancel: Callable[[InlineCall], object]) -> None:
        self._store = store
        self._waits = waits
        self._cancel = cancel
        self._streams: dict[TaskID, InlineStream] = {}
        self._released: queue.SimpleQueue[ObjectID | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def open(self, call: InlineCall, limit: int) -> ObjectRefGenerator[Any]:
        """The stream of a new call, which becomes its sink, and the generator to hand out."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._serve_released, name="gnomon-inline-close", daemon=True
            )
            self._thread.start()
        stream = self._streams[call.task_id] = InlineStream(call, self._store, limit, self._cancel)
        call.sink = stream
        return ObjectRefGenerator(InlineItems(stream, self._store))

    def released(self, identity: ObjectID) -> bool:
        """A token of a call is gone; False when no stream of ours is meant.

        Called inside ``__del__``, so all it does is to hand it to a thread.
        """
        if task_of(identity) not in self._streams:
            return False
        self._released.put(identity)
        return True

    def ended(self, call: InlineCall) -> None:
        """A call has its outcome."""
        stream = self._streams.get(call.task_id)
        if stream is not None and stream.abandoned:
            del self._streams[call.task_id]

    def close(self) -> None:
        """The session ends."""
        self._streams.clear()
        if self._thread is not None:
            self._released.put(None)
            self._thread.join()

    def _serve_released(self) -> None:
        while True:
            with self._waits.blocked():
                identity = self._released.get()
            if identity is None:
                return
            stream = self._streams.get(task_of(identity))
            if stream is not None:
                self._let_go(stream, identity)
            del stream

    def _let_go(self, stream: InlineStream, identity: ObjectID) -> None:
        if index_of(identity) == HANDLE_INDEX:
            stream.abandon()
        if not stream.abandoned:
            return
        if stream.ended:
            self._streams.pop(stream.call.task_id, None)
        elif not stream.is_wanted():
            self._cancel(stream.call)
