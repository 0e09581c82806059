"""What a notebook has that a command can be given: references, actors, cells. Looked up when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import gnomon
from gnomon import observe
from gnomon_kernel.arguments import ACTORS, CELLS, PINS, REFS, TARGETS


class Known(Protocol):
    """What the notebook has, by kind (see :mod:`gnomon_kernel.arguments`)."""

    def names(self, kind: str) -> list[str]:
        """What can stand where this kind is asked for."""
        ...


class NotebookNames:
    """The names of one notebook, as they are when they are asked for."""

    def __init__(self, space: Mapping[str, Any]) -> None:
        self._space = space

    def names(self, kind: str) -> list[str]:
        """See ``Known``."""
        if kind == REFS:
            return [name for name, value in self._visible() if holds_references(value)]
        if kind == TARGETS:
            return [name for name, value in self._visible() if is_handle(value) or holds_references(value)]
        if kind == ACTORS:
            return list(dict.fromkeys([*self._handles(), *named_actors()]))
        if kind == PINS:
            return ["all", "Out", "tracebacks", *map(str, self._space.get("_oh", {}))]
        if kind == CELLS:
            return _cells_with_tasks()
        return []

    def _handles(self) -> list[str]:
        return [name for name, value in self._visible() if is_handle(value)]

    def _visible(self) -> list[tuple[str, Any]]:
        return [(name, value) for name, value in list(self._space.items()) if not name.startswith("_")]


def is_handle(value: Any) -> bool:
    """Whether a value is the handle of an actor."""
    return isinstance(value, gnomon.actor.ActorHandle)


def holds_references(value: Any) -> bool:
    """Whether a value is a reference or generator, or a list or tuple of nothing else."""
    if isinstance(value, gnomon.ObjectRef | gnomon.ObjectRefGenerator):
        return True
    return type(value) in (list, tuple) and bool(value) and all(map(holds_references, value))


def named_actors() -> list[str]:
    """Names of the living actors that have one, in this session's namespace."""
    if not gnomon.is_initialized():
        return []
    from gnomon.util import list_named_actors

    return sorted(map(str, list_named_actors()))


def _cells_with_tasks() -> list[str]:
    labels = dict.fromkeys(row["cell"] for row in observe.tasks() if row["cell"].startswith("In ["))
    return [label.removeprefix("In [").removesuffix("]") for label in labels]
