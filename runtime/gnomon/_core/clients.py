"""Clients: the actors that this process calls, and what head and node tell of them. One machine per process.

    PENDING ----> ALIVE <----> RESTARTING ----> DEAD          (head's ActorChanged, by incarnation)

An incarnation that was sent calls is over when head has told so *and* the node that its process has ended
(``ActorClient.ending`` in between): head's word may be faster than the last answers, the node's is only acted on
when those are in (``Worker.settle_s``). What head tells meanwhile waits (``following``).

The rule for a changer: calls are ``CallMachine``'s; it is told of an end by ``on_over`` and looks at what is
``dirty``.
"""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.actor_client import ActorClient
from gnomon._core.effects import Effects
from gnomon._core.ledger import Ledger
from gnomon._core.references import ReferenceMachine
from gnomon._messages.actors import ALIVE, DEAD, ActorChanged, ActorKilled, ActorSubscribed
from gnomon.ids import ActorID, TaskID, WorkerID, owner_of


class ClientMachine:
    """See the module.

    Attributes:
        dirty: something has changed that may let calls go, or ends them.
        stale: their rows are out of date.
        ending: those whose present incarnation is over but for its last answers.
        fold_period_s: between two updates of an actor's row.
        patience_s: how long the last answers of an incarnation are waited for when only head has told of its end.
        idle_max: living actors remembered that nobody here has a handle of.
    """

    def __init__(
        self,
        head: WorkerID,
        effects: Callable[[], Effects],
        ledger: Ledger,
        references: ReferenceMachine,
        on_over: Callable[[ActorClient, ActorChanged, float], None],
        fold_period_s: float = 0.05,
        patience_s: float = 1.0,
        idle_max: int = 1_000,
    ) -> None:
        self.head = head
        self._effects = effects
        self.ledger = ledger
        self.references = references
        self._on_over = on_over
        self.fold_period_s = fold_period_s
        self.patience_s = patience_s
        self.idle_max = idle_max
        self.clients: dict[ActorID, ActorClient] = {}
        self.dirty: dict[ActorID, None] = {}
        self.stale: dict[ActorID, None] = {}
        self._by_worker: dict[WorkerID, ActorID] = {}
        self._idle: dict[ActorID, None] = {}
        self.ending: dict[ActorID, None] = {}
        self._fold_at = 0.0

    def client(self, actor: ActorID, class_name: str = "", subscribe: bool = True) -> ActorClient:
        """What is known of an actor; asks head when nothing is."""
        known = self.clients.get(actor)
        if known is None:
            known = self.clients[actor] = ActorClient(actor, class_name)
            if subscribe:
                self._effects().send(self.head, ActorSubscribed(actor))
        return known

    def on_actor_changed(self, message: ActorChanged, now: float) -> None:
        """Head tells of birth, restart or death."""
        client = self.clients.get(message.actor)
        if client is None or client.state == DEAD or message.incarnation < client.incarnation:
            return
        if client.ending is not None:
            client.following = message
            return
        if message.state == client.state and message.incarnation == client.incarnation:
            return  # told twice
        if client.inflight and client.worker is not None and not self.references.is_lost(client.worker):
            client.ending = message
            client.target = None
            client.patience = now + self.patience_s
            self.ending[client.actor] = None
            return
        self._apply(client, message, now)

    def on_worker_lost(self, process: WorkerID, last_started: TaskID | None, now: float) -> None:
        """The node tells that a process has ended, and all that it sent has been heard."""
        actor = self._by_worker.pop(process, None)
        client = self.clients.get(actor) if actor is not None else None
        if client is not None and client.worker == process:
            client.target = None
            client.last_started = last_started
            self._settle(client, now)

    def note_death(self, process: WorkerID) -> None:
        """Nothing reaches ``process`` any more: a call would be wasted on it. What becomes of the actor, head tells."""
        actor = self._by_worker.get(process)
        if actor is not None:
            self.clients[actor].target = None

    def awaits(self, process: WorkerID) -> bool:
        """Whether an answer from ``process`` is missing."""
        actor = self._by_worker.get(process)
        return actor is not None and bool(self.clients[actor].inflight)

    def _settle(self, client: ActorClient, now: float) -> None:
        """The last answers of an incarnation are in."""
        if client.ending is None:
            return
        del self.ending[client.actor]
        ending, following = client.ending, client.following
        client.ending = client.following = None
        self._apply(client, ending, now)
        if following is not None:
            self.on_actor_changed(following, now)

    def _apply(self, client: ActorClient, message: ActorChanged, now: float) -> None:
        client.cause, client.error, client.end = message.cause, message.error, message.end
        client.pid = message.pid or client.pid
        client.node = message.node
        self._on_over(client, message, now)
        if client.worker is not None:
            self._by_worker.pop(client.worker, None)
        client.state = message.state
        client.incarnation = message.incarnation
        client.worker = client.target = None
        client.last_started = None
        if message.state == ALIVE:
            client.worker = message.worker
            self._by_worker[message.worker] = client.actor
            if client.incarnation > client.refused and not self.references.is_lost(message.worker):
                client.target = message.worker
        self.dirty[client.actor] = None

    def kill(self, actor: ActorID, no_restart: bool, now: float) -> None:
        """``kill``: head ends it; from here no call reaches it any more, whatever becomes of those that it has."""
        self._effects().send(self.head, ActorKilled(actor, no_restart))
        client = self.client(actor)
        if client.state == DEAD:
            return
        if no_restart:
            self._end_now(client, "it was killed by gnomon.kill", now)
        else:
            client.refused = max(client.refused, client.incarnation)
            client.target = None

    def _end_now(self, client: ActorClient, cause: str, now: float) -> None:
        """This process has killed it: no call reaches it any more. Those that it has are settled when its process has ended,
        which tells what it had begun; or now, if that is known.
        """
        nobody = WorkerID(b"")
        dead = ActorChanged(client.actor, DEAD, max(0, client.incarnation), nobody, client.pid, cause)
        client.target = client.following = None
        if client.ending is not None:
            client.ending = dead
            return
        self.on_actor_changed(dead, now)

    def handle_gone(self, actor: ActorID) -> None:
        """No handle is left here."""
        client = self.clients.get(actor)
        if client is not None:
            client.unheld = True
            if not client.unfinished:
                self.unused(client)

    def unused(self, client: ActorClient) -> None:
        """Nobody here has a handle that counts, or a call: it is forgotten when it is dead or they are too many.

        What is forgotten is asked for again should a call come (by a handle from ``get_actor``).
        """
        self.stale[client.actor] = None
        if owner_of(client.actor) == self.references.me:
            return  # its creator hears of its death in any case, and shows it
        self._idle[client.actor] = None
        if len(self._idle) > self.idle_max:
            oldest = self.clients[next(iter(self._idle))]
            del self._idle[oldest.actor]
            if oldest.unheld and not oldest.unfinished:
                self._forget(oldest)

    def _forget(self, client: ActorClient) -> None:
        del self.clients[client.actor]
        self._idle.pop(client.actor, None)
        self.ending.pop(client.actor, None)
        self.dirty.pop(client.actor, None)
        self.stale.pop(client.actor, None)
        if client.worker is not None:
            self._by_worker.pop(client.worker, None)

    def settle_late(self, now: float) -> None:
        """At the start of ``CallMachine.run``: settle what has waited for long enough."""
        for actor in list(self.ending):
            client = self.clients.get(actor)  # None when the one before it has made it too many
            if client is not None and now >= client.patience:
                self._settle(client, now)

    def fold(self, now: float) -> None:
        """At its end: update the rows of actors that have changed, at most every ``fold_period_s``."""
        if now >= self._fold_at:
            self._fold_at = now + self.fold_period_s
            stale, self.stale = self.stale, {}
            for actor in stale:
                client = self.clients.get(actor)
                if client is not None:
                    self._fold(client)

    def next_wakeup(self) -> float | None:
        """When rows are due, if any has changed; or patience ends."""
        if self.ending:
            patience = min(self.clients[actor].patience for actor in self.ending)
            return min(patience, self._fold_at) if self.stale else patience
        return self._fold_at if self.stale else None

    def _fold(self, client: ActorClient) -> None:
        """One row; of what has ended for good and nobody has a handle of, the last one."""
        key = client.actor.hex()
        known = self.ledger.actors.get(key, {})
        row = client.row(known.get("done", 0))
        if row["restarts"] != known.get("restarts", 0) and "done_since_restart" in known:
            row["done_since_restart"] = 0
        self.ledger.actor_changed(key, **row)
        if client.state == DEAD and client.unheld and not client.unfinished:
            self._forget(client)

    def check(self) -> None:
        """Each client's own rules, and the tables agree."""
        for actor, client in self.clients.items():
            client.check()
            assert (client.ending is not None) == (actor in self.ending)
        assert all(actor in self.clients for actor in self.ending)
        assert all(self.clients[actor].worker == worker for worker, actor in self._by_worker.items())
