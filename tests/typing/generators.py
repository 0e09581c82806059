"""What type checkers know of generators. ``# is`` and ``# error`` are checked by ``test_typing.py``."""

from collections.abc import AsyncIterator, Generator, Iterator
from typing import reveal_type

import gnomon
from gnomon.actor import ActorProxy


@gnomon.remote
def numbers(n: int) -> Iterator[int]:
    yield from range(n)


@gnomon.remote(num_cpus=2)
def words(n: int) -> Generator[str, None, int]:
    yield "word" * n
    return n


class Source:
    @gnomon.method
    def numbers(self, n: int) -> Iterator[int]:
        yield from range(n)

    @gnomon.method(max_task_retries=1)
    async def later(self) -> AsyncIterator[bytes]:
        yield b"later"


reveal_type(numbers.remote(3))  # is ObjectRefGenerator[int]
reveal_type(words.remote(3))  # is ObjectRefGenerator[str]
reveal_type(next(numbers.remote(3)))  # is ObjectRef[int]
reveal_type(gnomon.get(next(words.remote(3))))  # is str
reveal_type(numbers.remote(3).completed())  # is ObjectRef[None]
reveal_type(numbers.options(num_returns=3).remote(3))  # is Any
numbers.remote("three")  # error

for ref in numbers.remote(3):
    reveal_type(ref)  # is ObjectRef[int]
ready, others = gnomon.wait([numbers.remote(3)])
reveal_type(ready)  # is list[ObjectRefGenerator[int]]
gnomon.cancel(numbers.remote(3))

source: ActorProxy[Source] = gnomon.remote(Source).remote()
reveal_type(source.numbers.remote(3))  # is ObjectRefGenerator[int] | Any
reveal_type(source.later.remote())  # is ObjectRefGenerator[bytes] | Any
source.numbers.remote("three")  # error


async def main() -> None:
    async for ref in source.later.remote():
        reveal_type(await ref)  # is bytes | Any
