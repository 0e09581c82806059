"""Copies: whole at every size, in parts or not, by however many threads there are, and over when they return."""

from __future__ import annotations

import _thread
import ctypes
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from gnomon._wire import copying

BYTES = copying._IN_PARTS_BYTES


@pytest.fixture
def four_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_cpus", lambda: 4)


@pytest.mark.parametrize(
    "size", [0, 1, copying._WITHOUT_GIL_BYTES, BYTES - 1, BYTES, BYTES + 1, BYTES + 4097, 3 * BYTES + 5]
)
@pytest.mark.parametrize("cpus", [1, 2, 3, 9])
def test_every_byte_arrives(size: int, cpus: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_cpus", lambda: cpus)
    source = os.urandom(min(size, 999_983)) * (size // 999_983 + 1)
    source = source[:size]
    target = bytearray(size + 100)
    copying.copy_into(memoryview(target), 37, source)
    assert target[37 : 37 + size] == source
    assert not any(target[:37])
    assert not any(target[37 + size :])
    assert copying.copy_out(memoryview(source)) == source


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="16000000 bytes do not fit at 1 of 16000000"):
        copying.copy_into(memoryview(bytearray(BYTES)), 1, bytes(BYTES))


def test_large_copies_use_several_threads(four_cpus: None, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(4)
    copy = ctypes.memmove

    def meet(*arguments: Any) -> None:
        together.wait(20)  # breaks unless four threads are here at the same time
        copy(*arguments)

    monkeypatch.setattr(ctypes, "memmove", meet)
    assert copying.copy_out(memoryview(bytes(BYTES))) == bytes(BYTES)


def test_a_system_without_more_threads_copies_all_the_same(
    four_cpus: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = _thread.start_new_thread
    asked: list[int] = []

    def refuse_the_second(function: Callable[..., Any], arguments: tuple[Any, ...]) -> int:
        asked.append(1)
        if len(asked) > 1:
            raise RuntimeError("can't start new thread")
        return start(function, arguments)

    monkeypatch.setattr(_thread, "start_new_thread", refuse_the_second)
    source = os.urandom(1000) * (BYTES // 1000)
    assert copying.copy_out(memoryview(source)) == source
    assert len(asked) == 2


def test_after_an_interrupt_nobody_writes_any_more(four_cpus: None, monkeypatch: pytest.MonkeyPatch) -> None:
    main = threading.get_ident()
    writing = threading.Event()
    go_on = threading.Event()
    writes: list[str] = []

    def copy(*_arguments: Any) -> None:
        if threading.get_ident() == main:
            writing.wait(20)
            threading.Timer(0.1, go_on.set).start()
            raise KeyboardInterrupt
        writes.append("begun")
        writing.set()
        go_on.wait(20)
        writes.append("ended")

    monkeypatch.setattr(ctypes, "memmove", copy)
    with pytest.raises(KeyboardInterrupt):
        copying.copy_into(memoryview(bytearray(BYTES)), 0, bytes(BYTES))
    assert writes.count("begun") == writes.count("ended") >= 1


def test_a_helper_that_comes_late_writes_nothing(four_cpus: None, monkeypatch: pytest.MonkeyPatch) -> None:
    late: list[Callable[[], Any]] = []
    monkeypatch.setattr(
        _thread, "start_new_thread", lambda function, arguments: late.append(lambda: function(*arguments))
    )
    source = os.urandom(1000) * (BYTES // 1000)
    target = bytearray(BYTES)
    copying.copy_into(memoryview(target), 0, source)
    assert target == source
    target[:] = bytes(BYTES)
    for helper in late:
        helper()
    assert len(late) == 3
    assert not any(target)
