"""Ctrl-C in the main thread: put off while the runtime's own state is being changed, then delivered.

Python runs a signal's handler between any two bytecodes of the main thread. Where that may not raise, the handler is swapped
for one that only notes the signal; afterwards the old one is back and the noted signal is raised again. Two calls, about a
microsecond, no matter what the notebook or the user has installed.
"""

from __future__ import annotations

# The C functions themselves: their wrappers in ``signal`` spend ten times as long on turning numbers into enums.
from _signal import SIGINT, getsignal, raise_signal, signal  # type: ignore[import-not-found]
from typing import Any


class Deferred:
    """A ``with`` block in which SIGINT is put off; only for the main thread.

    A handler that was not installed from Python can not be put back, and is left alone.
    """

    __slots__ = ("_came", "_old")

    def __init__(self) -> None:
        self._came = False
        self._old: Any = None

    def __enter__(self) -> None:
        self._old = getsignal(SIGINT)
        if self._old is not None:
            signal(SIGINT, self._note)

    def __exit__(self, *_: object) -> None:
        if self._old is not None:
            signal(SIGINT, self._old)
            if self._came:
                raise_signal(SIGINT)

    def _note(self, _number: int, _frame: Any) -> None:
        self._came = True
