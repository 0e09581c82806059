"""How many calls of an actor run at a time: sync, threaded and async, on every engine."""

import asyncio
import threading

import pytest

import gnomon


@gnomon.remote
class Meeting:
    """Calls of ``meet`` go on when so many of them are inside."""

    def __init__(self, size):
        self.barrier = threading.Barrier(size)
        self.inside = 0
        self.most = 0
        self.lock = threading.Lock()

    def meet(self):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        try:
            return self.barrier.wait(30) >= 0
        finally:
            with self.lock:
                self.inside -= 1

    def name(self):
        return threading.current_thread().name

    def most_inside(self):
        return self.most


@gnomon.remote
class Counting:
    """An async actor that knows how many of its calls run."""

    def __init__(self):
        self.inside = 0
        self.most = 0
        self.open = asyncio.Event()

    async def enter(self, x=None):
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.open.wait()
        self.inside -= 1
        return x

    async def let_go(self):
        self.open.set()

    async def counts(self):
        return self.inside, self.most

    def sync_read(self):
        return self.inside

    async def add(self, x):
        value = self.inside
        await asyncio.sleep(0)
        return value + x


def test_threads_meet():
    actor = Meeting.options(max_concurrency=4).remote(4)
    assert gnomon.get([actor.meet.remote() for _ in range(8)], timeout=60) == [True] * 8
    assert gnomon.get(actor.most_inside.remote()) == 4


def test_threads_share_the_instance():
    @gnomon.remote(max_concurrency=3)
    class Shared:
        def __init__(self):
            self.total = 0
            self.lock = threading.Lock()

        def add(self, x):
            with self.lock:
                self.total += x
            return threading.get_ident()

        def read(self):
            return self.total

    shared = Shared.remote()
    gnomon.get([shared.add.remote(1) for _ in range(100)], timeout=60)
    assert gnomon.get(shared.read.remote()) == 100


def test_one_call_of_a_threaded_actor_releases_another():
    @gnomon.remote(max_concurrency=2)
    class Signal:
        def __init__(self):
            self.event = threading.Event()

        def wait(self):
            return self.event.wait(30)

        def set(self):
            self.event.set()

    signal = Signal.remote()
    waiting = signal.wait.remote()
    gnomon.get(signal.set.remote(), timeout=30)
    assert gnomon.get(waiting, timeout=30) is True


def test_errors_in_threads():
    @gnomon.remote(max_concurrency=2)
    class Failing:
        def fail(self, x):
            raise KeyError(x)

        def fine(self):
            return "fine"

    failing = Failing.remote()
    for x in range(4):
        with pytest.raises(KeyError):
            gnomon.get(failing.fail.remote(x), timeout=30)
    assert gnomon.get(failing.fine.remote(), timeout=30) == "fine"


def test_a_hundred_calls_of_an_async_actor_at_once(until):
    actor = Counting.remote()
    refs = [actor.enter.remote(i) for i in range(100)]
    until(lambda: gnomon.get(actor.counts.remote())[0] == 100)
    assert gnomon.get(actor.sync_read.remote()) == 100
    gnomon.get(actor.let_go.remote())
    assert gnomon.get(refs, timeout=30) == list(range(100))


def test_an_async_actor_with_a_limit(gate, until):
    @gnomon.remote(max_concurrency=2)
    class Limited:
        async def enter(self, gate):
            return await gate.enter.remote("through")

    limited = Limited.remote()
    refs = [limited.enter.remote(gate) for _ in range(6)]
    until(lambda: gnomon.get(gate.count.remote()) == 2)
    assert gnomon.wait(refs, timeout=0.1) == ([], refs)
    assert gnomon.get(gate.count.remote()) == 2, "the others wait for a slot"
    gnomon.get(gate.open.remote())
    assert gnomon.get(refs, timeout=30) == ["through"] * 6


def test_calls_of_an_async_actor_start_in_order():
    @gnomon.remote
    class Log:
        def __init__(self):
            self.seen = []

        async def add(self, x):
            self.seen.append(x)
            await asyncio.sleep(0)

        async def read(self):
            return self.seen

    log = Log.remote()
    gnomon.get([log.add.remote(i) for i in range(100)], timeout=30)
    assert gnomon.get(log.read.remote()) == list(range(100))


def test_awaitables_inside_an_async_actor():
    @gnomon.remote
    class Awaits:
        async def several(self):
            async def inner(x):
                await asyncio.sleep(0)
                return x

            return await asyncio.gather(*[inner(i) for i in range(5)])

        async def context(self):
            async with asyncio.timeout(30):
                return "in time"

        async def background(self):
            self.task = asyncio.create_task(asyncio.sleep(0, "done"))

        async def result(self):
            return await self.task

    awaits = Awaits.remote()
    assert gnomon.get(awaits.several.remote(), timeout=30) == [0, 1, 2, 3, 4]
    assert gnomon.get(awaits.context.remote(), timeout=30) == "in time"
    gnomon.get(awaits.background.remote())
    assert gnomon.get(awaits.result.remote(), timeout=30) == "done"


def test_an_async_actor_calls_itself():
    @gnomon.remote
    class Selfish:
        async def outer(self):
            itself = gnomon.get_runtime_context().current_actor
            return await itself.inner.remote() + 1

        async def inner(self):
            return 1

    assert gnomon.get(Selfish.remote().outer.remote(), timeout=30) == 2


def test_the_context_of_each_concurrent_call(until):
    @gnomon.remote
    class Names:
        def __init__(self):
            self.open = asyncio.Event()

        async def name(self):
            before = gnomon.get_runtime_context().get_task_id()
            await self.open.wait()
            return before, gnomon.get_runtime_context().get_task_id()

        async def let_go(self):
            self.open.set()

    names = Names.remote()
    refs = [names.name.remote() for _ in range(5)]
    gnomon.get(names.let_go.remote())
    found = gnomon.get(refs, timeout=30)
    assert all(before == after for before, after in found)
    assert len({before for before, _ in found}) == 5
    assert [before for before, _ in found] == [ref.task_id().hex() for ref in refs]
