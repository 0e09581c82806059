"""Waits that a notebook watches: ``get``, ``wait`` and ``next`` in short slices, with a report between two of them.

Only where an observer is installed and in the main thread; everywhere else the API calls the engine once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from gnomon._api import session
from gnomon._engine import notebook_hooks
from gnomon._engine.base import STALL_S, Engine
from gnomon._engine.notebook_hooks import (
    WAIT_FIRST_REPORT_S,
    WAIT_REPORT_PERIOD_S,
    WaitProgress,
    group_progress,
)
from gnomon._wire import generators
from gnomon.exceptions import GetTimeoutError

REPORT_SHARE_MAX: Final = 0.05
"""Counting what is ready among very many references takes time: reports may take this share of a wait."""

TIMEOUT_LOOK_S: Final = 0.5
"""A ``get`` with a shorter timeout is a look, perhaps one of many: it is not explained."""

WHY_ANSWER_S: Final = 0.2
"""How long each process that is asked why may take, when the time of the ``get`` is up already."""

Refs = Sequence[Any]
"""References, or generators of them: what can be waited for."""


def explain_timeout(error: GetTimeoutError, refs: Refs) -> None:
    """Have an error say what was waited for and why; and why more time will not help, if that is so."""
    engine = session.current
    if engine is None or error.timeout_s is None or error.timeout_s < TIMEOUT_LOOK_S:
        return
    error.waits_for = engine.why_waiting()
    if error.waits_for:
        return
    missing = engine.wait(list(dict.fromkeys(refs)), len(set(refs)), 0, False)[1]
    if missing:
        found = engine.why(missing[0]._id, WHY_ANSWER_S)
        others = f" ({len(missing) - 1:,} more are not ready)" if len(missing) > 1 else ""
        error.add_reason(f"{found.sentence}{others}")


def watched() -> bool:
    """Whether the caller's wait is to be reported."""
    return notebook_hooks.wait_observer is not None and threading.current_thread() is threading.main_thread()


class _Watch:
    """The reports of one wait."""

    def __init__(self, engine: Engine, refs: Refs, timeout: float | None, wanted: int | None = None) -> None:
        self.engine = engine
        self.refs = refs
        self.wanted = wanted
        self.began = time.monotonic()
        self.deadline = None if timeout is None else self.began + timeout
        self.period_s = WAIT_REPORT_PERIOD_S
        self.slice_s = WAIT_FIRST_REPORT_S
        self.reported = False
        self.looked = False
        self.names: frozenset[str] = frozenset()

    def next_slice_s(self) -> tuple[float, bool]:
        """How long to wait now, and whether the time is up after that."""
        if self.deadline is None:
            return self.slice_s, False
        left = max(0.0, self.deadline - time.monotonic())
        return (left, True) if left <= self.slice_s else (self.slice_s, False)

    def report(self, finished: bool = False) -> None:
        """Tell the observer; an end is only told to one that knows of the beginning."""
        observer = notebook_hooks.wait_observer
        if observer is None or (finished and not self.reported):
            return
        before = time.monotonic()
        ready = self.engine.wait(self.refs, len(self.refs), 0, False)[0] if self.refs else []
        groups = group_progress(self.engine.ledger, self.names)
        if not self.reported:
            self.names = frozenset(group.name for group in groups)
        self.reported = True
        tempo = self.engine.ledger.tempo.get("mode", "free")
        passed = before - self.began
        observer(WaitProgress(len(self.refs), len(ready), passed, finished, groups, self.wanted, tempo))
        if not self.looked and before - self.began >= STALL_S:
            self.looked = True
            why = self.engine.why_waiting()
            if why:
                logging.getLogger("gnomon").warning("%s", why)
        spent = time.monotonic() - before
        self.slice_s = max(self.period_s, spent / REPORT_SHARE_MAX)


def watched_get(engine: Engine, refs: Refs, timeout: float | None) -> list[Any]:
    """``engine.get`` with reports."""
    distinct = list(dict.fromkeys(refs))
    watch = _Watch(engine, distinct, timeout)
    try:
        while True:
            slice_s, last = watch.next_slice_s()
            try:
                return engine.get(refs, slice_s)
            except GetTimeoutError as error:
                if last:
                    raise GetTimeoutError(timeout_s=timeout, ready=error.ready, total=len(refs)) from None
            watch.report()
    finally:
        watch.report(finished=True)


def watched_wait(
    engine: Engine, refs: Refs, num_returns: int, timeout: float | None, fetch_local: bool
) -> tuple[list[Any], list[Any]]:
    """``engine.wait`` with reports."""
    watch = _Watch(engine, refs, timeout, num_returns)
    try:
        while True:
            slice_s, last = watch.next_slice_s()
            ready, others = engine.wait(refs, num_returns, slice_s, fetch_local)
            if last or len(ready) >= num_returns:
                return ready, others
            watch.report()
    finally:
        watch.report(finished=True)


def _watched_next(generator: generators.ObjectRefGenerator[Any]) -> None:
    """Wait for a generator's next item with reports, if anybody watches."""
    engine = session.current
    if engine is not None and watched():
        watched_wait(engine, [generator], 1, None, False)


generators.watch = _watched_next
