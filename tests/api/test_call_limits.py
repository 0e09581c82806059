"""The option ``max_calls``: what it may be, who may set it, and its default for tasks with GPUs."""

import pytest

import gnomon


def f() -> None: ...


def limit(function: object) -> int:
    return function._template.options.max_calls  # type: ignore[attr-defined,no-any-return]


def test_the_limit_and_its_defaults() -> None:
    assert limit(gnomon.remote(f)) == 0
    assert limit(gnomon.remote(max_calls=None)(f)) == 0
    assert limit(gnomon.remote(max_calls=7)(f)) == 7
    assert limit(gnomon.remote(max_calls=7)(f).options(num_cpus=2)) == 7


def test_tasks_that_are_declared_with_gpus_have_one_call_per_worker() -> None:
    assert limit(gnomon.remote(num_gpus=1)(f)) == 1
    assert limit(gnomon.remote(num_gpus=0.5)(f).options(num_cpus=2)) == 1
    assert limit(gnomon.remote(num_gpus=1, max_calls=0)(f)) == 0
    assert limit(gnomon.remote(num_gpus=0)(f)) == 0
    assert limit(gnomon.remote(f).options(num_gpus=1)) == 0, "only the decorator sets it, as in Ray"


@pytest.mark.parametrize(
    ("wrong", "kind", "told"),
    [
        (-1, ValueError, "max_calls of the remote function f must be >= 0 (0 is without limit), not -1."),
        (1.5, TypeError, "max_calls of the remote function f must be an integer, not 1.5 (float)."),
        (True, TypeError, "max_calls of the remote function f must be an integer, not True (bool)."),
    ],
)
def test_wrong_limits_are_told(wrong: object, kind: type[Exception], told: str) -> None:
    with pytest.raises(kind) as caught:
        gnomon.remote(max_calls=wrong)(f)
    assert str(caught.value) == told


def test_options_can_not_set_it() -> None:
    with pytest.raises(ValueError, match="max_calls can only be set by the decorator"):
        gnomon.remote(f).options(max_calls=2)
