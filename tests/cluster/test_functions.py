"""Functions and classes at workers: what redefining costs, and what is captured by mistake."""

from __future__ import annotations

import gc
import os
from typing import Any

import numpy
import pytest
from cluster_tools import Cluster

import gnomon

DRIVER_GROWS_MAX_BYTES = 5_000_000


def resident_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def define(number: int) -> tuple[Any, Any, Any]:
    """A cell run again: a function and a class that differ from the last ones of the same names."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cell = (
        f"def f(x):\n    return x + {number}\n"
        f"class Point:\n    'A docstring, {number}. {'x' * 5_000}'\n    number = {number}\n"
        f"def make():\n    return Point()\n"
    )
    exec(cell, namespace)
    return gnomon.remote(namespace["f"]), gnomon.remote(namespace["make"]), namespace["Point"]


@gnomon.remote
def tables() -> tuple[int, int]:
    """How many functions a worker has: as they came, and loaded."""
    gc.collect()
    table = next(each for each in gc.get_objects() if type(each).__name__ == "FunctionTable")
    return len(table._payloads), len(table._loaded)


def test_redefining_a_thousand_times_is_bounded(start_cluster: Any) -> None:
    cluster: Cluster = start_cluster(num_cpus=1)

    def run(number: int) -> None:
        f, make, point = define(number)
        assert gnomon.get(f.remote(1)) == 1 + number
        assert gnomon.get(make.remote()).number == number
        assert gnomon.get(gnomon.put(point())).number == number

    for number in range(100):
        run(number)
    gc.collect()
    before = resident_bytes()
    for number in range(100, 1_100):
        run(number)
    gc.collect()
    assert resident_bytes() - before < DRIVER_GROWS_MAX_BYTES
    here, loaded = gnomon.get(tables.remote())
    assert here <= 256
    assert loaded <= 256
    assert all(len(leased.shipped.sizes) <= 256 for leased in cluster.role.tasks.dispatch.leased.values())


def test_a_function_that_was_forgotten_is_shipped_again(start_cluster: Any) -> None:
    start_cluster(num_cpus=1)
    first = define(0)[0]
    assert gnomon.get(first.remote(1)) == 1
    others = [define(number)[0] for number in range(1, 400)]
    assert gnomon.get([f.remote(1) for f in others]) == list(range(2, 401))
    assert gnomon.get([first.remote(1), *[f.remote(1) for f in others]]) == list(range(1, 401))


def test_a_large_capture_is_warned_of_once_by_name(cluster: Cluster) -> None:
    table = numpy.zeros(200_000)
    small = [1, 2, 3]

    @gnomon.remote
    def total() -> float:
        return float(table.sum()) + len(small)

    with pytest.warns(UserWarning, match=r"total captures variable 'table' \(1\.6 MB\)") as caught:
        assert gnomon.get(total.remote()) == 3
    assert "ref = gnomon.put(table)" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert gnomon.get(total.options(num_cpus=0.5).remote()) == 3, "and no second warning"


def test_a_large_capture_of_an_actor_class(cluster: Cluster) -> None:
    weights = numpy.zeros(150_000)

    class Model:
        def weigh(self, defaults: Any = weights) -> int:
            return len(defaults)

    with pytest.warns(UserWarning, match=r"Model captures \.weigh -> default 1 \(1\.2 MB\)"):
        model = gnomon.remote(Model).remote()
    assert gnomon.get(model.weigh.remote()) == 150_000


def test_the_size_that_is_warned_of_can_be_set(start_cluster: Any) -> None:
    start_cluster(_system_config={"large_capture_bytes": 10_000_000})
    table = numpy.zeros(200_000)
    assert gnomon.get(gnomon.remote(lambda: len(table)).remote()) == 200_000
