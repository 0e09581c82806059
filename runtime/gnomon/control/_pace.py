"""Pause, step, slow motion and seeded order: the user's side of ``_core.tempo``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gnomon._api import session
from gnomon._core.ledger import TaskState
from gnomon._core.tempo import FREE, PAUSED, SEEDED, SLOW
from gnomon.exceptions import NotInitializedError

TEMPO_MODES: Final = (FREE, PAUSED, SLOW, SEEDED)

INTERVAL_MAX_S: Final = 3600.0
STEPS_MAX: Final = 1_000_000
_SEED_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Tempo:
    """How fast tasks and calls of this driver's job begin.

    Attributes:
        mode: "free", "paused", "slow" or "seeded".
        interval_s: seconds between two that begin, in "slow"; else 0.
        seed: of the order, in "seeded"; else 0.
        waiting: workers and actors that have something to begin and may not yet.
        begun: how many have been let through since the mode was set.
        steps: how many more may begin as soon as there is something, in "paused".
        ready: tasks and calls that have all they need, of which ``waiting`` places hold the first.
        pending: actors that are not made yet.
    """

    mode: str = FREE
    interval_s: float = 0.0
    seed: int = 0
    waiting: int = 0
    begun: int = 0
    steps: int = 0
    ready: int = 0
    pending: int = 0

    def backlog(self) -> str:
        """What could begin, as the views say it: "6 tasks ready, 1 actor pending"."""
        parts = [_counted(self.ready, "task", "ready")]
        return ", ".join(parts + ([_counted(self.pending, "actor", "pending")] if self.pending else []))

    def __str__(self) -> str:
        waiting = f"{self.backlog()}, {self.begun or 'none'} begun since" if self.mode != FREE else ""
        if self.mode == PAUSED:
            more = f", {self.steps} more may begin" if self.steps else ""
            return f"paused: {waiting}{more}"
        if self.mode == SLOW:
            return f"slow motion, one every {self.interval_s:g} s: {waiting}"
        if self.mode == SEEDED:
            return f"one at a time, in the order of seed {self.seed}: {waiting}"
        return "work begins freely"


def pause() -> Tempo:
    """Let nothing begin from now on: no task, call or actor's constructor. What runs goes on; what is submitted waits at the
    gate of a worker.

    Nested tasks are held too, so a running task that waits for one waits until :func:`resume` or :func:`step`. ``get``
    with a timeout still times out, ``cancel`` still cancels, and so does an interrupt.

    Raises:
        ControlUnavailableError: on the inline engine, or inside a task.
        NotInitializedError: there is no session.
    """
    return _set(PAUSED)


def step(n: int = 1) -> Tempo:
    """Let ``n`` tasks, calls or constructors begin, and pause. If fewer wait, the next ones to come begin at once.

    Raises:
        ControlUnavailableError, NotInitializedError: as :func:`pause` does.
        TypeError, ValueError: ``n`` is no whole number from 1 to a million.
    """
    _check_whole("n", n, 1, STEPS_MAX)
    return _set(PAUSED, steps=n)


def resume() -> Tempo:
    """Let everything begin freely again, whatever held it up.

    Raises:
        ControlUnavailableError: inside a task.
        NotInitializedError: there is no session.
    """
    return _set(FREE)


def slow(seconds: float) -> Tempo:
    """Slow motion: let one task or call begin every ``seconds``, in the whole session.

    On the inline engine each task, and each call of an actor that is not async, is begun after a sleep.

    Raises:
        ControlUnavailableError: inside a task.
        NotInitializedError: there is no session.
        TypeError, ValueError: ``seconds`` is no number above 0, up to 3600.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"slow() takes seconds as a number, not {type(seconds).__name__}.")
    if not (math.isfinite(seconds) and 0 < seconds <= INTERVAL_MAX_S):
        raise ValueError(
            f"slow() takes more than 0 and at most {INTERVAL_MAX_S:g} seconds, not {seconds}. "
            "Use resume() for full speed."
        )
    return _set(SLOW, interval_s=float(seconds))


def order(seed: int) -> Tempo:
    """Run one at a time, each drawn from those that wait: the same seed draws the same.

    The next one begins when the one before has ended, waits for something, or has run for a second (it may be waiting
    for the others in a way that cannot be seen). Those that wait are the first of each worker's and each actor's queue,
    so the order also depends on the number of CPUs, and on what is submitted before the first one begins: pause,
    submit, then set the order. Async actors' calls go on while others run.

    Raises:
        ControlUnavailableError, NotInitializedError: as :func:`pause` does.
        TypeError, ValueError: ``seed`` is no whole number from 0 to 2**63 - 1.
    """
    _check_whole("seed", seed, 0, _SEED_MAX)
    return _set(SEEDED, seed=seed)


def tempo() -> Tempo:
    """How fast work begins now; free without a session."""
    return Tempo() if session.current_engine() is None else _set("")


def _counted(number: int, noun: str, state: str) -> str:
    return f"{f'{number:,}' if number else 'no'} {noun}{'' if number == 1 else 's'} {state}"


def _check_whole(name: str, value: int, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is a whole number, not {value!r}.")
    if not least <= value <= most:
        raise ValueError(f"{name} is a whole number from {least} to {most}, not {value}.")


def _set(mode: str, interval_s: float = 0.0, seed: int = 0, steps: int = 0) -> Tempo:
    engine = session.current_engine()
    if engine is None:
        raise NotInitializedError("There is no session whose tempo could be set.")
    facts = engine.tempo(mode, interval_s, seed, steps)
    ready = pending = 0
    if facts.mode != FREE:
        ready = sum(counts[TaskState.READY] for counts in list(engine.ledger.counts))
        pending = sum(actor.get("state") == "pending" for actor in engine.ledger.actors.copy().values())
    return Tempo(
        facts.mode, facts.interval_s, facts.seed, facts.waiting, facts.begun, facts.steps, ready, pending
    )
