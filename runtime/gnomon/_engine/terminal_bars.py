"""Progress bars in a terminal: below what is printed, rewritten in place; without a terminal, a line now and then.

Whoever prints while bars are shown does so inside :meth:`TerminalBars.hidden`, else the text stands among them.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gnomon._engine.progress_bars import Bars, BarState, line_of

REDRAW_PERIOD_S = 0.1
"""Bars are redrawn no more often than that."""

PLAIN_PERIOD_S = 10.0
"""And where the output is no terminal, printed no more often than that."""


class TerminalBars:
    """The bars of this process's error output, which a terminal shows."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._bars = Bars()
        self._shown = 0
        self._shown_at = 0.0

    def update(self, text: str) -> None:
        """Take states of bars, and show them when it is time or a bar has been closed."""
        with self._lock:
            now = time.monotonic()
            if not self._bars.open and not self._shown:
                self._shown_at = now - REDRAW_PERIOD_S
            closed = self._bars.update(text)
            if sys.stderr.isatty():
                if closed or now - self._shown_at >= REDRAW_PERIOD_S:
                    self._shown_at = now
                    self._erase()
                    self._draw()
            else:
                self._print_plain(closed, now)
            if not self._bars.open:
                self._bars, self._shown = Bars(), 0

    def _print_plain(self, closed: list[BarState], now: float) -> None:
        lines = [line_of(bar) for bar in closed if bar.leave]
        if now - self._shown_at >= PLAIN_PERIOD_S:
            self._shown_at = now
            lines = self._bars.lines()
        sys.stderr.write("".join(line + "\n" for line in lines))
        sys.stderr.flush()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Take the bars away while something is printed, and draw them again below it."""
        with self._lock:
            shown = self._shown
            self._erase()
            try:
                yield
            finally:
                if shown:
                    sys.stdout.flush()
                    self._draw()

    def _erase(self) -> None:
        if self._shown:
            sys.stderr.write(f"\x1b[{self._shown}A\x1b[J")
            self._shown = 0

    def _draw(self) -> None:
        width = shutil.get_terminal_size().columns - 1  # a line that wraps would be two
        lines = [line[:width] for line in self._bars.lines()]
        sys.stderr.write("".join(line + "\n" for line in lines))
        sys.stderr.flush()
        self._shown = len(lines)


terminal = TerminalBars()
"""Those of this process."""
