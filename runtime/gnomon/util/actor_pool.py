"""ActorPool: hands work to whichever actor of a fixed set is idle, and gives the results back.

    submit --an actor is idle--> running --get_next--> returned
       +----none is----> waiting ---^ (the actor of a returned result is free again)

The pool does nothing on its own: a waiting submission starts when a result is taken. The one rule for a
changer: an actor is in exactly one place, among the idle ones or in one running call; a dead one in neither.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from gnomon._api import checks
from gnomon._api.actor import ActorHandle
from gnomon._api.objects import get, wait
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ActorDiedError

__all__ = ["ActorPool"]

V = TypeVar("V")

Submit = Callable[[Any, V], Any]
"""What a caller gives: takes an actor and a value, calls a method, returns the reference (or references)."""


class _Running:
    """A call that an actor is busy with."""

    __slots__ = ("actor", "refs", "single")

    def __init__(self, actor: Any, result: Any) -> None:
        self.actor = actor
        self.single = not isinstance(result, list)
        self.refs: list[ObjectRef[Any]] = [result] if self.single else result
        wrong = [each for each in self.refs if not isinstance(each, ObjectRef)]
        if wrong or not self.refs:
            raise ValueError(
                "The function of an ActorPool must return the reference of a call, "
                f"not {checks.shown(result)}: write lambda actor, value: actor.method.remote(value)."
            )

    def ready(self, timeout: float | None) -> bool:
        """Whether all results are there within ``timeout`` seconds."""
        return not wait(self.refs, num_returns=len(self.refs), timeout=timeout)[1]


class ActorPool:
    """A fixed set of actors that work is handed to.

    Args:
        actors: handles on the actors.

    Example:
        >>> pool = ActorPool([Doubler.remote(), Doubler.remote()])
        >>> list(pool.map(lambda actor, value: actor.double.remote(value), [1, 2, 3]))
        [2, 4, 6]
    """

    def __init__(self, actors: Iterable[ActorHandle[Any]]) -> None:
        if not isinstance(actors, Iterable):
            raise TypeError(f"an ActorPool takes a list of handles of actors, not {checks.shown(actors)}.")
        self._idle = list(actors)
        for actor in self._idle:
            _check_actor(actor)
        self._running: dict[int, _Running] = {}  # by number of submission; the first is the oldest
        self._waiting: deque[tuple[Submit[Any], Any]] = deque()
        self._submitted = 0
        self._out_of_order = False

    def map(self, fn: Submit[V], values: Iterable[V]) -> Iterator[Any]:
        """Call ``fn(actor, value)`` for each value; the results in the order of the values.

        The calls are submitted at once, as far as actors are free; results of earlier submissions that nobody
        has taken are dropped. The pool goes on while the iterator is read.

        Args:
            fn: returns the reference of a call to the actor.
            values: what to call it with.
        """
        self._submit_all(fn, values)
        return self._results(self.get_next)

    def map_unordered(self, fn: Submit[V], values: Iterable[V]) -> Iterator[Any]:
        """Like :meth:`map`, with the results in the order in which they become ready."""
        self._submit_all(fn, values)
        return self._results(self.get_next_unordered)

    def submit(self, fn: Submit[V], value: V) -> None:
        """Call ``fn(actor, value)`` as soon as an actor is free.

        Raises:
            TypeError: ``fn`` can not be called.
            ValueError: ``fn`` returned no reference (raised where the call starts).
        """
        if not callable(fn):
            raise TypeError(
                f"submit() of an ActorPool takes a function of an actor and a value, not {checks.shown(fn)}: write "
                "lambda actor, value: actor.method.remote(value)."
            )
        if not self._idle:
            self._waiting.append((fn, value))
            return
        actor = self._idle.pop()
        try:
            self._running[self._submitted] = _Running(actor, fn(actor, value))
        except BaseException:
            self._idle.append(actor)
            raise
        self._submitted += 1

    def get_next(self, timeout: float | None = None, ignore_if_timedout: bool = False) -> Any:
        """The result of the oldest submission whose result was not taken yet.

        Args:
            timeout: seconds to wait; None for no limit.
            ignore_if_timedout: when the time is up, also give that result up and count its actor as free.

        Raises:
            StopIteration: there is nothing left to get.
            TimeoutError: the time is up.
            ValueError: a younger result was taken by :meth:`get_next_unordered` before, or no actor is left.
        """
        self._check_next(timeout)
        if self._out_of_order:
            raise ValueError(
                "get_next() gives results in order, but get_next_unordered() has taken a younger one: take "
                "the rest with get_next_unordered() too."
            )
        number, call = next(iter(self._running.items()))
        if timeout is None or call.ready(timeout):
            return self._take(number)
        raise self._timed_out(number, timeout, ignore_if_timedout)

    def get_next_unordered(self, timeout: float | None = None, ignore_if_timedout: bool = False) -> Any:
        """The result that becomes ready first.

        Args:
            timeout: seconds to wait; None for no limit.
            ignore_if_timedout: when the time is up, also give the oldest result up and count its actor as free.

        Raises:
            StopIteration: there is nothing left to get.
            TimeoutError: the time is up.
            ValueError: no actor is left.
        """
        self._check_next(timeout)
        number = self._first_ready(timeout)
        if number is None:
            assert timeout is not None
            raise self._timed_out(next(iter(self._running)), timeout, ignore_if_timedout)
        self._out_of_order |= number != next(iter(self._running))
        return self._take(number)

    def has_next(self) -> bool:
        """Whether there are submissions whose result was not taken yet."""
        return bool(self._running or self._waiting)

    def has_free(self) -> bool:
        """Whether an actor is idle and no submission waits for one."""
        return bool(self._idle) and not self._waiting

    def pop_idle(self) -> Any:
        """Take an idle actor out of the pool; None when there is none."""
        return self._idle.pop() if self.has_free() else None

    def push(self, actor: ActorHandle[Any]) -> None:
        """Add an actor to the pool.

        Raises:
            ValueError: it is in the pool already.
        """
        _check_actor(actor)
        if actor in self._idle or any(call.actor == actor for call in self._running.values()):
            raise ValueError(f"{actor!r} is in this ActorPool already: push each actor once.")
        self._free(actor)

    # ---------------------------------------------------------------- inside

    def _submit_all(self, fn: Submit[V], values: Iterable[V]) -> None:
        self._waiting.clear()
        self._idle += [call.actor for call in self._running.values()]
        self._running.clear()
        self._out_of_order = False
        for value in values:
            self.submit(fn, value)

    def _results(self, take: Callable[[], Any]) -> Iterator[Any]:
        while self.has_next():
            yield take()

    def _check_next(self, timeout: float | None) -> None:
        checks.timeout("the timeout of an ActorPool", timeout)
        if self._running:
            return
        if self._waiting:
            raise ValueError(
                f"{len(self._waiting)} submissions wait, but the ActorPool has no living actor: push() one."
            )
        raise StopIteration("There are no more results to get: submit() something first.")

    def _first_ready(self, timeout: float | None) -> int | None:
        """Number of a running call all of whose results are ready, or None when the time is up."""
        deadline = None if timeout is None else time.monotonic() + timeout
        number_of = {ref: number for number, call in self._running.items() for ref in call.refs}
        pending = list(number_of)
        while pending:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready, pending = wait(pending, timeout=left)
            if not ready:
                return None
            number = number_of[ready[0]]
            if self._running[number].ready(0):
                return number
        return None

    def _timed_out(self, number: int, timeout: float, ignore: bool) -> TimeoutError:
        """The error to raise; the call is dropped if it is to be ignored."""
        text = f"There was no result after {timeout:g} s"
        if not ignore:
            return TimeoutError(f"{text}. Call again, or with a longer timeout.")
        call = self._forget(number)
        self._free(call.actor)
        return TimeoutError(f"{text}, and that of {call.refs[0]!r} is ignored from now on.")

    def _take(self, number: int) -> Any:
        call = self._forget(number)
        try:
            return get(call.refs[0]) if call.single else get(call.refs)
        except ActorDiedError:
            call.actor = None
            raise
        finally:
            self._free(call.actor)

    def _forget(self, number: int) -> _Running:
        call = self._running.pop(number)
        if not self.has_next():
            self._out_of_order = False
        return call

    def _free(self, actor: Any) -> None:
        """An actor (None: a dead one) has nothing to do."""
        if actor is not None:
            self._idle.append(actor)
        if self._waiting and self._idle:
            self.submit(*self._waiting.popleft())


def _check_actor(actor: Any) -> None:
    if not isinstance(actor, ActorHandle):
        raise TypeError(
            f"an ActorPool holds handles of actors, not {checks.shown(actor)}: create one with .remote()."
        )
