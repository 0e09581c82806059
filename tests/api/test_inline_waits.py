"""Waiting on the inline engine: what is deferred, what can not end, and what it costs."""

import asyncio
import contextlib
import threading

import pytest

import gnomon
from gnomon._api import session
from gnomon.exceptions import DeadlockError, GetTimeoutError, TaskCancelledError

pytestmark = pytest.mark.usefixtures("inline")


@gnomon.remote
class Gate:
    def __init__(self):
        self.opened = asyncio.Event()

    async def enter(self, x=None):
        await self.opened.wait()
        return x

    async def open(self):
        self.opened.set()


@gnomon.remote
class Log:
    def __init__(self, first=None):
        self.seen = [first]

    def add(self, x):
        self.seen.append(x)
        return list(self.seen)

    def hold(self, boxed):
        return gnomon.get(boxed[0])


@gnomon.remote
def echo(x):
    return x


@gnomon.remote
def wait_for(boxed):
    return gnomon.get(boxed[0])


def test_a_wait_that_nobody_can_end_is_an_error():
    gate = Gate.remote()
    ref = gate.enter.remote()
    with pytest.raises(DeadlockError, match='engine="local"'):
        gnomon.get(ref)
    with pytest.raises(DeadlockError):
        gnomon.get([echo.remote(1), ref])
    with pytest.raises(DeadlockError):
        gnomon.wait([ref])
    with pytest.raises(GetTimeoutError):
        gnomon.get(ref, timeout=0.01)
    gnomon.get(gate.open.remote())
    assert gnomon.get(ref) is None


def test_so_it_is_inside_a_task():
    gate = Gate.remote()
    ref = wait_for.remote([gate.enter.remote(1)])
    with pytest.raises(DeadlockError):
        gnomon.get(ref)


def test_so_it_is_for_a_deferred_task():
    gate = Gate.remote()
    ref = echo.remote(gate.enter.remote(1))
    with pytest.raises(DeadlockError):
        gnomon.get(echo.remote(ref))


def test_a_timer_of_the_loop_is_no_deadlock():
    @gnomon.remote
    class Slow:
        async def call(self):
            await asyncio.sleep(0.9)
            return "awake"

    assert gnomon.get(Slow.remote().call.remote()) == "awake"


def test_another_thread_may_end_a_wait():
    gate = Gate.remote()
    ref = gate.enter.remote(3)
    timer = threading.Timer(0.9, gate.open.remote)
    timer.start()
    assert gnomon.get(ref) == 3
    timer.join()


def test_a_thread_that_waits_too_can_not_end_it():
    gate = Gate.remote()
    ref = gate.enter.remote("opened")
    got = []

    def waiting():
        while not got:
            with contextlib.suppress(DeadlockError):
                got.append(gnomon.get(ref))

    waits = threading.Thread(target=waiting)
    waits.start()
    with pytest.raises(DeadlockError):
        gnomon.get(ref)
    gnomon.get(gate.open.remote())
    waits.join()
    assert got == ["opened"]


def test_a_task_with_a_pending_argument_does_not_hold_up_its_caller():
    gate = Gate.remote()
    ref = echo.remote(echo.remote(gate.enter.remote("late")))
    assert gnomon.wait([ref], timeout=0) == ([], [ref])
    gnomon.get(gate.open.remote())
    assert gnomon.get(ref) == "late"


def test_calls_behind_a_pending_argument_keep_their_order():
    gate, log = Gate.remote(), Log.remote()
    refs = [log.add.remote(0), log.add.remote(gate.enter.remote(1)), log.add.remote(2), log.add.remote(3)]
    assert gnomon.wait(refs, num_returns=4, timeout=0) == (refs[:1], refs[1:])
    gnomon.get(gate.open.remote())
    assert gnomon.get(refs[-1]) == [None, 0, 1, 2, 3]
    assert gnomon.get(log.add.remote(4)) == [None, 0, 1, 2, 3, 4]


def test_a_constructor_with_a_pending_argument():
    gate = Gate.remote()
    log = Log.remote(gate.enter.remote("first"))
    ref = log.add.remote(1)
    gnomon.get(gate.open.remote())
    assert gnomon.get(ref) == ["first", 1]


def test_what_waits_for_an_argument_can_be_cancelled():
    gate, log = Gate.remote(), Log.remote()
    task, call = echo.remote(gate.enter.remote()), log.add.remote(gate.enter.remote())
    behind = log.add.remote(2)
    gnomon.cancel(task)
    gnomon.cancel(call)
    for ref in (task, call):
        with pytest.raises(TaskCancelledError):
            gnomon.get(ref)
    assert gnomon.get(behind) == [None, 2]


def test_cancelling_what_has_ended_does_nothing():
    ref = echo.remote(1)
    gnomon.cancel(ref)
    assert gnomon.get(ref) == 1


def test_a_session_can_end_while_calls_wait():
    gate = Gate.remote()
    refs = [echo.remote(gate.enter.remote(i)) for i in range(3)]
    assert gnomon.wait(refs, timeout=0)[0] == []
    gnomon.shutdown()
    for each in threading.enumerate():
        if each.name.startswith("gnomon-inline-echo"):
            each.join(10)
            assert not each.is_alive(), each.name


def test_waiting_costs_no_second_look_at_each():
    """A value that comes is told to those who wait for it: ``is_ready`` is not asked again and again."""
    gate = Gate.remote()
    refs = [gate.enter.remote(i) for i in range(300)]
    store = session.current._store
    looks = 0
    entry = store._entry

    def counted(identity):
        nonlocal looks
        looks += 1
        return entry(identity)

    store._entry = counted
    try:
        gate.open.remote()
        assert gnomon.get(refs) == list(range(300))
    finally:
        del store._entry
    assert looks < 6 * len(refs)
