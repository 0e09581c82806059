"""References in asyncio programs: in the driver, in async actors, in tasks; on every engine."""

import asyncio
import concurrent.futures

import pytest

import gnomon
from gnomon.exceptions import ActorDiedError, TaskCancelledError


@gnomon.remote
def echo(x):
    return x


@gnomon.remote
def fail():
    raise KeyError("on purpose")


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 30))


def test_await_a_reference():
    async def main():
        ref = echo.remote(1)
        return await ref, await ref, await gnomon.put("put")

    assert run(main()) == (1, 1, "put")


def test_gather_in_order():
    async def main():
        return await asyncio.gather(*[echo.remote(i) for i in range(50)])

    assert run(main()) == list(range(50))


def test_gather_with_errors():
    async def main():
        return await asyncio.gather(echo.remote(1), fail.remote(), return_exceptions=True)

    good, bad = run(main())
    assert good == 1
    assert isinstance(bad, KeyError)


def test_as_completed_of_asyncio(gate):
    async def main():
        pending = [gate.enter.remote("slow"), echo.remote("quick")]
        found = []
        for each in asyncio.as_completed([asyncio.ensure_future(awaited(ref)) for ref in pending]):
            found.append(await each)
            gate.open.remote()
        return found

    async def awaited(ref):
        return await ref

    assert run(main()) == ["quick", "slow"]


def test_wait_of_asyncio(gate):
    async def main():
        slow = asyncio.wrap_future(gate.enter.remote("slow").future())
        quick = asyncio.wrap_future(echo.remote("quick").future())
        done, pending = await asyncio.wait([slow, quick], return_when=asyncio.FIRST_COMPLETED)
        assert (done, pending) == ({quick}, {slow})
        gate.open.remote()
        return await slow

    assert run(main()) == "slow"


def test_wait_for_leaves_the_call_running(gate):
    ref = gate.enter.remote("kept")

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(ref, 0.05)

    run(main())
    gnomon.get(gate.open.remote())
    assert gnomon.get(ref, timeout=30) == "kept"


def test_cancelling_who_awaits_does_not_cancel_the_call(gate):
    ref = gate.enter.remote("kept")

    async def awaits():
        await ref

    async def main():
        task = asyncio.ensure_future(awaits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    gnomon.get(gate.open.remote())
    assert gnomon.get(ref, timeout=30) == "kept"
    assert gnomon.get(gate.cancellations.remote()) == 0


def test_awaiting_a_cancelled_call(gate):
    async def main():
        ref = gate.enter.remote()
        gnomon.cancel(ref)
        with pytest.raises(TaskCancelledError):
            await ref

    run(main())


def test_awaiting_a_call_whose_actor_is_killed(gate):
    async def main():
        ref = gate.enter.remote()
        gnomon.kill(gate)
        with pytest.raises(ActorDiedError):
            await ref

    run(main())


def test_several_await_one_reference(gate):
    async def main():
        ref = gate.enter.remote("shared")

        async def awaits():
            return await ref

        tasks = [asyncio.ensure_future(awaits()) for _ in range(5)]
        await asyncio.sleep(0)
        gate.open.remote()
        return await asyncio.gather(*tasks)

    assert run(main()) == ["shared"] * 5


def test_task_groups():
    async def awaited(ref):
        return await ref

    async def main():
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(awaited(echo.remote(i))) for i in range(5)]
        return [task.result() for task in tasks]

    assert run(main()) == list(range(5))


def test_asyncio_inside_a_task():
    @gnomon.remote
    def outer(n):
        async def main():
            return await asyncio.gather(*[echo.remote(i) for i in range(n)])

        return sum(asyncio.run(main()))

    assert gnomon.get(outer.remote(5), timeout=60) == 10


def test_awaiting_inside_an_async_actor():
    @gnomon.remote
    class Asks:
        async def several(self, n):
            return await asyncio.gather(*[echo.remote(i) for i in range(n)])

        async def boxed(self, boxed):
            return await boxed[0]

        async def failing(self):
            try:
                await fail.remote()
            except KeyError:
                return "caught"

    asks = Asks.remote()
    assert gnomon.get(asks.several.remote(20), timeout=60) == list(range(20))
    assert gnomon.get(asks.boxed.remote([echo.remote(7)]), timeout=60) == 7
    assert gnomon.get(asks.failing.remote(), timeout=60) == "caught"


def test_wait_for_inside_an_async_actor(gate):
    @gnomon.remote
    class Patient:
        async def impatient(self, gate):
            try:
                await asyncio.wait_for(gate.enter.remote(), 0.05)
            except TimeoutError:
                return "late"

    assert gnomon.get(Patient.remote().impatient.remote(gate), timeout=60) == "late"
    gnomon.get(gate.open.remote())


# -- concurrent.futures -----------------------------------------------------------------------------------------------


def test_a_future_of_a_value():
    future = echo.remote(3).future()
    assert isinstance(future, concurrent.futures.Future)
    assert future.result(timeout=30) == 3
    assert future.done()


def test_a_future_of_an_error():
    future = fail.remote().future()
    assert isinstance(future.exception(timeout=30), KeyError)
    with pytest.raises(KeyError):
        future.result(timeout=30)


def test_waiting_for_futures(gate):
    slow, quick = gate.enter.remote("slow").future(), echo.remote("quick").future()
    done, pending = concurrent.futures.wait(
        [slow, quick], timeout=30, return_when=concurrent.futures.FIRST_COMPLETED
    )
    assert (done, pending) == ({quick}, {slow})
    gnomon.get(gate.open.remote())
    assert slow.result(timeout=30) == "slow"


def test_futures_as_completed():
    futures = [echo.remote(i).future() for i in range(10)]
    found = [each.result() for each in concurrent.futures.as_completed(futures, timeout=30)]
    assert sorted(found) == list(range(10))


def test_a_callback_of_a_future():
    seen = concurrent.futures.Future()
    echo.remote("called").future().add_done_callback(lambda future: seen.set_result(future.result()))
    assert seen.result(timeout=30) == "called"


def test_a_future_keeps_its_value_alive():
    future = echo.remote([1]).future()
    assert future.result(timeout=30) == [1]
    assert future.result(timeout=30) == [1]


def test_many_futures_of_one_reference():
    ref = echo.remote("one")
    assert [ref.future().result(timeout=30) for _ in range(5)] == ["one"] * 5
