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
    """A limit of the machine, and how near gnomon comes to it.

    Attributes:
        limit: in ``unit``.
        reached: gnomon's figure as a share of ``limit``.
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


STEADY_PUT = "single client put gigabytes, steady state"
SYNC_TASKS = "single client tasks sync"


def measure_baselines(results: Sequence[Result]) -> list[Baseline]:
    """The limits for those of ``results`` that have one; takes about two seconds for each."""
    figures = {result.row: result.figures.get("gnomon") for result in results}
    found = []
    if figures.get(STEADY_PUT):
        copies, puts = copies_and_puts_gb_per_s()
        what = "numpy.copyto of the same array, in turn in one process"
        found.append(Baseline("put of 100 MB, steady state", what, "GB/s", copies, puts / copies, 0.8))
    if sync := figures.get(SYNC_TASKS):
        limit = exchanges_per_s()
        found.append(Baseline(SYNC_TASKS, "a raw ZeroMQ ping-pong", "1/s", limit, sync / limit, 0.4))
    return found


def copies_and_puts_gb_per_s() -> tuple[float, float]:
    """What ``put_beside_copy`` measures, in a process of its own."""
    command = [sys.executable, "-m", "gnomon.testing.microbenchmark.put_beside_copy"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    copies, puts = map(float, printed.split())
    return copies, puts


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
