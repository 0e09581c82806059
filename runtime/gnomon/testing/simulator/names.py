"""Names: AC7, one actor per name that lives and is not about to end, and answers that fit to who had it when head answered.

Head's records are looked at before and after each batch of events; ``ActorMachine.names`` is not believed,
but compared.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gnomon._core import events as ev
from gnomon._core.head import Head
from gnomon._messages.actors import (
    DEAD,
    ActorAdmitted,
    ActorNameAnswered,
    ActorNameAsked,
    ActorRegistered,
)
from gnomon.ids import ActorID, WorkerID

Name = tuple[str, str]


class NameWatch:
    """Who has which name at head.

    Attributes:
        holders: the live actor of each name.
    """

    def __init__(self, head: Head) -> None:
        self.head = head
        self.holders: dict[Name, ActorID] = {}
        self._before: dict[Name, ActorID] = {}
        self._asked: dict[tuple[WorkerID, int], tuple[Name, ActorID | None]] = {}
        self._fresh: dict[Name, dict[ActorID, None]] = {}

    def heard(self, events: Iterable[Any]) -> None:
        """Head has taken these events in."""
        self._fresh = {}
        for event in events:
            for message in event.messages if type(event) is ev.Received else ():
                if type(message) is ActorRegistered and message.spec.name:
                    spec = message.spec
                    name = (spec.namespace, spec.name)
                    self._fresh.setdefault(name, {})[spec.actor] = None
                    if message.request:
                        self._asked[(event.sender, message.request)] = (name, spec.actor)
                elif type(message) is ActorNameAsked and not message.all_names:
                    self._asked[(event.sender, message.request)] = ((message.namespace, message.name), None)
        self._look()

    def _look(self) -> None:
        self._before, holders = self.holders, {}
        for actor, record in self.head.actors.records.items():
            if record.spec.name and record.state != DEAD and not record.draining:
                name = (record.spec.namespace, record.spec.name)
                assert name not in holders, f"AC7: {name} belongs to two live actors"
                holders[name] = actor
        assert holders == self.head.actors.names, f"AC7: {holders} live, {self.head.actors.names} are known"
        self.holders = holders

    def said(self, target: WorkerID, messages: Iterable[Any]) -> None:
        """Head sends these messages."""
        for message in messages:
            if type(message) is ActorAdmitted:
                name, actor = self._asked.pop((target, message.request))
                others = [each for each in self._possible(name) if each != actor]
                if message.taken:
                    assert others, f"AC7: {name} is taken by nobody"
                else:
                    kept = self._before.get(name) == self.holders.get(name) != actor
                    assert not (kept and name in self._before), f"AC7: {name} was given away twice"
            elif type(message) is ActorNameAnswered and (target, message.request) in self._asked:
                name, _ = self._asked.pop((target, message.request))
                if message.actor is not None:
                    assert message.actor in self._possible(name), (
                        f"AC7: {name} is no longer {message.actor!r}"
                    )
                else:
                    kept = name in self.holders and self._before.get(name) == self.holders[name]
                    assert not kept, f"AC7: {name} is not found"

    def _possible(self, name: Name) -> list[ActorID]:
        """Whoever may have had the name during the last batch."""
        found = [table[name] for table in (self._before, self.holders) if name in table]
        return [*found, *self._fresh.get(name, ())]
