"""Which variable of the notebook held an actor, so that its death can be told when that variable was given up.

An actor ends when nobody holds a handle on it. In a notebook that is most often a cell run again: its variable gets
another actor. Handles are not kept here, only names and ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gnomon.actor import ActorHandle
from gnomon.observe import hooks


class ActorNames:
    """The variables of one shell that hold actors, as they were when the last cell ended."""

    def __init__(self) -> None:
        self._held: dict[str, str] = {}

    def look(self, space: Mapping[str, Any], label: str) -> None:
        """A cell has ended; ``space`` are the variables now. Those that had another actor before are told."""
        held = {
            name: value._actor_id.hex()
            for name, value in list(space.items())
            if type(value) is ActorHandle and not name.startswith("_")
        }
        for name, actor in self._held.items():
            if held.get(name) != actor and actor not in held.values():
                verb = "overwritten" if name in space else "deleted"
                hooks.handle_given_up(actor, f"its variable {name} was {verb} in {label}")
        self._held = held
