"""multiprocessing.Pool on every engine: each promise that the standard library's pool keeps too."""

import itertools
import multiprocessing
import os
import pickle
import threading

import pytest

import gnomon
from gnomon.exceptions import ActorDiedError, SerializationError, TaskError
from gnomon.util.multiprocessing import Pool, TimeoutError
from gnomon.util.multiprocessing.pool import AsyncResult, IMapIterator
from gnomon.util.queue import Queue


def square(x):
    return x * x


def add(a, b=2):
    return a + b


def not_two(x):
    if x == 2:
        raise KeyError("two")
    return x


def enter(gate):
    return gate.get()


def pid(x):
    return os.getpid()


def finished(result):
    result.wait(30)
    assert result.ready()
    return result


# ---------------------------------------------------------------------------------- one call


def test_apply():
    with Pool(2) as pool:
        assert pool.apply(add, (1,)) == 3
        assert pool.apply(add, [1], {"b": 4}) == 5
        assert pool.apply(add, kwds={"a": 1}) == 3
        assert pool.apply(lambda: "lambda") == "lambda"


def test_apply_async():
    with Pool(1) as pool:
        result = finished(pool.apply_async(add, (1,), {"b": 1}))
        assert isinstance(result, AsyncResult)
        assert result.successful()
        assert (result.get(), result.get(timeout=0)) == (2, 2)


def test_exceptions_are_those_of_the_function():
    with Pool(1) as pool:
        result = finished(pool.apply_async(not_two, (2,)))
        assert not result.successful()
        for _ in range(2):
            with pytest.raises(KeyError, match="two") as caught:
                result.get()
            assert type(caught.value) is KeyError
        assert "in not_two" in str(caught.value.__cause__)  # the traceback in the worker
        with pytest.raises(TypeError):
            pool.apply(add)


def test_a_result_that_is_not_ready(parallel):
    gate = Queue()
    with Pool(1) as pool:
        result = pool.apply_async(enter, (gate,))
        assert not result.ready()
        with pytest.raises(ValueError, match="is not ready: wait"):
            result.successful()
        with pytest.raises(TimeoutError, match="no result after 0.01 s"):
            result.get(timeout=0.01)
        result.wait(0.01)
        assert not result.ready()
        gate.put("open")
        assert result.get(timeout=30) == "open"
    assert TimeoutError is multiprocessing.TimeoutError


def test_callbacks():
    called = []
    with Pool(2) as pool:
        finished(pool.apply_async(square, (5,), callback=called.append))
        finished(pool.map_async(square, range(5), chunksize=2, callback=called.append))
        finished(pool.starmap_async(add, [(1, 1)], callback=called.append))
        finished(pool.map_async(square, [], callback=called.append))
        finished(pool.apply_async(not_two, (2,), callback=called.append, error_callback=called.append))
        finished(pool.map_async(not_two, range(4), error_callback=lambda error: called.append(str(error))))
    assert called[:4] == [25, [0, 1, 4, 9, 16], [2], []]  # each was called before its result was ready
    assert type(called[4]) is KeyError
    assert called[5:] == ["'two'"]


def test_a_callback_that_raises_hurts_nobody(caplog):
    with Pool(1) as pool:
        result = finished(pool.apply_async(square, (3,), callback=lambda value: 1 / 0))
        assert result.get() == 9
        assert pool.apply(square, (2,)) == 4
    assert "A callback of a pool raised" in caplog.text


# ---------------------------------------------------------------------------------- many calls


@pytest.mark.parametrize("chunksize", [None, 1, 3, 100])
def test_map(chunksize):
    with Pool(2) as pool:
        assert pool.map(square, range(10), chunksize) == [x * x for x in range(10)]
        assert pool.map(square, (x for x in range(3)), chunksize) == [0, 1, 4]
        assert pool.map(square, [], chunksize) == []
        assert pool.starmap(add, [(1, 2), (3,)], chunksize) == [3, 5]
        assert list(pool.imap(square, range(10), chunksize or 1)) == [x * x for x in range(10)]
        assert sorted(pool.imap_unordered(square, range(10), chunksize or 1)) == [x * x for x in range(10)]


def test_map_raises_the_first_exception():
    def raise_it(x):
        raise ValueError(x)

    with Pool(2) as pool:
        with pytest.raises(ValueError, match="0"):
            pool.map(raise_it, range(8), chunksize=1)
        assert pool.map(square, [1]) == [1]


def test_work_goes_to_whoever_is_idle(parallel):
    gate, done = Queue(), Queue()

    def work(x):
        if x == 0:
            gate.get()
        done.put(x)

    with Pool(2) as pool:
        result = pool.map_async(work, range(5), chunksize=1)
        assert [done.get() for _ in range(4)] == [1, 2, 3, 4]
        gate.put("open")
        result.get(timeout=30)


@pytest.mark.parametrize("chunksize", [1, 2])
def test_imap_raises_in_place_and_goes_on(chunksize):
    with Pool(2) as pool:
        results = pool.imap(not_two, range(5), chunksize)
        assert isinstance(results, IMapIterator)
        assert [next(results), next(results)] == [0, 1]
        with pytest.raises(KeyError, match="two"):
            next(results)
        assert list(results) == [3, 4]
        with pytest.raises(StopIteration):
            results.next()


def test_imap_of_an_endless_iterable():
    with Pool(2) as pool:
        taken = []
        results = pool.imap(square, (taken.append(x) or x for x in itertools.count()))
        assert list(itertools.islice(results, 10)) == [x * x for x in range(10)]
        assert len(taken) < 20  # a few ahead
        pool.close()
        pool.join()


def test_imap_of_an_iterable_that_raises():
    def broken():
        yield 1
        yield 2
        raise OSError("broken")

    with Pool(2) as pool:
        for results in (pool.imap(square, broken()), pool.imap_unordered(square, broken())):
            assert sorted([next(results), next(results)]) == [1, 4]
            with pytest.raises(OSError, match="broken"):
                next(results)
            with pytest.raises(StopIteration):
                next(results)
        with pytest.raises(OSError, match="broken"):
            pool.map(square, broken())


def test_imap_unordered_gives_what_is_ready(parallel):
    gate = Queue()

    def work(x):
        return gate.get() if x == 0 else x

    with Pool(2) as pool:
        unordered = pool.imap_unordered(work, range(4))
        assert [unordered.next(timeout=30) for _ in range(3)] == [1, 2, 3]
        with pytest.raises(TimeoutError, match="no result after 0.01 s"):
            unordered.next(timeout=0.01)
        gate.put("late")
        assert list(unordered) == ["late"]


# ---------------------------------------------------------------------------------- workers


def test_initializer():
    def begin(*values):
        os.environ["GNOMON_TEST_POOL"] = repr(values)

    try:
        with Pool(2, initializer=begin, initargs=(1, 2)) as pool:
            assert set(pool.map(lambda x: os.environ["GNOMON_TEST_POOL"], range(8))) == {"(1, 2)"}
    finally:
        os.environ.pop("GNOMON_TEST_POOL", None)  # the inline engine shares ours


def test_an_initializer_that_raises():
    def fail():
        raise RuntimeError("no licence")

    with pytest.raises(ActorDiedError, match="no licence"):
        Pool(1, initializer=fail)


def test_number_of_processes(parallel):
    with Pool() as pool:
        gate, pids = Queue(), Queue()

        def work(x):
            pids.put(os.getpid())
            gate.get()

        results = [pool.apply_async(work, (x,)) for x in range(3)]
        assert len({pids.get(), pids.get()}) == 2  # the CPUs of the session
        assert pids.empty()
        gate.put_nowait_batch(range(3))
        for result in results:
            result.get(timeout=30)


def test_maxtasksperchild(parallel):
    with Pool(1, maxtasksperchild=2) as pool:
        pids = pool.map(pid, range(6), chunksize=1)
        assert len(set(pids)) == 3
        assert all(len(set(pair)) == 1 for pair in (pids[:2], pids[2:4], pids[4:]))


def test_options_of_the_workers(until):
    with Pool(2, ray_remote_args={"num_cpus": 1}) as pool:
        until(lambda: gnomon.available_resources().get("CPU", 0) == 0)
        assert pool.map(square, [3]) == [9]


def test_a_worker_that_dies_fails_its_chunk_alone(parallel):
    with Pool(2) as pool:
        dead = pool.apply_async(os._exit, (1,))
        with pytest.raises(ActorDiedError, match="exit code 1"):
            dead.get(timeout=30)
        assert pool.map(square, range(4), chunksize=1) == [0, 1, 4, 9]
        results = pool.imap(lambda x: os._exit(1) if x == 1 else x, range(3))
        assert next(results) == 0
        with pytest.raises(ActorDiedError):
            next(results)
        assert next(results) == 2


def test_what_can_not_travel():
    with Pool(1) as pool:
        with pytest.raises(SerializationError):
            pool.apply(lambda: threading.Lock())
        with pytest.raises(SerializationError):
            pool.apply(square, (threading.Lock(),))
        with pytest.raises(SerializationError):
            pool.map(square, [threading.Lock()])
        assert pool.apply(square, (2,)) == 4


def test_sys_exit_in_a_worker_does_not_end_the_caller():
    with Pool(1) as pool:
        with pytest.raises((TaskError, ActorDiedError)):
            pool.apply(exit_now)
        assert pool.apply(square, (2,)) == 4


def exit_now():
    raise SystemExit(3)


def test_a_task_that_waits_for_a_pool_lends_its_cpus():
    @gnomon.remote
    def inner(x):
        return 10 * x

    def work(x):
        return gnomon.get(inner.remote(x))

    @gnomon.remote(num_cpus=2)  # all there are
    def outer():
        called = []
        with Pool(1) as pool:
            result = pool.map_async(work, range(3), chunksize=1, callback=called.append)
            values = result.get(timeout=60)
            return values, called, [*pool.imap(work, range(3))]

    assert gnomon.get(outer.remote()) == ([0, 10, 20], [[0, 10, 20]], [0, 10, 20])


# ---------------------------------------------------------------------------------- the end


def test_close_and_join():
    pool = Pool(2)
    with pytest.raises(ValueError, match=r"Pool is still running: close\(\) or terminate\(\) it first"):
        pool.join()
    result = pool.map_async(square, range(20), chunksize=1)
    untaken = pool.imap(square, range(20))
    pool.close()
    for ask in (
        lambda: pool.apply(square, (1,)),
        lambda: pool.map(square, [1]),
        lambda: pool.starmap_async(add, [(1,)]),
        lambda: pool.imap(square, [1]),
        pool.__enter__,
    ):
        with pytest.raises(ValueError, match="Pool not running: it was closed; make a new one"):
            ask()
    pool.join()
    assert result.ready()
    assert result.get() == [x * x for x in range(20)]
    assert list(untaken) == [x * x for x in range(20)]
    pool.close()
    pool.terminate()


def test_terminate(parallel):
    gate, called = Queue(), []
    with Pool(1) as pool:
        busy = pool.apply_async(enter, (gate,), callback=called.append, error_callback=called.append)
        waiting = pool.map_async(square, range(3))
        untaken = pool.imap(square, range(3))
        pool.terminate()
        for result in (busy, waiting):
            with pytest.raises(ActorDiedError, match="its pool was terminated"):
                result.get(timeout=30)
        with pytest.raises(ActorDiedError, match="its pool was terminated"):
            untaken.next(timeout=30)
        pool.join()
    assert called == []


def test_the_end_of_a_with_block_terminates():
    with Pool(1) as pool:
        assert pool.apply(square, (3,)) == 9
        endless = pool.imap(square, itertools.count())
        next(endless)
    with pytest.raises(ValueError, match="Pool not running: it was terminated"):
        pool.apply(square, (3,))
    with pytest.raises(ActorDiedError, match="its pool was terminated"):
        for _ in endless:
            pass


def test_a_forgotten_pool_finishes_its_work():
    result = Pool(1).apply_async(square, (3,))
    assert result.get(timeout=30) == 9


def test_bad_input():
    for processes in (0, -1):
        with pytest.raises(ValueError, match="processes of a Pool must be >= 1"):
            Pool(processes)
    with pytest.raises(ValueError, match=r"but the session has 2 CPUs: ask for fewer, or .*num_cpus=3"):
        Pool(3)
    with pytest.raises(TypeError, match="processes of a Pool must be an integer"):
        Pool("2")
    with pytest.raises(TypeError, match="initializer of a Pool must be callable"):
        Pool(1, initializer=3)
    with pytest.warns(UserWarning, match="no use for a context"):
        made = Pool(1, context="spawn")
    with made as pool:
        for call in (pool.map, pool.imap):
            with pytest.raises(ValueError, match="chunksize of a Pool must be >= 1"):
                call(square, [1], chunksize=0)
            with pytest.raises(TypeError, match="not iterable"):
                call(square, 3)
        with pytest.raises(TypeError, match="a Pool calls functions, not 3"):
            pool.apply(3)
        with pytest.raises(TypeError, match="a callback of a Pool must be callable"):
            pool.apply_async(square, (1,), callback=3)
        with pytest.raises(NotImplementedError, match="can not be passed to another process"):
            pickle.dumps(pool)
        assert repr(pool) == "<gnomon.util.multiprocessing.Pool running processes=1>"
