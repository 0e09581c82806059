"""Two notebooks on one cluster: each has its own output, both see a detached actor; one kernel's end is not
the other's.
"""

import sys
from pathlib import Path

import pytest

from kernel.live_kernel import LiveKernel

sys.path.insert(0, str(Path(__file__).parent.parent / "cluster"))

from kept_cluster import kept_cluster

JOIN = "import gnomon, os; gnomon.init('auto', namespace='course')"
ACTOR = """
@gnomon.remote
class Counter:
    count = 0
    def add(self):
        self.count += 1
        return self.count
"""


def test_two_notebooks_share_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    with kept_cluster("--num-cpus", "2", "--object-store-memory", "64000000") as cluster:
        monkeypatch.setenv("TMPDIR", cluster.folder)
        with LiveKernel() as one, LiveKernel() as two:
            for kernel in (one, two):
                kernel.run("%load_ext gnomon").check()
                kernel.run(JOIN).check()
                kernel.run("@gnomon.remote\ndef say(text):\n    print(text)\n    return os.getpid()").check()
            ours = one.run("gnomon.get(say.remote('from the first'))").check()
            theirs = two.run("gnomon.get(say.remote('from the second'))").check()
            one.until(lambda: "from the first" in str(ours.messages), "output in the first notebook")
            two.until(lambda: "from the second" in str(theirs.messages), "output in the second notebook")
            assert "from the second" not in str(one._story())
            assert "from the first" not in str(two._story())
            assert ours.result() != theirs.result(), "no worker serves both"
            one.run(ACTOR).check()
            one.run("counter = Counter.options(name='counter', lifetime='detached').remote()").check()
            assert one.run("gnomon.get(counter.add.remote())").check().result() == "1"
            assert two.run("gnomon.get(gnomon.get_actor('counter').add.remote())").check().result() == "2"
            one.manager.shutdown_kernel(now=True)
            assert two.run("gnomon.get(gnomon.get_actor('counter').add.remote())").check().result() == "3"
            assert two.run("gnomon.get(say.remote('still here'))").check().result() == theirs.result()
            told = cluster.command("status").stdout
            assert "Jobs (1 running, 1 ended)" in told
            assert "Counter 'counter' in course: alive" in told
