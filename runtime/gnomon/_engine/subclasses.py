"""What inherits from an actor class: an ordinary class, until it is decorated itself."""

from __future__ import annotations

from typing import Any


class NeedsDecorator:
    """An attribute that only a decorated class has."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, cls: type) -> Any:
        raise AttributeError(
            f"{cls.__name__}.{self._name} is not there: {cls.__name__} inherits from an actor class, but is an "
            "ordinary class itself. Put @gnomon.remote before it."
        )


class Undecorated:
    """The last base of a class that inherits from an actor class: it tells who forgot the decorator."""

    __slots__ = ()

    remote = NeedsDecorator()
    options = NeedsDecorator()
    bind = NeedsDecorator()
