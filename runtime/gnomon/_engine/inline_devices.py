"""GPUs on the inline engine: who holds which. There is one process, so ``CUDA_VISIBLE_DEVICES`` stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from gnomon._core.devices import DeviceBook, DeviceID
from gnomon._engine.inline_call import InlineCall


class InlineDevices:
    """The session's GPUs.

    Args:
        units: how many there are, in ``gnomon.resources.UNITS``.
        names: what they are called.
    """

    def __init__(self, units: int, names: Sequence[DeviceID]) -> None:
        self._book = DeviceBook(units, names)
        self._places: dict[InlineCall, tuple[int, ...]] = {}

    def take(self, call: InlineCall) -> None:
        """Give a call what it asks for; nothing when it asks for none, or all are held.

        (Nothing waits for a resource here: a task inside a task runs although its caller holds what it needs.)
        """
        units = call.resources.get("GPU", 0)
        if units and call not in self._places and self._book.fits(units):
            places = self._places[call] = self._book.take(units)
            call.gpus = self._book.named(places)

    def give(self, call: InlineCall) -> None:
        """A call needs them no longer."""
        places = self._places.pop(call, None)
        if places is not None:
            self._book.give(places, call.resources["GPU"])

    @contextmanager
    def held(self, call: InlineCall) -> Iterator[None]:
        """A task runs."""
        self.take(call)
        try:
            yield
        finally:
            self.give(call)
