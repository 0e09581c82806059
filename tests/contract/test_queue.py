"""Queue on every engine."""

import asyncio
import pickle
import queue
import threading
import time

import pytest

import gnomon
from gnomon.exceptions import ActorDiedError, DeadlockError, TaskCancelledError
from gnomon.util.queue import Empty, Full, Queue


@gnomon.remote
def put_all(target, items):
    for item in items:
        target.put(item)


@gnomon.remote
def take(source, count):
    return [source.get() for _ in range(count)]


def in_thread(function, *args):
    """Call it in a thread; a list that will hold its result, and the thread."""
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*args)), daemon=True)
    thread.start()
    return found, thread


def test_first_in_first_out():
    q = Queue()
    for item in (1, "two", None, [3]):
        q.put(item)
    assert [q.get() for _ in range(4)] == [1, "two", None, [3]]


def test_sizes():
    q = Queue(2)
    assert (len(q), q.size(), q.qsize(), q.empty(), q.full(), q.maxsize) == (0, 0, 0, True, False, 2)
    q.put(1)
    assert (len(q), q.size(), q.qsize(), q.empty(), q.full()) == (1, 1, 1, False, False)
    q.put(1)
    assert q.full()
    unlimited = Queue(-1)
    unlimited.put(1)
    assert not unlimited.full()


def test_an_empty_queue():
    q = Queue()
    for take_one in (
        q.get_nowait,
        lambda: q.get(block=False),
        lambda: q.get(timeout=0.01),
        lambda: q.get(timeout=0),
        lambda: q.get(block=False, timeout=-1),
    ):
        with pytest.raises(Empty, match=r"no item in the queue. Put something first, or wait longer"):
            take_one()
    assert issubclass(Empty, queue.Empty)
    q.put(1)
    assert q.get(timeout=0) == 1


def test_a_full_queue():
    q = Queue(1)
    q.put(1, timeout=0)
    for put_one in (
        lambda: q.put_nowait(2),
        lambda: q.put(2, block=False),
        lambda: q.put(2, timeout=0.01),
        lambda: q.put(2, timeout=0),
    ):
        with pytest.raises(
            Full, match="There are 1 items in the queue, as many as it takes. Get something first"
        ):
            put_one()
    assert issubclass(Full, queue.Full)
    assert q.get() == 1
    assert q.empty()


def test_bad_input():
    q = Queue()
    with pytest.raises(ValueError, match="timeout of a Queue must be >= 0"):
        q.put(1, timeout=-1)
    with pytest.raises(ValueError, match="timeout of a Queue must be >= 0"):
        q.get(timeout=-1)
    with pytest.raises(TypeError, match="items must be iterable, not 5"):
        q.put_nowait_batch(5)
    with pytest.raises(TypeError, match=r"num_items of get_nowait_batch\(\) must be an integer"):
        q.get_nowait_batch("2")
    with pytest.raises(TypeError, match=r"num_items of get_nowait_batch\(\) must be an integer, not None"):
        q.get_nowait_batch(None)
    with pytest.raises(ValueError, match=r"num_items of get_nowait_batch\(\) must be >= 0"):
        q.get_nowait_batch(-1)
    with pytest.raises(TypeError, match="maxsize of a Queue must be an integer"):
        Queue("2")
    with pytest.raises(ValueError, match="has no option 'bogus'"):
        Queue(actor_options={"bogus": 1})


def test_batches():
    q = Queue(3)
    q.put_nowait_batch(x for x in (1, 2))
    with pytest.raises(Full, match="2 items do not fit: the queue of 3 has room for 1"):
        q.put_nowait_batch([3, 4])
    with pytest.raises(Empty, match="There are 2 items in the queue, not 3"):
        q.get_nowait_batch(3)
    assert q.qsize() == 2  # all or nothing
    assert q.get_nowait_batch(2) == [1, 2]
    assert q.get_nowait_batch(0) == []
    q.put_nowait_batch([])
    assert q.empty()


def test_async():
    q = Queue(1)

    async def main():
        await q.put_async(1)
        with pytest.raises(Full):
            await q.put_async(2, block=False)
        with pytest.raises(Full):
            await q.put_async(2, timeout=0.01)
        waiting = asyncio.create_task(q.put_async(2))
        assert await q.get_async() == 1
        await waiting
        assert await q.get_async(timeout=30) == 2
        with pytest.raises(Empty):
            await q.get_async(block=False)
        with pytest.raises(Empty):
            await q.get_async(timeout=0.01)
        with pytest.raises(ValueError, match="timeout of a Queue"):
            await q.get_async(timeout=-1)

    asyncio.run(main())


def test_references_in_a_queue():
    q = Queue()
    q.put(gnomon.put(5))  # an argument: its value
    q.put([gnomon.put(6)])  # inside a value: the reference
    assert q.get() == 5
    assert gnomon.get(q.get()) == [6]


def test_between_tasks_and_actors():
    @gnomon.remote
    class Producer:
        def __init__(self, target):
            self.target = target

        def produce(self, count):
            self.target.put_nowait_batch(range(count))

    @gnomon.remote
    class AsyncProducer:
        async def produce(self, target, item):
            await target.put_async(item)

    q = Queue()
    gnomon.get(put_all.remote(q, ["a", "b"]))
    producer = Producer.remote(q)
    gnomon.get(producer.produce.remote(2))
    gnomon.get(AsyncProducer.remote().produce.remote(q, "c"))
    assert gnomon.get(take.remote(q, 5)) == ["a", "b", 0, 1, "c"]


def test_a_blocked_get_is_ended_by_a_put():
    q = Queue()
    found, thread = in_thread(q.get)
    q.put("late")
    thread.join(30)
    assert found == ["late"]


def test_a_blocked_put_is_ended_by_a_get():
    q = Queue(1)
    q.put(1)
    _, thread = in_thread(q.put, 2)
    assert q.get() == 1
    thread.join(30)
    assert q.get(timeout=30) == 2


def test_a_call_of_an_async_actor_ends_a_blocked_get():
    @gnomon.remote
    class Later:
        async def put(self, target):
            await asyncio.sleep(0.1)  # the time of the wait; the inline engine looks for a deadlock meanwhile
            await target.put_async("async")

    q, later = Queue(), Later.remote()
    ref = later.put.remote(q)
    assert gnomon.get(take.remote(q, 1)) == ["async"]
    gnomon.get(ref)


def test_who_waits_longest_is_first():
    """Nobody who comes later overtakes those who stand in line."""
    q = Queue(1)

    async def main():
        await q.put_async(0)
        puts = [asyncio.create_task(q.put_async(x)) for x in range(1, 20)]
        await asyncio.sleep(0)  # all are submitted
        assert [await q.get_async() for _ in range(20)] == list(range(20))
        await asyncio.gather(*puts)
        gets = [asyncio.create_task(q.get_async()) for _ in range(20)]
        await asyncio.sleep(0)
        for x in range(20):
            await q.put_async(x)
        assert await asyncio.gather(*gets) == list(range(20))

    asyncio.run(main())


def test_a_thousand_waiting_consumers_do_not_shut_out_a_producer():
    q = Queue()
    refs = [q.actor.get.remote(None) for _ in range(1_100)]
    q.put_nowait_batch(range(1_100))
    assert sorted(gnomon.get(refs)) == list(range(1_100))


def test_many_clients_at_once(parallel):
    q, results = Queue(3), Queue()

    @gnomon.remote
    class Client:
        def produce(self, items):
            for item in items:
                q.put(item)

        def consume(self, count):
            for _ in range(count):
                results.put(q.get())

    clients = [Client.remote() for _ in range(4)]
    refs = [client.consume.remote(50) for client in clients[:2]]
    refs += [clients[2 + i].produce.remote(range(50 * i, 50 * i + 50)) for i in range(2)]
    gnomon.get(refs)
    assert sorted(results.get_nowait_batch(100)) == list(range(100))


def test_an_impatient_consumer_takes_nothing():
    q = Queue()

    async def main():
        for _ in range(10):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(q.get_async(), 0.001)

    asyncio.run(main())
    q.put_nowait_batch(range(10))
    assert [q.get(timeout=30) for _ in range(10)] == list(range(10))


def test_an_interrupted_consumer_takes_nothing(monkeypatch):
    q = Queue()

    def interrupted(ref):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gnomon.util.queue.get", interrupted)
        with pytest.raises(KeyboardInterrupt):
            q.get()
        assert gnomon.get(q.actor.put.remote(1, None))
        with pytest.raises(KeyboardInterrupt):
            q.get()  # was answered, so that the item comes back
    assert q.get(timeout=30) == 1


def test_an_interrupted_producer_puts_nothing(monkeypatch):
    q = Queue(1)
    q.put(1)

    def interrupted(ref):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gnomon.util.queue.get", interrupted)
        with pytest.raises(KeyboardInterrupt):
            q.put(2)
    assert q.get() == 1
    with pytest.raises(Empty):
        q.get(timeout=0.01)


def test_a_cancelled_consumer_takes_nothing(parallel):
    q, begun = Queue(), Queue()

    @gnomon.remote
    def consume():
        begun.put(True)
        return q.get()

    ref = consume.remote()
    begun.get()
    gnomon.cancel(ref)
    with pytest.raises(TaskCancelledError):
        gnomon.get(ref, timeout=30)
    # The cancel of its call to the queue goes another way than what this driver puts, and may be slower.
    deadline = time.monotonic() + 30
    while gnomon.get(q.actor.__ray_call__.remote(lambda actor: len(actor._getters))):
        assert time.monotonic() < deadline
    q.put("kept")
    assert q.get(timeout=30) == "kept"


def test_options_of_the_actor():
    q = Queue(actor_options={"name": "the queue", "num_cpus": 1})
    assert gnomon.get_actor("the queue") == q.actor
    q.put(1)
    assert q.get() == 1


@pytest.mark.parametrize("force", [False, True])
def test_shutdown(force):
    q = Queue()
    copy = pickle.loads(pickle.dumps(q))
    q.put(1)
    waiting = Queue()
    ref = waiting.actor.get.remote(None)
    for each in (q, waiting):
        each.shutdown(force=force, grace_period_s=30)
        each.shutdown(force=force)  # once is enough
        with pytest.raises(ActorDiedError, match=r"shutdown\(\) was called on this queue"):
            each.put(2)
    with pytest.raises(ActorDiedError):
        gnomon.get(ref, timeout=30)
    with pytest.raises(ActorDiedError):
        copy.qsize()


def test_an_async_actor_may_not_block_the_inline_engine(engine):
    @gnomon.remote
    class Blocks:
        async def put(self, target):
            target.put(1)

    q = Queue()
    ref = Blocks.remote().put.remote(q)
    if engine == "inline":
        with pytest.raises(DeadlockError, match=r"Blocks\.put raised"):
            gnomon.get(ref)
    else:
        gnomon.get(ref)
        assert q.get() == 1


def test_alone_on_the_inline_engine(engine):
    if engine != "inline":
        pytest.skip("elsewhere somebody may come")
    q = Queue(1)
    with pytest.raises(
        DeadlockError, match=r"would wait for ever: .* Submit first what it waits for \(put before get\)"
    ):
        q.get()
    q.put(1)
    with pytest.raises(DeadlockError):
        q.put(2)
    with pytest.raises(DeadlockError):
        gnomon.get(take.remote(q, 2))
    q.put(3)
    assert q.get() == 3
    assert q.empty()
