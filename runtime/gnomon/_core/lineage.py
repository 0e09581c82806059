"""Lineage: how an owner makes lost values again. One machine per process.

    value in the store ----> lost      no copy is left (``CopyLost``, a dead node), or only lineage needed it and
          ^                    |       it was freed
          |                    | somebody needs it
          +---- replay <-------+       the task that made it runs again, as its next attempt
                   |
                   +----> error        it may not, or it fails

A finished task that has large results leaves a ``Recipe``: its submission. A recipe names its arguments by
``Entry.lineage``: their entries stay, and so their own recipes, but a value that can be made again goes when nothing
else needs it. What can not be made again (a ``put``, a small value) stays, as in Ray: it is what the others are made
from. What others own is not kept for it, as in Ray, nor a handle of an actor, nor what holds one (``may_shed``): if
that is gone when it is needed, the error says so. Recipes go with the last entry of their results. Small results
need none: they are lost only with their owner.

To make a value again is an explicit list of work (``work``), however long the chain: a replay that misses an argument
asks for it by ``ReferenceMachine.need``, which ends in ``want`` again. Nothing runs that nobody waits for: what is lost and
needed by lineage alone stays lost.

Siblings: a replay gives values only to those results that are lost; another that is still there keeps its value,
since somebody may have seen it, and an object never changes. So two results of a task that does not compute the same
each time can come from two attempts. Within one object attempts are never mixed (a generator's items are objects).

The rule for a changer: one attempt of a task at a time. A result that is lost while its task runs waits in ``again``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from gnomon._core.borrowing import BorrowMachine
from gnomon._core.entry import EVICTED, KEPT, NO_RETRIES, UNNEEDED, USED_UP, Recipe
from gnomon._core.events import CallSubmitted, TaskSubmitted
from gnomon._core.ledger import TaskRow, TaskState
from gnomon._core.references import ReferenceMachine
from gnomon._core.streams import Stream, StreamMachine
from gnomon._messages.base import Block, Contained, Value
from gnomon._messages.failures import failure, is_failure, is_raised, read_failure
from gnomon._messages.tasks import DYNAMIC, ItemYielded, TaskFinished
from gnomon.ids import (
    HANDLE_INDEX,
    WORKER_ID_BYTES,
    ObjectID,
    TaskID,
    WorkerID,
    attempt_id,
    index_of,
    node_name,
    object_id,
    owner_of,
    task_of,
)

_RECIPE_BYTES = 1_000
"""What a recipe takes besides its arguments, about."""

_NO_ITEMS = 2**62
"""As a number of items to skip: all."""

_TOLD_AS_THEY_ARE = frozenset(
    {
        "ObjectLostError",
        "ObjectReconstructionFailedError",
        "ObjectFreedError",
        "OwnerDiedError",
        "TaskCancelledError",
    }
)
"""Errors of an argument, or of a replay, that need no other words around them."""


class Record(Protocol):
    """What the machines of tasks and calls know of an unfinished one."""

    @property
    def event(self) -> TaskSubmitted | CallSubmitted:
        """Its submission."""
        ...

    row: TaskRow
    attempt: int
    stream: Stream | None
    replay: Recipe | None


class Replayer(Protocol):
    """The machine of tasks, or of calls."""

    def replay(self, recipe: Recipe, stream: Stream | None, now: float) -> None:
        """Run it again, as attempt ``recipe.attempt``."""
        ...

    def is_unfinished(self, task: TaskID) -> bool:
        """Whether an attempt is under way."""
        ...


class LineageMachine:
    """The recipes of what this process owns.

    Args:
        replayers: the machines of tasks and of calls.
        now: the time of the event that is being handled.

    Attributes:
        recipes: those that are KEPT, oldest first.
        bytes_max: of these together; beyond, the oldest are given up, and their results can not be made again.
        bytes: of these together now.
        again: by unfinished task, the results that were lost since it began.
        work: lost values that somebody needs, until ``run``.
        reasons: what is known of how some of these were lost.
    """

    def __init__(
        self,
        references: ReferenceMachine,
        borrowing: BorrowMachine,
        streams: StreamMachine,
        replayers: Callable[[], tuple[Replayer, Replayer]],
        now: Callable[[], float],
        bytes_max: int = 1 << 30,
    ) -> None:
        self.references = references
        self.borrowing = borrowing
        self.streams = streams
        self._replayers = replayers
        self._now = now
        self.bytes_max = bytes_max
        self.bytes = 0
        self.recipes: dict[TaskID, Recipe] = {}
        self.again: dict[TaskID, dict[ObjectID, None]] = {}
        self.work: list[ObjectID] = []
        self.reasons: dict[ObjectID, str] = {}
        references.on_output_gone = self._on_output_gone
        references.on_lost_wanted = self.want

    # -- keeping --------------------------------------------------------------------------------------------------

    def keep(self, record: Record, state: TaskState, values: tuple[Value, ...]) -> Recipe | None:
        """A task has finished, and its arguments are still held: keep what is needed to run it again."""
        event = record.event
        if state != TaskState.DONE:
            return None
        if record.replay is not None:
            return record.replay
        outputs = self._large_results(record, values)
        if not outputs:
            return None
        recipe = Recipe(event, record.row, record.attempt, outputs, len(outputs))
        entries = self.references.entries
        for identity in outputs:
            entries[identity].recipe = recipe
        if isinstance(event, CallSubmitted):
            event.pending = None  # it has been counted
        if not event.max_retries:
            recipe.state = NO_RETRIES
            return recipe
        mine = self.references.me
        recipe.arguments = tuple(
            identity
            for identity in event.dependencies + event.contained
            if owner_of(identity) == mine and index_of(identity) != HANDLE_INDEX
        )
        for identity in recipe.arguments:
            entries[identity].lineage += 1
        recipe.size = _RECIPE_BYTES + (len(event.arguments) if isinstance(event.arguments, bytes) else 0)
        self.bytes += recipe.size
        self.recipes[event.task] = recipe
        return recipe

    def hold_again(self, event: TaskSubmitted | CallSubmitted) -> tuple[ObjectID, ...]:
        """The arguments of a task that runs again are held, as those of a new one; also borrowed again, if need be."""
        mine = self.references.me
        holds = event.dependencies + event.contained
        self.references.hold(identity for identity in holds if owner_of(identity) == mine)
        theirs = tuple(identity for identity in holds if owner_of(identity) != mine)
        if theirs:
            self.borrowing.handles_arrived(theirs, None, None)
        return holds

    def _large_results(self, record: Record, values: tuple[Value, ...]) -> tuple[ObjectID, ...]:
        event = record.event
        entries = self.references.entries
        if record.stream is None:
            large = [
                object_id(event.task, index)
                for index, value in enumerate(values, 1)
                if isinstance(value, Block)
            ]
            return tuple(identity for identity in large if identity in entries)
        known = self.references.values
        items = record.stream.items(1, record.stream.produced)
        # also those that were lost while it ran
        found = [
            each
            for each in items
            if isinstance(known.get(each), Block) or (each in entries and entries[each].lost is not None)
        ]
        if event.num_returns == DYNAMIC and isinstance(values[-1], Block):
            found.append(object_id(event.task, 1))
        return tuple(identity for identity in found if identity in entries)

    def settled(self, recipe: Recipe) -> None:
        """The results of this task have their values, and its arguments are no longer held by it."""
        references = self.references
        entries = references.entries
        self._give_up_if_used_up(recipe)
        while self.bytes > self.bytes_max:
            self._give_up(next(iter(self.recipes.values())), EVICTED)
        for identity in recipe.outputs:
            entry = entries.get(identity)
            value = references.values.get(identity)
            if entry is None or not isinstance(value, Block):
                continue
            if not entry.is_needed:
                references.sweep([identity])
            elif references.is_lost(WorkerID(value.node)):  # it died before we heard of the result
                self.lost(identity, WorkerID(value.node))

    def _give_up_if_used_up(self, recipe: Recipe) -> None:
        if recipe.state == KEPT and 0 <= recipe.event.max_retries <= recipe.attempt:
            self._give_up(recipe, USED_UP)

    def _give_up(self, recipe: Recipe, state: int) -> None:
        """Its results can not be made again from now on."""
        recipe.state = state
        self.references.sweep(list(self._drop(recipe)))

    def _on_output_gone(self, recipe: Recipe) -> Iterable[ObjectID]:
        recipe.alive -= 1
        if recipe.alive or recipe.state != KEPT:
            return ()
        recipe.state = UNNEEDED
        return self._drop(recipe)

    def _drop(self, recipe: Recipe) -> tuple[ObjectID, ...]:
        """Forget a recipe; returns its arguments, which may go if nothing else needs them."""
        del self.recipes[recipe.event.task]
        self.bytes -= recipe.size
        entries = self.references.entries
        for identity in recipe.arguments:
            entries[identity].lineage -= 1
        arguments, recipe.arguments = recipe.arguments, ()
        return arguments

    # -- losses ---------------------------------------------------------------------------------------------------

    def lost(self, identity: ObjectID, node: WorkerID, reason: str = "") -> None:
        """No copy of an own value is left; the last was on ``node``, and ``reason`` says more."""
        references = self.references
        entry, value = references.entries[identity], references.values.pop(identity)
        assert isinstance(value, Block), f"{identity.hex()} can not be lost"
        references.copies.pop(identity, None)
        references.block_use.part(value)
        references.rows.lose(identity, entry)
        entry.lost = node
        if entry.is_needed or entry.recipe is None or entry.recipe.state != KEPT:
            if reason:
                self.reasons[identity] = reason
            self.want(identity)

    def want(self, identity: ObjectID) -> None:
        """Somebody needs a lost value: make it again, when the event that is being handled has been."""
        self.work.append(identity)

    def run(self) -> None:
        """At the end of each batch of events."""
        while self.work:
            self._make(self.work.pop())

    def _make(self, identity: ObjectID) -> None:
        entry, reason = self.references.entries.get(identity), self.reasons.pop(identity, "")
        if entry is None or entry.lost is None:
            return
        task = task_of(identity)
        for replayer in self._replayers():
            if replayer.is_unfinished(task):
                self._make_later(task, identity)
                return
        recipe = entry.recipe
        if recipe is None or recipe.state != KEPT:
            self.references.fulfil(identity, self._why_not(identity, recipe, reason))
            return
        recipe.why_lost = reason
        recipe.attempt += 1
        stream = self._stream_again(recipe) if recipe.event.num_returns < 0 else None
        tasks, calls = self._replayers()
        (calls if isinstance(recipe.event, CallSubmitted) else tasks).replay(recipe, stream, self._now())

    def _make_later(self, task: TaskID, identity: ObjectID) -> None:
        stream = self.streams.streams.get(task)
        if stream is not None and stream.backpressure and not stream.ended:
            # It may go on only when this item has been taken, or never end at all.
            reason = self._where(identity) + (
                f", and its generator {stream.producer}, which waits for its consumer, has not ended"
            )
            self.references.fulfil(identity, _lost_error("ObjectLostError", identity, reason))
            return
        self.again.setdefault(task, {})[identity] = None

    def go_on(self, task: TaskID) -> None:
        """A task has finished some of whose results were lost meanwhile."""
        for identity in self.again.pop(task, ()):
            self.want(identity)

    def _stream_again(self, recipe: Recipe) -> Stream:
        """As what a generator's items come that are lost: its room is unlimited, and it begins after the last item
        that is not wanted.
        """
        stream = Stream(recipe.event, recipe.row.cell)
        stream.closed = True
        items = [
            index_of(identity) - stream.dynamic
            for identity in recipe.outputs
            if self._is_wanted(identity) and index_of(identity) > stream.dynamic
        ]
        stream.produced = stream.taken = min(items) - 1 if items else _NO_ITEMS
        return stream

    def _is_wanted(self, identity: ObjectID) -> bool:
        entry = self.references.entries.get(identity)
        return entry is not None and entry.lost is not None and entry.is_needed

    # -- what a replay brings -------------------------------------------------------------------------------------

    def on_item(self, record: Record, worker: WorkerID, message: ItemYielded) -> None:
        """A generator that runs again has made an item."""
        stream = record.stream
        assert stream is not None
        identity = stream.item(message.index)
        if message.index <= stream.produced or not self._is_wanted(identity):
            self.streams.drop_item(worker, message)
        else:
            if message.inner:
                contained = (Contained(identity, message.inner),)
                attempt = attempt_id(stream.task, message.attempt)
                self.borrowing.adopt_contained(worker, attempt, contained, message.index)
            self.references.fulfil(identity, message.value)
        stream.produced = max(stream.produced, message.index)

    def is_made(self, record: Record) -> bool:
        """Whether a generator that runs again has brought all that it was to bring: its items come one by one."""
        assert record.replay is not None
        if record.stream is None:
            return False
        outputs = (
            *record.replay.outputs,
            object_id(record.event.task, 1),
        )  # a dynamic one's list, which may be small
        return not any(self._is_wanted(identity) for identity in outputs)

    def adopt_contained(self, worker: WorkerID, message: TaskFinished) -> None:
        """References inside the results: of those that were lost."""
        contained = tuple(each for each in message.contained if self._is_wanted(each.outer))
        self.borrowing.adopt_contained(worker, attempt_id(message.task, message.attempt), contained)

    def settle(self, record: Record, state: TaskState, values: tuple[Value, ...]) -> None:
        """A replay has finished: the only way for it to end."""
        event = record.event
        assert record.replay is not None
        record.replay.attempt = record.attempt
        self._give_up_if_used_up(record.replay)
        if record.stream is not None:
            self._settle_items(record, record.stream, state, values)
            return
        for index in range(event.num_returns):
            value = values[min(index, len(values) - 1)]
            self._settle_one(object_id(event.task, index + 1), value, record)

    def _settle_items(
        self, record: Record, stream: Stream, state: TaskState, values: tuple[Value, ...]
    ) -> None:
        if stream.dynamic:
            identity = object_id(stream.task, 1)
            entry = self.references.entries.get(identity)
            # A small list that may hold an actor was freed with its items, and would come back without them.
            shed = entry is not None and entry.lost is not None and entry.recipe is None
            self._settle_one(identity, self._why_not(identity, None, "") if shed else values[-1], record)
        assert record.replay is not None
        again = self.again.get(stream.task, ()) if state != TaskState.CANCELLED else ()
        for identity in record.replay.outputs:
            # What was lost since it began is in ``again``: before ``taken``, or when it had just been made again.
            number = index_of(identity) - stream.dynamic
            if identity in again and number <= stream.produced:
                continue
            if self._is_wanted(identity) and number > stream.taken:
                fewer = state == TaskState.DONE
                value = failure("StreamingGeneratorReplayInconsistentError") if fewer else values[0]
                self._settle_one(identity, value, record)

    def _settle_one(self, identity: ObjectID, value: Value, record: Record) -> None:
        if not self._is_wanted(identity):
            self.references.fulfil_nobody(identity, value)
            return
        if is_failure(value) and not is_raised(value):
            assert isinstance(value, bytes)
            name, fields = read_failure(value)
            if name not in _TOLD_AS_THEY_ARE:
                where = self._where(identity, record.replay.why_lost if record.replay is not None else "")
                reason = f"{where}, and running {record.event.group} again ended with {name}"
                reason += f" ({fields['reason']})" if fields.get("reason") else ""
                value = self._reconstruction_failed(identity, reason, record.event.group, record.attempt + 1)
        self.references.fulfil(identity, value)

    # -- the story ------------------------------------------------------------------------------------------------

    def _where(self, identity: ObjectID, reason: str = "") -> str:
        node = self.references.entries[identity].lost
        if not node:
            return "it was freed because only tasks that might have to run again needed it"
        if reason:
            return f"its only copy was on {node_name(node)}, and {reason}"
        return f"its only copy was on {node_name(node)}, which no longer has it"

    def _why_not(self, identity: ObjectID, recipe: Recipe | None, reason: str) -> bytes:
        where = self._where(identity, reason)
        if recipe is None:
            producer = self.references.entries[identity].producer
            if not self.references.entries[identity].lost:
                reason = (
                    f"it holds an actor, which would have lived as long as what {producer} was used for, "
                    f"so it was freed when nothing else needed it"
                )
            elif producer == "put":
                reason = f"{where}, and what put() has stored can not be computed again"
            else:
                reason = f"{where}, and {producer}, which made it, did not end well"
            return _lost_error("ObjectLostError", identity, reason, producer)
        name, runs = recipe.event.group, recipe.attempt + 1
        option = "max_task_retries" if isinstance(recipe.event, CallSubmitted) else "max_retries"
        if recipe.state == NO_RETRIES:
            reason = f"{where}, and {name}, which made it, may run only once ({option}=0)"
            return _lost_error("ObjectLostError", identity, reason, name, runs)
        if recipe.state == EVICTED:
            reason = (
                f"{where}, and what {name}, which made it, needs to run again was forgotten: "
                f"that of all such tasks took more than lineage_max_bytes={self.bytes_max:,}"
            )
        else:
            reason = (
                f"{where}, and {name}, which made it, has run {runs} times, as {option}={runs - 1} allows"
            )
        return self._reconstruction_failed(identity, reason, name, runs)

    def _reconstruction_failed(self, identity: ObjectID, reason: str, producer: str, attempts: int) -> bytes:
        return _lost_error("ObjectReconstructionFailedError", identity, reason, producer, attempts)

    def check(self) -> None:
        """OR12, LN1: recipes are kept exactly while a result of theirs is; arguments count the recipes that name them."""
        lineage: dict[ObjectID, int] = {}
        entries = self.references.entries
        for task, recipe in self.recipes.items():
            assert recipe.state == KEPT
            assert recipe.event.task == task
            # An own object that was freed and is named again has another entry.
            held = [each for each in recipe.outputs if each in entries and entries[each].recipe is recipe]
            assert recipe.alive == len(held) > 0, task.hex()
            for identity in recipe.arguments:
                lineage[identity] = lineage.get(identity, 0) + 1
        assert self.bytes == sum(recipe.size for recipe in self.recipes.values())
        unfinished = self._replayers()
        for identity, entry in entries.items():
            assert entry.lineage == lineage.pop(identity, 0), identity.hex()
            if entry.lost is not None:
                assert identity[:WORKER_ID_BYTES] == self.references.me
                under_way = any(machine.is_unfinished(task_of(identity)) for machine in unfinished)
                waited_for = entry.tokens or entry.wanted or identity in self.references.dependents
                waited_for = (
                    waited_for and entry.is_needed
                )  # who waits holds it; one that waited may have ended
                assert under_way or not waited_for, f"nobody makes {identity.hex()}, which is waited for"
        assert not lineage, "arguments of recipes are gone"
        assert self.work or not self.reasons


def _lost_error(name: str, identity: ObjectID, reason: str, producer: str = "", attempts: int = 0) -> bytes:
    return failure(name, object_ref_hex=identity.hex(), reason=reason, producer=producer, attempts=attempts)
