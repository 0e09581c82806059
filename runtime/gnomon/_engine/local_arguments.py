"""What a submission takes along, for tasks, actors and calls alike: arguments, captured references, its cell."""

from __future__ import annotations

from types import FrameType
from typing import Any

from gnomon._engine.base import Origin
from gnomon._engine.call_sites import nested_in, submitted_at
from gnomon._messages.base import Value
from gnomon._messages.tasks import Provenance
from gnomon._shell import task_context
from gnomon._shell.core_worker import CoreWorker, past_owners
from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import ObjectID


def own(core: CoreWorker, captured: tuple[ObjectID, ...]) -> list[ObjectRef[Any]]:
    """Handles of a template's own on what its pickle captures: the user's variables may change
    meanwhile.
    """
    handles: list[ObjectRef[Any]] = [ObjectRef(identity) for identity in captured]
    if handles:
        if past_owners:
            core.refuse_foreign(captured)
        core.handles_arrived(handles)
    return handles


def pack_values(
    core: CoreWorker, packed: pickling.PackedArgs, provenance: Provenance | None, inline: bool = False
) -> tuple[Value, ObjectRef[Any] | None]:
    """The packed arguments; large ones become an object of their own, with the submission's ``provenance``, returned
    to be held, unless they must outlive this process (``inline``).
    """
    if past_owners:
        core.refuse_foreign([*packed.dependencies, *packed.contained])
    serialized = packed.serialized
    if inline or serialized.total_bytes <= core.inline_max:
        return pickling.to_bytes(serialized), None
    ref = core.put_serialized(serialized, provenance)
    return core.values[ref._id], ref


def provenance_of(
    origin: Origin | None, frame: FrameType, running: task_context.RunningTask | None
) -> Provenance | None:
    """Where a submission comes from: the cell now running, or the cell of the task that submits.

    Args:
        origin: the cell now running; None in a task.
        frame: of the code that submits.
        running: the task that submits.
    """
    if origin is not None:
        known = origin.places.get(frame.f_lasti)  # to ask a frame for its line takes longer than all this
        if known is not None and known[0] is frame.f_code:
            return known[1]
        return submitted_at(origin, frame)
    if running is not None and running.provenance is not None:
        return nested_in(running, running.provenance)
    return None
