"""The objects of the inline engine: blobs by id, each alive while somebody holds a reference to it.

    pending --fill--> ready --(last holder gone)--> freed
       +---------------(last holder gone)-------------^   a late fill is dropped

Values are kept pickled and put together anew at each ``get``, so that no change to a value reaches the store.
The one rule for a changer: ``drop`` runs inside ``__del__``, in any thread at any moment; it may never wait
for the lock, and nothing that runs user code may run under the lock.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gnomon._core.ledger import Ledger
from gnomon._engine.inline_waits import Wait, Waits
from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ObjectStoreFullError, SessionMismatchError
from gnomon.ids import COMPLETION_INDEX, HANDLE_INDEX, ObjectID, index_of

_TOKENS = (HANDLE_INDEX, COMPLETION_INDEX)
"""Objects that are there to be held or waited for, and not for their values."""

HOLDERS_SHOWN = 5
"""Rows of the table in ``ObjectStoreFullError``."""


class InlineObject:
    """One object.

    Attributes:
        blob: the pickled value or error; None while it is pending.
        holders: references that exist to it, those inside other objects included.
        contained: the references inside it, which it keeps alive.
        callbacks: called once when it is ready.
        waits: told once when it is ready.
        producer: what made it, for the views.
        cell: number of the cell that asked for it.
        lazy: makes it in the thread that waits for it, if it can.
    """

    __slots__ = ("blob", "callbacks", "cell", "contained", "holders", "lazy", "producer", "waits")

    def __init__(self, producer: str, cell: int, lazy: Callable[[], object] | None) -> None:
        self.lazy = lazy
        self.blob: bytes | None = None
        self.holders = 0
        self.contained: list[ObjectRef[Any]] = []
        self.callbacks: list[Callable[[], object]] = []
        self.waits: list[Wait] = []
        self.producer = producer
        self.cell = cell


class InlineStore:
    """All objects of one inline session.

    Args:
        ledger: told of every change.
        waits: those of the session's threads.
        capacity_bytes: ``put`` and results beyond are refused.
        inline_max_bytes: what the views call memory and not store.
        released: called, without the lock, when nobody holds a handle (of an actor or a generator) any more, or
            waits for the completion of a generator.
    """

    def __init__(
        self,
        ledger: Ledger,
        waits: Waits,
        capacity_bytes: int,
        inline_max_bytes: int,
        released: Callable[[ObjectID], object],
    ) -> None:
        self._ledger = ledger
        self._waits = waits
        self._capacity_bytes = capacity_bytes
        self._inline_max_bytes = inline_max_bytes
        self._released = released
        self._any_lazy = False
        self._entries: dict[bytes, InlineObject] = {}
        self._dropped: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._sweeping = threading.Lock()
        ledger.totals["store_capacity_bytes"] = capacity_bytes

    def __len__(self) -> int:
        """How many objects are alive."""
        self._sweep()
        return len(self._entries)

    # ---------------------------------------------------------------- references

    def create(
        self, identity: ObjectID, producer: str, cell: int, lazy: Callable[[], object] | None = None
    ) -> ObjectRef[Any]:
        """A new pending object, and the first reference to it."""
        with self._lock:
            entry = self._entries[identity] = InlineObject(producer, cell, lazy)
            entry.holders = 1
        self._any_lazy = self._any_lazy or lazy is not None
        self._sweep()
        return ObjectRef(identity)

    def entries(self) -> dict[ObjectID, InlineObject]:
        """All objects as they are now, for whoever looks."""
        self._sweep()
        return {ObjectID(identity): entry for identity, entry in self._entries.copy().items()}

    def exists(self, identity: bytes) -> bool:
        """Whether somebody holds a reference to an object."""
        self._sweep()
        return identity in self._entries

    def refuse_ended(self) -> None:
        """Raise when the session has ended.

        Raises:
            NotInitializedError: it has.
        """
        self._waits.refuse_closed()

    def reference(self, identity: ObjectID) -> ObjectRef[Any]:
        """One more reference to an object.

        Raises:
            SessionMismatchError: there is no such object.
        """
        with self._lock:
            self._entry(identity).holders += 1
        return ObjectRef(identity)

    def adopt(self, refs: Iterable[ObjectRef[Any]]) -> None:
        """Count references that unpickling has made."""
        with self._lock:
            for ref in refs:
                entry = self._entries.get(ref._id)
                if entry is not None:  # else it is from another session, and using it will say so
                    entry.holders += 1
        self._sweep()

    def contained(self, identity: ObjectID) -> list[ObjectID]:
        """The references inside an object's value."""
        with self._lock:
            return [ref._id for ref in self._entry(identity).contained]

    def pin(self, identity: ObjectID) -> None:
        """Keep an object until the end: the user has pickled a reference, which may come back at any time."""
        with self._lock:
            entry = self._entries.get(identity)
            if entry is not None:
                entry.holders += 1

    def drop(self, identity: bytes) -> None:
        """A reference is gone: the hook of ``ObjectRef.__del__``."""
        self._dropped.append(identity)
        self._sweep()

    def _sweep(self) -> None:
        # a freed object drops what it contained, which comes back here: the guard makes that a loop
        while self._dropped and self._sweeping.acquire(blocking=False):
            freed: list[tuple[ObjectID, InlineObject]] = []
            try:
                if not self._lock.acquire(blocking=False):
                    return  # whoever holds it sweeps afterwards
                try:
                    while self._dropped:
                        self._forget(self._dropped.popleft(), freed)
                finally:
                    self._lock.release()
                for identity, _entry in freed:
                    if index_of(identity) in _TOKENS:
                        self._released(identity)
                    else:
                        self._ledger.object_gone(identity.hex())
                freed.clear()
            finally:
                self._sweeping.release()

    def _forget(self, identity: bytes, freed: list[tuple[ObjectID, InlineObject]]) -> None:
        entry = self._entries.get(identity)
        if entry is None:
            return
        entry.holders -= 1
        if entry.holders <= 0:
            del self._entries[identity]
            freed.append((ObjectID(identity), entry))
            if entry.blob is not None and index_of(ObjectID(identity)) not in _TOKENS:
                self._account(-len(entry.blob), -1)

    # ---------------------------------------------------------------- values

    def fill(self, identity: ObjectID, blob: bytes, contained: Sequence[ObjectID] = ()) -> None:
        """Give a pending object its value or error; nothing happens when it has been freed meanwhile.

        Raises:
            ObjectStoreFullError: there is no room for it.
        """
        refs = [self.reference(each) for each in contained]
        size = len(blob)
        used = self._ledger.totals["memory_bytes"] + self._ledger.totals["store_used_bytes"]
        if used + size > self._capacity_bytes and not pickling.is_error(blob):
            raise ObjectStoreFullError(size, self._capacity_bytes, self._holders_table())
        with self._lock:
            entry = self._entries.get(identity)
            if entry is None or entry.blob is not None:
                return
            entry.blob = blob
            entry.contained = refs
            entry.lazy = None
            callbacks, entry.callbacks = entry.callbacks, []
            waits, entry.waits = entry.waits, []
            for wait in waits:
                wait.tell(pickling.is_error(blob))
            if index_of(identity) not in _TOKENS:
                self._account(size, 1)
        if index_of(identity) not in _TOKENS:
            state = "error" if pickling.is_error(blob) else self._place(size)
            self._ledger.object_changed(
                identity.hex(), size, state, entry.producer, entry.holders, entry.cell, "inline"
            )
        for callback in callbacks:
            callback()
        self._sweep()

    def is_ready(self, identity: bytes) -> bool:
        """Whether an object has its value or error.

        Raises:
            SessionMismatchError: there is no such object.
        """
        return self._entry(identity).blob is not None

    def first_ready(self, refs: Sequence[Any], count: int) -> list[int]:
        """Where in ``refs`` the first ``count`` ready ones are; fewer where there are fewer."""
        entries = self._entries
        places = []
        for place, ref in enumerate(refs):
            entry = entries.get(ref._id)
            if entry is None:
                self._entry(ref._id)
            elif entry.blob is not None:
                places.append(place)
                if len(places) == count:
                    break
        return places

    def failed(self, identity: bytes) -> bool:
        """Whether an object has an error."""
        return _failed(self._entry(identity))

    def blob(self, identity: bytes) -> bytes:
        """The pickled value or error of a ready object."""
        blob = self._entry(identity).blob
        assert blob is not None
        return blob

    def load(self, blob: bytes) -> Any:
        """Put a value (or an error) together; references inside are counted."""
        arrived: list[ObjectRef[Any]] = []
        try:
            return pickling.deserialize(blob, arrived)
        finally:
            self.adopt(arrived)

    def when_ready(self, identity: bytes, callback: Callable[[], object]) -> None:
        """Call ``callback`` once the object is ready, now if it is."""
        with self._lock:
            entry = self._entry(identity)
            pending = entry.blob is None
            if pending:
                entry.callbacks.append(callback)
        if not pending:
            callback()
        elif entry.lazy is not None:
            threading.Thread(target=entry.lazy, name="gnomon-inline-lazy", daemon=True).start()

    def wait(
        self,
        identities: Sequence[bytes],
        count: int,
        timeout: float | None,
        hasty: bool = False,
        begun: Callable[[Wait], object] | None = None,
    ) -> int:
        """Wait until ``count`` of the objects are ready or ``timeout`` seconds are over; how many are.

        Args:
            identities: of objects; what is there twice counts twice.
            count: how many to wait for.
            timeout: in seconds; None for no limit.
            hasty: an error among them ends the wait too.
            begun: gets the wait when it begins, to end it before its time.

        Raises:
            DeadlockError: there is no limit, and nobody is left who could make them.
        """
        self._waits.used()
        with self._lock:
            entries = [self._entry(each) for each in identities]
        if self._any_lazy:
            _make(entries, count, hasty)
        with self._lock:
            missing = [each for each in entries if each.blob is None]
            left = count - (len(entries) - len(missing))
            if left <= 0 or (hasty and any(_failed(each) for each in entries)):
                return len(entries) - len(missing)
            wait = Wait(left, hasty)
            for entry in missing:
                entry.waits.append(wait)
        try:
            if begun is not None:
                begun(wait)
            self._waits.sleep(wait, timeout)
        finally:
            with self._lock:
                for entry in missing:
                    if entry.blob is None:
                        entry.waits.remove(wait)
            self._sweep()
        return sum(each.blob is not None for each in entries)

    def _entry(self, identity: bytes) -> InlineObject:
        entry = self._entries.get(identity)
        if entry is None:
            raise SessionMismatchError(f"ObjectRef({identity.hex()})")
        return entry

    # ---------------------------------------------------------------- the books

    def _place(self, size: int) -> str:
        return "memory" if size <= self._inline_max_bytes else "store"

    def _account(self, size: int, count: int) -> None:
        totals = self._ledger.totals
        totals["count"] += count
        if self._place(abs(size)) == "memory":
            totals["memory_bytes"] += size
            return
        totals["store_used_bytes"] += size
        for node in self._ledger.nodes:  # the only one
            self._ledger.node_changed(node, store_used_bytes=totals["store_used_bytes"])

    def _holders_table(self) -> str:
        rows = sorted(self._ledger.objects.values(), key=lambda row: -row[0])[:HOLDERS_SHOWN]
        return "\n".join(f"  {row[0]:>15,} bytes made by {row[2]}" for row in rows)


def _failed(entry: InlineObject) -> bool:
    return entry.blob is not None and pickling.is_error(entry.blob)


def _make(entries: Sequence[InlineObject], count: int, hasty: bool) -> None:
    """Let those be made that wait for being waited for, until there are enough."""
    for entry in entries:
        if entry.blob is None and entry.lazy is not None:
            if sum(each.blob is not None for each in entries) >= count:
                return
            entry.lazy()
            if hasty and _failed(entry):
                return
