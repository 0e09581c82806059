"""Values of simulated programs: small trees that say themselves what they should be.

Every object is made as ``[number, index, ...]``, and its maker notes (number, index) under the object's
id. Whoever reads it later, in any process, compares: a value that went astray, was overwritten or freed
too early is found where it is read. The rest of the tree are references, which is how references travel
inside values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gnomon._messages.failures import RAISED_KIND, is_failure, read_failure
from gnomon.ids import ObjectID, WorkerID, owner_of

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


@dataclass(slots=True)
class Truth:
    """What everything should be: the oracle of one simulation.

    Attributes:
        objects: (number, index) by id.
        starts: how often each task or call was started.
        limits: how often it may be: 1 + retries; None without end.
        calls: per actor, incarnation and caller, the numbers of the calls that have started.
        incarnations: the worker that is an incarnation of an actor.
        raising: numbers of bodies that raise.
        contents: the references inside values, where they are known.
        dead: processes that have ended otherwise than by having nothing to do.
        read: how many values have been compared.
        errors: how many errors were read, by class.
        forbidden: classes of errors that must not be seen, and why.
    """

    objects: dict[ObjectID, tuple[int, int]] = field(default_factory=dict)
    starts: dict[bytes, int] = field(default_factory=dict)
    limits: dict[bytes, int | None] = field(default_factory=dict)
    calls: dict[tuple[bytes, int, bytes], dict[int, None]] = field(default_factory=dict)
    incarnations: dict[tuple[bytes, int], WorkerID] = field(default_factory=dict)
    raising: dict[int, None] = field(default_factory=dict)
    contents: dict[ObjectID, tuple[ObjectID, ...]] = field(default_factory=dict)
    dead: dict[WorkerID, None] = field(default_factory=dict)
    read: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    forbidden: dict[str, str] = field(default_factory=dict)

    def harmless(self, identity: ObjectID) -> bool:
        """Whether an actor may keep it: nothing in it leads to an actor, for a circle is never freed."""
        inner = self.contents.get(identity)
        return inner is not None and all(map(self.harmless, inner))

    def _of_the_dead(self) -> list[ObjectID]:
        """Objects whose owner has died: what they contained is held by nobody."""
        return [identity for identity in self.contents if owner_of(identity) in self.dead]

    def started(self, task: bytes) -> None:
        """Promise 2: at most 1 + retries times."""
        count = self.starts[task] = self.starts.get(task, 0) + 1
        limit = self.limits[task]
        assert limit is None or count <= limit, f"{task.hex()} was started {count} times, allowed are {limit}"

    def call_started(
        self, actor: bytes, incarnation: int, worker: WorkerID, caller: bytes, number: int
    ) -> None:
        """AC1, and promise 3: calls of one caller start in the order of submission in each incarnation.

        One that is repeated because it raised comes after those that were on their way already.
        """
        known = self.incarnations.setdefault((actor, incarnation), worker)
        assert known == worker, f"{actor.hex()} runs twice as incarnation {incarnation}"
        started = self.calls.setdefault((actor, incarnation, caller), {0: None})
        last = max(started)
        assert number > last or number in started, (
            f"call {number} of {caller.hex()} to {actor.hex()} started after call {last}"
        )
        started[number] = None

    def check_read(self, identity: ObjectID, blob: bytes) -> None:
        """A value was read: it is what its maker made, or an error that may be."""
        self.read += 1
        error = error_of(blob)
        if error is None:
            tree = load(blob)
            found = (tree[0], tree[1])
            expected = self.objects[identity]
            assert found == expected, f"{identity.hex()} should be {expected} and is {found}"
            return
        name, fields = error
        self.errors[name] = self.errors.get(name, 0) + 1
        if name == "raised":
            assert fields in self.raising, f"body {fields} raises nothing"
        elif name == "ObjectFreedError":
            lost = any(identity in self.contents.get(outer, ()) for outer in self._of_the_dead())
            assert lost, f"{identity.hex()} was freed though a reference to it was held"
        elif not fields.get("creation_error"):  # that one explains itself
            assert name not in self.forbidden, (
                f"{identity.hex()} is {name} {fields}, though {self.forbidden[name]}"
            )
