"""Given up: the room of a value that its owner has given up, though it was there, is given back while the object lives on.

Nothing here asks the node what it knows of this: the owner's book says what was given up, and the arena what is there.
A block that somebody views, that is read for another node, or that is in doubt may stay. All others are given
``LIMIT_S``, from the first look that finds them so: a node looks again each second. Messages that are held up for long
explain more, so nothing is looked at where there are such.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gnomon._messages.base import Block
from gnomon.ids import WorkerID

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import NodeHost
    from gnomon.testing.simulator.session import Session

LIMIT_S = 1.5


class GivenUpWatch:
    """Looks now and then at what the owners of a session have given up.

    Attributes:
        gone: blocks that were seen there, and were gone while their objects lived.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.gone = 0
        self._since: dict[Block, float] = {}

    def look(self) -> None:
        """OD11: nothing that was given up has stayed for too long."""
        now = self.session.kernel.now
        before, self._since = self._since, {}
        for block in self._idle():
            began = self._since[block] = before.get(block, now)
            assert now - began <= LIMIT_S, (
                f"OD11: {block} was given up, and has kept its room for {now - began:.3f} s without being looked at"
            )
        self.gone += sum(self._is_gone(block) for block in before)

    def _idle(self) -> Iterator[Block]:
        nodes = {host.me: host for host in self.session.nodes.alive}
        for host in self.session.workers.values():
            if host.alive:
                for blocks in host.worker.references.copies.parted.values():
                    for block in blocks:
                        node = nodes.get(WorkerID(block.node))
                        if node is not None and self._may_go(node, block):
                            yield block

    def _may_go(self, node: NodeHost, block: Block) -> bool:
        blocks, place = node.node.blocks, block.offset
        viewed = any(
            place in host.worker.views.viewing.values()
            for host in self.session.workers.values()
            if host.alive and host.worker.node == node.me
        )
        return blocks.objects.get(place) == block and not viewed and blocks.movable(block.name, place)

    def _is_gone(self, block: Block) -> bool:
        parted = [
            host.worker.references.copies.parted for host in self.session.workers.values() if host.alive
        ]
        there = any(
            host.node.blocks.objects.get(block.offset) == block
            for host in self.session.nodes.alive
            if host.me == block.node
        )
        return not there and any(block in book.get(block.object, ()) for book in parted)
