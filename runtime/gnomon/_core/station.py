"""Station: a role with its links: envelopes in, envelopes and commands out. Shell and simulator drive the
same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from gnomon._core.delay_line import DelayLine
from gnomon._core.effects import Command, Effects
from gnomon._core.events import Received
from gnomon._core.links import LinkMachine
from gnomon._messages.envelope import Envelope
from gnomon.ids import WorkerID


class Role(Protocol):
    """What a head, a node or a worker is to its surroundings."""

    links: LinkMachine

    def handle(self, events: Iterable[Any], now: float) -> Effects:
        """Take a batch of events in; what is to be done comes out."""
        ...

    def next_wakeup(self) -> float | None:
        """When it wants to be handled again, even if nothing happens."""
        ...

    def check(self) -> None:
        """Assert the invariants that it can see."""
        ...


Outgoing = list[tuple[WorkerID, Envelope]]


class Station:
    """A role behind its links."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.links = role.links

    def receive(self, envelopes: Iterable[Envelope], now: float) -> list[Any]:
        """The events in the envelopes that can be delivered now."""
        events: list[Any] = []
        if self.links.delay is not None:
            envelopes = self.links.delay.arrive(list(envelopes), now)
        for envelope in envelopes:
            for messages in self.links.receive(envelope, now):
                events.append(Received(envelope.sender, messages))
        return events

    def handle(self, events: Iterable[Any], now: float) -> tuple[Outgoing, list[Command]]:
        """Give events to the role; number what it sends."""
        if self.links.delay is not None:
            return self._handle_late(self.links.delay, events, now)
        return self.pack(self.role.handle(events, now), now)

    def _handle_late(
        self, delay: DelayLine, events: Iterable[Any], now: float
    ) -> tuple[Outgoing, list[Command]]:
        """While messages are held: those whose time has come are events too."""
        out, commands = self.pack(self.role.handle([*self.receive((), now), *events], now), now)
        if delay.is_over(now):
            self.links.delay = None
        return out, commands

    def pack(self, effects: Effects, now: float) -> tuple[Outgoing, list[Command]]:
        """Number what a role sends; add what the links are due to send."""
        links = self.links
        out: Outgoing = []
        for target, messages in effects.sends.items():
            envelope = links.send(target, messages, now)
            if envelope is not None:
                out.append((target, envelope))
        if links.wakeup and now >= links.wakeup:
            out.extend(links.due(now))
        if links.delay is not None:
            out = links.delay.leave(out, now)
        return out, effects.commands

    def next_wakeup(self) -> float | None:
        """The earlier of the role's and the links'."""
        role, links = self.role.next_wakeup(), self.links.next_wakeup()
        if self.links.delay is not None:
            held = self.links.delay.next_wakeup()
            links = held if links is None else min(links, held)
        if role is None:
            return links
        return role if links is None else min(role, links)
