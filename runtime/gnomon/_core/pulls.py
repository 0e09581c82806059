"""Pulls: values that lie on other nodes are brought to this one. This is the side of the reader's node;
``serving`` is the other, ``fetching`` that of the reader, ``copies`` that of the owner.

    ROOM ------> MOVING -----> done         readers and owner hear where the copy lies
      ^           |  ^
      |           v  |
      +--------- ASKING ------> failed      no source is left: the owner is asked

Each object is pulled once at a time, for all who want it here. Chunks are asked for a few at a time, from the
source that has least to do; what is on its way, of all pulls together, fits ``budget_bytes``. Older pulls come
first: a value that is complete is of more use than two halves. A chunk whose checksum is wrong is asked for
again; a source that errs ``faults_max`` times is given up, and the owner hears that its copy is no good.

The rule for a changer: every pull ends in ``_end``, once; there its room, its bytes on the way and its readers
are settled. Late chunks of a pull that has ended are the shell's to drop, which knows it by its number.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.blocks import BlockMachine
from gnomon._core.effects import Effects, EndReceiving, ReceiveChunks
from gnomon._core.events import ChunkArrived
from gnomon._messages.base import Block, Value
from gnomon._messages.failures import failure
from gnomon._messages.objects import BlockAsked, ObjectServed, ObjectWanted
from gnomon._messages.pulls import ChunksRefused, ChunksWanted, CopyAdded, CopyLost, PullDone, PullWanted
from gnomon.ids import ObjectID, WorkerID, owner_of

CHUNK_BYTES = 1 << 20
"""Large enough that what a message costs (some 50 us) does not count, small enough to lose one and not care."""

_RUN_CHUNKS = 8
"""Chunks asked for in one message."""

_MANY_CHUNKS = 32
"""From this size on the owner is asked at once whether other nodes have the value too."""


def chunk_count(size: int) -> int:
    """Chunks of a value of ``size`` bytes; the last may be shorter."""
    return -(-size // CHUNK_BYTES)


class _Source:
    """A copy on another node: chunks asked of it that have not arrived, and how often it has erred."""

    __slots__ = ("asked", "block", "faults")

    def __init__(self, block: Block) -> None:
        self.block = block
        self.asked: dict[int, None] = {}
        self.faults = 0


class _Pull:
    """One value on its way.

    Attributes:
        offset: of its room here; -1 while there is none.
        next: the first chunk that has never been asked for.
        again: chunks to be asked for once more.
        left: chunks that have not arrived.
        given_up: nodes that are no source any more.
        rounds: how often the owner has been asked because no source was left.
        began: when somebody first wanted it.
    """

    __slots__ = (
        "again",
        "asking",
        "began",
        "given_up",
        "left",
        "moved_at",
        "next",
        "number",
        "object",
        "offset",
        "readers",
        "rounds",
        "size",
        "sources",
    )

    def __init__(self, object_: ObjectID) -> None:
        self.object = object_
        self.readers: dict[WorkerID, None] = {}
        self.rounds = 0
        self.began = 0.0
        self.begin(0, 0)

    def begin(self, number: int, size: int) -> None:
        """From the first chunk on; what still comes for an earlier number is late."""
        self.number = number
        self.sources: dict[WorkerID, _Source] = {}
        self.given_up: dict[WorkerID, None] = {}
        self.asking = False
        self.size = size
        self.offset = -1
        self.next = 0
        self.again: list[int] = []
        self.left = chunk_count(size)
        self.moved_at = 0.0

    def bytes_of(self, chunk: int) -> int:
        return min(CHUNK_BYTES, self.size - chunk * CHUNK_BYTES)

    def take(self, room: int) -> list[int]:
        """The next chunks to ask for, which follow one another; at most ``room``."""
        if self.again:
            return [self.again.pop()]
        end = min(self.next + min(room, _RUN_CHUNKS), chunk_count(self.size))
        chunks = list(range(self.next, end))
        self.next = end
        return chunks

    def has_more(self) -> bool:
        return bool(self.again) or self.next < chunk_count(self.size)


class PullMachine:
    """All pulls of a node.

    Args:
        watch: hear of the death of a process that need not be of this node.

    Attributes:
        budget_bytes: on their way to this node at any time.
        window_chunks: of one pull asked of one source at any time; another source that turns up finds work.
        stall_s: without a chunk for so long, what was asked for is asked for again.
        faults_max: wrong or missing answers of a source before it is given up.
        rounds_max: times that the owner is asked for sources.
        in_flight: bytes asked for.
        received: bytes that have come from each node that lives.
        on_copied: told of each value that has been copied here: since when, how large, and from where.
    """

    def __init__(
        self,
        me: WorkerID,
        effects: Callable[[], Effects],
        blocks: BlockMachine,
        watch: Callable[[WorkerID], None],
        budget_bytes: int = 64 << 20,
        window_chunks: int = 16,
        stall_s: float = 5.0,
        faults_max: int = 3,
        rounds_max: int = 5,
    ) -> None:
        self.me = me
        self._effects = effects
        self.blocks = blocks
        blocks.on_room = self.on_room
        self._watch = watch
        self.budget_bytes = budget_bytes
        self.window_chunks = window_chunks
        self.stall_s = stall_s
        self.faults_max = faults_max
        self.rounds_max = rounds_max
        self.in_flight = 0
        self.received: dict[WorkerID, int] = {}
        self.on_copied: Callable[[float, int, WorkerID], None] = lambda began, size, node: None
        self.pulls: dict[ObjectID, _Pull] = {}
        self._numbers: dict[int, _Pull] = {}
        self._last_number = 0
        self._now = 0.0

    # -- readers --------------------------------------------------------------------------------------------------

    def on_wanted(self, reader: WorkerID, message: PullWanted, now: float) -> None:
        """A process of this node wants a value here."""
        self._now = now
        block = message.block
        copy = self.blocks.copy_of(block.object)
        if copy is None and block.node == self.me:
            copy = block if self.blocks.holds(block) else None
        if copy is not None:
            self.blocks.reclamation.hand_out(copy.name)
            self._effects().send(reader, PullDone(block.object, copy))
            return
        pull = self.pulls.get(block.object)
        if pull is None:
            pull = self.pulls[block.object] = _Pull(block.object)
            pull.began = now
            pull.readers[reader] = None
            self._begin(pull, (block,))
            return
        pull.readers[reader] = None

    def _begin(self, pull: _Pull, blocks: tuple[Block, ...]) -> None:
        """Make room for what comes from these, and bring all of it; or ask the owner, if none of them is alive."""
        self._last_number += 1
        self._numbers.pop(pull.number, None)
        pull.begin(self._last_number, blocks[0].size)
        self._numbers[pull.number] = pull
        self._add_sources(pull, blocks)
        if not pull.sources:
            self._ask_owner(pull)
            return
        if chunk_count(pull.size) >= _MANY_CHUNKS and not pull.rounds:
            self._send_owner(pull, ObjectWanted(pull.object, self.me))
        self.blocks.reserve(BlockAsked(pull.number, pull.size, self.me, pull.object), self._now)

    def _add_sources(self, pull: _Pull, blocks: tuple[Block, ...]) -> None:
        for block in blocks:
            node = WorkerID(block.node)
            if block.size != pull.size or node == self.me or node in pull.sources or node in pull.given_up:
                continue
            if node not in self.blocks.lost:
                self._watch(node)
                pull.sources[node] = _Source(block)
            else:
                self._give_up(pull, node, False, block.offset)

    # -- room and chunks ------------------------------------------------------------------------------------------

    def on_room(self, number: int, offset: int | None) -> None:
        """The block machine's answer."""
        pull = self._numbers.get(number)
        if pull is None:
            if offset is not None:
                self.blocks.release(offset)
        elif offset is None:
            capacity = self.blocks.allocator.capacity_bytes
            viewed = self.blocks.spilling.busy_bytes
            holders = f"{viewed:>15,} bytes that somebody there looks at" if viewed else ""
            full = failure(
                "ObjectStoreFullError", asked_bytes=pull.size, capacity_bytes=capacity, holders=holders
            )
            self._end(pull, full)
        else:
            pull.offset = offset
            self._effects().do(ReceiveChunks(number, offset, pull.size, pull.object))

    def on_arrived(self, event: ChunkArrived) -> None:
        """A chunk is here, or its checksum is wrong."""
        pull = self._numbers.get(event.pull)
        if pull is None:
            return
        source = next((one for one in pull.sources.values() if event.chunk in one.asked), None)
        if source is None:
            return  # it has come twice, or its source was given up
        del source.asked[event.chunk]
        self.in_flight -= pull.bytes_of(event.chunk)
        pull.moved_at = self._now
        if event.intact:
            node = WorkerID(source.block.node)
            self.received[node] = self.received.get(node, 0) + pull.bytes_of(event.chunk)
            pull.left -= 1
            if not pull.left:
                self._finish(pull)
            return
        pull.again.append(event.chunk)
        source.faults += 1
        if source.faults >= self.faults_max:
            self._drop_source(pull, WorkerID(source.block.node), there=True)

    def on_refused(self, node: WorkerID, message: ChunksRefused) -> None:
        """A source has no such block."""
        pull = self._numbers.get(message.pull)
        if pull is not None and node in pull.sources:
            self._drop_source(pull, node, message.there)

    def run(self, now: float) -> None:
        """At the end of each batch of events: ask for what the budget allows, again for what has not come."""
        self._now = now
        if not self.pulls:
            return
        for pull in list(self.pulls.values()):
            if pull.offset < 0:
                continue
            if self._is_moving(pull) and now - pull.moved_at >= self.stall_s:
                self._doubt_sources(pull)
            while pull.sources and pull.has_more() and self._ask_chunks(pull):
                pass

    def _ask_chunks(self, pull: _Pull) -> bool:
        """Of the source that has least to do; False when it has enough, or the budget is used up."""
        source = min(pull.sources.values(), key=lambda one: (one.faults, len(one.asked)))
        room = (self.budget_bytes - self.in_flight) // CHUNK_BYTES
        room = min(room, self.window_chunks - len(source.asked))
        if room <= 0:
            return False
        if not self._is_moving(pull):
            pull.moved_at = self._now
        chunks = pull.take(room)
        for chunk in chunks:
            source.asked[chunk] = None
            self.in_flight += pull.bytes_of(chunk)
        wanted = ChunksWanted(pull.number, source.block, chunks[0], len(chunks))
        self._effects().send(WorkerID(source.block.node), wanted)
        return True

    @staticmethod
    def _is_moving(pull: _Pull) -> bool:
        return any(source.asked for source in pull.sources.values())

    def _doubt_sources(self, pull: _Pull) -> None:
        """Nothing has come for long. A slow copy is no lost one: if no other source is left, the pull fails."""
        for node, source in list(pull.sources.items()):
            if source.asked:
                source.faults += 1
                self._take_back(pull, source)
                if source.faults >= self.faults_max:
                    del pull.sources[node]
                    pull.given_up[node] = None
        if not pull.sources:
            reason = f"no answer for {self.stall_s * self.faults_max:g} s"
            self._end(
                pull, failure("ObjectFetchTimedOutError", object_ref_hex=pull.object.hex(), reason=reason)
            )

    def _take_back(self, pull: _Pull, source: _Source) -> None:
        """What was asked of it is on its way no longer."""
        for chunk in source.asked:
            self.in_flight -= pull.bytes_of(chunk)
            pull.again.append(chunk)
        source.asked.clear()

    # -- sources fail, and the owner is asked ---------------------------------------------------------------------

    def _drop_source(self, pull: _Pull, node: WorkerID, there: bool = False) -> None:
        source = pull.sources.pop(node)
        self._take_back(pull, source)
        self._give_up(pull, node, there, source.block.offset)
        if not pull.sources:
            self._ask_owner(pull)

    def _give_up(self, pull: _Pull, node: WorkerID, there: bool, offset: int) -> None:
        pull.given_up[node] = None
        self._send_owner(pull, CopyLost(pull.object, node, there, offset))

    def _ask_owner(self, pull: _Pull) -> None:
        pull.rounds += 1
        owner = owner_of(pull.object)
        if owner in self.blocks.lost:
            self._end(pull, self._owner_died(pull.object))
        elif pull.rounds > self.rounds_max:
            reason = f"its copies could not be read, after {self.rounds_max} attempts"
            self._end(pull, failure("ObjectLostError", object_ref_hex=pull.object.hex(), reason=reason))
        else:
            pull.asking = True
            self._send_owner(pull, ObjectWanted(pull.object, self.me))

    def _send_owner(self, pull: _Pull, message: ObjectWanted | CopyLost | CopyAdded) -> None:
        owner = owner_of(pull.object)
        self._watch(owner)
        self._effects().send(owner, message)

    def on_served(self, message: ObjectServed) -> None:
        """The owner names copies; or the value is small now, or an error."""
        pull = self.pulls.get(message.object)
        if pull is None:
            return
        value = message.value
        if not pull.asking:
            if isinstance(value, Block):
                self._add_more_sources(pull, (value, *message.copies))
            return
        if value is None:
            value = failure("ObjectFreedError", object_ref_hex=pull.object.hex())
        if not isinstance(value, Block) or (value.node == self.me and self.blocks.holds(value)):
            self._end(pull, value)
            return
        self._give_room_back(pull)
        if value.node == self.me:
            self._send_owner(pull, CopyLost(pull.object, self.me, offset=value.offset))
        self._begin(pull, (value, *message.copies))

    def _add_more_sources(self, pull: _Pull, blocks: tuple[Block, ...]) -> None:
        """Unless the value was made anew meanwhile: two attempts at it are not to be mixed."""
        if any(source.block in blocks for source in pull.sources.values()):
            self._add_sources(pull, blocks)

    def on_process_lost(self, process: WorkerID) -> None:
        """A source, a reader or an owner is dead."""
        self.received.pop(process, None)
        for pull in list(self.pulls.values()):
            pull.readers.pop(process, None)
            if not pull.readers:
                self._end(pull, b"")
            elif owner_of(pull.object) == process:
                self._end(pull, self._owner_died(pull.object))
            elif process in pull.sources:
                self._drop_source(pull, process)

    @staticmethod
    def _owner_died(identity: ObjectID) -> bytes:
        return failure(
            "OwnerDiedError", object_ref_hex=identity.hex(), reason=f"process {owner_of(identity).hex()}"
        )

    # -- the end --------------------------------------------------------------------------------------------------

    def _finish(self, pull: _Pull) -> None:
        self.on_copied(pull.began, pull.size, next(iter(pull.sources)))
        copy = Block(self.me, pull.offset, pull.size, pull.object)
        self.blocks.adopt_copy(copy, owner_of(pull.object))
        self._send_owner(pull, CopyAdded(copy))
        self._effects().do(EndReceiving(pull.number))
        pull.offset = -1  # it is the owner's now
        self._end(pull, copy)

    def _end(self, pull: _Pull, value: Value) -> None:
        del self.pulls[pull.object], self._numbers[pull.number]
        for source in pull.sources.values():
            self._take_back(pull, source)
        self._give_room_back(pull)
        for reader in pull.readers:
            self._effects().send(reader, PullDone(pull.object, value))

    def _give_room_back(self, pull: _Pull) -> None:
        if pull.offset >= 0:
            self._effects().do(EndReceiving(pull.number))
            self.blocks.release(pull.offset)
            pull.offset = -1

    def next_wakeup(self) -> float | None:
        """When a pull that does not move is looked at."""
        return min(
            (pull.moved_at + self.stall_s for pull in self.pulls.values() if self._is_moving(pull)),
            default=None,
        )

    def check(self) -> None:
        """OD8, OD9: one pull per object, each with readers and room of its own; the budget holds and is given back."""
        asked = [
            pull.bytes_of(chunk)
            for pull in self.pulls.values()
            for source in pull.sources.values()
            for chunk in source.asked
        ]
        assert self.in_flight == sum(asked), (self.in_flight, asked)
        assert self.in_flight <= self.budget_bytes, self.in_flight
        assert len(self._numbers) == len(self.pulls)
        for identity, pull in self.pulls.items():
            assert pull.object == identity
            assert self._numbers[pull.number] is pull
            assert pull.readers, f"{identity.hex()} is pulled for nobody"
            assert pull.asking or pull.sources, f"{identity.hex()} waits for nothing"
            assert pull.offset < 0 or self.blocks.owners[pull.offset] == self.me, pull.offset
