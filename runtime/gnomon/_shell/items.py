"""The items of a generator as its consumer's process gets them; see ``gnomon._core.streams``."""

from __future__ import annotations

import concurrent.futures
from contextlib import AbstractContextManager
from typing import Any

from gnomon._core.events import CompletionWanted, ItemTaken, StreamClosed
from gnomon._messages.failures import STREAM_END
from gnomon._shell.core_worker import CoreWorker
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import NotInitializedError
from gnomon.ids import COMPLETION_INDEX, HANDLE_INDEX, ObjectID, TaskID, object_id


class OwnedItems:
    """The items of a generator that this process has submitted: an ``ItemSource``.

    Make it before the task is submitted: its handle is what the owner's role counts.
    """

    __slots__ = ("_core", "_hasty", "_task", "handle")

    def __init__(self, core: CoreWorker, task: TaskID, backpressure: int) -> None:
        self._core = core
        self._task = task
        self._hasty = backpressure > 0
        self.handle: ObjectRef[Any] = ObjectRef(object_id(task, HANDLE_INDEX))

    def item(self, index: int) -> ObjectID:
        """See ``ItemSource``."""
        return object_id(self._task, index)

    def peek(self, index: int) -> bool | None:
        """See ``ItemSource``.

        Raises:
            NotInitializedError: the session has ended.
        """
        value = self._core.values.get(object_id(self._task, index))
        if value is None:
            self._refuse_ended()
            return None
        return value != STREAM_END

    def _refuse_ended(self) -> None:
        if self._core.ended:
            raise NotInitializedError(self._core.ended)

    def wait(self, index: int) -> None:
        """See ``ItemSource``."""
        identity = object_id(self._task, index)
        if identity not in self._core.values:
            self._core.await_values((identity,), 1, None)

    def future(self, index: int) -> concurrent.futures.Future[None]:
        """See ``ItemSource``. Completed in the loop's thread."""
        future: concurrent.futures.Future[None] = concurrent.futures.Future()

        def there() -> None:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

        token = self._core.when_ready(object_id(self._task, index), there)
        future.add_done_callback(lambda done: self._core.abandon(token) if done.cancelled() else None)
        return future

    def take(self, index: int) -> ObjectRef[Any]:
        """See ``ItemSource``. A producer that waits for room is told at once, any other by the way."""
        ref: ObjectRef[Any] = ObjectRef(object_id(self._task, index))
        event = ItemTaken(self._task, index)
        if self._hasty:
            self._core.loop.post(event)
        else:
            self._core.loop.submit(event)
        return ref

    def close(self) -> None:
        """See ``ItemSource``. Returns when it is so; at once when the session has ended."""
        if not self._core.ended:
            self._core.loop.apply([StreamClosed(self._task)])

    def completed(self) -> ObjectRef[None]:
        """See ``ItemSource``.

        Raises:
            NotInitializedError: the session has ended.
        """
        self._refuse_ended()
        with self._core.undisturbed():
            ref: ObjectRef[None] = ObjectRef(object_id(self._task, COMPLETION_INDEX))
            self._core.loop.post(CompletionWanted(self._task))
        return ref

    def undisturbed(self) -> AbstractContextManager[None]:
        """See ``ItemSource``."""
        return self._core.undisturbed()
