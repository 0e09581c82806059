"""Copy book: where the values lie that an owner has on several nodes. Who keeps it is ``copies``."""

from __future__ import annotations

from collections.abc import Iterable

from gnomon._messages.base import Block, Value
from gnomon.ids import ObjectID, WorkerID


class CopyBook(dict[ObjectID, dict[WorkerID, Block]]):
    """All copies, by object and node, of values with more than one. What is not in here lies where its one Block says.

    Attributes:
        parted: blocks that count as copies no more. Somebody may look at them; their names are nobody else's until their
            object is freed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.parted: dict[ObjectID, list[Block]] = {}

    def of(self, value: Block) -> dict[WorkerID, Block]:
        """All copies of a value of which one is known, by node."""
        return self.get(value.object) or {WorkerID(value.node): value}

    def take(self, identity: ObjectID, value: Value) -> Iterable[Block]:
        """All blocks of a value that is freed."""
        blocks = self.parted.pop(identity, []) if self.parted else []
        if isinstance(value, Block):
            copies = self.pop(identity, None) if self else None
            blocks += copies.values() if copies else (value,)
        return blocks

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
