"""Pool: the standard library's process pool, with actors as its processes.

    running --close--> closed --join--> its work is done, its workers are gone
       +----terminate, or the end of a with block--> terminated

Signatures and exceptions are those of ``multiprocessing.Pool``. Not the same: a worker that dies fails only
the chunk it was busy with (``ActorDiedError``) and is replaced; what a pool does goes on when the pool is
forgotten; ``imap`` takes from its iterable as it goes, not all at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from multiprocessing import TimeoutError
from typing import Any

from gnomon._api import checks, session
from gnomon._api.cluster import cluster_resources
from gnomon._api.objects import put
from gnomon.exceptions import ActorDiedError
from gnomon.util.multiprocessing._callbacks import Callbacks
from gnomon.util.multiprocessing._results import AsyncResult, IMapIterator
from gnomon.util.multiprocessing._workers import (
    Chunk,
    How,
    Workers,
    call_with_arguments,
    call_with_item,
    call_with_unpacked,
)

__all__ = ["AsyncResult", "IMapIterator", "Pool", "TimeoutError"]

CHUNKS_PER_WORKER = 4
"""Of ``map`` without a chunk size, as in the standard library."""

Callback = Callable[[Any], object]


class Pool:
    """A pool of worker processes.

    Args:
        processes: how many; by default the CPUs of the session. Starts a session with as many if none runs.
        initializer: called in each worker first.
        initargs: its arguments.
        maxtasksperchild: how many chunks a worker does before a fresh one takes its place.
        context: only warned about: workers are forked by the session.
        ray_address: of the session to start or join, as for ``init``.
        ray_remote_args: options of the workers, as for ``.options()`` of an actor class; without any, workers
            take no CPUs from others, as actors do not.

    Raises:
        ValueError: less than one process, or more than there are CPUs.
        ActorDiedError: the initializer raised.

    Example:
        >>> with Pool(2) as pool:
        ...     pool.map(abs, [-1, -2])
        [1, 2]
    """

    def __init__(
        self,
        processes: int | None = None,
        initializer: Callable[..., Any] | None = None,
        initargs: Iterable[Any] | None = None,
        maxtasksperchild: int | None = None,
        context: Any = None,
        ray_address: str | None = None,
        ray_remote_args: Mapping[str, Any] | None = None,
    ) -> None:
        checks.whole(1)("processes of a Pool", processes)
        checks.whole(1)("maxtasksperchild of a Pool", maxtasksperchild)
        if initializer is not None and not callable(initializer):
            raise TypeError(f"initializer of a Pool must be callable, not {checks.shown(initializer)}.")
        if context is not None:
            warnings.warn("A Pool of gnomon has no use for a context: the session forks it.", stacklevel=2)
        if not session.is_initialized():
            session.init(address=ray_address, num_cpus=processes)
        self._state = "running"
        self._callbacks = Callbacks()
        options = {"num_cpus": 0, **(ray_remote_args or {})}
        self._workers = Workers(
            _count(processes), maxtasksperchild, initializer, tuple(initargs or ()), options
        )

    # ---------------------------------------------------------------- one call

    def apply(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        kwds: Mapping[str, Any] | None = None,
    ) -> Any:
        """``func(*args, **kwargs)`` in a worker; waits for the value. ``kwds`` is the same as ``kwargs``.

        Raises:
            ValueError: the pool was closed.
            ActorDiedError: the worker died.
            Exception: what ``func`` raised.
        """
        return self.apply_async(func, args, kwargs or kwds).get()

    def apply_async(
        self,
        func: Callable[..., Any],
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
        *,
        kwds: Mapping[str, Any] | None = None,
    ) -> AsyncResult:
        """:meth:`apply` without waiting.

        Args:
            func: what to call.
            args: positional arguments.
            kwargs: arguments by name.
            kwds: the standard library's name of ``kwargs``.
            callback: called with the value, in a thread of the pool.
            error_callback: called with the exception instead.

        Raises:
            ValueError: the pool was closed.
        """
        self._check_running(func)
        result = self._result(callback, error_callback, True)
        item = (tuple(args or ()), dict(kwargs or kwds or {}))
        result._start([Chunk(result, 0, call_with_arguments, func, [item])])
        return result

    # ---------------------------------------------------------------- many calls

    def map(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = None
    ) -> list[Any]:
        """``func`` of each item; waits for the values, in the order of the items.

        Args:
            func: a function of one argument.
            iterable: the items; all are taken at once.
            chunksize: how many travel in one message; by default a quarter of a worker's share.

        Raises:
            ValueError: the pool was closed, or ``chunksize`` is less than 1.
            ActorDiedError: a worker died.
            Exception: what ``func`` raised, for the first item where it did; the rest of the items in the
                chunk of that one are not tried.
        """
        values: list[Any] = self.map_async(func, iterable, chunksize).get()
        return values

    def map_async(
        self,
        func: Callable[[Any], Any],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> AsyncResult:
        """:meth:`map` without waiting; callbacks as for :meth:`apply_async`."""
        return self._map(call_with_item, func, iterable, chunksize, callback, error_callback)

    def starmap(
        self, func: Callable[..., Any], iterable: Iterable[Iterable[Any]], chunksize: int | None = None
    ) -> list[Any]:
        """:meth:`map` where each item is the arguments: ``func(*item)``."""
        values: list[Any] = self.starmap_async(func, iterable, chunksize).get()
        return values

    def starmap_async(
        self,
        func: Callable[..., Any],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callback | None = None,
        error_callback: Callback | None = None,
    ) -> AsyncResult:
        """:meth:`starmap` without waiting; callbacks as for :meth:`apply_async`."""
        return self._map(call_with_unpacked, func, iterable, chunksize, callback, error_callback)

    def imap(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = 1
    ) -> IMapIterator:
        """Like :meth:`map`, with an iterator over the values; the iterable may be endless.

        Raises:
            ValueError: the pool was closed, or ``chunksize`` is less than 1.
        """
        return self._imap(func, iterable, chunksize, ordered=True)

    def imap_unordered(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None = 1
    ) -> IMapIterator:
        """Like :meth:`imap`, with the values in the order in which they become ready."""
        return self._imap(func, iterable, chunksize, ordered=False)

    # ---------------------------------------------------------------- the end

    def close(self) -> None:
        """Take no more work; what was asked for is done."""
        if self._state == "running":
            self._state = "closed"

    def terminate(self) -> None:
        """End the workers at once; results that are not ready raise ``ActorDiedError``."""
        self._state = "terminated"
        self._workers.terminate(ActorDiedError("PoolWorker", reason="its pool was terminated"))

    def join(self) -> None:
        """Wait until the work is done and the workers are let go.

        Raises:
            ValueError: the pool was neither closed nor terminated.
        """
        if self._state == "running":
            raise ValueError("Pool is still running: close() or terminate() it first.")
        for job in self._workers.jobs():
            if isinstance(job, IMapIterator):
                job._submit_all()
        self._workers.drain()
        self._callbacks.stop()

    def __enter__(self) -> Pool:
        self._check_running()
        return self

    def __exit__(self, *exception: object) -> None:
        self.terminate()
        self._callbacks.stop()

    def __reduce__(self) -> Any:
        raise NotImplementedError(
            "A Pool can not be passed to another process: make one there, or call remote functions."
        )

    def __repr__(self) -> str:
        return f"<gnomon.util.multiprocessing.Pool {self._state} processes={self._workers.count}>"

    # ---------------------------------------------------------------- inside

    def _map(
        self,
        how: How,
        func: Callable[..., Any],
        iterable: Iterable[Any],
        chunksize: int | None,
        callback: Callback | None,
        error_callback: Callback | None,
    ) -> AsyncResult:
        self._check_running(func)
        checks.whole(1)("chunksize of a Pool", chunksize)
        items = list(iterable)
        size = chunksize or max(1, -(-len(items) // (CHUNKS_PER_WORKER * self._workers.count)))
        pieces = [items[start : start + size] for start in range(0, len(items), size)]
        # stored once, not pickled once per chunk
        function: Any = func if len(pieces) < 2 else put(func)
        result = self._result(callback, error_callback, False)
        result._start([Chunk(result, number, how, function, piece) for number, piece in enumerate(pieces)])
        return result

    def _imap(
        self, func: Callable[[Any], Any], iterable: Iterable[Any], chunksize: int | None, ordered: bool
    ) -> IMapIterator:
        self._check_running(func)
        checks.whole(1)("chunksize of a Pool", chunksize)
        return IMapIterator(self._workers, call_with_item, put(func), iterable, chunksize or 1, ordered)

    def _result(
        self, callback: Callback | None, error_callback: Callback | None, single: bool
    ) -> AsyncResult:
        for each in (callback, error_callback):
            if each is not None and not callable(each):
                raise TypeError(f"a callback of a Pool must be callable, not {checks.shown(each)}.")
        return AsyncResult(self._workers, self._callbacks, callback, error_callback, single)

    def _check_running(self, func: Any = print) -> None:
        if self._state != "running":
            raise ValueError(f"Pool not running: it was {self._state}; make a new one.")
        if not callable(func):
            raise TypeError(f"a Pool calls functions, not {checks.shown(func)}.")


def _count(processes: int | None) -> int:
    """How many workers, within what there is."""
    cpus = int(cluster_resources().get("CPU", 0))
    if processes is not None and processes > cpus:
        raise ValueError(
            f"processes of a Pool is {processes}, but the session has {cpus} CPUs: ask for fewer, or start it "
            f"with init(num_cpus={processes})."
        )
    return max(1, cpus) if processes is None else processes
