"""CoreWorker: a Worker role at work in this process, and what user threads ask of it: put, get, wait,
questions.

Drivers and workers have the same one. A user's thread posts events, and waits on a plain lock that the
loop's thread releases, so waiting is interruptible and polls nothing; before it waits it runs the role once
itself (``Loop.apply``). The one thing it writes itself is the value of a small ``put`` (one dict
assignment), so that the next ``get`` finds it at once.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from gnomon._core import effects as fx
from gnomon._core.effects import Command
from gnomon._core.events import (
    AskedSomething,
    BlocksNeeded,
    HandlesArrived,
    ObjectStored,
    ValuesAwaited,
    WaitAbandoned,
    WaitEnded,
    WaitStarted,
)
from gnomon._core.links import LinkMachine
from gnomon._core.station import Station
from gnomon._core.worker import Worker
from gnomon._messages.actors import ActorAssigned
from gnomon._messages.base import Block, Value
from gnomon._messages.cluster import ReportedSpan
from gnomon._messages.failures import is_failure
from gnomon._messages.objects import BlockGiven, BlockNoted, BlockOnDisk, BlocksFreed
from gnomon._messages.session import SessionConfig
from gnomon._messages.tasks import Provenance
from gnomon._shell import activity, holder_answers, task_context
from gnomon._shell.block_reader import BlockReader, Unreadable
from gnomon._shell.bringing import Handles, bring_values, elsewhere, is_elsewhere, with_handles
from gnomon._shell.holder_names import Root
from gnomon._shell.interrupts import Deferred
from gnomon._shell.large_values import inline_values, write_block
from gnomon._shell.loop import Loop, release
from gnomon._shell.mending import mended
from gnomon._shell.questions import Questions
from gnomon._shell.raising import prepare_error
from gnomon._store.arena import EXTRA_BYTES, Arena
from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import (
    GetTimeoutError,
    NotInitializedError,
    SessionMismatchError,
    note_asked_for,
)
from gnomon.ids import ObjectID, TaskID, WorkerID, object_id, owner_of, task_id

_NONE: frozenset[ObjectID] = frozenset()

past_owners: set[bytes] = set()
"""Drivers of sessions that have ended in this process: a reference to what they owned is a user's mistake."""


class CoreWorker:
    """This process in its session.

    Attributes:
        wait_long: ``Loop.wait``; in a driver with a look at why it takes long.
        largest_here: a table of what fills the store, for errors.
        thread_of, coroutine_of: where a task's code runs; set by who executes.

    Args:
        perform: carries out commands that are not this class's own.
    """

    def __init__(
        self,
        config: SessionConfig,
        me: WorkerID,
        perform: Callable[[Command], None],
        watched: dict[int, Callable[[], None]] | None = None,
    ) -> None:
        self.config = config
        self.me = me
        founders = (config.node_process, config.head_process)
        self.role = Worker(me, *founders, config.driver, config.job, config.session, LinkMachine(me))
        self.role.lineage.bytes_max = int(config.settings.get("lineage_max_bytes", 1 << 30))
        self.role.tasks.backoff.retries_max = int(config.settings.get("task_oom_retries", -1))
        self.arena = Arena(config.arena_fd, config.arena_bytes)
        self.role.ledger.totals["store_capacity_bytes"] = config.arena_bytes - EXTRA_BYTES
        self.values = self.role.references.values
        self.views = self.role.views
        self.inline_max = int(config.settings.get("inline_result_max_bytes", 102_400))
        self.large_capture_bytes = int(config.settings.get("large_capture_bytes", 2**20))
        self.ended = ""
        self.assignment: ActorAssigned | None = None
        self.named: Callable[[], Iterable[Root]] = holder_answers.main_module
        self.coroutine_of: Callable[[TaskID], Any] = lambda task: None
        self.thread_of: Callable[[TaskID], int] = lambda task: 0
        self._perform_other = perform
        self._main_thread = threading.main_thread().ident
        self._counter = itertools.count(1)
        self._tokens = itertools.count(1)
        self._waiters: dict[int, Callable[[], Any]] = {}
        self.reader = BlockReader(
            self.arena, self.views, config.node_process, self.ask, lambda each: self.loop.drop(each)
        )
        self.loop = Loop(Station(self.role), me, config.directory, self._perform, watched, founders)
        self.largest_here: Callable[[], str] = str
        self.wait_long: Callable[[threading.Lock, float | None], bool] = self.loop.wait
        self.questions = Questions(self.loop, self._tokens, lambda: self.ended)

    # -- the loop's thread ----------------------------------------------------------------------------------------

    def _perform(self, command: Command) -> None:
        kind = type(command)
        if kind is fx.WakeWaiter:
            waiter = self._waiters.pop(command.token, None)  # type: ignore[attr-defined]
            if waiter is not None:
                waiter()
        elif kind is fx.AnswerRequest:
            self._answer(command.request, command.answer)  # type: ignore[attr-defined]
        elif kind is fx.DropPeer:
            self.loop.disconnect(command.peer)  # type: ignore[attr-defined]
        elif kind is fx.NameHolders:
            holder_answers.answer_in_thread(self, command)  # type: ignore[arg-type]
        elif kind is fx.TellActivity:
            activity.tell(self, command)  # type: ignore[arg-type]
        elif kind is fx.InlineValues:
            inline_values(self, command)  # type: ignore[arg-type]
        else:
            self._perform_other(command)

    def _answer(self, request: int, answer: Any) -> None:
        if type(answer) is dict:
            answer = with_handles(answer)  # which go with it if nobody asks any more
            waiter = self._waiters.pop(request, None)
            if waiter is not None:
                waiter()
        if self.questions.answer(request, answer):
            return
        self.views.end_grant(request)
        if isinstance(answer, BlockGiven | BlockOnDisk | BlockNoted):
            # Whoever asked was interrupted: the block is nobody's.
            node = self.config.node_process
            self.loop.inbox.append(AskedSomething(node, BlocksFreed(((answer.offset, answer.object),))))

    def end(self, reason: str) -> None:
        """The session is over: everybody who waits is told."""
        self.ended = reason or "The session has ended."
        for waiter in list(self._waiters.values()):
            waiter()
        self.questions.end()

    # -- ids and questions ----------------------------------------------------------------------------------------

    def new_task_id(self) -> TaskID:
        """The id of this process's next task or put."""
        return task_id(self.me, next(self._counter))

    def ask(self, target: WorkerID, make: Callable[[int], Any], timeout_s: float | None = 30.0) -> Any:
        """Send ``make(request number)`` to ``target`` and wait for the answer.

        Raises:
            NotInitializedError: the session has ended meanwhile.
            GetTimeoutError: no answer within ``timeout_s``.
        """
        return self.ask_role(lambda request: AskedSomething(target, make(request)), timeout_s)

    def ask_role(self, make: Callable[[int], Any], timeout_s: float | None = 30.0) -> Any:
        """Post the event ``make(request number)`` and wait for its AnswerRequest; raises as ``ask`` does."""
        return self.questions.ask(make, timeout_s)

    # -- values out -----------------------------------------------------------------------------------------------

    def put(self, value: Any, provenance: Provenance | None = None) -> ObjectRef[Any]:
        """Store a value; see ``gnomon.put``."""
        serialized = pickling.serialize(value)
        return self.put_serialized(serialized, provenance)

    def put_serialized(
        self, serialized: pickling.Serialized, provenance: Provenance | None = None
    ) -> ObjectRef[Any]:
        """Store what has been taken apart."""
        if past_owners:
            self.refuse_foreign(serialized.contained)
        identity = object_id(self.new_task_id(), 1)
        if serialized.total_bytes <= self.inline_max:
            stored = pickling.to_bytes(serialized)
        else:
            with self.undisturbed():
                return self._keep(
                    identity, self.write_block(serialized, identity, self.me), serialized, provenance
                )
        return self._keep(identity, stored, serialized, provenance)

    def _keep(
        self,
        identity: ObjectID,
        stored: Value,
        serialized: pickling.Serialized,
        provenance: Provenance | None,
    ) -> ObjectRef[Any]:
        ref: ObjectRef[Any] = ObjectRef(identity)
        self.values[identity] = stored
        contained = tuple(serialized.contained)
        self.loop.submit(ObjectStored(identity, stored, contained, serialized.total_bytes, provenance))
        return ref

    def undisturbed(self) -> AbstractContextManager[None]:
        """Ctrl-C is put off while blocks change hands: one that strikes between two steps would lose them."""
        return Deferred() if threading.get_ident() == self._main_thread else nullcontext()

    def note_span(self, kind: str, began: float, size: int, about: str) -> None:
        """Something that was no user's code has ended now; for the timeline, if somebody looks at it."""
        reporting = self.role.reporting
        if reporting.observer is not None:
            reporting.spans.append(ReportedSpan(kind, self.me, began, time.monotonic(), size, about))

    def write_block(self, serialized: pickling.Serialized, identity: ObjectID, owner: WorkerID) -> Block:
        """Write a large value into the arena, for ``owner``; see ``large_values``."""
        return write_block(self, serialized, identity, owner)

    # -- values in ------------------------------------------------------------------------------------------------

    def get_one(self, ref: ObjectRef[Any]) -> Any:
        """The value of one reference; waits without limit."""
        identity = ref._id
        while (value := self.values.get(identity)) is None:  # or lost again, before it was looked at
            self.await_values((identity,), 1, None)
        return self.load(identity, value)

    def get(self, refs: Sequence[ObjectRef[Any]], timeout: float | None) -> list[Any]:
        """The values in order; see ``gnomon.get``."""
        values = self.values
        began = time.monotonic()
        left = timeout
        while None in (found := [values.get(ref._id) for ref in refs]):  # also if one is lost in between
            missing = [ref._id for ref in refs if ref._id not in values]
            if missing and not self._await_all(refs, missing, left):
                ready = sum(ref._id in values for ref in refs)
                raise GetTimeoutError(timeout_s=timeout or 0.0, ready=ready, total=len(refs))
            left = None if timeout is None else max(0.0, began + timeout - time.monotonic())
        blobs = self.read_all([value for value in found if value is not None], None, left)
        rebuild = self._rebuild
        try:
            return [rebuild(ref._id, blob) for ref, blob in zip(refs, blobs, strict=True)]
        finally:
            del blobs  # an error's traceback holds this frame, and need not hold the blocks

    def wait(
        self, refs: Sequence[Any], num_returns: int, timeout: float | None
    ) -> tuple[list[Any], list[Any]]:
        """Split references and generators into ready ones and others; see ``gnomon.wait``."""
        values = self.values
        refs = refs if isinstance(refs, list) else list(refs)
        if num_returns == 1 and refs and refs[0]._id in values:  # the usual loop, its results in order
            return refs[:1], refs[1:]
        if not self._ready_prefix(refs, num_returns):
            self.await_values(tuple(ref._id for ref in refs), num_returns, timeout)
        if num_returns == 1:
            for index, ref in enumerate(refs):
                if ref._id in values:
                    return [ref], refs[:index] + refs[index + 1 :]
            return [], list(refs)
        ready: list[Any] = []
        others: list[Any] = []
        for ref in refs:
            if len(ready) < num_returns and ref._id in values:
                ready.append(ref)
            else:
                others.append(ref)
        return ready, others

    def _await_all(
        self, refs: Sequence[ObjectRef[Any]], missing: list[ObjectID], timeout: float | None
    ) -> bool:
        """Block until all have a value, those that are missing too; raise the first error as soon as there is one.

        False after ``timeout`` seconds. Of what this process owns only the last one is waited for, then
        whichever is last of those still missing: results mostly come in order, and ten thousand registrations
        cost more than a second look. What others own is asked for all at once, since it has to travel.
        """
        values = self.values
        deadline = None if timeout is None else time.monotonic() + timeout
        hasty = frozenset(missing) if len(refs) > 1 else frozenset()
        seen = -1 if hasty else 0
        while missing:
            failures = self.role.references.failures
            if hasty and failures != seen:
                seen = failures
                if failures:
                    self._raise_first_error(refs)
            foreign = tuple(dict.fromkeys(each for each in missing if owner_of(each) != self.me))
            wanted = foreign or (missing[-1],)
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self.await_values(wanted, len(wanted), left, hasty, seen):
                return False
            missing = [each for each in missing if each not in values]
        return True

    def _raise_first_error(self, refs: Sequence[ObjectRef[Any]]) -> None:
        """Raise the first error among those that have a value."""
        for ref in refs:
            value = self.values.get(ref._id)
            if value is not None and is_failure(value):
                self.load(ref._id, value)

    def _ready_prefix(self, refs: list[Any], num_returns: int) -> bool:
        """Whether enough are ready, looking no further than needed."""
        values = self.values
        for ref in refs:
            if ref._id in values:
                num_returns -= 1
                if not num_returns:
                    return True
        return False

    def await_values(
        self,
        identities: tuple[ObjectID, ...],
        count: int,
        timeout: float | None,
        hasty: frozenset[ObjectID] = _NONE,
        failures: int = 0,
    ) -> bool:
        """Block until ``count`` of them have a value. False after ``timeout`` seconds.

        ``hasty`` and ``failures`` are as in ``ValuesAwaited``: True is then also returned after an error.
        """
        if self.ended:
            raise NotInitializedError(self.ended)
        if past_owners:
            self.refuse_foreign(identities)
        lock = threading.Lock()
        lock.acquire()
        token = next(self._tokens)
        self._waiters[token] = partial(release, lock)
        blocking = task_context.blocks()
        events: list[Any] = [ValuesAwaited(token, identities, count, hasty, failures)]
        if blocking:
            events.append(WaitStarted())
        try:
            self.loop.apply(events)
            done = self.wait_long(lock, timeout)
            if self.ended:
                raise NotInitializedError(self.ended)
            return done
        finally:
            self.abandon(token)
            if blocking:
                self.loop.post(WaitEnded())

    def load(self, identity: ObjectID, value: Value) -> Any:
        """The Python value; raises it when it is an error."""
        return self._rebuild(identity, self.read(value))

    def _rebuild(self, identity: ObjectID, blob: bytes | memoryview) -> Any:
        arrived: list[ObjectRef[Any]] = []
        try:
            loaded = pickling.deserialize(blob, arrived)
        finally:
            if arrived:
                objects = tuple(ref._id for ref in arrived)
                self.loop.post(HandlesArrived(objects, None, identity))
        if pickling.is_error(blob):
            try:
                note_asked_for(loaded, identity)
                raise prepare_error(loaded)
            finally:
                del loaded  # its traceback holds this frame: with it here, the user's frames would wait for the collector
        return loaded

    def read(self, value: Value, task: TaskID | None = None) -> bytes | memoryview:
        """The blob of a value; a view of the arena counts as a handle until it is gone."""
        return value if isinstance(value, bytes) else self.read_all((value,), task)[0]

    def read_all(
        self, values: Sequence[Value], task: TaskID | None, timeout: float | None = None
    ) -> Sequence[bytes | memoryview]:
        """The blobs of many values, of the arguments of ``task`` if it is one; the role hears of all at once.

        Raises:
            GetTimeoutError: those that lie on other nodes are not here after ``timeout`` seconds.
            ObjectLostError: one of them is gone.
        """
        handles: Handles = []
        while True:
            viewed = tuple([value.object for value in values if isinstance(value, Block)])
            if not viewed:
                return values  # type: ignore[return-value]  # all of them bytes
            if is_elsewhere(self, values):
                values, brought = bring_values(self, values, timeout)
                handles += brought
                viewed = tuple([value.object for value in values if isinstance(value, Block)])
            with self.undisturbed():
                self.loop.post(HandlesArrived(viewed, task, None))
                blobs = self.reader.view_all(values)
            if type(blobs) is list:
                return blobs
            assert isinstance(blobs, Unreadable)
            values = mended(self, values, blobs, task, timeout, handles)

    def handles_arrived(self, refs: list[ObjectRef[Any]], task: TaskID | None = None) -> None:
        """References came to life outside of any value (a user's own pickle), or in the function of
        ``task``.
        """
        self.loop.post(HandlesArrived(tuple(ref._id for ref in refs), task, None))

    def refuse_foreign(self, identities: Sequence[ObjectID]) -> None:
        """Raise for references of a session that has ended in this process."""
        for identity in identities:
            if owner_of(identity) in past_owners:
                raise SessionMismatchError(f"ObjectRef({identity.hex()})")

    def when_ready(self, identity: ObjectID, callback: Callable[[], Any]) -> int:
        """Call ``callback`` in the loop's thread once the value is there. Returns what ``abandon`` takes."""
        return self.when_any_ready((identity,), partial(self._bring_first, identity, callback))

    def when_any_ready(self, identities: tuple[ObjectID, ...], callback: Callable[[], Any]) -> int:
        """Call ``callback`` in the loop's thread once one of them has a value, wherever that lies. Returns what
        ``abandon`` takes.
        """
        token = next(self._tokens)
        self._waiters[token] = callback
        self.loop.post(ValuesAwaited(token, identities, 1))
        return token

    def _bring_first(self, identity: ObjectID, callback: Callable[[], Any]) -> None:
        block = elsewhere(self, identity)
        if block is None or self.ended:
            callback()
        else:
            self.bring(block, callback)

    def bring(self, block: Block, callback: Callable[[], Any]) -> None:
        """Call ``callback`` in the loop's thread once a value of another node is here, or can not be brought."""
        request = next(self._tokens)
        self._waiters[request] = callback
        self.loop.post(BlocksNeeded(request, (block,)))

    def abandon(self, token: int) -> None:
        """Wait no longer."""
        if self._waiters.pop(token, None) is not None:
            self.loop.post(WaitAbandoned(token))

    def close(self) -> None:
        """End the loop; views that are out stay valid."""
        self.loop.stop()
        self.arena.close()
        self.values.clear()  # remote functions remember their last engine, and it need not keep these
