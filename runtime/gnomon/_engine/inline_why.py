"""``why`` on the inline engine: what waits here waits in this process, so that nobody needs to be asked."""

from __future__ import annotations

import linecache
import os
import time
from typing import TYPE_CHECKING, Any

from gnomon._core.ledger import Ledger
from gnomon._engine import notebook_hooks
from gnomon._engine.explaining.failures import explain_failure
from gnomon._engine.explaining.values import explain
from gnomon._engine.explaining.words import Seen
from gnomon._engine.explanation import PENDING, Explanation
from gnomon._engine.inline_actors import InlineActors
from gnomon._engine.inline_call import InlineCall
from gnomon._engine.inline_calls import InlineCalls
from gnomon._engine.inline_store import InlineObject, InlineStore
from gnomon._engine.inline_streams import InlineStream
from gnomon._engine.local_why import usual
from gnomon._messages import situations as told
from gnomon._messages.situations import Activity, ActorSeen, Awaited, Doing, Situation
from gnomon._wire import pickling
from gnomon.exceptions import SessionMismatchError
from gnomon.ids import HANDLE_INDEX, TASK_ID_BYTES, ActorID, ObjectID, actor_of, index_of, task_of

if TYPE_CHECKING:
    from gnomon._core.ledger import TaskRow


class InlineWhy:
    """The engine's tables, and what they say of one object."""

    def __init__(self, store: InlineStore, calls: InlineCalls, actors: InlineActors, ledger: Ledger) -> None:
        self._store = store
        self._calls = calls
        self._actors = actors
        self._ledger = ledger

    def why(self, identity: ObjectID) -> Explanation:
        """See ``Engine``."""
        call = self._calls.unfinished.get(task_of(identity))
        if index_of(identity) == HANDLE_INDEX and (call is None or not isinstance(call.sink, InlineStream)):
            return self._of_actor(identity)
        entry = self._store.entries().get(identity)
        if entry is not None and entry.blob is not None:
            return self._of_value(identity, entry, entry.blob)
        if call is None:
            return explain(Seen(Situation(identity)))
        return self._of_call(identity, call)

    def _of_value(self, identity: ObjectID, entry: InlineObject, blob: bytes) -> Explanation:
        situation = Situation(identity, told.VALUE, **self._facts(identity, entry.producer), size=len(blob))
        if not pickling.is_error(blob):
            return self._explained(situation, None)
        error = self._store.load(blob)
        assert isinstance(error, BaseException)
        return explain_failure(situation, error)

    def _of_call(self, identity: ObjectID, call: InlineCall) -> Explanation:
        facts = {**self._facts(identity, call.name), "attempt": call.attempt, "retries": call.attempts - 1}
        missing = self._calls.missing(call)
        if missing:
            awaits = tuple(map(self._awaited, missing))
            return self._explained(
                Situation(identity, told.WAITING, **facts, awaits=awaits, awaits_total=len(missing)), None
            )
        if isinstance(call.sink, InlineStream) and call.row.started:
            return Explanation(
                PENDING,
                f"{call.name} makes its next item when somebody waits for it: on the inline engine a generator runs in the "
                "thread that asks.",
            )
        actor = self._seen(call.actor_id) if call.actor_id is not None else None
        now = time.monotonic()
        same = [each for each in list(self._calls.unfinished.values()) if each.actor_id == call.actor_id]
        started = [each for each in same if each.row.started]
        running = tuple(Doing(each.task_id, each.name, now - each.row.started) for each in started[:5])
        waiting = [each for each in same if not each.row.started]
        place = 0 if call in started else waiting.index(call) + 1 if call in waiting else -1
        return self._explained(
            Situation(identity, told.SENT, **facts, pid=os.getpid(), actor=actor),
            Activity(place, len(waiting), running),
        )

    def _of_actor(self, identity: ObjectID) -> Explanation:
        actor = actor_of(identity)
        situation = Situation(identity, told.SENT, actor=self._seen(actor))
        calls = [each for each in list(self._calls.unfinished.values()) if each.actor_id == actor]
        now = time.monotonic()
        running = [
            Doing(each.task_id, each.name, now - each.row.started) for each in calls if each.row.started
        ]
        return self._explained(situation, Activity(-1, len(calls) - len(running), tuple(running[:5])))

    def _seen(self, actor_id: ActorID) -> ActorSeen:
        try:
            actor = self._actors.find(actor_id)
        except SessionMismatchError:
            return ActorSeen(actor_id)
        cause = actor.death.reason if actor.death is not None else ""
        missing = self._calls.missing(actor.creation) if actor.state == "pending" else []
        constructor = tuple(map(self._awaited, missing))
        name = actor.template.name
        return ActorSeen(actor_id, name, actor.state, cause, b"", os.getpid(), actor.restarts, constructor)

    def _awaited(self, identity: ObjectID) -> Awaited:
        entry = self._store.entries().get(identity)
        row = self._row(identity)
        if entry is None or row is None:
            return Awaited(identity, "" if entry is None else entry.producer)
        now = time.monotonic()
        state = told.SENT if row.started else told.UNKNOWN
        running = now - row.started if row.started else 0.0
        cell = self._ledger.cells.entries[row.cell][1]
        return Awaited(identity, entry.producer, state, now - row.created, running, cell, row.line)

    def _facts(self, identity: ObjectID, producer: str) -> dict[str, Any]:
        row = self._row(identity)
        if row is None:
            return {"producer": producer}
        now = time.monotonic()
        return {
            "producer": producer,
            "cell": self._ledger.cells.entries[row.cell][1],
            "line": row.line,
            "age": now - row.created,
            "sent": now - row.started if row.started else 0.0,
            "took": row.finished - row.started if row.finished and row.started else 0.0,
        }

    def _row(self, identity: ObjectID) -> TaskRow | None:
        return self._ledger.row_of(identity[:TASK_ID_BYTES])

    def _explained(self, situation: Situation, activity: Activity | None) -> Explanation:
        return explain(
            Seen(
                situation,
                activity,
                others=usual(self._ledger, situation),
                cell_name=notebook_hooks.cell_name or (lambda file: None),
                source=lambda file, line: linecache.getline(file, line).strip(),
            )
        )
