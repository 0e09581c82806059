"""get, wait and the helpers on top of them, on every engine."""

import pytest

import gnomon
from gnomon.exceptions import GetTimeoutError
from gnomon.util import as_completed, map_unordered


@gnomon.remote
def echo(x):
    return x


@gnomon.remote
def fail(error):
    raise error


# -- get --------------------------------------------------------------------------------------------------------------


def test_get_keeps_the_order_and_takes_doubles():
    a, b = echo.remote("a"), echo.remote("b")
    assert gnomon.get([b, a, b, a]) == ["b", "a", "b", "a"]
    assert gnomon.get([]) == []


@pytest.mark.parametrize("wrong", [1, "x", None, {}, object()], ids=["1", "x", "None", "dict", "object"])
def test_get_of_what_is_no_reference(wrong):
    with pytest.raises((ValueError, TypeError)):
        gnomon.get(wrong)
    with pytest.raises((ValueError, TypeError)):
        gnomon.get([wrong])


def test_get_of_a_function_that_was_not_called():
    with pytest.raises((ValueError, TypeError)):
        gnomon.get(echo)


def test_get_times_out(gate):
    ref = gate.enter.remote(1)
    for timeout in (0, 0.01):
        with pytest.raises(GetTimeoutError):
            gnomon.get(ref, timeout=timeout)
        with pytest.raises(GetTimeoutError):
            gnomon.get([echo.remote(1), ref], timeout=timeout)
    gnomon.get(gate.open.remote())
    assert gnomon.get(ref, timeout=30) == 1


def test_a_timeout_is_a_timeout_error(gate):
    ref = gate.enter.remote()
    with pytest.raises(TimeoutError):
        gnomon.get(ref, timeout=0.01)
    gnomon.get(gate.open.remote())


def test_get_without_time_of_what_is_ready():
    ref = echo.remote(1)
    gnomon.wait([ref])
    assert gnomon.get(ref, timeout=0) == 1


def test_get_can_be_asked_again():
    ref = gnomon.put([1])
    first, second = gnomon.get(ref), gnomon.get(ref)
    first.append(2)
    assert second == [1]


# -- wait -------------------------------------------------------------------------------------------------------------


def test_wait_returns_every_reference_once():
    refs = [echo.remote(i) for i in range(5)]
    ready, others = gnomon.wait(refs, num_returns=3, timeout=30)
    assert len(ready) == 3
    assert set(ready) | set(others) == set(refs)
    assert len(others) == 2


def test_wait_keeps_the_given_order():
    refs = [echo.remote(i) for i in range(5)]
    ready, others = gnomon.wait(refs[::-1], num_returns=5, timeout=30)
    assert ready == refs[::-1]
    assert others == []


def test_wait_for_more_than_there_are():
    refs = [echo.remote(1)]
    for number in (2, 0, -1):
        with pytest.raises(ValueError):
            gnomon.wait(refs, num_returns=number)


def test_wait_refuses_doubles_and_what_is_no_list():
    ref = echo.remote(1)
    with pytest.raises(ValueError):
        gnomon.wait([ref, ref])
    with pytest.raises(TypeError):
        gnomon.wait(ref)
    with pytest.raises(TypeError):
        gnomon.wait([1])


def test_wait_without_time(gate):
    pending, ready = gate.enter.remote(), echo.remote(1)
    gnomon.get(ready)
    assert gnomon.wait([pending, ready], timeout=0) == ([ready], [pending])
    assert gnomon.wait([pending], timeout=0) == ([], [pending])
    assert gnomon.wait([pending, ready], num_returns=2, timeout=0.01) == ([ready], [pending])
    gnomon.get(gate.open.remote())
    assert gnomon.wait([pending, ready], num_returns=2, timeout=30) == ([pending, ready], [])


def test_wait_sees_errors_and_cancelled_ones_as_ready(gate):
    failed, cancelled = fail.remote(KeyError("k")), gate.enter.remote()
    gnomon.cancel(cancelled)
    ready, others = gnomon.wait([failed, cancelled], num_returns=2, timeout=30)
    assert others == []
    assert ready == [failed, cancelled]


def test_wait_for_values_that_were_put():
    refs = [gnomon.put(i) for i in range(3)]
    assert gnomon.wait(refs, num_returns=3, timeout=30) == (refs, [])
    assert gnomon.wait(refs, num_returns=3, timeout=30, fetch_local=False) == (refs, [])


def test_the_usual_loop():
    pending = [echo.remote(i) for i in range(40)]
    seen = []
    while pending:
        (ready,), pending = gnomon.wait(pending, num_returns=1)
        seen.append(gnomon.get(ready))
    assert sorted(seen) == list(range(40))


def test_a_bounded_number_in_flight():
    pending, done = [], []
    for i in range(30):
        if len(pending) >= 4:
            ready, pending = gnomon.wait(pending, num_returns=1)
            done += gnomon.get(ready)
        pending.append(echo.remote(i))
    assert sorted(done + gnomon.get(pending)) == list(range(30))


# -- on top of them ---------------------------------------------------------------------------------------------------


def test_as_completed_gives_what_is_ready_first(gate):
    slow, quick = gate.enter.remote("slow"), echo.remote("quick")
    results = as_completed([slow, quick], chunk_size=1)
    assert next(results) == "quick"
    gnomon.get(gate.open.remote())
    assert list(results) == ["slow"]


def test_as_completed_in_chunks():
    refs = [echo.remote(i) for i in range(7)]
    assert sorted(as_completed(refs, chunk_size=3)) == list(range(7))
    assert list(as_completed([])) == []


def test_as_completed_raises_the_tasks_error():
    results = as_completed([fail.remote(KeyError("k"))])
    with pytest.raises(KeyError):
        next(results)


def test_map_unordered_is_never_far_ahead():
    taken = []

    def items():
        for i in range(20):
            taken.append(i)
            yield i

    results = map_unordered(echo, items(), backpressure_size=4, chunk_size=1)
    first = next(results)
    assert first in range(20)
    assert len(taken) <= 6
    assert sorted([first, *results]) == list(range(20))


def test_map_unordered_with_methods():
    @gnomon.remote
    class Doubler:
        def double(self, x):
            return 2 * x

    doubler = Doubler.remote()
    assert sorted(map_unordered(doubler.double, range(5))) == [0, 2, 4, 6, 8]
