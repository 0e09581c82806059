"""Actors with ``async def`` methods on every engine."""

import asyncio

import pytest

import gnomon
from gnomon.exceptions import ActorDiedError, GetTimeoutError, TaskCancelledError


@gnomon.remote
class Gate:
    """Calls wait in it until it is opened."""

    def __init__(self):
        self.opened = asyncio.Event()
        self.waiting = 0

    async def enter(self, x=None):
        self.waiting += 1
        await self.opened.wait()
        return x

    async def open(self):
        self.opened.set()

    async def count(self):
        return self.waiting

    async def fail(self):
        raise KeyError("async")

    def plain(self):
        return "plain"


def entered(gate, number, until):
    until(lambda: gnomon.get(gate.count.remote()) == number)


def test_calls_run_at_the_same_time(until):
    gate = Gate.remote()
    refs = [gate.enter.remote(i) for i in range(50)]
    entered(gate, 50, until)
    assert gnomon.wait(refs, timeout=0) == ([], refs)
    gnomon.get(gate.open.remote())
    assert gnomon.get(refs) == list(range(50))


def test_max_concurrency(until):
    gate = Gate.options(max_concurrency=3).remote()
    refs = [gate.enter.remote(i) for i in range(2)]
    entered(gate, 2, until)
    gnomon.get(gate.open.remote())
    assert gnomon.get(refs) == [0, 1]


def test_sync_methods_and_errors():
    gate = Gate.remote()
    assert gnomon.get(gate.plain.remote()) == "plain"
    with pytest.raises(KeyError, match="async"):
        gnomon.get(gate.fail.remote())


def test_get_with_a_timeout_on_a_pending_call():
    gate = Gate.remote()
    ref = gate.enter.remote(1)
    with pytest.raises(GetTimeoutError, match="0 of 1 values were ready after 0.01 s") as caught:
        gnomon.get(ref, timeout=0.01)
    assert isinstance(caught.value, TimeoutError)
    with pytest.raises(GetTimeoutError):
        gnomon.get([ref], timeout=0)
    gnomon.get(gate.open.remote())
    assert gnomon.get(ref) == 1


def test_wait_returns_the_ready_ones(until):
    gate = Gate.remote()
    pending, ready = gate.enter.remote(), gate.plain.remote()
    assert gnomon.wait([pending, ready], num_returns=1, timeout=30) == ([ready], [pending])
    assert gnomon.wait([pending, ready], num_returns=2, timeout=0.01) == ([ready], [pending])
    gnomon.get(gate.open.remote())


def test_cancel_a_running_call(until):
    gate = Gate.remote()
    ref = gate.enter.remote()
    entered(gate, 1, until)
    gnomon.cancel(ref)
    with pytest.raises(TaskCancelledError, match="was cancelled"):
        gnomon.get(ref, timeout=30)
    assert gnomon.get(gate.plain.remote()) == "plain"


def test_kill_fails_pending_calls(until):
    gate = Gate.remote()
    ref = gate.enter.remote()
    entered(gate, 1, until)
    gnomon.kill(gate)
    with pytest.raises(ActorDiedError):
        gnomon.get(ref, timeout=30)


def test_await_inside_an_actor():
    @gnomon.remote
    def double(x):
        return 2 * x

    @gnomon.remote
    class Asks:
        async def ask(self, gate):
            return await gate.enter.remote(4) + await double.remote(5)

    gate = Gate.remote()
    asks = Asks.remote()
    ref = asks.ask.remote(gate)
    gnomon.get(gate.open.remote())
    assert gnomon.get(ref, timeout=30) == 14


def test_a_task_inside_an_actor_waits_for_a_pending_call():
    @gnomon.remote
    def double(x):
        return 2 * x

    @gnomon.remote
    class Asks:
        async def ask(self, gate):
            ref = double.remote(gate.enter.remote(4))
            await gate.open.remote()
            return await ref

    assert gnomon.get(Asks.remote().ask.remote(Gate.remote()), timeout=30) == 8


def test_a_pending_argument():
    gate = Gate.remote()
    other = Gate.remote()
    ref = other.enter.remote(gate.enter.remote("late"))
    gnomon.get(other.open.remote())
    gnomon.get(gate.open.remote())
    assert gnomon.get(ref, timeout=30) == "late"


def test_pending_calls_end_before_an_actor_without_handles(until):
    gate = Gate.remote()
    ref = gate.enter.remote("kept")
    entered(gate, 1, until)
    gate.open.remote()
    del gate
    assert gnomon.get(ref, timeout=30) == "kept"
