"""The main job, as a person does it: the first notebook, watched live in a cell and in the side panel."""

import json
import os
import re
from pathlib import Path

import pytest

from lab.lab_driver import ROOT, LabPage

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

NOTEBOOK = "01-first-steps.ipynb"
GRAPH = '.jp-OutputArea [aria-label^="task graph:"]'
OBJECTS = '.jp-OutputArea [aria-label^="objects:"]'
ACTORS = '.jp-OutputArea [aria-label^="actors:"]'
PANEL_GRAPH = '#gnomon-panel [aria-label^="task graph:"]'
PANEL_OBJECTS = '#gnomon-panel [aria-label^="objects:"]'


def code_cells() -> list[str]:
    cells = json.loads((ROOT / "notebooks" / NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    return [cell["id"] for cell in cells if cell["cell_type"] == "code"]


def counts(label: str) -> dict[str, int]:
    """``task graph: 3 waiting, 2 running`` as a dict."""
    return {state: int(number) for number, state in re.findall(r"(\d+) (\w+)", label)}


def run_until(lab: LabPage, cell: str) -> None:
    """Run the notebook's cells before ``cell``."""
    cells = code_cells()
    for earlier in cells[: cells.index(cell)]:
        lab.run(earlier)
        assert lab.failures(earlier) == []


def test_watch_the_first_notebook(lab: LabPage) -> None:
    lab.open(NOTEBOOK)
    lab.command("gnomon:open-panel")
    run_until(lab, "map")
    lab.show("dashboard")

    # tasks change state while the cell is blocked in get
    before = counts(lab.wait_for_label(GRAPH, " 1 done"))  # square
    lab.start("map")
    lab.show("dashboard")
    running = lab.wait_for_label(GRAPH, r"[1-9]\d* running")
    later = lab.wait_for_other_label(GRAPH, running)
    assert lab.is_busy("map"), "the views moved only after the cell had ended"
    assert counts(later)["done"] >= counts(running)["done"] >= before["done"]
    lab.wait_until_finished("map")

    # the side panel shows the same counts
    done = before["done"] + 12
    settled = rf"0 waiting, 0 ready, 0 running, {done} done, 0 failed"
    assert lab.wait_for_label(GRAPH, settled) == lab.wait_for_label(PANEL_GRAPH, settled)

    # tasks that wait for tasks
    lab.start("reduce")
    lab.show("dashboard")
    lab.wait_for_label(GRAPH, r"[1-9]\d* waiting, \d+ ready, [1-9]\d* running")
    lab.wait_for_label(GRAPH, rf"running, ({'|'.join(str(done + more) for more in range(5, 19))}) done")
    picture(lab)
    lab.wait_until_finished("reduce")
    assert lab.failures("reduce") == []

    for cell in ("check", "actor"):
        lab.run(cell)
        assert lab.failures(cell) == []
    # what an actor prints belongs to the cell that started the work, also when that has ended
    lab.wait_for_text("actor", "piece 12 of 12")
    lab.show("dashboard")
    assert counts(lab.wait_for_label(ACTORS, "1 alive"))["alive"] == 1

    # an object appears while the cell is blocked in get, and goes when nobody holds it
    lab.show("dashboard")
    lab.start("put")
    lab.show("dashboard")
    lab.wait_for_label(OBJECTS, r"9\.\d MB in store")
    assert lab.is_busy("put")
    lab.wait_until_finished("put")
    lab.run("forget")
    lab.show("dashboard")
    gone = lab.wait_for_label(OBJECTS, r" 0 B in store")
    lab.show_in_panel("Objects")
    assert lab.wait_for_label(PANEL_OBJECTS, re.escape(gone)) == gone

    for cell in code_cells()[code_cells().index("forget") + 1 :]:
        lab.run(cell)
        assert lab.failures(cell) == []


def picture(lab: LabPage) -> None:
    """Take the README's picture when ``GNOMON_PICTURE`` names a file: made from the real thing."""
    if file := os.environ.get("GNOMON_PICTURE"):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        lab.page.screenshot(path=Path(file))
