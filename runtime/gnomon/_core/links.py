"""Links: in order, exactly once, between two living processes, whatever the network does.

Each envelope to a peer has a number; the receiver delivers in order, drops what it has seen, keeps what came
too early, and acknowledges on whatever it sends next, or on its own after ``ack_delay_s``. The sender
repeats the oldest unacknowledged envelope after ``resend_after_s``, doubling up to ``resend_max_s``.
Machines above see neither loss nor duplicates nor disorder, only death, which is somebody else's to tell
(``forget``).

The rule for a changer: a process's id is new in each incarnation, so a link never outlives one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from gnomon._core.delay_line import DelayLine
from gnomon._messages.base import Message
from gnomon._messages.cluster import NodeDelayed
from gnomon._messages.envelope import Envelope
from gnomon.ids import WorkerID


class Link:
    """Both directions between this process and one peer."""

    __slots__ = ("ack_due", "early", "expected", "next_sequence", "resend_at", "resend_wait", "unacked")

    def __init__(self, resend_after: float) -> None:
        self.next_sequence = 1
        self.unacked: deque[Envelope] = deque()
        self.resend_at = 0.0
        self.resend_wait = resend_after
        self.expected = 1
        self.early: dict[int, Envelope] = {}
        self.ack_due = 0.0


class LinkMachine:
    """All links of a process.

    Attributes:
        duplicates: envelopes dropped because they had been seen.
        strangers: envelopes dropped because their sender is known to be dead.
        delay: what holds messages from and to other nodes; None unless somebody has made that fault.
    """

    def __init__(
        self,
        me: WorkerID,
        resend_after_s: float = 1.0,
        resend_max_s: float = 10.0,
        ack_delay_s: float = 0.05,
        early_max: int = 1_000,
        dead_max: int = 10_000,
    ) -> None:
        self.me = me
        self.resend_after_s = resend_after_s
        self.resend_max_s = resend_max_s
        self.ack_delay_s = ack_delay_s
        self.early_max = early_max
        self.dead_max = dead_max
        self.links: dict[WorkerID, Link] = {}
        self.dead: dict[WorkerID, None] = {}
        self.duplicates = 0
        self.strangers = 0
        self.delay: DelayLine | None = None
        self.wakeup = 0.0

    def on_delayed(self, message: NodeDelayed, now: float) -> None:
        """Messages from and to other nodes are late for a while."""
        until = now + message.for_s
        if self.delay is None:
            self.delay = DelayLine(self.me, message.by_s, until)
        else:
            self.delay.change(message.by_s, until)

    def send(self, peer: WorkerID, messages: list[Message], now: float) -> Envelope | None:
        """Number a batch; None when the peer is dead."""
        link = self.links.get(peer)
        if link is None:
            if peer in self.dead:
                return None
            link = self.links[peer] = Link(self.resend_after_s)
        envelope = Envelope(self.me, link.next_sequence, link.expected - 1, messages)
        link.next_sequence += 1
        link.ack_due = 0.0
        if not link.unacked:
            link.resend_at = now + link.resend_wait
            self._wake_by(link.resend_at)
        link.unacked.append(envelope)
        return envelope

    def receive(self, envelope: Envelope, now: float) -> Iterable[list[Message]]:
        """The batches that can be delivered now, in order."""
        peer = envelope.sender
        link = self.links.get(peer)
        if link is None:
            if peer in self.dead:
                self.strangers += 1
                return ()
            link = self.links[peer] = Link(self.resend_after_s)
        self._take_ack(link, envelope.ack, now)
        sequence = envelope.sequence
        if sequence == 0:
            return ()
        if not link.ack_due:
            link.ack_due = now + self.ack_delay_s
            self._wake_by(link.ack_due)
        if sequence == link.expected and not link.early:
            link.expected += 1
            return (envelope.messages,)
        return self._receive_disordered(link, envelope)

    def _receive_disordered(self, link: Link, envelope: Envelope) -> list[list[Message]]:
        if envelope.sequence < link.expected or envelope.sequence in link.early:
            self.duplicates += 1
            return []
        if len(link.early) < self.early_max:
            link.early[envelope.sequence] = envelope
        ready: list[list[Message]] = []
        while (following := link.early.pop(link.expected, None)) is not None:
            link.expected += 1
            ready.append(following.messages)
        return ready

    def _take_ack(self, link: Link, ack: int, now: float) -> None:
        unacked = link.unacked
        if not unacked or unacked[0].sequence > ack:
            return
        while unacked and unacked[0].sequence <= ack:
            unacked.popleft()
        link.resend_wait = self.resend_after_s
        link.resend_at = now + link.resend_wait

    def _wake_by(self, time: float) -> None:
        if not self.wakeup or time < self.wakeup:
            self.wakeup = time

    def next_wakeup(self) -> float | None:
        """When ``due`` wants to be asked."""
        return self.wakeup or None

    def due(self, now: float) -> list[tuple[WorkerID, Envelope]]:
        """Acknowledgements and repetitions whose time has come: there are some from ``wakeup`` on, if it is set."""
        out: list[tuple[WorkerID, Envelope]] = []
        self.wakeup = 0.0
        for peer, link in self.links.items():
            if link.unacked:
                if now >= link.resend_at:
                    out.append((peer, link.unacked[0]))
                    link.ack_due = 0.0 if link.unacked[0].ack == link.expected - 1 else link.ack_due
                    link.resend_wait = min(link.resend_wait * 2, self.resend_max_s)
                    link.resend_at = now + link.resend_wait
                self._wake_by(link.resend_at)
            if link.ack_due:
                if now >= link.ack_due:
                    out.append((peer, Envelope(self.me, 0, link.expected - 1, [])))
                    link.ack_due = 0.0
                else:
                    self._wake_by(link.ack_due)
        return out

    def forget(self, peer: WorkerID) -> None:
        """The peer is dead: nothing is sent to it any more, nothing late from it is heard."""
        self.links.pop(peer, None)
        self.dead[peer] = None
        if len(self.dead) > self.dead_max:
            del self.dead[next(iter(self.dead))]

    def check(self) -> None:
        """Sequences are consecutive; nothing delivered is kept."""
        for link in self.links.values():
            unacked = link.unacked
            if unacked:
                first, last = unacked[0].sequence, unacked[-1].sequence
                assert (first, last) == (link.next_sequence - len(unacked), link.next_sequence - 1), unacked
            if link.early:
                assert min(link.early) > link.expected, link.early
