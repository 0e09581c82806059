"""References inside pickles: who collects them while a value is taken apart or put together.

A thread that serializes a value installs a collector for the time; every reference met is then recorded for
the hand-off that reliability.md's ownership promises need. A reference pickled by the user's own
``pickle.dumps`` meets no collector: that is honoured and told to the engine, which has to keep the object.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import ObjectID


class Collectors(threading.local):
    """What the running thread collects.

    Attributes:
        dumping: ids met while serializing (keys of a dict: each once, in order); None outside of it.
        loading: references rebuilt while deserializing; None outside of it.
    """

    dumping: dict[ObjectID, None] | None = None
    loading: list[ObjectRef[Any]] | None = None


collectors = Collectors()
_dumped_out_of_band: Callable[[ObjectID], None] | None = None
_loaded_out_of_band: Callable[[ObjectRef[Any]], None] | None = None


def set_out_of_band(
    dumped: Callable[[ObjectID], None] | None, loaded: Callable[[ObjectRef[Any]], None] | None
) -> None:
    """Install what is told of references that the user pickles and unpickles himself.

    Args:
        dumped: called with the id at each such pickling, in the user's thread; may not block.
        loaded: called with each reference rebuilt so; likewise.
    """
    global _dumped_out_of_band, _loaded_out_of_band
    _dumped_out_of_band = dumped
    _loaded_out_of_band = loaded


def reduce_ref(ref: ObjectRef[Any]) -> tuple[Any, ...]:
    """What ``ObjectRef.__reduce__`` returns: engines install this as the ``reduce`` hook."""
    identity: ObjectID = ref._id
    found = collectors.dumping
    if found is not None:
        found[identity] = None
    elif _dumped_out_of_band is not None:
        _dumped_out_of_band(identity)
    return rebuild_ref, (identity,)


def rebuild_ref(identity: ObjectID) -> ObjectRef[Any]:
    """The reverse of :func:`reduce_ref`; called by unpickling alone."""
    ref: ObjectRef[Any] = ObjectRef(identity)
    arrived = collectors.loading
    if arrived is not None:
        arrived.append(ref)
    elif _loaded_out_of_band is not None:
        _loaded_out_of_band(ref)
    return ref
