"""Interrupting a cell cancels what it submitted.

The interrupt itself needs no help: ``get`` waits where a ``KeyboardInterrupt`` can end it. This module looks
at how a cell ended; was it interrupted, then its unfinished tasks are cancelled, and one line says how many.
Actors keep their state, and work of other cells goes on.

A cell that awaits is ended by ipykernel through its event loop, which (up to 7.4 at least) stays asleep when
the signal comes while nothing else happens; :func:`wake_loop_on_interrupt` mends that.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from typing import Any

from gnomon.observe import hooks
from gnomon_kernel.display import count, say
from gnomon_kernel.origins import CellRun


def was_interrupted(result: Any) -> bool:
    """Whether a cell was ended by an interrupt.

    Args:
        result: IPython's ``ExecutionResult``; None when the cell was left by an exception that IPython
            did not catch, which is then the one being handled.
    """
    if result is None:
        error: BaseException | None = sys.exc_info()[1]
    else:
        error = result.error_in_exec or result.error_before_exec
    # ipykernel ends a cell that awaits by cancelling its coroutine
    return isinstance(error, KeyboardInterrupt | asyncio.CancelledError)


def cancel_after(run: CellRun, result: Any) -> hooks.CancelReceipt | None:
    """Cancel the unfinished tasks of a cell if it was interrupted, and say so; None if it was not."""
    if not was_interrupted(result):
        return None
    receipt = hooks.cancel_cell(run.cell)
    if receipt.cancelled:
        say(receipt_line(receipt))
    return receipt


def wake_loop_on_interrupt() -> None:
    """Make ipykernel's handler for a cell that awaits wake the loop; called when the cell starts.

    That handler schedules the cancellation by ``call_soon`` (tornado takes the running loop for the
    caller's), and a sleeping loop would not see it before its next event. ipykernel puts the old handler
    back at the end of the cell.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler) or not (getattr(handler, "__module__", None) or "").startswith("ipykernel"):
        return  # a cell that does not await: the default handler raises KeyboardInterrupt
    loop = asyncio.get_running_loop()

    def handle_and_wake(number: int, frame: Any) -> None:
        handler(number, frame)
        loop.call_soon_threadsafe(_nothing)

    signal.signal(signal.SIGINT, handle_and_wake)


def _nothing() -> None:
    return None


def receipt_line(receipt: hooks.CancelReceipt) -> str:
    """``cancelled 12 tasks (3 running)``."""
    running = f" ({receipt.running:,} running)" if receipt.running else ""
    return f"cancelled {count(receipt.cancelled, 'task')}{running}"
