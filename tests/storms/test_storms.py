"""The storms at a small size. In full: ``make storm``."""

from __future__ import annotations

import pytest

from gnomon.testing.storms.catalog import STORMS, run_storm

pytestmark = pytest.mark.timeout(600)  # each ends itself; this is for a machine with much other work


def storm(name: str, **sizes: int) -> None:
    report = run_storm(name, small=True, sizes=sizes)
    assert report.faults == [], report.verdict()


@pytest.mark.parametrize("name", STORMS)
def test_all_is_well_after(name: str) -> None:
    storm(name)


@pytest.mark.parametrize("retries", [0, 1])
def test_only_failures_that_retries_explain(retries: int) -> None:
    storm("worker-kills", retries=retries)


def test_no_call_runs_twice_without_retries() -> None:
    storm("actor-kills", retries=0)
