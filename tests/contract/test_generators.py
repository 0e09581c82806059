"""Generators of references, in tasks and in actors, on every engine."""

import asyncio
import pickle
import threading

import pytest

import gnomon
from gnomon.exceptions import ResultsMismatchError, SerializationError, TaskCancelledError, TaskError


@gnomon.remote
def count(n, error_at=None):
    for i in range(n):
        if i == error_at:
            raise KeyError("midway")
        yield i


@gnomon.remote
class Log:
    """What others have done, in order."""

    def __init__(self):
        self.lines = []

    def add(self, line):
        self.lines.append(line)

    def read(self):
        return self.lines


@gnomon.remote
def logged(n, log):
    """Tells of each item before it is yielded, and of its end."""
    try:
        for i in range(n):
            gnomon.get(log.add.remote(i))
            yield i
    finally:
        gnomon.get(log.add.remote("closed"))


@gnomon.remote
class Yielder:
    """A sync actor."""

    def count(self, n, error_at=None):
        for i in range(n):
            if i == error_at:
                raise KeyError("midway")
            yield i

    @gnomon.method(num_returns=2)
    def two(self):
        yield "a"
        yield "b"

    @gnomon.method(num_returns="dynamic")
    def listed(self, n):
        yield from range(n)

    def plain(self):
        return "plain"


@gnomon.remote
class AsyncYielder:
    """An async actor."""

    def __init__(self):
        self.opened = asyncio.Event()

    async def count(self, n, error_at=None):
        for i in range(n):
            if i == error_at:
                raise KeyError("midway")
            await asyncio.sleep(0)
            yield i

    def sync_count(self, n):
        yield from range(n)

    async def gated(self):
        yield "first"
        await self.opened.wait()
        yield "second"

    async def endless(self, log):
        try:
            while True:
                yield 0
        finally:
            await asyncio.sleep(0.001)
            await log.add.remote("closed")

    async def stubborn(self, log):
        while True:
            try:
                yield 0
                await asyncio.sleep(0.001)
            except asyncio.CancelledError:
                await log.add.remote("swallowed")
            except GeneratorExit:
                log.add.remote("closed")
                raise

    async def open(self):
        self.opened.set()


def values(refs):
    """The values of references; the class of what ``get`` raises in place of a value."""
    found = []
    for ref in refs:
        try:
            found.append(gnomon.get(ref, timeout=30))
        except Exception as error:
            found.append(error.cause.__class__ if isinstance(error, TaskError) else type(error))
    return found


# -- the iterator ----------------------------------------------------------------------------------------------


def test_a_function_that_yields_returns_a_generator_of_references():
    generator = count.remote(3)
    assert isinstance(generator, gnomon.ObjectRefGenerator)
    assert iter(generator) is generator
    ref = next(generator)
    assert isinstance(ref, gnomon.ObjectRef)
    assert gnomon.get(ref) == 0
    assert values(generator) == [1, 2]


def test_the_end_is_the_end():
    generator = count.remote(1)
    next(generator)
    for _ in range(3):
        with pytest.raises(StopIteration):
            next(generator)
    assert list(generator) == []


def test_nothing_yielded():
    assert list(count.remote(0)) == []


def test_items_can_be_used_like_any_reference():
    @gnomon.remote
    def double(x):
        return 2 * x

    assert gnomon.get([double.remote(ref) for ref in count.remote(4)]) == [0, 2, 4, 6]


def test_what_a_generator_returns_is_not_an_item():
    @gnomon.remote
    def returns():
        yield 1
        return 2

    assert values(returns.remote()) == [1]


def test_many_items():
    assert values(count.remote(1000)) == list(range(1000))


def test_several_at_the_same_time():
    generators = [count.remote(20) for _ in range(5)]
    taken = [[gnomon.get(next(generator)) for generator in generators] for _ in range(20)]
    assert taken == [[i] * 5 for i in range(20)]


def test_one_generator_in_several_threads():
    generator = count.remote(200)
    found = []

    def take():
        found.extend(gnomon.get(list(generator)))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == list(range(200))


def test_inside_a_task():
    @gnomon.remote
    def total(n):
        return sum(gnomon.get(list(count.remote(n))))

    assert gnomon.get(total.remote(10)) == 45


def test_get_of_a_generator_is_the_generator():
    generator = count.remote(2)
    assert gnomon.get(generator) is generator
    with pytest.raises(TypeError, match="a generator of references"):
        gnomon.get([generator])


def test_nothing_can_be_sent_into_it():
    generator = count.remote(2)
    with pytest.raises(NotImplementedError):
        generator.send(1)
    with pytest.raises(NotImplementedError):
        generator.throw(ValueError())


# -- asyncio ---------------------------------------------------------------------------------------------------


def test_async_for():
    async def main():
        return [await ref async for ref in count.remote(3)]

    assert asyncio.run(main()) == [0, 1, 2]


def test_anext_and_its_end():
    async def main():
        generator = count.remote(1)
        first = await (await anext(generator))
        with pytest.raises(StopAsyncIteration):
            await anext(generator)
        return first

    assert asyncio.run(main()) == 0


def test_several_on_one_loop():
    async def take(n):
        return [await ref async for ref in count.remote(n)]

    async def main():
        return await asyncio.gather(take(3), take(0), take(5))

    assert asyncio.run(main()) == [[0, 1, 2], [], [0, 1, 2, 3, 4]]


def test_a_wait_that_is_given_up_loses_no_item():
    actor = AsyncYielder.remote()

    async def main():
        generator = actor.gated.remote()
        first = await (await anext(generator))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(generator), 0.01)
        await actor.open.remote()
        return [first, *[await ref async for ref in generator]]

    assert asyncio.run(main()) == ["first", "second"]


# -- errors ----------------------------------------------------------------------------------------------------


def test_an_error_is_the_last_item():
    generator = count.remote(5, 2)
    assert values(generator) == [0, 1, KeyError]
    with pytest.raises(StopIteration):
        next(generator)


def test_the_error_is_raised_by_get_not_by_next():
    generator = count.remote(2, 0)
    ref = next(generator)
    with pytest.raises(KeyError, match="midway"):
        gnomon.get(ref)


def test_an_argument_that_failed_is_the_first_item():
    @gnomon.remote
    def fail():
        raise ZeroDivisionError

    assert values(count.remote(fail.remote())) == [ZeroDivisionError]


def test_an_item_that_can_not_be_pickled_ends_it():
    @gnomon.remote
    def locks():
        yield 1
        yield threading.Lock()
        yield 3

    assert values(locks.remote()) == [1, SerializationError]


def test_a_retry_gives_no_item_twice():
    log = Log.remote()

    @gnomon.remote(max_retries=2, retry_exceptions=[OSError])
    def flaky(log):
        gnomon.get(log.add.remote("began"))
        attempts = len(gnomon.get(log.read.remote()))
        for i in range(4):
            if i == attempts:
                raise OSError
            yield i

    assert values(flaky.remote(log)) == [0, 1, 2, OSError]
    assert gnomon.get(log.read.remote()) == ["began"] * 3


# -- waiting ---------------------------------------------------------------------------------------------------


def test_wait_takes_generators_and_references():
    generator, ref = count.remote(2), gnomon.put(1)
    ready, others = gnomon.wait([generator, ref], num_returns=2, timeout=30)
    assert ready[0] is generator
    assert (ready[1:], others) == ([ref], [])


def test_a_generator_is_ready_when_next_does_not_block():
    actor = AsyncYielder.remote()
    generator = actor.gated.remote()
    assert gnomon.wait([generator], timeout=30) == ([generator], [])
    next(generator)
    assert gnomon.wait([generator], timeout=0.01) == ([], [generator])
    gnomon.get(actor.open.remote())
    assert gnomon.wait([generator], timeout=30) == ([generator], [])
    assert gnomon.get(next(generator)) == "second"
    assert gnomon.wait([generator], timeout=30) == ([generator], []), "at the end next does not block either"
    assert list(generator) == []


def test_a_loop_of_waits_takes_all():
    unfinished = [count.remote(3) for _ in range(3)]
    found = []
    while unfinished:
        ready, unfinished = gnomon.wait(unfinished, timeout=30)
        for generator in ready:
            try:
                found.append(gnomon.get(next(generator)))
                unfinished.append(generator)
            except StopIteration:
                continue
    assert sorted(found) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_wait_takes_each_generator_once():
    generator = count.remote(1)
    with pytest.raises(ValueError, match="each reference once"):
        gnomon.wait([generator, generator])


def test_is_finished_and_next_ready():
    actor = AsyncYielder.remote()
    generator = actor.gated.remote()
    gnomon.wait([generator], timeout=30)
    assert (generator.next_ready(), generator.is_finished()) == (True, False)
    next(generator)
    assert (generator.next_ready(), generator.is_finished()) == (False, False)
    gnomon.get(actor.open.remote())
    gnomon.get(generator.completed(), timeout=30)
    assert (generator.next_ready(), generator.is_finished()) == (True, False)
    next(generator)
    assert (generator.next_ready(), generator.is_finished()) == (False, True)


def test_completed():
    generator = count.remote(3)
    assert gnomon.get(generator.completed(), timeout=30) is None
    assert gnomon.get([generator.completed()], timeout=30) == [None]
    assert values(generator) == [0, 1, 2]


def test_completed_of_a_generator_that_raised_is_none():
    generator = count.remote(3, 1)
    assert gnomon.get(generator.completed(), timeout=30) is None
    assert values(generator) == [0, KeyError]


def test_completed_outlives_the_generator():
    log = Log.remote()
    assert gnomon.get(logged.remote(3, log).completed(), timeout=30) is None
    assert gnomon.get(log.read.remote()) == [0, 1, 2, "closed"]


# -- stopping --------------------------------------------------------------------------------------------------


def test_a_generator_that_nobody_holds_is_stopped(until):
    log = Log.remote()
    generator = logged.remote(10**9, log)
    first = next(generator)
    del generator
    until(lambda: "closed" in gnomon.get(log.read.remote()))
    assert gnomon.get(first) == 0


def test_close(until):
    log = Log.remote()
    generator = logged.remote(10**9, log)
    first = next(generator)
    generator.close()
    generator.close()
    assert list(generator) == []
    assert generator.is_finished()
    assert gnomon.wait([generator], timeout=30) == ([generator], [])
    assert gnomon.get(first) == 0
    until(lambda: "closed" in gnomon.get(log.read.remote()))


def test_close_after_the_end():
    generator = count.remote(2)
    gnomon.get(generator.completed(), timeout=30)
    generator.close()
    assert list(generator) == []


def test_cancel(until):
    log = Log.remote()
    generator = logged.remote(10**9, log)
    first = next(generator)
    gnomon.cancel(generator)
    found = values(generator)
    assert found[-1] is TaskCancelledError
    assert found[:-1] == list(range(1, len(found))), "what was made before is kept"
    assert gnomon.get(first) == 0
    with pytest.raises(TaskCancelledError):
        gnomon.get(generator.completed(), timeout=30)
    until(lambda: "closed" in gnomon.get(log.read.remote()))


def test_cancel_a_finished_one():
    generator = count.remote(2)
    gnomon.get(generator.completed(), timeout=30)
    gnomon.cancel(generator)
    assert values(generator) == [0, 1]


@pytest.mark.parametrize("ahead", [1, 3])
def test_a_producer_is_at_most_so_many_items_ahead(ahead):
    log = Log.remote()
    generator = logged.options(_generator_backpressure_num_objects=ahead).remote(8, log)
    for taken in range(8):
        gnomon.wait([generator], timeout=30)
        assert len(gnomon.get(log.read.remote())) <= taken + ahead
        assert gnomon.get(next(generator)) == taken
    assert list(generator) == []


# -- actors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 3])
def test_methods_that_yield(concurrency):
    actor = Yielder.options(max_concurrency=concurrency).remote()
    generators = [actor.count.remote(4) for _ in range(3)]
    assert [values(generator) for generator in generators] == [[0, 1, 2, 3]] * 3
    assert values(actor.count.remote(4, 1)) == [0, KeyError]
    assert gnomon.get(actor.plain.remote()) == "plain"


def test_async_methods_that_yield():
    actor = AsyncYielder.remote()
    generators = [actor.count.remote(4) for _ in range(3)]
    assert [values(generator) for generator in generators] == [[0, 1, 2, 3]] * 3
    assert values(actor.count.remote(4, 1)) == [0, KeyError]
    assert values(actor.sync_count.remote(3)) == [0, 1, 2]


def test_an_async_method_that_waits_lets_others_yield():
    actor = AsyncYielder.remote()
    gated = actor.gated.remote()
    assert gnomon.get(next(gated)) == "first"
    assert values(actor.count.remote(3)) == [0, 1, 2]
    gnomon.get(actor.open.remote())
    assert values(gated) == ["second"]


def test_an_async_generator_that_nobody_holds_is_stopped(until):
    log, actor = Log.remote(), AsyncYielder.remote()
    generator = actor.endless.remote(log)
    next(generator)
    del generator
    until(lambda: gnomon.get(log.read.remote()) == ["closed"])
    assert values(actor.count.remote(2)) == [0, 1]


def test_an_async_generator_that_swallows_its_cancellation_is_stopped(until):
    log, actor = Log.remote(), AsyncYielder.remote()
    generator = actor.stubborn.remote(log)
    next(generator)
    gnomon.cancel(generator)
    assert values(generator)[-1] is TaskCancelledError
    until(lambda: gnomon.get(log.read.remote())[-1:] == ["closed"])


def test_an_async_generator_is_at_most_so_many_items_ahead():
    actor = AsyncYielder.remote()
    generator = actor.count.options(_generator_backpressure_num_objects=1).remote(5)
    assert values(generator) == [0, 1, 2, 3, 4]


def test_options_of_methods():
    actor = Yielder.remote()
    assert gnomon.get(actor.two.remote()) == ["a", "b"]
    assert values(actor.two.options(num_returns="streaming").remote()) == ["a", "b"]
    assert gnomon.get(actor.count.options(num_returns=2).remote(2)) == [0, 1]
    assert values(gnomon.get(actor.listed.remote(3))) == [0, 1, 2]
    with pytest.raises(ValueError, match="the method Yielder.plain needs a generator function"):
        actor.plain.options(num_returns="streaming")


# -- a fixed number of results, and all at once ------------------------------------------------------------------


def test_a_fixed_number_of_results():
    assert gnomon.get(count.options(num_returns=3).remote(3)) == [0, 1, 2]
    assert gnomon.get(count.options(num_returns=1).remote(1)) == 0
    assert isinstance(count.options(num_returns=None).remote(0), gnomon.ObjectRefGenerator)


def test_no_result_and_the_last_statement():
    log = Log.remote()
    assert logged.options(num_returns=0).remote(2, log) is None
    assert gnomon.get(logged.options(num_returns=2).remote(2, log)) == [0, 1]
    assert gnomon.get(log.read.remote()) == [0, 1, "closed"], "the first has nobody to run for"


def test_results_before_an_error_are_kept():
    refs = count.options(num_returns=4).remote(4, 2)
    assert values(refs) == [0, 1, KeyError, KeyError]


def test_too_few_results():
    refs = count.options(num_returns=3).remote(2)
    assert values(refs) == [0, 1, ResultsMismatchError]
    with pytest.raises(ValueError, match="yielded 2 values, but its num_returns is 3"):
        gnomon.get(refs[2])


def test_too_many_results_are_not_made():
    assert gnomon.get(count.options(num_returns=2).remote(5)) == [0, 1]


def test_a_generator_that_is_returned_is_split():
    @gnomon.remote(num_returns=3)
    def returned():
        return (i * i for i in range(3))

    assert gnomon.get(returned.remote()) == [0, 1, 4]


def test_dynamic():
    ref = count.options(num_returns="dynamic").remote(3)
    assert isinstance(ref, gnomon.ObjectRef)
    listed = gnomon.get(ref)
    assert isinstance(listed, gnomon.DynamicObjectRefGenerator)
    assert len(listed) == 3
    assert values(listed) == [0, 1, 2]
    assert len(listed) == 0, "they are taken out"
    assert values(gnomon.get(ref)) == [0, 1, 2], "the value itself stays as it is"


def test_a_dynamic_result_as_an_argument():
    @gnomon.remote
    def total(listed):
        return sum(gnomon.get(list(listed)))

    assert gnomon.get(total.remote(count.options(num_returns="dynamic").remote(5))) == 10


def test_the_error_of_a_dynamic_generator_is_its_last_item():
    listed = gnomon.get(count.options(num_returns="dynamic").remote(3, 2))
    assert values(listed) == [0, 1, KeyError]


def test_a_dynamic_generator_waits_for_no_consumer():
    ref = count.options(num_returns="dynamic", _generator_backpressure_num_objects=1).remote(5)
    assert values(gnomon.get(ref, timeout=30)) == [0, 1, 2, 3, 4]


def test_an_empty_dynamic_generator():
    assert list(gnomon.get(count.options(num_returns="dynamic").remote(0))) == []


# -- what is in items ----------------------------------------------------------------------------------------------


def test_references_in_items():
    @gnomon.remote
    def refs(given):
        for i in range(3):
            yield {"new": gnomon.put(i), "given": given[0]}

    given = gnomon.put("given")
    items = [gnomon.get(ref) for ref in refs.remote([given])]
    del given
    assert [gnomon.get([item["new"], item["given"]]) for item in items] == [[i, "given"] for i in range(3)]


def test_large_items():
    @gnomon.remote
    def blocks(n):
        for i in range(n):
            yield bytes([i]) * 500_000

    assert [gnomon.get(ref) for ref in blocks.remote(4)] == [bytes([i]) * 500_000 for i in range(4)]
    next(blocks.remote(4))


def test_a_generator_is_not_passed_on():
    @gnomon.remote
    def echo(x):
        return x

    @gnomon.remote
    def returns():
        return count.remote(1)

    generator = count.remote(1)
    with pytest.raises(TypeError, match="can not be pickled, since its items have one consumer"):
        pickle.dumps(generator)
    with pytest.raises(TypeError, match="one consumer"):
        gnomon.put(generator)
    with pytest.raises(TypeError, match="one consumer"):
        echo.remote(generator)
    with pytest.raises(TypeError, match="one consumer"):
        gnomon.get(returns.remote())
