"""Block reader: large values as any thread of this process looks at them, wherever they are.

    at home, and not in question ----> a view, without asking anybody
    else: BlockWanted ----> a view elsewhere in the arena, or a copy read from the disk
                       `--> neither: it is ``Unreadable``, and ``mending`` sees to that

``_core.spilling`` tells why this is safe. The rule for a changer: a view is registered before anything is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from gnomon._core.block_views import BlockViews
from gnomon._core.references import ReferenceMachine
from gnomon._messages.base import HEADER_BYTES, Block, Value
from gnomon._messages.spilling import NO_PLACE, BlockThere, BlockWanted
from gnomon._shell import spill_disk
from gnomon._store.arena import Arena
from gnomon.ids import OBJECT_ID_BYTES, ObjectID, WorkerID


class Unreadable(NamedTuple):
    """A block that can not be read, and why."""

    block: Block
    reason: str


class BlockReader:
    """What reads the arena of ``node``.

    Args:
        ask: sends a question and waits for the answer without limit.
        drop: gives a handle back, from any thread at any instruction.
    """

    def __init__(
        self,
        arena: Arena,
        views: BlockViews,
        node: WorkerID,
        ask: Callable[..., Any],
        drop: Callable[[ObjectID], None],
    ) -> None:
        self._arena = arena
        self._views = views
        self._viewing = views.viewing
        self._questioned = views.questioned
        self._node = node
        self._ask = ask
        self._drop = drop

    def view_all(self, values: Sequence[Value]) -> list[bytes | memoryview] | Unreadable:
        """As ``view``, but for those that are bytes; the first that is unreadable if there is one."""
        blobs: list[bytes | memoryview] = []
        try:
            for value in values:
                blob = self.view(value) if isinstance(value, Block) else value
                if type(blob) is Unreadable:
                    self._drop_all(values[len(blobs) + 1 :])
                    return blob
                blobs.append(blob)  # type: ignore[arg-type]
        except BaseException:
            self._drop_all(values[len(blobs) + 1 :])  # the one that failed has seen to itself
            raise
        return blobs

    def _drop_all(self, values: Sequence[Value]) -> None:
        for value in values:
            if isinstance(value, Block):
                self._drop(value.object)

    def view(self, value: Block) -> memoryview | Unreadable:
        """The blob of a value for which a handle has been counted: it is given back when the view is gone.

        Raises:
            NotInitializedError: the session has ended.
        """
        offset, token = value.offset, next(self._views.tokens)
        self._viewing[token] = offset
        if offset in self._questioned or not self._arena.bears(offset, value.object):
            del self._viewing[token]
            return self._find(value, token)
        return self._view(offset, value, token)

    def _view(self, place: int, value: Block, token: int) -> memoryview:
        done = partial(self._unview, token, value.object)
        return self._arena.view(place + HEADER_BYTES, value.size, done)

    def _unview(self, token: int, identity: ObjectID) -> None:
        self._viewing.pop(token, None)
        self._drop(identity)

    def keep_views(self, references: ReferenceMachine) -> None:
        """This process leaves an arena that lives on: give what it views memory of its own."""
        for place in {place for token, place in self._viewing.copy().items() if token > 0}:
            identity = ObjectID(self._arena.whose(place, OBJECT_ID_BYTES))
            known = [references.values.get(identity), *references.block_use.old.get(identity, ())]
            sizes = [value.size for value in known if isinstance(value, Block)]
            if sizes:
                self._arena.detach(place, HEADER_BYTES + max(sizes))

    def _find(self, value: Block, token: int) -> memoryview | Unreadable:
        """It has been moved, or is about to be."""
        try:
            there: BlockThere = self._ask(self._node, lambda request: BlockWanted(request, value.name), None)
            if there.place != NO_PLACE:
                self._viewing[token] = there.place
                self._views.end_grant(there.request)
                return self._view(there.place, value, token)
            blob = self._from_disk(value, there)
        except BaseException:
            self._drop(value.object)
            raise
        self._drop(value.object)
        return blob

    def _from_disk(self, value: Block, there: BlockThere) -> memoryview | Unreadable:
        if there.lost:
            return Unreadable(value, there.lost)
        try:
            return spill_disk.read(there.path, there.position, value, there.crcs)
        except OSError as error:
            return Unreadable(value, f"its copy on disk can not be read: {error}")
