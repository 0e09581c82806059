from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from process_tools import HERE, environment, read_number

from gnomon._messages.session import WorkerExit, WorkerSpec
from gnomon._shell import lifeline
from gnomon._shell.zygote import SPEC_BYTES_MAX, WorkerForked, ZygoteClient, ZygoteLost, socket_pair
from gnomon.ids import WorkerID
from gnomon.testing.processes import is_alive, start_time, wait_until

Event = WorkerForked | WorkerExit | ZygoteLost


class Host:
    """A zygote in a process of its own, and the node's end of it."""

    def __init__(self) -> None:
        self.lifeline, self.lifeline_write = lifeline.open_lifeline()
        self.socket, theirs = socket_pair()
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "zygote_host.py"), str(theirs.fileno()), str(self.lifeline)],
            pass_fds=(theirs.fileno(), self.lifeline),
            env=environment(),
        )
        theirs.close()
        self.client = ZygoteClient(self.socket, self.process.pid)
        self.events: list[Event] = []

    def fork(self, name: int, code: str, **variables: str) -> WorkerID:
        worker = WorkerID(name.to_bytes(8, "big"))
        self.client.fork(WorkerSpec(worker=worker, environment={"CODE": code, **variables}))
        return worker

    def receive_until(self, condition: Callable[[list[Event]], bool], limit_s: float = 20.0) -> list[Event]:
        """Poll for reading alone, as the node's loop does, until all events so far satisfy ``condition``."""
        poller = select.poll()
        poller.register(self.client, select.POLLIN)
        deadline = time.monotonic() + limit_s
        while not condition(self.events):
            assert time.monotonic() < deadline, self.events
            if poller.poll(200):
                self.events += self.client.receive()
        return self.events

    def exit_of(self, worker: WorkerID) -> WorkerExit:
        def ended(events: list[Event]) -> bool:
            return any(isinstance(event, WorkerExit) and event.worker == worker for event in events)

        return next(
            event
            for event in self.receive_until(ended)
            if isinstance(event, WorkerExit) and event.worker == worker
        )

    def pid_of(self, worker: WorkerID) -> int:
        def forked(events: list[Event]) -> bool:
            return any(isinstance(event, WorkerForked) and event.worker == worker for event in events)

        return next(
            event.pid
            for event in self.receive_until(forked)
            if isinstance(event, WorkerForked) and event.worker == worker
        )

    def close(self) -> None:
        os.close(self.lifeline_write)
        self.process.wait(10)
        os.close(self.lifeline)
        self.socket.close()


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()
    yield host
    host.close()


def test_workers_are_forked_and_their_ends_reported(host: Host) -> None:
    good = host.fork(1, "pass")
    bad = host.fork(2, "os._exit(7)")
    killed = host.fork(3, "os.kill(os.getpid(), 9)")
    assert [host.exit_of(worker).code for worker in (good, bad, killed)] == [0, 7, -9]
    pids = {host.pid_of(worker) for worker in (good, bad, killed)}
    assert len(pids) == 3
    assert {host.exit_of(worker).pid for worker in (good, bad, killed)} == pids


def test_an_end_is_reported_after_the_birth(host: Host) -> None:
    for name in range(40):
        host.fork(name, "os._exit(0)")
    events = host.receive_until(lambda events: sum(isinstance(e, WorkerExit) for e in events) == 40)
    born: set[WorkerID] = set()
    for event in events:
        assert isinstance(event, WorkerForked | WorkerExit)
        if isinstance(event, WorkerForked):
            born.add(event.worker)
        else:
            assert event.worker in born


def test_signals_reach_the_worker_and_none_overtakes_its_birth(host: Host) -> None:
    worker = host.fork(1, "import time; time.sleep(3600)")
    host.client.kill(worker)
    assert host.exit_of(worker).code == -signal.SIGKILL
    host.client.kill(worker)  # has ended: nothing happens
    host.client.kill(WorkerID(b"unknown-"), signal.SIGTERM)
    another = host.fork(2, "import time; time.sleep(3600)")
    host.client.kill(another, signal.SIGTERM)
    assert host.exit_of(another).code == -signal.SIGTERM


def test_a_flood_of_orders_blocks_neither_side(host: Host) -> None:
    padding = "x" * 20_000
    workers = [host.fork(name, "os._exit(3)", PADDING=padding) for name in range(120)]
    stopped = host.fork(9_999, "import time; time.sleep(3600)")
    for _ in range(20_000):
        host.client.kill(stopped, signal.SIGCONT)
    host.client.kill(stopped)
    assert [host.exit_of(worker).code for worker in workers] == [3] * 120
    assert host.exit_of(stopped).code == -signal.SIGKILL


def test_too_large_an_environment_is_refused(host: Host) -> None:
    with pytest.raises(ValueError, match="environment of a worker"):
        host.fork(1, "pass", LARGE="x" * SPEC_BYTES_MAX)


def leftovers_program(notes: Path) -> str:
    """Leave behind a child, one in its own session without environment, and a daemon that forked twice."""
    return (
        "import subprocess, sys, time\n"
        "hour = [sys.executable, '-S', '-c', 'import time; time.sleep(3600)']\n"
        "pids = [subprocess.Popen(hour).pid, subprocess.Popen(hour, start_new_session=True, env={}).pid]\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        f"        open({str(notes / '.daemon')!r}, 'w').write(str(os.getpid()))\n"
        f"        os.rename({str(notes / '.daemon')!r}, {str(notes / 'daemon')!r})\n"
        "        time.sleep(3600)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        f"open({str(notes / '.two')!r}, 'w').write(' '.join(map(str, pids)))\n"
        f"os.rename({str(notes / '.two')!r}, {str(notes / 'two')!r})\n"
        "time.sleep(3600)\n"
    )


def test_what_a_dead_worker_leaves_behind_is_killed_and_no_more(host: Host, tmp_path: Path) -> None:
    folders = [tmp_path / "dies", tmp_path / "lives"]
    for folder in folders:
        folder.mkdir()
    dies, lives = (host.fork(name, leftovers_program(folder)) for name, folder in enumerate(folders))
    family: dict[str, dict[int, str | None]] = {}
    for folder in folders:
        pids = [read_number(folder / "daemon")]
        wait_until((folder / "two").exists, "its children live")
        pids += map(int, (folder / "two").read_text().split())
        family[folder.name] = {pid: start_time(pid) for pid in pids}
    host.client.kill(dies)
    assert host.exit_of(dies).code == -signal.SIGKILL
    wait_until(
        lambda: all(start_time(pid) != started for pid, started in family["dies"].items()),
        "they are killed",
    )
    assert all(start_time(pid) == started is not None for pid, started in family["lives"].items())
    assert is_alive(host.pid_of(lives))
    host.client.kill(lives)
    wait_until(
        lambda: all(start_time(pid) != started for pid, started in family["lives"].items()),
        "they are killed",
    )


def test_killing_the_zygote_kills_its_workers_and_is_told_once(host: Host) -> None:
    pid = host.pid_of(host.fork(1, "import time; time.sleep(3600)"))
    host.process.kill()
    host.receive_until(lambda events: isinstance(events[-1], ZygoteLost))
    assert [str(host.process.pid) in e.reason for e in host.events if isinstance(e, ZygoteLost)] == [True]
    assert host.client.receive() == []
    host.fork(2, "pass")  # too late, but no error: the loop learns of the loss by its event
    assert host.client.receive() == []
    wait_until(lambda: not is_alive(pid), "the worker ends with its zygote")


def test_the_zygote_ends_with_the_lifeline_and_with_the_node(host: Host) -> None:
    other = Host()
    other.socket.shutdown(2)
    assert other.process.wait(10) == 0
    other.close()
    assert host.process.poll() is None
