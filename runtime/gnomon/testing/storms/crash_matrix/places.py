"""Places where a user's code runs, each as a function that has a fault happen there and returns what is to be looked at."""

from __future__ import annotations

import atexit
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

import gnomon
from gnomon.testing.storms.crash_matrix.bombs import OnArrival, OnCollection, OnDeparture, Thrown
from gnomon.testing.storms.crash_matrix.faults import Trigger

LARGE_BYTES = 500_000
TASK, ACTOR = "task", "actor"
VALUE = "value"
"""What everything gives that is not hit."""

RETRIES = 1
"""Of the tasks that go wrong: so they are met with others on a worker, and then alone."""


ITEM_S = 15.0
"""How long the next item of a generator may take."""


class Place(NamedTuple):
    """Where a fault happens.

    Attributes:
        owner: whose code it is: of a ``TASK`` or of an ``ACTOR``; that decides which error tells of a death.
        start: has a fault happen there, given what triggers it; returns the reference of the outcome.
        heard: whether what is raised there fails the outcome (else it goes unnoticed, or ends a thread).
        cancellable: whether what hangs there in an actor can be cancelled; of a task all can be, since its
            worker is killed in the end.
        throws: whether it is an exception of its own that goes wrong: that one is told.
        streams: whether ``start`` takes items until it goes wrong.
    """

    name: str
    owner: str
    start: Callable[[Trigger], Any]
    heard: bool = True
    cancellable: bool = False
    throws: bool = False
    streams: bool = False


# ------------------------------------------------------------------------------- in tasks


@gnomon.remote(max_retries=RETRIES)
def _body(trigger: Trigger) -> str:
    trigger.fire()
    return VALUE


@gnomon.remote(max_retries=RETRIES)
def _take(_value: Any) -> str:
    return VALUE


@gnomon.remote(max_retries=RETRIES)
def _give(trigger: Trigger) -> Any:
    return OnDeparture(trigger)


@gnomon.remote
def _give_bomb(trigger: Trigger) -> Any:
    return OnArrival(trigger)


@gnomon.remote(max_retries=RETRIES)
def _nested(trigger: Trigger) -> Any:
    return gnomon.get(_body.remote(trigger))


@gnomon.remote(max_retries=RETRIES)
def _collect(trigger: Trigger) -> str:
    OnCollection(trigger)
    return VALUE


@gnomon.remote(max_retries=RETRIES)
def _collect_after(trigger: Trigger) -> str:
    _kept = OnCollection(trigger)
    return VALUE


@gnomon.remote(max_retries=RETRIES)
def _in_a_thread(trigger: Trigger) -> str:
    thread = threading.Thread(target=trigger.fire)
    thread.start()
    thread.join()
    return VALUE


@gnomon.remote(max_retries=RETRIES)
def _throw(trigger: Trigger) -> None:
    raise Thrown(trigger)


@gnomon.remote(num_cpus=0)
def _nap(seconds: float) -> str:
    threading.Event().wait(seconds)
    return VALUE


@gnomon.remote(max_retries=RETRIES)
def _during_get(trigger: Trigger) -> Any:
    child = _nap.remote(0.2)
    threading.Timer(0.02, trigger.fire).start()
    return gnomon.get(child)


@gnomon.remote(max_retries=RETRIES)
def _with_large(argument: bytes, trigger: Trigger) -> str:
    mine = gnomon.put(bytes(LARGE_BYTES))
    view = memoryview(gnomon.get(mine))
    trigger.fire()
    return VALUE if len(view) == len(argument) else ""


@gnomon.remote(max_retries=RETRIES)
def _while_submitting(trigger: Trigger) -> str:
    children = [_nap.remote(0.0) for _ in range(20)]
    trigger.fire()
    children += [_nap.remote(0.0) for _ in range(20)]
    return VALUE if gnomon.get(children) == [VALUE] * 40 else ""


@gnomon.remote(num_returns="streaming", max_retries=RETRIES)
def _items(trigger: Trigger) -> Iterator[Any]:
    yield 1
    yield 2
    trigger.fire()
    yield VALUE


@gnomon.remote(num_returns="streaming", max_retries=RETRIES)
def _bomb_as_item(trigger: Trigger) -> Iterator[Any]:
    yield 1
    yield OnDeparture(trigger)


def _after(items: Any, *before: int) -> Any:
    """The item after those, or the one that tells of the failure: what was sent just before a death is lost with it.

    Items come once each and in order, whatever becomes of the generator.
    """
    for number in before:
        item = next(items)
        try:
            value = gnomon.get(item, timeout=ITEM_S)
        except BaseException:  # looked at by whoever called
            return item
        assert value == number, (value, number)
    return next(items)


def _closure(trigger: Trigger) -> Any:
    bomb = OnArrival(trigger)

    def function() -> str:
        return (VALUE, bomb)[0]

    return gnomon.remote(max_retries=RETRIES)(function).remote()


# ------------------------------------------------------------------------------- in actors


class _Body:
    def __init__(self, trigger: Trigger | None = None, _value: Any = None) -> None:
        if trigger is not None:
            trigger.fire()

    def ping(self, _value: Any = None) -> str:
        return VALUE

    def act(self, trigger: Trigger) -> str:
        trigger.fire()
        return VALUE

    def give(self, trigger: Trigger) -> Any:
        return OnDeparture(trigger)

    def throw(self, trigger: Trigger) -> None:
        raise Thrown(trigger)

    def during_get(self, trigger: Trigger) -> Any:
        child = _nap.remote(0.2)
        threading.Timer(0.02, trigger.fire).start()
        return gnomon.get(child)

    def after(self, trigger: Trigger, seconds: float) -> str:
        threading.Timer(seconds, trigger.fire).start()
        return VALUE

    def nap(self, seconds: float) -> str:
        threading.Event().wait(seconds)
        return VALUE

    def items(self, trigger: Trigger) -> Iterator[Any]:
        yield 1
        yield 2
        trigger.fire()
        yield VALUE

    def at_exit(self, trigger: Trigger) -> str:
        atexit.register(trigger.fire)
        return VALUE

    def keep(self, trigger: Trigger) -> str:
        self.kept = OnCollection(trigger)
        return VALUE


class _ThreadedBody:
    def act(self, trigger: Trigger) -> str:
        trigger.fire()
        return VALUE


class _AsyncBody:
    async def act(self, trigger: Trigger) -> str:
        trigger.fire()
        return VALUE

    async def items(self, trigger: Trigger) -> AsyncIterator[Any]:
        yield 1
        yield 2
        trigger.fire()
        yield VALUE

    async def act_after_await(self, trigger: Trigger) -> str:
        await gnomon.put(1)
        trigger.fire()
        return VALUE


_Actor: Any = gnomon.remote(num_cpus=0)(_Body)
_Threaded: Any = gnomon.remote(num_cpus=0, max_concurrency=3)(_ThreadedBody)
_Async: Any = gnomon.remote(num_cpus=0)(_AsyncBody)


def _between_calls(trigger: Trigger) -> Any:
    """The first call arms it, the second comes when it is over."""
    actor = _Actor.remote()
    gnomon.get(actor.after.remote(trigger, 0.05))
    gnomon.get(_nap.remote(0.2))
    return actor.ping.remote()


PLACES = {
    place.name: place
    for place in (
        Place("a task", TASK, lambda trigger: _body.remote(trigger)),
        Place("a nested task", TASK, lambda trigger: _nested.remote(trigger)),
        Place("an argument's arrival", TASK, lambda trigger: _take.remote(OnArrival(trigger))),
        Place("a large argument's arrival", TASK,
              lambda trigger: _take.remote(OnArrival(trigger, bytes(LARGE_BYTES)))),
        Place("a dependency's arrival", TASK, lambda trigger: _take.remote(_give_bomb.remote(trigger))),
        Place("a closure's arrival", TASK, _closure),
        Place("a result's departure", TASK, lambda trigger: _give.remote(trigger)),
        Place("an exception's departure", TASK, lambda trigger: _throw.remote(trigger),
              throws=True),
        Place("__del__ in a task", TASK, lambda trigger: _collect.remote(trigger), heard=False),
        Place("__del__ after a task", TASK, lambda trigger: _collect_after.remote(trigger), heard=False),
        Place("a thread of a task", TASK, lambda trigger: _in_a_thread.remote(trigger), heard=False),
        Place("get in a task", TASK, lambda trigger: _during_get.remote(trigger), heard=False),
        Place("a task with large objects", TASK,
              lambda trigger: _with_large.remote(bytes(LARGE_BYTES), trigger)),
        Place("a task that submits", TASK, lambda trigger: _while_submitting.remote(trigger)),
        Place("a generator", TASK, lambda trigger: _after(_items.remote(trigger), 1, 2), streams=True),
        Place("an item's departure", TASK, lambda trigger: _after(_bomb_as_item.remote(trigger), 1), streams=True),
        Place("a generator of an actor", ACTOR,
              lambda trigger: _after(_Actor.remote().items.options(num_returns="streaming").remote(trigger), 1, 2), streams=True),
        Place("an async generator", ACTOR,
              lambda trigger: _after(_Async.remote().items.options(num_returns="streaming").remote(trigger), 1, 2), streams=True),
        Place("a constructor", ACTOR, lambda trigger: _Actor.remote(trigger).ping.remote()),
        Place("a constructor's argument", ACTOR,
              lambda trigger: _Actor.remote(None, OnArrival(trigger)).ping.remote()),
        Place("a method", ACTOR, lambda trigger: _Actor.remote().act.remote(trigger), cancellable=True),
        Place("a method's argument", ACTOR, lambda trigger: _Actor.remote().ping.remote(OnArrival(trigger))),
        Place("a method's result", ACTOR, lambda trigger: _Actor.remote().give.remote(trigger)),
        Place("a method's exception", ACTOR, lambda trigger: _Actor.remote().throw.remote(trigger),
              throws=True),
        Place("get in a method", ACTOR, lambda trigger: _Actor.remote().during_get.remote(trigger),
              heard=False),
        Place("between calls", ACTOR, _between_calls, heard=False),
        Place("a threaded method", ACTOR, lambda trigger: _Threaded.remote().act.remote(trigger),
              cancellable=True),
        Place("an async method", ACTOR, lambda trigger: _Async.remote().act.remote(trigger)),
        Place("an async method after await", ACTOR,
              lambda trigger: _Async.remote().act_after_await.remote(trigger)),
        Place("an exit handler", ACTOR, lambda trigger: _Actor.remote().at_exit.remote(trigger)),
        Place("__del__ at exit", ACTOR, lambda trigger: _Actor.remote().keep.remote(trigger)),
    )
}  # fmt: skip

HARMLESS = {"an exit handler", "__del__ at exit"}
"""What goes wrong there does so after the outcome: nothing fails."""
