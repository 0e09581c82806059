"""Each planted bug is found by the simulator, and what it does to the seed that finds it is the bug's doing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from gnomon.testing.simulator import SeedReport
from simulation.planted import SEEDS_MAX, Bug, find, planted, read_list

REACH = 600
"""Seeds that are tried when a bug is no longer found where it was: any change of the core shifts all chance."""

BUGS, MISSED = read_list(), read_list("missed")

Found = tuple[SeedReport | None, SeedReport | None]


def search(bug: Bug) -> Found:
    """The run that the bug spoils, and the same run without it."""
    report = find(bug, bug.seed, bug.seed + REACH)
    return report, None if report is None else bug.run(report.seed)


@pytest.fixture(scope="module")
def searches(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Found]]]:
    """One for each bug that is to be tested, on all processors."""
    chosen = [item for item in request.session.items if "searches" in getattr(item, "fixturenames", ())]
    bugs = [item.callspec.params["bug"] for item in chosen if isinstance(item, pytest.Function)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        pool.submit(int).result()  # the last of its threads begins with the first work: not within a test
        yield {bug.name: pool.submit(search, bug) for bug in bugs}
        pool.shutdown(cancel_futures=True)


def test_the_list_is_long_and_its_names_differ() -> None:
    assert len(BUGS) >= 175
    assert len({bug.name for bug in BUGS + MISSED}) == len(BUGS + MISSED)


@pytest.mark.parametrize("bug", MISSED, ids=lambda bug: bug.name)
def test_a_bug_that_no_seed_finds_can_still_be_planted(bug: Bug) -> None:
    with planted(bug):
        pass


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
@pytest.mark.timeout(900)
def test_a_planted_bug_is_found(bug: Bug, searches: dict[str, Future[Found]]) -> None:
    assert bug.seed < SEEDS_MAX
    spoiled, sound = searches[bug.name].result()
    assert spoiled is not None, f"not found by seeds {bug.seed} to {bug.seed + REACH}: see planted.py"
    assert sound is not None
    assert sound.failure == ""
