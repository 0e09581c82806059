"""What ``why`` says of an actor."""

from __future__ import annotations

from gnomon._engine import explanation as ex
from gnomon._engine.explaining.words import (
    Seen,
    ask_about,
    awaited,
    count,
    doing,
    holders,
    options,
    place,
    scarcity,
    waits_of,
)
from gnomon._engine.explanation import Explanation
from gnomon._engine.notebook_hooks import cause_of
from gnomon._engine.stalls import GO_ON
from gnomon._messages.actors import ALIVE, DEAD, RESTARTING
from gnomon._messages.cluster import ActorReport, ClusterStatus
from gnomon._messages.situations import ActorSeen


def explain_actor(seen: Seen) -> Explanation:
    """Why an actor does, or does not, answer."""
    actor = seen.situation.actor or ActorSeen(b"")
    report = _report(actor, seen.status)
    name = actor.class_name or (report.class_name if report is not None else "") or "the actor"
    state = actor.state or (report.state if report is not None else "")
    if state == DEAD:
        step = "Create a new one."
        cause = cause_of(actor.actor.hex(), actor.cause or "nobody knows why any more")
        return Explanation(ex.DEAD, f"{name} is dead: {cause}.", (), step)
    if state == ALIVE:
        return _alive(seen, name, actor, report)
    if not state:
        return Explanation(ex.UNKNOWN, f"nothing is known of {name}: it has ended, or is just being made.")
    if actor.constructor:
        waits = "; ".join(map(awaited, actor.constructor))
        sentence = f"the constructor of {name} waits for an argument: {waits}."
        return Explanation(ex.PENDING, sentence, (), ask_about(actor.constructor))
    return _not_begun(seen, name, actor, report)


def _alive(seen: Seen, name: str, actor: ActorSeen, report: ActorReport | None) -> Explanation:
    activity = seen.activity
    pid = actor.pid or (report.pid if report is not None else 0)
    where = f"{name} lives in worker {pid}" if pid else f"{name} is alive"
    if seen.silent:
        silent = "which did not answer in time: it may be busy in native code that keeps the interpreter"
        return Explanation(ex.ALIVE, f"{where}, {silent}.")
    if activity is None:
        return Explanation(ex.ALIVE, f"{where}.")
    at = place(seen, activity) if activity.running else ""
    mailbox = (f"{count(activity.queued, 'call')} in its mailbox",) if activity.queued else ()
    return Explanation(
        ex.ALIVE,
        f"{where} and {doing(activity, actor)}{at}.",
        (*mailbox, *waits_of(activity)),
        ask_about(activity.awaits),
    )


def _not_begun(seen: Seen, name: str, actor: ActorSeen, report: ActorReport | None) -> Explanation:
    again = actor.state == RESTARTING
    state = ex.RESTARTING if again else ex.PENDING
    before = f"{name} is being restarted, since {actor.cause or 'its process died'}: it" if again else name
    if seen.held:
        slowed = "paused" if seen.paused else "slowed down"
        return Explanation(state, f"{before} has not begun: the session is {slowed}.", (), GO_ON)
    if report is None or seen.status is None:
        return Explanation(state, f"{before} is being created.")
    if report.pid:
        return Explanation(state, f"{before} runs its constructor, in worker {report.pid}.")
    scarce, sentence = scarcity(report.resources, seen.status)
    if not scarce:
        return Explanation(state, f"{before} waits for a worker process, which is being started.")
    rivals = [f"{count(number, 'task')} of {what}" for what, number in seen.situation.rivals]
    step = f"Let one of them end, create the actor with less ({options(scarce)}), or start the session with more."
    return Explanation(state, f"{before} {sentence}{holders(scarce, seen.status, rivals)}.", (), step)


def _report(actor: ActorSeen, status: ClusterStatus | None) -> ActorReport | None:
    reports = () if status is None else status.actors
    return next((each for each in reports if each.actor == actor.actor), None)
