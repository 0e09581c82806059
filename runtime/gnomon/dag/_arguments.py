"""Nodes among the arguments of a ``bind``: found when it is written, replaced by values when it is executed.

They are looked for in lists, tuples, sets and dicts too, however deep. A container that holds one is copied,
so that what is done to it afterwards does not change the graph; one without is passed on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Hole:
    """The place of a node among the arguments."""

    __slots__ = ("node",)

    def __init__(self, node: Any) -> None:
        self.node = node


class Arguments:
    """The arguments of a node.

    Args:
        args: as given.
        kwargs: as given.
        is_node: tells nodes from values.

    Attributes:
        nodes: the nodes among them, in the order in which they are written, each once.
    """

    def __init__(
        self, args: Iterable[Any], kwargs: Mapping[str, Any], is_node: Callable[[Any], bool]
    ) -> None:
        found: dict[Any, None] = {}

        def dig(value: Any) -> Any:
            if not is_node(value):
                return value
            found[value] = None
            return Hole(value)

        self._args = [(value, _replaced(value, dig, ())) for value in args]
        self._kwargs = {name: (value, _replaced(value, dig, ())) for name, value in kwargs.items()}
        self.nodes = tuple(found)

    def given(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """As they were written."""
        return tuple(value for value, _ in self._args), {name: each[0] for name, each in self._kwargs.items()}

    def filled(self, value_of: Callable[[Any], Any]) -> tuple[list[Any], dict[str, Any]]:
        """With ``value_of(node)`` in place of each node."""

        def fill(value: Any) -> Any:
            return value_of(value.node) if type(value) is Hole else value

        return (
            [_filled(pair, fill) for pair in self._args],
            {name: _filled(pair, fill) for name, pair in self._kwargs.items()},
        )


def _filled(pair: tuple[Any, Any], fill: Callable[[Any], Any]) -> Any:
    value, template = pair
    return value if template is value else _replaced(template, fill, ())


def _replaced(value: Any, replace: Callable[[Any], Any], inside: tuple[int, ...]) -> Any:
    """``value`` with what ``replace`` changes in it; the same object if that is nothing."""
    kind = type(value)
    if kind in (list, tuple, set, frozenset, dict) or (isinstance(value, tuple) and hasattr(kind, "_make")):
        if id(value) in inside:
            return value  # it contains itself
        inside = (*inside, id(value))
        before = [each for item in value.items() for each in item] if kind is dict else list(value)
        after = [_replaced(each, replace, inside) for each in before]
        if all(old is new for old, new in zip(before, after, strict=True)):
            return value
        if kind is dict:
            return dict(zip(after[::2], after[1::2], strict=True))
        return value._make(after) if hasattr(kind, "_make") else kind(after)
    return replace(value)
