"""Puts of an array beside plain copies of it, in one process and in turn, run as a module: prints two figures.

The array has contents (100 MB): one of untouched zeros is read from the processor's cache, which no real one is.
A first part is not counted: the store's pages are made when they are first written.
"""

from __future__ import annotations

import statistics
import time

import gnomon

ARRAY_BYTES = 100_000_000
STORE_BYTES = 1_000_000_000
WARM_UP_RUNS = 20
RUNS = 60


def measure() -> tuple[float, float]:
    """GB/s of ``numpy.copyto`` into pages that are there, and of ``put`` into a store that has been written to (medians)."""
    import numpy as np

    gnomon.init(num_cpus=1, object_store_memory=STORE_BYTES, log_to_driver=False)
    source = np.arange(ARRAY_BYTES // 8)
    target = np.ones_like(source)
    copies, puts = [], []
    for _ in range(WARM_UP_RUNS + RUNS):
        begin = time.perf_counter()
        np.copyto(target, source)
        between = time.perf_counter()
        gnomon.put(source)
        puts.append(time.perf_counter() - between)
        copies.append(between - begin)
    gnomon.shutdown()
    return _gb_per_s(copies), _gb_per_s(puts)


def _gb_per_s(seconds: list[float]) -> float:
    return ARRAY_BYTES / 1e9 / statistics.median(seconds[WARM_UP_RUNS:])


if __name__ == "__main__":
    print(*measure())
