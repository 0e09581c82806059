"""Mending: a value whose copy on this node can not be read is waited for again.

    reader's thread           its role                              owner
      | CopyBroken     -->      | CopyLost, ObjectWanted   -->        |   made again if that can be, else an error
      |                         | <-- ObjectServed                    |
      | <-- woken, reads anew

A handle holds the object meanwhile: those that came with the views were given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gnomon._core.events import CopyBroken, HandlesArrived
from gnomon._messages.base import Value
from gnomon._messages.failures import is_failure
from gnomon._shell.block_reader import Unreadable
from gnomon._shell.bringing import Handles
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import GetTimeoutError
from gnomon.ids import TaskID

if TYPE_CHECKING:
    from gnomon._shell.core_worker import CoreWorker


def mended(
    core: CoreWorker,
    values: Sequence[Value],
    broken: Unreadable,
    task: TaskID | None,
    timeout: float | None,
    handles: Handles,
) -> list[Value]:
    """The same values with another one in place of what could not be read; what holds it is added to ``handles``.

    Raises:
        GetTimeoutError: it has not come within ``timeout`` seconds.
        ObjectLostError: it is gone, or whatever else has become of it.
    """
    identity = broken.block.object
    core.loop.post(HandlesArrived((identity,), task, None))
    handles.append(ObjectRef(identity))
    core.loop.post(CopyBroken(broken.block, broken.reason))
    known = core.values
    while True:  # it may be lost again before it was looked at
        if not core.await_values((identity,), 1, timeout):
            raise GetTimeoutError(timeout_s=timeout or 0.0, ready=len(values) - 1, total=len(values))
        value = known.get(identity)
        if value is not None:
            break
    if is_failure(value):
        core.load(identity, value)
    return [value if each == broken.block else each for each in values]
