"""What gnomon has set itself: for each row, how many times better than Ray it must be (ARCHITECTURE.md)."""

from __future__ import annotations

FIRST_RESULT = "import + init + first result"
IDLE_MEMORY = "idle memory"
FIFTY_ACTORS = "50 actors created and answering"

_GOALS: dict[str, float] = {
    "single client get calls (Plasma Store)": 10,
    "single client put calls (Plasma Store)": 20,
    "multi client put calls (Plasma Store)": 10,
    "single client put gigabytes": 3,
    "multi client put gigabytes": 1,
    "single client get object containing 10k refs": 3,
    "single client tasks and get batch": 15,
    "single client wait 1k refs": 20,
    "single client tasks sync": 5,
    "single client tasks async": 15,
    "multi client tasks async": 10,
    "1:1 actor calls sync": 4,
    "1:1 actor calls async": 6,
    "1:1 actor calls concurrent": 5,
    "1:n actor calls async": 6,
    "n:n actor calls async": 5,
    "n:n actor calls with arg async": 6,
    "1:1 async-actor calls sync": 4,
    "1:1 async-actor calls async": 6,
    "1:1 async-actor calls with args async": 6,
    "1:n async-actor calls async": 6,
    "n:n async-actor calls async": 6,
    FIRST_RESULT: 8,
    IDLE_MEMORY: 4,
    FIFTY_ACTORS: 25,
}

FIRST_RESULT_BESIDE_JUPYTERLAB = 12
"""Ray starts slower in an environment that holds JupyterLab too, and there more is asked."""


def goal(row: str, beside_jupyterlab: bool) -> float | None:
    """The ratio that ``row`` must reach, or None for a row without a goal.

    Args:
        row: the row's name.
        beside_jupyterlab: whether Ray's environment holds JupyterLab.
    """
    if row == FIRST_RESULT and beside_jupyterlab:
        return FIRST_RESULT_BESIDE_JUPYTERLAB
    return _GOALS.get(row)
