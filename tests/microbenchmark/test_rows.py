import ast
import sys
from pathlib import Path

import pytest

from gnomon.testing.microbenchmark import child
from gnomon.testing.microbenchmark.child.rows import RAYS_ROWS, ROWS
from gnomon.testing.microbenchmark.child.work import CLIENTS, HALF_CORES, Bench

# Per row: what one run counts for, and what it must ask of the system for that.
WORK = {
    "single client get calls (Plasma Store)": (1, {"get": 1}),
    "single client put calls (Plasma Store)": (1, {"put": 1}),
    "multi client put calls (Plasma Store)": (1000, {"put": 1000, "task": 10}),
    "single client put gigabytes": (0.8, {"put": 1}),
    "single client tasks and get batch": (1, {"task": 1000, "get": 1}),
    "multi client put gigabytes": (8.0, {"put": 100, "task": 10}),
    "single client get object containing 10k refs": (1, {"get": 1}),
    "single client wait 1k refs": (1, {"task": 1000, "wait": 1000}),
    "single client tasks sync": (1, {"task": 1, "get": 1}),
    "single client tasks async": (1000, {"task": 1000, "get": 1}),
    "multi client tasks async": (40_000, {"task": 40_000, "call": CLIENTS}),
    "1:1 actor calls sync": (1, {"call": 1, "get": 1}),
    "1:1 actor calls async": (1000, {"call": 1000, "get": 1}),
    "1:1 actor calls concurrent": (1000, {"call": 1000, "get": 1}),
    "1:n actor calls async": (5000 * HALF_CORES, {"call": 5000 * HALF_CORES + 1}),
    "n:n actor calls async": (20_000, {"call": 20_000, "task": CLIENTS}),
    "n:n actor calls with arg async": (1000 * HALF_CORES, {"call": 1001 * HALF_CORES, "put": HALF_CORES}),
    "1:1 async-actor calls sync": (1, {"call": 1, "get": 1}),
    "1:1 async-actor calls async": (1000, {"call": 1000, "get": 1}),
    "1:1 async-actor calls with args async": (1000, {"call": 1000, "get": 1}),
    "1:n async-actor calls async": (5000 * HALF_CORES, {"call": 5000 * HALF_CORES + 1}),
    "n:n async-actor calls async": (20_000, {"call": 20_000, "task": CLIENTS}),
}


def test_the_rows_are_those_of_rays_command() -> None:
    assert [row.name for row in RAYS_ROWS] == list(WORK)


@pytest.mark.parametrize("name", WORK)
def test_a_row_asks_for_the_work_it_counts(name, serial) -> None:
    work = ROWS[name].prepare(Bench(serial, quick=False))
    units, asked = WORK[name]
    assert work.units == pytest.approx(units)
    before = serial.counts.copy()
    work.run()
    done = serial.counts - before
    assert {what: done[what] for what in asked} == asked


@pytest.mark.parametrize("name", ["multi client tasks async", "n:n actor calls async"])
def test_quick_cuts_work_and_count_alike(name, serial) -> None:
    work = ROWS[name].prepare(Bench(serial, quick=True))
    units, asked = WORK[name]
    assert work.units == units / 10
    before = serial.counts.copy()
    work.run()
    leaf = max(asked, key=lambda what: asked[what])
    assert (serial.counts - before)[leaf] == asked[leaf] / 10


def test_the_concurrent_row_is_concurrent(serial) -> None:
    ROWS["1:1 actor calls concurrent"].prepare(Bench(serial, quick=False))
    assert serial.counts["max_concurrency"] == 16


def test_the_object_with_refs_holds_ten_thousand(serial) -> None:
    work = ROWS["single client get object containing 10k refs"].prepare(Bench(serial, quick=False))
    assert len(work.run()) == 10_000


def test_the_steady_store_has_been_written_through(serial) -> None:
    work = ROWS["single client put gigabytes, steady state"].prepare(Bench(serial, quick=False))
    assert work.runs_before * 0.8e9 > serial.cluster_resources()["object_store_memory"]


def test_the_measured_side_needs_no_gnomon() -> None:
    """It runs in environments that hold Ray alone."""
    foreign = {
        f"{path.name}: {module}"
        for path in Path(child.__file__).parent.glob("*.py")
        for module in imported(path)
        if module.split(".")[0] not in {*sys.stdlib_module_names, "numpy"}
    }
    assert not foreign


def imported(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module
