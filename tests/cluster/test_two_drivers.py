"""Several drivers on one cluster: what they share, what they do not, and what goes with each of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_tools import kill_process, start_time, wait_until
from kept_cluster import DriverError, KeptCluster, kept_cluster

ACTOR = """
@gnomon.remote(num_cpus=0)
class Counter:
    def __init__(self, *values):
        self.values, self.count = values, 0
    def add(self):
        self.count += 1
        return self.count
    def pid(self):
        return os.getpid()
    def size(self):
        return sum(len(value) for value in self.values)
    def helper_pid(self):
        return gnomon.get(gnomon.remote(num_cpus=1)(os.getpid).remote())
"""


KEEPER = """
@gnomon.remote(num_cpus=0)
class Keeper:
    def keep(self, box):
        self.box = box
    def box_(self):
        return self.box
"""


@pytest.fixture
def cluster() -> Iterator[KeptCluster]:
    with kept_cluster("--num-cpus", "2", "--object-store-memory", str(64 * 2**20)) as started:
        yield started


def is_gone(pid: int) -> bool:
    return start_time(pid) is None


def expect_idle(cluster: KeptCluster) -> None:
    """All resources and blocks are given back."""

    def is_idle() -> bool:
        told = cluster.command("status").stdout
        return "CPU: 0 of 2 in use" in told and "object store: 0 B of" in told

    wait_until(is_idle, "the cluster is idle")


def test_a_named_detached_actor_is_shared_and_survives(cluster: KeptCluster) -> None:
    one, two = cluster.driver("space"), cluster.driver("space")
    one.run(ACTOR)
    one.run("kept = Counter.options(name='kept', lifetime='detached').remote()")
    one.run("own = Counter.options(name='own').remote()")
    assert one.run("gnomon.get([kept.add.remote(), own.add.remote()])") == [1, 1]
    assert two.run("gnomon.get(gnomon.get_actor('kept').add.remote())") == 2
    assert two.run("gnomon.get(gnomon.get_actor('own').add.remote())") == 2
    pid, own = one.run("gnomon.get([kept.pid.remote(), own.pid.remote()])")
    one.run("gnomon.shutdown()")
    wait_until(lambda: is_gone(own), "the actor that is not detached has ended")
    assert two.run("gnomon.get(gnomon.get_actor('kept').pid.remote())") == pid
    with pytest.raises(DriverError) as caught:
        two.run("gnomon.get_actor('own')")
    assert caught.value.kind == "ActorHandleNotFoundError"
    three = cluster.driver()
    assert three.run("gnomon.get(gnomon.get_actor('kept', namespace='space').add.remote())") == 3
    three.run("gnomon.kill(gnomon.get_actor('kept', namespace='space'))")
    wait_until(lambda: is_gone(pid), "killed by a driver that has not created it")


def test_namespaces_are_apart(cluster: KeptCluster) -> None:
    one, two = cluster.driver(), cluster.driver()
    one.run(ACTOR)
    one.run(
        "kept = Counter.options(name='kept', lifetime='detached').remote()\ngnomon.get(kept.add.remote())"
    )
    with pytest.raises(DriverError) as caught:
        two.run("gnomon.get_actor('kept')")
    assert caught.value.kind == "ActorHandleNotFoundError"
    two.run(ACTOR)
    two.run("kept = Counter.options(name='kept').remote()")
    assert two.run("gnomon.get(kept.add.remote())") == 1, "the name is free here"
    assert one.run("import gnomon.util\ngnomon.util.list_named_actors()") == ["kept"]
    assert len(one.run("gnomon.util.list_named_actors(all_namespaces=True)")) == 2


def test_kill_9_of_one_driver_ends_its_job_and_no_other(cluster: KeptCluster) -> None:
    one, two = cluster.driver("space"), cluster.driver("space")
    two.run("def slow(n):\n    import time\n    time.sleep(0.02)\n    return n\nslow = gnomon.remote(slow)")
    one.run(ACTOR)
    one.run("import time\nsleep = gnomon.remote(num_cpus=0)(lambda: (os.getpid(), time.sleep(600)))")
    one.run(
        "own = Counter.options(name='own').remote()\nkept = Counter.options(name='kept', lifetime='detached').remote()"
    )
    one.run("big = gnomon.put(bytes(5_000_000))\nrefs = [sleep.remote() for _ in range(3)]")
    own, kept, helper = one.run("gnomon.get([own.pid.remote(), kept.pid.remote(), kept.helper_pid.remote()])")
    two.say("gnomon.get([slow.remote(n) for n in range(200)]) == list(range(200))")
    one.kill()
    wait_until(lambda: is_gone(own), "its actor has ended")
    assert two.hear() is True, "the other's tasks go on"
    assert two.run("gnomon.get(gnomon.get_actor('kept').pid.remote())") == kept
    wait_until(lambda: is_gone(helper), "a worker that nobody needs is not kept for an ended job")
    two.run("gnomon.kill(gnomon.get_actor('kept'))")
    two.run("gnomon.shutdown()")
    expect_idle(cluster)
    told = cluster.command("status").stdout
    assert "Jobs (0 running, 2 ended)" in told
    assert "Actors (0)" in told


def test_a_detached_actor_gets_its_large_arguments_again_after_its_creators_end(cluster: KeptCluster) -> None:
    one, two = cluster.driver("space"), cluster.driver("space")
    one.run(ACTOR)
    one.run("made = gnomon.remote(lambda: bytes(1_000_000)).remote()")
    one.run(
        "kept = Counter.options(name='kept', lifetime='detached', max_restarts=-1)"
        ".remote(bytes(2_000_000), gnomon.put(bytes(3_000_000)), made)"
    )
    assert one.run("gnomon.get(kept.size.remote())") == 6_000_000
    pid = one.run("gnomon.get(kept.pid.remote())")
    one.kill()
    kill_process(pid)
    wait_until(lambda: is_gone(pid), "the actor is killed")
    two.run("kept = gnomon.get_actor('kept')")

    def size() -> object:
        try:
            return two.run("gnomon.get(kept.size.remote())")
        except DriverError as error:
            if error.kind != "ActorUnavailableError":
                raise
            return None

    assert wait_until(size, "it is restarted") == 6_000_000
    assert two.run("gnomon.get(kept.pid.remote())") != pid
    two.run("gnomon.kill(kept)")


def test_a_detached_actor_is_created_though_its_handle_is_gone(cluster: KeptCluster) -> None:
    one = cluster.driver("space")
    one.run(ACTOR)
    one.run("import time\nslow = gnomon.remote(lambda: time.sleep(0.3) or bytes(1_000_000))")
    one.run("Counter.options(name='kept', lifetime='detached').remote(slow.remote())\nNone")
    assert one.run("gnomon.get(gnomon.get_actor('kept').size.remote())") == 1_000_000
    one.run("gnomon.kill(gnomon.get_actor('kept'))")


def test_each_job_has_its_own_modules_folder_and_id(cluster: KeptCluster, tmp_path: Path) -> None:
    drivers = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "beside.py").write_text(f"NAME = {name!r}\n")
        driver = cluster.driver(folder=folder)
        driver.run(
            "import sys\nsys.path.insert(0, '')\ngnomon.shutdown()\ngnomon.init('auto', log_to_driver=False)\nNone"
        )
        driver.run(
            "import beside\ndef look():\n    import beside\n    return beside.NAME, os.getcwd()\nlook = gnomon.remote(look)"
        )
        drivers.append((driver, name, folder))
    jobs = set()
    for driver, name, folder in drivers:
        assert driver.run("gnomon.get(look.remote())") == [name, str(folder)]
        job = "gnomon.get_runtime_context().get_job_id()"
        assert driver.run(f"gnomon.get(gnomon.remote(lambda: {job}).remote())") == driver.run(job)
        jobs.add(driver.run(job))
    assert len(jobs) == 2


def test_output_goes_to_the_jobs_own_driver(cluster: KeptCluster) -> None:
    one, two = cluster.stranger(), cluster.stranger()
    for name, driver in (("first", one), ("second", two)):
        driver.run("import gnomon\ngnomon.init('auto')\nNone")
        driver.run(f"say = gnomon.remote(lambda n: print('{name}', n))")
    for number in range(3):
        one.run(f"gnomon.get(say.remote({number}))")
        two.run(f"gnomon.get(say.remote({number}))")
    ours, theirs = one.leave(), two.leave()
    assert [line.split(") ")[1] for line in ours.splitlines()] == [f"first {n}" for n in range(3)]
    assert [line.split(") ")[1] for line in theirs.splitlines()] == [f"second {n}" for n in range(3)]


def test_objects_of_another_driver_are_lost_with_it(cluster: KeptCluster) -> None:
    one, two = cluster.driver("space"), cluster.driver("space")
    one.run(KEEPER)
    one.run("k = Keeper.options(name='k', lifetime='detached').remote()")
    one.run(
        "small, large = gnomon.put(1), gnomon.put(bytes(1_000_000))\ngnomon.get(k.keep.remote([small, large]))"
    )
    two.run("k = gnomon.get_actor('k')\nrefs = gnomon.get(k.box_.remote())\n")
    assert two.run("[gnomon.get(refs[0]), len(gnomon.get(refs[1]))]") == [1, 1_000_000]
    one.run("gnomon.shutdown()")
    two.run("refs = gnomon.get(k.box_.remote())")
    three = cluster.driver("space")
    with pytest.raises(DriverError) as caught:
        three.run("refs = gnomon.get(gnomon.get_actor('k').box_.remote())\ngnomon.get(refs[0])")
    assert caught.value.kind == "OwnerDiedError"
    two.run("del refs\ngnomon.kill(k)\ndel k")
    two.run("gnomon.shutdown()")
    three.run("gnomon.shutdown()")
    expect_idle(cluster)


def test_a_driver_joins_leaves_and_joins_again(cluster: KeptCluster) -> None:
    driver = cluster.driver()
    for number in range(1, 4):
        assert driver.run("gnomon.get_runtime_context().get_job_id()") == f"{number:02d}000000"
        assert driver.run("gnomon.get(gnomon.remote(lambda: 7).remote())") == 7
        driver.run("gnomon.shutdown()\ngnomon.init('auto', log_to_driver=False)\nNone")
    assert driver.run("gnomon.init('auto') is not None"), "a second call changes nothing"
    assert driver.run(f"gnomon.init({cluster.directory!r}).address_info['address']") == cluster.directory


@pytest.mark.skipif(sys.platform != "linux", reason="other systems can not move memory under a view")
def test_what_a_driver_views_when_it_leaves_stays_what_it_is(cluster: KeptCluster) -> None:
    stays, leaves = cluster.driver(), cluster.driver()
    leaves.run(
        "import numpy as np\nviews = gnomon.get([gnomon.put(np.full(2**24, n, np.uint8)) for n in range(3)])"
    )
    leaves.run("gnomon.shutdown()")
    expect_idle(cluster)
    stays.run("import numpy as np\nrefs = [gnomon.put(np.full(2**24, 77, np.uint8)) for n in range(3)]")
    assert leaves.run("[[int(view.min()), int(view.max())] for view in views]") == [[0, 0], [1, 1], [2, 2]]
    assert stays.run("[int(each.min()) for each in gnomon.get(refs)]") == [77, 77, 77]


def test_the_end_of_the_cluster_is_told_to_its_drivers(cluster: KeptCluster) -> None:
    driver = cluster.driver()
    driver.run("import time\nref = gnomon.remote(time.sleep).remote(600)")
    alive = cluster.alive()
    driver.say("gnomon.get(ref)")
    assert cluster.command("stop").returncode == 0
    with pytest.raises(DriverError) as caught:
        driver.hear()
    assert caught.value.kind == "NotInitializedError"
    assert "The cluster has ended" in caught.value.text
    cluster.expect_gone(alive)
    driver.run("assert not gnomon.is_initialized()")
    with pytest.raises(DriverError) as caught:
        driver.run("gnomon.init('auto')")
    assert caught.value.kind == "ClusterNotFoundError"
    assert "gnomon start --head" in caught.value.text


def test_after_the_end_of_the_cluster_init_begins_anew(cluster: KeptCluster) -> None:
    driver = cluster.driver()
    assert cluster.command("stop").returncode == 0
    with pytest.raises(DriverError) as caught:
        driver.run("gnomon.get(gnomon.remote(len).remote('abc'), timeout=30)")
    assert "The cluster has ended" in caught.value.text
    driver.run("gnomon.init(num_cpus=1) and None")
    assert driver.run("gnomon.get(gnomon.remote(len).remote('abc'))") == 3
    driver.run("gnomon.shutdown()")


def test_kill_9_of_the_keeper_leaves_nothing_and_its_record_is_recognised(cluster: KeptCluster) -> None:
    driver = cluster.driver("space")
    driver.run(ACTOR)
    driver.run(
        "kept = Counter.options(name='kept', lifetime='detached').remote()\ngnomon.get(kept.add.remote())"
    )
    alive = cluster.alive()
    assert kill_process(cluster.keeper)
    wait_until(lambda: not os.path.exists(cluster.directory), "the directory is gone", 5.0)
    assert cluster.records(), "nobody was there to remove it"
    assert cluster.command("status").returncode == 1
    cluster.expect_gone(alive)


def test_a_named_address_and_the_environment(cluster: KeptCluster) -> None:
    driver = cluster.stranger(GNOMON_ADDRESS=cluster.directory)
    driver.run("import gnomon\ngnomon.init(log_to_driver=False)\nNone")
    assert driver.run("gnomon.init().address_info['address']") == cluster.directory
    own = cluster.stranger(GNOMON_ADDRESS=cluster.directory)
    own.run("import gnomon\ngnomon.init('local', num_cpus=1)\nNone")
    assert own.run("gnomon.init().address_info['address']") != cluster.directory
    own.leave()
    nowhere = cluster.stranger(GNOMON_ADDRESS=cluster.folder + "/nothing")
    with pytest.raises(DriverError) as caught:
        nowhere.run("import gnomon\ngnomon.init()\nNone")
    assert caught.value.kind == "ClusterNotFoundError"


def test_what_the_cluster_has_can_not_be_asked_for_when_joining(cluster: KeptCluster) -> None:
    driver = cluster.stranger()
    driver.run("import gnomon")
    for argument in ("num_cpus=1", "num_gpus=1", "resources={'a': 1}", "object_store_memory=10**8"):
        with pytest.raises(DriverError) as caught:
            driver.run(f"gnomon.init('auto', {argument})")
        assert caught.value.kind == "ValueError"
        assert caught.value.text.startswith(
            argument.split("=")[0] + " of init() can not be given when joining"
        )
    with pytest.raises(DriverError) as caught:
        driver.run("gnomon.init('10.0.0.1:6379')")
    assert "no address of a cluster on this machine" in caught.value.text


@pytest.mark.slow
def test_kill_9_of_a_driver_20_times(cluster: KeptCluster) -> None:
    other = cluster.driver()
    other.run("count = gnomon.remote(lambda n: n)")
    for _ in range(20):
        driver = cluster.driver()
        driver.run(ACTOR)
        driver.run(
            "actors = [Counter.remote(bytes(500_000)) for _ in range(2)]\ngnomon.get([a.add.remote() for a in actors])"
        )
        driver.say("gnomon.get([gnomon.remote(lambda n: gnomon.put(n)).remote(n) for n in range(1000)])")
        assert other.run("gnomon.get([count.remote(n) for n in range(100)])") == list(range(100))
        driver.kill()
    other.run("gnomon.shutdown()")
    expect_idle(cluster)
    assert "Actors (0)" in cluster.command("status").stdout
