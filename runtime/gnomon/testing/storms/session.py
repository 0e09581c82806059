"""The session of a storm: begun before it, and at its end whole, empty and gone without a trace."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gnomon
from gnomon.testing.observed_session import ObservedSession, forget_exceptions
from gnomon.testing.processes import GONE_S, wait_until
from gnomon.testing.storms.report import Report
from gnomon.testing.zero_check import nothing_is_left

ZERO_CHECK_S = 2.0
"""How long after a storm anything may still be held, and after its session anything be left: a promise."""

WHOLE_S = 20.0
"""How long the pool may take to run one task on each CPU after the storm."""


@contextmanager
def storm_session(report: Report, **options: Any) -> Iterator[ObservedSession]:
    """A session for one storm; what is wrong at its end is told to ``report``.

    Args:
        report: of the storm.
        options: for ``gnomon.init``.
    """
    with told(report), nothing_is_left(limit_s=ZERO_CHECK_S):
        session = ObservedSession.start(**options)
        try:
            with told(report):
                yield session
            with told(report):
                _expect_whole(session)
            with told(report):
                session.expect_nothing_held(ZERO_CHECK_S)
            with told(report):
                _expect_as_many_workers_as_counted(session)
        finally:
            session.end(GONE_S)


@contextmanager
def told(report: Report) -> Iterator[None]:
    """An exception of the storm is a fault, and not the end of what comes after it."""
    try:
        yield
    except Exception as error:
        report.fault(f"{type(error).__name__}: {error}")
        error.__traceback__ = None  # its frames hold references
        forget_exceptions()


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for the files of a storm."""
    with tempfile.TemporaryDirectory(prefix="storm-") as folder:
        yield Path(folder)


@gnomon.remote(max_retries=0)
def _meet(folder: str, number: int, guests: int) -> int:
    """Ends when all have come: so each of them has a CPU of its own."""
    (Path(folder) / str(number)).touch()
    wait_until(lambda: len(os.listdir(folder)) == guests, f"{guests} tasks run at a time", WHOLE_S)
    return os.getpid()


def _expect_whole(session: ObservedSession) -> None:
    """All CPUs are of use again: as many tasks as there are run at the same time, in as many processes."""
    guests = int(gnomon.cluster_resources()["CPU"])
    with scratch() as folder:
        pids = gnomon.get(
            [_meet.remote(str(folder), number, guests) for number in range(guests)], timeout=WHOLE_S
        )
    assert len(set(pids)) == guests, f"{guests} tasks ran in the processes {sorted(pids)}"


def _expect_as_many_workers_as_counted(session: ObservedSession) -> None:
    """The node's pool and the processes there are agree, once those that were idle too long have ended."""
    wait_until(
        lambda: session.report().workers == len(session.worker_pids()),
        "the node counts the workers that live",
        ZERO_CHECK_S,
    )
