"""What type checkers know of actors. ``# is`` and ``# error`` are checked by ``test_typing.py``.

The class is made remote by a call: mypy does not follow decorators of classes.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any, reveal_type

import gnomon
from gnomon.actor import ActorHandle, ActorProxy


class Counter:
    def __init__(self, start: int = 0) -> None:
        self.value = start

    @gnomon.method
    def add(self, amount: int, times: int = 1) -> int:
        self.value += amount * times
        return self.value

    @gnomon.method
    async def later(self) -> str:
        return "later"

    @gnomon.method(num_returns=2)
    def both(self) -> tuple[int, int]:
        return self.value, self.add(2)

    @gnomon.method(max_task_retries=2)
    def named(self, name: str) -> bytes:
        return name.encode()

    @gnomon.method
    def count(self, to: int) -> Iterator[int]:
        yield from range(to)

    @gnomon.method
    async def count_later(self) -> AsyncIterator[str]:
        yield "a"

    def undecorated(self, anything: int) -> int:
        return anything


RemoteCounter = gnomon.remote(Counter)

# a handle as it comes: its methods take and return anything
handle = RemoteCounter.remote(1)
reveal_type(handle)  # is ActorHandle[Counter] | Any
reveal_type(handle.add.remote(1))  # is Any
reveal_type(handle.undecorated.remote("x"))  # is Any
number: int = handle  # error

# the same, annotated: decorated methods are known
counter: ActorProxy[Counter] = RemoteCounter.options(num_cpus=1).remote(1)
reveal_type(counter.add.remote(1))  # is ObjectRef[int] | Any
reveal_type(counter.add.remote(1, times=2))  # is ObjectRef[int] | Any
reveal_type(counter.add.remote(gnomon.put(1)))  # is ObjectRef[int] | Any
reveal_type(counter.later.remote())  # is ObjectRef[str] | Any
reveal_type(counter.both.remote())  # is Any
reveal_type(counter.named.remote("x"))  # is ObjectRef[bytes] | Any
reveal_type(counter.count.remote(3))  # is ObjectRefGenerator[int] | Any
reveal_type(counter.count_later.remote())  # is ObjectRefGenerator[str] | Any
counter.add.remote("one")  # error
counter.add.remote(1, 2, 3)  # error
counter.later.remote(1)  # error
counter.named.remote(b"x")  # error

# inside of the class, and without an actor, they are ordinary methods
reveal_type(Counter().add(1))  # is int

gnomon.kill(counter)
gnomon.kill(handle)
gnomon.kill(3)  # error


@gnomon.remote
def use(which: ActorHandle[Any]) -> int:
    return 1


reveal_type(use.remote(handle))  # is ObjectRef[int]
reveal_type(gnomon.get_actor("counter"))  # is ActorHandle[Any]
