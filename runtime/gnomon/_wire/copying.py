"""Copies of bytes at the memory's speed: without the GIL, and the largest by several threads, each a part.

One thread may not fill the memory's bandwidth, and where it does nothing is lost. The rule for a changer: no
function returns, by whatever exception, while a thread still writes, for the bytes may be somebody else's next.
"""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import os
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

_WITHOUT_GIL_BYTES = 65_536
"""From this size on a copy takes longer (about 5 us) than giving the GIL back and taking it again."""

_IN_PARTS_BYTES = 16_000_000
"""From this size on a copy takes longer (about 1 ms) than starting threads (0.014 ms each)."""

_MAX_THREADS = 4
_PART_ALIGNMENT = 4096
"""Bytes: two threads never write to one page."""


def copy_into(target: memoryview, start: int, source: bytes | memoryview) -> None:
    """Copy ``source`` (contiguous bytes) to ``target[start:]``; without the GIL when it is large.

    Raises:
        ValueError: it does not fit.
    """
    size = len(source)
    if size < _WITHOUT_GIL_BYTES:
        target[start : start + size] = source
        return
    if start + size > target.nbytes:
        raise ValueError(f"{size} bytes do not fit at {start} of {target.nbytes}.")
    destination = ctypes.addressof((ctypes.c_char * size).from_buffer(target, start))
    with _Address(source) as address:
        _copy(destination, address, size)


def copy_out(source: memoryview) -> bytes:
    """``source`` as ``bytes``: one copy, which Python's type can not do without; without the GIL when it is large."""
    size = source.nbytes
    if size < _WITHOUT_GIL_BYTES:
        return bytes(source)
    copied: bytes = _new_bytes(None, size)
    with _Address(copied) as target, _Address(source) as address:
        _copy(target, address, size)
    return copied


def _copy(target: int, source: int, size: int) -> None:
    """From address to address; in parts when it is worth it."""
    count = min(_MAX_THREADS, _cpus()) if size >= _IN_PARTS_BYTES else 1
    if count == 1:
        ctypes.memmove(target, source, size)
    else:
        part = -(-size // count // _PART_ALIGNMENT) * _PART_ALIGNMENT
        _Parts([(target + at, source + at, min(part, size - at)) for at in range(0, size, part)]).copy()


_CALLER = 0
"""Who asked for the copy; a helper has the number of its part, from 1. (A thread's ident may be another's soon.)"""


class _Parts:
    """The parts of one copy, and who copies which: whoever claims a part first.

    A helper may come late (another thread holds the GIL) or never (the system gives no more threads); then the caller
    copies its part. The caller may be interrupted between any two steps, so each of its steps can be done twice.
    """

    __slots__ = ("_changed", "_claims", "_done", "_parts")

    def __init__(self, parts: Sequence[tuple[int, int, int]]) -> None:
        self._parts = parts
        self._claims: dict[int, int] = {}
        self._done: set[int] = set()
        self._changed = threading.Event()

    def copy(self) -> None:
        """Copy all; afterwards no helper writes any more, also when this raises."""
        try:
            with contextlib.suppress(RuntimeError):  # no more threads: what nobody else does is done here
                for part in range(1, len(self._parts)):
                    _thread.start_new_thread(self._help, (part,))
            for part, (target, source, size) in enumerate(self._parts):
                if self._claims.setdefault(part, _CALLER) == _CALLER:
                    ctypes.memmove(target, source, size)
        finally:
            self._end()

    def _help(self, part: int) -> None:
        if self._claims.setdefault(part, part) == part:
            ctypes.memmove(*self._parts[part])
            self._done.add(part)
            self._changed.set()

    def _end(self) -> None:
        """Let nobody begin, and wait for those who have begun; what is raised meanwhile is raised afterwards."""
        interruption: BaseException | None = None
        while True:
            try:
                self._changed.clear()
                for part in range(len(self._parts)):
                    self._claims.setdefault(part, _CALLER)
                if self._done.issuperset(filter(None, self._claims.values())):
                    break
                self._changed.wait()
            except BaseException as error:  # an interrupt, or a cancellation
                interruption = error
        if interruption is not None:
            raise interruption


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_new_bytes = ctypes.pythonapi.PyBytes_FromStringAndSize
"""With None: bytes that nobody has seen yet, to be filled once."""
_new_bytes.restype = ctypes.py_object
_new_bytes.argtypes = (ctypes.c_char_p, ctypes.c_ssize_t)


class _PyBuffer(ctypes.Structure):
    """CPython's Py_buffer: the only way to the address of read-only memory without NumPy."""

    _fields_: ClassVar[Sequence[tuple[str, Any]]] = [
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    ]


class _Address:
    """The address of a bytes-like object's memory, while the object is held."""

    __slots__ = ("_buffer", "_source")

    def __init__(self, source: bytes | memoryview) -> None:
        self._source = source
        self._buffer = _PyBuffer()

    def __enter__(self) -> int:
        ctypes.pythonapi.PyObject_GetBuffer(ctypes.py_object(self._source), ctypes.byref(self._buffer), 0)
        return self._buffer.buf or 0

    def __exit__(self, *_: object) -> None:
        ctypes.pythonapi.PyBuffer_Release(ctypes.byref(self._buffer))
