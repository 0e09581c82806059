"""Real sessions on this machine: every test ends with the zero check of reliability (see
``Cluster.expect_nothing_held``)."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cluster_tools import Cluster


@pytest.fixture
def start_cluster() -> Iterator[Callable[..., Cluster]]:
    """Start a session of this process's own: ``start_cluster(num_cpus=2)``; ended and checked after the
    test."""
    started: list[Cluster] = []

    def start(**options: object) -> Cluster:
        started.append(Cluster.start(**options))
        return started[-1]

    yield start
    for cluster in started:
        try:
            if cluster.runs():
                cluster.expect_nothing_held()
        finally:
            cluster.end()


@pytest.fixture
def cluster(start_cluster: Callable[..., Cluster]) -> Cluster:
    """A session with two CPUs and a store of 64 MB."""
    return start_cluster()
