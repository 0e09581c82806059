"""Rows about calls to asyncio actors."""

from __future__ import annotations

from .remotes import async_actor, calling_task, client_actor  # noqa: TID252
from .work import CLIENTS, HALF_CORES, Bench, Rows, Work  # noqa: TID252

rows = Rows()

CALLS = 1000


@rows.row("1:1 async-actor calls sync")
def _sync(bench: Bench) -> Work:
    ray = bench.ray
    actor = async_actor(ray).remote()
    return Work(lambda: ray.get(actor.small_value.remote()))


@rows.row("1:1 async-actor calls async")
def _async(bench: Bench) -> Work:
    ray = bench.ray
    actor = async_actor(ray).remote()
    return Work(lambda: ray.get([actor.small_value.remote() for _ in range(CALLS)]), CALLS)


@rows.row("1:1 async-actor calls with args async")
def _async_with_args(bench: Bench) -> Work:
    ray = bench.ray
    actor = async_actor(ray).remote()
    return Work(lambda: ray.get([actor.small_value_with_arg.remote(i) for i in range(CALLS)]), CALLS)


@rows.row("1:n async-actor calls async")
def _one_to_many(bench: Bench) -> Work:
    ray = bench.ray
    calls = bench.batch(5000)
    actor = async_actor(ray)
    client = client_actor(ray).remote([actor.remote() for _ in range(HALF_CORES)])
    return Work(lambda: ray.get(client.small_value_batch.remote(calls)), calls * HALF_CORES)


@rows.row("n:n async-actor calls async")
def _many_to_many(bench: Bench) -> Work:
    ray = bench.ray
    calls = bench.batch(5000)
    actor = async_actor(ray)
    actors = [actor.remote() for _ in range(HALF_CORES)]
    task = calling_task(ray, calls)
    return Work(lambda: ray.get([task.remote(actors) for _ in range(CLIENTS)]), CLIENTS * calls)
