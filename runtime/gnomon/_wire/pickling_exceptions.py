"""Exceptions as pickles, so that ``except MyError`` works at the other end.

Python rebuilds an exception by calling its class with ``error.args``, and that fails where a constructor takes
other arguments than it hands to ``super().__init__``: most classes that people write with fields. So here an
exception is rebuilt as pickle rebuilds any other object, without the user's ``__init__``: its arguments by the
built-in class that it derives from, its fields by ``__dict__``. Classes with a ``__reduce__`` of their own keep
it. Used for what tasks raise, not for exceptions that are values among others.
"""

from __future__ import annotations

import io
from typing import Any

from gnomon._wire.pickling_serializers import PicklerByValue, dumps_by_value

PROTOCOL = 5


def dumps(error: BaseException) -> bytes:
    """The pickle of an exception and of what it holds.

    Fields that can not be pickled are left out, and such arguments become their text: a part of an exception
    that can be caught as its own class is worth more than all of it as text.

    Raises:
        Exception: whatever pickling raises, when not even that helps.
    """
    try:
        return _dump(error, lenient=False)
    except Exception:  # whatever a user's __reduce__ raises
        return _dump(error, lenient=True)


def _dump(error: BaseException, lenient: bool) -> bytes:
    target = io.BytesIO()
    _Pickler(target, lenient).dump(error)
    return target.getvalue()


class _Pickler(PicklerByValue):
    def __init__(self, target: io.BytesIO, lenient: bool) -> None:
        super().__init__(target, PROTOCOL)
        self._lenient = lenient

    def reducer_override(self, obj: Any) -> Any:
        """Called by the pickler for each object: exceptions are taken apart here, all else as usual."""
        if isinstance(obj, BaseException):
            built_in = _built_in_class(type(obj))
            if _reduces_as(type(obj), built_in):
                return self._reduce(obj, built_in)
        return super().reducer_override(obj)

    def _reduce(self, error: BaseException, built_in: type[BaseException]) -> tuple[Any, ...]:
        reduced: Any = error.__reduce__()
        args, fields = reduced[1], reduced[2] if len(reduced) > 2 else None
        if self._lenient:
            args = tuple(each if _can_travel(each) else str(each) for each in args)
            if isinstance(fields, dict):
                fields = {name: each for name, each in fields.items() if _can_travel(each)}
        return rebuild, (type(error), built_in, args), fields


def rebuild(cls: type[BaseException], built_in: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """An exception without its fields, which pickle sets next; no ``__init__`` of the user's is called."""
    error = built_in.__new__(cls, *args)
    built_in.__init__(error, *args)  # what OSError and others keep in C
    return error


def _built_in_class(cls: type[BaseException]) -> type[BaseException]:
    return next(
        each for each in cls.__mro__ if each.__module__ == "builtins" and issubclass(each, BaseException)
    )


def _reduces_as(cls: type[BaseException], built_in: type[BaseException]) -> bool:
    """Whether a class is pickled as its built-in base is: it says nothing about pickling itself."""
    names = ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__", "__getnewargs__")
    return all(getattr(cls, name, None) is getattr(built_in, name, None) for name in names)


def _can_travel(value: Any) -> bool:
    if isinstance(value, BaseException):
        return True  # it is taken apart in its turn
    try:
        dumps_by_value(value, PROTOCOL)
    except Exception:
        return False
    return True
