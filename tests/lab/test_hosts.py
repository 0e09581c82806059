"""Other places than JupyterLab at the root of a machine: Notebook 7, and a server behind a prefix without a network."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lab.lab_driver import IS_READY, PAGE_READY_MS, LabPage, lab_page, lab_server
from lab.pages import SETUP, WAIT_S, execute, look, run_all, write_notebook

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

WORK = """
kept = gnomon.put(bytes(2_000_000))
counter = Counter.remote()
gnomon.get([quick.remote(i) for i in range(3)] + [counter.up.remote()])
"""
VIEWS = {
    "graph": "4 done",
    "timeline": "4 spans",
    "objects": "[1-9]\\d* objects?, 2\\.0 MB in store",
    "actors": "1 alive",
    "nodes": "1 alive",
}
CELLS = {
    "setup": SETUP,
    "work": WORK,
    **{view: f"%remote {view}" for view in VIEWS},
    "block": "gnomon.get([until.remote('go') for _ in range(2)])",
}
LABELS = {view: f'[aria-label^="{"task graph" if view == "graph" else view}:"]' for view in VIEWS}


# the lines of a canvas have the colour that the style sheet gives them
HAS_COLOURS = """() => {
  const root = document.querySelector('.jp-OutputArea .jp-gnomon-only-timeline');
  const probe = root.appendChild(document.createElement('i'));
  probe.style.color = 'var(--gnomon-border)';
  const wanted = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
  probe.remove();
  const canvas = root.querySelector('canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let i = 0; i < data.length; i += 4) {
    found += data[i + 3] === 255 && wanted.every((value, channel) => data[i + channel] === value);
  }
  return found > 50;
}"""


def wait_for_views(lab: LabPage) -> None:
    """Return when each view in a cell's output shows what is so, in its colours."""
    for view, wanted in VIEWS.items():
        lab.show(view)
        lab.wait_for_label(f".jp-OutputArea .jp-gnomon-only-{view} {LABELS[view]}", wanted, WAIT_S)
    lab.show("timeline")
    lab.page.wait_for_function(HAS_COLOURS, timeout=WAIT_S * 1000)


@contextlib.contextmanager
def page_of(browser: Browser, home: Path, notebook: str, **options: str) -> Iterator[LabPage]:
    """A page of a server of its own, which serves one notebook; ``options`` are those of ``lab_server``."""
    folder = home / "notebooks"
    folder.mkdir()
    write_notebook(folder, notebook, CELLS)
    with lab_server(home, folder, **options) as server, lab_page(browser, server) as page:
        yield page
        assert page.errors == []


@pytest.fixture
def behind_a_prefix(browser: Browser, tmp_path: Path) -> Iterator[LabPage]:
    with page_of(browser, tmp_path, "prefix.ipynb", base="/user/ann/") as page:
        yield page


def test_all_views_behind_a_prefix_and_without_any_other_network(behind_a_prefix: LabPage) -> None:
    lab = behind_a_prefix
    lab.keep_to_the_server()
    lab.open("prefix.ipynb")
    execute(lab, "gnomon:open-panel")
    run_all(lab, "setup", "work", *VIEWS)
    wait_for_views(lab)
    lab.wait_for_label(f"#gnomon-panel {LABELS['graph']}", "4 done", WAIT_S)
    assert lab.elsewhere == []


@pytest.fixture
def notebook(browser: Browser, tmp_path: Path) -> Iterator[LabPage]:
    if shutil.which("jupyter-notebook") is None:
        pytest.skip("Notebook 7 is not installed: pip install notebook")
    with page_of(browser, tmp_path, "seven.ipynb", app="notebook") as page:
        yield page


def test_notebook_7_has_live_views_the_panel_and_links_to_cells(notebook: LabPage) -> None:
    lab = notebook
    lab.page.goto(f"{lab.server.address}/notebooks/seven.ipynb?token={lab.server.token}")
    lab.page.wait_for_function(IS_READY, timeout=PAGE_READY_MS)
    run_all(lab, "setup", "work", *VIEWS)
    wait_for_views(lab)

    # the view moves while a cell blocks, and the panel is there too
    lab.show("graph")
    lab.start("block")
    lab.show("graph")
    lab.wait_for_label(f".jp-OutputArea {LABELS['graph']}", "2 running", WAIT_S)
    execute(lab, "gnomon:open-panel")
    lab.wait_for_label(f"#gnomon-panel {LABELS['graph']}", "2 running", WAIT_S)
    assert lab.is_busy("block")
    look(lab, "notebook7")

    # a place for views of its own is not there: what would open one is not offered
    assert not lab.page.evaluate("window.jupyterapp.commands.hasCommand('gnomon:open-view')")

    # a click leads to the cell
    lab.show("actors")
    link = lab.page.locator(".jp-OutputArea .jp-gnomon-actors .jp-gnomon-cell-link")
    assert link.inner_text() == "In [2], line 2"  # IPython does not count the empty line before it
    link.click()
    active = "window.jupyterapp.shell.currentWidget.content.activeCell"
    lab.page.wait_for_function(f"{active}.model.id === 'work'", timeout=WAIT_S * 1000)
    lab.page.wait_for_function(f"{active}.editor.getSelection().start.line === 2", timeout=WAIT_S * 1000)
    (lab.server.folder / "go").touch()
    lab.wait_until_finished("block")
