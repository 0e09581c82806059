"""Views as tabs of the main area: opened, restored, pinned; the status bar; the way from a view to a cell."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator

from lab.lab_driver import LabPage, LabServer
from lab.pages import (
    DELETE,
    SETUP,
    WAIT_S,
    bring_to_front,
    execute,
    look,
    open_another,
    reload,
    run_all,
    says,
    wait_for_cell,
    write_notebook,
)

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

CELLS = {
    "setup": SETUP,
    "filler": "\n".join(f"line_{number} = {number}" for number in range(60)),
    "quick": "# a line above\ngnomon.get([quick.remote(i) for i in range(3)])",
    "actor": "counter = Counter.remote()",
    "block": "gnomon.get([until.remote('go') for _ in range(3)])",
}
MAIN = "#jp-main-dock-panel .jp-gnomon-panel"
MAIN_GRAPH = f'{MAIN} [aria-label^="task graph:"]'
TABS = "#jp-main-dock-panel .lm-TabBar-tabLabel"


def test_a_view_in_the_main_area_comes_back_after_a_reload(server: LabServer, lab: LabPage) -> None:
    write_notebook(server.folder, "main.ipynb", CELLS)
    lab.open("main.ipynb")
    execute(lab, "gnomon:open-view", view="graph")
    says(lab, f"{MAIN} .jp-gnomon-panel-hint", "%load_ext gnomon")
    bring_to_front(lab, "main.ipynb")
    run_all(lab, "setup", "quick")
    lab.wait_for_label(MAIN_GRAPH, " 3 done", WAIT_S)
    # asked for again, the same tab comes to the front
    execute(lab, "gnomon:open-view", view="graph")
    assert lab.page.locator(MAIN).count() == 1
    look(lab, "main")
    reload(lab, "gnomon-views:gnomon-view-")
    lab.wait_for_label(MAIN_GRAPH, " 3 done", WAIT_S)
    assert lab.page.locator(TABS, has_text="Graph").count() == 1


def test_a_click_leads_to_the_cell(server: LabServer, lab: LabPage) -> None:
    write_notebook(server.folder, "reveal.ipynb", CELLS | {"shown": "%remote actors"})
    # the same cells: only one of the two is the one that was run
    write_notebook(server.folder, "copy.ipynb", CELLS)
    lab.open("reveal.ipynb")
    run_all(lab, "setup", "filler", "quick", "actor", "shown")
    open_another(lab, "copy.ipynb")
    bring_to_front(lab, "reveal.ipynb")
    execute(lab, "gnomon:open-view", view="timeline")

    # from a task in the main area, by keyboard
    canvas = lab.page.locator(f'{MAIN} canvas[aria-label^="timeline:"]')
    lab.wait_for_label(f'{MAIN} canvas[aria-label^="timeline:"]', "3 spans", WAIT_S)
    keeps_its_picture_when_it_is_low(lab, canvas)
    canvas.focus()
    canvas.press("n")
    link = lab.page.locator(f"{MAIN} .jp-gnomon-cell-link")
    assert link.inner_text() == "In [3], line 2"
    look(lab, "link")
    link.press("Enter")
    told = "gnomon.get([quick.remote(i) for i in range(3)])"
    wait_for_cell(lab, "reveal.ipynb", id="quick", front=True, seen=True, line=2, text=told)
    look(lab, "revealed")

    # Escape closes the card, and the keyboard is back on the picture
    link.focus()
    link.press("Escape")
    link.wait_for(state="hidden")
    assert canvas.evaluate("canvas => document.activeElement === canvas")

    # from an actor in the output of a cell
    bring_to_front(lab, "reveal.ipynb")
    lab.show("shown")
    lab.page.locator(".jp-OutputArea .jp-gnomon-actors .jp-gnomon-cell-link").click()
    wait_for_cell(lab, "reveal.ipynb", id="actor", front=True, seen=True, line=1)

    # what is not there any more is told in the view
    lab.page.evaluate(DELETE, "actor")
    lab.show("shown")
    lab.page.locator(".jp-OutputArea .jp-gnomon-actors .jp-gnomon-cell-link").click()
    says(lab, ".jp-OutputArea .jp-gnomon-card-note", "In [4] is not in reveal.ipynb any more.")


def keeps_its_picture_when_it_is_low(lab: LabPage, canvas: Locator) -> None:
    before = lab.page.viewport_size
    assert before is not None
    lab.page.set_viewport_size({"width": before["width"], "height": 300})
    lab.page.wait_for_function(
        "canvas => canvas.closest('.jp-gnomon-root').clientHeight < 230 && canvas.clientHeight >= 80",
        arg=canvas.element_handle(),
        timeout=WAIT_S * 1000,
    )
    look(lab, "low")
    lab.page.set_viewport_size(before)


STATUS = ".jp-gnomon-status-item .jp-StatusBar-TextItem"


def test_the_status_bar_tells_of_the_notebook_in_front(server: LabServer, lab: LabPage) -> None:
    write_notebook(server.folder, "status.ipynb", CELLS)
    write_notebook(server.folder, "plain.ipynb", {"nothing": "1 + 1"})
    lab.open("status.ipynb")
    run_all(lab, "setup")
    lab.start("block")
    says(lab, STATUS, "gnomon: CPUs 2 of 2 · 2 workers · 1 queued · mem ")
    assert "memory of the machine: " in (lab.page.locator(STATUS).get_attribute("title") or "")
    look(lab, "status")
    open_another(lab, "plain.ipynb")
    lab.page.wait_for_function(f"document.querySelector('{STATUS}').textContent === 'gnomon'", timeout=60_000)
    lab.page.locator(STATUS).press("Enter")
    says(lab, "#gnomon-panel .jp-gnomon-panel-hint", "%load_ext gnomon")
    bring_to_front(lab, "status.ipynb")
    says(lab, STATUS, "CPUs 2 of 2")
    (server.folder / "go").touch()
    lab.wait_until_finished("block")
    (server.folder / "go").unlink()
    says(lab, STATUS, "CPUs 0 of 2 · 2 workers · mem")


def test_people_find_the_views_in_the_launcher_the_palette_and_the_menu(
    server: LabServer, lab: LabPage
) -> None:
    write_notebook(server.folder, "found.ipynb", {"plain": "1 + 1"})
    lab.open("found.ipynb")
    execute(lab, "launcher:create")
    card = lab.page.locator(".jp-LauncherCard", has_text="Gnomon")
    card.click()
    says(lab, TABS, "Dashboard")  # in the launcher's place
    says(lab, f"{MAIN} .jp-gnomon-panel-hint", "%load_ext gnomon")
    card.wait_for(state="detached")
    menu = "[...document.querySelectorAll('.lm-Menu-itemLabel')].map(item => item.textContent)"
    lab.page.locator(".lm-MenuBar-itemLabel", has_text="View").click()
    lab.page.locator(".lm-Menu-itemLabel", has_text="Gnomon").hover()
    lab.page.wait_for_function(f"{menu}.includes('Gnomon Timeline')", timeout=WAIT_S * 1000)
    look(lab, "menu")
    lab.page.keyboard.press("Escape")
    lab.page.keyboard.press("Escape")
    execute(lab, "apputils:activate-command-palette")
    lab.page.locator(".lm-CommandPalette-input").fill("gnomon")
    views = lab.page.locator('.lm-CommandPalette-item[data-command="gnomon:open-view"]')
    lab.page.wait_for_function(
        "document.querySelectorAll('.lm-CommandPalette-item[data-command=\"gnomon:open-view\"]').length === 6",
        timeout=WAIT_S * 1000,
    )
    assert any("Gnomon Nodes" in text for text in views.all_inner_texts())
    shown = lab.page.locator(".lm-CommandPalette-item", has_text="Gnomon").all_inner_texts()
    assert all("Alt" in text for text in shown), shown  # each with its shortcut
    look(lab, "palette")
    lab.page.keyboard.press("Escape")
    lab.page.keyboard.press("Control+Alt+Shift+T")
    says(lab, TABS, "Timeline")
