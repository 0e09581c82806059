"""Copies: on which nodes an owner's large values lie. The owner's half of ``pulls``.

``references.values`` names one copy of each value, on the owner's node if there is one there. Only values that were
pulled have an entry in ``references.copies``, with all their copies. Freeing a value frees them all, and those that were
given up before although they are there: the node lets these go when nobody looks at them (``spilling``). A copy that
is told of after that, or that is one too many, is freed as soon as nobody there reads it. When the last copy is
lost, so is the value: ``lineage`` sees to that.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.effects import Effects
from gnomon._core.events import CopyBroken
from gnomon._core.references import ReferenceMachine
from gnomon._messages.base import Block
from gnomon._messages.failures import failure
from gnomon._messages.objects import BlocksDoubted
from gnomon._messages.pulls import CopyAdded, CopyLost, CopyParted
from gnomon.ids import WORKER_ID_BYTES, ObjectID, WorkerID, owner_of


class CopyMachine:
    """The copies of what this process owns."""

    def __init__(
        self,
        effects: Callable[[], Effects],
        references: ReferenceMachine,
        on_lost: Callable[[ObjectID, WorkerID, str], None],
    ) -> None:
        self._effects = effects
        self.references = references
        self._on_lost = on_lost

    def on_added(self, node: WorkerID, message: CopyAdded) -> None:
        """A node has pulled a value."""
        copy = message.block
        references = self.references
        value = references.values.get(copy.object)
        if references.is_lost(node):
            return
        known = references.copies_of(copy.object).get(node, copy)
        if not isinstance(value, Block) or copy.object not in references.entries or known != copy:
            self._effects().send(node, CopyParted(copy))
            self._effects().send(node, BlocksDoubted((copy.name,)))
            return
        copies = references.copies.setdefault(copy.object, {WorkerID(value.node): value})
        copies[node] = copy
        if node == references.node:
            references.replace(copy.object, copy)
        references.rows.move(copy.object, references.entries[copy.object], copy)

    def on_lost(self, message: CopyLost) -> None:
        """A node no longer has a value, or has it no longer whole."""
        identity, node = message.object, message.node
        block = self.references.copies_of(identity).get(node)
        if block is None or message.offset not in (-1, block.offset):
            return
        if message.there:
            self.references.copies.parted.setdefault(identity, []).append(block)
            self._effects().send(node, CopyParted(block))
        self._drop(identity, node, message.reason)

    def on_broken(self, event: CopyBroken) -> None:
        """Code of this process could not read a block of its node: let it have another value, ours or the owner's."""
        block, references = event.block, self.references
        identity, owner = block.object, owner_of(block.object)
        lost = CopyLost(identity, references.node, True, block.offset, event.reason)
        if owner == references.me:
            self.on_lost(lost)
        elif references.values.get(identity) == block:
            if references.is_lost(owner):
                reason = f"{event.reason}, and its owner, who could have it made again, has died"
                gone = failure("ObjectLostError", object_ref_hex=identity.hex(), reason=reason)
                references.replace(identity, gone)
            else:
                self._effects().send(owner, lost)
                del references.values[identity]  # who waits for it asks the owner
                references.block_use.part(block)

    def node_lost(self, node: WorkerID) -> None:
        """A node is dead, and all copies there are lost."""
        references = self.references
        mine = references.me
        for identity, value in list(references.values.items()):
            if isinstance(value, Block) and identity[:WORKER_ID_BYTES] == mine:
                if node == value.node or node in references.copies.get(identity, ()):
                    self._drop(identity, node)

    def _drop(self, identity: ObjectID, node: WorkerID, reason: str = "") -> None:
        references = self.references
        copies = references.copies.get(identity)
        if copies is None:
            self._on_lost(identity, node, reason)
            return
        del copies[node]
        left = next(iter(copies.values()))
        if len(copies) == 1:
            del references.copies[identity]
        if references.values[identity].node == node:  # type: ignore[union-attr]
            references.replace(identity, left)
        references.rows.move(identity, references.entries[identity], left)

    def drop(self, identity: ObjectID) -> None:
        """For tests of what is done about losses: give up all copies of a value."""
        for node in list(self.references.copies_of(identity)):
            self.on_lost(CopyLost(identity, node, there=True))
