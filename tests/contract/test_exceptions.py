"""What the user's code raises, as the caller sees it, on every engine."""

import pickle

import pytest

import gnomon
from gnomon.exceptions import GnomonError, TaskError


class Coded(Exception):
    def __init__(self, code, reason="none"):
        super().__init__(code, reason)
        self.code = code


class Formatted(Exception):
    """Hands on something else than it was given: Python's own pickle can not rebuild it."""

    def __init__(self, code, reason):
        super().__init__(f"{code}: {reason}")
        self.code = code


class Keyed(LookupError):
    def __init__(self, *, key):
        super().__init__(f"no {key}")
        self.key = key


class Base(BaseException):
    pass


class Child(Coded):
    pass


@gnomon.remote
def throw(error):
    raise error


@gnomon.remote
def throw_made(cls, *args, **kwargs):
    raise cls(*args, **kwargs)


def test_exceptions_of_the_user_are_caught_as_their_class():
    with pytest.raises(Coded) as caught:
        gnomon.get(throw.remote(Coded(3, "no")))
    assert caught.value.code == 3
    assert isinstance(caught.value, TaskError)
    with pytest.raises(Coded) as caught:
        gnomon.get(throw_made.remote(Child, 4))
    assert isinstance(caught.value.cause, Child)
    assert isinstance(caught.value, GnomonError)


def test_constructors_with_other_arguments():
    with pytest.raises(Formatted) as caught:
        gnomon.get(throw_made.remote(Formatted, 7, "why"))
    assert caught.value.code == 7
    assert caught.value.args == ("7: why",)
    with pytest.raises(Keyed) as caught:
        gnomon.get(throw_made.remote(Keyed, key="k"))
    assert caught.value.key == "k"
    with pytest.raises(LookupError):
        gnomon.get(throw_made.remote(Keyed, key="k"))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("v"), KeyError("k"), IndexError(3), AttributeError("a"), NotImplementedError("n"), OSError(5, "io"),
        TimeoutError("t"), AssertionError("a"), RecursionError("deep"), UnicodeDecodeError("utf8", b"x", 0, 1, "bad"),
    ],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_built_in_exceptions(error):
    with pytest.raises(type(error)) as caught:
        gnomon.get(throw.remote(error))
    assert isinstance(caught.value, TaskError)
    assert type(caught.value.cause) is type(error)
    assert str(error) in str(caught.value)


def test_groups_of_exceptions():
    group = ExceptionGroup("several", [ValueError(1), KeyError(2)])
    with pytest.raises(ExceptionGroup) as caught:
        gnomon.get(throw.remote(group))
    assert [type(each) for each in caught.value.cause.exceptions] == [ValueError, KeyError]


def test_what_is_no_exception_arrives_too():
    with pytest.raises(Base):
        gnomon.get(throw_made.options(max_retries=0).remote(Base, "b"), timeout=30)
    with pytest.raises(TaskError):
        gnomon.get(throw_made.options(max_retries=0).remote(GeneratorExitOf), timeout=30)
    assert gnomon.get(fine.remote()) == "fine"


class GeneratorExitOf(GeneratorExit):
    pass


@gnomon.remote
def fine():
    return "fine"


def test_stop_iteration_does_not_end_the_callers_loop():
    def results():
        for _ in range(3):
            try:
                yield gnomon.get(throw.remote(StopIteration(1)))
            except TaskError:
                yield "caught"

    assert list(results()) == ["caught"] * 3


def test_causes_and_contexts_are_told():
    @gnomon.remote
    def cause():
        try:
            _ = 1 / 0
        except ZeroDivisionError as error:
            raise ValueError("outer") from error

    @gnomon.remote
    def context():
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            raise ValueError("outer")  # noqa: B904

    for function, sentence in ((cause, "direct cause"), (context, "During handling")):
        with pytest.raises(ValueError) as caught:
            gnomon.get(function.remote())
        assert "ZeroDivisionError" in str(caught.value)
        assert sentence in str(caught.value)


def test_notes_travel():
    @gnomon.remote
    def noted():
        error = ValueError("v")
        error.add_note("look here")
        raise error

    with pytest.raises(ValueError) as caught:
        gnomon.get(noted.remote())
    assert caught.value.cause.__notes__ == ["look here"]


def test_an_exception_as_a_value_is_not_raised():
    @gnomon.remote
    def give():
        return ValueError("a value")

    value = gnomon.get(give.remote())
    assert type(value) is ValueError
    assert type(gnomon.get(gnomon.put(KeyError("k")))) is KeyError


def test_raised_in_the_depths_of_calls():
    @gnomon.remote
    def level(n):
        if n == 0:
            raise Coded(9)
        return gnomon.get(level.remote(n - 1))

    with pytest.raises(Coded) as caught:
        gnomon.get(level.remote(4), timeout=60)
    assert caught.value.code == 9


def test_a_task_catches_the_error_of_another():
    @gnomon.remote
    def careful(boxed):
        try:
            return gnomon.get(boxed[0])
        except Coded as error:
            return f"caught {error.code}"

    assert gnomon.get(careful.remote([throw.remote(Coded(5))])) == "caught 5"


def test_one_failure_among_many_dependents():
    @gnomon.remote
    def join(*parts):
        return len(parts)

    good = [fine.remote() for _ in range(3)]
    with pytest.raises(Coded):
        gnomon.get(join.remote(*good, throw.remote(Coded(1))))
    assert gnomon.get(join.remote(*good)) == 3


def test_the_same_error_can_be_fetched_again():
    ref = throw.remote(Coded(2))
    caught = []
    for _ in range(2):
        with pytest.raises(Coded) as info:
            gnomon.get(ref)
        caught.append(info.value)
    assert caught[0] is not caught[1]


def test_an_error_can_be_raised_on_and_pickled():
    with pytest.raises(KeyError) as caught:
        gnomon.get(throw.remote(KeyError("k")))
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, KeyError)
    assert isinstance(again, TaskError)

    @gnomon.remote
    def hand_on(error):
        raise error

    with pytest.raises(KeyError):
        gnomon.get(hand_on.remote(caught.value))


def test_get_of_many_does_not_wait_for_the_others_after_an_error(gate):
    pending = gate.enter.remote()
    with pytest.raises(Coded):
        gnomon.get([pending, throw.remote(Coded(1))], timeout=30)
    gnomon.get(gate.open.remote())
    assert gnomon.get(pending, timeout=30) is None


def test_errors_inside_actors():
    @gnomon.remote
    class Thrower:
        def throw(self):
            raise Formatted(1, "in an actor")

        async def later(self):
            raise Formatted(2, "in an async actor")

    thrower = Thrower.remote()
    for ref, code in ((thrower.throw.remote(), 1), (thrower.later.remote(), 2)):
        with pytest.raises(Formatted) as caught:
            gnomon.get(ref, timeout=30)
        assert caught.value.code == code
