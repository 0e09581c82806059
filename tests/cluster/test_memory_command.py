"""``gnomon memory``: a look from outside at the objects of all drivers of a cluster."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster_tools import wait_until
from kept_cluster import KeptCluster, kept_cluster


@pytest.fixture
def cluster() -> Iterator[KeptCluster]:
    with kept_cluster("--num-cpus", "2", "--object-store-memory", str(64 * 2**20)) as started:
        yield started


def test_objects_of_every_driver_are_told_with_their_names(cluster: KeptCluster) -> None:
    one, two = cluster.driver(), cluster.driver()
    one.run("large = gnomon.put(b'1' * 2_000_000)\nNone")
    one.run(
        "@gnomon.remote\nclass Keeper:\n    def keep(self, refs):\n        self.refs = refs\n"
        "keeper = Keeper.remote()\ngnomon.get(keeper.keep.remote([large]))"
    )
    two.run("small = {'a': gnomon.put('small')}\nNone")
    told = cluster.command("memory", "--units", "MB")
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0] == f"Cluster in {cluster.directory}"
    (large,) = [line for line in lines if " 2.000 MB" in line and "put" in line]
    assert f"driver (pid {one.pid})" in large
    assert f"large in driver (pid {one.pid})" in large
    assert "Keeper.self.refs[0] in Keeper" in large
    (small,) = [line for line in lines if f"driver (pid {two.pid})" in line]
    assert "small['a'] in driver" in small
    assert lines[-1].startswith("2 objects; object stores: ")


def test_a_look_is_no_job_and_leaves_nothing(cluster: KeptCluster) -> None:
    driver = cluster.driver()
    driver.run("value = gnomon.put(1)\nNone")
    told = cluster.command("memory", "--stats-only", "--group-by", "STACK_TRACE", "--sort-by", "PID")
    assert [line[:9] for line in told.stdout.splitlines()[2:]] == ["1 object;"]
    assert "(1 running, 0 ended)" in cluster.command("status").stdout
    driver.run("del value")
    wait_until(
        lambda: "\n0 objects;" in cluster.command("memory", "--stats-only").stdout, "the value is gone"
    )


def test_an_unknown_word_is_told_with_those_there_are(cluster: KeptCluster) -> None:
    told = cluster.command("memory", "--units", "KiB")
    assert told.returncode == 2
    assert "'B', 'KB', 'MB', 'GB'" in told.stderr
    told = cluster.command("memory", "/nowhere")
    assert told.returncode == 1
    assert "Error: " in told.stderr
