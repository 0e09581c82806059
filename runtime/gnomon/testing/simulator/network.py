"""Network: packets between named processes, with delay, loss, duplication, disorder and partitions.

A packet to a process that does not exist (any more, or yet) vanishes, as it does in a socket. Chance is
the kernel's. Whether a fault may still happen is asked of ``Weather.until_s``: afterwards the network is
merely slow, so that a run can end and "nothing hangs once faults stop" can be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from gnomon.testing.simulator.kernel import Kernel


@dataclass(slots=True)
class Weather:
    """What the network does to packets.

    Attributes:
        delay_s: shortest and longest ordinary delay.
        loss: probability that a packet vanishes.
        duplication: probability that it arrives twice.
        straggling: probability that it takes up to ``straggle_s`` instead, which overtakes others.
        until_s: virtual time after which there is only ordinary delay.
    """

    delay_s: tuple[float, float] = (0.0001, 0.001)
    loss: float = 0.0
    duplication: float = 0.0
    straggling: float = 0.0
    straggle_s: float = 0.5
    until_s: float = float("inf")


class Network:
    """All links of a simulation.

    Attributes:
        lost, duplicated, straggled: packets to which that happened.
    """

    def __init__(self, kernel: Kernel, weather: Weather) -> None:
        self.kernel = kernel
        self.weather = weather
        self.lost = self.duplicated = self.straggled = 0
        self._receivers: dict[Hashable, Callable[[Any], None]] = {}
        self._cut: dict[frozenset[Hashable], float] = {}

    def join(self, name: Hashable, receive: Callable[[Any], None]) -> None:
        """A process listens."""
        self._receivers[name] = receive

    def leave(self, name: Hashable) -> None:
        """It does not any more: packets on their way to it vanish."""
        self._receivers.pop(name, None)

    def cut(self, one: Hashable, other: Hashable, until_s: float) -> None:
        """Let no packet pass between two processes until then."""
        self._cut[frozenset((one, other))] = until_s

    def send(self, sender: Hashable, target: Hashable, packet: Any) -> None:
        """Put a packet on its way."""
        kernel, weather = self.kernel, self.weather
        if kernel.now >= weather.until_s:
            kernel.after(kernel.random.uniform(*weather.delay_s), self._arrive, target, packet)
            return
        if self._cut and kernel.now < self._cut.get(frozenset((sender, target)), 0.0):
            self.lost += 1
            return
        if kernel.chance(weather.loss):
            self.lost += 1
            return
        kernel.after(self._delay(), self._arrive, target, packet)
        if kernel.chance(weather.duplication):
            self.duplicated += 1
            kernel.after(self._delay(), self._arrive, target, packet)

    def _delay(self) -> float:
        weather, random = self.weather, self.kernel.random
        if self.kernel.chance(weather.straggling):
            self.straggled += 1
            return random.uniform(weather.delay_s[1], weather.straggle_s)
        return random.uniform(*weather.delay_s)

    def _arrive(self, target: Hashable, packet: Any) -> None:
        receive = self._receivers.get(target)
        if receive is not None:
            receive(packet)
