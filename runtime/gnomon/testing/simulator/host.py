"""Host: the surroundings of one role in a simulation, in place of its shell.

    envelopes, posted events, wake-ups ----> Station (role behind its links) ----> network, commands

It does what a shell does and decides nothing: what arrived or was posted since the last step goes to the
role as one batch, its envelopes go to the network, its commands to ``_do_<Command>`` methods of a
subclass. After each batch the role's ``check`` is called. Crashed hosts stay silent for ever; a paused
one catches up.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

from gnomon._core.effects import Command, DropPeer
from gnomon._core.station import Outgoing, Role, Station
from gnomon._messages.envelope import Envelope
from gnomon.ids import WorkerID
from gnomon.testing.simulator.kernel import Kernel, Timer
from gnomon.testing.simulator.network import Network

_STEP_S = (0.00001, 0.0001)
"""Between something arriving and the loop taking it: a thread switch."""


class Host:
    """One process of the simulated session.

    Attributes:
        label: short name in traces.
        alive: it has not crashed or ended.
    """

    def __init__(self, kernel: Kernel, network: Network, me: WorkerID, label: str, role: Role) -> None:
        self.kernel = kernel
        self.network = network
        self.me = me
        self.label = label
        self.role = role
        self.station = Station(role)
        self.alive = True
        self._paused_until = 0.0
        self._envelopes: list[Envelope] = []
        self._events: list[Any] = []
        self._step: Timer | None = None
        self._wakeup: tuple[float, Timer] | None = None
        self._said: dict[WorkerID, int] = {}
        network.join(me, self._receive)

    @property
    def has_news(self) -> bool:
        """Something was posted that its role has not heard of yet."""
        return bool(self._events)

    def post(self, event: Any) -> None:
        """Something has happened in this process; the role hears of it in the next batch."""
        self._events.append(event)
        self._soon()

    def apply(self, event: Any) -> Generator[Any, Any, None]:
        """Let the role take it in before the caller goes on, as a thread does that runs the role itself."""
        self.post(event)
        while self.kernel.now < self._paused_until:
            yield self._paused_until - self.kernel.now
        if self._step is not None:
            self._step.cancel()
        self._run()

    def start(self) -> None:
        """Let the role say its first words."""
        self._soon()

    def pause(self, for_s: float) -> None:
        """Stand still, as under SIGSTOP."""
        self._paused_until = max(self._paused_until, self.kernel.now + for_s)

    def end(self) -> None:
        """Gone, at once, whatever it was doing."""
        self.alive = False
        self.network.leave(self.me)
        self._envelopes.clear()
        self._events.clear()

    def before_events(self, events: list[Any]) -> None:
        """The role is about to take these in; a subclass may look."""

    def after_events(self, events: list[Any]) -> None:
        """It has; what it sends and commands follows."""

    def says(self, target: WorkerID, envelope: Envelope) -> None:
        """An envelope is sent for the first time."""

    def send(self, outgoing: Outgoing) -> None:
        """Put envelopes on the network."""
        for target, envelope in outgoing:
            if envelope.sequence > self._said.get(target, 0):  # or it is repeated, or only acknowledges
                self._said[target] = envelope.sequence
                self.says(target, envelope)
            self.kernel.trace.add(self.kernel.now, self.label, "sends", (target, envelope))
            self.network.send(self.me, target, envelope)

    def _receive(self, envelope: Envelope) -> None:
        self._envelopes.append(envelope)
        self._soon()

    def _soon(self) -> None:
        if self._step is None and self.alive:
            self._step = self.kernel.after(self.kernel.random.uniform(*_STEP_S), self._run)

    def _run(self) -> None:
        self._step = None
        if not self.alive:
            return
        now = self.kernel.now
        if now < self._paused_until:
            self._step = self.kernel.at(self._paused_until, self._run)
            return
        envelopes, self._envelopes = self._envelopes, []
        posted, self._events = self._events, []
        received = self.station.receive(envelopes, now)
        events = posted + received  # what the process's own threads did is older
        for event in events:
            self.kernel.trace.add(now, self.label, "hears", event)
        self.before_events(events)
        outgoing, commands = self.station.handle(events, now)
        if events or outgoing or commands:  # else nothing has changed but a clock
            self.role.check()
            self.after_events(events)
        self.perform(outgoing, commands)
        self._plan_wakeup()

    def perform(self, outgoing: Outgoing, commands: list[Command]) -> None:
        """Carry out what the role asked for."""
        self.send(outgoing)
        for command in commands:
            if not self.alive:
                return
            self.kernel.trace.add(self.kernel.now, self.label, "does", command)
            getattr(self, "_do_" + _snake(type(command).__name__))(command)

    def _plan_wakeup(self) -> None:
        due = self.station.next_wakeup()
        if not self.alive or due is None:
            return
        if self._wakeup is not None:
            if self._wakeup[0] <= due:
                return
            self._wakeup[1].cancel()
        self._wakeup = (due, self.kernel.at(due, self._wake))

    def _wake(self) -> None:
        self._wakeup = None
        if self.alive:
            self._soon()

    def _do_drop_peer(self, command: DropPeer) -> None:
        """Sockets close; here there are none."""


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
