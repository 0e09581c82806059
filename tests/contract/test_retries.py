"""Attempts: which exceptions are tried again, how often, and what the code sees of it, on every engine."""

import pytest

import gnomon
from gnomon.exceptions import TaskError


class Flaky(Exception):
    pass


class Special(Flaky):
    pass


@pytest.fixture
def attempts(tmp_path):
    """Counts across processes: ``attempts()`` adds one and returns how many there are."""
    log = tmp_path / "attempts"
    log.touch()

    def count(add=1):
        with log.open("a") as file:
            file.write("x" * add)
        return log.stat().st_size

    return count


def failing(attempts, error, good_at):
    def attempt():
        made = attempts()
        if made < good_at:
            raise error
        return made

    return attempt


@pytest.mark.parametrize(
    ("rule", "error", "expected"),
    [
        (True, Flaky("x"), 3),
        (True, KeyError("x"), 3),
        ([Flaky], Flaky("x"), 3),
        ([Flaky], Special("x"), 3),
        ([KeyError, Flaky], Flaky("x"), 3),
        ([Special], Flaky("x"), None),
        ([KeyError], Flaky("x"), None),
        ([], Flaky("x"), None),
        (False, Flaky("x"), None),
    ],
    ids=lambda value: repr(value).replace("<class 'contract.test_retries.", ""),
)
def test_which_exceptions_are_tried_again(attempts, rule, error, expected):
    task = gnomon.remote(max_retries=5, retry_exceptions=rule)(failing(attempts, error, 3))
    if expected is None:
        with pytest.raises(Flaky):
            gnomon.get(task.remote(), timeout=60)
        assert attempts(0) == 1
    else:
        assert gnomon.get(task.remote(), timeout=60) == expected


@pytest.mark.parametrize("retries", [0, 1, 2])
def test_how_often(attempts, retries):
    task = gnomon.remote(max_retries=retries, retry_exceptions=True)(failing(attempts, Flaky("no"), 99))
    with pytest.raises(Flaky):
        gnomon.get(task.remote(), timeout=60)
    assert attempts(0) == retries + 1


def test_without_end(attempts):
    task = gnomon.remote(max_retries=-1, retry_exceptions=[Flaky])(failing(attempts, Flaky("no"), 12))
    assert gnomon.get(task.remote(), timeout=60) == 12


def test_options_set_the_retries_of_one_call(attempts):
    task = gnomon.remote(failing(attempts, Flaky("no"), 2))
    with pytest.raises(Flaky):
        gnomon.get(task.remote())
    assert gnomon.get(task.options(retry_exceptions=[Flaky]).remote(), timeout=60) == 2


def test_dependents_see_only_the_last_attempt(attempts):
    @gnomon.remote
    def double(x):
        return 2 * x

    task = gnomon.remote(max_retries=3, retry_exceptions=True)(failing(attempts, Flaky("no"), 3))
    assert gnomon.get(double.remote(task.remote()), timeout=60) == 6


def test_several_results_are_tried_again_together(attempts):
    attempt = failing(attempts, Flaky("no"), 2)

    @gnomon.remote(num_returns=2, retry_exceptions=True)
    def both():
        return attempt(), "second"

    assert gnomon.get(both.remote(), timeout=60) == [2, "second"]


def test_an_argument_that_failed_is_not_tried_again(attempts):
    @gnomon.remote(max_retries=0)
    def bad():
        raise Flaky("the argument")

    @gnomon.remote(max_retries=3, retry_exceptions=True)
    def use(x):
        attempts()
        return x

    with pytest.raises(Flaky, match="the argument"):
        gnomon.get(use.remote(bad.remote()), timeout=60)
    assert attempts(0) == 0


def test_retries_of_methods(attempts):
    @gnomon.remote(max_restarts=1, max_task_retries=5)
    class Shaky:
        def __init__(self):
            self.calls = 0

        @gnomon.method(retry_exceptions=[Flaky])
        def listed(self, error):
            self.calls += 1
            if self.calls % 3:
                raise error
            return self.calls

        @gnomon.method(retry_exceptions=True, max_task_retries=1)
        def few(self):
            attempts()
            raise Flaky("again")

        def never(self):
            attempts()
            raise Flaky("once")

    shaky = Shaky.remote()
    assert gnomon.get(shaky.listed.remote(Special("x")), timeout=60) == 3
    with pytest.raises(KeyError):
        gnomon.get(shaky.listed.remote(KeyError("x")), timeout=60)
    with pytest.raises(Flaky):
        gnomon.get(shaky.few.remote(), timeout=60)
    assert attempts(0) == 2
    with pytest.raises(Flaky):
        gnomon.get(shaky.never.remote(), timeout=60)
    assert attempts(0) == 3


def test_methods_of_async_actors_too(attempts):
    @gnomon.remote(max_restarts=1, max_task_retries=5)
    class Shaky:
        @gnomon.method(retry_exceptions=[Flaky])
        async def call(self):
            if attempts() < 3:
                raise Flaky("again")
            return "done"

    assert gnomon.get(Shaky.remote().call.remote(), timeout=60) == "done"


def test_the_error_of_the_last_attempt_is_told(attempts):
    @gnomon.remote(max_retries=2, retry_exceptions=True)
    def number():
        raise Flaky(f"attempt {attempts()}")

    with pytest.raises(TaskError) as caught:
        gnomon.get(number.remote(), timeout=60)
    assert "attempt 3" in str(caught.value)
