"""Notebooks written for a test, and what tests do with several tabs: beside ``lab_driver``, which knows of one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import nbformat
from playwright.sync_api import Page, TimeoutError

from lab.lab_driver import IS_CONNECTED, IS_READY, PAGE_READY_MS, ROOT, WAIT_S, LabPage

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

# what most notebooks of these tests begin with; "go" is a file in the folder of the notebooks
SETUP = """
%load_ext gnomon
%remote start --cpus 2
import gnomon, threading, time
from pathlib import Path

@gnomon.remote
def quick(x):
    return x

@gnomon.remote(max_retries=0)
def until(name):
    while not Path(name).exists():
        threading.Event().wait(0.02)

@gnomon.remote
class Counter:
    def up(self): return 1
"""

IS_FRONT = "path => window.jupyterapp?.shell.currentWidget?.context?.path === path"
# a page that was reloaded brings its tabs back one by one
ACTIVATE = """path => {
  const app = window.jupyterapp;
  const tab = [...app.shell.widgets('main')].find(tab => tab.context?.path === path);
  tab && app.shell.activateById(tab.id);
  return !!tab;
}"""
# the layout is saved a while after it has changed, and what a tab shows by itself: a tab that is in no layout comes back
# somewhere, and may be behind another one
IS_SAVED = """async wanted => {
  const base = JSON.parse(document.getElementById('jupyter-config-data').textContent).baseUrl;
  const [, workspace] = location.pathname.split('/workspaces/');
  const answer = await fetch(`${base}lab/api/workspaces/${workspace.split('/')[0]}`);
  if (!answer.ok) {
    return false;
  }
  const { data } = await answer.json();
  const layout = JSON.stringify(data['layout-restorer:data']?.main ?? null);
  const names = [...window.jupyterapp.shell.widgets('main')]
    .filter(tab => tab.context || tab.id.startsWith('gnomon-view-'))
    .map(tab => (tab.context ? `notebook:${tab.context.path}` : `gnomon-views:${tab.id}`));
  // a tab comes back only if the layout names it and it has an entry of its own
  const known = names.every(name => name in data && layout.includes(`"${name}"`));
  return JSON.stringify(data).includes(wanted) && known;
}"""

ACTIVE_CELL = """path => {
  const tab = [...window.jupyterapp.shell.widgets('main')].find(tab => tab.context?.path === path);
  const cell = tab.content.activeCell, box = cell.node.getBoundingClientRect();
  const area = tab.content.node.getBoundingClientRect(), range = cell.editor.getSelection();
  return {
    id: cell.model.id,
    front: window.jupyterapp.shell.currentWidget === tab,
    seen: box.bottom > area.top && box.top < area.bottom,
    line: range.start.line + 1,
    text: cell.editor.getLine(range.start.line).slice(range.start.column, range.end.column),
  };
}"""
DELETE = """async id => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.deselectAll();
  notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.id === id);
  await window.jupyterapp.commands.execute('notebook:delete-cell');
}"""


def write_notebook(folder: Path, name: str, cells: dict[str, str]) -> None:
    """A notebook of code cells, by their ids."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, id=cell) for cell, source in cells.items()],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, folder / name)


def run_all(lab: LabPage, *cells: str) -> None:
    """Run cells one after the other; an error in one fails the test."""
    for cell in cells:
        lab.run(cell)
        assert lab.failures(cell) == [], f"{cell} has shown {lab.outputs(cell)}"


def open_another(lab: LabPage, path: str) -> None:
    """Open one more notebook; it is in front then."""
    lab.page.evaluate("path => window.jupyterapp.commands.execute('docmanager:open', {path})", path)
    lab.page.wait_for_function(
        f"path => ({IS_FRONT})(path) && ({IS_READY})()", arg=path, timeout=PAGE_READY_MS
    )


def bring_to_front(lab: LabPage, path: str) -> None:
    """Bring an open notebook to the front, busy or not: what runs cells looks there."""
    lab.page.wait_for_function(ACTIVATE, arg=path, timeout=PAGE_READY_MS)
    there = f"path => ({IS_FRONT})(path) && ({IS_CONNECTED})()"
    lab.page.wait_for_function(there, arg=path, timeout=PAGE_READY_MS)


def reload(lab: LabPage, saved: str) -> None:
    """Reload the page, once the layout that holds ``saved`` is known to the server, and no other one is on its way there."""
    lab.page.wait_for_function(IS_SAVED, arg=saved, timeout=WAIT_S * 1000)
    while lab.saving:
        lab.page.wait_for_event("requestfinished", lambda _: not lab.saving, timeout=WAIT_S * 1000)
    lab.page.reload()
    lab.page.wait_for_function("() => !!window.jupyterapp", timeout=PAGE_READY_MS)


def wait_for_cell(lab: LabPage, path: str, **wanted: object) -> None:
    """Return when the active cell of a notebook is as wanted."""
    condition = f"""([path, wanted]) => {{
      const now = ({ACTIVE_CELL})(path);
      return Object.entries(wanted).every(([name, value]) => now[name] === value);
    }}"""
    try:
        lab.page.wait_for_function(condition, arg=[path, wanted], timeout=WAIT_S * 1000)
    except TimeoutError as error:
        raise AssertionError(f"wanted {wanted}, is {lab.page.evaluate(ACTIVE_CELL, path)}") from error


def says(lab: LabPage, selector: str, part: str) -> None:
    """Return when an element holds a text."""
    lab.page.locator(selector, has_text=part).first.wait_for(timeout=WAIT_S * 1000)


def execute(lab: LabPage, command: str, **args: object) -> None:
    """Execute a command of JupyterLab's with arguments, once its plugin has registered it."""
    lab.page.wait_for_function("command => window.jupyterapp.commands.hasCommand(command)", arg=command)
    lab.page.evaluate(
        "([command, args]) => void window.jupyterapp.commands.execute(command, JSON.parse(args))",
        [command, json.dumps(args)],
    )


def axe_faults(page: Page, *selectors: str) -> list[str]:
    """What axe finds to blame in these elements, or in the whole page; what is not seen it does not judge."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=AXE)
    context = {"include": list(selectors)} if selectors else {}
    found = page.evaluate("where => axe.run(where.include ? where : document)", context)["violations"]
    return [f"{fault['id']}: {fault['help']}: {node['html']}" for fault in found for node in fault["nodes"]]


def look(lab: LabPage, name: str) -> None:
    """Take a picture to be looked at, when ``GNOMON_LOOK`` names a folder."""
    if folder := os.environ.get("GNOMON_LOOK"):
        lab.page.screenshot(path=Path(folder) / f"{name}.png")
