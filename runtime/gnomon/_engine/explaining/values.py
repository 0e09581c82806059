"""What ``why`` says of a value: each reason for which it is not there yet has its function."""

from __future__ import annotations

from collections.abc import Callable

from gnomon._engine import explanation as ex
from gnomon._engine.explaining.actors import explain_actor
from gnomon._engine.explaining.words import (
    INIT,
    Seen,
    ago,
    ask_about,
    capital,
    count,
    doing,
    history,
    holders,
    listed,
    options,
    place,
    process,
    scarcity,
    seconds,
    site,
    task,
    waits_of,
)
from gnomon._engine.explanation import Explanation
from gnomon._engine.stalls import GO_ON
from gnomon._messages import situations as told
from gnomon._messages.situations import Activity, ActorSeen, Situation
from gnomon.exceptions import OutOfMemoryError
from gnomon.ids import node_name
from gnomon.resources import describe, size_words

SLOW_TIMES = 3.0
"""What takes so many times as long as the others of its function is called slow."""

OTHERS_MIN = 3


def explain(seen: Seen) -> Explanation:
    """Why a value is, or is not, there."""
    found = _paused(seen) if _is_held(seen) else _EXPLAIN[seen.situation.state](seen)
    if seen.paused and not seen.held and seen.situation.state in (told.WAITING, told.QUEUED):
        found = _paused_too(found)
    if not seen.situation.rebuilding:
        return found
    return Explanation(
        ex.REBUILDING,
        f"its value was lost and is made again. {capital(found.sentence)}",
        found.details,
        found.next_step,
    )


# -- not there yet ------------------------------------------------------------------------------------------------


def _waiting(seen: Seen) -> Explanation:
    situation = seen.situation
    number = situation.awaits_total
    what = "an argument" if number == 1 else f"{number:,} arguments"
    return Explanation(
        ex.PENDING,
        f"{task(situation)} waits for {what}: {listed(situation)}.",
        history(situation),
        ask_about(situation.awaits),
    )


def _ready(seen: Seen) -> Explanation:
    situation, status = seen.situation, seen.status
    asked = situation.resources
    who = task(situation)
    if situation.put_off:
        times = "once" if situation.starved == 1 else f"{situation.starved} times"
        return Explanation(
            ex.PENDING,
            f"{who} was ended {times} since its node ran out of memory, and is tried again in {situation.put_off:.0f} s.",
            history(situation),
            OutOfMemoryError.next_step,
        )
    ahead = () if not situation.ahead else (f"{count(situation.ahead, 'task')} of this kind before it",)
    if status is None:
        sentence = f"{who} waits for {describe(asked)}; the cluster did not say what is free."
        return Explanation(ex.PENDING, sentence, (*ahead, *history(situation)))
    scarce, sentence = scarcity(asked, status)
    if not scarce:
        waits = "its turn" if situation.leased else "a worker process, which is being started"
        return Explanation(ex.PENDING, f"{who} waits for {waits}.", (*ahead, *history(situation)))
    rivals = [f"{count(number, 'task')} of {name}" for name, number in situation.rivals]
    held = holders(scarce, status, rivals)
    step = (
        f"Let one of them end, ask for less ({options(scarce)}), or start the session with more "
        f"({', '.join(INIT.get(name, 'resources') for name in scarce)}=...)."
    )
    return Explanation(ex.PENDING, f"{who} {sentence}{held}.", (*ahead, *history(situation)), step)


def _is_held(seen: Seen) -> bool:
    """Whether it could begin, for all that is known, if the session were not paused."""
    situation, activity = seen.situation, seen.activity
    if not seen.paused or situation.put_off or (not situation.producer and situation.actor is not None):
        return False
    began = activity is None or activity.place <= 0
    return situation.state == told.READY or (situation.state == told.SENT and not seen.silent and not began)


def _paused(seen: Seen) -> Explanation:
    return Explanation(
        ex.PENDING,
        f"{task(seen.situation)} has not begun: the session is paused, and nothing begins.",
        history(seen.situation),
        GO_ON,
    )


def _paused_too(found: Explanation) -> Explanation:
    """It waits for something else as well, of which most can not come about before the session goes on."""
    return Explanation(
        found.state,
        f"{found.sentence.rstrip('.')}. The session is paused: nothing begins.",
        found.details,
        f"{GO_ON} {found.next_step}".rstrip(),
    )


def _queued(seen: Seen) -> Explanation:
    situation = seen.situation
    actor = situation.actor or ActorSeen(b"")
    who = task(situation)
    if situation.blocked_by:
        return Explanation(
            ex.PENDING,
            f"{who} keeps its order behind an earlier call of {situation.blocked_by}, which waits for an argument: "
            f"{listed(situation)}.",
            history(situation),
            ask_about(situation.awaits),
        )
    actors = explain_actor(seen)
    ahead = () if not situation.ahead else (f"{count(situation.ahead, 'call')} before it",)
    if actors.state == ex.ALIVE:
        sentence = f"{who} is on its way to its actor {actor.class_name}."
    else:
        sentence = f"{who} waits for its actor: {actors.sentence}"
    return Explanation(ex.PENDING, sentence, (*ahead, *actors.details, *history(situation)), actors.next_step)


def _sent(seen: Seen) -> Explanation:
    situation, activity = seen.situation, seen.activity
    if not situation.producer and situation.actor is not None:
        return explain_actor(seen)
    who, where = task(situation), process(situation)
    if seen.silent:
        return Explanation(
            ex.RUNNING,
            f"{who} was sent to {where} {ago(situation.sent)}, which did not answer in time: it may be busy in native "
            "code that keeps the interpreter, or be stopped.",
            history(situation),
        )
    if activity is None:
        return Explanation(
            ex.PENDING,
            f"{who} was cancelled." if situation.cancelled else f"{who} is on its way to a worker.",
        )
    if activity.place == 0:
        return _running(seen, activity)
    if activity.place < 0:
        return Explanation(ex.RUNNING, f"{who} has ended in {where}; its result is on its way.")
    now = doing(activity, situation.actor)
    if situation.actor is not None:
        sentence = (
            f"{who} is number {activity.place} in the mailbox of its actor {situation.actor.class_name} in {where}, "
            f"which {now}."
        )
        details = [f"{count(activity.queued, 'call')} of all callers waiting there"]
    else:
        sentence = f"{who} is number {activity.place} in the queue of {where}, which {now}."
        details = []
    return Explanation(
        ex.PENDING,
        sentence,
        (*details, *waits_of(activity), *history(situation)),
        ask_about(activity.awaits),
    )


def _running(seen: Seen, activity: Activity) -> Explanation:
    situation = seen.situation
    since = next((each.seconds for each in activity.running if each.task == situation.object[:16]), 0.0)
    since = since or situation.sent
    details = [*waits_of(activity)]
    number, median = seen.others
    if number >= OTHERS_MIN and since > SLOW_TIMES * median:
        details.append(f"slow: half of {number:,} other calls took {seconds(median)} at most")
    if situation.items >= 0:
        details.append(_generated(situation))
    at = place(seen, activity)
    return Explanation(
        ex.RUNNING,
        f"{task(situation)} has been running for {seconds(since)} in {process(situation)}{at}.",
        (*details, *history(situation)),
        ask_about(activity.awaits),
    )


def _generated(situation: Situation) -> str:
    made = f"{count(situation.items, 'item')} made, {situation.taken:,} taken"
    if situation.limit and situation.items - situation.taken >= situation.limit:
        return f"{made}: it waits for its consumer (backpressure allows {situation.limit:,} ahead)"
    return made


# -- there, or gone -----------------------------------------------------------------------------------------------


def _value(seen: Seen) -> Explanation:
    situation = seen.situation
    if situation.producer == "put":
        who = f"the value that put stored{site(situation.cell, situation.line)}"
    else:
        who = f"the value of {task(situation)}" if situation.producer else "the value"
    places = {"memory": "in memory", "store": "in the object store", "spilled": "on disk"}
    where = (
        f": {size_words(situation.size)} {places.get(situation.place, '')}".rstrip()
        if situation.size >= 0
        else ""
    )
    details, step = [], ""
    if situation.took:
        took = f"took {seconds(situation.took)}"
        number, median = seen.others
        if number >= OTHERS_MIN:
            slow = "slow: " if situation.took > SLOW_TIMES * median else ""
            took = f"{slow}{took}; half of {number:,} other calls took {seconds(median)} at most"
        details.append(took)
    if situation.place == "spilled":
        details.append("it was moved to disk when the store was full: to read it takes a moment longer")
    elif situation.nodes and seen.here and seen.here not in situation.nodes:
        details.append(f"it lies on {node_name(situation.nodes[0])}, and is copied here when it is read")
    return Explanation(ex.READY, f"{who} is there{where}.", tuple(details), step)


def _lost(seen: Seen) -> Explanation:
    situation = seen.situation
    return Explanation(
        ex.LOST,
        f"the value of {task(situation)} is lost: no copy is left. It is made again as soon as somebody asks for it.",
        (),
        "Ask for it with gnomon.get, or pass it to a task.",
    )


def _unknown(seen: Seen) -> Explanation:
    return Explanation(
        ex.UNKNOWN,
        "nothing is known of it: its value was freed when nobody held a reference to it any more, or it never was.",
        (),
        "Keep a reference to what you need later.",
    )


_EXPLAIN: dict[str, Callable[[Seen], Explanation]] = {
    told.UNKNOWN: _unknown,
    told.WAITING: _waiting,
    told.READY: _ready,
    told.QUEUED: _queued,
    told.SENT: _sent,
    told.VALUE: _value,
    told.LOST: _lost,
}
