"""Definitions: which actors were made from a class that a notebook has defined anew since.

A cell that is run again makes a new class of the same name. The actors made before go on with the old code,
which is what Ray does too and what surprises everybody once; so they are marked. Running a cell again without
a change makes no new definition: the text of the class decides.

    current ----> superseded       another text under the same module and name

Only classes of ``__main__`` take part: a module's are what they are until it is reloaded.
"""

from __future__ import annotations

import inspect

from gnomon._core.ledger import Ledger
from gnomon._engine import notebook_hooks, staleness

ACTORS_MARKED_MAX = 1_000
"""Actors of one definition whose rows can be marked; the newest."""


class Definition:
    """One text of an actor class.

    Attributes:
        superseded: a later cell has defined it otherwise.
    """

    __slots__ = ("_actors", "superseded", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.superseded = False
        self._actors: dict[str, Ledger] = {}

    def made(self, actor: str, ledger: Ledger) -> None:
        """An actor (its id in hex) was made from it; ``ledger`` has its row."""
        self._actors[actor] = ledger
        if len(self._actors) > ACTORS_MARKED_MAX:
            del self._actors[next(iter(self._actors))]

    def supersede(self) -> None:
        """Mark the rows of its actors."""
        self.superseded = True
        for actor, ledger in self._actors.items():
            if actor in ledger.actors:
                ledger.actor_changed(actor, stale=True)
        self._actors.clear()


_current: dict[str, Definition] = {}


def define(cls: type) -> Definition | None:
    """The definition that ``cls`` belongs to; an earlier one with another text is superseded.

    Returns:
        None for classes of modules, and where the text can not be found.
    """
    if cls.__module__ != "__main__":
        return None
    try:
        text = _text(cls)
    except (OSError, TypeError):
        return None
    known = _current.get(cls.__qualname__)
    if known is not None and known.text == text:
        return known
    if known is not None:
        known.supersede()
    fresh = _current[cls.__qualname__] = Definition(text)
    return fresh


_functions: dict[str, str] = {}


def define_function(function: object) -> None:
    """A remote function is made in a notebook: one of the same name with another text makes its tasks stale."""
    if notebook_hooks.origin is None or not inspect.isfunction(function) or function.__module__ != "__main__":
        return
    try:
        text = inspect.getsource(function)
    except (OSError, TypeError):
        return
    known = _functions.get(function.__qualname__)
    _functions[function.__qualname__] = text
    if known is not None and known != text:
        staleness.function_changed(function.__name__)


def _text(cls: type) -> str:
    """The text of a class, put together from its methods: ``inspect`` finds no class that a cell has made."""
    parts = [", ".join(base.__qualname__ for base in cls.__bases__)]
    for name, member in vars(cls).items():
        function = getattr(member, "__func__", member)
        if inspect.isfunction(function):
            parts.append(inspect.getsource(function))
        elif isinstance(member, int | float | str | bytes | tuple | None) and not name.startswith("__"):
            parts.append(f"{name} = {member!r}")
    return "\n".join(parts)
