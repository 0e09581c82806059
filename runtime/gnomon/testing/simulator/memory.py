"""Memory: the arena and the disk of the simulated node. Who looks where nothing is, or something else than was
written, has failed (OD4, OD7, OD8).
"""

from __future__ import annotations

from collections.abc import Iterable

from gnomon._core.node import Node
from gnomon._messages.base import Block
from gnomon.ids import ObjectID


class Memory:
    """What lies where.

    Attributes:
        node: whose tables say which ranges are given out.
        headers: by place, whose value lies there, for whoever looks.
        disk: values by path and position.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.headers: dict[int, ObjectID] = {}
        self.disk: dict[str, list[tuple[ObjectID, bytes] | None]] = {}
        self._values: dict[int, tuple[ObjectID, bytes]] = {}
        self._parts: dict[int, dict[int, tuple[ObjectID, bytes]]] = {}

    def reserve(self, place: int, size: int) -> None:
        """The range was given out anew: what was there is gone."""
        for each in [each for each in self._values if place <= each < place + size]:
            del self._values[each]
            self.headers.pop(each, None)
        self._parts.pop(place, None)

    def content(self, place: int) -> tuple[ObjectID, bytes]:
        """What lies there, for another node."""
        return self._values[place]

    def receive(self, place: int, chunk: int, count: int, content: tuple[ObjectID, bytes]) -> None:
        """One of ``count`` chunks has come from another node."""
        assert place in self.node.blocks.owners, f"a chunk came to {place}, which was given back meanwhile"
        parts = self._parts.setdefault(place, {})
        parts[chunk] = content
        if len(parts) == count:
            assert len(dict.fromkeys(parts.values())) == 1, f"OD5: two values were mixed at {place}"
            self._values[place] = content
            self.headers[place] = content[0]

    def objects(self) -> list[ObjectID]:
        """Whose values lie in the ranges that are given out."""
        return [self._values[place][0] for place in self.node.blocks.owners if place in self._values]

    def write(self, block: Block, blob: bytes) -> Block:
        """Write a value where it has been given room."""
        offset = block.offset
        assert offset in self.node.blocks.owners, f"written at {offset}, which was given back meanwhile"
        assert offset not in self._values, f"{offset} was written twice"
        self._values[offset] = block.object, blob
        self.headers[offset] = block.object
        return block

    def bears(self, place: int, identity: ObjectID) -> bool:
        """Whether the header there says so."""
        return self.headers.get(place) == identity

    def read(self, place: int, identity: ObjectID) -> bytes:
        """Look at a value."""
        blocks = self.node.blocks
        given = place in blocks.owners or any(
            record.place == place for record in blocks.spilling.parted.values()
        )
        assert given, f"{place} was freed while {identity.hex()} is viewed"
        found, blob = self._values.get(place, (None, b""))
        assert found == identity, f"{place} was given to somebody else while {identity.hex()} is viewed"
        return blob

    # -- the disk --------------------------------------------------------------------------------------------

    def clear(self, places: Iterable[int]) -> None:
        """Nobody finds there any more what is there."""
        for place in places:
            self.headers.pop(place, None)

    def spill(self, path: str, places: Iterable[int]) -> None:
        """Write a file. What was freed meanwhile is rubbish."""
        assert path not in self.disk, path
        self.disk[path] = [self._values.get(place) for place in places]

    def write_file(self, path: str, identity: ObjectID, blob: bytes) -> None:
        """Write a file with one value."""
        assert path not in self.disk, path
        self.disk[path] = [(identity, blob)]

    def restore(self, place: int, path: str, position: int, identity: ObjectID) -> None:
        """Bring a value back."""
        found = self.disk.get(path)
        if found is None:
            return  # it was freed meanwhile: nobody will look
        value = found[position]
        assert value is not None, f"{path} has rubbish at {position}"
        assert value[0] == identity, f"{path} has another value at {position} than {identity.hex()}"
        self._values[place] = value
        self.headers[place] = identity

    def peek(self, path: str, position: int, identity: ObjectID) -> bytes:
        """Read a value from its file."""
        value = self.disk[path][position]
        assert value is not None, f"{path} has rubbish at {position}"
        assert value[0] == identity, f"{path} has another value at {position} than {identity.hex()}"
        return value[1]

    def delete(self, path: str) -> None:
        """Delete a file, if it has been written."""
        self.disk.pop(path, None)
