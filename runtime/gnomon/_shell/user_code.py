"""UserCode: which threads run the user's code for which task; cancellation strikes only there.

    main thread    SIGINT, whose handler raises only when ``_striking`` names the task that runs; sent
                   again until it has run
    other threads  an exception that Python raises at their next bytecode; ``leave`` takes back what has not
                   struck by then

The rule for a changer: between ``enter`` and the return of ``leave`` an interrupt may be raised at any bytecode,
so both are called inside a ``try`` that catches it; after that never.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from gnomon.exceptions import TaskInterrupted
from gnomon.ids import TaskID

_AGAIN_S, _AGAIN_MAX_S = 0.005, 1.0
"""How soon a signal that nobody has handled is sent again, at first and in the end."""


class UserCode:
    """See the module.

    Args:
        struck: called with the task where an interrupt is raised, just before.
        rouse: called with a thread in which one is about to be raised, and the task, in case it waits.
    """

    def __init__(self, struck: Callable[[TaskID], None], rouse: Callable[[int, TaskID], None]) -> None:
        self._on_strike = struck
        self._rouse = rouse
        self._running: dict[int, TaskID] = {}
        self._striking: TaskID | None = None
        self._struck: dict[int, None] = {}
        self._lock = threading.Lock()
        self.main_id = threading.main_thread().ident or 0

    def enter(self, thread: int, task: TaskID) -> None:
        """From now on an interrupt of ``task`` strikes in this thread."""
        self._running[thread] = task

    def leave(self, thread: int) -> None:
        """From now on none strikes; one that is about to may do so in here, at the latest."""
        if thread == self.main_id:
            self._running.pop(thread, None)
            return
        with self._lock:
            self._running.pop(thread, None)
            if thread in self._struck:
                del self._struck[thread]
                _raise_in_thread(thread, None)

    def thread_of(self, task: TaskID) -> int:
        """The thread in which the code of ``task`` runs now; 0 if it does not. From any thread."""
        return next((thread for thread, running in list(self._running.items()) if running == task), 0)

    def interrupt(self, task: TaskID) -> None:
        """Raise ``TaskInterrupted`` where the code of ``task`` runs; from any thread."""
        for thread, running in list(self._running.items()):
            if running == task:
                if thread == self.main_id:
                    self.interrupt_main()
                else:
                    self._interrupt_thread(thread, task)

    def interrupt_main(self) -> None:
        """Raise it in the main thread, if the user's code runs there."""
        task = self._running.get(self.main_id)
        if task is not None:
            self._striking = task
            signal.pthread_kill(self.main_id, signal.SIGINT)
            threading.Thread(target=self._insist, args=(task,), name="gnomon-insist", daemon=True).start()

    def _insist(self, task: TaskID) -> None:
        """Send it again until its handler has run: one that comes just before a thread blocks ends no wait."""
        pause = _AGAIN_S
        time.sleep(pause)
        while self._striking == task == self._running.get(self.main_id):
            signal.pthread_kill(self.main_id, signal.SIGINT)
            time.sleep(pause)
            pause = min(2 * pause, _AGAIN_MAX_S)

    def _interrupt_thread(self, thread: int, task: TaskID) -> None:
        with self._lock:
            if self._running.get(thread) != task:
                return
            self._struck[thread] = None
            self._on_strike(task)
            _raise_in_thread(thread, TaskInterrupted)
        self._rouse(thread, task)

    def on_sigint(self, _number: int, _frame: Any) -> None:
        """The handler of SIGINT in the main thread."""
        task = self._running.get(self.main_id)
        if task is not None and task == self._striking:
            self._striking = None
            self._on_strike(task)
            raise TaskInterrupted


def _raise_in_thread(thread: int, error: type[BaseException] | None) -> None:
    """Raise an exception in another thread at its next bytecode; None takes back what has not struck yet."""
    import ctypes

    what = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
