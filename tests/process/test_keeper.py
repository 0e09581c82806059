"""The keeper of a cluster, its door, its record, and the commands around it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gnomon._shell import cluster_door, cluster_records, session_directory
from gnomon._store.arena import EXTRA_BYTES
from gnomon.exceptions import ClusterNotFoundError

sys.path.insert(0, str(Path(__file__).parent.parent / "cluster"))

from cluster_tools import start_time, wait_until
from kept_cluster import KeptCluster, kept_cluster


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeptCluster]:
    with kept_cluster("--num-cpus", "1", "--object-store-memory", "10000000") as started:
        monkeypatch.setenv("TMPDIR", started.folder)
        monkeypatch.delenv("GNOMON_ADDRESS", raising=False)
        yield started


def test_the_record_names_the_keeper(cluster: KeptCluster) -> None:
    (record,) = cluster_records.living()
    assert (record.directory, record.session) == (cluster.directory, cluster.session)
    assert record.started == int(start_time(record.pid) or 0)
    folder = os.path.dirname(cluster.directory)
    for path in Path(folder).glob("gnomon-*"):
        assert path.stat().st_mode & 0o777 == 0o700


def test_stale_and_broken_records_are_removed(cluster: KeptCluster) -> None:
    (record,) = cluster_records.living()
    (folder,) = Path(cluster.folder).glob("gnomon-clusters-*")
    for name, pid, started in (("dead", 2**22, 1), ("reused", record.pid, 1)):
        stale = msgspec.structs.replace(record, session=name, pid=pid, started=started)
        (folder / f"{name}.json").write_bytes(msgspec.json.encode(stale))
    (folder / "broken.json").write_text("{")
    assert cluster_records.living() == [record]
    assert [path.name for path in folder.iterdir()] == [f"{cluster.session}.json"]


def test_the_door_hands_out_the_config_and_two_fds(cluster: KeptCluster) -> None:
    first, second = (cluster_door.enter(cluster.directory, cluster_door.JOIN) for _ in range(2))
    look = cluster_door.enter(cluster.directory, cluster_door.LOOK)
    assert [each.job for each in (first, second, look)] == [b"\1\0\0\0", b"\2\0\0\0", b"\0\0\0\0"]
    for each in (first, second, look):
        config = each.config
        assert config.session == cluster.session
        assert os.fstat(config.arena_fd).st_size == config.arena_bytes == 10_000_000 + EXTRA_BYTES
        for fd in (config.arena_fd, config.lifeline_fd):
            assert not os.get_inheritable(fd)
            os.close(fd)


def test_the_door_stays_open_whatever_comes_in(cluster: KeptCluster) -> None:
    for packet in (b"", b"nonsense", msgspec.msgpack.encode({"kind": 1}), b"x" * 100_000):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as visitor:
            visitor.connect(cluster_door.door_path(cluster.directory))
            if packet:
                visitor.send(packet)
    answer = cluster_door.enter(cluster.directory, cluster_door.LOOK)
    os.close(answer.config.arena_fd)
    os.close(answer.config.lifeline_fd)


def test_one_who_says_nothing_does_not_block_the_door(cluster: KeptCluster) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as visitor:
        visitor.connect(cluster_door.door_path(cluster.directory))
        answer = cluster_door.enter(cluster.directory, cluster_door.LOOK)
    os.close(answer.config.arena_fd)
    os.close(answer.config.lifeline_fd)


def test_a_directory_that_others_may_write_to_is_not_trusted(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(ClusterNotFoundError, match="not private"):
        cluster_door.enter(str(tmp_path), cluster_door.LOOK)
    with pytest.raises(ClusterNotFoundError, match="no cluster is there"):
        cluster_door.enter(str(tmp_path / "nothing"), cluster_door.LOOK)


def test_nothing_listens_on_tcp(cluster: KeptCluster) -> None:
    pids = {pid for pid, started in cluster.alive().items() if started is not None}
    assert len(pids) >= 4, "keeper, node, head and zygote"
    inodes = {
        os.readlink(fd)
        for pid in pids
        for fd in Path(f"/proc/{pid}/fd").iterdir()
        if os.readlink(fd).startswith("socket:")
    }
    listening = [
        line for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    assert not [line for line in listening if f"socket:[{line.split()[9]}]" in inodes]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_cluster(cluster: KeptCluster, number: int) -> None:
    alive = cluster.alive()
    os.kill(cluster.keeper, number)
    cluster.expect_gone(alive)


def test_the_node_ends_and_the_keeper_with_it(cluster: KeptCluster) -> None:
    alive = cluster.alive()
    told = cluster.command("status").stdout
    node = int(told.split("pid ", 1)[1].split(",")[0])
    os.kill(node, signal.SIGKILL)
    cluster.expect_gone(alive)


def test_status_tells_what_is_there(cluster: KeptCluster) -> None:
    told = cluster.command("status")
    assert told.returncode == 0
    for line in (
        cluster.directory,
        "Nodes (1)",
        "CPU: 0 of 1 in use",
        "Jobs (0 running, 0 ended)",
        "Actors (0)",
    ):
        assert line in told.stdout


def test_stop_wants_to_know_which_of_several(cluster: KeptCluster) -> None:
    second = cluster.command("start", "--head", "--cpus", "1", "--gpus", "0")
    assert second.returncode == 0
    assert "A cluster of yours runs on this machine already" in second.stderr
    assert f"gnomon stop {cluster.directory}\n" in second.stderr
    refused = cluster.command("stop")
    assert refused.returncode == 1
    assert "Several clusters are running: name one, or use --all." in refused.stderr
    assert cluster.directory in refused.stderr
    newest = cluster_records.living()[0].directory
    assert newest != cluster.directory
    told = cluster.command("status").stdout
    assert told.startswith("2 clusters of yours run on this machine")
    assert [line.split()[-1] for line in told.splitlines() if line.startswith("Cluster in")] == [
        newest,
        cluster.directory,
    ]
    assert (
        f"Cluster in {newest}\n  not shown: gnomon memory {cluster.directory}\n"
        in cluster.command("memory").stdout
    )
    assert newest not in cluster.command("status", cluster.directory).stdout
    assert cluster.command("stop", newest).returncode == 0
    assert [record.directory for record in cluster_records.living()] == [cluster.directory]
    alive = cluster.alive()
    assert cluster.command("stop", "--all").returncode == 0
    cluster.expect_gone(alive)
    nothing = cluster.command("stop")
    assert nothing.returncode == 1
    assert "gnomon start --head" in nothing.stderr


@pytest.mark.parametrize("command", ["status", "memory", "stop"])
def test_the_session_of_one_driver_is_no_cluster_to_look_into(cluster: KeptCluster, command: str) -> None:
    directory = session_directory.create()
    try:
        refused = cluster.command(command, directory)
    finally:
        session_directory.remove(directory)
    assert refused.returncode == 1
    assert "that is the session of one driver, which nobody else can look into" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["start"], "use --head"),
        (["start", "--head", "--resources", "{"], "--resources must be a JSON object"),
        (["start", "--head", "--resources", '{"a": "x"}'], "--resources['a'] must be a number"),
        (["start", "--head", "--resources", '{"CPU": 1}'], "use num_cpus=... instead"),
        (["start", "--head", "--num-cpus", "-1"], "'--num-cpus' / '--cpus': -1.0 is not in the range x>=0"),
        (["stop", "/nothing"], "no cluster is there"),
        (["status", "/nothing"], "no cluster is there"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, arguments: list[str], told: str) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "gnomon", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_block_keeps_the_cluster_in_the_foreground() -> None:
    folder = Path(tempfile.mkdtemp(prefix="gk-"))
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "gnomon", "start", "--head", "--block", "--num-cpus", "1"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        directory = process.stdout.readline().split()[-1]
        wait_until(lambda: list(folder.glob("gnomon-clusters-*/*.json")), "it is recorded")
        assert os.path.isdir(directory)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert list(folder.iterdir()) == []
    finally:
        process.kill()
        process.communicate()
        wait_until(lambda: not list(folder.glob("gnomon-*-*/logs")), "its processes are gone")
        shutil.rmtree(folder)
