"""Each planted bug is found by the simulator, and what it does to the seed that finds it is the bug's doing."""

from __future__ import annotations

import pytest

from gnomon.testing.simulator import run_seed
from simulation.planted import SEEDS_MAX, Bug, find, planted, read_list

REACH = 600
"""Seeds that are tried when a bug is no longer found where it was: any change of the core shifts all chance."""

BUGS, MISSED = read_list(), read_list("missed")


def test_the_list_is_long_and_its_names_differ() -> None:
    assert len(BUGS) >= 175
    assert len({bug.name for bug in BUGS + MISSED}) == len(BUGS + MISSED)


@pytest.mark.parametrize("bug", MISSED, ids=lambda bug: bug.name)
def test_a_bug_that_no_seed_finds_can_still_be_planted(bug: Bug) -> None:
    with planted(bug):
        pass


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug) -> None:
    assert bug.seed < SEEDS_MAX
    report = find(bug, bug.seed, bug.seed + REACH)
    assert report is not None, f"not found by seeds {bug.seed} to {bug.seed + REACH}: see planted.py"
    assert run_seed(report.seed).failure == ""
