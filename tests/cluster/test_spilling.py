"""Spilling in a real session: more than the store holds flows through it, and nothing is lost when disks fail."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cluster_tools import Cluster, forget_exceptions, kill_process, wait_until

import gnomon
from gnomon import observe
from gnomon._engine import full_store, local_memory
from gnomon.cluster_utils import Cluster as NodesOfMachine
from gnomon.exceptions import ObjectLostError, OutOfDiskError

MIB = 2**20
STORE = 64 * MIB
Start = Callable[..., Cluster]


def pattern(number: int, size: int = 10 * MIB) -> np.ndarray[Any, Any]:
    """A value that no other number has."""
    return np.arange(number, number + size // 8, dtype=np.int64)


def expect(value: Any, number: int) -> None:
    assert value[0] == number
    assert value[-1] == number + len(value) - 1
    assert int(value.sum()) == len(value) * (2 * number + len(value) - 1) // 2


@gnomon.remote
def make(number: int) -> np.ndarray[Any, Any]:
    return pattern(number)


@gnomon.remote
def total(value: Any) -> int:
    return int(value.sum())


def spill_files(cluster: Cluster, *directories: Path) -> list[str]:
    """The files that there are, in the session's directory or in these."""
    roots = [str(each) for each in directories] or [os.path.join(cluster.config.directory, "spilled")]
    found = [path for root in roots for path in glob.glob(f"{root}/**/0*", recursive=True)]
    return sorted(path for path in found if os.path.isfile(path))  # a node's directory may begin like a file


def config(*directories: Path) -> dict[str, Any]:
    paths = [str(each) for each in directories]
    return {"object_spilling_config": {"type": "filesystem", "params": {"directory_path": paths}}}


@pytest.mark.timeout(180)
def test_ten_times_the_store_flows_through(cluster: Cluster) -> None:
    refs = [gnomon.put(pattern(number)) for number in range(32)]
    refs += [make.remote(number) for number in range(32, 64)]
    for number, ref in enumerate(refs):
        expect(gnomon.get(ref), number)
    sums = gnomon.get([total.remote(ref) for ref in refs[::4]])
    assert sums == [int(pattern(number).sum()) for number in range(0, 64, 4)]
    assert spill_files(cluster)
    assert observe.memory(refs[0]).store_spilled_bytes >= 64 * pattern(0).nbytes - STORE
    del refs, ref
    wait_until(lambda: not spill_files(cluster), "files go with their values")


def test_many_small_values_share_files(cluster: Cluster) -> None:
    refs = [gnomon.put(pattern(number, 256 * 1024)) for number in range(400)]
    for number, ref in reversed(list(enumerate(refs))):
        expect(gnomon.get(ref), number)
    files = spill_files(cluster)
    assert 1 <= len(files) < 40
    del refs[::2]
    forget_exceptions()
    for place, ref in enumerate(refs):
        expect(gnomon.get(ref), 2 * place + 1)


def test_views_that_are_kept_stay_what_they_are(cluster: Cluster) -> None:
    views = gnomon.get([gnomon.put(pattern(number)) for number in range(4)])
    refs = [gnomon.put(pattern(number)) for number in range(4, 24)]
    for number, view in enumerate(views):
        expect(view, number)
    many = gnomon.get(refs)  # more than the store has room for: some are copies
    for number, view in enumerate([*views, *many]):
        expect(view, number)


@gnomon.remote
class Keeper:
    """Looks at its value again and again."""

    def __init__(self, boxes: list[Any]) -> None:
        self.refs = boxes

    def check(self, first: int) -> int:
        for number, ref in enumerate(self.refs, first):
            expect(gnomon.get(ref), number)
        return len(self.refs)


@pytest.mark.timeout(120)
def test_many_readers(start_cluster: Start) -> None:
    start_cluster(num_cpus=4)
    refs = [gnomon.put(pattern(number, 4 * MIB)) for number in range(40)]
    keepers = [Keeper.options(num_cpus=0.5).remote(refs) for _ in range(4)]
    checks = [keeper.check.remote(0) for _ in range(3) for keeper in keepers]
    more = [make.remote(number) for number in range(20)]
    assert gnomon.get(checks) == [40] * 12
    for number, ref in enumerate(more):
        expect(gnomon.get(ref), number)


def test_directories_of_the_user(start_cluster: Start, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    cluster = start_cluster(_system_config={**config(one, two), "min_spilling_size": MIB})
    refs = [gnomon.put(pattern(number)) for number in range(20)]
    assert spill_files(cluster, one)
    assert spill_files(cluster, two)
    for number, ref in enumerate(refs):
        expect(gnomon.get(ref), number)
    del refs, ref
    cluster.expect_nothing_held()
    gnomon.shutdown()
    assert os.listdir(one) == os.listdir(two) == []


def test_directories_are_removed_when_all_is_killed(start_cluster: Start, tmp_path: Path) -> None:
    cluster = start_cluster(_system_config=config(tmp_path))
    refs = [gnomon.put(pattern(number)) for number in range(10)]
    assert spill_files(cluster, tmp_path)
    for pid in cluster.alive():
        kill_process(pid)
    del refs
    gnomon.shutdown()
    assert os.listdir(tmp_path) == []


def test_a_broken_directory_is_not_used(start_cluster: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    good = tmp_path / "good"
    cluster = start_cluster(_system_config=config(tmp_path / "file", good))
    refs = [gnomon.put(pattern(number)) for number in range(20)]
    assert spill_files(cluster, good)
    for number, ref in enumerate(refs):
        expect(gnomon.get(ref), number)


def test_without_a_disk_nothing_is_lost(start_cluster: Start, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    start_cluster(_system_config=config(tmp_path / "file"))
    refs = [gnomon.put(pattern(number)) for number in range(6)]
    with pytest.raises(OutOfDiskError, match="object_spilling_config"):
        gnomon.put(pattern(6))
    with pytest.raises(OutOfDiskError):
        gnomon.get(make.remote(7))
    for number, ref in enumerate(refs):
        expect(gnomon.get(ref), number)
    del refs[0]
    forget_exceptions()
    expect(gnomon.get(gnomon.put(pattern(8))), 8)


@gnomon.remote(num_cpus=0)
class Shelf:
    """Keeps an array, not a reference to it."""

    def keep(self, array: Any) -> int:
        self.array = array
        return len(array)


def test_who_holds_what_fills_the_store_is_told(
    start_cluster: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(full_store, "TIMEOUT_S", 60.0)  # the machine may be slow
    monkeypatch.setattr(local_memory, "SEARCH_MAX_S", 20.0)
    (tmp_path / "file").write_text("no directory")
    start_cluster(_system_config=config(tmp_path / "file"))
    prices = gnomon.get([gnomon.put(pattern(number)) for number in range(4)])
    weights = gnomon.put(pattern(4))
    shelf = Shelf.options(name="attic").remote()
    assert gnomon.get(shelf.keep.remote(make.remote(5))) == len(pattern(5))
    with pytest.raises(OutOfDiskError) as caught:
        gnomon.put(pattern(6))
    text = str(caught.value)
    assert "held by prices in the running test_who_holds_what_fills_the_store_is_told()[0]" in text
    assert weights.hex() in text
    assert "weights in the running" in text
    assert "Shelf 'attic'" in text
    assert "bytes  make  " in text
    assert "bytes of these are in use" in text
    with pytest.raises(OutOfDiskError, match="finds no room"):
        gnomon.get(make.remote(7))  # a worker asks around as well
    assert len(prices) == 4


def test_a_directory_that_vanishes_takes_its_values_alone(start_cluster: Start, tmp_path: Path) -> None:
    cluster = start_cluster(_system_config={**config(tmp_path), "min_spilling_size": MIB})
    refs = [gnomon.put(pattern(number)) for number in range(12)]
    gone = spill_files(cluster, tmp_path)
    for path in gone[:2]:
        os.unlink(path)
    damaged = gone[2]
    with open(damaged, "r+b") as file:
        file.seek(5 * MIB)
        file.write(b"rubbish")
    lost = []
    for number, ref in enumerate(refs):
        try:
            expect(gnomon.get(ref), number)
        except ObjectLostError as error:
            lost.append(str(error))
    assert len(lost) == 3
    assert sum("checksum" in each for each in lost) == 1
    more = [gnomon.put(pattern(number)) for number in range(12)]
    for number, ref in enumerate(more):
        expect(gnomon.get(ref), number)


def test_results_of_tasks_are_made_again_when_their_files_are_damaged(
    start_cluster: Start, tmp_path: Path
) -> None:
    cluster = start_cluster(_system_config={**config(tmp_path), "min_spilling_size": MIB})
    refs = [make.remote(number) for number in range(16)]
    gnomon.wait(refs, num_returns=16)
    damaged = spill_files(cluster, tmp_path)
    assert len(damaged) >= 4
    for path in damaged[::2]:
        os.truncate(path, 5 * MIB)
    for path in damaged[1::2]:
        os.unlink(path)
    sums = [total.remote(ref) for ref in refs[::2]]  # these find out in other processes than the owner
    for number, ref in enumerate(refs):
        expect(gnomon.get(ref), number)
    assert gnomon.get(sums) == [int(pattern(number).sum()) for number in range(0, 16, 2)]


def test_a_wrong_config_is_refused_with_the_right_one() -> None:
    for wrong in ('{"type": "smart_open"}', "{", {"type": "filesystem"}, {"type": "s3", "params": {}}):
        with pytest.raises(ValueError, match="filesystem"):
            gnomon.init(_system_config={"object_spilling_config": wrong})
    assert not gnomon.is_initialized()


@pytest.mark.timeout(120)
def test_values_on_disk_travel_between_nodes() -> None:
    cluster = NodesOfMachine(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": STORE}
    )
    try:
        cluster.add_node(num_cpus=1, resources={"b": 8}, object_store_memory=STORE, wait=True)
        gnomon.init(address=cluster.address, log_to_driver=False)
        mine = [gnomon.put(pattern(number)) for number in range(12)]
        theirs = [make.options(resources={"b": 1}).remote(number) for number in range(12)]
        sums = [total.options(resources={"b": 1}).remote(ref) for ref in mine]
        for number, ref in enumerate(theirs):
            expect(gnomon.get(ref), number)
        assert gnomon.get(sums) == [int(pattern(number).sum()) for number in range(12)]
        for number, ref in enumerate(mine):
            expect(gnomon.get(ref), number)
    finally:
        gnomon.shutdown()
        cluster.shutdown()


def test_rows_and_totals_say_what_is_on_disk(cluster: Cluster) -> None:
    refs = [gnomon.put(pattern(number)) for number in range(12)]

    def states() -> list[str]:
        return [row["state"] for row in observe.objects()]

    wait_until(lambda: "spilled" in states(), "rows say so")
    assert cluster.report().store_spilled >= states().count("spilled") * 10 * MIB
    for ref in refs:
        gnomon.get(ref)
    assert "store" in states()
