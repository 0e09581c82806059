"""Rows about tasks: waited for one by one, one at a time, many at once, submitted by several clients."""

from __future__ import annotations

from .remotes import plain_actor, small_value_task  # noqa: TID252
from .work import CLIENTS, Bench, Rows, Work  # noqa: TID252

rows = Rows()

TASKS = 1000


@rows.row("single client wait 1k refs")
def _wait(bench: Bench) -> Work:
    ray, task = bench.ray, small_value_task(bench.ray)

    def wait_one_by_one() -> None:
        refs = [task.remote() for _ in range(TASKS)]
        # The values need be fetched once only; later waits ask for readiness alone.
        fetch = True
        for _ in range(TASKS):
            _, refs = ray.wait(refs, fetch_local=fetch)
            fetch = False

    return Work(wait_one_by_one)


@rows.row("single client tasks sync")
def _sync(bench: Bench) -> Work:
    ray, task = bench.ray, small_value_task(bench.ray)
    return Work(lambda: ray.get(task.remote()))


@rows.row("single client tasks async")
def _async(bench: Bench) -> Work:
    ray, task = bench.ray, small_value_task(bench.ray)
    return Work(lambda: ray.get([task.remote() for _ in range(TASKS)]), TASKS)


@rows.row("multi client tasks async")
def _from_actors(bench: Bench) -> Work:
    ray = bench.ray
    calls = bench.batch(10_000)
    actor = plain_actor(ray)
    clients = [actor.remote() for _ in range(CLIENTS)]
    return Work(lambda: ray.get([c.small_value_batch.remote(calls) for c in clients]), CLIENTS * calls)
