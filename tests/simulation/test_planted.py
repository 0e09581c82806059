"""Each planted bug is found by the simulator, and what it does to the seed that finds it is the bug's doing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulation import planted as tool
from simulation.planted import REACH, SEEDS_MAX, Bug, planted, read_list
from simulation.processes import PARTS, python

BUGS, MISSED = read_list(), read_list("missed")


@pytest.fixture(scope="module")
def searches(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    """What ``planted.search`` says of each bug that is to be tested; in as many processes as there are processors."""
    chosen = [item for item in request.session.items if "searches" in getattr(item, "fixturenames", ())]
    names = [item.callspec.params["bug"].name for item in chosen if isinstance(item, pytest.Function)]
    running = [python(str(tool.__file__), "--search", *names[part::PARTS]) for part in range(PARTS)]
    lines = [line for process in running for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in running] == [0] * PARTS
    return {found["name"]: found for found in map(json.loads, lines)}


def test_the_list_is_long_and_its_names_differ() -> None:
    assert len(BUGS) >= 175
    assert len({bug.name for bug in BUGS + MISSED}) == len(BUGS + MISSED)


@pytest.mark.parametrize("bug", MISSED, ids=lambda bug: bug.name)
def test_a_bug_that_no_seed_finds_can_still_be_planted(bug: Bug) -> None:
    with planted(bug):
        pass


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
@pytest.mark.timeout(1_800)
def test_a_planted_bug_is_found(bug: Bug, searches: dict[str, dict[str, Any]]) -> None:
    assert bug.seed < SEEDS_MAX
    found = searches[bug.name]
    assert found["seed"] is not None, f"not found by seeds {bug.seed} to {bug.seed + REACH}: see planted.py"
    assert found["sound"] == ""
