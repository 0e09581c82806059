"""Serializers of the user's: how instances of a class are pickled, where pickle can not or should not.

    register(cls, serializer, deserializer)     in this process, from now on
    pack() / adopt(blob)                        with every function and class that is shipped after that

The deserializer travels inside each pickled value, so that whoever gets one can rebuild it. The serializer
travels with functions and actor classes, so that their results are pickled by it too. It is looked up by the
exact class, as pickle's own table is. The rule for a changer: where nothing is registered this costs one look
at an empty dict.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections import ChainMap
from collections.abc import Callable
from typing import Any

import cloudpickle

Pair = tuple[Callable[[Any], Any], Callable[[Any], Any]]
Buffers = Callable[[pickle.PickleBuffer], object]

table: dict[type, Callable[[Any], Any]] = {}
"""What the picklers look up: a reducer by class."""

_own: dict[type, Pair] = {}
_adopted: dict[type, Pair] = {}
_adopted_blob = b""
_changes = 0
_changed: Callable[[], object] | None = None


def register(cls: type, serializer: Callable[[Any], Any], deserializer: Callable[[Any], Any]) -> None:
    """Pickle instances of ``cls`` as ``serializer`` says; replaces what was registered for it."""
    _own[cls] = (serializer, deserializer)
    _update()


def deregister(cls: type) -> None:
    """Pickle instances of ``cls`` as pickle does; nothing happens when nothing was registered."""
    if _own.pop(cls, None) is not None or _adopted.pop(cls, None) is not None:
        _update()


def set_changed(changed: Callable[[], object] | None) -> None:
    """Install what is told when this process has registered something: what it has packed is out of date."""
    global _changed
    _changed = changed


def pack() -> bytes:
    """All that is registered here; empty when nothing ever was.

    It is another blob after each change, even back to what was: a receiver does not look twice at the same.
    """
    if not _changes:
        return b""
    blob: bytes = cloudpickle.dumps((_changes, {**_adopted, **_own}), 5)
    return blob


def adopt(blob: bytes) -> None:
    """Register what another process has packed; what it no longer has is gone here too."""
    global _adopted_blob
    if not blob or blob == _adopted_blob:
        return
    _adopted_blob = blob
    _adopted.clear()
    _adopted.update(pickle.loads(blob)[1])
    _update(tell=False)


def _update(tell: bool = True) -> None:
    global _changes
    _changes += 1
    table.clear()
    for cls, (serializer, deserializer) in {**_adopted, **_own}.items():
        table[cls] = _reducer(serializer, deserializer)
    if tell and _changed is not None:
        _changed()


def _reducer(serializer: Callable[[Any], Any], deserializer: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: (deserializer, (serializer(value),))


class PicklerByValue(cloudpickle.Pickler):  # type: ignore[misc]  # it ships no types
    """cloudpickle's pickler, which asks the table first."""

    dispatch_table: Any = ChainMap(table, cloudpickle.Pickler.dispatch_table)


plain_table: Any = ChainMap(table, copyreg.dispatch_table)
"""What pickle's own pickler looks up."""


def dumps(value: Any, protocol: int, buffer_callback: Buffers | None = None) -> bytes:
    """As ``pickle.dumps``, by the table."""
    with io.BytesIO() as file:
        pickler = pickle.Pickler(file, protocol, buffer_callback=buffer_callback)
        pickler.dispatch_table = plain_table
        pickler.dump(value)
        return file.getvalue()


def dumps_by_value(value: Any, protocol: int, buffer_callback: Buffers | None = None) -> bytes:
    """As ``cloudpickle.dumps``, by the table."""
    if not table:
        blob: bytes = cloudpickle.dumps(value, protocol, buffer_callback=buffer_callback)
        return blob
    with io.BytesIO() as file:
        PicklerByValue(file, protocol, buffer_callback=buffer_callback).dump(value)
        return file.getvalue()
