"""Striker: kills a chosen process every so often, until it is told to stop."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from gnomon.testing.processes import strike


class Striker:
    """A thread that kills processes of one session; a context manager.

    Args:
        session: its id; nobody else is ever hit.
        candidates: who may be hit, asked before each strike.
        seed: of the choice among them.
        period_s: between two strikes.

    Attributes:
        hits: pids, in order.
    """

    def __init__(
        self, session: str, candidates: Callable[[], Sequence[int]], seed: int, period_s: float
    ) -> None:
        self.hits: list[int] = []
        self._error: Exception | None = None
        self._session = session
        self._candidates = candidates
        self._chooser = random.Random(seed)
        self._period_s = period_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gnomon-striker")

    def _run(self) -> None:
        try:
            while not self._over.wait(self._period_s):
                pids = [pid for pid in self._candidates() if pid]
                if pids and strike(pid := self._chooser.choice(pids), self._session):
                    self.hits.append(pid)
        except Exception as error:
            self._error = error

    def has_struck(self, times: int) -> bool:
        """Whether there were so many hits.

        Raises:
            Exception: what its thread has died of, which nobody else would hear of.
        """
        if self._error is not None:
            raise self._error
        return len(self.hits) >= times

    def __enter__(self) -> Striker:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
