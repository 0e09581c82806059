"""Owner, borrower and node: values, references and blocks of the arena.

borrower                         owner
  | ObjectWanted             --> |
  | <-- ObjectServed             |   when it is ready
lender or borrower               owner
  | BorrowAdded              --> |   a borrower exists; the sender holds on until the answer
  | <-- BorrowRecorded           |
  | BorrowRemoved            --> |
any process                      node
  | BlockAsked               --> |
  | <-- BlockGiven, BlockRefused |
  | <-- BlockOnDisk              |   instead: write it to this file
  | BlockWritten             --> |   (``_core.fallback``)
  | <-- BlockNoted               |
  | BlocksAdopted            --> |   the owner has heard of a block that a worker wrote for it
  | BlocksFreed              --> |
  | BlocksDoubted            --> |   the same, after a death
  | <-- UseAsked                 |   of everybody
  | UseTold, BlocksUnused    --> |
"""

from __future__ import annotations

from gnomon._messages.base import Block, BlockName, Borrow, Contained, Message, Value
from gnomon.ids import ObjectID, WorkerID

NOWHERE = WorkerID(b"")
"""A node that is not named."""


class ObjectWanted(Message, frozen=True, tag=40):
    """A borrower waits for the value.

    Attributes:
        node: of the asker, who is best served by a copy there. A node asks for itself: it hears of all copies.
    """

    object: ObjectID
    node: WorkerID = NOWHERE


class ObjectServed(Message, frozen=True, tag=41):
    """The value, or ``None``: the owner knows no such object (freed, or never made).

    Attributes:
        copies: where else it lies, if a node asked.
    """

    object: ObjectID
    value: Value | None
    contained: tuple[ObjectID, ...] = ()
    copies: tuple[Block, ...] = ()


class BorrowAdded(Message, frozen=True, tag=42):
    """``borrower`` holds handles; the sender waits for BorrowRecorded with its own."""

    borrower: WorkerID
    borrows: tuple[Borrow, ...]
    receipt: int


class BorrowRecorded(Message, frozen=True, tag=43):
    """The owner has recorded what ``receipt`` told."""

    receipt: int


class BorrowRemoved(Message, frozen=True, tag=44):
    """The sender holds no handle of that episode any more.

    Attributes:
        doubtful: a process has died to which the sender had lent it: that one may have lent it on.
    """

    borrow: Borrow
    doubtful: bool = False


class BlockAsked(Message, frozen=True, tag=45):
    """Room for ``size`` bytes that the sender will write and ``owner`` will own.

    Attributes:
        object: whose value it will be.
    """

    request: int
    size: int
    owner: WorkerID
    object: ObjectID = ObjectID(b"")


class BlockGiven(Message, frozen=True, tag=46):
    """Room at ``offset``, really allocated, for a header and the value.

    Attributes:
        object: as was asked.
    """

    request: int
    offset: int
    object: ObjectID = ObjectID(b"")


class BlockRefused(Message, frozen=True, tag=47):
    """No room: the store is full of objects that somebody references.

    Attributes:
        disk_error: why nothing can be spilled.
        viewed: bytes of what somebody looks at and so can not go.
    """

    request: int
    size: int
    used: int
    capacity: int
    disk_error: str = ""
    viewed: int = 0


class BlockOnDisk(Message, frozen=True, tag=55):
    """No room, but the block may be written to the new file ``path``, header and value; its name is given here."""

    request: int
    offset: int
    path: str
    object: ObjectID


class BlockWritten(Message, frozen=True, tag=56):
    """That file is complete; or it is not, and ``error`` says why.

    Attributes:
        crcs: of the value's chunks.
    """

    request: int
    block: BlockName
    crcs: tuple[int, ...]
    error: str = ""


class BlockNoted(Message, frozen=True, tag=57):
    """The node knows that block from now on."""

    request: int
    offset: int
    object: ObjectID


class BlocksFreed(Message, frozen=True, tag=48):
    """Nobody references what lies there any more."""

    blocks: tuple[BlockName, ...]


class BlocksAdopted(Message, frozen=True, tag=49):
    """The sender has heard of these blocks, which another process wrote for it."""

    blocks: tuple[BlockName, ...]


class WriterSettled(Message, frozen=True, tag=50):
    """The sender knows that ``writer`` is dead: blocks it wrote for the sender unheard of are nobody's."""

    writer: WorkerID


class BlocksDoubted(Message, frozen=True, tag=51):
    """Owner to node: as BlocksFreed, but a process has died that may have lent them to somebody."""

    blocks: tuple[BlockName, ...]


class UseAsked(Message, frozen=True, tag=52):
    """Node to everybody: which of these blocks do you use, or have used since I asked last?

    Attributes:
        round: to be repeated in the answer; no answer is wanted if there are no blocks.
        dead: who has died since I asked last; an answer says that nothing of theirs is heard any more.
    """

    round: int
    blocks: tuple[BlockName, ...]
    dead: tuple[WorkerID, ...]


class UseTold(Message, frozen=True, tag=53):
    """The answer: these."""

    round: int
    blocks: tuple[BlockName, ...]


class BlocksUnused(Message, frozen=True, tag=54):
    """The sender no longer uses these, which it said it did."""

    blocks: tuple[BlockName, ...]


__all__ = [
    "BlockAsked",
    "BlockGiven",
    "BlockNoted",
    "BlockOnDisk",
    "BlockRefused",
    "BlockWritten",
    "BlocksAdopted",
    "BlocksDoubted",
    "BlocksFreed",
    "BlocksUnused",
    "BorrowAdded",
    "BorrowRecorded",
    "BorrowRemoved",
    "Contained",
    "ObjectServed",
    "ObjectWanted",
    "UseAsked",
    "UseTold",
    "WriterSettled",
]
