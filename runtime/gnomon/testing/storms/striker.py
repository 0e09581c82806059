"""Striker: kills a chosen process every so often, until it is told to stop; and what is common to all who do such."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from gnomon.testing.processes import strike


class Mischief:
    """A thread that does something bad again and again; a context manager.

    Args:
        name: of the thread.
        act: what it does.
        pause: seconds until it does it next.
    """

    def __init__(self, name: str, act: Callable[[], None], pause: Callable[[], float]) -> None:
        self._act = act
        self._pause = pause
        self._error: Exception | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def _run(self) -> None:
        try:
            while not self._over.wait(self._pause()):
                self._act()
        except Exception as error:
            self._error = error

    def check(self) -> None:
        """Raise what its thread has died of, which nobody else would hear of."""
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()


class Striker(Mischief):
    """Kills processes of one session.

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
        super().__init__("gnomon-striker", self._strike, lambda: period_s)
        self.hits: list[int] = []
        self._session = session
        self._candidates = candidates
        self._chooser = random.Random(seed)

    def _strike(self) -> None:
        pids = [pid for pid in self._candidates() if pid]
        if pids and strike(pid := self._chooser.choice(pids), self._session):
            self.hits.append(pid)

    def has_struck(self, times: int) -> bool:
        """Whether there were so many hits; raises as ``check`` does."""
        self.check()
        return len(self.hits) >= times
