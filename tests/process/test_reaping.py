from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gnomon._shell import reaping
from gnomon._shell.reaping import ProcessEntry
from gnomon.testing.processes import is_alive, wait_until

PARENT = (
    "import os, subprocess, sys\n"
    "open('/proc/self/comm', 'w').write(') S 1 (x')\n"
    "child = subprocess.Popen([sys.executable, '-S', '-c', 'import sys; sys.stdin.read()'], env={})\n"
    "print(child.pid, flush=True)\n"
    "child.wait()\n"
)


@pytest.fixture
def family() -> Iterator[tuple[str, subprocess.Popen[str], int]]:
    """A session of a marked process with an awkward name, and its child without a mark."""
    session = os.urandom(8).hex()
    environment = {**os.environ, reaping.MARKER: session}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    yield session, parent, child
    parent.kill()
    parent.communicate()


def test_descendants() -> None:
    parents = {1: 0, 2: 1, 3: 2, 4: 3, 5: 1, 6: 99}
    table = {pid: ProcessEntry(pid, parent, 0) for pid, parent in parents.items()}
    assert reaping.descendants(table, [2]) == {3, 4}
    assert reaping.descendants(table, [2, 3]) == {3, 4}
    assert reaping.descendants(table, [1]) == {2, 3, 4, 5}
    assert reaping.descendants(table, [99]) == {6}
    assert reaping.descendants(table, []) == set()


def test_members_are_the_marked_and_their_descendants(family: tuple[str, subprocess.Popen[str], int]) -> None:
    session, parent, child = family
    assert {entry.pid for entry in reaping.members(session)} == {parent.pid, child}
    assert {parent.pid, child} <= {entry.pid for entry in reaping.members("no such session", own=True)}
    assert reaping.members(session[:-1]) == []  # the whole name counts, not its beginning


def test_sweep_kills_the_session_alone(family: tuple[str, subprocess.Popen[str], int]) -> None:
    session, parent, child = family
    bystander = subprocess.Popen(
        [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    )
    try:
        assert reaping.sweep(session, own=False, adopters=(parent.pid,))
        assert not is_alive(parent.pid)
        assert not is_alive(child)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.communicate()


def test_a_pid_that_belongs_to_another_now_is_not_killed(
    family: tuple[str, subprocess.Popen[str], int],
) -> None:
    _, parent, child = family
    entry = reaping.processes()[child]
    assert entry.parent == parent.pid
    reaping.kill_processes([entry._replace(started=entry.started - 1)], wait=True)
    assert is_alive(child)
    reaping.kill_processes([entry], wait=True)
    assert not is_alive(child)


def test_zombies_do_not_count_as_living() -> None:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert Path(f"/proc/{process.pid}").exists()
    assert process.pid not in reaping.processes()
    process.wait()


def test_reap_children_collects_all(tmp_path: Path) -> None:
    # In a process of its own: it collects every child, also those of other tests' tools.
    program = (
        "import os, sys\n"
        "from gnomon._shell import reaping\n"
        "pids = {}\n"
        "for code in (0, 7):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: os._exit(code)\n"
        "    pids[pid] = code\n"
        "    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)\n"
        "assert dict(reaping.reap_children()) == pids\n"
        "assert reaping.reap_children() == []\n"
    )
    path = Path(reaping.__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(path)})
    assert wait_until(lambda: process.poll() is not None, "it ends")
    assert process.returncode == 0
