"""Remote functions on every engine."""

import functools

import pytest

import gnomon


@gnomon.remote
def add(x, y=1):
    return x + y


@gnomon.remote
def length(items):
    return len(items)


def test_a_call_returns_a_reference_and_get_its_value():
    ref = add.remote(1, 2)
    assert isinstance(ref, gnomon.ObjectRef)
    assert gnomon.get(ref) == 3


def test_arguments_by_position_by_name_and_by_default():
    refs = [add.remote(1), add.remote(1, y=5), add.remote(y=2, x=3), add.remote(*(4, 5))]
    assert gnomon.get(refs) == [2, 6, 5, 9]


def test_a_reference_as_argument_is_replaced_by_its_value():
    assert gnomon.get(add.remote(add.remote(1, 1), y=add.remote(2, 2))) == 6


def test_the_same_reference_twice():
    one = gnomon.put(21)
    assert gnomon.get(add.remote(one, one)) == 42


def test_a_reference_inside_a_value_stays_a_reference():
    @gnomon.remote
    def look(box):
        assert isinstance(box["ref"], gnomon.ObjectRef)
        return gnomon.get(box["ref"]) + 1

    assert gnomon.get(look.remote({"ref": gnomon.put(41)})) == 42


def test_chains_and_fans():
    total = functools.reduce(lambda ref, _: add.remote(ref), range(50), gnomon.put(0))
    assert gnomon.get(total) == 50

    @gnomon.remote
    def join(*parts, scale):
        return sum(parts) * scale

    assert gnomon.get(join.remote(*[add.remote(i) for i in range(20)], scale=2)) == 420


def test_many_calls():
    assert gnomon.get([add.remote(i) for i in range(500)]) == list(range(1, 501))


@pytest.mark.parametrize("count", [2, 3, 7])
def test_several_results(count):
    @gnomon.remote(num_returns=count)
    def split(start):
        return tuple(range(start, start + count))

    refs = split.remote(10)
    assert len(refs) == count
    assert gnomon.get(refs) == list(range(10, 10 + count))


def test_no_result():
    @gnomon.remote(num_returns=0)
    def nothing():
        return None

    assert nothing.remote() is None


def test_a_generator_fills_several_results():
    @gnomon.remote(num_returns=3)
    def count():
        yield from "abc"

    assert gnomon.get(count.remote()) == ["a", "b", "c"]


def test_another_number_of_results_is_an_error():
    @gnomon.remote(num_returns=2)
    def three():
        return 1, 2, 3

    with pytest.raises(ValueError, match=r"three .*num_returns"):
        gnomon.get(three.remote())


def test_options_do_not_change_the_function():
    pair = add.options(num_returns=2, name="pair")
    with pytest.raises((TypeError, ValueError), match=r"pair .*num_returns"):
        gnomon.get(pair.remote(1))
    assert gnomon.get(add.remote(1)) == 2


def test_remote_as_a_call_and_the_underscore_form():
    assert gnomon.get(gnomon.remote(lambda x: x * 2).remote(4)) == 8
    assert gnomon.get(gnomon.remote(num_cpus=1)(len).remote("abc")) == 3
    assert gnomon.get(add._remote(args=[1], kwargs={"y": 2}, num_cpus=1)) == 3


def test_closures_and_globals_travel():
    factor = 3

    @gnomon.remote
    def scaled(x):
        return helper(x) * factor

    assert gnomon.get(scaled.remote(5)) == 18


def helper(x):
    return x + 1


def test_a_task_can_not_change_what_the_caller_has():
    box = [1, 2]

    @gnomon.remote
    def grow(items):
        items.append(3)
        box.append(4)
        return items

    assert gnomon.get(grow.remote(box)) == [1, 2, 3]
    assert box == [1, 2]


def test_nested_tasks():
    @gnomon.remote
    def outer(n):
        return sum(gnomon.get([add.remote(i) for i in range(n)]))

    assert gnomon.get(outer.remote(5)) == 15


def test_recursion():
    @gnomon.remote
    def fib(n):
        return n if n < 2 else sum(gnomon.get([fib.remote(n - 1), fib.remote(n - 2)]))

    assert gnomon.get(fib.remote(7)) == 13


def test_deep_waits_inside_waits():
    @gnomon.remote
    def deep(n):
        return 0 if n == 0 else 1 + gnomon.get(deep.remote(n - 1))

    assert gnomon.get(deep.remote(100), timeout=60) == 100


def test_a_task_returns_a_reference():
    @gnomon.remote
    def lazy():
        return [add.remote(40, 2)]

    assert gnomon.get(gnomon.get(lazy.remote())[0]) == 42


def test_results_of_any_kind():
    values = [None, 0, 2.5, "text", b"bytes", (1, [2, {3}]), {"a": {"b": [None]}}, range(3), True]

    @gnomon.remote
    def give(index):
        return values[index]

    assert gnomon.get([give.remote(i) for i in range(len(values))]) == values


def test_a_large_argument_and_a_large_result():
    @gnomon.remote
    def double(data):
        return data + data

    data = b"x" * 1_000_000
    assert gnomon.get(double.remote(data)) == data * 2
    assert gnomon.get(length.remote(gnomon.put(data))) == 1_000_000


def test_numpy_arrays_are_read_only():
    numpy = pytest.importorskip("numpy")

    @gnomon.remote
    def total(array):
        assert not array.flags.writeable
        return array.sum()

    array = numpy.arange(100_000)
    ref = gnomon.put(array)
    assert gnomon.get(total.remote(ref)) == array.sum()
    fetched = gnomon.get(ref)
    with pytest.raises(ValueError, match="read-only"):
        fetched[0] = 1
    assert numpy.array_equal(fetched, array)


def test_retries_of_exceptions(tmp_path):
    log = tmp_path / "attempts"

    def attempt(succeed_at):
        with log.open("a") as file:
            file.write("x")
        made = log.stat().st_size
        if made < succeed_at:
            raise ConnectionError(made)
        return made

    listed = gnomon.remote(max_retries=3, retry_exceptions=[ConnectionError])(attempt)
    assert gnomon.get(listed.remote(3)) == 3
    log.unlink()
    every = gnomon.remote(max_retries=1, retry_exceptions=True)(attempt)
    with pytest.raises(ConnectionError):
        gnomon.get(every.remote(5))
    assert log.stat().st_size == 2
    log.unlink()
    other = gnomon.remote(max_retries=3, retry_exceptions=[KeyError])(attempt)
    with pytest.raises(ConnectionError):
        gnomon.get(other.remote(5))
    assert log.stat().st_size == 1


def test_custom_resources_and_fractions():
    @gnomon.remote(num_cpus=0.5, resources={"gadget": 0.25})
    def held():
        return gnomon.get_runtime_context().get_assigned_resources()

    assert gnomon.get(held.remote()) == {"CPU": 0.5, "gadget": 0.25}


def test_a_remote_function_travels_inside_values():
    @gnomon.remote
    def call(function, x):
        return gnomon.get(function.remote(x))

    assert gnomon.get(call.remote(add, 1)) == 2
