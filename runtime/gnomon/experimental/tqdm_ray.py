"""Progress bars from anywhere, shown where the driver is: ``for x in tqdm(items, desc="load"): ...``

A bar in a task or an actor travels to the driver as a line of its output does, at most every
``flush_interval_s``; in a notebook it stands in the cell that submitted the task, in a terminal below what is
printed. Names and arguments are tqdm's, as far as they make sense here; tqdm itself is not needed.
"""

from __future__ import annotations

import builtins
import time
import uuid
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from gnomon._engine import notebook_hooks
from gnomon._engine.local_output import show_lines
from gnomon._engine.notebook_hooks import OutputLines
from gnomon._engine.progress_bars import STREAM, BarState, as_line
from gnomon._engine.terminal_bars import terminal

__all__ = ["safe_print", "tqdm", "trange"]

T = TypeVar("T")

FLUSH_INTERVAL_S = 0.25
"""Seconds between two states of one bar, unless given."""


class tqdm(Generic[T]):
    """A progress bar.

    Args:
        iterable: what to go through, if anything.
        desc: what stands before the bar.
        total: how much there is to do; by default the length of ``iterable`` if it has one.
        unit: what is counted.
        position: bars with a smaller one stand above.
        flush_interval_s: seconds between two states that are sent, at least.
        leave: keep the bar when it is closed.
        disable: show nothing.
        initial: how much is done already.
    """

    def __init__(
        self,
        iterable: Iterable[T] | None = None,
        desc: str | None = None,
        total: float | None = None,
        unit: str | None = None,
        position: int | None = None,
        flush_interval_s: float | None = None,
        *,
        leave: bool = True,
        disable: bool = False,
        initial: float = 0,
    ) -> None:
        self.iterable = iterable
        self.desc = desc or ""
        self.total = _length(iterable) if total is None else total
        self.unit = unit or "it"
        self.n = initial
        self.disable = disable
        self._position = position or 0
        self._period_s = FLUSH_INTERVAL_S if flush_interval_s is None else flush_interval_s
        self._leave = leave
        self._postfix = ""
        self._closed = False
        self._id = uuid.uuid4().hex
        self._began = time.monotonic()
        self._sent = float("-inf")
        self.refresh()

    def update(self, n: float = 1) -> None:
        """So much more is done."""
        self.n += n
        if time.monotonic() - self._sent >= self._period_s:
            self.refresh()

    def refresh(self) -> None:
        """Show the bar as it stands, at once."""
        if self.disable or self._closed:
            return
        self._sent = time.monotonic()
        self._send(False)

    def close(self) -> None:
        """The bar has ended; nothing happens the second time."""
        if not self._closed and not self.disable:
            self._send(True)
        self._closed = True

    def reset(self, total: float | None = None) -> None:
        """Begin anew, with another total if one is given."""
        self.n = 0
        self.total = self.total if total is None else total
        self._began = time.monotonic()
        self.refresh()

    def set_description(self, desc: str | None = None, refresh: bool = True) -> None:
        """Change what stands before the bar."""
        self.desc = desc or ""
        if refresh:
            self.refresh()

    def set_postfix(self, refresh: bool = True, **values: Any) -> None:
        """Tell values behind the bar: ``set_postfix(loss=0.1)``."""
        shown = {
            name: f"{value:.3g}" if isinstance(value, float) else value for name, value in values.items()
        }
        self.set_postfix_str(", ".join(f"{name}={value}" for name, value in shown.items()), refresh)

    def set_postfix_str(self, postfix: str = "", refresh: bool = True) -> None:
        """Tell a text behind the bar."""
        self._postfix = postfix
        if refresh:
            self.refresh()

    def _send(self, closed: bool) -> None:
        state = BarState(
            bar=self._id,
            n=self.n,
            desc=self.desc,
            total=self.total,
            unit=self.unit,
            elapsed_s=time.monotonic() - self._began,
            postfix=self._postfix,
            position=self._position,
            closed=closed,
            leave=self._leave,
        )
        send = notebook_hooks.send_progress
        if send is not None:
            send(as_line(state))
            return
        origin = notebook_hooks.origin
        show_lines(OutputLines(origin.cell if origin is not None else "", "", STREAM, as_line(state)))

    def __iter__(self) -> Iterator[T]:
        if self.iterable is None:
            raise TypeError("this progress bar has nothing to go through: give tqdm(...) an iterable.")
        try:
            for each in self.iterable:
                yield each
                self.update()
        finally:
            self.close()

    def __len__(self) -> int:
        return int(self.total or 0)

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> tqdm[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def trange(*args: int, **options: Any) -> tqdm[int]:
    """``tqdm(range(*args), **options)``."""
    return tqdm(range(*args), **options)


def safe_print(*args: Any, **options: Any) -> None:
    """``print`` that does not write into the bars."""
    with terminal.hidden():
        builtins.print(*args, **options)  # noqa: T201


def _length(iterable: Any) -> float | None:
    try:
        return len(iterable)
    except TypeError:
        return None
