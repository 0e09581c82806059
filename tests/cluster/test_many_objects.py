"""Many objects at once, and one as large as the store."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from cluster_tools import Cluster

import gnomon
from gnomon._core.events import HandlesArrived
from gnomon.exceptions import ObjectStoreFullError

MANY = 10_000
PIECE = 2_000
"""Bytes of one, in a session that keeps no more than 1,000 inline."""


def pieces(start_cluster: Any) -> tuple[Cluster, list[Any]]:
    """A session, and MANY references to blocks of its store."""
    cluster: Cluster = start_cluster(_system_config={"inline_result_max_bytes": 1_000}, num_cpus=1)

    @gnomon.remote
    def make(count: int) -> list[Any]:
        return [gnomon.put(numpy.full(PIECE, index % 200, dtype=numpy.uint8)) for index in range(count)]

    return cluster, gnomon.get(make.remote(MANY))


def test_many_objects_are_read_in_one_step(start_cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, refs = pieces(start_cluster)
    told: list[Any] = []
    post = cluster.core.loop.post

    def noting(event: Any) -> None:
        if type(event) is HandlesArrived:
            told.append(event)
        post(event)

    monkeypatch.setattr(cluster.core.loop, "post", noting)
    values = gnomon.get(refs)
    assert [int(value[-1]) for value in values] == [index % 200 for index in range(MANY)]
    assert [len(event.objects) for event in told] == [MANY]


def test_a_task_with_many_references(start_cluster: Any) -> None:
    _, refs = pieces(start_cluster)

    @gnomon.remote
    def total(*parts: Any) -> int:
        return sum(int(part[0]) for part in parts)

    @gnomon.remote
    def total_of(parts: list[Any]) -> int:
        return sum(int(part[0]) for part in gnomon.get(parts))

    expected = sum(index % 200 for index in range(MANY))
    assert gnomon.get(total.remote(*refs)) == expected
    assert gnomon.get(total_of.remote(refs)) == expected


def test_a_task_with_many_results(cluster: Cluster) -> None:
    @gnomon.remote(num_returns=3_000)
    def many() -> Any:
        return (numpy.full(20, index) for index in range(3_000))

    values = gnomon.get(many.remote())
    assert [int(value[7]) for value in values] == list(range(3_000))


def test_an_object_as_large_as_the_store(cluster: Cluster) -> None:
    room = cluster.config.arena_bytes - cluster.page_bytes
    rounds = 3
    for fill in range(rounds):
        ref = gnomon.put(numpy.full(room - 1_000, fill, dtype=numpy.uint8))
        assert gnomon.get(ref)[-1] == fill
        del ref
    with pytest.raises(ObjectStoreFullError, match="does not fit into the store of 67,108,864 bytes"):
        gnomon.put(numpy.zeros(cluster.config.arena_bytes + 1, dtype=numpy.uint8))
    ref = gnomon.put(bytes(room - 1_000))
    assert gnomon.get(ref) == bytes(room - 1_000)
