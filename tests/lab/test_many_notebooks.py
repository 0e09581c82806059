"""Several notebooks with kernels of their own: pinned views, a restart, and that closing gives everything back."""

from __future__ import annotations

import pytest

from lab.lab_driver import LabPage, LabServer
from lab.pages import (
    SETUP,
    WAIT_S,
    bring_to_front,
    execute,
    look,
    open_another,
    reload,
    run_all,
    says,
    write_notebook,
)

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

LINKS = """
from gnomon_kernel.feed import sender

def wait_for_links(wanted):
    deadline = time.monotonic() + 30
    while len(sender()._links) != wanted and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    links = [
        f"visible {link.visible}, subscribed {link._subscription is not None}, summaries {link._summaries is not None}"
        for link in sender()._links
    ]
    assert len(links) == wanted, f"these views are told of this kernel: {links}"
"""
CELLS = {
    "setup": SETUP + LINKS,
    "three": "gnomon.get([quick.remote(i) for i in range(3)])",
    "five": "gnomon.get([quick.remote(i) for i in range(5)])",
    "no-view": "wait_for_links(1)  # the status bar's",
    "two-views": "wait_for_links(3)",
    "one-view": "wait_for_links(2)",
    "nobody": "wait_for_links(0)",
}
VIEW = "#jp-main-dock-panel .jp-gnomon-panel:not(.lm-mod-hidden *)"
GRAPH = f'{VIEW} [aria-label^="task graph:"]'
PIN = f"{VIEW} .jp-gnomon-panel-pin"
TABS = "#jp-main-dock-panel .lm-TabBar-tabLabel"
PANEL = "#gnomon-panel"
RESTART = "() => void window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"


def test_each_notebook_has_its_own_view(server: LabServer, lab: LabPage) -> None:
    write_notebook(server.folder, "one.ipynb", CELLS)
    write_notebook(server.folder, "two.ipynb", CELLS)
    write_notebook(server.folder, "none.ipynb", {"plain": "1 + 1"})
    lab.open("one.ipynb")
    run_all(lab, "setup", "no-view", "three")
    execute(lab, "gnomon:open-view", view="graph")
    lab.wait_for_label(GRAPH, " 3 done", WAIT_S)
    lab.page.locator(PIN).click()
    says(lab, TABS, "Graph: one.ipynb")

    # with the first one pinned, there is room for another, which follows the notebook in front
    open_another(lab, "two.ipynb")
    run_all(lab, "setup", "five")
    execute(lab, "gnomon:open-view", view="graph")
    lab.wait_for_label(GRAPH, " 5 done", WAIT_S)
    bring_to_front(lab, "one.ipynb")
    lab.wait_for_label(GRAPH, " 3 done", WAIT_S)
    run_all(lab, "two-views")
    look(lab, "two-notebooks")
    open_another(lab, "none.ipynb")
    says(lab, f"{VIEW} .jp-gnomon-panel-hint", "%load_ext gnomon")

    # a closed view tells the kernel
    lab.page.evaluate(
        "() => [...window.jupyterapp.shell.widgets('main')].find(tab => tab.title.label === 'Graph').close()"
    )
    bring_to_front(lab, "one.ipynb")
    run_all(lab, "one-view")

    # so does a page that is left; what it says in that moment may be lost, so that moment is made to last
    lab.page.evaluate("() => void window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    run_all(lab, "nobody")

    # the pinned one comes back with the page, the follower was closed
    reload(lab, '"view":"graph","path":"one.ipynb"')
    says(lab, TABS, "Graph: one.ipynb")
    bring_to_front(lab, "one.ipynb")
    lab.page.evaluate(
        "() => [...window.jupyterapp.shell.widgets('main')]"
        ".filter(tab => tab.title.label.startsWith('Graph')).forEach(tab => tab.close())"
    )
    run_all(lab, "no-view")


def test_a_restart_keeps_the_layout_and_fills_it_again(server: LabServer, lab: LabPage) -> None:
    write_notebook(server.folder, "restart.ipynb", CELLS)
    lab.open("restart.ipynb")
    run_all(lab, "setup", "three")
    execute(lab, "gnomon:open-panel")
    lab.wait_for_label(f'{PANEL} [aria-label^="task graph:"]', " 3 done", WAIT_S)
    timeline = lab.page.locator(f"{PANEL} [role=tab]", has_text="Timeline")
    timeline.click()
    lab.wait_for_label(f'{PANEL} canvas[aria-label^="timeline:"]', "3 spans", WAIT_S)
    lab.page.evaluate(RESTART)
    says(lab, f"{PANEL} .jp-gnomon-panel-hint", "%load_ext gnomon")
    run_all(lab, "setup", "five")
    lab.wait_for_label(f'{PANEL} canvas[aria-label^="timeline:"]', "5 spans", WAIT_S)
    assert timeline.get_attribute("aria-selected") == "true"
    assert not lab.page.locator(f'{PANEL} [aria-label^="task graph:"]').first.is_visible()
