"""Questions of user threads to roles: each has a number, waits for the answer that carries it, and for no longer than it says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from gnomon._core.events import AskedSomething
from gnomon._shell.loop import Loop, release
from gnomon.exceptions import GetTimeoutError, NotInitializedError
from gnomon.ids import WorkerID


class Questions:
    """The open questions of one process.

    Args:
        loop: posts them, and waits.
        numbers: gives each its number.
        ended: why the session is over; "" while it is not.
    """

    def __init__(self, loop: Loop, numbers: Iterator[int], ended: Callable[[], str]) -> None:
        self._loop = loop
        self._numbers = numbers
        self._ended = ended
        self._open: dict[int, list[Any]] = {}

    def answer(self, request: int, answer: Any) -> bool:
        """An answer has come, in the loop's thread. False when nobody waits for it any more."""
        question = self._open.pop(request, None)
        if question is None:
            return False
        question.append(answer)
        release(question[0])
        return True

    def end(self) -> None:
        """The session is over: whoever waits is told."""
        for question in list(self._open.values()):
            question.append(None)
            release(question[0])

    def ask(self, make: Callable[[int], Any], timeout_s: float | None) -> Any:
        """Post the event ``make(request number)`` and wait for its answer.

        Raises:
            NotInitializedError: the session has ended meanwhile.
            GetTimeoutError: no answer within ``timeout_s`` (None: there is no limit).
        """
        request, question = self._begin()
        try:
            self._loop.post(make(request))
            if not self._loop.wait(question[0], timeout_s):
                raise GetTimeoutError(f"The runtime has not answered within {timeout_s:g} s.")
        finally:
            self._open.pop(request, None)
        if question[-1] is None or len(question) == 1:
            raise NotInitializedError(self._ended())
        return question[-1]

    def ask_each(
        self, targets: Sequence[WorkerID], make: Callable[[int], Any], timeout_s: float
    ) -> dict[WorkerID, Any]:
        """Send the message ``make(request number)`` to several processes at once.

        Returns:
            The answers that came within ``timeout_s``.

        Raises:
            NotInitializedError: the session has ended meanwhile.
        """
        asked: dict[WorkerID, tuple[int, list[Any]]] = {}
        try:
            for target in targets:
                asked[target] = request, _ = self._begin()
                self._loop.post(AskedSomething(target, make(request)))
            deadline = time.monotonic() + timeout_s
            for _, question in asked.values():
                self._loop.wait(question[0], max(0.0, deadline - time.monotonic()))
        finally:
            for request, _ in asked.values():
                self._open.pop(request, None)
        if self._ended():
            raise NotInitializedError(self._ended())
        return {target: question[1] for target, (_, question) in asked.items() if len(question) > 1}

    def _begin(self) -> tuple[int, list[Any]]:
        """A number, and the list that holds a lock to wait for, and then the answer too."""
        request = next(self._numbers)
        lock = threading.Lock()
        lock.acquire()
        question: list[Any] = [lock]
        self._open[request] = question
        if self._ended():
            self._open.pop(request, None)
            raise NotInitializedError(self._ended())
        return request, question
