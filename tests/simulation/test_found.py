"""Seeds and histories that once failed. Each names what was wrong."""

from __future__ import annotations

import pytest

from gnomon.testing.simulator import run_seed

FOUND = {
    1: "placing leases went one turn too far and popped from an empty queue",
    7: "two classes on one CPU: each grant was reclaimed and returned before a task was pushed, for ever",
    17: "the link to a dead actor's worker was repeated for ever, because its caller did not watch it",
    85: "a cancelled task's wish for a value outlived the value's references",
    258: "an executor went on repeating its answer to a submitter that had died",
    406: "freeing one object at its owner's death freed another one that the same loop then gave a value",
    516: "an actor whose constructor's argument failed was never told of to those who waited for it",
    638: "an idle worker was retired although others held references to objects that it owned",
    3080: "a dead process's message, read in the same batch as its death, got it a lease for ever",
}


@pytest.mark.parametrize(("seed", "what"), FOUND.items())
def test_seed(seed: int, what: str) -> None:
    report = run_seed(seed)
    assert not report.failure, f"{what}\n{report.failure}"
