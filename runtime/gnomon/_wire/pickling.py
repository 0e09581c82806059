"""Pickling: values, arguments and errors to blobs and back. What a blob looks like is in ``pickling_frames``.

Three speeds, because a task's argument is most often a number and sometimes a gigabyte:

    atomic      int, float, str, bytes, bool, None: the C pickler, nothing to collect; large bytes (and
                bytearrays) are not pickled at all: one copy into the store, and one out of it, since nobody
                else may own the memory of such an object
    plain       whatever the C pickler takes; protocol 5 hands out large buffers uncopied
    cloud       what it refuses (lambdas, local classes), and all that names ``__main__``, whose contents
                the receiving process does not have: cloudpickle sends those by value

The rule for a changer: ``deserialize`` must put every reference that it rebuilds into ``arrived``, also when
it fails half way; the engine counts what is there, and a reference that is not counted frees a live object.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from pickle import dumps
from typing import Any, TypeVar

from cloudpickle import cloudpickle as _cloud

from gnomon._wire import explain, pickling_exceptions
from gnomon._wire import pickling_errors as errors
from gnomon._wire import pickling_frames as frames
from gnomon._wire import pickling_serializers as serializers
from gnomon._wire import pickling_times as times
from gnomon._wire.copying import copy_out
from gnomon._wire.object_ref import ObjectRef
from gnomon._wire.pickling_frames import KIND_MASK, Serialized
from gnomon._wire.pickling_functions import dump_function, function_id, load_function
from gnomon._wire.pickling_refs import collectors, rebuild_ref, reduce_ref, set_out_of_band
from gnomon.exceptions import GnomonError
from gnomon.ids import ObjectID

__all__ = [
    "PackedArgs",
    "Serialized",
    "deserialize",
    "dump_function",
    "function_id",
    "is_error",
    "load_function",
    "pack_args",
    "rebuild_ref",
    "reduce_ref",
    "serialize",
    "serialize_error",
    "set_out_of_band",
    "to_bytes",
    "unpack_args",
    "write_into",
]

PROTOCOL = 5
_Place = TypeVar("_Place", int, str)
_ATOMIC = frozenset((int, float, str, bytes, bool, type(None)))
_RAW_BYTES_MIN = 65_536
"""Larger ``bytes`` and ``bytearray`` travel without a pickle; below, one copy more costs less than the frame."""


class PackedArgs:
    """The arguments of one call.

    Attributes:
        serialized: what travels; references at the top level are left out of it.
        dependencies: those references, each once: the call waits for them and gets their values.
        contained: references deeper inside: the call gets them as references.
    """

    __slots__ = ("contained", "dependencies", "serialized")

    def __init__(
        self, serialized: Serialized, dependencies: list[ObjectID], contained: list[ObjectID]
    ) -> None:
        self.serialized = serialized
        self.dependencies = dependencies
        self.contained = contained


def serialize(value: Any, what: str = "the value") -> Serialized:
    """Take a value apart; its large buffers are not copied yet.

    Args:
        value: anything that pickle or cloudpickle can take.
        what: how an error names the value.

    Raises:
        SerializationError: some part can not be pickled; the message names the path to it.
    """
    kind = type(value)
    if kind in _ATOMIC:
        if kind is bytes and len(value) >= _RAW_BYTES_MIN:
            return Serialized(frames.RAW, b"", [memoryview(value)], [])
        return Serialized(frames.VALUE, dumps(value, PROTOCOL), [], [])
    if kind is bytearray and len(value) >= _RAW_BYTES_MIN:
        return Serialized(frames.RAW_ARRAY, b"", [memoryview(value)], [])
    try:
        return _collect(frames.VALUE, value, {})
    except GnomonError:
        raise
    except Exception as error:
        raise explain.refusal(value, what, error) from error


def to_bytes(serialized: Serialized) -> bytes:
    """The blob, for a message."""
    return serialized.to_bytes()


def write_into(serialized: Serialized, target: memoryview) -> None:
    """The same blob at the start of ``target``, for shared memory; large buffers are copied without the GIL.

    Raises:
        ValueError: ``target`` is smaller than ``serialized.total_bytes``.
    """
    serialized.write_into(target)


def deserialize(blob: bytes | memoryview, arrived: list[ObjectRef[Any]] | None) -> Any:
    """Put a value together. An error blob gives the exception, which is not raised.

    Args:
        blob: from :func:`to_bytes` or :func:`write_into`. NumPy arrays and their like are read-only views
            of it, and keep it alive.
        arrived: receives every reference that is rebuilt; None leaves them to the out-of-band hook.

    Raises:
        SerializationError: the value can not be rebuilt here, for example because a module is missing.
    """
    kind = blob[0] & KIND_MASK
    if kind == frames.VALUE:
        try:
            return _load(blob, arrived)
        except Exception as error:
            raise explain.no_rebuild(error) from error
    if kind == frames.RAW:
        return copy_out(frames.split(blob)[1][0])
    if kind == frames.RAW_ARRAY:
        return bytearray(frames.split(blob)[1][0])
    if kind == frames.ERROR:
        return _load_error(blob, arrived)
    if kind == frames.FAILURE:
        return errors.rebuild_failure(blob)
    raise ValueError(f"a blob of kind {kind} is not a value")


def is_error(blob: bytes | memoryview) -> bool:
    """Whether the blob holds an exception, of the user's or of the runtime's."""
    return blob[0] == frames.ERROR or blob[0] == frames.FAILURE


def serialize_error(error: BaseException, contained: list[ObjectID] | None = None) -> bytes:
    """An exception as a blob, see ``pickling_exceptions``. One that can not be pickled arrives as a TaskError
    that tells its text.

    Args:
        error: the exception.
        contained: receives the ids of references inside it; None treats those as pickled by the user.
    """
    found: dict[ObjectID, None] | None = None if contained is None else {}
    outer = collectors.dumping
    collectors.dumping = found
    try:
        inner = Serialized(frames.VALUE, pickling_exceptions.dumps(error), [], []).to_bytes()
    except BaseException:  # a user's __reduce__ may raise anything, and the error itself must be told
        inner, found = b"", None
    finally:
        collectors.dumping = outer
    if contained is not None and found:
        contained += found
    return errors.wrap(error, inner)


def pack_args(args: tuple[Any, ...], kwargs: dict[str, Any], what: str = "the call") -> PackedArgs:
    """Take the arguments of a call apart.

    Args:
        args: positional arguments.
        kwargs: keyword arguments.
        what: the function's name, for errors.

    Raises:
        SerializationError: an argument can not be pickled; the message names it and the path inside it.
    """
    if not kwargs:
        if not args:
            return PackedArgs(_NO_ARGUMENTS, [], [])
        if _ATOMIC.issuperset(map(type, args)):
            return PackedArgs(Serialized(frames.POSITIONAL, dumps(args, PROTOCOL), [], []), [], [])
    dependencies: dict[ObjectID, int] = {}
    slots: list[tuple[int | str, int]] = []
    positional = list(_without_refs(enumerate(args), dependencies, slots).values())
    named = _without_refs(kwargs.items(), dependencies, slots)
    call = (positional, named, slots)
    if _ATOMIC.issuperset(map(type, positional)) and _ATOMIC.issuperset(map(type, named.values())):
        serialized = Serialized(frames.CALL, dumps(call, PROTOCOL), [], [])
        return PackedArgs(serialized, list(dependencies), [])
    try:
        if named or slots:
            serialized = _collect(frames.CALL, call, {})
        else:
            serialized = _collect(frames.POSITIONAL, args, {})
    except GnomonError:
        raise
    except Exception as error:
        raise explain.refused_arguments(args, kwargs, what, error) from error
    return PackedArgs(serialized, list(dependencies), serialized.contained)


def unpack_args(
    blob: bytes | memoryview, values: Sequence[Any], arrived: list[ObjectRef[Any]] | None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, with ``values`` (of the dependencies, in order) in their places.

    Args:
        blob: from :func:`pack_args`.
        values: as many as there were dependencies.
        arrived: as in :func:`deserialize`.

    Raises:
        SerializationError: an argument can not be rebuilt here.
    """
    kind = blob[0] & KIND_MASK
    if kind == frames.EMPTY:
        return (), {}
    try:
        loaded = _load(blob, arrived)
    except Exception as error:
        raise explain.no_rebuild(error) from error
    if kind == frames.POSITIONAL:
        return loaded, {}
    if kind != frames.CALL:
        raise ValueError(f"a blob of kind {kind} does not hold arguments")
    positional, named, slots = loaded
    for place, number in slots:
        if type(place) is int:
            positional[place] = values[number]
        else:
            named[place] = values[number]
    return tuple(positional), named


_NO_ARGUMENTS = Serialized(frames.EMPTY, b"", [], [])


def _without_refs(
    arguments: Iterable[tuple[_Place, Any]],
    dependencies: dict[ObjectID, int],
    slots: list[tuple[int | str, int]],
) -> dict[_Place, Any]:
    """The arguments by place, None where a reference was; that goes to ``dependencies`` and ``slots``."""
    kept: dict[_Place, Any] = {}
    for place, argument in arguments:
        if isinstance(argument, ObjectRef):
            number = dependencies.setdefault(argument._id, len(dependencies))
            slots.append((place, number))
            argument = None
        kept[place] = argument
    return kept


def _collect(kind: int, value: Any, found: dict[ObjectID, None] | None) -> Serialized:
    """Pickle with this thread's collector set; serializing may nest, through a user's ``__reduce__``."""
    outer = collectors.dumping
    collectors.dumping = found
    try:
        inband, buffers = _take_apart(value, found)
    finally:
        collectors.dumping = outer
    return Serialized(kind, inband, buffers, list(found or ()))


def _take_apart(value: Any, found: dict[ObjectID, None] | None) -> tuple[bytes, list[memoryview]]:
    buffers: list[pickle.PickleBuffer] = []
    if not _cloud._PICKLE_BY_VALUE_MODULES:
        dump = serializers.dumps if serializers.table else dumps
        try:
            inband = dump(value, PROTOCOL, buffer_callback=buffers.append)
        except Exception:  # cloudpickle decides whether it is an error
            inband = b""
        if inband and _MAIN not in inband:
            if times.is_among(inband):
                buffers.clear()
                inband = times.dumps(value, PROTOCOL, buffers.append, by_value=False)
            return inband, [buffer.raw() for buffer in buffers]
        buffers.clear()
        if found:
            found.clear()
    inband = serializers.dumps_by_value(value, PROTOCOL, buffers.append)
    if times.is_among(inband):
        buffers.clear()
        inband = times.dumps(value, PROTOCOL, buffers.append, by_value=True)
    return inband, [buffer.raw() for buffer in buffers]


_MAIN = b"__main__"


def _load(blob: bytes | memoryview, arrived: list[ObjectRef[Any]] | None) -> Any:
    inband, buffers = frames.split(blob)
    outer = collectors.loading
    collectors.loading = arrived
    try:
        return pickle.loads(inband, buffers=buffers)
    finally:
        collectors.loading = outer


def _load_error(blob: bytes | memoryview, arrived: list[ObjectRef[Any]] | None) -> BaseException:
    inner, as_text = errors.unwrap(blob)
    if inner:
        try:
            error = _load(inner, arrived)
        except Exception:  # its class is missing here, or its __init__ wants other arguments
            return as_text
        if isinstance(error, BaseException):
            return error
    return as_text
