"""Functions as they are shipped: pickled once where they are defined, loaded once where they run.

A payload is a pair: the pickled function, and the pickled classes of its ``retry_exceptions`` (empty when there are
none). Only the executor unpickles; whether an exception is worth another attempt is decided there, and travels as a flag.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import FunctionID

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[bytes, bytes]).decode

RetryClasses = tuple[type[BaseException], ...]


def pack_function(function: Callable[..., Any], retry: bool | RetryClasses) -> tuple[FunctionID, bytes]:
    """The payload of a function and its id, a hash of the content."""
    classes = pickling.dump_function(retry) if isinstance(retry, tuple) else b""  # type: ignore[arg-type]
    payload = _encode((pickling.dump_function(function), classes))
    return pickling.function_id(payload), payload


class FunctionTable:
    """Functions loaded in this process.

    Args:
        payloads: filled by the role as they are shipped.
        arrived: told of the references that a function captures.
    """

    def __init__(self, payloads: dict[bytes, bytes], arrived: Callable[[list[ObjectRef[Any]]], None]) -> None:
        self._payloads = payloads
        self._arrived = arrived
        self._loaded: dict[FunctionID, tuple[Callable[..., Any], RetryClasses]] = {}

    def load(self, function: FunctionID) -> tuple[Callable[..., Any], RetryClasses]:
        """The function and the exceptions worth another attempt (all, unless the user named some)."""
        found = self._loaded.get(function)
        if found is None:
            found = self._loaded[function] = self.load_payload(self._payloads[function])
        return found

    def load_payload(self, payload: bytes) -> tuple[Callable[..., Any], RetryClasses]:
        """The contents of a payload."""
        blob, classes = _decode(payload)
        refs: list[ObjectRef[Any]] = []
        try:
            retry = pickling.load_function(classes, refs) if classes else (Exception,)
            return pickling.load_function(blob, refs), retry
        finally:
            if refs:
                self._arrived(refs)
