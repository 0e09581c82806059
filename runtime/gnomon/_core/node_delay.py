"""A node that is late: its part in the fault ``control.delay_node``; what holds the messages is ``delay_line``."""

from __future__ import annotations

from collections.abc import Callable

from gnomon._core.effects import Effects
from gnomon._core.links import LinkMachine
from gnomon._core.pool import PoolMachine
from gnomon._messages.cluster import NodeDelayed
from gnomon.ids import WorkerID


class DelayRelay:
    """Tells the workers of a node, also those to come, to be late as the node is."""

    def __init__(self, effects: Callable[[], Effects], links: LinkMachine, pool: PoolMachine) -> None:
        self._effects = effects
        self.links = links
        self.pool = pool

    def on_delayed(self, message: NodeDelayed, now: float) -> None:
        """Messages of this node and its workers, from and to other nodes, are late for a while."""
        self.links.on_delayed(message, now)
        for worker in self.pool.pids:
            self._effects().send(worker, message)

    def welcome(self, worker: WorkerID, now: float) -> None:
        """A new worker."""
        delay = self.links.delay
        if delay is not None and delay.until > now:
            self._effects().send(worker, NodeDelayed(delay.by_s, delay.until - now))
