"""The nodes of a graph, and how one is executed.

    bind --> FunctionNode | ClassNode --.method.bind--> ClassMethodNode
    execute: what the node depends on, in order, each once --> a reference (ClassNode: a handle)

A node knows what it depends on when it is made and never changes, so that there are no cycles. Calls to the
actor of a ``ClassNode`` are made in the order in which they were bound, and one brings all earlier ones with
it; the actor is a new one for each execution. Nothing here knows the API: nodes call ``.remote`` on what they
were bound with. The one rule for a changer: graphs may be deeper than Python's stack, so no recursion over
nodes.
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gnomon.dag._arguments import Arguments
from gnomon.exceptions import UnsupportedOptionError

__all__ = [
    "ClassMethodNode",
    "ClassNode",
    "DAGNode",
    "FunctionNode",
    "MultiOutputNode",
    "OutputNode",
    "UnboundMethodNode",
    "in_order",
]

ValueOf = Callable[["DAGNode"], Any]
"""The value of a node in the present execution."""


class DAGNode:
    """What all nodes can do.

    Args:
        name: what people call it.
        args: arguments; other nodes stand for their values.
        kwargs: arguments by name.
        before: nodes that are executed before those among the arguments.
    """

    def __init__(
        self,
        name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        before: Sequence[DAGNode] = (),
    ) -> None:
        self._name = name
        self._arguments = Arguments(args, kwargs or {}, _is_node)
        self._depends = tuple(dict.fromkeys((*before, *self._arguments.nodes)))

    def execute(self, *args: Any, _ray_cache_refs: bool = False, **kwargs: Any) -> Any:
        """Submit the calls of the graph that ends in this node; returns at once.

        Args:
            args: the input: what an ``InputNode`` stands for.
            _ray_cache_refs: Ray's, to look at results in between; can not be honoured.
            kwargs: more input, by name.

        Returns:
            A reference to the result; a list of references for a ``MultiOutputNode`` and for calls with several
            results; a handle for an actor class.

        Raises:
            ValueError: the graph has no input where it needs some, or two ``InputNode``.
            TypeError: the input has no such item.
        """
        if _ray_cache_refs:
            raise UnsupportedOptionError(
                "_ray_cache_refs",
                "references are not kept",
                "Bind what you want to see to a MultiOutputNode.",
            )
        order = in_order(self)
        values: dict[DAGNode, Any] = {}
        source: DAGNode | None = None
        for node in order:
            if node._is_source:
                if source is not None:
                    raise ValueError(
                        "A graph may have one InputNode, but this one has two: use the first twice."
                    )
                source = node
            values[node] = node._start(values.__getitem__, args, kwargs)
        return values[self]

    def experimental_compile(self, *args: Any, **kwargs: Any) -> Any:
        """Always raises: graphs are not compiled.

        Raises:
            UnsupportedOptionError: always; it says what to do instead.
        """
        raise UnsupportedOptionError(
            "experimental_compile()",
            "graphs are not compiled",
            "Call execute() of the graph itself, which submits the same calls.",
        )

    def get_args(self) -> tuple[Any, ...]:
        """The positional arguments it was bound with."""
        return self._arguments.given()[0]

    def get_kwargs(self) -> dict[str, Any]:
        """The arguments by name it was bound with."""
        return self._arguments.given()[1]

    # ---------------------------------------------------------------- inside

    _is_source = False

    def _start(self, value_of: ValueOf, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Submit it (or find its value); what it depends on has been."""
        raise NotImplementedError

    def _filled(self, value_of: ValueOf) -> tuple[list[Any], dict[str, Any]]:
        return self._arguments.filled(value_of)

    def _text(self, name_of: Callable[[DAGNode], str]) -> str:
        """The node as people read it, others by ``name_of``."""
        args, kwargs = self._filled(lambda node: _Shown(name_of(node)))
        told = [reprlib.repr(each) for each in args]
        told += [f"{name}={reprlib.repr(each)}" for name, each in kwargs.items()]
        return f"{self._name}.bind({', '.join(told)})"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._text(lambda node: node._name)}>"

    def __str__(self) -> str:
        """The whole graph, a node per line."""
        numbers = {node: f"#{number}" for number, node in enumerate(in_order(self), 1)}
        width = len(str(len(numbers))) + 1
        return "\n".join(
            f"{tag:>{width}}  {node._text(numbers.__getitem__)}" for node, tag in numbers.items()
        )

    def __getattr__(self, name: str) -> Any:
        if name == "remote":
            raise AttributeError(f"{self._name} is a node of a graph: .execute() it, there is no .remote().")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __reduce__(self) -> Any:
        raise TypeError(
            f"{self._name} is a node of a graph, which can not be pickled. Give nodes to bind() as arguments, or "
            "in lists, tuples, sets and dicts, and not to remote()."
        )


class FunctionNode(DAGNode):
    """A call of a remote function. Made by ``f.bind(...)``."""

    def __init__(self, function: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        super().__init__(name, args, kwargs)
        self._function = function

    def _start(self, value_of: ValueOf, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        positional, named = self._filled(value_of)
        return self._function.remote(*positional, **named)


class ClassNode(DAGNode):
    """An actor, created anew by each execution. Made by ``A.bind(...)``; its methods have ``bind`` too."""

    def __init__(
        self,
        actor_class: Any,
        name: str,
        methods: Mapping[str, Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        super().__init__(name, args, kwargs)
        self._actor_class = actor_class
        self._methods = methods
        self._last_call: ClassMethodNode | None = None

    def __getattr__(self, name: str) -> UnboundMethodNode:
        methods = self.__dict__.get("_methods", {})
        if name in methods:
            return UnboundMethodNode(self, name, {})
        if name.startswith("__") or name == "remote":
            return super().__getattr__(name)  # type: ignore[no-any-return]
        near = difflib.get_close_matches(name, methods, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"The actor class {self._name} has no method {name!r}.{hint}")

    def _start(self, value_of: ValueOf, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        positional, named = self._filled(value_of)
        return self._actor_class.remote(*positional, **named)


class UnboundMethodNode:
    """A method of a ``ClassNode``: ``node.method.bind(...)``."""

    def __init__(self, owner: ClassNode, method: str, options: Mapping[str, Any]) -> None:
        self._owner = owner
        self._method = method
        self._options = dict(options)

    def bind(self, *args: Any, **kwargs: Any) -> ClassMethodNode:
        """A call of the method, after all that were bound to this actor before.

        Raises:
            TypeError: the arguments do not fit the method.
        """
        owner, name = self._owner, f"{self._owner._name}.{self._method}"
        arity = owner._methods[self._method].arity
        if arity is not None:
            arity.check(name, args, kwargs)
        before = (owner,) if owner._last_call is None else (owner._last_call, owner)

        def call(value_of: ValueOf) -> Any:
            method = getattr(value_of(owner), self._method)
            return method.options(**self._options) if self._options else method

        node = ClassMethodNode(call, name, args, kwargs, before)
        owner._last_call = node
        return node

    def options(self, **options: Any) -> UnboundMethodNode:
        """The same method with other options, as of an actor's method."""
        return UnboundMethodNode(self._owner, self._method, {**self._options, **options})

    def __repr__(self) -> str:
        return f"<UnboundMethodNode {self._owner._name}.{self._method}>"


class ClassMethodNode(DAGNode):
    """A call of an actor's method. Made by ``node.method.bind(...)`` or ``handle.method.bind(...)``.

    Args:
        method: finds what to call ``.remote`` on.
        name: class and method.
        args: arguments.
        kwargs: arguments by name.
        before: what is executed before.
    """

    def __init__(
        self,
        method: Callable[[ValueOf], Any],
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        before: Sequence[DAGNode] = (),
    ) -> None:
        super().__init__(name, args, kwargs, before)
        self._method = method

    def _start(self, value_of: ValueOf, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        positional, named = self._filled(value_of)
        return self._method(value_of).remote(*positional, **named)

    def outputs(self, count: int) -> tuple[OutputNode, ...]:
        """A node for each of several results."""
        return tuple(OutputNode(self, index) for index in range(count))


class OutputNode(DAGNode):
    """One of the results of a call with ``num_returns`` > 1."""

    def __init__(self, call: ClassMethodNode, index: int) -> None:
        super().__init__(f"{call._name}[{index}]", (), {}, (call,))
        self._call = call
        self._index = index

    def _start(self, value_of: ValueOf, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return value_of(self._call)[self._index]

    def _text(self, name_of: Callable[[DAGNode], str]) -> str:
        return f"{name_of(self._call)}[{self._index}]"


class MultiOutputNode(DAGNode):
    """Several nodes at the end of a graph: ``execute`` returns the list of what each returns.

    Args:
        args: the nodes, a list or a tuple.

    Raises:
        ValueError: neither a list nor a tuple.
    """

    def __init__(self, args: Sequence[Any]) -> None:
        given: Any = args
        if not isinstance(given, list | tuple):
            raise ValueError(f"MultiOutputNode takes a list or a tuple of nodes, not {given!r}.")
        super().__init__("MultiOutputNode", given)

    def _start(self, value_of: ValueOf, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._filled(value_of)[0]

    def _text(self, name_of: Callable[[DAGNode], str]) -> str:
        return reprlib.repr(self._filled(lambda node: _Shown(name_of(node)))[0])


class _Shown:
    """A name that ``repr`` shows without quotes."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


def in_order(last: DAGNode) -> list[DAGNode]:
    """All that a node depends on and the node itself: each once, after what it depends on."""
    done: dict[DAGNode, None] = {}
    stack = [(last, iter(last._depends))]
    while stack:
        node, rest = stack[-1]
        missing = next((each for each in rest if each not in done), None)
        if missing is not None:
            stack.append((missing, iter(missing._depends)))
        else:
            done[node] = None
            stack.pop()
    return list(done)


def _is_node(value: Any) -> bool:
    return isinstance(value, DAGNode)
