"""Shipping: which functions an executor has. The owner's side, and the executor's.

Whoever redefines a function again and again, as one does in a notebook, must not fill the workers. So the owner
ships a function once a lease and names those to be forgotten when there are too many; messages of one sender
arrive in order, so it always knows what is there. What an earlier lease has left is nobody's any more: its tasks
have ended, and the next owner ships what it needs.
"""

from __future__ import annotations

from collections.abc import Iterable

from gnomon._messages.tasks import FunctionsForgotten, FunctionShipped
from gnomon.ids import FunctionID, WorkerID

FUNCTIONS_MAX = 256
FUNCTION_BYTES_MAX = 32 * 2**20
"""Of all functions at one executor, pickled; a single larger one is kept all the same."""


class FunctionBudget:
    """The functions that are kept, oldest first, within the limits above."""

    __slots__ = ("size_bytes", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[FunctionID, int] = {}
        self.size_bytes = 0

    def __contains__(self, function: FunctionID) -> bool:
        return function in self.sizes

    def add(
        self, function: FunctionID, size_bytes: int, in_use: Iterable[FunctionID] = ()
    ) -> tuple[FunctionID, ...]:
        """One more; returns those that have to go for it, none of them ``in_use``."""
        sizes = self.sizes
        self.size_bytes += size_bytes - sizes.pop(function, 0)
        sizes[function] = size_bytes
        if len(sizes) <= FUNCTIONS_MAX and self.size_bytes <= FUNCTION_BYTES_MAX:
            return ()
        needed = {function, *in_use}
        gone = []
        for old in list(sizes):
            if len(sizes) <= FUNCTIONS_MAX and self.size_bytes <= FUNCTION_BYTES_MAX:
                break
            if old not in needed:
                self.size_bytes -= sizes.pop(old)
                gone.append(old)
        return tuple(gone)


class FunctionsHere:
    """The functions that owners have shipped to this process.

    Attributes:
        payloads: by function; read by executing threads.
    """

    def __init__(self) -> None:
        self.payloads: dict[bytes, bytes] = {}
        self._shippers: dict[FunctionID, WorkerID] = {}

    def on_shipped(self, sender: WorkerID, message: FunctionShipped) -> None:
        """A task of the sender's that needs it follows."""
        self.payloads[message.function] = message.payload
        self._shippers[message.function] = sender

    def on_forgotten(self, sender: WorkerID, message: FunctionsForgotten) -> None:
        """The sender will ship them again before it needs them; another may have done so meanwhile."""
        for function in message.functions:
            if self._shippers.get(function) == sender:
                del self._shippers[function], self.payloads[function]

    def lease_begun(self) -> None:
        """Another lease: nobody relies on what was shipped during the one before."""
        self.payloads.clear()
        self._shippers.clear()
