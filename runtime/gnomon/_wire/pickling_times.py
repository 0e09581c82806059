"""Arrays of dates and times without a copy: NumPy hands out all its arrays as buffers, except these.

A ``datetime64`` or ``timedelta64`` array is pickled into the pickle itself, and pandas' columns of dates are such
arrays. Here they travel as the integers that they are. Since this needs a slower pickler, the value is pickled as
usual first, and again only where the result is large and shows the mark of such an array.
"""

from __future__ import annotations

import io
import pickle
from collections import ChainMap
from collections.abc import Callable
from functools import cache
from typing import Any

from gnomon._wire.pickling_serializers import Buffers, PicklerByValue, plain_table

_LARGE_BYTES = 65_536
_MARKS = (b"\x8c\x02M8", b"\x8c\x02m8")
"""How a pickle has the name of such a dtype: a string of two characters."""


def is_among(inband: bytes) -> bool:
    """Whether a pickle is large and may contain an array of times."""
    return len(inband) >= _LARGE_BYTES and (_MARKS[0] in inband or _MARKS[1] in inband)


def dumps(value: Any, protocol: int, buffer_callback: Buffers, by_value: bool) -> bytes:
    """As ``pickle.dumps``, or ``cloudpickle.dumps`` if ``by_value``, with arrays of times as buffers."""
    with io.BytesIO() as file:
        _pickler(by_value)(file, protocol, buffer_callback=buffer_callback).dump(value)
        return file.getvalue()


@cache
def _pickler(by_value: bool) -> Callable[..., Any]:
    """A class, since a pickler's table is its class's. NumPy has been imported where there is such an array."""
    import numpy

    base: type = PicklerByValue if by_value else pickle.Pickler
    others = PicklerByValue.dispatch_table if by_value else plain_table
    return type("TimesPickler", (base,), {"dispatch_table": ChainMap({numpy.ndarray: _reduce}, others)})


def _reduce(array: Any) -> Any:
    if array.dtype.kind in "mM":
        return rebuild, (array.view("i8"), array.dtype)
    return array.__reduce_ex__(5)


def rebuild(integers: Any, dtype: Any) -> Any:
    """The array again; called by unpickling alone."""
    return integers.view(dtype)
