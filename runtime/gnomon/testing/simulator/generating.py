"""Item makers: generators being run by the executing threads of a simulated worker.

An item is a stretch of the user's code of its own: an interrupt strikes in it, or while the generator waits
for room, not while the item is written and sent. It stands in for ``_shell.generating``.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from gnomon._core import events as ev
from gnomon._messages.base import Value
from gnomon._messages.tasks import DYNAMIC, STREAMING, CallPushed, TaskPushed
from gnomon.ids import ObjectID, TaskID, WorkerID, object_id
from gnomon.testing.simulator.threads import Waiting
from gnomon.testing.simulator.values import Ref, distinct, dump, dump_error

if TYPE_CHECKING:
    from gnomon.testing.simulator.actor_code import Code
    from gnomon.testing.simulator.executor import Lanes

_ROOM_WAIT_S = 0.01
"""One that waits longer than this for its consumer counts as blocked."""


class ItemMaker:
    """The generators of one process."""

    def __init__(self, executor: Lanes) -> None:
        self._executor = executor
        self._host = executor.host
        self._production = executor.host.worker.production
        self._waiting: dict[TaskID, tuple[Code, int]] = {}

    def wake(self, task: TaskID) -> None:
        """There may be room."""
        waiting = self._waiting.pop(task, None)
        if waiting is not None:
            waiting[0].resume(waiting[1], None)

    def run(
        self, thread: Code, owner: WorkerID, message: TaskPushed | CallPushed
    ) -> Generator[Any, Any, tuple[int, list[Value], bool]]:
        """Make the items; returns how many, the values that TaskFinished carries, and whether the body raises.

        Raises:
            InterruptedError: it was cancelled.
        """
        body = thread.body
        count = body.items if not (body.shrinks and message.attempt) else body.items // 2
        stops = body.items // 2 if message.attempt < body.raises else count + 1
        made = 0
        while made < count:
            self._refuse_cancelled(message.task)
            yield from thread.sleep(body.duration_s * self._host.kernel.random.uniform(0.5, 1.5))
            if made == stops:
                break
            made += 1
            if made > message.skip:
                yield from self._deliver(thread, owner, message, made)
            limit = message.backpressure if message.num_returns == STREAMING else 0
            yield from self._wait_for_room(thread, message.task, made, limit)
        if stops <= count:
            return made, [dump_error(body.number), self.result(message, made + 1, body.number)], True
        return made, [self.result(message, made, body.number)], False

    def _refuse_cancelled(self, task: TaskID) -> None:
        if self._executor.execution.is_cancelled(task):
            raise InterruptedError

    def result(self, message: TaskPushed | CallPushed, count: int, number: int) -> Value:
        """What comes besides the items: the list of references to them, or nothing."""
        if message.num_returns != DYNAMIC:
            return dump([number, 0])
        items = tuple(object_id(message.task, index + 1) for index in range(1, count + 1))
        self._host.truth.lists[object_id(message.task, 1)] = items
        return dump([number, 1, *map(Ref, items)])

    def _deliver(
        self, thread: Code, owner: WorkerID, message: TaskPushed | CallPushed, index: int
    ) -> Waiting:
        """Send an item; every other one carries a value whose only handle goes with it."""
        body = thread.body
        result = index + body.dynamic
        identity = object_id(message.task, result)
        picks = body.results[index % len(body.results)]
        inner = thread.pick(picks, actors=False) + thread.pick(picks[:1], actors=True)
        aside: tuple[ObjectID, ...] = ()
        if picks and picks[0] % 2:
            aside = (thread.put_aside(),)
            inner += aside
        blob = dump([body.number, result, *map(Ref, inner)])
        self._host.truth.contents[identity] = tuple(inner)
        value: Value | None = None
        if body.large:
            value = yield from thread.write(blob, identity, owner)
        self._host.post(ev.ItemProduced(message.task, index, value or blob, distinct(inner)))
        if aside:
            self._host.post(ev.HandlesDropped(aside))

    def _wait_for_room(self, thread: Code, task: TaskID, made: int, limit: int) -> Waiting:
        """Until the consumer is near enough; an interrupt strikes here as in the user's code."""
        host, blocked = self._host, False
        try:
            while not self._production.has_room(task, made, limit):
                self._refuse_cancelled(task)
                self._waiting[task] = (thread, thread.ticket())
                timer = None
                if not blocked and not self._executor.is_async:
                    timer = host.kernel.after(_ROOM_WAIT_S, self.wake, task)
                waited_since = host.kernel.now
                yield
                if timer is not None:
                    timer.cancel()
                if not blocked and timer is not None and host.kernel.now - waited_since >= _ROOM_WAIT_S:
                    blocked = host.overdrawn = True
                    host.post(ev.WaitStarted())
        finally:
            self._waiting.pop(task, None)
            if blocked:
                host.post(ev.WaitEnded())
