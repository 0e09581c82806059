"""Calls of remote functions: arguments, closures, results and options, on every engine."""

import dataclasses
import functools

import pytest

import gnomon


@gnomon.remote
def show(a, b=2, *rest, c, d=4, **more):
    return a, b, rest, c, d, more


@gnomon.remote
def echo(x):
    return x


@gnomon.remote
def pair():
    return 1, 2


def test_every_kind_of_parameter():
    assert gnomon.get(show.remote(1, c=3)) == (1, 2, (), 3, 4, {})
    assert gnomon.get(show.remote(1, 5, 6, 7, c=3, e=8, d=9)) == (1, 5, (6, 7), 3, 9, {"e": 8})
    given = {"c": 1, "z": 2}
    assert gnomon.get(show.remote(*range(3), **given)) == (0, 1, (2,), 1, 4, {"z": 2})


def test_references_in_every_kind_of_parameter():
    refs = [gnomon.put(i) for i in range(6)]
    found = gnomon.get(show.remote(refs[0], refs[1], refs[2], c=refs[3], d=refs[4], e=refs[5]))
    assert found == (0, 1, (2,), 3, 4, {"e": 5})


def test_wrong_arguments_fail_at_the_call():
    for call in (
        lambda: show.remote(),
        lambda: show.remote(1),
        lambda: echo.remote(),
        lambda: echo.remote(1, 2),
        lambda: echo.remote(y=1),
        lambda: echo.remote(1, x=1),
    ):
        with pytest.raises(TypeError):
            call()


def test_names_of_the_runtimes_own_words_are_free():
    @gnomon.remote
    def words(self, args, kwargs, options, function, name):
        return self, args, kwargs, options, function, name

    ref = words.remote(self=1, args=2, kwargs=3, options=4, function=5, name=6)
    assert gnomon.get(ref) == (1, 2, 3, 4, 5, 6)


def test_references_nested_in_any_container():
    ref = gnomon.put("inner")

    @dataclasses.dataclass
    class Box:
        ref: object

    @gnomon.remote
    def count(value):
        return sum(isinstance(each, gnomon.ObjectRef) for each in flat(value))

    def flat(value):
        if isinstance(value, dict):
            return [each for part in value.values() for each in flat(part)]
        if isinstance(value, list | tuple | set):
            return [each for part in value for each in flat(part)]
        return flat(value.ref) if dataclasses.is_dataclass(value) else [value]

    for boxed, number in (([ref, ref], 2), ({"a": (ref,)}, 1), ({ref}, 1), (Box([ref]), 1), (ref, 0)):
        assert gnomon.get(count.remote(boxed)) == number


def test_a_reference_to_a_reference_is_only_opened_once():
    inner = gnomon.put("value")
    outer = gnomon.put([inner])

    @gnomon.remote
    def look(boxed):
        return isinstance(boxed[0], gnomon.ObjectRef), gnomon.get(boxed[0])

    assert gnomon.get(look.remote(outer)) == (True, "value")


def test_mutable_defaults():
    """As in Python, within one process: a worker may have run the function before, or not."""

    @gnomon.remote
    def collect(item, seen=[]):  # noqa: B006
        seen.append(item)
        return seen

    first = gnomon.get(collect.remote(1))
    assert first == [1]
    assert gnomon.get(collect.remote(2))[-1] == 2
    assert first == [1]


def test_arguments_are_copies():
    @gnomon.remote
    def spoil(items):
        items.clear()
        return items

    items = [1, 2]
    ref = gnomon.put(items)
    assert gnomon.get([spoil.remote(items), spoil.remote(ref), spoil.remote(ref)]) == [[], [], []]
    assert items == [1, 2]
    assert gnomon.get(ref) == [1, 2]


def test_closures_are_taken_at_the_first_call():
    factor = 2

    @gnomon.remote
    def scaled(x):
        return factor * x

    assert gnomon.get(scaled.remote(10)) == 20
    factor = 3
    assert gnomon.get(scaled.remote(10)) == 20


def test_closures_over_references_and_remote_functions():
    ref = gnomon.put(5)

    @gnomon.remote
    def inner(x):
        return x + gnomon.get(ref)

    @gnomon.remote
    def outer(x):
        return gnomon.get(inner.remote(x))

    assert gnomon.get(outer.remote(1)) == 6


def test_lambdas_partials_and_callables():
    assert gnomon.get(gnomon.remote(lambda x: x + 1).remote(1)) == 2

    @gnomon.remote
    def apply(function, *args):
        return function(*args)

    assert gnomon.get(apply.remote(functools.partial(pow, 2), 5)) == 32
    assert gnomon.get(apply.remote(lambda x: -x, 5)) == -5
    assert gnomon.get(apply.remote(Adder(10), 5)) == 15


class Adder:
    def __init__(self, amount):
        self.amount = amount

    def __call__(self, x):
        return x + self.amount


def test_decorated_functions():
    def doubled(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return 2 * function(*args, **kwargs)

        return wrapper

    @gnomon.remote
    @doubled
    def add(x, y=1):
        return x + y

    assert gnomon.get(add.remote(4)) == 10


def test_annotated_functions():
    @gnomon.remote
    def typed(x: int, y: "str | None" = None) -> list[str]:
        return [str(x), str(y)]

    assert gnomon.get(typed.remote(1)) == ["1", "None"]


def test_calling_directly_says_what_to_write():
    with pytest.raises(TypeError, match=r"\.remote\("):
        echo(1)


# -- results ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [tuple, list], ids=["tuple", "list"])
def test_several_results(make):
    @gnomon.remote(num_returns=3)
    def split():
        return make([1, 2, 3])

    a, b, c = split.remote()
    assert gnomon.get([c, b, a]) == [3, 2, 1]


def test_one_result_may_be_a_tuple():
    assert gnomon.get(pair.remote()) == (1, 2)
    assert gnomon.get(pair.options(num_returns=2).remote()) == [1, 2]


def test_results_of_one_task_are_objects_of_their_own():
    a, b = pair.options(num_returns=2).remote()
    del a
    assert gnomon.get(b) == 2
    assert gnomon.get(echo.remote(b)) == 2


def test_no_results_means_none():
    assert pair.options(num_returns=0).remote() is None


def test_none_is_a_result():
    @gnomon.remote
    def nothing():
        pass

    assert gnomon.get(nothing.remote()) is None


def test_too_few_results_fail_each():
    refs = pair.options(num_returns=3).remote()
    for ref in refs:
        with pytest.raises(ValueError):
            gnomon.get(ref)


def test_values_that_look_like_the_runtimes():
    """Results that could be taken for references, errors or ends."""

    @gnomon.remote
    def give(what):
        return {"ref": [gnomon.put(1)], "error": KeyError("k"), "stop": StopIteration(), "ell": ...}[what]

    assert gnomon.get(gnomon.get(give.remote("ref"))[0]) == 1
    assert isinstance(gnomon.get(give.remote("error")), KeyError)
    assert isinstance(gnomon.get(give.remote("stop")), StopIteration)
    assert gnomon.get(give.remote("ell")) is ...


# -- options ----------------------------------------------------------------------------------------------------------


def test_options_make_a_variant():
    @gnomon.remote(num_cpus=0.5)
    def held():
        return gnomon.get_runtime_context().get_assigned_resources()

    assert gnomon.get(held.remote()) == {"CPU": 0.5}
    assert gnomon.get(held.options(num_cpus=1).remote()) == {"CPU": 1.0}
    both = held.options(num_cpus=0.25, resources={"gadget": 1})
    assert gnomon.get(held.remote()) == {"CPU": 0.5}
    assert gnomon.get(both.remote()) == {"CPU": 0.25, "gadget": 1.0}


def test_no_cpu_at_all():
    @gnomon.remote(num_cpus=0)
    def free():
        return gnomon.get_runtime_context().get_assigned_resources().get("CPU", 0)

    assert gnomon.get([free.remote() for _ in range(8)]) == [0] * 8


@pytest.mark.parametrize(
    "options",
    [
        {"num_cpu": 1},
        {"num_cpus": -1},
        {"num_cpus": "two"},
        {"num_returns": -3},
        {"num_returns": "many"},
        {"max_retries": -2},
        {"max_retries": 1.5},
        {"resources": {"CPU": 1}},
        {"retry_exceptions": "all"},
    ],
    ids=str,
)
def test_wrong_options_fail_where_they_are_written(options):
    with pytest.raises((ValueError, TypeError)):
        gnomon.remote(**options)(lambda: None)
    with pytest.raises((ValueError, TypeError)):
        echo.options(**options)


def test_only_options_by_name():
    for wrong in (lambda: gnomon.remote(1), lambda: gnomon.remote("f"), lambda: gnomon.remote(num_cpus=1)(3)):
        with pytest.raises(TypeError):
            wrong()


def test_the_name_of_a_call():
    @gnomon.remote
    def name():
        return gnomon.get_runtime_context().get_task_name()

    assert gnomon.get(name.options(name="other").remote()) == "other"
