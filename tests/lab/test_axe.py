"""What axe says of every part that people see in JupyterLab, in both themes; of a report: ``test_reports``."""

from __future__ import annotations

import pytest

from lab.lab_driver import LabPage
from lab.pages import AXE, SETUP, WAIT_S, axe_faults, bring_to_front, execute, look, run_all, write_notebook

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci"),
]

MORE = """
@gnomon.remote
def slow(x):
    time.sleep(0.4)
    return x

@gnomon.remote
class Trainer:
    watch = ("step",)
    def __init__(self): self.step = 0
    def train(self): self.step += 1
"""
VIEWS = ("timeline", "graph", "objects", "actors", "nodes", "dashboard")
CELLS = {
    "setup": SETUP + MORE,
    "work": "trainer = Trainer.remote()\ngnomon.get([trainer.train.remote() for _ in range(1234)])[-1]",
    "hint": "kept = gnomon.put(bytes(2_000_000))\nfor x in range(4):\n    gnomon.get(slow.remote(x))",
    "error": "gnomon.get(gnomon.remote(lambda: 1 / 0).remote())",
    **{view: f"%remote {view}" for view in VIEWS},
    "block": "gnomon.get([until.remote('axe-go') for _ in range(2)])",
}
# every part, open: axe does not judge what is hidden
PARTS = {
    "the views in cells": ".jp-OutputArea .jp-gnomon-root",
    "the side panel": "#gnomon-panel",
    "a view in the main area": "#jp-main-dock-panel .jp-gnomon-panel",
    "the card of a task": ".jp-OutputArea .jp-gnomon-only-dashboard .jp-gnomon-detail",
    "the card of an object": ".jp-OutputArea .jp-gnomon-only-objects .jp-gnomon-object-card",
    "the question before a fault": ".jp-OutputArea .jp-gnomon-only-nodes .jp-gnomon-fault-question",
    "why a fault is not possible": "#gnomon-panel .jp-gnomon-card .jp-gnomon-faults [role=status]",
    "the way through time": ".jp-OutputArea .jp-gnomon-only-timeline .jp-gnomon-time-slider",
    "a hint": ".jp-gnomon-hint",
    "an error": ".jp-gnomon-error",
    "progress": ".jp-gnomon-progress",
    "the status bar": ".jp-gnomon-status-item",
}


def open_the_parts(lab: LabPage) -> None:
    """Open what a click opens: cards, the tables of two views, a question, the slider."""
    for view in ("graph", "timeline"):  # their tables: the pictures are in the dashboard
        lab.show(view)
        lab.page.locator(f".jp-OutputArea .jp-gnomon-only-{view}").get_by_role(
            "button", name="table", exact=True
        ).click()
    lab.page.locator(".jp-OutputArea .jp-gnomon-only-timeline button", has_text="Look back").click()
    lab.show("objects")
    lab.page.locator(".jp-OutputArea .jp-gnomon-only-objects .jp-gnomon-object-name").first.click()
    lab.show("nodes")
    worker = lab.page.locator(
        ".jp-OutputArea .jp-gnomon-only-nodes .jp-gnomon-worker", has_text="until"
    ).first
    worker.locator("button", has_text="kill").click()
    lab.show("dashboard")
    graph = lab.page.locator(".jp-OutputArea .jp-gnomon-only-dashboard canvas[aria-label^='task graph:']")
    graph.focus()
    graph.press("n")
    lab.page.locator("#gnomon-panel [role=tab]", has_text="Nodes").click()
    impossible = lab.page.locator("#gnomon-panel button[aria-disabled=true]:visible", has_text="kill node")
    impossible.press("Enter")


def change_theme(lab: LabPage, theme: str) -> None:
    execute(lab, "apputils:change-theme", theme=theme)
    marked = f"document.querySelector('.jp-gnomon-root')?.dataset.theme === '{theme.split()[-1].lower()}'"
    lab.page.wait_for_function(marked, timeout=WAIT_S * 1000)


def test_axe_finds_no_fault_in_any_part(lab: LabPage) -> None:
    write_notebook(lab.server.folder, "axe.ipynb", CELLS)
    lab.open("axe.ipynb")
    lab.command("gnomon:open-panel")
    execute(lab, "gnomon:open-view", view="dashboard")
    bring_to_front(lab, "axe.ipynb")
    run_all(lab, "setup", "work", "hint", *VIEWS)
    lab.run("error")
    lab.start("block")
    lab.show("dashboard")
    lab.wait_for_label(
        ".jp-OutputArea .jp-gnomon-only-dashboard canvas[aria-label^='task graph:']", "2 running", WAIT_S
    )
    open_the_parts(lab)
    for part in PARTS.values():
        lab.page.locator(f"{part}:visible").first.wait_for(timeout=WAIT_S * 1000)
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        change_theme(lab, theme)
        look(lab, f"axe-{theme}")
        assert axe_faults(lab.page, *PARTS.values()) == [], f"in {theme}"
    (lab.server.folder / "axe-go").touch()
    lab.wait_until_finished("block")
