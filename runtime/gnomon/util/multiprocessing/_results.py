"""What a pool hands back at once, for outcomes that come later.

    AsyncResult   pending -> ready (a value or an exception)
    IMapIterator  items are submitted a few ahead of those that were taken, so that the iterable may be endless;
                  what has a length is done to its end when the pool is joined, whether it is taken or not

Exceptions are those that the function raised, as with the standard library's pool; the ``TaskError`` that
brought them here, with the traceback of the worker, is their ``__cause__``.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import chain, islice
from multiprocessing import TimeoutError
from typing import Any

from gnomon._api import session
from gnomon._engine import notebook_hooks
from gnomon.exceptions import TaskError
from gnomon.util.multiprocessing._callbacks import Callbacks
from gnomon.util.multiprocessing._workers import Chunk, How, Outcome, Workers

CHUNKS_AHEAD_PER_WORKER = 2
"""Of ``imap``: one to do, and one to begin with as soon as that is done."""


def _lends() -> bool:
    """Whether the caller is a task, whose CPUs are lent to others while it waits."""
    engine = session.current
    return engine is not None and engine.name != "inline" and engine.context().mode == "worker"


def _wait_lending(workers: Workers, done: Callable[[], bool], timeout: float | None) -> bool:
    """Wait as ``get`` does in a task; False when ``timeout`` seconds are over."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while not done():
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            return False
        workers.wait_for_a_chunk(left)
    return True


def original(error: BaseException) -> BaseException:
    """The exception that the user's code raised, its traceback in the worker as the cause."""
    if not isinstance(error, TaskError) or not isinstance(error.cause, Exception):
        return error  # a SystemExit of a worker is not one of this process
    error.show_sources(notebook_hooks.cell_name)
    cause = error.cause
    cause.__cause__ = error.with_traceback(None)
    return cause.with_traceback(None)


class AsyncResult:
    """The outcome of ``apply_async``, ``map_async`` or ``starmap_async``.

    Made by the pool. Callbacks have returned before it is ready.
    """

    def __init__(
        self,
        workers: Workers,
        callbacks: Callbacks,
        callback: Callable[[Any], object] | None,
        error_callback: Callable[[BaseException], object] | None,
        single: bool,
    ) -> None:
        self._workers = workers
        self._callbacks = callbacks
        self._callback = callback
        self._error_callback = error_callback
        self._single = single
        self._lock = threading.Lock()
        self._values: dict[int, list[Any]] = {}
        self._errors: dict[int, BaseException] = {}
        self._left = 0
        self._value: Any = None
        self._error: BaseException | None = None
        self._ready = threading.Event()

    def get(self, timeout: float | None = None) -> Any:
        """The value, or the list of values; waits for it.

        Args:
            timeout: seconds; None for no limit.

        Raises:
            TimeoutError: the time is up (``multiprocessing.TimeoutError``).
            ActorDiedError: a worker died, or the pool was terminated.
            Exception: what the function raised.
        """
        self.wait(timeout)
        if not self._ready.is_set():
            raise TimeoutError(f"There was no result after {timeout} s: wait longer, or get() it later.")
        if self._error is not None:
            raise original(self._error)
        return self._value

    def wait(self, timeout: float | None = None) -> None:
        """Wait until it is ready, or ``timeout`` seconds are over."""
        if _lends():
            _wait_lending(self._workers, self._ready.is_set, timeout)
        else:
            self._ready.wait(timeout)

    def ready(self) -> bool:
        """Whether there is an outcome."""
        return self._ready.is_set()

    def successful(self) -> bool:
        """Whether the outcome is a value.

        Raises:
            ValueError: there is none yet.
        """
        if not self._ready.is_set():
            raise ValueError(f"{self!r} is not ready: wait() for it first.")
        return self._error is None

    # ---------------------------------------------------------------- for the pool

    def _start(self, chunks: list[Chunk]) -> None:
        """Have the job done; called once, by the pool."""
        self._left = len(chunks)
        self._workers.begin(self)
        if chunks:
            self._workers.submit(chunks)
        else:
            self._finish()

    def _on_chunk(self, number: int, values: list[Any] | None, error: BaseException | None) -> None:
        """See ``Job``."""
        with self._lock:
            if error is not None:
                self._errors[number] = error
            elif values is not None:
                self._values[number] = values
            self._left -= 1
            if self._left:
                return
        self._finish()

    def _abandon(self, error: BaseException) -> None:
        """See ``Job``; callbacks are not called."""
        if not self._ready.is_set():
            self._error = error
            self._ready.set()

    def _finish(self) -> None:
        if self._errors:
            self._error = self._errors[min(self._errors)]
        else:
            values = list(chain.from_iterable(self._values[number] for number in sorted(self._values)))
            self._value = values[0] if self._single else values
        self._values.clear()
        if (self._callback if self._error is None else self._error_callback) is None:
            self._settle()
        else:
            self._callbacks.call(self._call_back)

    def _call_back(self) -> None:
        try:
            if self._error is not None:
                if self._error_callback is not None:
                    self._error_callback(original(self._error))
            elif self._callback is not None:
                self._callback(self._value)
        finally:
            self._settle()

    def _settle(self) -> None:
        self._ready.set()
        self._workers.end(self)


class IMapIterator:
    """The outcomes of ``imap`` or ``imap_unordered``, one by one. Made by the pool.

    An exception of the function is raised in its place; ``next`` then goes on with the items after it.
    """

    def __init__(
        self,
        workers: Workers,
        how: How,
        function: Any,
        iterable: Iterable[Any],
        size: int,
        ordered: bool,
    ) -> None:
        self._workers = workers
        self._how = how
        self._function = function
        self._size = size
        self._ordered = ordered
        self._source: Iterator[Any] = iter(iterable)
        self._ends = isinstance(iterable, Sized)
        self._feeding = threading.RLock()  # held while the user's iterable runs
        self._changed = threading.Condition()
        self._sizes: dict[int, int] = {}  # of the chunks without an outcome
        self._early: dict[int, list[Outcome]] = {}  # chunks that wait for an earlier one
        self._outcomes: deque[Outcome] = deque()
        self._next_number = 0
        self._ahead = 0  # items submitted and not taken
        self._submitted = 0  # chunks
        self._exhausted = False
        self._source_error: BaseException | None = None
        self._abandoned: BaseException | None = None
        if self._ends:
            workers.begin(self)
        self._feed()

    def __iter__(self) -> IMapIterator:
        return self

    def __next__(self) -> Any:
        return self.next()

    def next(self, timeout: float | None = None) -> Any:
        """The next value.

        Args:
            timeout: seconds to wait; None for no limit.

        Raises:
            StopIteration: there are no more.
            TimeoutError: the time is up (``multiprocessing.TimeoutError``).
            Exception: what the function, or the iterable, raised.
        """
        self._feed()
        if _lends():
            _wait_lending(self._workers, self._answer_is_known, timeout)
            timeout = 0
        with self._changed:
            if not self._changed.wait_for(self._answer_is_known, timeout):
                raise TimeoutError(f"There was no result after {timeout} s: call next() again.")
            if not self._outcomes:
                error, self._source_error = self._source_error, None
                raise self._abandoned or error or StopIteration
            good, value = self._outcomes.popleft()
            self._ahead -= 1
        self._feed()
        if good:
            return value
        raise original(value)

    def _answer_is_known(self) -> bool:
        return bool(self._outcomes) or self._abandoned is not None or (self._exhausted and not self._ahead)

    # ---------------------------------------------------------------- for the pool

    def _submit_all(self) -> None:
        """The pool is waited for: take all that is left of the iterable, if it is sure to have an end."""
        if self._ends:
            self._feed(everything=True)

    def _on_chunk(self, number: int, values: list[Any] | None, error: BaseException | None) -> None:
        """See ``Job``."""
        with self._changed:
            size = self._sizes.pop(number)
            outcomes = [(False, error)] * size if values is None else values
            if self._ordered:
                self._early[number] = outcomes
                while self._next_number in self._early:
                    self._outcomes.extend(self._early.pop(self._next_number))
                    self._next_number += 1
            else:
                self._outcomes.extend(outcomes)
            self._changed.notify_all()
            self._end_if_done()

    def _abandon(self, error: BaseException) -> None:
        """See ``Job``."""
        with self._changed:
            self._abandoned = error
            self._changed.notify_all()

    def _feed(self, everything: bool = False) -> None:
        """Submit chunks until enough are ahead."""
        limit = CHUNKS_AHEAD_PER_WORKER * self._workers.count * self._size
        with self._feeding:
            while not self._exhausted and (everything or self._ahead < limit) and self._abandoned is None:
                items = self._next_items()
                if items:
                    self._submit(items)

    def _next_items(self) -> list[Any]:
        items: list[Any] = []
        try:
            items.extend(islice(self._source, self._size))
        except Exception as error:
            self._source_error = error
        with self._changed:
            self._exhausted = len(items) < self._size
            self._changed.notify_all()
            self._end_if_done()
        return items

    def _submit(self, items: list[Any]) -> None:
        number = self._submitted
        self._submitted += 1
        with self._changed:
            self._sizes[number] = len(items)
            self._ahead += len(items)
            self._workers.begin(self)
        self._workers.submit([Chunk(self, number, self._how, self._function, items, each=True)])

    def _end_if_done(self) -> None:
        """Under the lock: that nothing is in flight, and that the pool is told so, is one step."""
        if not self._sizes and (self._exhausted or not self._ends):
            self._workers.end(self)
