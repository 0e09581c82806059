"""Rows about calls to actors with plain methods: one caller or several, one actor or several."""

from __future__ import annotations

from .remotes import calling_task, client_actor, plain_actor  # noqa: TID252
from .work import CLIENTS, HALF_CORES, Bench, Rows, Work  # noqa: TID252

rows = Rows()

CALLS = 1000


@rows.row("1:1 actor calls sync")
def _sync(bench: Bench) -> Work:
    ray = bench.ray
    actor = plain_actor(ray).remote()
    return Work(lambda: ray.get(actor.small_value.remote()))


@rows.row("1:1 actor calls async")
def _async(bench: Bench) -> Work:
    ray = bench.ray
    actor = plain_actor(ray).remote()
    return Work(lambda: ray.get([actor.small_value.remote() for _ in range(CALLS)]), CALLS)


@rows.row("1:1 actor calls concurrent")
def _concurrent(bench: Bench) -> Work:
    ray = bench.ray
    actor = plain_actor(ray).options(max_concurrency=16).remote()
    return Work(lambda: ray.get([actor.small_value.remote() for _ in range(CALLS)]), CALLS)


@rows.row("1:n actor calls async")
def _one_to_many(bench: Bench) -> Work:
    ray = bench.ray
    calls = bench.batch(5000)
    actor = plain_actor(ray)
    client = client_actor(ray).remote([actor.remote() for _ in range(HALF_CORES)])
    return Work(lambda: ray.get(client.small_value_batch.remote(calls)), calls * HALF_CORES)


@rows.row("n:n actor calls async")
def _many_to_many(bench: Bench) -> Work:
    ray = bench.ray
    calls = bench.batch(5000)
    actor = plain_actor(ray)
    actors = [actor.remote() for _ in range(HALF_CORES)]
    task = calling_task(ray, calls)
    return Work(lambda: ray.get([task.remote(actors) for _ in range(CLIENTS)]), CLIENTS * calls)


@rows.row("n:n actor calls with arg async")
def _many_to_many_with_arg(bench: Bench) -> Work:
    ray = bench.ray
    actor, client = plain_actor(ray), client_actor(ray)
    clients = [client.remote([actor.remote()]) for _ in range(HALF_CORES)]
    return Work(lambda: ray.get([c.small_value_batch_arg.remote(CALLS) for c in clients]), CALLS * HALF_CORES)
