"""A driver whose main thread is struck by SIGINT at random instants, as Ctrl-C in a notebook does.

Usage: python -m gnomon.testing.storms.interrupted_driver PROGRAM TIMES SEED.
Prints one line of JSON: what was wrong afterwards.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import gnomon
from gnomon.testing.observed_session import ObservedSession

STRIKE_S = 0.03
"""Interrupts come within this time after a program has begun."""


@gnomon.remote
def _add(x: int, y: int = 1) -> int:
    return x + y


@gnomon.remote
def _nap(seconds: float) -> None:
    threading.Event().wait(seconds)


@gnomon.remote
def _count(n: int) -> Iterator[int]:
    yield from range(n)


class _Counting:
    def __init__(self) -> None:
        self.value = 0

    def add(self) -> int:
        self.value += 1
        return self.value


_COUNTER: Any = gnomon.remote(num_cpus=0)(_Counting)


def _submit_and_get() -> None:
    while True:
        gnomon.get([_add.remote(x) for x in range(100)])


def _call_in_turn() -> None:
    while True:
        gnomon.get(_add.remote(1))


def _put_and_get() -> None:
    while True:
        gnomon.get([gnomon.put(x) for x in range(50)])


def _put_large() -> None:
    while True:
        gnomon.get(gnomon.put(bytes(1_000_000)))


def _wait_long() -> None:
    while True:
        gnomon.get(_nap.remote(0.02))
        gnomon.wait([_nap.remote(0.02), _nap.remote(0.02)], num_returns=2)


def _call_actors() -> None:
    while True:
        counter = _COUNTER.remote()
        gnomon.get([counter.add.remote() for _ in range(20)])


def _take_items() -> None:
    while True:
        for ref in _count.remote(20):
            gnomon.get(ref)


def _leave_items() -> None:
    while True:
        generators = [
            _count.remote(1_000),
            _count.options(_generator_backpressure_num_objects=1).remote(1_000),
        ]
        gnomon.wait(generators, num_returns=2)
        refs = [next(generator) for generator in generators for _ in range(3)]
        gnomon.get(generators[0].completed())
        generators[0].close()
        gnomon.get(refs)


PROGRAMS: dict[str, Callable[[], None]] = {
    each.__name__.strip("_"): each
    for each in (
        _submit_and_get,
        _call_in_turn,
        _put_and_get,
        _put_large,
        _wait_long,
        _call_actors,
        _take_items,
        _leave_items,
    )
}


def _struck(program: Callable[[], None], delay_s: float) -> bool:
    """Run ``program`` until an interrupt strikes; False if it took a second one, as an impatient person
    sends it.
    """
    over = threading.Event()
    sent = 0

    def strike() -> None:
        nonlocal sent
        over.wait(delay_s)
        while not over.is_set() and sent < 20:
            sent += 1
            os.kill(os.getpid(), signal.SIGINT)
            over.wait(1.0)

    striker = threading.Thread(target=strike)
    try:
        striker.start()
        program()
        striker.join()
        raise AssertionError("the program ended without an interrupt")
    except KeyboardInterrupt:
        over.set()
    striker.join()
    return sent == 1


def main() -> None:
    """Be the driver: interrupted again and again, and asked each time whether all is well."""
    # whoever runs the tests in the background may have SIGINT ignored, and that is inherited
    signal.signal(signal.SIGINT, signal.default_int_handler)
    name, times, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    chooser = random.Random(seed)
    lost: list[str] = []
    sys.unraisablehook = lambda unraisable: lost.append(f"{unraisable.object} {unraisable.exc_value!r}")
    session = ObservedSession.start()
    wrong: list[Any] = []
    for turn in range(times):
        if not _struck(PROGRAMS[name], chooser.random() * STRIKE_S):
            wrong.append(f"interrupt {turn} was lost")
        if gnomon.get([_add.remote(1), gnomon.put(3)], timeout=20) != [2, 3]:
            wrong.append(f"wrong values after interrupt {turn}")
    try:
        session.expect_nothing_held()
    except AssertionError as error:
        wrong.append(str(error))
    sys.stdout.write(json.dumps({"wrong": wrong + lost}) + "\n")
    sys.stdout.flush()
    session.end()


if __name__ == "__main__":
    main()
