"""Threads: what any user code can do in a simulated process: wait, ask, read and write values, drop handles.

A thread runs a generator that yields whenever real code would block. It may stop for good at any yield,
when its process crashes. A *ticket* ends a wait: of all that could resume a waiting thread (its value,
its timeout, an interrupt) the first does, and the others' tickets are void. The rule for a changer: every
handle that comes to be is dropped exactly once, in ``drop_all`` at the latest.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from gnomon._core import events as ev
from gnomon._core.pulls import chunk_count
from gnomon._messages.base import Block, Value
from gnomon._messages.objects import BlockAsked, BlockGiven, BlockNoted, BlockOnDisk, BlockWritten
from gnomon._messages.spilling import NO_PLACE, BlockWanted
from gnomon.ids import ObjectID, TaskID, WorkerID
from gnomon.testing.simulator.losses import needs_call_on, rots
from gnomon.testing.simulator.values import error_of, load, refs_in

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost

Waiting = Generator[Any, Any, None]

_LONG_S = 20.0
"""After which somebody looks whether an actor waits for itself, and kills it."""


class View(NamedTuple):
    """A large value that is looked at where it is."""

    object: ObjectID
    place: int
    token: int


class Thread:
    """One thread of user code.

    Attributes:
        task: the task or call that it runs; None in the driver's main thread.
        handles: ids of the handles it holds, one entry for each.
        views: large values that it reads in place; each is a handle too.
    """

    def __init__(self, host: WorkerHost, task: TaskID | None) -> None:
        self.host = host
        self.task = task
        self.handles: list[ObjectID] = []
        self.views: list[View] = []
        host.threads[self] = None
        self._steps: Waiting | None = None
        self._ticket = 0
        self._interrupted = False
        self._masked = False

    # -- being run -------------------------------------------------------------------------------------------

    def start(self, steps: Waiting) -> None:
        """Begin to run."""
        self._steps = steps
        self.resume(self._ticket, None)

    def ticket(self) -> int:
        """What ends the wait that begins now."""
        return self._ticket

    def resume(self, ticket: int, answer: Any) -> None:
        """Go on until the next wait; with a void ticket, or in a dead process, nothing happens."""
        if not self.host.alive or self._steps is None or ticket != self._ticket:
            return
        self._ticket += 1
        try:
            if self._interrupted and not self._masked:
                self._interrupted = False
                self._steps.throw(InterruptedError())
            else:
                self._steps.send(answer)
        except StopIteration:
            self._steps = None

    def interrupt(self) -> None:
        """Raise InterruptedError in the code, now or as soon as it does not ask or write."""
        self._interrupted = True
        if not self._masked:
            self.host.kernel.after(0.0, self.resume, self._ticket, None)

    # -- waiting ---------------------------------------------------------------------------------------------

    def sleep(self, seconds: float) -> Waiting:
        """Let virtual time pass."""
        self.host.kernel.after(seconds, self.resume, self._ticket, None)
        yield

    def sleep_masked(self, seconds: float) -> Waiting:
        """Let virtual time pass before the user's code begins: who interrupts now is not heard."""
        self._masked = True
        yield from self.sleep(seconds)
        self._masked = self._interrupted = False

    def ask(self, make: Callable[[int], Any]) -> Generator[Any, Any, Any]:
        """Post the event ``make(request)``; returns what its AnswerRequest says."""
        self._masked = True
        self.host.post(make(self.host.new_request(self)))
        answer = yield
        self._masked = False
        return answer

    def values_of(self, identities: tuple[ObjectID, ...], count: int, timeout_s: float | None) -> Waiting:
        """Wait until ``count`` of these have a value, or the time is over."""
        host = self.host
        values = host.worker.references.values
        if sum(identity in values for identity in identities) >= count:
            return
        blocks = self.task is not None and not host.executor.is_async
        if blocks:
            host.overdrawn = True
            host.post(ev.WaitStarted())
        token = host.new_token(self)
        host.post(ev.ValuesAwaited(token, identities, count))
        timer = None
        if timeout_s is not None:
            timer = host.kernel.after(timeout_s, host.wake, token)
        try:
            yield
        finally:
            host.forget_token(token)
            if timer is not None:
                timer.cancel()
            if sum(identity in values for identity in identities) < count:
                host.post(ev.WaitAbandoned(token))
            if blocks:
                host.post(ev.WaitEnded())

    # -- values ----------------------------------------------------------------------------------------------

    def get(self, wanted: tuple[ObjectID, ...], timeout_s: float | None = None) -> Waiting:
        """Wait for values and read those that are there; the references inside become handles."""
        host = self.host
        yield from self.values_of(wanted, len(wanted), timeout_s)
        values = host.worker.references.values
        there = {identity: values[identity] for identity in wanted if identity in values}
        brought = yield from self.bring(there.values())
        for identity in there:  # another may have come meanwhile, to another node
            if identity not in values:
                continue
            blob = yield from self.read(brought.get(identity) or there[identity], None)
            host.truth.check_read(identity, blob)
            if error_of(blob) is None:
                arrived = refs_in(load(blob))
                if arrived:
                    host.post(ev.HandlesArrived(tuple(arrived), None, identity))
                    self.handles += arrived
        self.put_down(brought)

    def bring(self, values: Iterable[Value]) -> Generator[Any, Any, dict[ObjectID, Value]]:
        """Have those of other nodes brought to this one; each is held until ``put_down``."""
        here = self.host.worker.node
        blocks = [value for value in values if isinstance(value, Block) and value.node != here]
        if not blocks:
            return {}
        host = self.host
        gives_way = self.task is not None and not host.executor.is_async
        if gives_way:  # what it waits for may have to be made again
            host.overdrawn = True
            host.post(ev.WaitStarted())
        brought = yield from self.ask(lambda request: ev.BlocksNeeded(request, tuple(blocks)))
        if gives_way:
            host.post(ev.WaitEnded())
        return dict(brought)

    def put_down(self, brought: dict[ObjectID, Value]) -> None:
        """They have been read."""
        if brought:
            self.host.post(ev.HandlesDropped(tuple(brought)))

    def read(self, value: Value, task: TaskID | None) -> Generator[Any, Any, bytes]:
        """The bytes of a value; a large one is viewed, which holds it. What can not be read is waited for again."""
        held: list[ObjectID] = []
        try:
            while isinstance(value, Block):
                blob = yield from self._look_at(value, task)
                if blob is not None:
                    return blob
                held.append(value.object)
                value = yield from self._mended(value, task)
            return value
        finally:
            if held:
                self.host.post(ev.HandlesDropped(tuple(held)))

    def _mended(self, value: Block, task: TaskID | None) -> Generator[Any, Any, Value]:
        """Another value in place of what could not be read; or an error."""
        host, identity = self.host, value.object
        host.post(ev.HandlesArrived((identity,), task, None))
        for pause_s in host.apply(ev.CopyBroken(value, "is damaged")):
            yield from self.sleep(pause_s)
        known = host.worker.references.values
        while identity not in known:
            yield from self.values_of((identity,), 1, _LONG_S)
            if identity not in known and needs_call_on(host, identity):
                host.session.kill(host.me, "was killed by SIGKILL")
        brought = yield from self.bring((known[identity],))
        self.put_down(brought)
        return brought.get(identity) or known[identity]

    def _look_at(self, value: Block, task: TaskID | None) -> Generator[Any, Any, bytes | None]:
        assert value.node == self.host.worker.node, f"{value} is read on another node"
        self.host.post(ev.HandlesArrived((value.object,), task, None))
        memory, views = self.host.memory, self.host.worker.views
        token, place = next(views.tokens), value.offset
        views.viewing[token] = place
        if place in views.questioned or not memory.bears(place, value.object):
            views.viewing.pop(token)
            node, name = self.host.worker.node, value.name
            there = yield from self.ask(lambda request: ev.AskedSomething(node, BlockWanted(request, name)))
            place = there.place
            if place == NO_PLACE:
                self.host.post(ev.HandlesDropped((value.object,)))  # what it has is a copy
                assert not there.lost or self.host.truth.losses, f"{value} is lost: {there.lost}"
                if there.lost or rots(self.host.session):
                    return None
                return memory.peek(there.path, there.position, value.object)
            views.viewing[token] = place
            views.end_grant(there.request)
        self.views.append(View(value.object, place, token))
        return memory.read(place, value.object)

    def end_view(self, view: View) -> None:
        """It has been looked at all the time: it must still be what it was."""
        self.host.memory.read(view.place, view.object)
        del self.host.worker.views.viewing[view.token]

    def write(self, blob: bytes, identity: ObjectID, owner: WorkerID) -> Generator[Any, Any, Value | None]:
        """Put a large value into the arena; returns its Block, or None when there is no room."""
        node, size = self.host.worker.node, self.host.session.plan.large_bytes
        given = yield from self.ask(
            lambda request: ev.AskedSomething(node, BlockAsked(request, size, owner, identity))
        )
        while isinstance(given, BlockOnDisk):
            given = yield from self._write_to_disk(given, blob)
        if isinstance(given, BlockNoted):
            return Block(node, given.offset, size, identity)
        if not isinstance(given, BlockGiven):
            return None
        self._masked = True
        yield from self.sleep(self.host.kernel.random.uniform(0.0, 0.0003))
        self._masked = False
        block = self.host.memory.write(Block(node, given.offset, size, identity), blob)
        self.host.worker.views.end_grant(given.request)
        return block

    def _write_to_disk(self, given: BlockOnDisk, blob: bytes) -> Generator[Any, Any, Any]:
        """There is no room in memory: into the file that the node has named."""
        host, name = self.host, (given.offset, given.object)
        self._masked = True
        yield from self.sleep(host.kernel.random.uniform(0.0, 0.005))
        error = "no space left on device" if host.kernel.chance(host.session.plan.disk_failure) else ""
        if not error:
            host.memory.write_file(given.path, given.object, blob)
        crcs = (0,) * chunk_count(host.session.plan.large_bytes)
        node = host.worker.node
        answer = yield from self.ask(
            lambda request: ev.AskedSomething(node, BlockWritten(request, name, crcs, error))
        )
        return answer

    def drop_all(self, besides: Collection[ObjectID] = ()) -> None:
        """All handles go, as when a function's frame does; those of ``besides`` stay, one each."""
        for view in self.views:
            self.end_view(view)
            self.handles.append(view.object)
        self.views = []
        kept = [identity for identity in besides if identity in self.handles]
        for identity in kept:
            self.handles.remove(identity)
        if self.handles:
            self.host.post(ev.HandlesDropped(tuple(self.handles)))
        self.handles = kept
        if not kept:
            self.host.threads.pop(self, None)
