from __future__ import annotations

import threading
from typing import Any

import pytest

from gnomon._messages.failures import failure
from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import InternalError, OwnerDiedError, TaskError, WorkerCrashedError


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


class Demanding(Exception):
    """Its constructor can not be called with its ``args``, as Python's own pickle would."""

    def __init__(self, code: int, place: str) -> None:
        super().__init__(f"{code} at {place}")
        self.code = code


class Named(OSError):
    def __init__(self, *, host: str) -> None:
        super().__init__(111, "refused", host)
        self.host = host


class Wrapped(ValueError):
    """A constructor that changes what it is given, called once."""

    def __init__(self, text: str) -> None:
        super().__init__(f"<{text}>")


class Own(Exception):
    def __init__(self, left: int, right: int) -> None:
        super().__init__("sum", left + right)
        self.left = left

    def __reduce__(self) -> tuple[Any, ...]:
        return Own, (self.left, 2)


class Unloadable(Exception):
    def __reduce__(self) -> tuple[Any, ...]:
        return Own, ()


def test_an_exception_arrives_as_itself() -> None:
    blob = pickling.serialize_error(raised(ZeroDivisionError("division by zero")))
    assert pickling.is_error(blob)
    error = pickling.deserialize(blob, [])
    assert type(error) is ZeroDivisionError
    assert error.args == ("division by zero",)


def test_a_value_is_no_error_even_when_it_is_an_exception() -> None:
    blob = pickling.to_bytes(pickling.serialize(ValueError("just a value")))
    assert not pickling.is_error(blob)
    assert isinstance(pickling.deserialize(blob, []), ValueError)


@pytest.mark.parametrize(
    "error",
    [
        Demanding(7, "home"),
        Named(host="here"),
        Wrapped("x"),
        Own(1, 2),
        ExceptionGroup("several", [Demanding(1, "a"), ValueError(2)]),
        KeyError(Demanding(1, "inside")),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_needs_no_constructor_to_be_rebuilt(error: Exception) -> None:
    back = pickling.deserialize(pickling.serialize_error(raised(error)), [])
    assert type(back) is type(error)
    assert repr(back.args) == repr(error.args)
    assert str(back) == str(error)
    assert repr(vars(back)) == repr(vars(error))
    if isinstance(error, Named):
        assert (back.errno, back.filename) == (111, "here")


def test_what_can_not_travel_is_left_out() -> None:
    error = ValueError("locked", threading.Lock())
    error.key, error.where = threading.Lock(), "here"  # type: ignore[attr-defined]
    back = pickling.deserialize(pickling.serialize_error(raised(error)), [])
    assert type(back) is ValueError
    assert back.args == ("locked", str(error.args[1]))
    assert vars(back) == {"where": "here"}


def test_what_can_not_be_loaded_arrives_as_text() -> None:
    back = pickling.deserialize(pickling.serialize_error(raised(Unloadable("why"))), [])
    assert type(back) is TaskError
    assert "Unloadable: why" in str(back)
    assert "test_errors.py" in back.traceback_str
    assert back.cause is None


def test_a_task_error_whose_cause_can_not_travel_keeps_its_story() -> None:
    error = TaskError.from_exception("train", raised(Unloadable("no")), 123)
    back = pickling.deserialize(pickling.serialize_error(error), [])
    assert type(back) is TaskError
    assert (back.function_name, back.pid) == ("train", 123)
    assert back.traceback_str == error.traceback_str


def test_a_task_error_stays_catchable_as_its_cause() -> None:
    error = TaskError.from_exception("f", raised(KeyError("k")))
    back = pickling.deserialize(pickling.serialize_error(error), [])
    assert isinstance(back, KeyError)
    assert isinstance(back, TaskError)


def test_references_inside_an_exception_are_collected(identity: Any) -> None:
    contained: list[Any] = []
    blob = pickling.serialize_error(raised(ValueError(ObjectRef[Any](identity(1)))), contained)
    assert contained == [identity(1)]
    arrived: list[ObjectRef[Any]] = []
    pickling.deserialize(blob, arrived)
    assert [ref.binary() for ref in arrived] == [identity(1)]


def test_the_runtimes_own_errors_need_no_pickle() -> None:
    blob = failure("WorkerCrashedError", function_name="f", reason="killed by SIGKILL", attempts=2)
    assert pickling.is_error(blob)
    error = pickling.deserialize(blob, [])
    assert isinstance(error, WorkerCrashedError)
    assert error.attempts == 2
    assert "SIGKILL" in str(error)


def test_fields_that_a_class_does_not_take_become_attributes() -> None:
    error = pickling.deserialize(failure("OwnerDiedError", object_ref_hex="ab", somewhere="node 3"), [])
    assert isinstance(error, OwnerDiedError)
    assert error.object_ref_hex == "ab"
    assert vars(error)["somewhere"] == "node 3"


def test_an_unknown_failure_is_an_internal_error() -> None:
    assert isinstance(pickling.deserialize(failure("NoSuchError"), []), InternalError)
