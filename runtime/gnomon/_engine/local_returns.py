"""What a call of the local engine returns at once: references to its results, or a generator of them."""

from __future__ import annotations

from gnomon._engine.base import Returned
from gnomon._messages.tasks import DYNAMIC, STREAMING
from gnomon._shell.core_worker import CoreWorker
from gnomon._shell.items import OwnedItems
from gnomon._wire.generators import ObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import TaskID, object_id


def returned(core: CoreWorker, task: TaskID, count: int, backpressure: int) -> Returned:
    """What the caller of ``task`` gets; made before the task is submitted. (One result is made on the spot.)

    Args:
        core: this process.
        task: the task, not submitted yet.
        count: its ``num_returns``.
        backpressure: of a generator.
    """
    if count == DYNAMIC:
        return [ObjectRef(object_id(task, 1))]
    if count == STREAMING:
        return [ObjectRefGenerator(OwnedItems(core, task, backpressure))]
    return [ObjectRef(object_id(task, index)) for index in range(1, count + 1)]
