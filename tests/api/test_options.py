"""Options: which are taken, what they mean, and what the wrong ones are told (golden texts)."""

import pytest

import gnomon
from gnomon._api import options
from gnomon.exceptions import UnsupportedOptionError


def f(x):
    return x


class Thing:
    def method(self):
        return 1


def test_defaults_of_a_task():
    made = options.task_options({})
    assert made.num_returns == 1
    assert made.resources == {"CPU": 10_000}
    assert made.max_retries == 3
    assert made.retry_exceptions is False


def test_resources_of_a_task():
    given = {"num_cpus": 0.5, "num_gpus": 2, "memory": 10, "resources": {"a": 1}, "accelerator_type": "T4"}
    assert options.task_options(given).resources == {
        "CPU": 5_000,
        "GPU": 20_000,
        "memory": 100_000,
        "a": 10_000,
        "accelerator_type:T4": 10,
    }
    assert options.task_options({"num_cpus": 0}).resources == {}


@pytest.mark.parametrize(
    ("given", "held", "placement"),
    [
        ({}, {}, {"CPU": 10_000}),
        ({"num_cpus": 2}, {"CPU": 20_000}, {"CPU": 20_000}),
        ({"num_cpus": 0}, {}, {}),
        ({"num_gpus": 1}, {"CPU": 10_000, "GPU": 10_000}, {"CPU": 10_000, "GPU": 10_000}),
        ({"resources": {"a": 1}}, {"CPU": 10_000, "a": 10_000}, {"CPU": 10_000, "a": 10_000}),
        ({"memory": 1}, {"memory": 10_000}, {"CPU": 10_000, "memory": 10_000}),
    ],
)
def test_resources_of_an_actor(given, held, placement):
    made = options.actor_options(given)
    assert made.resources == held
    assert made.placement_resources == placement


def test_all_forms_of_the_decorator():
    assert repr(gnomon.remote(f)) == "RemoteFunction(f)"
    assert repr(gnomon.remote(num_cpus=2)(f)) == "RemoteFunction(f)"
    assert repr(gnomon.remote(Thing)) == "ActorClass(Thing)"
    assert repr(gnomon.remote(max_restarts=2)(Thing)) == "ActorClass(Thing)"
    assert gnomon.remote(f).__wrapped__ is f
    assert gnomon.remote(Thing).__wrapped__ is Thing


def test_options_are_kept_and_overridden():
    base = gnomon.remote(num_cpus=2, max_retries=5)(f)
    changed = base.options(num_cpus=3)
    assert changed._template.options.resources == {"CPU": 30_000}
    assert changed._template.options.max_retries == 5
    assert base._template.options.resources == {"CPU": 20_000}
    assert base.options(num_cpus=3) is changed
    assert base.options(num_cpus=3.0) is not changed
    assert base.options(resources={"a": 1}) is base.options(resources={"a": 1})


WRONG = {
    "unknown": (
        lambda: gnomon.remote(num_cpu=1)(f),
        ValueError,
        "the remote function f has no option 'num_cpu'. Did you mean 'num_cpus'? The options are: "
        "accelerator_type, enable_task_events, ",
    ),
    "unknown in options": (lambda: gnomon.remote(f).options(max_restarts=1), ValueError, "has no option"),
    "unknown of a class": (
        lambda: gnomon.remote(num_returns=2)(Thing),
        ValueError,
        "the actor class Thing has no option 'num_returns'.",
    ),
    "unknown of a method": (
        lambda: gnomon.method(cpus=1)(f),
        ValueError,
        "the method f has no option 'cpus'.",
    ),
    "no number": (
        lambda: gnomon.remote(num_cpus="two")(f),
        TypeError,
        "num_cpus of the remote function f must be a number, not 'two' (str).",
    ),
    "negative": (
        lambda: gnomon.remote(num_gpus=-1)(f),
        ValueError,
        "num_gpus of the remote function f must be a finite number >= 0, not -1.",
    ),
    "part of several GPUs": (
        lambda: gnomon.remote(num_gpus=1.5)(f),
        ValueError,
        "num_gpus of the remote function f above 1 must be a whole number, not 1.5.",
    ),
    "CPU among resources": (
        lambda: gnomon.remote(resources={"CPU": 1})(f),
        ValueError,
        "resources of the remote function f may not hold 'CPU': use num_cpus=... instead.",
    ),
    "resource without amount": (
        lambda: gnomon.remote(resources={"a": "x"})(f),
        TypeError,
        "resources['a'] of the remote function f must be a number, not 'x' (str).",
    ),
    "number of results": (
        lambda: gnomon.remote(num_returns=-1)(f),
        ValueError,
        'num_returns of the remote function f must be an integer >= 0, "streaming" or "dynamic", not -1 (int).',
    ),
    "results in words": (
        lambda: gnomon.remote(num_returns="two")(f),
        ValueError,
        'num_returns of the remote function f must be an integer >= 0, "streaming" or "dynamic", not '
        "'two' (str).",
    ),
    "type of the number of results": (
        lambda: gnomon.remote(num_returns=2.0)(f),
        TypeError,
        'num_returns of the remote function f must be an integer >= 0, "streaming" or "dynamic", not 2.0 '
        "(float).",
    ),
    "streaming what does not yield": (
        lambda: gnomon.remote(num_returns="streaming")(f),
        ValueError,
        "num_returns='streaming' of the remote function f needs a generator function: one that yields its "
        "results.",
    ),
    "no item ahead": (
        lambda: gnomon.remote(_generator_backpressure_num_objects=0)(f),
        ValueError,
        "_generator_backpressure_num_objects of the remote function f must be >= 1, not 0: with 1 each item is "
        "made when the one before it was taken; -1 is without limit.",
    ),
    "retries": (
        lambda: gnomon.remote(max_retries=-2)(f),
        ValueError,
        "max_retries of the remote function f must be >= -1 (-1 is without end), not -2.",
    ),
    "exceptions": (
        lambda: gnomon.remote(retry_exceptions=[3])(f),
        TypeError,
        "retry_exceptions of the remote function f may only hold exception classes, not 3 (int).",
    ),
    "max_calls in options": (
        lambda: gnomon.remote(f).options(max_calls=1),
        ValueError,
        "max_calls can only be set by the decorator, not by .options(): write @remote(max_calls=...).",
    ),
    "not yet": (
        lambda: gnomon.remote(runtime_env={"pip": ["x"]})(f),
        UnsupportedOptionError,
        "The option runtime_env of the remote function f can not be honoured here: environments of single "
        "tasks are not available yet. Leave it out, or give it its default.",
    ),
    "lifetime": (
        lambda: gnomon.remote(lifetime="long")(Thing),
        ValueError,
        "lifetime of the actor class Thing must be one of None, 'detached', 'non_detached', not 'long' "
        "(str).",
    ),
    "empty name": (
        lambda: gnomon.remote(Thing).options(name=""),
        ValueError,
        "name of the actor class Thing may not be empty.",
    ),
    "get_if_exists alone": (
        lambda: gnomon.remote(get_if_exists=True)(Thing),
        ValueError,
        "get_if_exists of the actor class Thing needs a name=... too: which actor is to be found?",
    ),
    "parentheses": (
        lambda: gnomon.remote(),
        TypeError,
        "@remote() without options: leave the parentheses out. Write @remote, or @remote(num_cpus=2), or "
        "remote(f).",
    ),
    "by position": (lambda: gnomon.remote(f, 2), TypeError, "remote takes options by name only."),
    "no function": (
        lambda: gnomon.remote(3),
        TypeError,
        "remote makes functions and classes remote, not 3 (int). Write @remote, or @remote(num_cpus=2), or "
        "remote(f).",
    ),
    "twice": (
        lambda: gnomon.remote(gnomon.remote(f)),
        TypeError,
        "RemoteFunction(f) is remote already; use .options(...) to change its options.",
    ),
    "method by position": (
        lambda: gnomon.method(3),
        TypeError,
        "method decorates a function, not 3 (int). Write @method, or @method(num_returns=2).",
    ),
    "too small an amount": (
        lambda: gnomon.remote(num_cpus=0.00001)(f),
        ValueError,
        "num_cpus of the remote function f must be 0 or at least 0.0001, not 1e-05: no smaller part is counted.",
    ),
    "no strategy": (
        lambda: gnomon.remote(scheduling_strategy="SPRED")(f),
        ValueError,
        "scheduling_strategy of the remote function f must be 'DEFAULT', 'SPREAD' or a strategy object, not "
        "'SPRED'.",
    ),
    "environment of a wrong type": (
        lambda: gnomon.remote(runtime_env="pip")(f),
        TypeError,
        "runtime_env of the remote function f must be a dict, not 'pip' (str).",
    ),
    "tensors": (
        lambda: gnomon.method(tensor_transport="nccl")(f),
        UnsupportedOptionError,
        "The option tensor_transport of the method f can not be honoured here: tensors travel through the "
        "object store; there is no other transport.",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_options_are_refused(case):
    make, kind, text = WRONG[case]
    with pytest.raises(kind) as caught:
        make()
    assert text in str(caught.value)
    if text.endswith("."):
        assert str(caught.value).startswith(text)


def test_async_functions_are_no_tasks():
    async def later():
        return 1

    with pytest.raises(ValueError, match=r"later is an `async def` function"):
        gnomon.remote(later)


def test_defaults_may_be_written_out():
    gnomon.remote(
        max_calls=0, runtime_env=None, scheduling_strategy="DEFAULT", placement_group="default",
        placement_group_bundle_index=-1, num_returns=None, _metadata={}, enable_task_events=True,
    )(f)  # fmt: skip
