"""The kernel stays "busy" while a cell runs, although views talk to it meanwhile.

ipykernel says "idle" when it has served any message, also one that came on the control channel or over a subshell while a
cell runs, and front ends show what they have heard last: JupyterLab says Idle below a cell that has an asterisk. So once
such a message of ours has been served, the kernel says again what is so: that it is busy with that cell.

The one rule for a changer: nothing may be said once the cell's end has been told, or the kernel looks busy for ever.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Mapping
from typing import Any

Handler = Callable[..., Any]


class BusyCell:
    """The cell that a kernel runs, if any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kernel: Any = None
        self._parent: Mapping[str, Any] = {}

    def began(self, kernel: Any, parent: Mapping[str, Any]) -> None:
        """A cell runs now.

        Args:
            kernel: that runs it; None in a terminal.
            parent: header of the request that runs it.
        """
        with self._lock:
            self._kernel, self._parent = kernel, parent

    def ended(self) -> None:
        """It is about to end; what the kernel says of it from now on is its own."""
        with self._lock:
            self._kernel = None

    def after_served(self, handler: Handler) -> Handler:
        """A handler of messages that does the same, and afterwards has it said again that the cell runs."""

        async def served(*arguments: Any) -> None:
            result = handler(*arguments)
            if inspect.isawaitable(result):
                await result
            self.say_soon()

        return served

    def say_soon(self) -> None:
        """Say it again, once the message has been served that is being served now, in this thread."""
        if self._kernel is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # not served by a kernel's loop, which then says nothing at its end either
            return
        loop.call_soon(self._say)

    def _say(self) -> None:
        # the lock keeps the order of this and of what the main thread says when the cell has ended
        with self._lock:
            kernel = self._kernel
            if kernel is not None and self._parent:
                content = {"execution_state": "busy"}
                kernel.session.send(
                    kernel.iopub_socket, "status", content, parent=dict(self._parent), ident=b"status"
                )


busy_cell = BusyCell()
"""That of this process's kernel: it has one at most."""
