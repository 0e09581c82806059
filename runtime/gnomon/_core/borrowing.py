"""Borrowing: how a reference gets from one process to another. The half of ``references`` that involves a
third party.

A hand-off is never observable as "nobody holds it", because whoever hands on keeps its own hold until the
owner has recorded the new borrower:

    refs in arguments    the submitter holds them until the executor's TaskFinished told which are still held there
                         (``borrows_of``), and then until the owner's BorrowRecorded
    refs in a result     the executor holds them until the submitter's HoldReleased
    refs in an object    the getter holds the container until the owner's BorrowRecorded

Who hands on may die before that. Then whoever has something that no owner has confirmed to him tells the owners
himself; and these, who hear of the death too, hold for ``mourning_s`` what the dead may have lent on.

A *receipt* is a set of holds that waits for such answers. The rule for a changer: every path, also the one
where somebody dies, ends in ``_complete``, once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from gnomon._core.effects import Effects
from gnomon._core.references import ReferenceMachine
from gnomon._messages.base import Borrow, Contained
from gnomon._messages.objects import BorrowAdded, BorrowRecorded
from gnomon._messages.tasks import HoldReleased
from gnomon.ids import WORKER_ID_BYTES, ObjectID, TaskID, WorkerID, owner_of


class _Receipt:
    """Holds to release once ``missing`` owners have recorded their borrowers."""

    __slots__ = ("executor", "holds", "index", "missing", "owners", "task")

    def __init__(
        self, holds: tuple[ObjectID, ...], executor: WorkerID | None, task: TaskID | None, index: int = 0
    ) -> None:
        self.holds = holds
        self.executor = executor
        self.task = task
        self.index = index
        self.missing = 0
        self.owners: dict[int, WorkerID] = {}


class BorrowMachine:
    """Hand-offs under way in this process.

    Attributes:
        mourning_s: how long a death may take to be known everywhere, and a report to arrive. Whoever is slower, and
            needs what nobody else holds, gets an ObjectFreedError.
    """

    def __init__(
        self, effects: Callable[[], Effects], references: ReferenceMachine, mourning_s: float = 0.5
    ) -> None:
        self.me = references.me
        self._effects = effects
        self.references = references
        self._arrivals: dict[TaskID, list[ObjectID]] = {}
        self._result_holds: dict[tuple[TaskID, int], tuple[WorkerID, tuple[ObjectID, ...]]] = {}
        self._receipts: dict[int, _Receipt] = {}
        self._receipt_owners: dict[int, WorkerID] = {}
        self._receipt_borrows: dict[int, list[Borrow]] = {}
        self._next_receipt = 1
        self.mourning_s = mourning_s
        self._now = self._grief_until = 0.0
        self._deaths = 0
        self._mourned: deque[tuple[float, list[ObjectID]]] = deque()

    def handles_arrived(
        self, objects: tuple[ObjectID, ...], task: TaskID | None, container: ObjectID | None
    ) -> None:
        """Handles came to life here, with a task's arguments or inside an object."""
        self.references.hold(objects)
        mine = self.me
        entries = self.references.entries
        theirs = [identity for identity in dict.fromkeys(objects) if identity[:WORKER_ID_BYTES] != mine]
        if task is not None:
            unconfirmed = [identity for identity in theirs if not entries[identity].confirmed]
            if unconfirmed:
                self._arrivals.setdefault(task, []).extend(unconfirmed)
            return
        unrecorded = [identity for identity in theirs if not entries[identity].recorded]
        if not unrecorded:
            return
        holds = (container,) if container is not None else ()
        self.references.hold(holds)
        self._report(_Receipt(holds, None, None), self.me, self.references.open_episodes(unrecorded))

    def borrows_of(self, task: TaskID) -> tuple[Borrow, ...]:
        """Handles that came with the arguments of ``task``, which ends, and live on here."""
        arrived = self._arrivals.pop(task, None)
        if arrived is None:
            return ()
        alive = []
        for identity in dict.fromkeys(arrived):
            entry = self.references.entries.get(identity)
            if entry is not None and not entry.confirmed:
                alive.append(identity)
        return tuple(self.references.open_episodes(alive))

    def settle_arguments(
        self, executor: WorkerID, borrows: tuple[Borrow, ...], holds: tuple[ObjectID, ...]
    ) -> None:
        """A task of ours has ended: release what its arguments held, once its executor's borrows are
        recorded.
        """
        if not borrows:
            self.references.release(holds)
            return
        receipt = _Receipt(holds, None, None)
        self._report(receipt, executor, list(borrows))

    def doubt(self, identities: tuple[ObjectID, ...]) -> None:
        """A process has died that this one had lent these: it may have lent them on.

        Their owners must know before they free them, so a borrow that ends is one that they have recorded.
        """
        entries = self.references.entries
        unrecorded = []
        for identity in dict.fromkeys(identities):
            entry = entries.get(identity)
            if entry is not None:
                entry.doubtful = True
                entry.mourned = False
                if identity[:WORKER_ID_BYTES] != self.me and not entry.recorded:
                    unrecorded.append(identity)
        if unrecorded:
            self.references.hold(unrecorded)
            receipt = _Receipt(tuple(unrecorded), None, None)
            self._report(receipt, self.me, self.references.open_episodes(unrecorded))

    def _report(self, receipt: _Receipt, borrower: WorkerID, borrows: list[Borrow]) -> None:
        """Have each owner record ``borrower``; ourselves at once."""
        by_owner: dict[WorkerID, list[Borrow]] = {}
        for borrow in borrows:
            by_owner.setdefault(owner_of(borrow.object), []).append(borrow)
        for owner, theirs in by_owner.items():
            if owner == self.me:
                self.references.record(borrower, theirs)
            elif self.references.is_lost(owner) or owner == borrower:
                continue
            else:
                number = self._next_receipt
                self._next_receipt += 1
                self._receipts[number] = receipt
                self._receipt_owners[number] = owner
                if borrower == self.me:
                    self._receipt_borrows[number] = theirs
                receipt.missing += 1
                self.references.watch(owner)
                self._effects().send(owner, BorrowAdded(borrower, tuple(theirs), number))
        if not receipt.missing:
            self._complete(receipt)

    def _complete(self, receipt: _Receipt) -> None:
        self.references.release(receipt.holds)
        if receipt.executor is not None and receipt.task is not None:
            self._effects().send(receipt.executor, HoldReleased(receipt.task, receipt.index))

    def handed_on(self) -> Iterator[tuple[ObjectID, ...]]:
        """What is held until somebody has answered, by hand-over."""
        for receipt in dict.fromkeys(self._receipts.values()):
            yield receipt.holds
        for _submitter, inner in self._result_holds.values():
            yield inner

    def open_receipts(self) -> frozenset[int]:
        """Reports that have not been answered."""
        return frozenset(self._receipts)

    def on_borrow_recorded(self, message: BorrowRecorded) -> None:
        """An owner has done so."""
        receipt = self._receipts.pop(message.receipt, None)
        self._receipt_owners.pop(message.receipt, None)
        for borrow in self._receipt_borrows.pop(message.receipt, ()):
            entry = self.references.entries.get(borrow.object)
            if entry is not None and entry.episode == borrow.episode:
                entry.confirmed = True
        if receipt is not None:
            receipt.missing -= 1
            if not receipt.missing:
                self._complete(receipt)

    # -- results --------------------------------------------------------------------------------------------------

    def hold_results(
        self, task: TaskID, submitter: WorkerID, contained: tuple[Contained, ...], index: int = 0
    ) -> None:
        """Executor: the references inside results (or inside item ``index`` of a generator), until the
        submitter has recorded them.
        """
        inner = tuple(identity for each in contained for identity in each.inner)
        self.references.hold(inner)
        self._result_holds[task, index] = (submitter, inner)
        self.references.watch(submitter)

    def on_hold_released(self, message: HoldReleased) -> None:
        """The submitter has."""
        held = self._result_holds.pop((message.task, message.index), None)
        if held is not None:
            self.references.release(held[1])

    def adopt_contained(
        self, executor: WorkerID, task: TaskID, contained: tuple[Contained, ...], index: int = 0
    ) -> None:
        """Submitter: the entry of each result (or of item ``index``) holds the references inside it; owners
        are told; then the executor may let go.
        """
        fresh: list[ObjectID] = []
        for each in contained:
            entry = self.references.entries.get(each.outer)
            if entry is None:
                continue
            entry.inner += each.inner
            self.references.hold(each.inner)
            for identity in each.inner:
                if identity[:WORKER_ID_BYTES] != self.me and not self.references.entries[identity].recorded:
                    fresh.append(identity)
        receipt = _Receipt((), executor, task, index)
        self._report(receipt, self.me, self.references.open_episodes(dict.fromkeys(fresh)))

    def on_process_lost(self, process: WorkerID) -> None:
        """A process is dead: its answers will not come."""
        for number in [number for number, owner in self._receipt_owners.items() if owner == process]:
            self.on_borrow_recorded(BorrowRecorded(number))
        for key in [key for key, (submitter, _) in self._result_holds.items() if submitter == process]:
            self.on_hold_released(HoldReleased(*key))
        self._tell_unconfirmed()

    def _tell_unconfirmed(self) -> None:
        """The dead may have been the one to tell the owners what this process holds."""
        told = {borrow.object for borrows in self._receipt_borrows.values() for borrow in borrows}
        unconfirmed = [
            identity
            for identity, entry in self.references.entries.items()
            if entry.episode and not entry.confirmed and identity not in told
        ]
        if unconfirmed:
            self._report(_Receipt((), None, None), self.me, self.references.open_episodes(unconfirmed))

    def run(self, now: float) -> None:
        """After a batch of events, while a death is not settled: what has been mourned for long enough is released."""
        references = self.references
        self._now = now
        if references.deaths != self._deaths:
            self._deaths = references.deaths
            self._grief_until = now + self.mourning_s
        if references.mourned:
            self._mourned.append((self._grief_until, references.mourned))
            references.mourned = []
        while self._mourned and now >= self._mourned[0][0]:
            references.release(self._mourned.popleft()[1])
        if now >= self._grief_until:
            references.deaths_settled = self._deaths

    def next_wakeup(self) -> float | None:
        """When the first has; at once if there is something new."""
        if self.references.mourned:
            return self._now
        return self._mourned[0][0] if self._mourned else None
