"""The storms would see it: each check, shown what it has to find. No session here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gnomon.exceptions import OwnerDiedError, TaskCancelledError, TaskError, WorkerCrashedError
from gnomon.testing.processes import bears, is_alive, strike, wait_until
from gnomon.testing.storms.actor_kills import CALLERS, NUMBERS, check_log
from gnomon.testing.storms.catalog import STORMS
from gnomon.testing.storms.crash_matrix.cells import LEFT_OUT, Expected, all_cells, some_cells
from gnomon.testing.storms.crash_matrix.faults import FAULTS
from gnomon.testing.storms.crash_matrix.places import PLACES, VALUE
from gnomon.testing.storms.handoffs import check_owners, owner_of_lost
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.striker import Striker
from gnomon.testing.storms.worker_kills import check_runs

RUNS = [(0, 10), (1, 10), (1, 11), (2, 11)]
"""Task 1 ran in two processes, of which 10 was killed."""


def new_report(limit_s: float = 60.0) -> Report:
    return Report("test", {}, limit_s)


@pytest.mark.parametrize(
    ("hits", "failed", "retries", "wrong"),
    [
        ([10], {}, -1, ""),
        ([10], {}, 1, ""),
        ([10], {}, 0, "task 1 ran 2 times with 0 retries"),
        ([11], {}, -1, ""),
        ([], {}, -1, "task 1 ran 2 times in processes that were not killed"),
        ([10, 11], {1: 2}, 1, ""),
        ([10, 11], {1: 1}, 1, "task 1 failed after 1 attempts with 1 retries"),
        ([10, 11], {1: 2}, -1, "task 1 failed after 2 attempts with -1 retries"),
        ([10], {1: 2}, 1, "task 1 failed although a process that ran it was not killed"),
    ],
)
def test_runs_are_explained_by_kills(
    hits: list[int], failed: dict[int, int], retries: int, wrong: str
) -> None:
    report = new_report()
    check_runs(report, RUNS, 3, hits, failed, retries)
    assert bool(report.faults) == bool(wrong)
    assert wrong in [*report.faults, ""]


@pytest.mark.parametrize(
    ("owners", "wrong"),
    [
        ([], ""),
        (["aa", "aa"], ""),
        (["ab"], ""),
        (["abc"], ""),
        (["aa", "bb", "bb"], "2 objects are lost with process bb (pid 12), which nobody killed"),
        (["bc"], "1 objects are lost with process bc (pid 14), which nobody killed"),
        (["dd"], "1 objects are lost with process dd (pid 15), which nobody killed"),
        (["xx"], "1 objects are lost with process xx (pid 0), which nobody killed"),
    ],
)
def test_what_is_lost_is_lost_with_who_was_killed_or_ran_for_such_a_one(
    owners: list[str], wrong: str
) -> None:
    processes = {
        "aa": (10, "driver"), "ab": (11, "aa"), "abc": (13, "ab"), "bb": (12, "driver"), "bc": (14, "bb"),
        "dd": (15, "dd"),
    }  # fmt: skip
    report = new_report()
    check_owners(report, owners, processes, [10])
    assert report.faults == ([wrong] if wrong else [])


def test_the_owner_is_found_in_an_error_of_a_task_that_has_read() -> None:
    lost = OwnerDiedError(object_ref_hex="11" * 8 + "00" * 12, reason="")
    told = TaskError.from_exception("read", lost)
    assert owner_of_lost(lost) == owner_of_lost(TaskError.from_exception("again", told)) == "11" * 8


def test_too_many_runs_and_failures_are_seen() -> None:
    report = new_report()
    check_runs(report, [(0, 10)] * 200, 1, [10], {}, -1)
    assert report.faults == ["200 runs of 1 tasks with 1 kills"]
    report = new_report()
    check_runs(report, [(0, 10), (1, 10)], 2, [10], {0: 1, 1: 1}, 0)
    assert report.faults == ["2 tasks failed with 1 kills, though each is alone on its worker"]


def test_a_value_without_a_run_is_seen() -> None:
    report = new_report()
    check_runs(report, RUNS, 4, [10], {}, -1)
    assert report.faults == ["task 3 has a value and never ran"]


def log(*numbers: int) -> list[tuple[int, int]]:
    """Calls of caller 0 as in its log; the other callers have called with 0 and 1."""
    mine = [(number, 7) for number in numbers]
    return mine + [(caller * NUMBERS + number, 7) for caller in range(1, CALLERS) for number in (0, 1)]


@pytest.mark.parametrize(
    ("numbers", "ordered", "retries", "wrong"),
    [
        ((0, 1), True, -1, []),
        ((0, 1, 0, 1), True, -1, []),
        ((1, 0, 1), True, -1, ["call 1 of caller 0 began before 0"]),
        ((1, 0), False, -1, []),
        ((1,), False, -1, ["1 calls never began"]),
        ((0, 1), True, 0, []),
        ((1,), True, 0, []),
        ((1, 0), True, 0, ["call 0 of caller 0 began after 1"]),
        ((0, 1, 0), False, 0, ["call 0 of caller 0 began twice"]),
    ],
)
def test_order_and_loss_are_seen(
    numbers: tuple[int, ...], ordered: bool, retries: int, wrong: list[str]
) -> None:
    assert check_log(log(*numbers), 2, ordered, retries) == wrong


@pytest.mark.parametrize(
    ("outcome", "wrong"),
    [
        (WorkerCrashedError("f", "was killed by SIGKILL"), ""),
        (WorkerCrashedError("f", "ended"), "'SIGKILL' is not in"),
        (TaskCancelledError(), "it failed with TaskCancelledError"),
        (VALUE, "it has the value"),
        (None, "it has the value None"),
    ],
)
def test_outcomes_are_judged(outcome: object, wrong: str) -> None:
    told = Expected((WorkerCrashedError,), "SIGKILL").judge(outcome)
    assert told.startswith(wrong)
    assert bool(told) == bool(wrong)


def test_a_value_is_expected() -> None:
    assert Expected(()).judge(VALUE) == ""
    assert Expected(()).judge("other") != ""
    assert Expected(()).judge(WorkerCrashedError()) != ""


def test_the_matrix_is_large_and_a_small_one_has_all_of_it() -> None:
    cells = all_cells()
    assert len({cell.name for cell in cells}) == len(cells) >= 90
    assert {name for name, _ in LEFT_OUT} <= FAULTS.keys()
    assert {name for _, name in LEFT_OUT} <= PLACES.keys()
    some = some_cells(STORMS["crash-matrix"].small["cells"], seed=1)
    assert {cell.fault.name for cell in some} == FAULTS.keys()
    assert {cell.place.name for cell in some} == PLACES.keys()
    assert some == some_cells(len(some), seed=1) != some_cells(len(some), seed=2)


def test_nobody_else_is_hit() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        assert not strike(stranger.pid, "a session")
        with Striker("a session", lambda: [stranger.pid], seed=1, period_s=0.001) as striker:
            assert not striker.has_struck(1)
        assert striker.hits == []
        assert is_alive(stranger.pid)
        stranger.communicate(b"\n")
    assert stranger.returncode == 0


def test_a_member_is_hit() -> None:
    environment = {"GNOMON_SESSION": "a session"}
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environment
    ) as member:
        wait_until(lambda: bears(member.pid, "GNOMON_SESSION=a session"), "it has its environment")
        with Striker("a session", lambda: [member.pid], seed=1, period_s=0.001) as striker:
            wait_until(lambda: striker.has_struck(1), "it is hit")
    assert set(striker.hits) == {member.pid}, "perhaps once more before it is reaped"
    assert member.returncode == -9


def test_a_striker_that_fails_is_heard_of() -> None:
    with Striker("a session", lambda: [1 // 0], seed=1, period_s=0.001) as striker:
        with pytest.raises(ZeroDivisionError):
            wait_until(lambda: striker.has_struck(1), "never")


def test_a_storm_ends_when_its_time_is_over() -> None:
    report = new_report(limit_s=0.0)
    assert report.is_late()
    assert report.is_late()
    assert report.faults == ["its time was over before it had done all"]
    assert "1 WRONG: its time was over" in report.verdict()


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gnomon.testing.storms", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_the_command() -> None:
    done = command("poison", "--poisons", "2", "--innocents", "100", "--retries", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("poison: all well (102 tasks, 2 poisons, 4 kills;")


def test_the_command_when_something_is_wrong() -> None:
    done = command("worker-kills", "--small", "--limit", "0.01")
    assert done.returncode == 1
    assert "1 WRONG: its time was over" in done.stdout
    assert "invalid choice: 'sunshine'" in command("sunshine").stderr
