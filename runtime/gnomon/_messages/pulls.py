"""Values between nodes. The bytes themselves are no message: they go their own way (``_shell.bulk``).

reader                 its node                    the node that has it         owner
  | PullWanted     -->   |
  |                      | ChunksWanted        -->   |
  |                      | <-- (bytes)               |   or ChunksRefused
  |                      | CopyAdded           ---------------------------->     |
  | <-- PullDone         |
                         | CopyLost, ObjectWanted  ------------------------>     |   no source is left
                         | <-- ObjectServed        ------------------------      |
"""

from __future__ import annotations

from gnomon._messages.base import Block, Message, Value
from gnomon.ids import ObjectID, WorkerID


class PullWanted(Message, frozen=True, tag=32):
    """Bring that value to this node."""

    block: Block


class PullDone(Message, frozen=True, tag=33):
    """It lies here now; or the value is an error, or (made again meanwhile) a small one."""

    object: ObjectID
    value: Value


class ChunksWanted(Message, frozen=True, tag=34):
    """Send ``count`` chunks of ``block``, beginning with number ``first``, for the sender's pull."""

    pull: int
    block: Block
    first: int
    count: int


class ChunksRefused(Message, frozen=True, tag=35):
    """There is no such block (any more); ``there``: it can not be read, but it still takes room."""

    pull: int
    there: bool = False


class CopyAdded(Message, frozen=True, tag=36):
    """Node to owner: another copy lies there, and is yours to free."""

    block: Block


class CopyLost(Message, frozen=True, tag=37):
    """To the owner: do not name the copy on ``node`` any more.

    Attributes:
        there: it still takes room there; only its bytes are no good.
        offset: which block is meant: the value may have been made again there; -1 for whichever it is.
        reason: what is wrong with it.
    """

    object: ObjectID
    node: WorkerID
    there: bool = False
    offset: int = -1
    reason: str = ""


class CopyParted(Message, frozen=True, tag=38):
    """Owner to node: this block is not to be taken for its object's value any more, but it may still be read: it is freed
    with the object.
    """

    block: Block


__all__ = ["ChunksRefused", "ChunksWanted", "CopyAdded", "CopyLost", "CopyParted", "PullDone", "PullWanted"]
