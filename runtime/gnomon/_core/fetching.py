"""Fetching: values of other nodes that code of this process is about to read. The reader's half of ``pulls``.

    reader's thread                       this machine                      this node
      | BlocksNeeded                  -->   | PullWanted                 -->   |   unless it is on its way already
      | <-- AnswerRequest(values)           | <-- PullDone                     |   the last that was missing

From the question to the moment at which the reader drops the handles that came with the answer, the objects are
held here, so that what is known of them (where they lie now) is not forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gnomon._core.effects import AnswerRequest, Effects
from gnomon._core.events import BlocksNeeded
from gnomon._core.references import ReferenceMachine
from gnomon._messages.base import Block, Value
from gnomon._messages.failures import is_failure, is_raised, read_failure
from gnomon._messages.pulls import PullDone, PullWanted
from gnomon.ids import ObjectID, WorkerID, owner_of

_PASSING = ("ObjectFetchTimedOutError", "ObjectStoreFullError")
"""Another attempt may fare better."""

Then = Callable[[dict[ObjectID, Value]], None]


class _Request:
    """Somebody waits until ``missing`` more values are here."""

    __slots__ = ("missing", "then", "values")

    def __init__(self, then: Then) -> None:
        self.then = then
        self.missing = 0
        self.values: dict[ObjectID, Value] = {}


class FetchMachine:
    """What this process has asked its node to bring."""

    def __init__(self, node: WorkerID, effects: Callable[[], Effects], references: ReferenceMachine) -> None:
        self.node = node
        self._effects = effects
        self.references = references
        self._waiting: dict[ObjectID, list[_Request]] = {}

    def need(self, event: BlocksNeeded) -> None:
        """A thread waits for values; it drops the handles that it is given with them."""
        number = event.request
        self.bring(event.blocks, lambda values: self._effects().do(AnswerRequest(number, values)))

    def bring(self, blocks: Iterable[Block], then: Then) -> None:
        """Call ``then`` with the values by object when they are here, each held once more for it to release. A value
        may also be an error, or small.
        """
        request = _Request(then)
        for block in blocks:
            identity = block.object
            if identity in request.values:
                continue
            self.references.hold((identity,))
            self.references.learn(block)
            value = self.references.values.get(identity, block)  # lost meanwhile: the node will ask us
            request.values[identity] = value
            if self.is_elsewhere(value):
                request.missing += 1
                self._pull(value).append(request)
        if not request.missing:
            then(request.values)

    def expect(self, blocks: Iterable[Block]) -> None:
        """They will be read here before long."""
        for block in blocks:
            if self.is_elsewhere(block):
                self._pull(block)

    def is_elsewhere(self, value: Value) -> bool:
        """Whether it lies on another node."""
        return isinstance(value, Block) and value.node != self.node

    def _pull(self, block: Value) -> list[_Request]:
        assert isinstance(block, Block)
        waiting = self._waiting.get(block.object)
        if waiting is None:
            waiting = self._waiting[block.object] = []
            self._effects().send(self.node, PullWanted(block))
        return waiting

    def on_done(self, message: PullDone) -> None:
        """The node has brought a value, or found out that it can not."""
        identity, value = message.object, message.value
        references = self.references
        if self.is_elsewhere(references.values.get(identity, b"")) and self._is_final(identity, value):
            references.replace(identity, value)
        requests = self._waiting.pop(identity, ())
        if requests and isinstance(value, Block):
            references.block_use.lend(value)
        for request in requests:
            request.values[identity] = value
            request.missing -= 1
            if not request.missing:
                request.then(request.values)

    def _is_final(self, identity: ObjectID, value: Value) -> bool:
        """Whether whoever reads it next need not try again. What becomes of our own is not for the node to say."""
        references = self.references
        mine = owner_of(identity) == references.me
        if isinstance(value, Block):  # a copy of ours may have been given up
            return not mine or references.copies_of(identity).get(self.node) == value
        if mine:
            return False
        return is_raised(value) or not is_failure(value) or read_failure(value)[0] not in _PASSING
