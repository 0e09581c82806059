"""Functions and classes as they travel: by value where the receiver can not import them, else by name.

``__main__``, a notebook's cells above all, always travels by value. So does a module that only this process
has: made by ``exec`` or by a test runner, or found on no path. The id of a function is the hash of its
pickle, so that the same function submitted again is shipped once.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import sys
import threading
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import cloudpickle

from gnomon._wire import explain
from gnomon._wire.object_ref import ObjectRef
from gnomon._wire.pickling_refs import collectors
from gnomon._wire.pickling_serializers import dumps_by_value
from gnomon.exceptions import GnomonError
from gnomon.ids import FunctionID, ObjectID

FUNCTION_ID_BYTES = 8
"""A session has thousands of functions, not billions: 64 bits of hash do not collide by chance."""

_by_value = threading.Lock()
"""cloudpickle's registry of modules to pickle by value is global."""


def dump_function(function: Callable[..., Any], contained: list[ObjectID] | None = None) -> bytes:
    """The pickle of a function or class.

    Args:
        function: also a class, or any callable.
        contained: receives the ids of references that it captures; None treats those as pickled by the user.

    Raises:
        SerializationError: it captures something that can not be pickled; the message names the path.
    """
    outer = collectors.dumping
    found: dict[ObjectID, None] | None = None if contained is None else {}
    collectors.dumping = found
    try:
        blob = _dump(function)
    except GnomonError:
        raise
    except Exception as error:
        name = getattr(function, "__qualname__", repr(function))
        raise explain.refusal(function, name, error) from error
    finally:
        collectors.dumping = outer
    if contained is not None:
        contained += found or ()
    return blob


def load_function(blob: bytes | memoryview, arrived: list[ObjectRef[Any]] | None = None) -> Any:
    """The function or class again.

    Args:
        blob: from :func:`dump_function`.
        arrived: receives the references that it captures; None leaves them to the out-of-band hook.

    Raises:
        SerializationError: a module that it names is missing here.
    """
    outer = collectors.loading
    collectors.loading = arrived
    try:
        return pickle.loads(blob)
    except Exception as error:
        raise explain.no_rebuild(error) from error
    finally:
        collectors.loading = outer


def function_id(blob: bytes) -> FunctionID:
    """The id of a pickled function: a hash of its content."""
    return FunctionID(hashlib.blake2b(blob, digest_size=FUNCTION_ID_BYTES).digest())


def _dump(function: Callable[..., Any]) -> bytes:
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    if module is None or module.__name__ == "__main__" or is_importable(module):
        return _by_cloudpickle(function)
    with _by_value:
        known = module.__name__ in cloudpickle.list_registry_pickle_by_value()
        if not known:
            cloudpickle.register_pickle_by_value(module)
        try:
            return _by_cloudpickle(function)
        finally:
            if not known:
                cloudpickle.unregister_pickle_by_value(module)


def _by_cloudpickle(function: Callable[..., Any]) -> bytes:
    return dumps_by_value(function, 5)


def is_importable(module: ModuleType) -> bool:
    """Whether another process with the same module path finds the same module under this name."""
    name = module.__name__
    parent = name.rpartition(".")[0]
    path = None
    if parent:
        package = sys.modules.get(parent)
        if package is None or not is_importable(package):
            return False
        path = getattr(package, "__path__", None)
    spec = _find(name, path)
    if spec is None:
        return False
    found = os.path.abspath(spec.origin) if spec.has_location and spec.origin else None
    here = getattr(module, "__file__", None)
    return found == (os.path.abspath(here) if here else None)


def _find(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, path)
        except (AttributeError, ImportError, ValueError):  # another library's finder; the next may know
            continue
        if spec is not None:
            return spec
    return None
