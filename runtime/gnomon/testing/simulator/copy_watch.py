"""Copy watch: where each large value lies, as its owner has been told, and which values were lost.

    told of      ObjectStored, TaskFinished, ItemYielded, CopyAdded
    gone         CopyLost, CopyBroken, CopiesDropped; BlocksFreed and BlocksDoubted that the owner sends; the death of a node

A value is *lost* once no copy of it is left that its owner knows of, while the object is not freed: what lineage alone
needs is given up on purpose, and counts. Only of what was lost an error may say so, and only that may be made again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gnomon._core import events as ev
from gnomon._messages.base import Block, BlockName
from gnomon._messages.objects import BlocksDoubted, BlocksFreed
from gnomon._messages.pulls import CopyAdded, CopyLost
from gnomon._messages.tasks import CallPushed, ItemYielded, TaskFinished, TaskPushed
from gnomon.ids import ObjectID, WorkerID, owner_of
from gnomon.testing.simulator.truth import Truth

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import WorkerHost

Copy = tuple[WorkerID, BlockName]


class CopyWatch:
    """The copies of all values, by object.

    Attributes:
        told: (node, block) of each; those on dead nodes too.
    """

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.told: dict[ObjectID, dict[Copy, None]] = {}
        self._pushed: dict[WorkerID, list[TaskPushed | CallPushed]] = {}

    def living(self, identity: ObjectID) -> list[Copy]:
        """The copies on nodes that live."""
        return [copy for copy in self.told.get(identity, ()) if copy[0] not in self.truth.dead]

    def heard(self, host: WorkerHost, events: Iterable[Any]) -> None:
        """A process is about to take these events in, and all is told that it has said before."""
        for push in self._pushed.pop(host.me, ()):
            self._check_replay(host, push)
        for event in events:
            if type(event) is ev.ObjectStored:
                self._add(host, (event.value,))
            elif type(event) is ev.CopiesDropped:
                self.told.pop(event.object, None)
                self._look(event.object)
            elif type(event) is ev.CopyBroken and owner_of(event.block.object) == host.me:
                self._lose(event.block.object, host.worker.node, event.block.offset)
            elif type(event) is ev.Received:
                for message in event.messages:
                    self._message(host, event.sender, message)

    def _message(self, host: WorkerHost, sender: WorkerID, message: Any) -> None:
        if type(message) is TaskFinished:
            self._add(host, message.values)
        elif type(message) is ItemYielded:
            self._add(host, (message.value,))
        elif type(message) is CopyAdded:
            self._add(host, (message.block,))
        elif type(message) is CopyLost:
            self._lose(message.object, message.node, message.offset)

    def _lose(self, identity: ObjectID, node: WorkerID, offset: int) -> None:
        """The copy on a node is no good; ``offset``: if it is that one."""
        copies = self.told.get(identity, {})
        for copy in [copy for copy in copies if copy[0] == node and offset in (-1, copy[1][0])]:
            del copies[copy]
        self._look(identity)

    def _add(self, host: WorkerHost, values: Iterable[Any]) -> None:
        for value in values:
            if isinstance(value, Block) and owner_of(value.object) == host.me:
                node = WorkerID(value.node)
                self.told.setdefault(value.object, {})[node, value.name] = None
                if node in self.truth.dead:  # it was told of late
                    self._look(value.object)

    def said(self, host: WorkerHost, target: WorkerID, messages: Iterable[Any]) -> None:
        """It sends these messages, after it has."""
        for message in messages:
            if type(message) is BlocksFreed or type(message) is BlocksDoubted:
                for name in message.blocks:
                    self._freed(host, (target, name))
            elif type(message) is TaskPushed or type(message) is CallPushed:
                self._pushed.setdefault(host.me, []).append(message)

    def _freed(self, host: WorkerHost, copy: Copy) -> None:
        identity = copy[1][1]
        copies = self.told.get(identity)
        if copies is not None and copies.pop(copy, self) is None and not copies:
            del self.told[identity]
            if identity in host.worker.references.entries:
                self.truth.lost[identity] = None

    def _look(self, identity: ObjectID) -> None:
        if not self.living(identity):
            self.truth.lost[identity] = None

    def node_died(self) -> None:
        """What was there alone is lost."""
        for identity in self.told:
            self._look(identity)

    def _check_replay(self, host: WorkerHost, message: TaskPushed | CallPushed) -> None:
        """LN1: what runs again makes something of which no copy is left, or which was freed since."""
        calls = host.worker.calls.records
        found = calls.get(message.task)
        record = found[1] if found is not None else host.worker.tasks.records.get(message.task)
        if record is None or record.replay is None:
            return
        entries = host.worker.references.entries
        copied = all(identity in entries and self.living(identity) for identity in record.replay.outputs)
        assert not copied, f"LN1: {message.task.hex()} runs again, and a copy of each result lives"
