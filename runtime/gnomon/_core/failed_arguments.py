"""Failed arguments: an error that is an argument's value becomes the outcome of whoever depends on it.

The error is the same bytes, and may hold references. They live as long as the argument does, so the results of
the dependent task hold the argument: also where it belongs to another process, which alone knows what is in it.
"""

from __future__ import annotations

from gnomon._core.lineage import Record
from gnomon._core.references import ReferenceMachine
from gnomon._messages.failures import is_raised
from gnomon.ids import ObjectID, object_id, owner_of


def keep_cause(references: ReferenceMachine, record: Record, argument: ObjectID) -> None:
    """``argument`` is an error and about to be the value of all results of a task or call (a generator's first item).

    One that was about to run again has not: that is no attempt of its.
    """
    if record.replay is not None:
        record.attempt -= 1
    if not _may_contain(references, argument):
        return
    for index in range(1, max(1, record.event.num_returns) + 1):
        entry = references.entries.get(object_id(record.event.task, index))
        if entry is not None:
            entry.inner += (argument,)
            references.hold((argument,))


def _may_contain(references: ReferenceMachine, identity: ObjectID) -> bool:
    if owner_of(identity) == references.me:
        return bool(references.entries[identity].inner)
    return is_raised(references.values.get(identity))
