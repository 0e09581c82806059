"""Values that go wrong when the runtime handles them: when they are pickled, rebuilt or collected."""

from __future__ import annotations

from typing import Any

from gnomon.testing.storms.crash_matrix.faults import Trigger


class OnArrival:
    """Goes wrong where it is rebuilt. May be made and pickled in the driver.

    Args:
        trigger: of what goes wrong.
        load: bytes that it carries along, to make it large.
    """

    def __init__(self, trigger: Trigger, load: bytes = b"") -> None:
        self.trigger = trigger
        self.load = load

    def __reduce__(self) -> Any:
        return _arrive, (self.trigger, self.load)


def _arrive(trigger: Trigger, load: bytes) -> Any:
    return trigger.fire()


class OnDeparture:
    """Goes wrong where it is pickled."""

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger

    def __reduce__(self) -> Any:
        self.trigger.fire()
        return str, ()


class OnCollection:
    """Goes wrong where it is collected; harmless in the driver, which only holds it."""

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger

    def __del__(self) -> None:
        self.trigger.fire()


Thrown = type("Thrown", (Exception,), {"__reduce__": lambda self: self.args[0].fire()})
"""An exception that goes wrong where it is pickled; its argument is the trigger."""
