"""Why a wait does not end: what it waits for asks for resources that actors hold, and actors end only when told; or no
node has so much, and one that has may still be added.

A wait that takes ``STALL_S`` looks once, and a ``get`` whose time is up. Nothing here runs before that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping

from gnomon._core.reporting import is_deep
from gnomon._core.tempo import PAUSED
from gnomon._engine.base import STALL_S
from gnomon._messages.cluster import ActorReport, ClusterStatus, NodeReport, StatusAsked
from gnomon._shell.core_worker import CoreWorker
from gnomon.exceptions import GetTimeoutError, NotInitializedError, OutOfMemoryError
from gnomon.ids import node_name
from gnomon.resources import Resources, add, describe, fits

ANSWER_S = 2.0
"""How long head may take to say what is there."""

ACTORS_NAMED_MAX = 5


GO_ON = "Go on with gnomon.control.resume() or step(), %remote resume in a notebook, or Resume in a view."
"""What to do when the session is paused."""


_logger = logging.getLogger("gnomon")


class Stalls:
    """Looks into the waits of a driver that take ``after_s``; says each thing once."""

    def __init__(self, core: CoreWorker, after_s: float = STALL_S) -> None:
        self.after_s = after_s
        self._core = core
        self._told = ""

    def wait(self, lock: threading.Lock, timeout: float | None) -> bool:
        """``Loop.wait``, with a look in between."""
        wait = self._core.loop.wait
        if timeout is not None and timeout <= self.after_s:
            return wait(lock, timeout)
        if wait(lock, self.after_s):
            return True
        began = time.monotonic()
        self.tell()
        if timeout is None:
            return wait(lock, None)
        return wait(lock, max(0.0, timeout - self.after_s - (time.monotonic() - began)))

    def tell(self) -> None:
        """Warn if it is so, and has not been said last."""
        why = why_waiting(self._core)
        if why and why != self._told:
            self._told = why
            _logger.warning("%s", why)


def why_waiting(core: CoreWorker) -> str:
    """What stands in the way of this process's tasks and of pending actors, and what to do; "" if nothing does."""
    if core.role.pace.tempo.mode == PAUSED:
        return f"The session is paused: nothing begins. {GO_ON}"
    with core.loop.lock:
        tasks = core.role.tasks
        starved = Counter(tasks.records[task].event.group for task in tasks.backoff.waiting)
        queued = [
            (len(one.ready), dict(one.resources))
            for one in core.role.tasks.dispatch.classes.values()
            if one.ready and not one.workers
        ]
        unfinished = any(client.unfinished for client in core.role.calls.clients.clients.values())
        sent = bool(tasks.records)
    short = _why_put_off(starved)
    if short or not (queued or unfinished or sent):
        return short
    try:
        status = core.ask(core.config.head_process, lambda request: StatusAsked(request, True), ANSWER_S)
    except (GetTimeoutError, NotInitializedError):
        return ""  # the runtime is busy, or at its end: the wait itself will tell
    assert isinstance(status, ClusterStatus)
    deep = "" if core.role.reporting.waiting_noted else why_deep(status.nodes)
    return " ".join(text for text in (explain(queued, status), deep) if text)


def explain(queued: Iterable[tuple[int, Resources]], status: ClusterStatus) -> str:
    """The same, from what is known.

    Args:
        queued: how many tasks wait that ask for what.
        status: of the cluster, with its actors.
    """
    living = [node.resources for node in status.nodes if node.alive]
    queued = list(queued)
    stranded = [(_tasks(number), asked) for number, asked in queued if _on_no_node(asked, living)]
    queued = [each for each in queued if not _on_no_node(each[1], living)]
    pending = [actor for actor in status.actors if actor.state != "alive"]
    homeless = [actor for actor in pending if _on_no_node(actor.resources, living)]
    stranded += _actors(homeless)
    total: Resources = {}
    for node in status.nodes:
        if node.alive:
            add(total, node.resources)
    alive = [actor for actor in status.actors if actor.state == "alive"]
    for actor in alive:
        for name, units in actor.resources.items():
            total[name] = total.get(name, 0) - units
    stuck = [(_tasks(number), asked) for number, asked in queued if lacking(asked, total)]
    stuck += _actors(actor for actor in pending if lacking(actor.resources, total) and actor not in homeless)
    return " ".join(text for text in (_why_stranded(stranded), _why_stuck(stuck, alive, total)) if text)


def why_deep(reports: Iterable[NodeReport]) -> str:
    """Of the nodes on which very many tasks wait for tasks of their own, and what to do; "" if there are none."""
    found = [report for report in reports if report.alive and is_deep(report)]
    if not found:
        return ""
    where = " and ".join(f"{report.blocked:,} tasks on {node_name(report.node)}" for report in found)
    return (
        f"{where} wait in get() for tasks that they have submitted, each in a worker process of its own, and for each a new "
        "worker is started. If that is a recursion that does not end, interrupt it, or cancel it with gnomon.cancel(ref). "
        "Else return references, or pass them on as arguments, in place of waiting inside."
    )


def _on_no_node(asked: Mapping[str, int], nodes: Iterable[Mapping[str, int]]) -> bool:
    return not any(fits(asked, resources) for resources in nodes)


def _actors(actors: Iterable[ActorReport]) -> list[tuple[str, Resources]]:
    counts = Counter((actor.class_name, _frozen(actor.resources)) for actor in actors)
    return [
        (f"{number} actor{'s'[: number > 1]} {name}", dict(asked)) for (name, asked), number in counts.items()
    ]


def _why_put_off(starved: Mapping[str, int]) -> str:
    if not starved:
        return ""
    named = ", ".join(f"{_tasks(number)} of {name}" for name, number in starved.items())
    return (
        f"Ended since their node ran out of memory, and to be tried again after a while: {named}. "
        f"{OutOfMemoryError.next_step}"
    )


def _why_stranded(stranded: list[tuple[str, Resources]]) -> str:
    if not stranded:
        return ""
    waiting = "; ".join(f"{what} for {describe(asked)}" for what, asked in stranded)
    return (
        f"No living node has what this asks for: {waiting}. It begins when such a node joins "
        "(cluster.add_node(...)); or ask for less, or cancel it."
    )


def _why_stuck(stuck: list[tuple[str, Resources]], alive: list[ActorReport], total: Mapping[str, int]) -> str:
    if not stuck:
        return ""
    scarce = {name for _, asked in stuck for name in lacking(asked, total)}
    holders = [actor for actor in alive if scarce & set(actor.resources)]
    waiting = "; ".join(f"{what} for {describe(asked)}" for what, asked in stuck)
    return (
        f"What has not begun waits for resources: {waiting}. Living actors hold too much of it, and they end only "
        f"when told: {named(holders)}. Let one end (gnomon.kill(handle), or del of its last handle), make such "
        "actors with num_cpus=0, or start the session with more."
    )


def lacking(asked: Mapping[str, int], left: Mapping[str, int]) -> list[str]:
    """The resources of which more is asked than is left."""
    return [name for name, units in asked.items() if units > max(0, left.get(name, 0))]


def _tasks(number: int) -> str:
    return f"{number} task{'s'[: number > 1]}"


def _frozen(resources: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(resources.items()))


def named(actors: list[ActorReport]) -> str:
    """Actors as people know them, with what they hold."""
    shown = [
        f"{actor.class_name}{f' {actor.name!r}' if actor.name else ''} (pid {actor.pid}, {describe(actor.resources)})"
        for actor in actors[:ACTORS_NAMED_MAX]
    ]
    more = len(actors) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])
