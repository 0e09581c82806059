"""Block use: which blocks of the node's arena this process knows, and what it says when the node asks
(``reclamation`` tells why it does).
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.effects import Effects
from gnomon._messages.base import Block
from gnomon._messages.objects import BlocksUnused, UseAsked, UseTold
from gnomon.ids import ObjectID, WorkerID


class BlockUse:
    """The blocks that values known here lie in.

    Attributes:
        here: by offset, the object.
        asked: what the node's last question was about.
    """

    def __init__(self, node: WorkerID, effects: Callable[[], Effects]) -> None:
        self.node = node
        self._effects = effects
        self.here: dict[int, ObjectID] = {}
        self.asked: dict[int, None] = {}
        self._dropped: dict[int, None] = {}
        self._said: dict[int, None] = {}

    def add(self, block: Block) -> None:
        """A value that lies there is known here from now on."""
        if block.node == self.node:
            self.here[block.offset] = block.object

    def drop(self, block: Block) -> None:
        """It is forgotten here."""
        offset = block.offset
        if self.here.get(offset) != block.object:
            return
        del self.here[offset]
        if offset in self.asked:
            self._dropped[offset] = None
            if self._said.pop(offset, self) is None:
                self._effects().send(self.node, BlocksUnused((offset,)))

    def answer(self, question: UseAsked) -> None:
        """Tell what is used, or was since the last question."""
        self.asked = dict.fromkeys(question.offsets)
        if not self.asked:
            self._dropped, self._said = {}, {}
            return
        self._said = {offset: None for offset in question.offsets if offset in self.here}
        gone = tuple(offset for offset in self._dropped if offset in self.asked and offset not in self._said)
        self._dropped = {}
        self._effects().send(self.node, UseTold(question.round, (*self._said, *gone)))
        if gone:
            self._effects().send(self.node, BlocksUnused(gone))
