"""The input of a graph: what is given to ``execute``.

execute(value)            InputNode is the value;         inp["key"], inp[0], inp.name look into it
execute(a, b, name=c)     InputNode is a DAGInputData;    inp[0] is a, inp[1] is b, inp.name is c
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gnomon.dag.nodes import DAGNode, ValueOf

__all__ = ["DAGInputData", "InputAttributeNode", "InputNode"]


class InputNode(DAGNode):
    """Stands for the input of a graph.

    Example:
        >>> with InputNode() as inp:
        ...     graph = add.bind(inp[0], inp.offset)
        >>> graph.execute(1, offset=2)

    Raises:
        ValueError: it was given arguments.
    """

    _is_source = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args or kwargs:
            raise ValueError("InputNode() takes no arguments: the input is given to execute().")
        super().__init__("input")
        self._entered = False
        self._attributes: dict[tuple[Any, bool], InputAttributeNode] = {}

    def __enter__(self) -> InputNode:
        self._entered = True
        return self

    def __exit__(self, *exception: object) -> None:
        return

    def __getattr__(self, name: str) -> InputAttributeNode:
        if name.startswith("__") or "_attributes" not in self.__dict__:
            return super().__getattr__(name)  # type: ignore[no-any-return]
        return self._attribute(name, by_item=False)

    def __getitem__(self, key: int | str) -> InputAttributeNode:
        if not isinstance(key, int | str):
            raise TypeError(f"An input is looked into by a position or a name, not by {key!r}.")
        return self._attribute(key, by_item=True)

    def _attribute(self, key: int | str, by_item: bool) -> InputAttributeNode:
        return self._attributes.setdefault((key, by_item), InputAttributeNode(self, key, by_item))

    def _start(self, value_of: ValueOf, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not self._entered:
            raise ValueError("Write `with InputNode() as inp:` and bind inside of it.")
        if not args and not kwargs:
            raise ValueError("The graph has an InputNode, so that execute() needs its input: execute(value).")
        return args[0] if len(args) == 1 and not kwargs else DAGInputData(args, kwargs)

    def _text(self, name_of: Callable[[DAGNode], str]) -> str:
        return self._name


class InputAttributeNode(DAGNode):
    """Stands for a part of the input: ``inp[0]``, ``inp["key"]`` or ``inp.name``."""

    def __init__(self, source: InputNode, key: int | str, by_item: bool) -> None:
        self._part = f"[{key!r}]" if by_item else f".{key}"
        super().__init__(f"input{self._part}", (), {}, (source,))
        self._source = source
        self._key = key
        self._by_item = by_item

    def _start(self, value_of: ValueOf, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        value: Any = value_of(self._source)
        if isinstance(value, DAGInputData):
            return value[self._key]
        try:
            return value[self._key] if self._by_item else getattr(value, str(self._key))
        except (TypeError, AttributeError, LookupError) as error:
            raise type(error)(
                f"The graph uses the input's {self._part}, which the one value given to execute(), of "
                f"type {type(value).__name__}, does not have: {error}. Give that, or several arguments."
            ) from None

    def _text(self, name_of: Callable[[DAGNode], str]) -> str:
        return f"{name_of(self._source)}{self._part}"


class DAGInputData:
    """The input of an execution that was given several arguments: ``data[0]``, ``data["name"]``, ``data.name``."""

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._args = args
        self._kwargs = kwargs

    def __getitem__(self, key: int | str) -> Any:
        try:
            return self._args[key] if isinstance(key, int) else self._kwargs[key]
        except LookupError:
            names = ", ".join(self._kwargs) or "none"
            raise ValueError(
                f"The graph uses the input's {key!r}, but execute() was given {len(self._args)} positional "
                f"arguments and these by name: {names}."
            ) from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __repr__(self) -> str:
        return f"DAGInputData(args={self._args!r}, kwargs={self._kwargs!r})"
