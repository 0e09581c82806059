"""Copy book: where the values lie that an owner has on several nodes. Who keeps it is ``copies``."""

from __future__ import annotations

from collections.abc import Iterable

from gnomon._messages.base import Block, Value
from gnomon.ids import ObjectID, WorkerID


class CopyBook(dict[ObjectID, dict[WorkerID, Block]]):
    """All copies, by object and node, of values with more than one. What is not in here lies where its one Block says."""

    def of(self, value: Block) -> dict[WorkerID, Block]:
        """All copies of a value of which one is known, by node."""
        return self.get(value.object) or {WorkerID(value.node): value}

    def take(self, identity: ObjectID, value: Block) -> Iterable[Block]:
        """All copies of a value that is freed."""
        copies = self.pop(identity, None) if self else None
        return copies.values() if copies else (value,)

    def choose(
        self, identity: ObjectID, value: Value | None, asker: WorkerID, node: WorkerID
    ) -> tuple[Value | None, tuple[Block, ...]]:
        """What to serve to ``asker``, who is on ``node``: a copy there if there is one. A node gets to know them all."""
        copies = self.get(identity) if self else None
        if copies is None:
            return value, ()
        if asker == node:
            return value, tuple(copies.values())
        return copies.get(node, value), ()
