"""References: which objects live, who holds them, and where their values are. One machine per process.

An object is *owned* by the process named in its id and *borrowed* by any other that holds a handle. Both
sides keep an entry:

    owner     entry: holds (own handles, tasks in flight, containers) + borrowers      freed when both are empty
    borrower  entry: holds (the same, here) + an episode that the owner has recorded   told to the owner when empty

How references get from one process to another without a moment in which nobody holds them is ``borrowing``'s
matter. The rule for a changer: every hold has exactly one release, and freeing is terminal (``check`` knows
no way back).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gnomon._core.block_use import BlockUse
from gnomon._core.copy_book import CopyBook
from gnomon._core.effects import Effects, WakeWaiter
from gnomon._core.entry import Entry, Recipe, may_shed
from gnomon._core.events import ObjectStored, ValuesAwaited
from gnomon._core.ledger import Ledger
from gnomon._core.object_rows import ObjectRows
from gnomon._core.reference_checks import check_references
from gnomon._messages.base import Block, Borrow, Value
from gnomon._messages.cluster import ProcessWatched
from gnomon._messages.failures import failure, is_failure
from gnomon._messages.objects import (
    NOWHERE,
    BlocksAdopted,
    BlocksDoubted,
    BlocksFreed,
    BorrowAdded,
    BorrowRecorded,
    BorrowRemoved,
    ObjectServed,
    ObjectWanted,
)
from gnomon.ids import (
    HANDLE_INDEX,
    WORKER_ID_BYTES,
    ActorID,
    ObjectID,
    WorkerID,
    actor_of,
    owner_of,
)

_HANDLE_SUFFIX = HANDLE_INDEX.to_bytes(4, "big")


class ReferenceMachine:
    """All entries of a process.

    Attributes:
        values: the values that are here, by object; read by the user's threads, written only by this machine
            and, for a ``put``, by the thread that stores.
        failures: how many errors have come; read by the user's threads.
        lost: processes that are dead, and how they ended, in words.
        mourned: objects held because of a death; ``borrowing`` takes them, and releases them.
        deaths, deaths_settled: heard of, and so long ago that all has been told that they had left untold.
        copies: where the own values lie that lie on more than one node.
        rows: of the own objects, for the views.
        on_output_gone, on_lost_wanted: of ``lineage``.
    """

    on_output_gone: Callable[[Recipe], Iterable[ObjectID]]
    on_lost_wanted: Callable[[ObjectID], None]

    def __init__(
        self, me: WorkerID, node: WorkerID, effects: Callable[[], Effects], ledger: Ledger,
        on_handles_gone: Callable[[ActorID], None], on_ready: Callable[[ObjectID, Value], None],
        objects_listed_max: int = 2_000,
    ) -> None:  # fmt: skip
        self.me = me
        self.node = node
        self._effects = effects
        self.copies = CopyBook()
        self.rows = ObjectRows(ledger, node, self.copies, objects_listed_max)
        self._on_handles_gone = on_handles_gone
        self._on_ready = on_ready
        self.entries: dict[ObjectID, Entry] = {}
        self.values: dict[ObjectID, Value] = {}
        self.block_use = BlockUse(node, effects)
        self.dependents: dict[ObjectID, int] = {}
        self._waits: dict[int, list[int]] = {}
        self._wait_objects: dict[int, tuple[ObjectID, ...]] = {}
        self._hasty: dict[int, frozenset[ObjectID]] = {}
        self.failures = 0
        self._watched: dict[WorkerID, None] = {}
        self.lost: dict[WorkerID, str] = {}
        self.mourned: list[ObjectID] = []
        self.deaths = self.deaths_settled = 0
        self._next_episode = 1

    # -- holds ----------------------------------------------------------------------------------------------------

    def expect(self, identity: ObjectID, producer: str, cell: int = 0) -> None:
        """An own task or call, submitted in ``cell``, will make ``identity``; one handle exists."""
        self.entries[identity] = Entry(1, producer, cell)

    def hold(self, identities: Iterable[ObjectID]) -> None:
        """One more reason here to keep each."""
        entries = self.entries
        for identity in identities:
            entry = entries.get(identity) or self._borrow(identity)
            entry.holds += 1

    def release(self, identities: Iterable[ObjectID]) -> None:
        """One reason fewer for each; what nobody needs is freed, and what that held, iteratively."""
        entries = self.entries
        work: list[ObjectID] | None = None
        for identity in identities:
            entry = entries.get(identity)
            if entry is None:
                if identity in self.values:
                    self._forget_unstored(identity)
                continue
            entry.holds -= 1
            if entry.holds <= 0 and not entry.borrowers:
                if work is None:
                    work = []
                work.append(identity)
        if work is not None:
            self.sweep(work)

    def sweep(self, work: list[ObjectID]) -> None:
        """Free those of ``work`` that nobody needs, and what that held, iteratively."""
        entries = self.entries
        while work:
            identity = work.pop()
            entry = entries.get(identity)
            if entry is None or entry.holds > 0 or entry.borrowers:
                continue
            if entry.doubtful and self._mourn(identity, entry):
                continue
            if entry.lineage:
                held_by_it = self._shed(identity, entry)
            else:
                held_by_it = self._forget(identity, entry)
                if entry.recipe is not None:
                    work.extend(self.on_output_gone(entry.recipe))
            for inner in held_by_it:
                held = entries.get(inner)
                if held is not None:
                    held.holds -= 1
                    if entry.doubtful and not held.doubtful:
                        held.doubtful = held.mourned = True
                    work.append(inner)

    def _mourn(self, identity: ObjectID, entry: Entry) -> bool:
        """A recent death may have left somebody with it who has still to tell its owner: hold it a little longer."""
        if entry.mourned or self.deaths == self.deaths_settled:
            return False
        entry.mourned = True
        entry.holds += 1
        self.mourned.append(identity)
        return True

    def _shed(self, identity: ObjectID, entry: Entry) -> tuple[ObjectID, ...]:
        """Only lineage needs this: free its value, if that is allowed. Returns what it held."""
        value = self.values.get(identity)
        if value is None or not may_shed(self.entries, identity, entry, value):
            return ()
        del self.values[identity]
        self._unuse(identity, entry, value)
        self._free_blocks(identity, entry, value)
        entry.lost = NOWHERE
        inner, entry.inner = entry.inner, ()
        return inner

    def _unuse(self, identity: ObjectID, entry: Entry, value: Value | None) -> None:
        viewed = value if isinstance(value, Block) else entry.viewed
        if viewed is not None or self.block_use.old:
            self.block_use.forget(identity, viewed)

    def _free_blocks(self, identity: ObjectID, entry: Entry, value: Value) -> None:
        """The owner gives back the room that a value takes, wherever it does."""
        self.rows.remove(identity, entry, value)
        if isinstance(value, Block) or self.copies.parted:
            free = BlocksDoubted if entry.doubtful else BlocksFreed
            for block in self.copies.take(identity, value):
                self._effects().send(WorkerID(block.node), free((block.name,)))

    def _forget(self, identity: ObjectID, entry: Entry) -> tuple[ObjectID, ...]:
        """Free one object here; returns what it held."""
        del self.entries[identity]
        value = self.values.pop(identity, None)
        self.dependents.pop(identity, None)
        self._unuse(identity, entry, value)
        if identity[:WORKER_ID_BYTES] == self.me:
            if value is not None or entry.lost is not None:
                self._free_blocks(identity, entry, b"" if value is None else value)
            elif identity.endswith(_HANDLE_SUFFIX):
                self._on_handles_gone(actor_of(identity))
            return entry.inner
        if identity.endswith(_HANDLE_SUFFIX):
            self._on_handles_gone(actor_of(identity))
        if entry.recorded and owner_of(identity) not in self.lost:
            self._effects().send(
                owner_of(identity), BorrowRemoved(Borrow(identity, entry.episode), entry.doubtful)
            )
        return entry.inner

    def _forget_unstored(self, identity: ObjectID) -> None:
        """A ``put`` was interrupted between keeping its value and telling of it; its handle is gone."""
        value = self.values.pop(identity)
        if isinstance(value, Block):
            self._effects().send(WorkerID(value.node), BlocksFreed((value.name,)))

    def _borrow(self, identity: ObjectID) -> Entry:
        entry = self.entries[identity] = Entry(0)
        owner = owner_of(identity)
        if owner == self.me:
            entry.doubtful = True  # freed already, or of an earlier life: a typed error, never a hang
            self.values[identity] = failure("ObjectFreedError", object_ref_hex=identity.hex())
            return entry
        entry.episode = self._next_episode
        self._next_episode += 1
        if owner in self.lost:
            self.values[identity] = self._owner_died(identity)
        else:
            self.watch(owner)
        return entry

    def watch(self, process: WorkerID) -> None:
        """Hear of the death of ``process``."""
        if process not in self._watched and process != self.me:
            self._watched[process] = None
            self._effects().send(self.node, ProcessWatched(process))

    # -- values ---------------------------------------------------------------------------------------------------

    def store(self, event: ObjectStored, cell: int, line: int) -> None:
        """``put``: an own object with its value, held by one handle."""
        identity = event.object
        entry = self.entries[identity] = Entry(1, "put", cell, line)
        self._keep(identity, event.value)
        if contained := event.contained:
            entry.inner = contained
            self.hold(contained)
        self.rows.add(identity, entry, event.value, event.size)

    def fulfil(self, identity: ObjectID, value: Value) -> bool:
        """An own task's result has come. False when nobody wants it any more."""
        entry = self.entries.get(identity)
        if entry is not None and entry.doubtful and identity in self.values:
            entry = None  # freed before it was there, and named by somebody since: that error stays
        if isinstance(value, Block):
            self._effects().send(WorkerID(value.node), BlocksAdopted((value.name,)))
            if entry is None:
                self._effects().send(WorkerID(value.node), BlocksFreed((value.name,)))
        if entry is None:
            return False
        entry.lost = None
        self._keep(identity, value)
        self.rows.add(identity, entry, value, value.size if isinstance(value, Block) else len(value))
        self._tell_ready(identity, entry, value)
        if entry.lineage and not entry.is_needed:
            self.sweep([identity])
        return True

    def _keep(self, identity: ObjectID, value: Value) -> None:
        self.values[identity] = value
        if isinstance(value, Block):
            self.block_use.add(value)

    def mark(self, identity: ObjectID, value: bytes) -> None:
        """Give an own object a value of the runtime's own, which no view shows."""
        self.values[identity] = value
        self._tell_ready(identity, self.entries[identity], value)

    def fulfil_nobody(self, identity: ObjectID, value: Value) -> None:
        """A result of an attempt that no longer counts."""
        if isinstance(value, Block):
            self._effects().send(WorkerID(value.node), BlocksAdopted((value.name,)))
            self._effects().send(WorkerID(value.node), BlocksFreed((value.name,)))

    def _tell_ready(self, identity: ObjectID, entry: Entry, value: Value) -> None:
        if is_failure(value):
            self._failed(identity)
        if entry.tokens is not None:
            for token in entry.tokens:
                self._count_down(token)
            entry.tokens = None
        if entry.wanted is not None:
            for borrower in entry.wanted:
                self._effects().send(borrower, ObjectServed(identity, value, entry.inner))
            entry.wanted = None
        if identity in self.dependents:
            del self.dependents[identity]
            self._on_ready(identity, value)

    def _failed(self, identity: ObjectID) -> None:
        """An object is an error: whoever waits for many of which it is one, need not wait for the others."""
        self.failures += 1
        for token in [token for token, objects in self._hasty.items() if identity in objects]:
            self.abandon(token)
            self._effects().do(WakeWaiter(token))

    def wait_for(self, event: ValuesAwaited) -> None:
        """Wake the event's token when as many of its objects (distinct) as it says have a value, or are own ones and freed."""
        token = event.token
        values = self.values
        missing = []
        for identity in event.objects:
            if identity not in values and (identity in self.entries or owner_of(identity) != self.me):
                missing.append(identity)
        left = event.count - (len(event.objects) - len(missing))
        if left <= 0 or (event.hasty and event.failures != self.failures):
            self._effects().do(WakeWaiter(token))
            return
        if event.hasty:
            self._hasty[token] = event.hasty
        self._waits[token] = [left]
        self._wait_objects[token] = tuple(missing)
        for identity in missing:
            self.want(identity)
            entry = self.entries[identity]
            entry.tokens = [*(entry.tokens or ()), token]

    def want(self, identity: ObjectID) -> None:
        """See to it that the value comes: ask the owner, if that is not us."""
        entry = self.entries.get(identity) or self._borrow(identity)
        if identity in self.values:
            return
        if identity[:WORKER_ID_BYTES] == self.me:
            if entry.lost is not None:
                self.on_lost_wanted(identity)
            return
        if entry.tokens is None and identity not in self.dependents:
            self._effects().send(owner_of(identity), ObjectWanted(identity, self.node))

    def need(self, identity: ObjectID) -> None:
        """A task here depends on it: ``on_ready`` will be called."""
        self.want(identity)
        self.dependents[identity] = self.dependents.get(identity, 0) + 1

    def _count_down(self, token: int) -> None:
        wait = self._waits.get(token)
        if wait is None:
            return
        wait[0] -= 1
        if wait[0] <= 0:
            self.abandon(token)
            self._effects().do(WakeWaiter(token))

    def abandon(self, token: int) -> None:
        """``token`` waits no longer."""
        self._waits.pop(token, None)
        self._hasty.pop(token, None)
        for identity in self._wait_objects.pop(token, ()):
            entry = self.entries.get(identity)
            if entry is not None and entry.tokens is not None and identity not in self.values:
                entry.tokens = [other for other in entry.tokens if other != token] or None

    def replace(self, identity: ObjectID, value: Value) -> None:
        """Another place, or another outcome, for a value that is known here."""
        old = self.values[identity]
        if isinstance(old, Block):
            self.block_use.part(old)
        self._keep(identity, value)
        entry = self.entries.get(identity)
        if entry is not None and not isinstance(value, Block) and entry.size >= 0:
            self.rows.remove(identity, entry, old)
            self.rows.add(identity, entry, value, len(value))

    def copies_of(self, identity: ObjectID) -> dict[WorkerID, Block]:
        """Owner: where a value lies, by node; empty when it is small, an error, or not there yet."""
        value = self.values.get(identity)
        return self.copies.of(value) if isinstance(value, Block) else {}

    # -- between processes ----------------------------------------------------------------------------------------

    def on_object_wanted(self, borrower: WorkerID, message: ObjectWanted) -> None:
        """A borrower asks for a value."""
        identity = message.object
        value = self.values.get(identity)
        entry = self.entries.get(identity)
        if value is not None or entry is None:
            inner = entry.inner if entry is not None else ()
            value, others = self.copies.choose(identity, value, borrower, message.node)
            self._effects().send(borrower, ObjectServed(identity, value, inner, others))
        else:
            wanted = entry.wanted = entry.wanted or []
            if borrower not in wanted:
                wanted.append(borrower)
            if entry.lost is not None:
                self.on_lost_wanted(identity)

    def on_object_served(self, message: ObjectServed) -> None:
        """The owner's answer."""
        identity = message.object
        entry = self.entries.get(identity)
        if entry is None or identity in self.values:
            return
        value = message.value
        if value is None:
            value = failure("ObjectFreedError", object_ref_hex=identity.hex())
        self._keep(identity, value)
        self._tell_ready(identity, entry, value)

    def open_episodes(self, objects: Iterable[ObjectID]) -> list[Borrow]:
        """Borrows to be told to their owners: from now on they count as recorded."""
        borrows = []
        for identity in objects:
            entry = self.entries[identity]
            entry.recorded = True
            borrows.append(Borrow(identity, entry.episode))
        return borrows

    def record(self, borrower: WorkerID, borrows: Iterable[Borrow]) -> None:
        """Owner: ``borrower`` holds handles to these."""
        for borrow in borrows:
            entry = self.entries.get(borrow.object)
            if entry is None or borrower in self.lost:
                continue
            if entry.ended is not None and borrow.episode <= entry.ended.get(borrower, 0):
                continue  # its end was faster, or two have told of it
            if entry.borrowers is None:
                entry.borrowers = {}
            entry.borrowers[(borrower, borrow.episode)] = None
            self.watch(borrower)

    def on_borrow_added(self, sender: WorkerID, message: BorrowAdded) -> None:
        """A lender or the borrower itself tells."""
        self.record(message.borrower, message.borrows)
        self._effects().send(sender, BorrowRecorded(message.receipt))

    def on_borrow_removed(self, borrower: WorkerID, message: BorrowRemoved) -> None:
        """A borrower is done with an object."""
        identity, episode = message.borrow.object, message.borrow.episode
        entry = self.entries.get(identity)
        if entry is None:
            return
        if message.doubtful and not entry.doubtful:
            entry.doubtful = entry.mourned = True
        if entry.ended is None:
            entry.ended = {}
        entry.ended[borrower] = max(episode, entry.ended.get(borrower, 0))
        key = (borrower, episode)
        if entry.borrowers is not None and key in entry.borrowers:
            del entry.borrowers[key]
            if not entry.borrowers and entry.holds <= 0:
                self.sweep([identity])

    def learn(self, block: Block) -> None:
        """A value has come with a task's arguments; it is known here while the object is held, and used even
        where it counts as lost: its owner has died, or was us.
        """
        identity = block.object
        entry, known = self.entries.get(identity), self.values.get(identity)
        if entry is None or isinstance(known, Block):
            return
        if known is not None:
            entry.viewed = block
            self.block_use.add(block)
        elif identity[:WORKER_ID_BYTES] != self.me:
            self._keep(identity, block)
            self._tell_ready(identity, entry, block)

    # -- deaths ---------------------------------------------------------------------------------------------------

    def on_process_lost(self, process: WorkerID, reason: str = "") -> None:
        """A process is dead: its borrows end, its objects are lost, its answers will not come."""
        self.lost[process] = reason
        self.deaths += 1
        self._watched.pop(process, None)
        for identity, entry in list(self.entries.items()):
            if self.entries.get(identity) is not entry:
                continue  # freed meanwhile, with what contained it
            if entry.borrowers:
                for pair in [pair for pair in entry.borrowers if pair[0] == process]:
                    del entry.borrowers[pair]
                    entry.doubtful = True
                    entry.mourned = False
                if not entry.borrowers and entry.holds <= 0:
                    self.sweep([identity])
                    continue
            if entry.wanted is not None and process in entry.wanted:
                entry.wanted = [other for other in entry.wanted if other != process] or None
            if identity[:WORKER_ID_BYTES] == process and identity not in self.values:
                value = self._owner_died(identity)
                self.values[identity] = value
                self._tell_ready(identity, entry, value)

    def is_lost(self, process: WorkerID) -> bool:
        """Whether that process is known to be dead."""
        return process in self.lost

    def _owner_died(self, identity: ObjectID) -> bytes:
        owner = owner_of(identity)
        reason = f"process {owner.hex()} {self.lost.get(owner, '')}".rstrip()
        return failure("OwnerDiedError", object_ref_hex=identity.hex(), reason=reason)

    def check(self) -> None:
        """See ``reference_checks``."""
        check_references(self)
