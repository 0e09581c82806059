"""Losses: values that their owner believes to be lost, at random moments (``CopiesDropped``), and runs again.

A task whose result was lost may run again after its end (LN1, LN2: as its next attempt, within its retries), in no order
with other calls. Who looks at the old value goes on, and ``Memory`` says if it is taken away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gnomon._core import events as ev
from gnomon._messages.base import Block
from gnomon._messages.tasks import CallPushed, TaskPushed
from gnomon.ids import ObjectID, owner_of, task_of

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost
    from gnomon.testing.simulator.session import Session
    from gnomon.testing.simulator.truth import TaskFacts


def lose_one(session: Session) -> None:
    """Some owner loses one of its large values."""
    found = [
        (host, identity)
        for host in session.workers.values()
        if host.alive
        for identity, value in host.worker.references.values.items()
        if isinstance(value, Block) and owner_of(identity) == host.me
        if identity in host.worker.references.entries
    ]
    if found:
        host, identity = found[session.kernel.random.randrange(len(found))]
        session.truth.losses += 1
        host.post(ev.CopiesDropped(identity))


def lose_while_pulled(session: Session, identity: ObjectID) -> None:
    """A value is being brought to another node: perhaps its owner loses it meanwhile."""
    _lose_soon(session, identity, 0.2)


def lose_while_made(session: Session, identity: ObjectID) -> None:
    """The task that has made this one makes others: perhaps its owner loses it meanwhile."""
    if session.kernel.now < session.plan.faults_s:
        _lose_soon(session, identity, 0.1)


def _lose_soon(session: Session, identity: ObjectID, probability: float) -> None:
    owner, kernel = session.workers.get(owner_of(identity)), session.kernel
    if session.plan.losses and owner is not None and kernel.chance(probability):
        kernel.after(kernel.random.uniform(0.0, 0.01), _lose, session, owner, identity)


def rots(session: Session) -> bool:
    """Whether what is to be read from disk now is no longer what was written."""
    rotten = session.kernel.chance(session.plan.rot)
    session.truth.losses += rotten
    return rotten


def _lose(session: Session, owner: WorkerHost, identity: ObjectID) -> None:
    if owner.alive and identity in owner.worker.references.entries:
        session.truth.losses += 1
        owner.post(ev.CopiesDropped(identity))


def needs_call_on(actor: WorkerHost, identity: ObjectID) -> bool:
    """Whether this object comes only after a call that was pushed to this actor, and makes lost results again.

    A method that has begun with an argument that was lost meanwhile then waits for itself, rightly, while its actor has
    no other lane: calls are not begun twice, and its own would have to end first.
    """
    seen, ahead = set[ObjectID](), [identity]
    while ahead:
        wanted = ahead.pop()
        owner = actor.session.workers.get(owner_of(wanted))
        if wanted in seen or owner is None or not owner.alive:
            continue
        seen.add(wanted)
        worker, task = owner.worker, task_of(wanted)
        if task in worker.calls.records:
            client, call = worker.calls.records[task]
            if call.pushed and call.replay is not None and client.worker == actor.me:
                return True
            ahead += call.missing or ()
        elif task in worker.tasks.records:
            ahead += worker.tasks.records[task].missing
    return False


def is_replay(host: WorkerHost, facts: TaskFacts, message: TaskPushed | CallPushed) -> bool:
    """Whether this push is that of a finished task. LN8: not of one that was cancelled; LN1: for a result that is gone."""
    calls = host.worker.calls.records
    record = calls[facts.task][1] if facts.task in calls else host.worker.tasks.records.get(facts.task)
    if record is None or record.replay is None:
        return False
    facts.replayed = True
    assert not record.cancelled, f"LN8: {facts.task.hex()} was cancelled and runs again"
    entries = host.worker.references.entries
    outputs = [entries[identity] for identity in record.replay.outputs if identity in entries]
    for identity in record.replay.outputs:
        if identity in entries and entries[identity].lost is None:
            lose_while_made(host.session, identity)
    # What was asked for goes on, though it was freed meanwhile.
    needless = len(outputs) == len(record.replay.outputs) and all(entry.lost is None for entry in outputs)
    assert not needless, f"LN1: {facts.task.hex()} runs again, and all its results are there"
    return True
