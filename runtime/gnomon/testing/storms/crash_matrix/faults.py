"""Ways in which a user's code goes wrong. Each is a function that is called in a process of the session, never in the driver."""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, NoReturn

from gnomon.testing.run_count import RunCount

DIES, RAISES, LEAVES, HANGS, STARVES = "dies", "raises", "leaves", "hangs", "starves"
"""What a fault does: ends its process; raises; raises what ends the process; goes on until it is cancelled;
or any of the first two."""


class Fault(NamedTuple):
    """A way to go wrong.

    Attributes:
        kind: see ``DIES``.
        says: a regular expression that the error's text has to match.
        act: does it.
        forced: of those that hang, whether only ``force`` ends it, or the end of the runtime's patience.
    """

    name: str
    kind: str
    says: str
    act: Callable[[], Any]
    forced: bool = False


# ------------------------------------------------------------------------------- the process ends


def _signal_self(number: int) -> Callable[[], None]:
    def act() -> None:
        os.kill(os.getpid(), number)
        threading.Event().wait(5.0)  # it strikes the process some moment later, when another thread called

    return act


def _segfault() -> None:
    ctypes.string_at(0)


def _overflow_c_stack() -> Any:
    """Python's own limit lifted, and a recursion that goes through C each time."""
    sys.setrecursionlimit(10**9)

    def deeper(value: int) -> int:
        return max([value], key=deeper)

    return deeper(1)


def _close_all_files() -> None:
    """The runtime's too. It may notice at once, or when there is something to answer."""
    os.closerange(3, 4096)
    threading.Event().wait(0.05)


def _execute_another_program() -> NoReturn:
    os.execv("/bin/sh", ["sh", "-c", "exit 0"])


def _alarm() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    threading.Event().wait(30.0)


# ------------------------------------------------------------------------------- something is raised


Odd = type("Odd", (BaseException,), {})
"""An exception that is no ``Exception``."""


def _raise(error: BaseException) -> NoReturn:
    raise error


def _recurse() -> Any:
    return _recurse()


def _use_up_memory() -> NoReturn:
    """Large pieces until the limit of the process, which is given back."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space_bytes() + 2**26, hard))
    kept: list[Any] = []
    try:
        while True:
            kept.append(bytearray(2**20))
    finally:
        kept.clear()  # or there is none left to lift the limit with
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _starve() -> NoReturn:
    """Also the smallest pieces, for a while: the runtime's threads get none either."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_address_space_bytes() + 2**24, hard))
    kept: list[Any] = []
    size_bytes = 2**20
    until = time.monotonic() + 0.1
    try:
        while size_bytes > 64 or time.monotonic() < until:
            try:
                kept.append(bytearray(size_bytes))
            except MemoryError:
                size_bytes = max(32, size_bytes // 2)
    finally:
        kept.clear()  # or there is none left to lift the limit with
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    raise MemoryError("starved")


def _address_space_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _no_text(_self: object) -> str:
    raise ValueError("it has no text")


def _no_pickle(_self: object) -> NoReturn:
    raise Odd("it can not be pickled")


Mute = type("Mute", (Exception,), {"__str__": _no_text})
"""An exception whose text can not be had."""

Heavy = type("Heavy", (Exception,), {"__reduce__": _no_pickle})
"""An exception that does not let itself be pickled, and says so with no ``Exception``."""


# ------------------------------------------------------------------------------- it goes on for ever


def _wait() -> None:
    threading.Event().wait(600.0)


def _spin() -> None:
    while True:
        sum(range(100))


def _ignore_interrupts() -> None:
    until = time.monotonic() + 600
    while time.monotonic() < until:
        try:
            threading.Event().wait(600)
        except BaseException:
            continue


def _sleep_in_c() -> None:
    """With the interpreter's lock held: no other thread of the process runs."""
    ctypes.PyDLL(None).sleep(600)


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("SIGKILL", DIES, "SIGKILL", _signal_self(signal.SIGKILL)),
        Fault("SIGTERM", DIES, "SIGTERM", _signal_self(signal.SIGTERM)),
        Fault("SIGBUS", DIES, "SIGBUS", _signal_self(signal.SIGBUS)),
        Fault("segfault", DIES, "SIGSEGV", _segfault),
        Fault("abort", DIES, "SIGABRT", os.abort),
        Fault("exit 0", DIES, "exit code 0", lambda: os._exit(0)),
        Fault("exit 7", DIES, "exit code 7", lambda: os._exit(7)),
        Fault("C stack overflow", DIES, "SIGSEGV", _overflow_c_stack),
        Fault("closed files", DIES, "SIGABRT|files closed", _close_all_files),
        Fault("exec", DIES, "exit code 0", _execute_another_program),
        Fault("alarm", DIES, "SIGALRM", _alarm),
        Fault("sys.exit", LEAVES, "exit code 3|sys.exit", lambda: sys.exit(3)),
        Fault("BaseException", RAISES, "Odd", lambda: _raise(Odd("odd"))),
        Fault("KeyboardInterrupt", RAISES, "KeyboardInterrupt", lambda: _raise(KeyboardInterrupt())),
        Fault("GeneratorExit", RAISES, "GeneratorExit", lambda: _raise(GeneratorExit())),
        Fault("StopIteration", RAISES, "StopIteration", lambda: _raise(StopIteration(1))),
        Fault("CancelledError", RAISES, "CancelledError", lambda: _raise(asyncio.CancelledError())),
        Fault("MemoryError", RAISES, "MemoryError", lambda: _raise(MemoryError())),
        Fault("memory used up", RAISES, "MemoryError", _use_up_memory),
        Fault("RecursionError", RAISES, "RecursionError|nested too deeply", _recurse),
        Fault("no text", RAISES, "Mute", lambda: _raise(Mute())),
        Fault("no pickle", RAISES, "Heavy", lambda: _raise(Heavy("heavy"))),
        Fault("starved", STARVES, "MemoryError|died|dead", _starve),
        Fault("wait", HANGS, "cancelled", _wait),
        Fault("spin", HANGS, "cancelled", _spin),
        Fault("deaf", HANGS, "cancelled", _ignore_interrupts, True),
        Fault("sleep in C", HANGS, "cancelled", _sleep_in_c, True),
        Fault("SIGSTOP", HANGS, "cancelled", _signal_self(signal.SIGSTOP), True),
    )
}


class Trigger(NamedTuple):
    """Has a fault happen; travels to where it is to happen by pickle.

    Attributes:
        fault: by name.
        note: written just before, so that what hangs can be cancelled in time.
    """

    fault: str
    note: RunCount

    def fire(self) -> Any:
        """Now."""
        self.note.note(0)
        return FAULTS[self.fault].act()
