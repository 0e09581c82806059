from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from gnomon._shell import lifeline


@pytest.fixture(autouse=True)
def _no_peers() -> Iterator[None]:
    yield
    lifeline.forget_peers()


@pytest.fixture
def ends() -> Iterator[dict[str, int]]:
    read_end, write_end = lifeline.open_lifeline()
    fds = {"read": read_end, "write": write_end}
    yield fds
    for fd in fds.values():
        os.close(fd)


def is_readable(watch: lifeline.Watch, timeout_ms: int = 0) -> bool:
    poller = select.poll()
    poller.register(watch, select.POLLIN)
    return bool(poller.poll(timeout_ms))


@pytest.fixture
def sleeper() -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    started = []

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_end_of_the_driver_is_seen_and_stays(ends: dict[str, int]) -> None:
    watch = lifeline.watch(ends["read"])
    assert not is_readable(watch)
    assert watch.lost() is None
    os.close(ends.pop("write"))
    assert is_readable(watch)
    assert is_readable(watch)
    assert watch.lost() == lifeline.lost(ends["read"]) == "the driver"
    watch.close()


def test_end_of_a_peer_is_seen(ends: dict[str, int], sleeper: Callable[[], subprocess.Popen[bytes]]) -> None:
    one, two = sleeper(), sleeper()
    lifeline.require("the head", one.pid)
    lifeline.require("the zygote", two.pid)
    watch = lifeline.watch(ends["read"])
    assert not is_readable(watch)
    assert not lifeline.wait_for("the zygote", 0.0)
    two.kill()
    assert is_readable(watch, 5000)
    assert watch.lost() == "the zygote"
    assert lifeline.wait_for("the zygote", 5.0)
    assert not lifeline.wait_for("nobody", 5.0)
    os.close(ends.pop("write"))
    assert watch.lost() == "the driver"  # explains the other
    watch.close()


def test_a_peer_that_ended_before_is_lost(
    ends: dict[str, int], sleeper: Callable[[], subprocess.Popen[bytes]]
) -> None:
    process = sleeper()
    process.kill()
    process.wait()
    lifeline.require("the node", process.pid)
    watch = lifeline.watch(ends["read"])
    assert is_readable(watch)
    assert watch.lost() == "the node"
    watch.close()


def test_forgotten_peers_are_not_watched(
    ends: dict[str, int], sleeper: Callable[[], subprocess.Popen[bytes]]
) -> None:
    process = sleeper()
    lifeline.require("the node", process.pid)
    lifeline.forget_peers()
    process.kill()
    process.wait()
    watch = lifeline.watch(ends["read"])
    assert not is_readable(watch)
    watch.close()
