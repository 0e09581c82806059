"""What does not fit a cluster is told before it is joined."""

import pytest

import gnomon
from gnomon import observe
from gnomon._shell import cluster_door
from gnomon._shell.facts import Facts, facts
from gnomon.cluster_utils import Cluster


def test_six_mismatches_are_six_rows() -> None:
    here = Facts(
        python="3.11.7",
        implementation="CPython",
        gnomon="0.2.0",
        machine="x86_64",
        packages={"cloudpickle": "3.1.1", "numpy": "2.1.0", "pandas": "2.2.3"},
        names=["get", "put", "why"],
    )
    there = Facts(
        python="3.12.1",
        implementation="CPython",
        gnomon="0.1.0",
        machine="aarch64",
        packages={"cloudpickle": "3.0.0", "numpy": "1.26.4", "msgspec": "0.19.0"},
        names=["get", "put"],
    )
    found = observe.mismatches(here, there)
    assert [(row.what, row.here, row.there) for row in found] == [
        ("Python", "3.11.7", "3.12.1"),
        ("gnomon", "0.2.0", "0.1.0"),
        ("machine", "x86_64", "aarch64"),
        ("numpy", "2.1.0", "1.26.4"),
        ("pandas", "2.2.3", ""),
        ("gnomon.why", "there", ""),
    ]
    assert [row.fatal for row in found] == [True] * 3 + [False] * 3
    assert observe.mismatches(here, here) == []


def test_a_cluster_of_the_same_installation_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(initialize_head=True)
    try:
        assert observe.check_address(cluster.address) == []
        other = Facts(python="2.7.18", implementation="CPython", gnomon=facts().gnomon)
        monkeypatch.setattr(cluster_door, "facts", lambda: other)  # the keeper is a thread of this process
        assert observe.check_address(cluster.address)[0].there == "2.7.18"
    finally:
        cluster.shutdown()
    with pytest.raises(gnomon.exceptions.ClusterNotFoundError):
        observe.check_address("/nowhere/at/all")
    with pytest.raises(gnomon.exceptions.UnsupportedOptionError, match="no address of a cluster"):
        observe.check_address("ray://localhost:10001")
