"""Functions as they are shipped: pickled once where they are defined, loaded once where they run.

A payload has three parts: the pickled function, the pickled classes of its ``retry_exceptions``, and the
serializers that the user has registered (both empty when there are none). Only the executor unpickles;
whether an exception is worth another attempt is decided there, and travels as a flag.

A function that captures references is a holder of them. Where it is defined it counts as long as its
template lives and in every task in flight; where it runs only until there is nothing to run, so that it
keeps nothing alive there.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from gnomon._core.shipping import FUNCTIONS_MAX, FunctionBudget
from gnomon._wire import pickling, pickling_serializers
from gnomon._wire.captures import warn_if_large
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import FunctionID, ObjectID, TaskID

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[bytes, bytes, bytes]).decode

RetryClasses = tuple[type[BaseException], ...]


def pack_function(
    function: Callable[..., Any], retry: bool | RetryClasses, large_bytes: int
) -> tuple[FunctionID, bytes, tuple[ObjectID, ...]]:
    """The id of a function (a hash of the content), its payload, and the references that it captures.

    A pickled function of more than ``large_bytes`` is warned of.
    """
    classes = pickling.dump_function(retry) if isinstance(retry, tuple) else b""  # type: ignore[arg-type]
    captured: list[ObjectID] = []
    blob = pickling.dump_function(function, captured)
    warn_if_large(function, len(blob), large_bytes)
    payload = _encode((blob, classes, pickling_serializers.pack()))
    return pickling.function_id(payload), payload, tuple(captured)


class Packed(Protocol):
    """A template that keeps what the engine has made of it."""

    engine_state: Any


class PackedTemplates:
    """Templates whose payloads are out of date as soon as the user registers a serializer."""

    def __init__(self) -> None:
        self._templates: weakref.WeakSet[Packed] = weakref.WeakSet()
        pickling_serializers.set_changed(self._forget)

    def add(self, template: Packed) -> None:
        """A template has been packed."""
        self._templates.add(template)

    def close(self) -> None:
        """The session ends."""
        pickling_serializers.set_changed(None)

    def _forget(self) -> None:
        for template in list(self._templates):
            template.engine_state = None
        self._templates.clear()


def pack_classes(classes: RetryClasses) -> bytes:
    """The classes of exceptions that a method may be repeated after, as a call takes them along."""
    return pickling.dump_function(classes)  # type: ignore[arg-type]


class FunctionTable:
    """Functions loaded in this process.

    Args:
        payloads: filled by the role as they are shipped.
        arrived: told of the references that a function captures, and with which task it came.
    """

    def __init__(
        self, payloads: dict[bytes, bytes], arrived: Callable[[list[ObjectRef[Any]], TaskID | None], None]
    ) -> None:
        self._payloads = payloads
        self._arrived = arrived
        self._loaded: dict[FunctionID, tuple[Callable[..., Any], RetryClasses]] = {}
        self._kept = FunctionBudget()
        self._capturing: dict[FunctionID, None] = {}
        self._classes: dict[bytes, RetryClasses] = {}

    def load(self, function: FunctionID, task: TaskID) -> tuple[Callable[..., Any], RetryClasses]:
        """The function of ``task`` and the exceptions worth another attempt (all, unless the user named
        some).
        """
        found = self._loaded.get(function)
        if found is None:
            payload = self._payloads[function]
            found, captures = self.load_payload(payload, task)
            self._loaded[function] = found
            if captures:
                self._capturing[function] = None
            for old in self._kept.add(function, len(payload)):
                self._loaded.pop(old, None)
        return found

    def load_classes(self, blob: bytes) -> RetryClasses:
        """Classes of exceptions that a call names, from :func:`pack_classes`."""
        found = self._classes.get(blob)
        if found is None:
            refs: list[ObjectRef[Any]] = []
            if len(self._classes) >= FUNCTIONS_MAX:
                self._classes.clear()
            found = self._classes[blob] = pickling.load_function(blob, refs)
        return found

    def idle(self) -> None:
        """Nothing is left to run: let go of functions that capture references."""
        if self._capturing:
            for function in self._capturing:
                self._loaded.pop(function, None)
            self._capturing.clear()

    def load_payload(
        self, payload: bytes, task: TaskID | None
    ) -> tuple[tuple[Callable[..., Any], RetryClasses], bool]:
        """The contents of a payload, and whether it captures references."""
        blob, classes, serializers = _decode(payload)
        if serializers:
            pickling_serializers.adopt(serializers)
        refs: list[ObjectRef[Any]] = []
        try:
            retry = pickling.load_function(classes, refs) if classes else (Exception,)
            return (pickling.load_function(blob, refs), retry), bool(refs)
        finally:
            if refs:
                self._arrived(refs, task)
