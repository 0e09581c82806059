"""What views say when their kernel has ended, restarted or dead; and the links of the cards that a kernel writes."""

from __future__ import annotations

import nbformat
import pytest

from lab.lab_driver import LabPage, LabServer
from lab.pages import (
    DELETE,
    WAIT_S,
    execute,
    look,
    open_another,
    run_all,
    says,
    wait_for_cell,
    write_notebook,
)

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

SETUP = """
%load_ext gnomon
%remote start --cpus 2
import gnomon, os

@gnomon.remote
def quick(x):
    return x

@gnomon.remote
def fails():
    raise ValueError("no")
"""
CELLS = {
    "setup": SETUP,
    "three": "gnomon.get([quick.remote(i) for i in range(3)])",
    "graph": "%remote graph",
}
TWIN = "() => window.jupyterapp.shell.currentWidget.node.querySelector('img[alt^=\"task graph:\"]')?.naturalWidth > 0"
ERRORS = {"setup": SETUP, "filler": "pass\n" * 60, "asks": "x = 1\ngnomon.get(fails.remote())"}
IN_CELL = ".jp-OutputArea .jp-gnomon-only-graph"
PANEL_HINT = "#gnomon-panel .jp-gnomon-panel-hint"
RESTART = "() => void window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
LOADED = "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"


@pytest.mark.parametrize("how", ["restarts", "dies"])
def test_a_view_whose_kernel_has_ended_says_so(server: LabServer, lab: LabPage, how: str) -> None:
    name = f"kernel-{how}.ipynb"
    write_notebook(server.folder, name, CELLS)
    lab.open(name)
    execute(lab, "gnomon:open-panel")
    run_all(lab, "setup", "three", "graph")
    lab.show("graph")
    lab.wait_for_label(f'{IN_CELL} [aria-label^="task graph:"]', " 3 done", WAIT_S)
    if how == "dies":
        lab.page.evaluate(
            "() => void window.jupyterapp.shell.currentWidget.sessionContext.session.kernel"
            ".requestExecute({code: 'os.kill(os.getpid(), 9)'})"
        )
        # JupyterLab tells that it has died, above all else
        lab.page.locator(".jp-Dialog button", has_text="Ok").click(timeout=WAIT_S * 1000)
    else:
        lab.page.evaluate(RESTART)
    says(lab, f"{IN_CELL} .jp-gnomon-hint", "The kernel of this view has ended")
    says(lab, f"{IN_CELL} .jp-gnomon-hint", "Run this cell again")
    says(lab, f"{IN_CELL} .jp-gnomon-status", "session ended")
    says(lab, PANEL_HINT, "The kernel was restarted")
    look(lab, f"kernel-{how}")

    # beside the notebook is the session that runs then
    lab.page.wait_for_function(LOADED, timeout=WAIT_S * 1000)
    run_all(lab, "setup")
    lab.show("graph")
    lab.page.locator(f"{IN_CELL} .jp-gnomon-hint button").click()
    beside = '#jp-main-dock-panel .jp-gnomon-panel [aria-label^="task graph:"]'
    lab.wait_for_label(beside, " 0 done", WAIT_S)


def test_a_card_leads_to_its_cells(server: LabServer, lab: LabPage) -> None:
    write_notebook(server.folder, "card.ipynb", ERRORS)
    lab.open("card.ipynb")
    run_all(lab, "setup", "filler")
    lab.run("asks")
    links = lab.page.locator(".jp-gnomon-error gnomon-cell")
    links.last.wait_for(timeout=WAIT_S * 1000)
    assert links.all_inner_texts() == ["In [3], line 2", "In [1], line 11", "In [3], line 2"]
    assert links.nth(1).get_attribute("role") == "link"
    links.nth(1).focus()
    links.nth(1).press("Enter")
    told = '    raise ValueError("no")'
    wait_for_cell(lab, "card.ipynb", id="setup", seen=True, text=told)
    lab.show("asks")
    links.first.click()
    wait_for_cell(lab, "card.ipynb", id="asks", seen=True, line=2)
    lab.page.evaluate(DELETE, "setup")
    lab.show("asks")
    links.nth(1).click()
    says(lab, ".jp-gnomon-error .jp-gnomon-cell-refused", "is not in card.ipynb any more")


def test_a_saved_notebook_shows_how_it_was_whether_it_is_trusted_or_not(
    server: LabServer, lab: LabPage
) -> None:
    write_notebook(server.folder, "saved.ipynb", CELLS)
    lab.open("saved.ipynb")
    run_all(lab, "setup", "three", "graph")
    lab.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    saved = nbformat.read(server.folder / "saved.ipynb", as_version=4)
    nbformat.write(saved, server.folder / "same.ipynb")
    saved.cells.append(nbformat.v4.new_code_cell("'what is signed is another text'"))
    nbformat.write(saved, server.folder / "foreign.ipynb")
    for name in ("same.ipynb", "foreign.ipynb"):
        open_another(lab, name)
        lab.page.wait_for_function(TWIN, timeout=WAIT_S * 1000)
        if name == "same.ipynb":  # one that is not trusted has no place for a live view
            line = lab.page.locator(".jupyter-widgets", has_text="model not found")
            line.wait_for(state="attached", timeout=WAIT_S * 1000)
            assert not line.is_visible()
        look(lab, f"saved-{name}")
    # what JupyterLab's manager of widgets says of a view without its kernel
    lab.errors = [error for error in lab.errors if "widget model not found" not in error]
