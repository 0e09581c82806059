"""The fault lab's buttons, in the side panel: while a cell waits for what they break."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.lab_driver import LabPage, LabServer
from lab.pages import write_notebook

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

NOTEBOOK = "faults.ipynb"
CELLS = {
    "start": """\
%load_ext gnomon
%remote start --cpus 1 --nodes 2
import gnomon, os, pathlib, tempfile, time
begun = pathlib.Path(tempfile.mkdtemp())

@gnomon.remote
def slow_once() -> int:
    (begun / str(os.getpid())).touch()
    while len(list(begun.iterdir())) < 2:
        time.sleep(0.01)
    return os.getpid()
""",
    "wait": "first = slow_once.remote()\nassert (begun / str(gnomon.get(first))).exists()",
    "made": "large = gnomon.remote(lambda: bytes(3_000_000)).remote()\n_ = gnomon.wait([large])",
    "again": "len(gnomon.get(large))",
}
PANEL = "#gnomon-panel"


def show_view(lab: LabPage, title: str) -> None:
    lab.page.locator(f"{PANEL} [role=tab]", has_text=title).click()


def break_it(lab: LabPage, place: str, button: str, meaning: str, told: str) -> None:
    """Press a button on a card, read what will happen, say yes, and wait for what has come of it."""
    card = lab.page.locator(f"{PANEL} {place}")
    card.locator("button", has_text=button).first.click()
    card.locator(".jp-gnomon-fault-meaning:visible", has_text=meaning).wait_for()
    picture(lab, button)
    card.locator(".jp-gnomon-fault-sure:visible").click()
    # anywhere: what made this the card that was meant may meanwhile go on at another one
    lab.page.locator(f"{PANEL} .jp-gnomon-faults [role=status]", has_text=told).wait_for()


def test_what_is_broken_while_a_cell_waits_is_mended(server: LabServer, lab: LabPage) -> None:
    write_notebook(server.folder, NOTEBOOK, CELLS)
    lab.open(NOTEBOOK)
    lab.command("gnomon:open-panel")
    lab.run("start")
    show_view(lab, "Nodes")
    lab.wait_for_label(f"{PANEL} .jp-gnomon-nodes", "nodes: 2 alive, 0 dead")
    lab.start("wait")
    running = ".jp-gnomon-worker[data-state=running]"
    lab.page.locator(f"{PANEL} {running}", has_text="slow_once").wait_for()
    card = f".jp-gnomon-card:has({running})"
    break_it(lab, card, "kill", "ends at once, as by a crash", "it ran slow_once")
    lab.wait_until_finished("wait")
    assert lab.failures("wait") == []
    break_it(lab, ".jp-gnomon-nodes", "add a node", "One more node starts", "A node is starting")
    lab.wait_for_label(f"{PANEL} .jp-gnomon-nodes", "nodes: 3 alive, 0 dead", timeout_s=60)


def test_an_object_is_lost_from_its_card_and_made_again(server: LabServer, lab: LabPage) -> None:
    write_notebook(server.folder, NOTEBOOK, CELLS)
    lab.open(NOTEBOOK)
    lab.command("gnomon:open-panel")
    lab.run("start")
    lab.run("made")
    show_view(lab, "Objects")
    lab.page.locator(f"{PANEL} .jp-gnomon-object-name").first.click()
    break_it(
        lab, ".jp-gnomon-object-card", "lose every copy", "takes every copy for lost", "takes every copy"
    )
    lab.run("again")
    assert "3000000" in str(lab.outputs("again"))
    show_view(lab, "Nodes")
    home = lab.page.locator(f"{PANEL} .jp-gnomon-card", has_text="alive").first
    home.wait_for()
    cards = lab.page.locator(f"{PANEL} .jp-gnomon-nodes button[aria-disabled=true]", has_text="kill node")
    cards.first.press("Enter")
    told = lab.page.locator(f"{PANEL} .jp-gnomon-card .jp-gnomon-faults [role=status]")
    told.filter(has_text="This driver lives on that node").wait_for()


def picture(lab: LabPage, name: str) -> None:
    """Take a picture when ``GNOMON_PICTURES`` names a folder."""
    if folder := os.environ.get("GNOMON_PICTURES"):
        lab.page.screenshot(path=Path(folder) / f"{name}.png")
