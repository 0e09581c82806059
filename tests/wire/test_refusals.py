from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import NotInitializedError, SerializationError


class Model:
    def __init__(self) -> None:
        self.name = "m"
        self.lock = threading.Lock()


class Slotted:
    __slots__ = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner


def generator() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("args", "kwargs", "path"),
    [
        (({"model": Model()},), {}, "argument 1 of f -> ['model'] -> .lock"),
        ((1, [0, (Model(),)]), {}, "argument 2 of f -> [1] -> [0] -> .lock"),
        ((), {"model": Model()}, "argument 'model' of f -> .lock"),
        ((Slotted(threading.Lock()),), {}, "argument 1 of f -> .inner"),
        ((generator(),), {}, "argument 1 of f"),
        (({threading.Lock(): 1},), {}, "argument 1 of f -> key <unlocked _thread.lock"),
    ],
)
def test_the_path_to_the_culprit_is_named(args: Any, kwargs: Any, path: str) -> None:
    with pytest.raises(SerializationError) as caught:
        pickling.pack_args(args, kwargs, "f")
    assert caught.value.path.startswith(path)
    assert "cannot pickle" in str(caught.value)
    assert str(caught.value).startswith(path)


def test_the_message_says_what_and_what_to_do() -> None:
    with pytest.raises(SerializationError) as caught:
        pickling.pack_args(({"model": Model()},), {}, "f")
    assert "argument 1 of f -> ['model'] -> .lock: cannot pickle '_thread.lock' object. " in str(caught.value)
    assert "inside the task" in str(caught.value)
    assert isinstance(caught.value, TypeError)


def test_a_closure_names_the_captured_variable() -> None:
    with socket.socket() as connection:

        def send() -> None:
            connection.send(b"")

        with pytest.raises(SerializationError, match="send -> variable 'connection'"):
            pickling.dump_function(send)


def test_a_value_in_a_cycle_ends() -> None:
    loop: list[Any] = [threading.Lock()]
    loop.insert(0, loop)
    with pytest.raises(SerializationError, match=r"the value -> \[1\]"):
        pickling.serialize(loop)


def test_too_deep_a_value_is_an_error_of_its_own() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(SerializationError, match="nested too deeply"):
        pickling.serialize(deep)
    while deep:  # freed from the outside: a hundred thousand nested deallocations are no test of ours
        deep = deep.pop()


def test_looking_for_the_culprit_tells_nobody_of_references(identity: Any) -> None:
    told: list[Any] = []
    pickling.set_out_of_band(told.append, None)
    with pytest.raises(SerializationError):
        pickling.serialize([ObjectRef[Any](identity(1)), threading.Lock()])
    assert told == []


def test_a_reference_after_the_session_says_so(identity: Any) -> None:
    from gnomon._wire import object_ref

    ref = ObjectRef[Any](identity(1))
    object_ref.install(None)
    with pytest.raises(NotInitializedError, match="a session that has ended"):
        pickling.serialize([ref])
