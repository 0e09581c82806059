"""Who reads the socket: the loop's thread never parks while somebody relies on it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from gnomon._shell import loop as loop_module
from gnomon._shell.loop import Loop, release
from gnomon.ids import WorkerID


class NoTransport:
    """Sockets that nobody uses here."""

    def __init__(self, *_: object) -> None:
        self.waker = self

    def write(self) -> None: ...

    def wake(self) -> None: ...


class Slept(AssertionError):
    """The loop's thread went to sleep."""


class NoBed:
    """In the place of the lock on which a parked loop sleeps."""

    def acquire(self, timeout: float) -> bool:
        raise Slept


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(loop_module, "Transport", NoTransport)
    made: Any = Loop(None, WorkerID(bytes(8)), "", lambda _command: None)  # type: ignore[arg-type]
    made._park = NoBed()
    return made


def locked() -> threading.Lock:
    signal = threading.Lock()
    signal.acquire()
    return signal


def test_it_parks_for_those_who_read_themselves(loop: Any) -> None:
    with pytest.raises(Slept):
        loop._stay_parked()


def test_it_does_not_park_while_a_thread_is_blocked_without_reading(loop: Any) -> None:
    loop._blocked[1] = locked()
    loop._stay_parked()
    assert not loop._parked


def test_a_thread_whose_signal_has_been_released_is_not_blocked(loop: Any) -> None:
    loop._blocked[1] = threading.Lock()
    with pytest.raises(Slept):
        loop._stay_parked()


def test_a_blocked_thread_is_no_reason_while_another_reads(loop: Any) -> None:
    loop._blocked[1] = locked()
    with loop._reading, pytest.raises(Slept):
        loop._stay_parked()


def test_a_wait_that_has_ended_leaves_nothing_behind(loop: Any) -> None:
    signal = threading.Lock()
    assert loop.wait(signal, 0.0)
    assert not loop.wait(signal, 0.0)
    assert loop._blocked == {}
    assert loop._reader == 0


def test_a_thread_that_was_roused_can_be_woken_again(loop: Any) -> None:
    """It is roused for an exception; what it waits for may come before it has looked up."""
    signal = locked()
    loop._blocked[1] = signal
    loop.rouse(1)
    loop.rouse(1)
    assert not release(signal)
    assert signal.acquire(blocking=False)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C strikes here, also where a shell has put the tests into the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_that_ends_no_sleep_is_heard() -> None:
    """As one that comes just before a thread sleeps: the signal is another thread's, which sleeps nowhere."""
    released = locked()
    main = threading.main_thread().ident
    assert main is not None

    def strike() -> None:
        while sys._current_frames()[main].f_code.co_name != "_acquire":
            threading.Event().wait(0.001)
        threading.Event().wait(0.1)  # into the sleep; where it comes sooner, it is heard too
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    striker = threading.Thread(target=strike)
    striker.start()
    with pytest.raises(KeyboardInterrupt):
        loop_module._acquire(released, None)
    striker.join()
    assert not loop_module._acquire(released, 0.001)
    released.release()
    assert loop_module._acquire(released, None)
