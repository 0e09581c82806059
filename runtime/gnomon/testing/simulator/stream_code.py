"""Stream code: what bodies do with generators that they have submitted: take items, wait, close, let go.

A stream is a variable of its own kind; the items taken from it are ordinary variables. Whoever sees the end
has seen every item once and in order, or an error as the last one: ``stream_watch``.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from typing import Any

from gnomon._core import events as ev
from gnomon._messages.failures import STREAM_END, is_failure
from gnomon.ids import COMPLETION_INDEX, HANDLE_INDEX, ObjectID, TaskID, object_id
from gnomon.testing.simulator.code import Frame
from gnomon.testing.simulator.programs import Body, Step
from gnomon.testing.simulator.threads import Waiting
from gnomon.testing.simulator.truth import TaskFacts


class StreamVariable:
    """A generator, from its consumer.

    Attributes:
        taken: items so far.
        erred: the last of them was an error.
        failed: the same, and it was not one instead of an item that was lost: nothing may follow.
        closed: no more are wanted.
    """

    __slots__ = ("closed", "erred", "facts", "failed", "handle", "taken")

    def __init__(self, facts: TaskFacts) -> None:
        self.facts = facts
        self.handle = object_id(facts.task, HANDLE_INDEX)
        self.taken = 0
        self.erred = False
        self.failed = False
        self.closed = False


class StreamFrame(Frame):
    """One body being run, but for what it does with actors."""

    def __init__(self, host: Any, body: Body, task: TaskID | None) -> None:
        super().__init__(host, body, task)
        self.streams: list[StreamVariable] = []

    def _expect(self, facts: TaskFacts) -> None:
        body = facts.body
        if not body.generates:
            super()._expect(facts)
            return
        self.host.session.bodies[body.number] = body
        self.host.watch.submitted(facts)
        objects, task = self.host.truth.objects, facts.task
        objects[object_id(task, COMPLETION_INDEX)] = (body.number, 0)
        for index in range(1, body.items + 2 + body.dynamic):  # the last may be an error
            objects[object_id(task, index)] = (body.number, index)
        if body.dynamic:
            self.handles.append(object_id(task, 1))
        else:
            self.streams.append(StreamVariable(facts))

    def _stream(self, step: Step) -> StreamVariable | None:
        return self.streams[step.picks[0] % len(self.streams)] if self.streams else None

    # -- steps -----------------------------------------------------------------------------------------------

    def _step_next(self, step: Step) -> Waiting:
        stream = self._stream(step)
        if stream is not None:
            yield from self._take(stream, self._patience())

    def _step_drain(self, step: Step) -> Waiting | None:
        stream = self._stream(step)
        return self._drain(stream, self._patience()) if stream is not None else None

    def _step_close(self, step: Step) -> Waiting | None:
        stream = self._stream(step)
        return self._close(stream) if stream is not None else None

    def _close(self, stream: StreamVariable) -> Waiting:
        """When it returns, nobody gets another item."""
        stream.closed = True
        for pause_s in self.host.apply(ev.StreamClosed(stream.facts.task)):
            yield from self.sleep(pause_s)
        if not self.host.alive:
            yield  # for ever

    def _step_let_go(self, step: Step) -> None:
        stream = self._stream(step)
        if stream is not None:
            self._let_go(stream)

    def _step_complete(self, step: Step) -> Waiting | None:
        """Ask for the object that tells of the end, and let the generator come there."""
        stream = self._stream(step)
        if stream is None or stream.closed:
            return None
        self.host.post(ev.CompletionWanted(stream.facts.task))
        self.handles.append(object_id(stream.facts.task, COMPLETION_INDEX))
        if step.picks[0] % 2:
            self._let_go(stream)
            return None
        return self._drain(stream, self._patience())

    # -- items -----------------------------------------------------------------------------------------------

    def _take(self, stream: StreamVariable, patience: float | None) -> Generator[Any, Any, bool]:
        """The next item, if there is one in time. False when there is none, or no more."""
        item = object_id(stream.facts.task, stream.taken + 1)
        yield from self.values_of((item,), 1, patience)
        value = self.host.worker.references.values.get(item)
        if value is None:
            return False
        if value == STREAM_END:
            if not stream.closed:
                self.host.watch.streams.over(stream.facts, stream.erred)
            self._let_go(stream)
            return False
        assert not stream.failed, f"item {stream.taken + 1} of {stream.facts.task.hex()} follows an error"
        stream.taken += 1
        stream.erred = is_failure(value)
        stream.failed = stream.erred and item not in self.host.truth.lost
        self.host.watch.streams.taken(stream.facts, stream.taken)
        self.host.post(ev.ItemTaken(stream.facts.task, stream.taken))
        self.handles.append(item)
        return True

    def _drain(self, stream: StreamVariable, patience: float | None) -> Waiting:
        while (yield from self._take(stream, patience)):
            pass

    def _let_go(self, stream: StreamVariable) -> None:
        self.streams.remove(stream)
        self.host.post(ev.HandlesDropped((stream.handle,)))

    def drop_all(self, besides: Collection[ObjectID] = ()) -> None:
        """All handles go, those on generators too."""
        for stream in list(self.streams):
            self._let_go(stream)
        super().drop_all(besides)
