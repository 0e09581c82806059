"""Local wait: ``wait`` for whoever will read the values on this node. Ready is what lies here, or can not be brought.

    plain wait --- nothing of what is ready lies on another node ---> done       (nearly always)
        |
        v
    bring as many as are missing, the first in order ---> wait for one of these, or for another that is ready
        ^                                                                  |
        +------------------------------------------------------------------+

What has been asked for when the time is up is still brought: the next wait, or whoever reads, finds it here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gnomon._core.events import WaitEnded, WaitStarted
from gnomon._messages.base import Block
from gnomon._shell import task_context
from gnomon._shell.loop import release
from gnomon.exceptions import NotInitializedError
from gnomon.ids import ObjectID

if TYPE_CHECKING:
    from gnomon._shell.core_worker import CoreWorker


def wait_local(
    core: CoreWorker, refs: Sequence[Any], num_returns: int, timeout: float | None
) -> tuple[list[Any], list[Any]]:
    """``core.wait``, where what lies on another node is not ready before it is here."""
    began = time.monotonic() if timeout else 0.0
    ready, others = core.wait(refs, num_returns, timeout)
    values, node = core.values, core.config.node_process
    for ref in ready:
        value = values.get(ref._id)
        if type(value) is Block and value.node != node:
            return _LocalWait(core, refs, num_returns).until(None if timeout is None else began + timeout)
    return ready, others


class _LocalWait:
    """One call of ``wait`` that has found values elsewhere.

    Attributes:
        settled: what was asked for and has come, or can not be brought.
    """

    def __init__(self, core: CoreWorker, refs: Sequence[Any], num_returns: int) -> None:
        self.core = core
        self.refs = refs
        self.num_returns = num_returns
        self.asked: dict[ObjectID, None] = {}
        self.settled: dict[ObjectID, None] = {}
        self._signal = threading.Lock()
        self._signal.acquire()

    def until(self, deadline: float | None) -> tuple[list[Any], list[Any]]:
        """Wait, at most until ``deadline`` (of ``time.monotonic``)."""
        blocking = task_context.blocks()
        if blocking:
            self.core.loop.post(WaitStarted())
        try:
            while True:
                ready, others = self._split()
                missing = self.num_returns - len(ready)
                if not missing:
                    return ready, others
                unready = self._ask(others, missing)
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                if not self._wait(unready, left):
                    return self._split()
        finally:
            if blocking:
                self.core.loop.post(WaitEnded())

    def _is_here(self, identity: ObjectID) -> bool:
        value = self.core.values.get(identity)
        if type(value) is Block and value.node != self.core.config.node_process:
            return identity in self.settled
        return value is not None

    def _split(self) -> tuple[list[Any], list[Any]]:
        ready: list[Any] = []
        others: list[Any] = []
        for ref in self.refs:
            enough = len(ready) == self.num_returns
            (others if enough or not self._is_here(ref._id) else ready).append(ref)
        return ready, others

    def _ask(self, others: Sequence[Any], missing: int) -> tuple[ObjectID, ...]:
        """Have the first ``missing`` that lie elsewhere brought; returns what has no value yet."""
        values = self.core.values
        unready = []
        for ref in others:
            identity = ref._id
            value = values.get(identity)
            if value is None:
                unready.append(identity)
            elif isinstance(value, Block) and missing > 0:
                missing -= 1
                if identity not in self.asked:
                    self.asked[identity] = None
                    self.core.bring(value, partial(self._settle, identity))
        return tuple(unready)

    def _settle(self, identity: ObjectID) -> None:
        """In the loop's thread."""
        self.settled[identity] = None
        release(self._signal)

    def _wait(self, unready: tuple[ObjectID, ...], left_s: float | None) -> bool:
        """Until something has changed; False when the time is up."""
        core = self.core
        token = core.when_any_ready(unready, partial(release, self._signal)) if unready else 0
        try:
            changed = core.wait_long(self._signal, left_s)
        finally:
            if token:
                core.abandon(token)
        if core.ended:
            raise NotInitializedError(core.ended)
        return changed
