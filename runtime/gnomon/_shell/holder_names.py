"""Names for references: which variable, output, closure, actor or error of this process leads to an object.

    forward    from what has a name (``Root``) through containers, attributes, closures and frames to references
    backward   for references that were not met: who refers to them (``gc.get_referrers``)

Runs when somebody asks, for a bounded time, and says whether it came to an end. It reads other threads' objects
while these run, so whatever it looks at may change or raise; and it must leave nothing behind: no copy of a
frame's variables outlives the search.
"""

from __future__ import annotations

import gc
import sys
import time
import types
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from gnomon._messages.holders import Holder
from gnomon._shell.holder_steps import attributes_of, children, frame_of, is_a, is_ours, locals_of
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import ObjectID

NAMES_MAX = 8
"""Names told for one object in one process."""

DEPTH_MAX = 12
"""Steps from a name to a reference."""

REFERRERS_ASKED_MAX = 8
"""Unmet references looked at backwards: each costs a pass over all objects of the process."""

_CHECK_EVERY = 512
_KEY_CHARACTERS_MAX = 40
_KEYS_SHOWN = (str, bytes, int, float, bool, type(None))
_ATOMS = (str, bytes, bytearray, int, float, complex, bool, type(None), range, slice, types.CodeType)


class Root(NamedTuple):
    """Something that has a name.

    Attributes:
        kind: of the holder; see ``KINDS``.
        name: how what is found below it begins.
    """

    kind: str
    name: str
    value: Any


class Found(NamedTuple):
    """What a search has found.

    Attributes:
        names: by object.
        complete: it has not run out of time.
    """

    names: dict[ObjectID, list[Holder]]
    complete: bool


class _Node(NamedTuple):
    """A value on the way; its name is only put together when a reference is met."""

    value: Any
    above: _Node | None
    step: Any
    style: str
    depth: int


def find_names(
    wanted: Collection[ObjectID],
    roots: Iterable[Root],
    budget_s: float,
    viewed: Callable[[Any], ObjectID | None] = lambda value: None,
    explained: Iterable[ObjectRef[Any]] = (),
) -> Found:
    """Search for references (and views) of objects.

    Args:
        wanted: the objects; anything with a fast ``in``.
        roots: where to begin, in the order of importance.
        budget_s: seconds after which it gives up.
        viewed: the object whose stored value an array (or buffer) shows, if any.
        explained: references that need no name.
    """
    search = _Search(wanted, time.monotonic() + budget_s, viewed, {id(ref) for ref in explained})
    try:
        seen: dict[str, set[int]] = {}
        for root in roots:
            search.forward(root, seen.setdefault(root.kind, set()))
        search.backward()
    except TimeoutError:
        return Found(search.names, False)
    return Found(search.names, True)


class _Search:
    def __init__(
        self,
        wanted: Collection[ObjectID],
        deadline: float,
        viewed: Callable[[Any], ObjectID | None],
        met: set[int],
    ) -> None:
        self.wanted = wanted
        self.names: dict[ObjectID, list[Holder]] = {}
        self._deadline = deadline
        self._viewed = viewed
        self._met = met
        self._steps = 0

    def _tick(self) -> None:
        self._steps += 1
        if self._steps % _CHECK_EVERY == 0 and time.monotonic() > self._deadline:
            raise TimeoutError

    # -- forward --------------------------------------------------------------------------------------------------

    def forward(self, root: Root, seen: set[int]) -> None:
        """Breadth first, so that the shortest name is found first."""
        queue = deque([_Node(root.value, None, root.name, "root", 0)])
        while queue:
            node = queue.popleft()
            self._tick()
            value = node.value
            if is_a(value, ObjectRef):
                self._meet(root.kind, node, value._id, id(value))
                continue
            identity = self._viewed(value)
            if identity is not None:
                self._meet(root.kind, node, identity, 0)
                continue
            if id(value) in seen or node.depth >= DEPTH_MAX:
                continue
            seen.add(id(value))
            for style, step, child in children(value):
                self._tick()
                if not is_a(child, _ATOMS):
                    queue.append(_Node(child, node, step, style, node.depth + 1))

    def _meet(self, kind: str, node: _Node, identity: ObjectID, address: int) -> None:
        self._met.add(address)
        if identity not in self.wanted:
            return
        name, inner_kind = _name_of(node)
        self._add(identity, Holder(inner_kind or kind, name))

    def _add(self, identity: ObjectID, holder: Holder) -> None:
        names = self.names.setdefault(identity, [])
        if holder not in names and len(names) < NAMES_MAX:
            names.append(holder)

    # -- backward -------------------------------------------------------------------------------------------------

    def backward(self) -> None:
        """Say at least what kind of thing holds the references that no name leads to."""
        unmet = [
            thing
            for thing in gc.get_objects()
            if type(thing) is ObjectRef and thing._id in self.wanted and id(thing) not in self._met
        ]
        for ref in unmet[:REFERRERS_ASKED_MAX]:
            if time.monotonic() > self._deadline:
                raise TimeoutError
            for referrer in gc.get_referrers(ref):
                if referrer is not unmet:
                    holder = self._describe(referrer, ref)
                    if holder is not None:
                        self._add(ref._id, holder)

    def _describe(self, referrer: Any, ref: ObjectRef[Any]) -> Holder | None:
        frame = frame_of(referrer)
        if frame is not None:
            return None if is_ours(frame) else Holder("local", _variable_of(frame, ref))
        if is_a(referrer, types.CellType):
            return Holder("closure", "a variable that a function has captured")
        if is_a(referrer, dict):
            return self._describe_dict(referrer, ref)
        if is_a(referrer, (list, tuple, set, frozenset, deque)):
            return Holder("variable", f"in a {type(referrer).__name__} of {len(referrer):,}")
        if type(referrer).__module__.startswith("gnomon."):
            return None
        attributes = attributes_of(referrer)
        name = next(
            (f"the attribute {name}" for name, value in attributes.items() if value is ref), "an attribute"
        )
        return Holder("variable", f"{name} of a {type(referrer).__qualname__}")

    def _describe_dict(self, referrer: dict[Any, Any], ref: ObjectRef[Any]) -> Holder | None:
        key = next((key for key, value in list(referrer.items()) if value is ref), None)
        if referrer.get("__name__") and "__builtins__" in referrer:
            name = referrer["__name__"]
            if getattr(sys.modules.get(str(name)), "__dict__", None) is referrer:
                return Holder("variable", f"{name}.{key}")
            return Holder("closure", f"{key}, which a function has captured")
        if time.monotonic() > self._deadline:
            raise TimeoutError
        for owner in gc.get_referrers(referrer):
            if attributes_of(owner) is referrer:
                return Holder("variable", f"the attribute {key} of a {type(owner).__qualname__}")
        return Holder("variable", f"in a dict, at {_short(key)}")


def _name_of(node: _Node) -> tuple[str, str]:
    """The name of what a node leads to, and the kind that a step on the way gives it."""
    steps = []
    step: _Node | None = node
    while step is not None:
        steps.append(step)
        step = step.above
    name, kind = "", ""
    for step in reversed(steps):
        if step.style in ("closure", "local", "traceback"):
            name, kind = str(step.step), kind or step.style
        elif step.style == "item":
            name += f"[{_short(step.step)}]"
        elif step.style == "attribute":
            name += f".{step.step}"
        elif step.style == "root":
            name = str(step.step)
        elif not name.endswith(" (inside)"):
            name += " (inside)"
    return name, kind


def _short(key: Any) -> str:
    text = repr(key) if type(key) in _KEYS_SHOWN else f"<{type(key).__name__}>"
    return text if len(text) <= _KEY_CHARACTERS_MAX else text[: _KEY_CHARACTERS_MAX - 1] + "…"


def _variable_of(frame: types.FrameType, ref: ObjectRef[Any]) -> str:
    name = next((name for name, value in locals_of(frame).items() if value is ref), "a temporary value")
    return f"{name} in {frame.f_code.co_qualname}()"
