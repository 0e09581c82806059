"""Rows about objects: get, put, gigabytes, refs inside objects, many small results.

The gigabyte rows begin with a store that has never been written to, and the kernel makes its pages as they
are touched, at a small part of the speed of copying. Ray's store is slow until it has been written through
once. Its command's figure is a mix of both; so is the row of that name here, and one more row has the steady
state.
"""

from __future__ import annotations

import math

from .remotes import small_value_task  # noqa: TID252
from .work import Bench, Rows, Work  # noqa: TID252

rows = Rows()

LARGE_GB = 0.8
"""What Ray's table counts for an array of 100 Mi eight-byte integers (838.9 MB)."""

STORE_BYTES = 8_000_000_000
"""Assumed of a store that does not tell its size."""

RUNS_BEFORE_MAX = 100
"""Limit of the warming up of a very large store."""


@rows.row("single client get calls (Plasma Store)")
def _get_small(bench: Bench) -> Work:
    ray = bench.ray
    value = ray.put(0)
    return Work(lambda: ray.get(value))


@rows.row("single client put calls (Plasma Store)")
def _put_small(bench: Bench) -> Work:
    ray = bench.ray
    return Work(lambda: ray.put(0))


@rows.row("multi client put calls (Plasma Store)")
def _put_small_from_tasks(bench: Bench) -> Work:
    ray = bench.ray
    tasks, puts = 10, 100

    def put_small() -> None:
        for _ in range(puts):
            ray.put(0)

    task = ray.remote(put_small)
    return Work(lambda: ray.get([task.remote() for _ in range(tasks)]), tasks * puts)


@rows.row("single client put gigabytes", "GB/s", drifts=True)
def _put_large(bench: Bench) -> Work:
    import numpy as np

    ray = bench.ray
    array = np.zeros(100 * 1024 * 1024, dtype=np.int64)
    return Work(lambda: ray.put(array), LARGE_GB)


@rows.row("single client tasks and get batch")
def _get_batch(bench: Bench) -> Work:
    ray, task = bench.ray, small_value_task(bench.ray)
    return Work(lambda: ray.get([task.remote() for _ in range(1000)]))


@rows.row("multi client put gigabytes", "GB/s", drifts=True)
def _put_large_from_tasks(bench: Bench) -> Work:
    ray = bench.ray
    tasks, puts = 10, 10

    def put_large() -> None:
        import numpy as np

        for _ in range(puts):
            ray.put(np.zeros(10 * 1024 * 1024, dtype=np.int64))

    task = ray.remote(put_large)
    return Work(lambda: ray.get([task.remote() for _ in range(tasks)]), tasks * puts * LARGE_GB / 10)


@rows.row("single client get object containing 10k refs")
def _get_refs(bench: Bench) -> Work:
    ray = bench.ray

    def put_refs() -> list[object]:
        return [ray.put(1) for _ in range(10_000)]

    holder = ray.remote(put_refs).remote()
    return Work(lambda: ray.get(holder))


steady_rows = Rows()


@steady_rows.row("single client put gigabytes, steady state", "GB/s")
def _put_large_steady(bench: Bench) -> Work:
    work = _put_large(bench)
    store_bytes = bench.ray.cluster_resources().get("object_store_memory", STORE_BYTES)
    runs_before = math.ceil(store_bytes / (LARGE_GB * 1e9)) + 1
    return Work(work.run, work.units, min(runs_before, RUNS_BEFORE_MAX))
