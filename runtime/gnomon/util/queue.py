"""Queue: first in, first out, between tasks, actors and drivers; an async actor holds the items.

    put --room--> in the queue --get--> delivered
     +--full--> waiting in line --^

Those who wait stand in line: room goes to the putter who has waited longest, an item to the getter who has.
A consumer who is interrupted or cancelled, or whose time is up, takes nothing. One who is killed while he
waits keeps his place, so that the item handed to him next is lost, as in Ray.
"""

from __future__ import annotations

import asyncio
import enum
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from gnomon._api import checks
from gnomon._api.actor import ActorHandle
from gnomon._api.decorator import remote
from gnomon._api.objects import cancel, get, kill, wait
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ActorDiedError, DeadlockError, QueueEmpty, QueueFull

__all__ = ["Empty", "Full", "Queue"]

T = TypeVar("T")

Empty = QueueEmpty
Full = QueueFull

CLIENTS_MAX: Final = 1_000_000
"""Calls that may wait in the queue's actor at a time. The 1,000 of other async actors would let so many
waiting consumers shut out the producer that they wait for."""


class _Mark(enum.Enum):
    """What the actor answers instead of an item."""

    EMPTY = "empty"


class Queue:
    """A queue that can be passed to tasks and actors; it ends with its last handle.

    Args:
        maxsize: how many items it takes; 0 or less is without limit.
        actor_options: options of the actor that holds the items, as for ``.options()``: a name, resources.

    Example:
        >>> queue = Queue(maxsize=100)
        >>> queue.put(1)
        >>> queue.get()
        1
    """

    def __init__(self, maxsize: int = 0, actor_options: Mapping[str, Any] | None = None) -> None:
        if isinstance(maxsize, bool) or not isinstance(maxsize, int):
            raise TypeError(f"maxsize of a Queue must be an integer, not {checks.shown(maxsize)}.")
        self.maxsize = maxsize
        options = {"max_concurrency": CLIENTS_MAX, **(actor_options or {})}
        self.actor: Any = remote(_QueueActor).options(**options).remote(maxsize)

    def __len__(self) -> int:
        return self.size()

    def __repr__(self) -> str:
        return f"Queue(maxsize={self.maxsize}, actor={self.actor!r})"

    def size(self) -> int:
        """How many items are in it."""
        return int(get(self._actor().qsize.remote()))

    def qsize(self) -> int:
        """How many items are in it."""
        return self.size()

    def empty(self) -> bool:
        """Whether there is nothing in it."""
        return self.size() == 0

    def full(self) -> bool:
        """Whether ``maxsize`` items are in it."""
        return 0 < self.maxsize <= self.size()

    # ---------------------------------------------------------------- one item

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Add an item.

        Args:
            item: any value that can be pickled; of a reference, its value.
            block: wait for room.
            timeout: seconds to wait at most; None for no limit.

        Raises:
            Full: there is no room, or there was none in time.
            ValueError: ``timeout`` is negative.
            DeadlockError: on the inline engine, nobody is there who could make room.
        """
        ref = self._actor().put.remote(item, _limit(block, timeout))
        try:
            self._check_put(get(ref))
        except (KeyboardInterrupt, DeadlockError):
            cancel(ref)
            raise

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the oldest item.

        Args:
            block: wait for an item.
            timeout: seconds to wait at most; None for no limit.

        Raises:
            Empty: there is no item, or there was none in time.
            ValueError: ``timeout`` is negative.
            DeadlockError: on the inline engine, nobody is there who could put an item.
        """
        actor = self._actor()
        ref = actor.get.remote(_limit(block, timeout))
        try:
            return _check_got(get(ref))
        except (KeyboardInterrupt, DeadlockError):  # Ctrl-C, or the task that waits was cancelled
            _withdraw(actor, ref)
            raise

    async def put_async(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """:meth:`put` for coroutines."""
        ref = self._actor().put.remote(item, _limit(block, timeout))
        try:
            self._check_put(await ref)
        except asyncio.CancelledError:
            cancel(ref)
            raise

    async def get_async(self, block: bool = True, timeout: float | None = None) -> Any:
        """:meth:`get` for coroutines."""
        actor = self._actor()
        ref = actor.get.remote(_limit(block, timeout))
        try:
            return _check_got(await ref)
        except asyncio.CancelledError:
            _withdraw(actor, ref)
            raise

    def put_nowait(self, item: Any) -> None:
        """``put(item, block=False)``."""
        self.put(item, block=False)

    def get_nowait(self) -> Any:
        """``get(block=False)``."""
        return self.get(block=False)

    # ---------------------------------------------------------------- many items

    def put_nowait_batch(self, items: Iterable[Any]) -> None:
        """Add items, all or none, in their order.

        Raises:
            Full: there is no room for all of them.
            TypeError: ``items`` is not iterable.
        """
        given: Any = items
        if not isinstance(given, Iterable):
            raise TypeError(f"items must be iterable, not {checks.shown(given)}.")
        batch = list(given)
        room: int | None = get(self._actor().put_batch.remote(batch))
        if room is not None:
            raise Full(f"{len(batch)} items do not fit: the queue of {self.maxsize} has room for {room}.")

    def get_nowait_batch(self, num_items: int) -> list[Any]:
        """Take the ``num_items`` oldest items.

        Raises:
            Empty: there are fewer; then none is taken.
            TypeError: ``num_items`` is not an integer.
            ValueError: it is negative.
        """
        checks.whole(0)("num_items of get_nowait_batch()", num_items)
        if num_items is None:
            raise TypeError("num_items of get_nowait_batch() must be an integer, not None.")
        items = get(self._actor().get_batch.remote(num_items))
        if not isinstance(items, list):
            raise Empty(f"There are {items} items in the queue, not {num_items}.")
        return items

    def shutdown(self, force: bool = False, grace_period_s: float = 5) -> None:
        """End the queue for all who use it; what is in it is lost, and those who wait get ``ActorDiedError``.

        Args:
            force: end it at once; otherwise what was called before, and need not wait, is done first.
            grace_period_s: seconds to wait for that.
        """
        actor, self.actor = self.actor, None
        if actor is None:
            return
        if not force:
            wait([actor.qsize.remote()], timeout=grace_period_s)
        kill(actor)

    def _actor(self) -> ActorHandle[Any]:
        if self.actor is None:
            raise ActorDiedError("Queue", reason="shutdown() was called on this queue")
        found: ActorHandle[Any] = self.actor
        return found

    def _check_put(self, done: bool) -> None:
        if not done:
            raise Full(f"There are {self.maxsize} items in the queue, as many as it takes.")


def _limit(block: bool, timeout: float | None) -> float | None:
    """Seconds that a call may wait."""
    if not block:
        return 0
    checks.timeout("the timeout of a Queue", timeout)
    return timeout


def _withdraw(actor: ActorHandle[Any], ref: ObjectRef[Any]) -> None:
    """A consumer does not want the item any more: take its place in the line away.

    Should the answer be on its way already, the item travels back: the second call runs only if the first
    was not cancelled, since a call with a failed argument does not.
    """
    cancel(ref)
    actor.take_back.remote(ref)


def _check_got(item: Any) -> Any:
    if item is _Mark.EMPTY:
        raise Empty
    return item


class _QueueActor:
    """Holds the items. Its methods answer at once where they can, and never raise for a full or empty queue:
    that is no failed call.
    """

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._items: deque[Any] = deque()
        # in the order of their arrival, and quick to leave from the middle
        self._getters: OrderedDict[asyncio.Future[Any], None] = OrderedDict()
        self._putters: OrderedDict[asyncio.Future[bool], Any] = OrderedDict()

    def qsize(self) -> int:
        return len(self._items)

    async def put(self, item: Any, limit: float | None) -> bool:
        """Whether the item is in the queue now."""
        if self._room() and not self._putters:
            self._add(item)
            return True
        if limit is not None and limit <= 0:
            return False
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._putters[turn] = item
        try:
            return await _within(turn, limit, False)
        finally:
            self._putters.pop(turn, None)

    async def get(self, limit: float | None) -> Any:
        """The oldest item, or the mark."""
        if self._items:
            return self._take()
        if limit is not None and limit <= 0:
            return _Mark.EMPTY
        turn: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._getters[turn] = None
        try:
            return await _within(turn, limit, _Mark.EMPTY)
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.take_back(turn.result())
            raise
        finally:
            self._getters.pop(turn, None)

    def take_back(self, item: Any) -> None:
        """An item did not arrive where it was delivered: it is still the oldest."""
        if item is not _Mark.EMPTY and not self._hand_over(item):
            self._items.appendleft(item)

    async def put_batch(self, items: list[Any]) -> int | None:
        """None, or how much room there is if that is too little."""
        room = self._maxsize - len(self._items)
        if items and 0 < self._maxsize and len(items) > room:
            return room
        for item in items:
            self._add(item)
        return None

    async def get_batch(self, count: int) -> list[Any] | int:
        """The items, or how many there are if that is too few."""
        if count > len(self._items):
            return len(self._items)
        return [self._take() for _ in range(count)]

    def _room(self) -> bool:
        return self._maxsize <= 0 or len(self._items) < self._maxsize

    def _add(self, item: Any) -> None:
        if not self._hand_over(item):
            self._items.append(item)

    def _hand_over(self, item: Any) -> bool:
        while self._getters:
            turn, _ = self._getters.popitem(last=False)
            if not turn.done():
                turn.set_result(item)
                return True
        return False

    def _take(self) -> Any:
        item = self._items.popleft()
        while self._putters and self._room():
            turn, waiting = self._putters.popitem(last=False)
            if not turn.done():
                turn.set_result(True)
                self._add(waiting)
        return item


async def _within(turn: asyncio.Future[T], limit: float | None, otherwise: T) -> T:
    """The result of ``turn``, or ``otherwise`` after ``limit`` seconds.

    The alarm decides by setting the result, so that "time is up" and "here is an item" can not both happen.
    """
    if limit is None:
        return await turn
    alarm = asyncio.get_running_loop().call_later(limit, _settle(turn, otherwise))
    try:
        return await turn
    finally:
        alarm.cancel()


def _settle(turn: asyncio.Future[T], result: T) -> Callable[[], None]:
    def settle() -> None:
        if not turn.done():
            turn.set_result(result)

    return settle
