"""The remote functions and actor classes that several rows share, made for the system under test."""

from __future__ import annotations

from typing import Any


def small_value_task(ray: Any) -> Any:
    """A task of one CPU that returns two bytes."""

    def small_value() -> bytes:
        return b"ok"

    return ray.remote(small_value)


def plain_actor(ray: Any) -> Any:
    """An actor without a CPU of its own, with methods that return two bytes and one that submits tasks."""
    task = small_value_task(ray)

    class Actor:
        def small_value(self) -> bytes:
            return b"ok"

        def small_value_arg(self, x: object) -> bytes:
            return b"ok"

        def small_value_batch(self, calls: int) -> None:
            ray.get([task.remote() for _ in range(calls)])

    return ray.remote(num_cpus=0)(Actor)


def async_actor(ray: Any) -> Any:
    """An asyncio actor; it takes a CPU to be placed and none to run."""

    class AsyncActor:
        async def small_value(self) -> bytes:
            return b"ok"

        async def small_value_with_arg(self, x: object) -> bytes:
            return b"ok"

    return ray.remote(AsyncActor)


def client_actor(ray: Any) -> Any:
    """An actor that calls other actors, in batches, and waits for the answers."""

    class Client:
        def __init__(self, servers: list[Any]) -> None:
            self.servers = servers

        def small_value_batch(self, calls: int) -> None:
            ray.get([server.small_value.remote() for server in self.servers for _ in range(calls)])

        def small_value_batch_arg(self, calls: int) -> None:
            x = ray.put(0)
            ray.get([server.small_value_arg.remote(x) for server in self.servers for _ in range(calls)])

    return ray.remote(num_cpus=0)(Client)


def calling_task(ray: Any, calls: int) -> Any:
    """A task that calls the given actors in turn, ``calls`` times in all, and waits for the answers."""

    def work(actors: list[Any]) -> None:
        ray.get([actors[i % len(actors)].small_value.remote() for i in range(calls)])

    return ray.remote(work)
