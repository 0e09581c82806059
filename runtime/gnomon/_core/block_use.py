"""Block use: which blocks of the node's arena this process knows, and what it says when the node asks
(``reclamation`` tells why it does).
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.effects import Effects
from gnomon._messages.base import Block, BlockName
from gnomon._messages.objects import BlocksUnused, UseAsked, UseTold
from gnomon.ids import ObjectID, WorkerID


class BlockUse:
    """The blocks that values known here lie in.

    Attributes:
        here: their names.
        asked: what the node's last question was about.
        old: by object that is held here, where its value lay before.
    """

    def __init__(self, node: WorkerID, effects: Callable[[], Effects]) -> None:
        self.node = node
        self._effects = effects
        self.here: dict[BlockName, None] = {}
        self.asked: dict[BlockName, None] = {}
        self._dropped: dict[BlockName, None] = {}
        self._said: dict[BlockName, None] = {}
        self.old: dict[ObjectID, list[Block]] = {}

    def add(self, block: Block) -> None:
        """A value that lies there is known here from now on."""
        if block.node == self.node:
            self.here[block.name] = None

    def drop(self, block: Block) -> None:
        """It is forgotten here."""
        name = block.name
        if self.here.pop(name, self) is not None:
            return
        if name in self.asked:
            self._dropped[name] = None
            if self._said.pop(name, self) is None:
                self._effects().send(self.node, BlocksUnused((name,)))

    def part(self, block: Block) -> None:
        """The value of its object lies elsewhere from now on. But views of this block, and tasks that were given it, hold
        the object: until nobody here does, it is in use.
        """
        if block.node == self.node:
            self.old.setdefault(block.object, []).append(block)

    def lend(self, block: Block) -> None:
        """Somebody here is about to read this block, and holds its object, whose value lies elsewhere by now."""
        if block.node == self.node and block.name not in self.here:
            self.add(block)
            self.part(block)

    def forget(self, identity: ObjectID, block: Block | None) -> None:
        """Nobody here holds the object any more, whose value lay there."""
        if block is not None:
            self.drop(block)
        if self.old:
            for each in self.old.pop(identity, ()):
                self.drop(each)

    def answer(self, question: UseAsked) -> None:
        """Tell what is used, or was since the last question."""
        self.asked = dict.fromkeys(question.blocks)
        if not self.asked:
            self._dropped, self._said = {}, {}
            return
        self._said = {name: None for name in question.blocks if name in self.here}
        gone = tuple(name for name in self._dropped if name in self.asked and name not in self._said)
        self._dropped = {}
        self._effects().send(self.node, UseTold(question.round, (*self._said, *gone)))
        if gone:
            self._effects().send(self.node, BlocksUnused(gone))
