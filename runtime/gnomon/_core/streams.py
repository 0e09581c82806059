"""Streams: generators as the owner of their task sees them. One machine per process.

    items      1 .. taken   taken+1 .. produced   produced+1
               the user's   held by the stream    the entry ahead: whoever waits for the next item waits for it

Items are ordinary owned objects, results 1, 2, ... of the task. There is always one entry ahead of what has
come: when item i arrives, i is fulfilled and i+1 expected, and at the end the entry ahead gets STREAM_END. So
to wait for the next item is to wait for an object, and an error is an item, the last. Taking an item hands
the stream's hold on it over to a handle of the user's.

    open ----> ended     the task has finished
      |          |
      +----------+----> closed: ``close``, or nobody holds the handle object (index 0) any more: items that
                        were not taken are let go, the task is cancelled, what it still sends is dropped

A closed stream has one entry, STREAM_END where the next item would be, until the handle is gone too. The
items of a DYNAMIC generator are results 2, 3, ...: nobody sees them before the end, when result 1 becomes the
list that contains them. The rule for a changer: an item is accepted from the present attempt alone (its
task's machine asks here only then), and only if it is the one after ``produced``.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.borrowing import BorrowMachine
from gnomon._core.events import CallSubmitted, TaskSubmitted
from gnomon._core.references import ReferenceMachine
from gnomon._messages.base import Contained, Value
from gnomon._messages.failures import STREAM_END, failure
from gnomon._messages.tasks import DYNAMIC, OK, RAISED, ItemYielded, TaskFinished
from gnomon.ids import COMPLETION_INDEX, HANDLE_INDEX, ObjectID, TaskID, WorkerID, attempt_id, object_id

UNLIMITED = 2**62
"""As a number of items taken: back-pressure is over."""


class Stream:
    """One generator.

    Attributes:
        producer: name of its function, for the rows of its items.
        produced: items that have come; an error in place of an item counts.
        taken: items that the user's code has taken.
        ended: its task has finished; ``result`` is what the completion object gets.
        closed: nobody wants more items.
        dropped: nobody holds the handle.
    """

    __slots__ = ("backpressure", "cell", "closed", "dropped", "dynamic", "ended", "produced", "producer", "result",
                 "taken", "task")  # fmt: skip

    def __init__(self, event: TaskSubmitted | CallSubmitted, cell: int) -> None:
        self.task = event.task
        self.producer = event.group
        self.cell = cell
        self.dynamic = event.num_returns == DYNAMIC
        self.backpressure = 0 if self.dynamic else event.backpressure  # nobody takes items before the end
        self.produced = 0
        self.taken = 0
        self.ended = False
        self.closed = False
        self.dropped = False
        self.result: Value = b""

    @property
    def room(self) -> int:
        """How many items its consumer has taken, as its executor is to count them; 0 needs no telling."""
        if not self.backpressure:
            return 0
        return UNLIMITED if self.closed else self.taken

    def item(self, index: int) -> ObjectID:
        """The object that item ``index`` is."""
        return object_id(self.task, index + self.dynamic)

    def items(self, first: int, last: int) -> tuple[ObjectID, ...]:
        """Items ``first`` to ``last``, both included."""
        return tuple(self.item(index) for index in range(first, last + 1))


class StreamMachine:
    """The generators that this process owns.

    Args:
        abandon: cancels the task of a stream that nobody wants more items of.
        tell_room: tells the task's executor how many items count as taken.

    Attributes:
        streams: by task, until the handle is gone and the task has finished; DYNAMIC ones until that.
    """

    def __init__(
        self,
        references: ReferenceMachine,
        borrowing: BorrowMachine,
        abandon: Callable[[TaskID], None],
        tell_room: Callable[[TaskID, int], None],
    ) -> None:
        self.references = references
        self.borrowing = borrowing
        self._abandon = abandon
        self._tell_room = tell_room
        self.streams: dict[TaskID, Stream] = {}

    def open(self, event: TaskSubmitted | CallSubmitted, cell: int) -> Stream:
        """A generator is submitted: the user has a handle on it (DYNAMIC: on its result)."""
        stream = self.streams[event.task] = Stream(event, cell)
        if stream.dynamic:
            self._expect(stream, object_id(event.task, 1))
        else:
            self._expect(stream, object_id(event.task, HANDLE_INDEX))
            self._expect(stream, stream.item(1))
        return stream

    def _expect(self, stream: Stream, identity: ObjectID) -> None:
        self.references.expect(identity, stream.producer, stream.cell)

    # -- the producer ---------------------------------------------------------------------------------------------

    def on_item(self, stream: Stream, worker: WorkerID, message: ItemYielded) -> None:
        """The present attempt has made an item."""
        index = message.index
        if stream.dynamic and object_id(stream.task, 1) not in self.references.entries:
            stream.closed = True
        if index <= stream.produced or stream.closed:
            self.drop_item(worker, message)
            return
        assert index == stream.produced + 1, f"{stream.producer}: item {index} after {stream.produced}"
        identity = stream.item(index)
        stream.produced = index
        # Before its value is there: who sees that finds the next entry.
        self._expect(stream, identity if stream.dynamic else stream.item(index + 1))
        if message.inner:
            attempt = attempt_id(stream.task, message.attempt)
            contained = (Contained(identity, message.inner),)
            self.borrowing.adopt_contained(worker, attempt, contained, message.index)
        self.references.fulfil(identity, message.value)

    def drop_item(self, worker: WorkerID, message: ItemYielded) -> None:
        """An item that nobody waits for: its block and what it holds must still be let go."""
        self.references.fulfil_nobody(object_id(message.task, message.index), message.value)
        if message.inner:
            self.borrowing.adopt_contained(
                worker, attempt_id(message.task, message.attempt), (), message.index
            )

    def adopt_contained(self, stream: Stream | None, worker: WorkerID, message: TaskFinished) -> None:
        """What a finished task's results hold; of a generator's only an error does: its last item."""
        contained = message.contained
        if stream is not None:
            if message.items != stream.produced or len(message.values) < 2:
                contained = ()
            elif stream.dynamic:
                self._expect(stream, stream.item(stream.produced + 1))
        self.borrowing.adopt_contained(worker, attempt_id(message.task, message.attempt), contained)

    def finish(self, stream: Stream, values: tuple[Value, ...], message: TaskFinished | None) -> None:
        """The task has finished, with ``message`` or without a word: the only way for a stream to end.

        Args:
            stream: the task's.
            values: the result of one that went well; else the error, and after it the result if the
                generator itself raised it.
            message: of the attempt that counts; None when it was lost, cancelled or never made.
        """
        if message is not None and message.outcome in (OK, RAISED) and message.items < stream.produced:
            if message.outcome == OK:
                values = (failure("StreamingGeneratorReplayInconsistentError"),)
            else:
                values = values[:1]
            error: Value | None = values[0]
        else:
            error = None if message is not None and message.outcome == OK else values[0]
        stream.ended = True
        if stream.dynamic:
            self._finish_list(stream, values, error)
            return
        references = self.references
        if not stream.closed:
            if error is not None:
                stream.produced += 1
                self._expect(stream, stream.item(stream.produced + 1))
                references.fulfil(stream.item(stream.produced), error)
            references.mark(stream.item(stream.produced + 1), STREAM_END)
        stream.result = values[-1]
        references.fulfil(object_id(stream.task, COMPLETION_INDEX), stream.result)
        if stream.dropped:
            del self.streams[stream.task]

    def _finish_list(self, stream: Stream, values: tuple[Value, ...], error: Value | None) -> None:
        """The end of a DYNAMIC generator: its items become the contents of result 1, or go."""
        references = self.references
        del self.streams[stream.task]
        if error is not None and len(values) == 2:
            stream.produced += 1
            if stream.item(stream.produced) not in references.entries:
                self._expect(stream, stream.item(stream.produced))
            references.fulfil(stream.item(stream.produced), error)
        items = stream.items(1, stream.produced)
        result = object_id(stream.task, 1)
        entry = references.entries.get(result)
        if entry is None or stream.closed:
            references.release(items)
            references.fulfil_nobody(result, values[-1])
            return
        if error is None or len(values) == 2:
            entry.inner = items
        else:
            references.release(items)
        references.fulfil(result, values[-1])

    # -- the consumer ---------------------------------------------------------------------------------------------

    def take(self, task: TaskID, index: int) -> None:
        """The user's code has an item; the stream's hold on it is now that of a handle."""
        stream = self.streams[task]
        assert index == stream.taken + 1, f"{stream.producer}: item {index} taken after {stream.taken}"
        assert index <= stream.produced, f"{stream.producer}: item {index} taken of {stream.produced}"
        stream.taken = index
        if stream.backpressure and not stream.ended:
            self._tell_room(task, stream.room)

    def want_completion(self, task: TaskID) -> None:
        """The user's code has a handle on the object that tells of the end."""
        stream = self.streams[task]
        identity = object_id(task, COMPLETION_INDEX)
        if identity in self.references.entries:
            self.references.hold((identity,))
            return
        self._expect(stream, identity)
        if stream.ended:
            self.references.fulfil(identity, stream.result)

    def close(self, task: TaskID) -> None:
        """``close``: no more items; whoever waits for one is told."""
        stream = self.streams[task]
        if stream.closed:
            return
        stream.closed = True
        references = self.references
        following, ahead = stream.item(stream.taken + 1), stream.item(stream.produced + 1)
        references.mark(ahead, STREAM_END)
        if following != ahead:
            references.release(stream.items(stream.taken + 1, stream.produced + 1))
            self._expect(stream, following)
            references.mark(following, STREAM_END)
        if stream.ended:
            return
        if object_id(task, COMPLETION_INDEX) in references.entries:
            self._tell_room(task, stream.room)  # somebody still waits for its end
        else:
            self._abandon(task)

    def drop(self, task: TaskID) -> bool:
        """Nobody holds the handle any more. False when there is no such stream."""
        stream = self.streams.get(task)
        if stream is None:
            return False
        self.close(task)
        stream.dropped = True
        self.references.release((stream.item(stream.taken + 1),))
        if stream.ended:
            del self.streams[task]
        return True

    def check(self) -> None:
        """What was not taken is held and has its value; the entry ahead has one only at the end."""
        references = self.references
        for task, stream in self.streams.items():
            assert stream.task == task
            if stream.dynamic:
                assert not stream.ended, f"{stream.producer} has ended and is still here"
                first, last = 1, stream.produced
            elif stream.closed:
                assert stream.dropped or references.values.get(stream.item(stream.taken + 1)) == STREAM_END
                assert not (stream.dropped and stream.ended), f"{stream.producer} is kept by nobody"
                continue
            else:
                first, last = stream.taken + 1, stream.produced
                assert object_id(task, HANDLE_INDEX) in references.entries, (
                    f"{stream.producer} has no consumer"
                )
                ahead = stream.item(last + 1)
                assert ahead in references.entries, f"{stream.producer}: nothing is ahead of item {last}"
                assert (references.values.get(ahead) == STREAM_END) == stream.ended
            for identity in stream.items(first, last):
                assert references.entries[identity].holds > 0, identity.hex()
                lost = references.entries[identity].lost is not None
                assert lost or identity in references.values, identity.hex()
