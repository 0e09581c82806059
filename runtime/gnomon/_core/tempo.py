"""Tempo: how fast the work of a driver's job begins. The driver's side: a turnstile that workers ask.

    FREE ----> PAUSED | SLOW | SEEDED ----> FREE          (any mode may follow any other)

    FREE     nobody asks; this machine does nothing and costs nothing
    PAUSED   nothing begins, except as many as ``step`` allows
    SLOW     one begins every ``interval_s``
    SEEDED   one at a time, drawn from those that wait; the next when that one has ended, or waits, or takes long

An *epoch* is a stretch in which workers ask; what belongs to another one is void. A *round* is a stretch of one
mode: a permission that comes back unused counts again only in its own round. Whoever waits has asked once, so a
step is never lost: it is given to the next one that asks.

Work that runs already is left alone. The rule for a changer: nothing here is needed for the work to go on; a driver
that is gone leaves the gates open (the nodes see to that).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from gnomon._core.effects import Effects
from gnomon._core.events import Event
from gnomon._core.ledger import Ledger
from gnomon._messages.tempo import StartAllowed, StartAsked, StartDeclined, StartOver, TempoSet
from gnomon.ids import NODE_TAG_BYTES, TaskID, WorkerID, node_tag, owner_of
from gnomon.resources import Resources, add, to_amounts

FREE: Final = "free"
PAUSED: Final = "paused"
SLOW: Final = "slow"
SEEDED: Final = "seeded"

SETTLE_S: Final = 0.05
"""Before one is drawn, so long nobody new has asked, and all have who are known to have something: who is among those
that wait must not hang on microseconds."""

PATIENCE_S: Final = 1.0
"""One that was drawn and takes longer than this does not keep the others waiting: they may be what it waits for."""

_MASK = (1 << 64) - 1


class TempoFacts(msgspec.Struct, frozen=True):
    """How fast work begins.

    Attributes:
        interval_s: of SLOW.
        seed: of SEEDED.
        waiting: queues of workers and actors that have something at the gate.
        begun: let through since this mode was set.
        steps: that may begin as soon as they ask; of PAUSED.
    """

    mode: str = FREE
    interval_s: float = 0.0
    seed: int = 0
    waiting: int = 0
    begun: int = 0
    steps: int = 0


class TempoAsked(Event):
    """The user, who is this driver, wants work to begin so fast; answered by AnswerRequest(TempoFacts).

    Attributes:
        mode: "" asks only.
        steps: how many more may begin while nothing else may.
    """

    request: int
    mode: str = ""
    interval_s: float = 0.0
    seed: int = 0
    steps: int = 0


class TempoMachine:
    """See the module.

    Attributes:
        mode: FREE, PAUSED, SLOW or SEEDED.
        asks: by worker and concurrency group, the first task that waits there; in the order of asking.
        idle: likewise, the resources that are held there meanwhile though nothing runs.
        current: whose turn it is in SEEDED.
        through: what was let through last, by worker.
        all_have_asked: whether everybody who is known to have something to begin has asked; for SEEDED.
    """

    def __init__(
        self,
        me: WorkerID,
        effects: Callable[[], Effects],
        ledger: Ledger,
        settle_s: float = SETTLE_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.me = me
        self._effects = effects
        self.ledger = ledger
        self.settle_s = settle_s
        self.patience_s = patience_s
        self.mode: str = FREE
        self.interval_s = 0.0
        self.seed = 0
        self.epoch = 0
        self.round = 0
        self.steps = 0
        self.begun = 0
        self.asks: dict[tuple[WorkerID, str], TaskID] = {}
        self.idle: dict[tuple[WorkerID, str], dict[str, int]] = {}
        self.current: WorkerID | None = None
        self.through: dict[WorkerID, TaskID] = {}
        self.all_have_asked: Callable[[], bool] = lambda: True
        self._dice = 0
        self._due = 0.0
        self._latest = 0.0

    @property
    def gated(self) -> bool:
        """Whether workers are to ask."""
        return self.mode != FREE

    def facts(self) -> TempoFacts:
        """How it is now."""
        return TempoFacts(self.mode, self.interval_s, self.seed, len(self.asks), self.begun, self.steps)

    def set(self, mode: str, interval_s: float, seed: int, steps: int, now: float) -> TempoSet | None:
        """Change the mode; ``steps`` more may begin in PAUSED, which goes on if it is PAUSED already.

        Returns:
            What workers are to be told, if they have to do something else from now on.
        """
        if mode == PAUSED and self.mode == PAUSED:
            self.steps += steps
            self._note()
            return None
        was_gated, self.mode = self.gated, mode
        self.interval_s, self.seed = interval_s, seed
        self.round += 1
        self.steps = steps
        self.begun = 0
        self.current = None
        self._dice = seed & _MASK
        self._due = now
        if mode == SEEDED:
            self._wait_for_all(now)
        if self.gated != was_gated:
            self.epoch += 1
            self.asks.clear()
            self.through.clear()
        self._note()
        if self.gated == was_gated:
            return None
        return TempoSet(self.me, self.epoch, self.gated)

    def told(self) -> TempoSet | None:
        """What a new worker is to be told; None while it need not know."""
        return TempoSet(self.me, self.epoch, True) if self.gated else None

    # -- what workers say -----------------------------------------------------------------------------------------

    def on_asked(self, sender: WorkerID, message: StartAsked, now: float) -> None:
        """Something waits there."""
        if self.gated and message.epoch == self.epoch:
            self.asks[sender, message.group] = message.task
            self.idle[sender, message.group] = message.idle
            if self.mode == SEEDED and self.current is None:
                self._wait_for_all(now)

    def on_declined(self, sender: WorkerID, message: StartDeclined, now: float) -> None:
        """Nothing waits there any more; a step that was given to it goes to somebody else."""
        if not self.gated or message.epoch != self.epoch:
            return
        self.asks.pop((sender, message.group), None)
        unused = message.rounds.count(self.round)
        self.begun -= unused
        if self.mode == PAUSED:
            self.steps += unused
        elif self.mode == SEEDED and unused:
            self._turn_over(sender, now)

    def on_over(self, sender: WorkerID, message: StartOver, now: float) -> None:
        """The one whose turn it was has ended, or waits."""
        if message.epoch == self.epoch:
            self._turn_over(sender, now)

    def on_process_lost(self, process: WorkerID, now: float) -> None:
        """It asks no more."""
        self.through.pop(process, None)
        for place in [place for place in self.asks if place[0] == process]:
            del self.asks[place]
        self._turn_over(process, now)

    def _turn_over(self, worker: WorkerID, now: float) -> None:
        if self.current == worker:
            self.current = None
            self._wait_for_all(now)

    def _wait_for_all(self, now: float) -> None:
        self._due, self._latest = now + self.settle_s, now + self.patience_s

    # -- letting through ------------------------------------------------------------------------------------------

    def run(self, now: float) -> None:
        """At the end of each batch of events: let through what may begin, and note for the views how it is."""
        if self.mode == PAUSED:
            while self.steps and self.asks:
                self.steps -= 1
                self._allow(next(iter(self.asks)))
        elif self.mode == SLOW:
            if self.asks and now >= self._due:
                self._due = now + self.interval_s
                self._allow(next(iter(self.asks)))
        elif self.mode == SEEDED and self.asks and now >= self._due:
            if now < self._latest and not self.all_have_asked():
                self._due = now + self.settle_s
            else:
                self._due = self._latest = now + self.patience_s
                place = self._draw()
                self.current = place[0]
                self._allow(place)
        self._note()

    def _note(self) -> None:
        self.ledger.tempo = msgspec.structs.asdict(self.facts()) if self.gated else {}
        if self.idle:
            self._note_idle()

    def _note_idle(self) -> None:
        """What is held at gates, for each node: it is in use only for who wants to use it."""
        self.idle = {place: held for place, held in self.idle.items() if place in self.asks}
        at_nodes: dict[bytes, Resources] = {}
        for (worker, _), held in self.idle.items():
            add(at_nodes.setdefault(node_tag(worker), {}), held)
        for key, row in list(self.ledger.nodes.items()):
            idle = to_amounts(at_nodes.get(bytes.fromhex(key)[:NODE_TAG_BYTES], {}))
            if row.get("idle", {}) != idle:
                self.ledger.node_changed(key, idle=idle)

    def _allow(self, place: tuple[WorkerID, str]) -> None:
        self.through[place[0]] = self.asks.pop(place)
        self.begun += 1
        self._effects().send(place[0], StartAllowed(self.epoch, place[1], self.round))

    def _draw(self) -> tuple[WorkerID, str]:
        """One of those that wait. They are numbered by their tasks: ids of workers differ from run to run."""
        waiting = sorted(self.asks, key=lambda place: self._rank(self.asks[place]))
        self._dice = (self._dice + 0x9E3779B97F4A7C15) & _MASK  # splitmix64
        drawn = self._dice
        drawn = ((drawn ^ (drawn >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        drawn = ((drawn ^ (drawn >> 27)) * 0x94D049BB133111EB) & _MASK
        return waiting[(drawn ^ (drawn >> 31)) % len(waiting)]

    def _rank(self, task: TaskID) -> tuple[bool, bytes, bytes]:
        owner = owner_of(task)
        return owner != self.me, task[len(owner) :], owner

    def next_wakeup(self) -> float | None:
        """When the next one may begin, if one waits for that."""
        return self._due if self.asks and self.mode in (SLOW, SEEDED) else None

    def check(self) -> None:
        """Nobody waits for nothing, and nothing is left of an epoch that is over."""
        assert self.gated or not (self.asks or self.steps or self.current), "a turnstile that is not in use"
        assert self.mode == PAUSED or not self.steps
        assert not (self.steps and self.asks), "a step is kept though somebody waits for one"
        assert self.begun >= 0
