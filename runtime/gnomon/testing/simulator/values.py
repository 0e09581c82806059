"""Values of simulated programs: small trees that say themselves what they should be.

Every object is made as ``[number, index, ...]``, and its maker notes (number, index) under the object's
id (``truth``). Whoever reads it later, in any process, compares: a value that went astray, was overwritten
or freed too early is found where it is read. The rest of the tree are references, which is how references
travel inside values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from gnomon._messages.base import Value
from gnomon._messages.failures import RAISED_KIND, is_failure, read_failure
from gnomon.ids import ObjectID

_REF = 1


class Ref:
    """A reference inside a value. No dataclass: msgspec would encode it by itself."""

    __slots__ = ("id",)

    def __init__(self, identity: ObjectID) -> None:
        self.id = identity


def _as_ext(thing: Any) -> Any:
    assert type(thing) is Ref, thing
    return msgspec.msgpack.Ext(_REF, thing.id)


def _from_ext(_code: int, data: memoryview) -> Any:
    return Ref(ObjectID(bytes(data)))


_encode = msgspec.msgpack.Encoder(enc_hook=_as_ext).encode
_decode = msgspec.msgpack.Decoder(ext_hook=_from_ext).decode


def dump(tree: Any) -> bytes:
    """A value as the runtime carries it."""
    return b"\0" + _encode(tree)


def dump_error(number: int) -> bytes:
    """The exception that body ``number`` raises."""
    return bytes((RAISED_KIND,)) + _encode(number)


def load(blob: bytes) -> Any:
    """The tree of a value."""
    assert blob[0] == 0, blob
    return _decode(blob[1:])


_LOSSES = frozenset(
    {"ObjectLostError", "ObjectReconstructionFailedError", "OwnerDiedError", "ObjectFreedError"}
)


def is_lost(value: Value) -> bool:
    """Whether it says that a value is lost that was there, could not be brought from there, or not be made again."""
    return (
        is_failure(value)
        and isinstance(value, bytes)
        and value[0] != RAISED_KIND
        and read_failure(value)[0] in _LOSSES
    )


def error_of(blob: bytes) -> tuple[str, Any] | None:
    """(class name, fields) of an error, ("raised", number) of a body's own, None of a value."""
    if not is_failure(blob):
        return None
    if blob[0] == RAISED_KIND:
        return "raised", _decode(blob[1:])
    return read_failure(blob)


def refs_in(tree: Any) -> list[ObjectID]:
    """Ids of the references in a tree, one for each place."""
    if type(tree) is Ref:
        return [tree.id]
    if isinstance(tree, list | tuple):
        return [found for each in tree for found in refs_in(each)]
    return []


def distinct(identities: Iterable[ObjectID]) -> tuple[ObjectID, ...]:
    """Each once, in order."""
    return tuple(dict.fromkeys(identities))
