"""Serializers of your own for classes that pickle can not take apart, or should not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gnomon._api.checks import shown
from gnomon._wire import pickling_serializers

__all__ = ["deregister_serializer", "register_serializer"]

C = TypeVar("C")


def register_serializer(
    cls: type[C], *, serializer: Callable[[C], Any], deserializer: Callable[[Any], C]
) -> None:
    """From now on pickle the instances of a class (not those of its subclasses) by a function of your own.

    It counts in this process at once, and in every worker with the next function or actor class that it gets
    from here: in Ray each process has to register it by itself. An actor that exists already has to do so
    here too.

    Args:
        cls: the class.
        serializer: takes an instance, returns anything that can be pickled.
        deserializer: makes an instance of that again.

    Raises:
        TypeError: ``cls`` is no class, or one of the others can not be called.
    """
    _check_class("register_serializer", cls)
    for name, value in (("serializer", serializer), ("deserializer", deserializer)):
        if not callable(value):
            raise TypeError(
                f"{name} of register_serializer() must be a function of one argument, not {shown(value)}."
            )
    pickling_serializers.register(cls, serializer, deserializer)


def deregister_serializer(cls: type) -> None:
    """Pickle the instances of a class as usual again; nothing happens when nothing was registered.

    Raises:
        TypeError: ``cls`` is no class.
    """
    _check_class("deregister_serializer", cls)
    pickling_serializers.deregister(cls)


def _check_class(call: str, cls: Any) -> None:
    if not isinstance(cls, type):
        raise TypeError(f"{call}() takes a class, not {shown(cls)}.")
