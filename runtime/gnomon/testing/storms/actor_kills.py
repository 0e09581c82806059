"""actor-kills: actors that are restarted and repeat calls are killed at random; no call is lost, order is kept.

Three kinds of actors are called by the driver and by tasks. The ordered ones check numbers themselves: in one
incarnation a caller's calls come without a gap. That an incarnation begins where the one before it has left off
is checked from the log that all incarnations of an actor write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import gnomon
from gnomon.exceptions import ActorUnavailableError
from gnomon.testing.observed_session import ObservedSession
from gnomon.testing.run_count import RunCount
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import scratch, storm_session
from gnomon.testing.storms.striker import Striker

CPUS = 4
PERIOD_S = 0.2
"""Between two kills."""

ORDERED = 3
"""So many of the actors keep an order."""

CALLERS = 3
"""Who calls every actor: the driver is caller 0, the others are tasks."""

WAVE = 100
"""Calls of one caller to one actor between two looks at their values."""

NUMBERS = 10_000_000
"""A call's line in the log is caller * NUMBERS + number."""


class _Log:
    """What all three kinds do."""

    def __init__(self, log: RunCount) -> None:
        self._log = log
        self._last: dict[int, int] = {}

    def _note(self, caller: int, number: int) -> str:
        """Note a call; returns what is wrong with its place, or nothing."""
        last = self._last.get(caller)
        self._last[caller] = number
        self._log.note(caller * NUMBERS + number)
        return (
            ""
            if last is None or number == last + 1
            else f"call {number} of caller {caller} came after {last}"
        )


class _Ordered(_Log):
    def call(self, caller: int, number: int) -> tuple[int, str]:
        return number * 2, self._note(caller, number)


class _Threaded(_Log):
    def call(self, caller: int, number: int) -> tuple[int, str]:
        self._note(caller, number)
        return number * 2, ""


class _Async(_Log):
    async def call(self, caller: int, number: int) -> tuple[int, str]:
        await asyncio.sleep(0)
        self._note(caller, number)
        return number * 2, ""


_KINDS: list[Any] = [gnomon.remote(num_cpus=0)(_Ordered)] * ORDERED
_KINDS += [gnomon.remote(num_cpus=0, max_concurrency=3)(_Threaded), gnomon.remote(num_cpus=0)(_Async)]


@gnomon.remote(num_cpus=0, max_retries=0)
def _call_all(actors: list[Any], caller: int, numbers: range, left_s: float) -> tuple[list[str], int]:
    return call_all(actors, caller, numbers, left_s)


def call_all(actors: list[Any], caller: int, numbers: range, left_s: float) -> tuple[list[str], int]:
    """Call each actor once with each number; returns what was wrong, and how many were unavailable."""
    wrong: list[str] = []
    unavailable = 0
    refs = [(number, actor.call.remote(caller, number)) for number in numbers for actor in actors]
    for number, ref in refs:
        try:
            value, misplaced = gnomon.get(ref, timeout=left_s)
        except ActorUnavailableError:
            unavailable += 1
            continue
        if value != number * 2:
            wrong.append(f"call {number} of caller {caller} has the value {value}")
        if misplaced:
            wrong.append(misplaced)
    return wrong, unavailable


def run(report: Report, seed: int, calls: int, restarts: int, retries: int) -> None:
    """See the module; with ``retries`` of -1 no call may fail, with 0 none may run twice."""
    with scratch() as folder, storm_session(report, num_cpus=CPUS) as session:
        logs = [RunCount(folder / str(number)) for number in range(len(_KINDS))]
        options = {"max_restarts": -1, "max_task_retries": retries}
        actors = [kind.options(**options).remote(log) for kind, log in zip(_KINDS, logs, strict=True)]
        numbers = _storm(report, session, actors, seed, calls, restarts)
        actors.clear()
        failed = report.facts["unavailable"]
        report.expect(retries >= 0 or not failed, f"{failed} calls with endless retries failed")
        for number, log in enumerate(logs):
            for text in check_log(log.entries(), numbers, number < ORDERED, retries):
                report.fault(f"actor {number}: {text}")


def _storm(
    report: Report, session: ObservedSession, actors: list[Any], seed: int, calls: int, restarts: int
) -> int:
    """Call until there were enough calls and kills; returns how often each caller has called each actor."""
    done = unavailable = 0

    def living() -> list[int]:
        return [session.actor_pid(actor) for actor in actors]

    with Striker(session.config.session, living, seed, PERIOD_S) as striker:
        while (
            done * len(actors) * CALLERS < calls or not striker.has_struck(restarts)
        ) and not report.is_late():
            numbers = range(done, done + WAVE)
            done += WAVE
            others = [_call_all.remote(actors, each, numbers, report.left_s()) for each in range(1, CALLERS)]
            outcomes = [call_all(actors, 0, numbers, report.left_s())]
            outcomes += gnomon.get(others, timeout=report.left_s())
            for wrong, failed in outcomes:
                unavailable += failed
                for text in wrong:
                    report.fault(text)
            report.progress(f"{done * len(actors) * CALLERS} calls, {len(striker.hits)} kills")
    total = done * len(actors) * CALLERS
    report.facts = {"calls": total, "kills": len(striker.hits), "unavailable": unavailable}
    return done


def check_log(entries: Iterable[tuple[int, int]], numbers: int, ordered: bool, retries: int) -> list[str]:
    """What is wrong with the log of an actor.

    Args:
        entries: (caller and number, pid) of every call that has begun, in order.
        numbers: every caller has called with each number below this.
        ordered: whether the calls of a caller begin in order.
        retries: of the calls; with 0 some may never have begun.
    """
    wrong: list[str] = []
    reached = dict.fromkeys(range(CALLERS), -1)
    seen: set[int] = set()
    for entry, _pid in entries:
        caller, number = divmod(entry, NUMBERS)
        if retries == 0 and entry in seen:
            wrong.append(f"call {number} of caller {caller} began twice")
        seen.add(entry)
        if ordered and retries < 0 and number > reached[caller] + 1:
            wrong.append(f"call {number} of caller {caller} began before {reached[caller] + 1}")
        if ordered and retries == 0 and number <= reached[caller]:
            wrong.append(f"call {number} of caller {caller} began after {reached[caller]}")
        reached[caller] = max(reached[caller], number)
    if retries < 0:
        lost = CALLERS * numbers - len(seen)
        if lost:
            wrong.append(f"{lost} calls never began")
    return wrong
