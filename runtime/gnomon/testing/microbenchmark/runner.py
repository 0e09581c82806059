"""Which system does what, when: rows in order, systems in turn, one at work at a time, medians at the end.

The rows of a fresh process come first, while no other session is there to share the machine with. Then each
system gets one long-lived child, and for each row the children take turns, repetition by repetition, so that
a change of the machine's mood falls on both.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from gnomon.testing.microbenchmark import processes
from gnomon.testing.microbenchmark.child.rows import ROWS
from gnomon.testing.microbenchmark.child.work import Row
from gnomon.testing.microbenchmark.goals import FIFTY_ACTORS, FIRST_RESULT, IDLE_MEMORY
from gnomon.testing.microbenchmark.systems import Answer, Child, System

COLD_ROWS = {FIRST_RESULT: "s", IDLE_MEMORY: "MB", FIFTY_ACTORS: "s"}
"""Rows of a fresh process and their units; in all of them less is better."""


@dataclass(frozen=True)
class Pace:
    """How long is measured.

    Attributes:
        warm_up_s, measure_s: of one row on one system; a run that takes longer is finished.
        repetitions: measurements of a row on a system, of which the median counts (of a row that drifts, the
            mean).
        starts: fresh processes per system.
        quiet_s: how long a system is given to come to rest before the other is measured.
        settle_s: how long a fresh session's memory may take to settle.
        deadline_s: when a silent child is given up.
        long_warm_up_s, long_measure_s, long_repetitions: the same for rows that drift, as Ray's command.
    """

    quick: bool
    warm_up_s: float
    measure_s: float
    repetitions: int
    starts: int
    quiet_s: float
    settle_s: float
    deadline_s: float
    long_warm_up_s: float = 1.0
    long_measure_s: float = 2.0
    long_repetitions: int = 4


FULL = Pace(False, 1.0, 2.0, 3, 3, 10.0, 20.0, 300.0)
QUICK = Pace(True, 0.1, 0.3, 2, 1, 1.0, 4.0, 60.0, long_repetitions=3)


@dataclass(frozen=True)
class Environment:
    """What a system ran in.

    Attributes:
        error: why the system can not be measured at all; empty when it can.
    """

    version: str = ""
    python: str = ""
    jupyterlab: bool = False
    error: str = ""


@dataclass
class Result:
    """One row as measured: a figure, or a reason why there is none, per system."""

    row: str
    unit: str
    figures: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def less_is_better(self) -> bool:
        """Whether the row is a time or a size, not a rate."""
        return self.row in COLD_ROWS

    def ratio(self) -> float | None:
        """How many times better gnomon is than Ray; None when either figure is missing or zero."""
        ours, theirs = self.figures.get("gnomon"), self.figures.get("ray")
        if not ours or not theirs:
            return None
        return theirs / ours if self.less_is_better else ours / theirs


def row_names(pattern: str | None = None) -> list[str]:
    """Names of the rows that contain ``pattern``, or else match it as a regular expression; case is ignored.

    Raises:
        re.error: ``pattern`` is no regular expression.
    """
    names = [*ROWS, *COLD_ROWS]
    if pattern is None:
        return names
    containing = [name for name in names if pattern.lower() in name.lower()]
    return containing or [name for name in names if re.search(pattern, name, re.IGNORECASE)]


def probe(system: System, deadline_s: float = 60.0) -> Environment:
    """Import the system in a throw-away process, which also warms the machine's file cache for it."""
    with Child(system) as child:
        answer = child.ask("probe", deadline_s, system=system.module)
    return Environment(error=answer.error) if answer.error else Environment(**answer.values)


class Runner:
    """Measures ``rows`` on ``systems`` at ``pace``; calls ``on_row`` as each row is finished."""

    def __init__(
        self,
        systems: Sequence[System],
        rows: Sequence[str],
        pace: Pace,
        on_row: Callable[[Result], None] = lambda result: None,
    ) -> None:
        self._systems = systems
        self._rows = rows
        self._pace = pace
        self._on_row = on_row
        self._children: dict[str, Child] = {}
        self._ends = ExitStack()

    def run(self) -> list[Result]:
        """Measure everything.

        Returns:
            The results in the order of the rows asked for. A failure is a result, not an exception.
        """
        cold = self._run_cold([name for name in self._rows if name in COLD_ROWS])
        for result in cold.values():
            self._on_row(result)
        with self._ends:
            warm = {name: self._run_warm(name) for name in self._rows if name in ROWS}
        return [cold[name] if name in cold else warm[name] for name in self._rows]

    # -- rows of a fresh process

    def _run_cold(self, names: Sequence[str]) -> dict[str, Result]:
        results = {name: Result(name, COLD_ROWS[name]) for name in names}
        if not names:
            return results
        samples: dict[tuple[str, str], list[float]] = {}
        for _ in range(self._pace.starts):
            for system in self._systems:
                self._start_fresh(system, results, samples)
        for (name, system_name), values in samples.items():
            results[name].figures[system_name] = statistics.median(values)
        return results

    def _start_fresh(
        self, system: System, results: dict[str, Result], samples: dict[tuple[str, str], list[float]]
    ) -> None:
        """One fresh process of ``system``: its samples go to ``samples``, its errors to ``results``."""

        def note(name: str, answer: Answer, value: float | None) -> None:
            if name not in results:
                return
            if value is None:
                results[name].errors[system.name] = answer.error
            else:
                samples.setdefault((name, system.name), []).append(value)

        with Child(system) as child:
            answer = child.ask("first result", self._pace.deadline_s, system=system.module)
            note(FIRST_RESULT, answer, answer.values.get("seconds"))
            if answer.error:
                note(IDLE_MEMORY, answer, None)
                note(FIFTY_ACTORS, answer, None)
                return
            if IDLE_MEMORY in results:
                used = processes.settled_memory_bytes(child.token, child.pid, self._pace.settle_s)
                unknown = Answer(error="this system does not tell its processes' share of memory (PSS)")
                note(IDLE_MEMORY, unknown, used / 1e6 if used else None)
            if FIFTY_ACTORS in results:
                answer = child.ask("actors", self._pace.deadline_s)
                note(FIFTY_ACTORS, answer, answer.values.get("seconds"))

    # -- rows of a long-lived process

    def _run_warm(self, name: str) -> Result:
        row, pace = ROWS[name], self._pace
        result = Result(name, row.unit)
        samples: dict[str, list[float]] = {system.name: [] for system in self._systems}
        for repetition in range(pace.long_repetitions if row.drifts else pace.repetitions):
            for system in self._systems:
                if system.name not in result.errors:
                    answer = self._measure(system, row, first=repetition == 0)
                    if answer.error:
                        result.errors[system.name] = answer.error
                    else:
                        samples[system.name].append(answer.values["rate"])
        for system in self._systems:
            if system.name not in result.errors:
                average = statistics.mean if row.drifts else statistics.median
                result.figures[system.name] = average(samples[system.name])
                self._ask(system, "close")
        self._on_row(result)
        return result

    def _measure(self, system: System, row: Row, first: bool) -> Answer:
        pace = self._pace
        self._wait_for_others(system)
        if first:
            seconds = pace.long_warm_up_s if row.drifts else pace.warm_up_s
            opened = self._ask(system, "open", row=row.name, quick=pace.quick, seconds=seconds)
            if opened.error:
                return opened
        return self._ask(system, "measure", seconds=pace.long_measure_s if row.drifts else pace.measure_s)

    def _wait_for_others(self, system: System) -> None:
        for name, child in self._children.items():
            if name != system.name:
                processes.wait_until_quiet(child.token, self._pace.quiet_s)

    def _ask(self, system: System, do: str, **arguments: object) -> Answer:
        """Ask the long-lived child of ``system``, starting one if there is none."""
        child = self._children.get(system.name)
        if child is None:
            child = self._children[system.name] = self._ends.enter_context(Child(system))
            started = child.ask("start", self._pace.deadline_s, system=system.module)
            if started.error:
                self._drop(system)
                return started
        answer = child.ask(do, self._pace.deadline_s, **arguments)
        if answer.gone:
            self._drop(system)
        return answer

    def _drop(self, system: System) -> None:
        self._children.pop(system.name).close()
