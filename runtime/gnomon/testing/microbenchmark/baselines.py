"""What the machine itself can do: the limits that some rows are compared with besides Ray.

A task sync is at best one exchange of messages between two processes, a put at best one copy in memory.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gnomon.testing.microbenchmark.runner import Result

MESSAGE = b"x" * 120
"""About as long as a task without arguments."""

ECHO = Path(__file__).parent / "echo.py"

WARM_UP_EXCHANGES = 200
SECONDS = 1.0


@dataclass(frozen=True)
class Baseline:
    """A limit of the machine, and how near a row of gnomon comes to it.

    Attributes:
        limit: in the row's unit.
        reached: the row's figure as a share of ``limit``.
        goal: the share to reach (ARCHITECTURE.md).
    """

    row: str
    what: str
    unit: str
    limit: float
    reached: float
    goal: float

    def __str__(self) -> str:
        mark = "pass" if self.reached >= self.goal else "miss"
        limit = f"{self.limit:,.0f}" if self.limit >= 100 else f"{self.limit:.3g}"
        return (
            f"{self.row}: {self.reached:.2f} of {self.what} ({limit} {self.unit}); goal {self.goal:g}: {mark}"
        )


def measure_baselines(results: Sequence[Result]) -> list[Baseline]:
    """The limits for those of ``results`` that have one; takes about two seconds for each."""
    measurers: dict[str, tuple[str, float, Callable[[], float]]] = {
        "single client put gigabytes, steady state": ("a plain copy of the array", 0.8, copy_gigabytes_per_s),
        "single client tasks sync": ("a raw ZeroMQ ping-pong", 0.4, exchanges_per_s),
    }
    found = []
    for result in results:
        figure = result.figures.get("gnomon")
        if figure and result.row in measurers:
            what, goal, measure = measurers[result.row]
            limit = measure()
            found.append(Baseline(result.row, what, result.unit, limit, figure / limit, goal))
    return found


def copy_gigabytes_per_s() -> float:
    """Copies of the array of "put gigabytes" into pages that are there already, counted as in that row."""
    import numpy as np

    from gnomon.testing.microbenchmark.child.rows_objects import LARGE_GB

    source = np.zeros(100 * 1024 * 1024, dtype=np.int64)
    target = np.ones_like(source)
    return LARGE_GB * _rate(lambda: np.copyto(target, source), step=1)


def exchanges_per_s() -> float:
    """Round trips of a small message between two processes by PUSH and PULL sockets over ipc."""
    import zmq

    with tempfile.TemporaryDirectory() as folder, zmq.Context() as context:
        here, there = f"ipc://{folder}/here", f"ipc://{folder}/there"
        with (
            context.socket(zmq.PULL) as inbound,
            context.socket(zmq.PUSH) as outbound,
            subprocess.Popen([sys.executable, str(ECHO), there, here]),
        ):
            inbound.bind(here)
            outbound.connect(there)

            def exchange() -> None:
                outbound.send(MESSAGE)
                inbound.recv()

            for _ in range(WARM_UP_EXCHANGES):
                exchange()
            rate = _rate(exchange, step=WARM_UP_EXCHANGES)
            outbound.send(b"")
    return rate


def _rate(run: Callable[[], object], step: int) -> float:
    runs, begin = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < SECONDS:
        for _ in range(step):
            run()
        runs += step
    return runs / elapsed
