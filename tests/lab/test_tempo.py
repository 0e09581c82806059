"""The bar that pauses and steps, in the side panel: while a cell waits for what it has submitted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.lab_driver import LabPage, LabServer
from lab.pages import write_notebook

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

NOTEBOOK = "tempo.ipynb"
CELLS = {
    "start": "%load_ext gnomon\n%remote start --cpus 2\nimport gnomon\nf = gnomon.remote(lambda number: number)",
    "wait": "gnomon.get([f.remote(number) for number in range(6)])",
}
TOLD = "#gnomon-panel .jp-gnomon-tempo-told"


def press(lab: LabPage, name: str) -> None:
    lab.page.locator("#gnomon-panel .jp-gnomon-tempo-button", has_text=name).click()


def says(lab: LabPage, part: str) -> None:
    lab.page.locator(TOLD, has_text=part).wait_for()


def test_pause_step_and_resume_from_the_panel_while_a_cell_waits(server: LabServer, lab: LabPage) -> None:
    write_notebook(server.folder, NOTEBOOK, CELLS)
    lab.open(NOTEBOOK)
    lab.command("gnomon:open-panel")
    lab.run("start")
    press(lab, "Pause")
    says(lab, "paused · no tasks ready, none begun")
    lab.start("wait")
    says(lab, "paused · 6 tasks ready, none begun")
    press(lab, "Step")
    says(lab, "1 begun")
    assert lab.is_busy("wait")
    picture(lab)
    press(lab, "Resume")
    lab.wait_until_finished("wait")
    assert lab.failures("wait") == []
    assert lab.page.locator("#gnomon-panel .jp-gnomon-tempo").get_attribute("data-mode") in ("free", "paused")


def picture(lab: LabPage) -> None:
    """Take a picture when ``GNOMON_PICTURE`` names a file."""
    if file := os.environ.get("GNOMON_PICTURE"):
        lab.page.screenshot(path=Path(file))
