"""What ``gnomon status`` tells of a cluster."""

from __future__ import annotations

from gnomon._messages.cluster import ClusterStatus, NodeReport
from gnomon._process.commands import status_text
from gnomon.ids import NodeID, WorkerID
from gnomon.resources import UNITS


def node(**given: int) -> NodeReport:
    total = {"CPU": 4 * UNITS, "memory": 8 * 10**9 * UNITS}
    available = {"CPU": 3 * UNITS, "memory": 7 * 10**9 * UNITS}
    facts = {"store_used": 64_000_000, "store_capacity": 256_000_000} | given
    return NodeReport(
        NodeID(b"\0\0\2anode"), WorkerID(b"\0\0\2anode"), 42, True, total, available, 2, **facts
    )


def test_sizes_are_decimal_and_what_lies_on_disk_is_told() -> None:
    told = status_text("/run/s", ClusterStatus(1, (node(store_spilled=1_500_000_000),), (), ()))
    assert "  node 2  2 workers, pid 42, id 000002616e6f6465" in told.splitlines()
    assert "    object store: 64 MB of 256 MB in use, 1.5 GB of values on disk" in told.splitlines()
    assert "    CPU: 1 of 4 in use" in told.splitlines()
    assert "    memory: 1 GB of 8 GB asked for" in told.splitlines()


def test_a_disk_that_is_not_used_is_not_told_of() -> None:
    told = status_text("/run/s", ClusterStatus(1, (node(),), (), ()))
    assert "    object store: 64 MB of 256 MB in use" in told.splitlines()
