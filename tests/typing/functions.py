"""What type checkers know of remote functions. ``# is`` and ``# error`` are checked by ``test_typing.py``."""

from collections.abc import Iterator
from typing import reveal_type

import gnomon
from gnomon import ObjectRef


@gnomon.remote
def add(x: int, y: int = 1) -> int:
    return x + y


@gnomon.remote(num_cpus=2, max_retries=0)
def text(x: int) -> str:
    return str(x)


@gnomon.remote(num_returns=2)
def pair() -> tuple[int, int]:
    return 1, 2


@gnomon.remote
def scale(values: list[float], *names: str, by: float) -> float:
    return sum(values) * by


@gnomon.remote
def count(to: int) -> Iterator[int]:
    yield from range(to)


def plain(x: int) -> bytes:
    return bytes(x)


reveal_type(add.remote(1))  # is ObjectRef[int]
reveal_type(add.remote(1, 2))  # is ObjectRef[int]
reveal_type(add.remote(1, y=2))  # is ObjectRef[int]
reveal_type(text.remote(1))  # is ObjectRef[str]
reveal_type(gnomon.remote(plain).remote(1))  # is ObjectRef[bytes]
reveal_type(scale.remote([1.0], "a", by=2.0))  # is ObjectRef[float]
reveal_type(pair.remote())  # is Any
first, second = pair.remote()

# a function that yields
reveal_type(count.remote(3))  # is ObjectRefGenerator[int]
reveal_type(next(count.remote(3)))  # is ObjectRef[int]
for each in count.remote(3):
    reveal_type(each)  # is ObjectRef[int]
count.remote("three")  # error

# a reference in place of a value
reveal_type(add.remote(add.remote(1)))  # is ObjectRef[int]
reveal_type(add.remote(1, add.remote(1)))  # is ObjectRef[int]
reveal_type(add.remote(x=add.remote(1)))  # is ObjectRef[int]
reveal_type(text.remote(gnomon.put(3)))  # is ObjectRef[str]

add.remote("one")  # error
add.remote(1, "two")  # error
add.remote(1, z=3)  # error
add.remote(1, 2, 3)  # error
scale.remote([1.0], 2, by=2.0)  # error
scale.remote([1.0], by="2")  # error

# options keep the types, but for a number of results
reveal_type(text.options(num_cpus=1).remote(1))  # is ObjectRef[str]
text.options(num_cpus=1).remote("one")  # error
reveal_type(text.options(num_returns=2).remote(1))  # is Any

# values
reveal_type(gnomon.get(add.remote(1)))  # is int
reveal_type(gnomon.get([text.remote(1)]))  # is list[str]
reveal_type(gnomon.put("x"))  # is ObjectRef[str]
reveal_type(gnomon.wait([add.remote(1)]))  # is tuple[list[ObjectRef[int]], list[ObjectRef[int]]]
number: ObjectRef[float] = add.remote(1)  # a reference to an int is one to a float
wrong: ObjectRef[str] = add.remote(1)  # error
gnomon.get(3)  # error
gnomon.wait(add.remote(1))  # error
gnomon.cancel(3)  # error


async def main() -> None:
    reveal_type(await add.remote(1))  # is int


add.remot(1)  # error
add.remote(1).result()  # error
