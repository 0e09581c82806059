"""Object rows: the objects that a process owns, as the views and the totals of its ledger show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gnomon._core.copy_book import CopyBook
from gnomon._core.ledger import Ledger
from gnomon._messages.base import ON_DISK, Block, Value
from gnomon._messages.failures import is_failure
from gnomon.ids import ObjectID, WorkerID

if TYPE_CHECKING:
    from gnomon._core.entry import Entry


class ObjectRows:
    """Large ones have a row each; of small ones ``small_max`` have, the others are only counted."""

    def __init__(self, ledger: Ledger, node: WorkerID, copies: CopyBook, small_max: int) -> None:
        self.ledger = ledger
        self.node = node
        self.copies = copies
        self.small_max = small_max

    def add(self, identity: ObjectID, entry: Entry, value: Value, size: int) -> None:
        """An object has got its value, of ``size`` bytes."""
        totals = self.ledger.totals
        totals["count"] += 1
        entry.size = size
        if isinstance(value, Block):
            state = "store" if value.offset < ON_DISK else "spilled"
            totals["store_used_bytes"] += size
        else:
            totals["memory_bytes"] += size
            if len(self.ledger.objects) >= self.small_max:
                return
            state = "error" if is_failure(value) else "memory"
        entry.listed = True
        self._show(identity, entry, value, state)

    def move(self, identity: ObjectID, entry: Entry, value: Block) -> None:
        """The nodes on which a large value lies have changed."""
        if entry.listed:
            self._show(identity, entry, value, "store")

    def _show(self, identity: ObjectID, entry: Entry, value: Value, state: str) -> None:
        holders = entry.holds + (len(entry.borrowers) if entry.borrowers else 0)
        node = self.node.hex()
        if isinstance(value, Block):
            node = " ".join(each.hex() for each in self.copies.of(value))
        self.ledger.object_changed(
            identity.hex(), entry.size, state, entry.producer, holders, entry.cell, node
        )

    def remove(self, identity: ObjectID, entry: Entry, value: Value) -> None:
        """It is freed, or has another value from now on."""
        if entry.size < 0:
            return
        if entry.lost is not None:
            self.forget(identity, entry)
            return
        totals = self.ledger.totals
        totals["count"] -= 1
        if isinstance(value, Block):
            totals["store_used_bytes"] -= entry.size
        else:
            totals["memory_bytes"] -= entry.size
        if entry.listed:
            self.forget(identity, entry)

    def lose(self, identity: ObjectID, entry: Entry) -> None:
        """No copy of a large value is left, and it is made again."""
        self.ledger.totals["count"] -= 1
        self.ledger.totals["store_used_bytes"] -= entry.size
        if entry.listed:
            self._show(identity, entry, b"", "reconstructing")

    def forget(self, identity: ObjectID, entry: Entry) -> None:
        """No row any more."""
        if entry.listed:
            self.ledger.object_gone(identity.hex())
            entry.listed = False
