"""Ctrl-C in the main thread: put off while the runtime's own state is being changed, then delivered.

Python runs a signal's handler between any two bytecodes of the main thread. Where that may not raise, the
handler is swapped for one that only notes the signal; afterwards the old one is back and the noted signal is
raised again. Two calls, about a microsecond, no matter what the notebook or the user has installed.
"""

from __future__ import annotations

import os
import sys
import time

# The C functions themselves: their wrappers in ``signal`` spend ten times as long on turning numbers into
# enums.
from _signal import SIGINT, getsignal, raise_signal, signal  # type: ignore[import-not-found]
from _thread import start_new_thread
from collections.abc import Callable
from typing import Any

from gnomon._wire.object_ref import ObjectRef

RESEND_S = 0.01
"""How long after it was swallowed an interrupt is sent again: by then the destructor has returned."""


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


class Rescue:
    """Interrupts that strike in the destructor of a handle. Python can not raise them there and only reports
    them.

    Then the handle is dropped after all, and the signal sent again. Deleting a list of many handles is so
    long a row of destructors that Ctrl-C would often go unheard.

    Args:
        drop: what the destructor calls; its first step is to note the handle.
    """

    def __init__(self, drop: Callable[[bytes], Any]) -> None:
        self._drop = drop
        self._next = sys.unraisablehook

    def install(self) -> None:
        """Take the place of ``sys.unraisablehook``, which gets all else."""
        sys.unraisablehook = self._on_unraisable

    def remove(self) -> None:
        """Give it back, unless somebody has put another in front meanwhile."""
        if sys.unraisablehook == self._on_unraisable:
            sys.unraisablehook = self._next

    def _on_unraisable(self, unraisable: Any) -> None:
        if unraisable.exc_type is not KeyboardInterrupt or unraisable.object is not ObjectRef.__del__:
            self._next(unraisable)
            return
        trace = last = unraisable.exc_traceback
        depth = 1
        while last.tb_next is not None:
            last = last.tb_next
            depth += 1
        # Handlers run when a function is entered (its first line) or a call has returned. Noted is noted:
        # never twice.
        if depth <= 2 and last.tb_lineno == last.tb_frame.f_code.co_firstlineno:
            self._drop(trace.tb_frame.f_locals["self"]._id)
        start_new_thread(
            _resend, ()
        )  # not threading's: that waits here, where the signal would be swallowed again


def _resend() -> None:
    time.sleep(RESEND_S)
    os.kill(os.getpid(), SIGINT)
