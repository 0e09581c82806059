"""``debug`` among processes: what it keeps, what it lets go, and what it refuses to run here."""

from __future__ import annotations

import os
from typing import Any

import pytest
from cluster_tools import Cluster, forget_exceptions, wait_until

import gnomon
from gnomon.exceptions import WorkerCrashedError
from gnomon.observe import debug


@gnomon.remote
def fail(data: Any) -> None:
    raise ValueError(len(data))


@gnomon.remote
def make() -> bytes:
    return bytes(300_000)


@gnomon.remote(max_retries=0)
def die() -> None:
    os._exit(3)


@gnomon.remote
def submit() -> list[Any]:
    return [fail.remote(b"abc")]


def failed(ref: Any) -> Any:
    with pytest.raises(ValueError):
        gnomon.get(ref, timeout=40)
    return ref


def test_large_arguments_are_kept_with_the_error(cluster: Cluster) -> None:
    by_value = failed(fail.remote(bytes(400_000)))
    made = failed(fail.remote(make.remote()))
    for ref, size in ((by_value, 400_000), (made, 300_000)):
        with pytest.raises(ValueError) as caught:
            debug(ref)
        assert caught.value.args == (size,)
        del caught
    del by_value, made, ref
    forget_exceptions()
    wait_until(lambda: not cluster.role.references.entries, "all is freed with the errors", 40.0)


def test_what_many_others_have_pushed_out_is_let_go(cluster: Cluster) -> None:
    argument = gnomon.put(bytes(300_000))
    refs = [failed(fail.remote(argument)) for _ in range(25)]
    forget_exceptions()
    held = [entry.inner for entry in cluster.role.references.entries.values() if argument._id in entry.inner]
    assert len(held) == 20
    cluster.check()
    del argument, refs


def test_what_ended_its_process_is_not_run_here(cluster: Cluster) -> None:
    ref = die.remote()
    with pytest.raises(WorkerCrashedError):
        gnomon.get(ref, timeout=40)
    with pytest.raises(ValueError, match="could end this one, too"):
        debug(ref)
    forget_exceptions()


def test_a_task_that_another_process_owns(cluster: Cluster) -> None:
    holder = submit.remote()
    (ref,) = gnomon.get(holder, timeout=40)
    failed(ref)
    with pytest.raises(ValueError) as caught:
        debug(ref)
    assert caught.value.args == (3,)
    forget_exceptions()
