"""Rows about objects: get, put, gigabytes, refs inside objects."""

from __future__ import annotations

from .work import Bench, Rows, Work  # noqa: TID252

rows = Rows()

LARGE_GB = 0.8
"""What Ray's table counts for an array of 100 Mi eight-byte integers (838.9 MB)."""

FRESH_PAGES_S = 4.0
"""The gigabyte rows are about copying; a store that is new spends most of its time on pages never touched."""


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


@rows.row("single client put gigabytes", "GB/s", warm_up_s=FRESH_PAGES_S)
def _put_large(bench: Bench) -> Work:
    import numpy as np

    ray = bench.ray
    array = np.zeros(100 * 1024 * 1024, dtype=np.int64)
    return Work(lambda: ray.put(array), LARGE_GB)


@rows.row("multi client put gigabytes", "GB/s", warm_up_s=FRESH_PAGES_S)
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
