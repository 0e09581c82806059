"""What ``init`` is told about the node and about output, on the local engine."""

from __future__ import annotations

from typing import Any

import pytest

import gnomon


def labels() -> dict[str, str]:
    return gnomon.get_runtime_context().get_node_labels()


def test_labels_are_those_of_the_node() -> None:
    gnomon.init(engine="local", num_cpus=1, labels={"zone": "a"}, object_store_memory=2**24)
    try:
        here = labels()
        assert here == {"zone": "a", "ray.io/node-id": gnomon.get_runtime_context().get_node_id()}
        assert gnomon.get(gnomon.remote(labels).remote(), timeout=30) == here
        assert gnomon.nodes()[0]["Labels"] == here
        directory = gnomon.get_runtime_context().get_temp_dir()
        assert directory == gnomon.get_runtime_context().gcs_address
    finally:
        gnomon.shutdown()


@pytest.mark.parametrize("wanted", [True, False])
def test_output_that_nobody_wants(wanted: bool, capfd: Any) -> None:
    @gnomon.remote
    def say() -> None:
        print("said in a task")

    gnomon.init(engine="local", num_cpus=1, log_to_driver=wanted, object_store_memory=2**24)
    try:
        gnomon.get(say.remote(), timeout=30)
    finally:
        gnomon.shutdown()
    assert ("said in a task" in capfd.readouterr().out) == wanted
