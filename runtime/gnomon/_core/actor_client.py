"""ActorClient: one actor as a process that calls it sees it. Written by ``CallMachine`` alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from gnomon._core.call_queue import CallQueue, CallRecord
from gnomon._messages.actors import PENDING, ActorChanged
from gnomon._messages.failures import FAILURE_KIND, ProcessEnd, failure, out_of_memory
from gnomon.ids import ActorID, TaskID, WorkerID


class GroupShown:
    """For the views: of the pushed calls of one concurrency group, which run, as far as can be told from here."""

    __slots__ = ("running", "waiting")

    def __init__(self) -> None:
        self.running: set[TaskID] = set()
        self.waiting: deque[CallRecord] = deque()

    def enter(self, record: CallRecord) -> bool:
        """A call was pushed; whether it runs."""
        if len(self.running) < record.event.at_once:
            self.running.add(record.event.task)
            return True
        self.waiting.append(record)
        return False

    def leave(self, record: CallRecord, inflight: Mapping[TaskID, CallRecord]) -> CallRecord | None:
        """A call has ended; the one that runs in its place."""
        if record.event.task not in self.running:
            return None
        self.running.discard(record.event.task)
        while self.waiting:
            following = self.waiting.popleft()
            if inflight.get(following.event.task) is following:
                self.running.add(following.event.task)
                return following
        return None


class ActorClient:
    """One actor, from here.

    Attributes:
        worker: whose answers count; None unless it is alive.
        node: where it lives, an id in hex; for people.
        target: where calls may be pushed; None while they must wait.
        refused: an incarnation that refuses calls; wait for the next.
        ending: head says that this incarnation is over; its last answers may still be on their way.
        following: what head has told since then.
        patience: when those answers are waited for no longer.
        last_started: the call that its dead process had begun last.
        unfinished: calls without an outcome.
        groups: of actors that run several calls at a time: what is shown of each concurrency group.
        unheld: no handle is known here that keeps it alive; without calls it is forgotten.
    """

    __slots__ = (
        "actor", "cause", "class_name", "done", "end", "ending", "error", "following", "groups", "incarnation", "inflight",
        "last_started", "node", "patience", "pid", "queue", "refused", "running", "state", "target", "unfinished", "unheld",
        "worker",
    )  # fmt: skip

    def __init__(self, actor: ActorID, class_name: str) -> None:
        self.actor = actor
        self.class_name = class_name
        self.state = PENDING
        self.incarnation = -1
        self.worker: WorkerID | None = None
        self.target: WorkerID | None = None
        self.pid = 0
        self.node = ""
        self.cause = ""
        self.error = b""
        self.end: ProcessEnd | None = None
        self.refused = -1
        self.ending: ActorChanged | None = None
        self.following: ActorChanged | None = None
        self.patience = 0.0
        self.last_started: TaskID | None = None
        self.done = 0
        self.running: CallRecord | None = None
        self.groups: dict[str, GroupShown] = {}
        self.queue = CallQueue()
        self.inflight: dict[TaskID, CallRecord] = {}
        self.unfinished = 0
        self.unheld = False

    def shows(self, record: CallRecord) -> bool:
        """Whether a call that was pushed counts as running, as far as can be told from here."""
        event = record.event
        if event.at_once:
            group = self.groups.get(event.concurrency_group)
            return group is not None and event.task in group.running
        return not event.in_order or self.running is record

    def died(self, started: bool) -> bytes:
        """The error of a call: the actor will not come back. ``started``: the call may have run."""
        if self.error and self.error[0] == FAILURE_KIND:
            return self.error  # it never came to be, and that error of ours says why
        if self.end is not None and self.end.shortage is not None:
            return out_of_memory(self.end, f"actor {self.class_name}", 0)
        return failure("ActorDiedError", **self._facts(started), creation_error=self.error)

    def unavailable(self, started: bool) -> bytes:
        """Likewise: the actor is being restarted, and the call has no retry left."""
        return failure("ActorUnavailableError", **self._facts(started))

    def _facts(self, started: bool) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "class_name": self.class_name,
            "actor_id": self.actor.hex(),
            "reason": self.cause,
            "pid": self.pid,
        }
        if self.end is not None:
            facts.update(self.end.facts())
        if not self.error:  # where it never lived, that no call was started goes without saying
            facts["started"] = started
        return facts

    def row(self, done: int) -> dict[str, Any]:
        """Its row for the views; ``done``: calls that have ended, as the actor itself has told."""
        current = next((record.event.method for record in self.inflight.values()), "")
        return {
            "class": self.class_name,
            "state": self.state,
            "pid": self.pid,
            "pending": self.unfinished,
            "done": max(self.done, done),
            "current": current,
            "restarts": max(0, self.incarnation),
            "cause": self.cause,
            "node": self.node,
        }

    def check(self) -> None:
        """Pushed calls are in flight and nowhere else."""
        self.queue.check()
        assert all(record.pushed and not record.ended for record in self.inflight.values())
        assert self.worker is not None or not self.inflight
        assert self.target is None or (self.target == self.worker and self.ending is None)
        assert (self.ending is None) or self.inflight or self.worker is not None
