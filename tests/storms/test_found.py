"""What the crash matrix has found: each cell a bug that is mended, now run for itself."""

from __future__ import annotations

import pytest

from gnomon.testing.storms.crash_matrix.cells import all_cells
from gnomon.testing.storms.crash_matrix.matrix import run_cells
from gnomon.testing.storms.report import Report

FOUND = {
    "no text in a task": "str() of the exception raised again, and its worker died of that",
    "no text in a constructor's argument": "likewise",
    "no pickle in a nested task": "__reduce__ of the exception raised what is no Exception: the worker died",
    "no pickle in an async method": "likewise, and the call was never answered",
    "wait in an exception's departure": "a cancel struck while the outcome was made: the worker died",
    "MemoryError in a task with large objects": "in its own traceback: what the frames held stayed in the store",
    "closed files in a constructor": "the loop's thread died of it, and its process lived on mute",
    "closed files in a task": "likewise",
}
"""Cell -> what was wrong."""


def test_what_was_found_is_mended() -> None:
    cells = [cell for cell in all_cells() if cell.name in FOUND]
    assert len(cells) == len(FOUND)
    report = Report("found", {}, limit_s=100.0)
    run_cells(report, cells, seed=1, innocents=200)
    assert report.faults == [], report.verdict()


@pytest.mark.parametrize("retries", [0, 3])
def test_a_task_that_replaces_stdout_harms_nobody(retries: int) -> None:
    import sys

    import gnomon

    @gnomon.remote(max_retries=retries)
    def vandalize() -> int:
        sys.stdout = None  # type: ignore[assignment]
        return 1

    gnomon.init(engine="local", num_cpus=1, log_to_driver=False)
    try:
        assert gnomon.get([vandalize.remote() for _ in range(20)], timeout=20) == [1] * 20
    finally:
        gnomon.shutdown()
