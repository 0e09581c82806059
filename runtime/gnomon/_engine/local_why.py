"""``why`` on the local engine: ask the owner, then the process that has the task, then head; each for a limited time."""

from __future__ import annotations

import linecache
import statistics
from typing import Any

import msgspec

from gnomon._core.events import AskedHere
from gnomon._core.ledger import Ledger, TaskState
from gnomon._core.tempo import PAUSED
from gnomon._engine import notebook_hooks
from gnomon._engine.explaining.failures import explain_failure
from gnomon._engine.explaining.values import explain
from gnomon._engine.explaining.words import Seen
from gnomon._engine.explanation import FAILED, UNKNOWN, Explanation
from gnomon._messages import situations as told
from gnomon._messages.cluster import StatusAsked
from gnomon._messages.failures import is_failure
from gnomon._messages.situations import Activity, ActivityAsked, Situation, SituationAsked
from gnomon._shell.activity import place_of
from gnomon._shell.core_worker import CoreWorker
from gnomon.exceptions import GetTimeoutError
from gnomon.ids import TASK_ID_BYTES, ObjectID, TaskID, WorkerID, owner_of


def why(core: CoreWorker, identity: ObjectID, answer_s: float) -> Explanation:
    """Why an object (an actor, given its handle object) is as it is.

    Raises:
        NotInitializedError: the session has ended.
        SessionMismatchError: the object is of an earlier session.
    """
    core.refuse_foreign([identity])
    situation = _situation(core, identity, answer_s)
    if situation is None:
        return Explanation(
            UNKNOWN,
            f"the process that owns it ({owner_of(identity).hex()}) did not answer within {answer_s:g} s: it may be busy "
            "in native code that keeps the interpreter.",
            (),
            "Ask again.",
        )
    if situation.state == told.ERROR:
        return _failure(core, situation, answer_s)
    activity, silent = _activity(core, situation, answer_s)
    if activity is not None and activity.place < 0 and situation.producer:
        # It has left that process: what its owner was told before that answer is in its books by now.
        situation = _situation(core, identity, answer_s) or situation
        if situation.state == told.ERROR:
            return _failure(core, situation, answer_s)
        activity, silent = _activity(core, situation, answer_s)
    return explain(
        Seen(
            situation,
            activity,
            silent,
            _status(core, answer_s) if _asks_head(situation) else None,
            usual(core.role.ledger, situation),
            core.config.node_process,
            notebook_hooks.cell_name or (lambda file: None),
            lambda file, line: linecache.getline(file, line).strip(),
            core.role.pace.tempo.mode == PAUSED,
            situation.actor is not None and situation.actor.actor in core.role.pace.tempo.asks.values(),
        )
    )


def _situation(core: CoreWorker, identity: ObjectID, answer_s: float) -> Situation | None:
    """What its owner knows of it; what is here, when that is all there is to know."""
    here = core.ask_role(lambda request: AskedHere(request, SituationAsked(0, identity)))
    assert isinstance(here, Situation)
    owner = owner_of(identity)
    if owner == core.me or here.state in (told.ERROR, told.VALUE) or core.role.references.is_lost(owner):
        return here
    if here.actor is not None and here.actor.state:
        return here  # whoever calls an actor hears of it
    try:
        answer = core.ask(owner, lambda request: SituationAsked(request, identity), answer_s)
    except GetTimeoutError:
        return None
    assert isinstance(answer, told.SituationTold)
    return answer.situation


def _activity(core: CoreWorker, situation: Situation, answer_s: float) -> tuple[Activity | None, bool]:
    """What the process does that has the task, or the actor; and whether it was silent."""
    worker = situation.worker or (situation.actor.worker if situation.actor is not None else b"")
    if situation.state != told.SENT or not worker:
        return None, False
    task = TaskID(situation.object[:TASK_ID_BYTES])
    if worker == core.me:
        mine = core.ask_role(lambda request: AskedHere(request, ActivityAsked(0, task)))
        assert isinstance(mine, Activity)
        file, line, function = place_of(core, task)
        return msgspec.structs.replace(mine, file=file, line=line, function=function), False
    try:
        answer = core.ask(WorkerID(worker), lambda request: ActivityAsked(request, task), answer_s)
    except GetTimeoutError:
        return None, True
    assert isinstance(answer, told.ActivityTold)
    return answer.activity, False


def _asks_head(situation: Situation) -> bool:
    actor = situation.actor
    return situation.state == told.READY or (actor is not None and actor.state not in ("alive", "dead"))


def _status(core: CoreWorker, answer_s: float) -> Any:
    try:
        return core.ask(core.config.head_process, lambda request: StatusAsked(request, True), answer_s)
    except GetTimeoutError:
        return None


def _failure(core: CoreWorker, situation: Situation, answer_s: float) -> Explanation:
    """An error: its value is small, so that it comes with the owner's answer or is here."""
    identity = situation.object
    value = core.values.get(identity)
    if value is None and not core.await_values((identity,), 1, answer_s):
        return Explanation(FAILED, "its error has not come here in time.", (), "Ask again.")
    value = core.values.get(identity)
    try:
        if value is not None and is_failure(value):
            core.load(identity, value)
    except BaseException as error:
        return explain_failure(situation, error.with_traceback(None))
    return why(core, identity, answer_s)


def usual(ledger: Ledger, situation: Situation) -> tuple[int, float]:
    """How many other tasks of the same function have ended, and the median of what they took, in seconds."""
    group = ledger.names.numbers.get(situation.producer)
    if group is None:
        return 0, 0.0
    task = situation.object[:TASK_ID_BYTES]
    took = [
        row.finished - row.started
        for row in list(ledger.tasks)
        if row.group == group and row.state == TaskState.DONE and row.started and row.task != task
    ]
    return len(took), statistics.median(took) if took else 0.0
