"""Why something can not be pickled, as a tree: ``inspect_serializability(f)``.

f: cannot pickle '_thread.lock' object
+- variable 'model': cannot pickle '_thread.lock' object
|  +- .lock: cannot pickle '_thread.lock' object       <- here
+- global 'connection': cannot pickle 'socket' object  <- here
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from gnomon._wire import explain

__all__ = ["FailureTuple", "inspect_serializability"]

PARTS_MAX = 10_000
"""Parts looked at in all."""


class FailureTuple:
    """A part that can not be pickled, though all that it is made of can, as far as was looked.

    Attributes:
        obj: the part.
        name: the step that leads to it: ``variable 'model'``, ``.lock``, ``[3]``.
        parent: what it is a part of; the object itself for the whole.
    """

    def __init__(self, obj: Any, name: str, parent: Any) -> None:
        self.obj = obj
        self.name = name
        self.parent = parent

    def __repr__(self) -> str:
        return f"FailureTuple({self.name}: {explain.short(self.obj)})"


class _Node(NamedTuple):
    """A part that fails."""

    name: str
    obj: Any
    reason: str
    children: list[_Node]


def inspect_serializability(
    base_obj: Any, name: str | None = None, depth: int = 3, print_file: Any = None
) -> tuple[bool, set[FailureTuple]]:
    """Look which parts of a function, class or value can not be pickled, and print them as a tree.

    Args:
        base_obj: what to look at.
        name: what to call it.
        depth: how deep to look.
        print_file: where to print; None for the standard output.

    Returns:
        Whether it can be pickled, and the innermost parts that can not.

    Raises:
        ValueError: ``depth`` is less than 1.
    """
    if depth < 1:
        raise ValueError(f"depth of inspect_serializability() must be >= 1, not {depth}.")
    called = name or getattr(base_obj, "__qualname__", None) or explain.short(base_obj)
    error = explain.failure_of(base_obj)
    file = sys.stdout if print_file is None else print_file
    if error is None:
        file.write(f"{called} can be pickled.\n")
        return True, set()
    search = _Search()
    tree = search.look(base_obj, called, error, depth, base_obj)
    lines = [f"{called} can not be pickled: {tree.reason}.", *_draw(tree.children, "")]
    file.write("\n".join([*lines, explain.ADVICE, ""]))
    return False, set(search.failures.values())


class _Search:
    """One search through an object.

    Attributes:
        failures: the innermost parts that fail, by identity.
        good: parts that can be pickled, by identity, kept so that none gets another's.
        path: identities of what is being looked into: a part that holds itself is looked into once.
    """

    def __init__(self) -> None:
        self.failures: dict[int, FailureTuple] = {}
        self.good: dict[int, Any] = {}
        self.path: set[int] = set()
        self.looked = 0

    def look(self, obj: Any, name: str, error: BaseException, depth: int, parent: Any) -> _Node:
        """The tree of what fails inside ``obj``, of which pickling has raised ``error``."""
        self.path.add(id(obj))
        children = list(self._failing(obj, depth)) if depth > 0 else []
        self.path.discard(id(obj))
        if not children:
            self.failures.setdefault(id(obj), FailureTuple(obj, name, parent))
        return _Node(name, obj, explain.reason(error), children)

    def _failing(self, obj: Any, depth: int) -> Iterator[_Node]:
        for step, part in explain.parts(obj):
            if id(part) in self.path or id(part) in self.good:
                continue
            self.looked += 1
            if self.looked > PARTS_MAX:
                return
            failure = explain.failure_of(part)
            if failure is None:
                self.good[id(part)] = part
            else:
                yield self.look(part, step, failure, depth - 1, obj)


def _draw(nodes: list[_Node], indent: str) -> list[str]:
    lines: list[str] = []
    for node in nodes:
        mark = "" if node.children else "  <- here"
        lines.append(f"{indent}+- {node.name}: {node.reason}{mark}")
        more = "   " if node is nodes[-1] else "|  "
        lines += _draw(node.children, indent + more)
    return lines
