"""Situations: what the books of a process say of one object, of an actor, or of what runs here. Told when somebody asks.

Like ``holdings`` it only reads: nothing is noted for it while nobody asks, so it knows what the machines know and no more.
The sentences are made elsewhere (``_engine.explaining``). The rule for a changer: a new reason for which a task
waits gets a field here, else people are told another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from gnomon._core.actor_client import ActorClient
from gnomon._core.call_queue import CallRecord
from gnomon._core.effects import AnswerRequest, Effects, TellActivity
from gnomon._core.entry import Entry
from gnomon._core.events import AskedHere
from gnomon._core.ledger import TaskRow, TaskState
from gnomon._core.records import TaskRecord
from gnomon._core.streams import Stream
from gnomon._messages import situations as told
from gnomon._messages.base import Block, Value
from gnomon._messages.failures import is_failure
from gnomon._messages.situations import Activity, ActorSeen, Awaited, Doing, Situation, Submission
from gnomon._messages.tasks import TaskPushed
from gnomon.ids import (
    HANDLE_INDEX,
    ActorID,
    ObjectID,
    TaskID,
    WorkerID,
    actor_of,
    index_of,
    owner_of,
    task_of,
)

if TYPE_CHECKING:
    from gnomon._core.worker import Worker

AWAITED_MAX = 5
"""Of what something waits for, so many are told one by one."""

RIVALS_MAX = 3


def answers_to_self(role: Worker, effects: Callable[[], Effects]) -> dict[type, Callable[[Any], None]]:
    """What the role does when somebody of this process asks."""

    def on_asked_here(event: AskedHere) -> None:
        question = event.question
        answer: Any
        if isinstance(question, told.SituationAsked):
            answer = situation_of(role, question.object)
        elif isinstance(question, told.ActivityAsked):
            answer = activity_of(role, question.task)
        else:
            answer = submission_of(role, question.task)
        effects().do(AnswerRequest(event.request, answer))

    return {AskedHere: on_asked_here}


def answers_to_others(
    role: Worker, effects: Callable[[], Effects]
) -> dict[type, Callable[[WorkerID, Any], None]]:
    """What the role does when another process asks, or answers."""

    def on_situation_asked(sender: WorkerID, message: told.SituationAsked) -> None:
        effects().send(sender, told.SituationTold(message.request, situation_of(role, message.object)))

    def on_activity_asked(sender: WorkerID, message: told.ActivityAsked) -> None:
        found = activity_of(role, message.task)
        effects().do(TellActivity(sender, message.request, message.task, found))

    def on_submission_asked(sender: WorkerID, message: told.SubmissionAsked) -> None:
        effects().send(sender, told.SubmissionTold(message.request, submission_of(role, message.task)))

    def on_answer(sender: WorkerID, message: Any) -> None:
        effects().do(AnswerRequest(message.request, message))

    return {
        **dict.fromkeys((told.SituationTold, told.ActivityTold, told.SubmissionTold), on_answer),
        told.SituationAsked: on_situation_asked,
        told.ActivityAsked: on_activity_asked,
        told.SubmissionAsked: on_submission_asked,
    }


def situation_of(role: Worker, identity: ObjectID) -> Situation:
    """What this process knows of an object, whose owner it should be; of an actor, given its handle object."""
    task = task_of(identity)
    if index_of(identity) == HANDLE_INDEX and task not in role.streams.streams:
        return Situation(identity, told.SENT, actor=_actor(role, actor_of(identity)))
    entry = role.references.entries.get(identity)
    value = role.references.values.get(identity)
    stream = role.streams.streams.get(task)
    common = _common(role, identity, entry, stream)
    record = role.tasks.records.get(task)
    if record is not None and value is None:
        return Situation(**{**common, **_of_task(role, record)})
    call = role.calls.records.get(task)
    if call is not None and value is None:
        return Situation(**{**common, **_of_call(role, *call)})
    if value is not None:
        return Situation(**{**common, **_of_value(role, identity, value)})
    if entry is None or owner_of(identity) != role.me:
        return Situation(**common)
    return Situation(**common, state=told.LOST if entry.lost is not None else told.UNKNOWN)


def _common(role: Worker, identity: ObjectID, entry: Entry | None, stream: Stream | None) -> dict[str, Any]:
    cell, line = ("", 0) if entry is None else (role.ledger.cells.entries[entry.cell][1], entry.line)
    fields: dict[str, Any] = {"object": identity, "producer": "" if entry is None else entry.producer}
    row = _row(role, task_of(identity))
    if row is not None:
        cell, line = role.ledger.cells.entries[row.cell][1], row.line
        fields["age"] = _since(role, row.created)
        if row.finished and row.started:
            fields["took"] = row.finished - row.started
    if stream is not None:
        fields.update(items=stream.produced, taken=stream.taken, limit=stream.backpressure)
        fields["producer"] = fields["producer"] or stream.producer
    return {**fields, "cell": cell, "line": line}


def _row(role: Worker, task: TaskID) -> TaskRow | None:
    return role.ledger.row_of(task)


def _since(role: Worker, time: float) -> float:
    return max(0.0, role.now - time) if time else 0.0


def _of_submitted(role: Worker, record: TaskRecord | CallRecord) -> dict[str, Any]:
    """What is told of a task and of a call alike."""
    return {
        "age": _since(role, record.row.created),
        "attempt": record.attempt,
        "retries": record.event.max_retries,
        "rebuilding": record.replay is not None,
        "cancelled": record.cancelled,
    }


# -- tasks --------------------------------------------------------------------------------------------------------


def _of_task(role: Worker, record: TaskRecord) -> dict[str, Any]:
    event, dispatch = record.event, role.tasks.dispatch
    fields = {**_of_submitted(role, record), "resources": event.resources}
    if record.row.state == TaskState.WAITING:
        return {**fields, "state": told.WAITING, **_awaits(role, record.missing)}
    if record.row.state == TaskState.READY and (record.worker is None or record.gated):
        one = dispatch.classes[event.class_key if record.near < 0 else record.near]
        backoff = role.tasks.backoff
        return {
            **fields,
            "state": told.READY,
            "ahead": next((place for place, each in enumerate(one.ready) if each is record), 0),
            "leased": len(one.workers),
            "starved": backoff.deaths.get(event.task, 0),
            "put_off": max(0.0, backoff.waiting.get(event.task, 0.0) - role.now),
            "rivals": _rivals(role),
        }
    leased = dispatch.leased.get(record.worker) if record.worker is not None else None
    if leased is None:
        return {**fields, "state": told.SENT}
    return {
        **fields,
        "state": told.SENT,
        "sent": _since(role, record.row.started),
        "ahead": next((place for place, each in enumerate(leased.inflight) if each == event.task), 0),
        "worker": leased.worker,
        "pid": role.ledger.workers.entries[leased.number][1],
        "node": leased.node,
    }


def _rivals(role: Worker) -> tuple[tuple[str, int], ...]:
    counts = Counter(
        record.event.group for record in role.tasks.records.values() if record.row.state == TaskState.RUNNING
    )
    return tuple(counts.most_common(RIVALS_MAX))


def _awaits(role: Worker, missing: Iterable[ObjectID]) -> dict[str, Any]:
    listed = sorted(missing)
    return {
        "awaits": tuple(_awaited(role, identity) for identity in listed[:AWAITED_MAX]),
        "awaits_total": len(listed),
    }


def _awaited(role: Worker, identity: ObjectID) -> Awaited:
    """One object, in short."""
    if owner_of(identity) != role.me:
        return Awaited(identity)
    entry, task = role.references.entries.get(identity), task_of(identity)
    producer = "" if entry is None else entry.producer
    record = role.tasks.records.get(task)
    call = role.calls.records.get(task)
    row = _row(role, task)
    if record is not None:
        row = record.row
    elif call is not None:
        row = call[1].row
    if row is None:
        return Awaited(identity, producer)
    running = row.state == TaskState.RUNNING
    state = {TaskState.WAITING: told.WAITING, TaskState.READY: told.READY, TaskState.RUNNING: told.SENT}.get(
        TaskState(row.state), told.UNKNOWN
    )
    if entry is not None and entry.lost is not None and record is None and call is None:
        state = told.LOST
    cell = role.ledger.cells.entries[row.cell][1]
    since = _since(role, row.started) if running else 0.0
    return Awaited(identity, producer, state, _since(role, row.created), since, cell, row.line)


# -- calls and actors ---------------------------------------------------------------------------------------------


def _of_call(role: Worker, client: ActorClient, record: CallRecord) -> dict[str, Any]:
    event = record.event
    fields = {**_of_submitted(role, record), "actor": _actor(role, client.actor)}
    if record.pushed:
        return {
            **fields,
            "state": told.SENT,
            "sent": _since(role, record.row.started),
            "ahead": next((place for place, each in enumerate(client.inflight) if each == event.task), 0),
            "worker": client.worker or b"",
            "pid": client.pid,
        }
    if record.missing:
        return {**fields, "state": told.WAITING, **_awaits(role, record.missing)}
    lane = client.queue.lanes.get(record.lane)
    first = lane[0] if lane else None
    if first is not None and first is not record and first.missing:
        blocked_by = first.event.name or first.event.group
        return {**fields, "state": told.QUEUED, "blocked_by": blocked_by, **_awaits(role, first.missing)}
    ahead = next((place for place, each in enumerate(client.queue.ready) if each is record), 0)
    return {**fields, "state": told.QUEUED, "ahead": ahead}


def _actor(role: Worker, actor: ActorID) -> ActorSeen:
    client = role.calls.clients.clients.get(actor)
    if client is None:
        row = role.ledger.actors.get(actor.hex(), {})
        return ActorSeen(actor, row.get("class", ""), row.get("state", ""), row.get("cause", ""))
    return ActorSeen(
        actor,
        client.class_name,
        client.state,
        client.cause,
        client.worker or b"",
        client.pid,
        max(0, client.incarnation),
        _awaits(role, role.creation.missing(actor))["awaits"],
        client.unfinished,
    )


# -- values -------------------------------------------------------------------------------------------------------


def _of_value(role: Worker, identity: ObjectID, value: Value) -> dict[str, Any]:
    if is_failure(value):
        return {"state": told.ERROR}
    listed = role.ledger.objects.get(identity.hex())
    if not isinstance(value, Block):
        return {"state": told.VALUE, "size": len(value), "place": "memory"}
    place = "spilled" if listed is not None and listed[1] == "spilled" else "store"
    nodes = tuple(role.references.copies.of(value))
    return {"state": told.VALUE, "size": value.size, "place": place, "nodes": nodes}


# -- the executing side -------------------------------------------------------------------------------------------


def activity_of(role: Worker, task: TaskID) -> Activity:
    """What runs here, and where ``task`` stands among it."""
    execution = role.execution
    taken = list(execution.running.items())
    queued = [pair[1] for queue in (execution.queue, *execution.groups.values()) for pair in list(queue)]
    alone = _since(role, execution.started_at) if len(taken) == 1 else 0.0
    running = []
    for identity, (_, message) in taken[:AWAITED_MAX]:
        name = message.name if isinstance(message, TaskPushed) else message.name or message.method
        running.append(Doing(identity, name, alone))
    if any(identity == task for identity, _ in taken):
        place = 0
    else:
        place = next((number for number, each in enumerate(queued, 1) if each.task == task), -1)
    awaited = [
        identity
        for identity, entry in role.references.entries.items()
        if entry.tokens and identity not in role.references.values
    ]
    awaits = tuple(_awaited(role, identity) for identity in awaited[:AWAITED_MAX])
    return Activity(place, len(queued), tuple(running), awaits)


def submission_of(role: Worker, task: TaskID) -> Submission:
    """How a failed task was submitted; an empty one if it is not known (any more)."""
    found = role.tasks.failed.tasks.get(task)
    if found is None:
        return Submission()
    event, _, culprit = found
    return Submission(
        event.group, event.payload, event.arguments, event.dependencies, event.contained, culprit or b""
    )
