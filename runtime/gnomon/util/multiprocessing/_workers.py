"""The workers of a pool, and who of them does what next.

    chunk waiting --a worker is idle--> running --outcome--> its job
    worker idle -> busy -> idle, or gone (died, or has done its number of chunks) -> created anew when needed

A chunk is a piece of a job that travels in one message. Whichever worker is idle gets the oldest waiting
chunk, so that a slow one holds up nothing but itself. The rules for a changer: no user code and no call of
the runtime under the lock; and one thread at a time hands out chunks (``_handing_out``), because on the inline
engine a call has ended, and wants to hand out the next, before ``remote()`` returns.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from gnomon._api.decorator import remote
from gnomon._api.objects import get, kill, wait
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ActorError, GnomonError, TaskError

Outcome = tuple[bool, Any]
"""(True, value) or (False, exception) of one item."""

PAUSE_S = 0.02
"""How long a task that waits for a pool looks away when no worker is busy: while a callback runs."""

How = Callable[[Callable[..., Any], Any], Any]
"""How an item becomes the arguments of the function."""


def call_with_arguments(function: Callable[..., Any], item: Any) -> Any:
    """``apply``: the item is (args, kwargs)."""
    return function(*item[0], **item[1])


def call_with_item(function: Callable[..., Any], item: Any) -> Any:
    """``map``: the item is the one argument."""
    return function(item)


def call_with_unpacked(function: Callable[..., Any], item: Any) -> Any:
    """``starmap``: the item is the arguments."""
    return function(*item)


class PoolWorker:
    """The actor: runs chunks."""

    def __init__(self, initializer: Callable[..., Any] | None, initargs: tuple[Any, ...]) -> None:
        if initializer is not None:
            initializer(*initargs)

    def ready(self) -> None:
        """Answers once the initializer has run."""

    def run(self, how: How, function: Callable[..., Any], items: Sequence[Any]) -> list[Any]:
        """The values, up to the first exception."""
        return [how(function, item) for item in items]

    def run_each(self, how: How, function: Callable[..., Any], items: Sequence[Any]) -> list[Outcome]:
        """The outcome of each."""
        return [_outcome(how, function, item) for item in items]


def _outcome(how: How, function: Callable[..., Any], item: Any) -> Outcome:
    try:
        return True, how(function, item)
    except Exception as error:
        return False, TaskError.from_exception(getattr(function, "__name__", "a function"), error)


class Job(Protocol):
    """What was asked of a pool with one call."""

    def _on_chunk(self, number: int, values: list[Any] | None, error: BaseException | None) -> None:
        """A chunk has ended: what the worker returned, or the error. In any thread, without a lock."""

    def _abandon(self, error: BaseException) -> None:
        """The pool was terminated."""


@dataclass(frozen=True, eq=False, slots=True)
class Chunk:
    """Items of a job.

    Attributes:
        number: of the chunk in its job.
        function: what to call, or a reference to it.
        each: whether the worker goes on after an exception.
    """

    job: Job
    number: int
    how: How
    function: Any
    items: Sequence[Any]
    each: bool = False


class _Slot:
    """The place of a worker: its actor, or None until it is needed."""

    __slots__ = ("actor", "chunks")

    def __init__(self) -> None:
        self.actor: Any = None
        self.chunks = 0


class Workers:
    """See the module.

    Args:
        count: workers.
        chunks_max: how many chunks a worker does before it is replaced; None for no limit.
        initializer: called in each worker first, with ``initargs``.
        options: of the actors.

    Raises:
        ActorDiedError: the initializer raised.
    """

    def __init__(
        self,
        count: int,
        chunks_max: int | None,
        initializer: Callable[..., Any] | None,
        initargs: tuple[Any, ...],
        options: dict[str, Any],
    ) -> None:
        self.count = count
        self._chunks_max = chunks_max
        self._create = partial(remote(PoolWorker).options(**options).remote, initializer, initargs)
        self._lock = threading.Lock()
        self._job_ended = threading.Condition(self._lock)
        self._idle = [_Slot() for _ in range(count)]
        self._busy: set[_Slot] = set()
        self._in_flight: dict[_Slot, ObjectRef[Any]] = {}
        self._chunk_ended = threading.Condition(self._lock)
        self._waiting: deque[Chunk] = deque()
        self._jobs: set[Job] = set()
        self._handing_out = False
        self._ended: BaseException | None = None
        for slot in self._idle:
            slot.actor = self._create()
        get([slot.actor.ready.remote() for slot in self._idle])

    # ---------------------------------------------------------------- jobs

    def begin(self, job: Job) -> None:
        """A job exists; :meth:`wait` waits for it until :meth:`end`."""
        with self._lock:
            self._jobs.add(job)

    def end(self, job: Job) -> None:
        """A job has all its outcomes."""
        with self._lock:
            self._jobs.discard(job)
            self._job_ended.notify_all()

    def jobs(self) -> list[Job]:
        """Those that have not ended."""
        with self._lock:
            return list(self._jobs)

    def drain(self) -> None:
        """Wait until all jobs have ended; then let the actors go."""
        with self._job_ended:
            self._job_ended.wait_for(lambda: not self._jobs)
            for slot in self._idle:
                slot.actor = None

    def terminate(self, error: BaseException) -> None:
        """End all workers at once; ``error`` is the outcome of what has none yet."""
        with self._lock:
            self._ended = error
            self._waiting.clear()
            jobs = list(self._jobs)
            actors = [slot.actor for slot in (*self._idle, *self._busy) if slot.actor is not None]
            for slot in self._idle:
                slot.actor = None
        for actor in actors:
            with contextlib.suppress(GnomonError):  # the session may be over
                kill(actor)
        for job in jobs:
            job._abandon(error)
            self.end(job)

    # ---------------------------------------------------------------- chunks

    def wait_for_a_chunk(self, timeout: float | None) -> None:
        """Wait until a chunk has ended, or somewhat less, or ``timeout`` seconds; as tasks wait in ``wait``."""
        with self._lock:
            refs = list(self._in_flight.values())
        if refs:
            ended = wait(refs, timeout=timeout)[0]
            with self._lock:
                self._chunk_ended.wait_for(lambda: not self._is_in_flight(ended), PAUSE_S)
        else:
            with self._lock:
                self._chunk_ended.wait(PAUSE_S if timeout is None else min(timeout, PAUSE_S))

    def _is_in_flight(self, refs: list[ObjectRef[Any]]) -> bool:
        return any(ref in refs for ref in self._in_flight.values())

    def submit(self, chunks: Sequence[Chunk]) -> None:
        """Have chunks done; after :meth:`terminate` their jobs are abandoned."""
        with self._lock:
            refused = self._ended
            if refused is None:
                self._waiting.extend(chunks)
        if refused is None:
            self._hand_out()
            return
        for job in {chunk.job for chunk in chunks}:
            job._abandon(refused)

    def _hand_out(self) -> None:
        with self._lock:
            if self._handing_out:
                return
            self._handing_out = True
        try:
            while (pair := self._next()) is not None:
                self._send(*pair)
        except BaseException:
            with self._lock:
                self._handing_out = False
            raise

    def _next(self) -> tuple[_Slot, Chunk] | None:
        with self._lock:
            if not (self._waiting and self._idle):
                self._handing_out = False
                return None
            slot = self._idle.pop()
            self._busy.add(slot)
            return slot, self._waiting.popleft()

    def _send(self, slot: _Slot, chunk: Chunk) -> None:
        slot.chunks += 1
        try:
            if slot.actor is None:
                slot.actor = self._create()
            method = slot.actor.run_each if chunk.each else slot.actor.run
            ref = method.remote(chunk.how, chunk.function, chunk.items)
        except BaseException as error:
            self._ended_with(slot, chunk, None, error)
            if not isinstance(error, Exception):  # Ctrl-C, on the inline engine in the midst of the chunk
                raise
        else:
            with self._lock:
                self._in_flight[slot] = ref
            ref.future().add_done_callback(partial(self._on_done, slot, chunk))

    def _on_done(self, slot: _Slot, chunk: Chunk, future: Future[Any]) -> None:
        error = future.exception()
        self._ended_with(slot, chunk, None if error is not None else future.result(), error)

    def _ended_with(
        self, slot: _Slot, chunk: Chunk, values: list[Any] | None, error: BaseException | None
    ) -> None:
        died = isinstance(error, ActorError) and not isinstance(error, TaskError)
        with self._lock:
            self._busy.discard(slot)
            self._in_flight.pop(slot, None)
            self._chunk_ended.notify_all()
            self._idle.append(slot)
            ended = self._ended is not None
            if died or ended or slot.chunks == self._chunks_max:
                slot.actor, slot.chunks = None, 0
        if not ended:
            self._hand_out()
            chunk.job._on_chunk(chunk.number, values, error)
