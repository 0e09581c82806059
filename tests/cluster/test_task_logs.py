"""``logs``: each task's and actor's own lines, from the logs that many share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cluster_tools import Cluster, RunCount, forget_exceptions, wait_until

import gnomon
from gnomon.observe import logs


@gnomon.remote
def say(*lines: str) -> None:
    for line in lines:
        print(line)


@gnomon.remote
def say_both() -> None:
    print("out 1")
    print("err 1", file=sys.stderr)
    print("out 2")
    raise ValueError("and ends")


@gnomon.remote(max_retries=1)
def die_once(runs: RunCount) -> None:
    runs.note(0)
    print(f"attempt {runs.runs()[0]}")
    if runs.runs()[0] == 1:
        os._exit(3)


@gnomon.remote
class Speaker:
    def __init__(self) -> None:
        print("I am made")

    def say(self, line: str) -> None:
        print(line)


def test_each_task_has_its_own_lines(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(num_cpus=1)
    refs = [say.remote(f"first {number}", f"second {number}") for number in range(20)]
    silent = say.remote()
    gnomon.get([*refs, silent], timeout=40)
    for number, ref in enumerate(refs):
        assert logs(ref).lines == (f"first {number}", f"second {number}")
    assert str(logs(refs[3].hex())) == "first 3\nsecond 3"
    assert logs(silent).lines == ()
    assert str(logs(silent)) == "It has printed nothing."


def test_both_streams_and_a_failed_task(cluster: Cluster) -> None:
    ref = say_both.remote()
    with pytest.raises(ValueError, match="and ends"):
        gnomon.get(ref, timeout=40)
    found = logs(ref)
    assert sorted(found.lines) == ["err 1", "out 1", "out 2"]
    assert [path.rsplit(".", 1)[1] for path in found.files] == ["out", "err"]
    forget_exceptions()


def test_all_attempts(cluster: Cluster, tmp_path: Path) -> None:
    ref = die_once.remote(RunCount(tmp_path / "runs"))
    gnomon.get(ref, timeout=40)
    assert logs(ref).lines == ("attempt 1", "attempt 2")


def test_an_actor_and_its_calls(cluster: Cluster) -> None:
    actor = Speaker.remote()
    calls = [actor.say.remote(f"call {number}") for number in range(3)]
    gnomon.get(calls, timeout=40)
    assert logs(actor).lines == ("I am made", "call 0", "call 1", "call 2")
    assert logs(calls[1]).lines == ("call 1",)
    other = Speaker.remote()
    gnomon.get(other.say.remote("other"), timeout=40)
    assert logs(other).lines == ("I am made", "other")
    gnomon.kill(actor)
    wait_until(lambda: gnomon.why(actor).state == "dead", "it is dead", 40.0)
    assert logs(actor).lines[-1] == "call 2"


def test_the_last_lines(cluster: Cluster) -> None:
    ref = say.remote(*[f"line {number}" for number in range(50)])
    gnomon.get(ref, timeout=40)
    found = logs(ref, tail=2)
    assert found.lines == ("line 48", "line 49")
    assert found.left_out == sum(len(f"line {number}\n") for number in range(48))
    assert str(found).startswith(f"... {found.left_out:,} bytes before this are in {found.files[0]}\n")
    assert len(logs(ref, tail=None).lines) == 50
    assert logs(ref, tail=0).lines == ()
    with pytest.raises(ValueError, match="tail of logs"):
        logs(ref, tail=-1)


def test_the_inline_engine_keeps_nothing() -> None:
    gnomon.init(engine="inline")
    try:
        assert "Nothing is kept on the inline engine" in str(logs(say.remote("here")))
    finally:
        gnomon.shutdown()
