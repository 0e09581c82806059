"""The pictures of the documentation, each taken from a real run; and that each is where the page says.

``make pictures`` takes them. Taking them is a long test, so it is run only when ``GNOMON_PICTURES`` names a folder;
``GNOMON_LOOK`` names one for the same in the dark theme.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lab.lab_driver import ROOT, LabPage, LabServer, lab_page
from lab.pages import WAIT_S, execute, run_all, says, write_notebook

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

PICTURES = ROOT / "docs" / "pictures"
BYTES_MAX = 150_000

SETUP = """
%load_ext gnomon
%remote start --cpus 2 --nodes 2
import gnomon, threading, time
from pathlib import Path

@gnomon.remote
def load(part):
    time.sleep(0.3 + 0.1 * (part % 3)); return bytes(2_000_000 * (1 + part))

@gnomon.remote(max_retries=0)
def clean(data, part):
    time.sleep(0.4)
    if part == 3: raise ValueError("no rows in part 3")
    return len(data)

@gnomon.remote
def join(*parts):
    return sum(parts)

@gnomon.remote
def report(total):
    while not Path("go").exists(): time.sleep(0.02)
    return total

@gnomon.remote
def step(number, before=None):
    while not Path("go").exists() and number > 430: time.sleep(0.02)
    return number

@gnomon.remote
class Trainer:
    watch = ("epoch", "loss")
    def __init__(self): self.epoch, self.loss = 0, 1.0
    def train(self, pause):
        time.sleep(pause); self.epoch += 1; self.loss = round(1 / self.epoch ** 0.5, 4)
    def wait(self):
        while not Path("go").exists(): time.sleep(0.02)

@gnomon.remote
class Store:
    def get(self): return 1
"""
BATCH = """
sums = [join.remote(*[clean.remote(load.remote(part), part) for part in range(2 * n, 2 * n + 3)]) for n in range(4)]
_ = gnomon.wait(sums, num_returns=4)
"""
SMALL = """
parts = [clean.remote(load.remote(part), part) for part in range(6)]
totals = [join.remote(*parts[:3]), join.remote(*parts[4:])]
reports = [report.remote(total) for total in totals]
gnomon.get(totals)
"""
OBJECTS = """
tables = [load.remote(part) for part in range(6)]
gnomon.wait(tables, num_returns=6)
model = gnomon.put(bytes(21_000_000))
"""
ACTORS = """
trainers = [Trainer.options(name=name, num_cpus=0).remote() for name in ("north", "south")]
"""
TRAIN = """
gnomon.get([trainer.train.remote(0.25) for trainer in trainers for _ in range(12)])
waits = [trainers[0].wait.remote() for _ in range(4)]
lost = Store.options(num_cpus=0).remote()
gnomon.get(lost.get.remote())
gnomon.kill(lost)
"""
FOLDED = """
first = [step.remote(number) for number in range(300)]
second = [step.options(name="sum").remote(400 + number, first[number]) for number in range(250)]
_ = gnomon.wait(second[:30], num_returns=30)
"""
CELLS = {
    "setup": SETUP,
    "batch": BATCH,
    "timeline": "%remote timeline",
    "end": "%remote stop",
    "again": "%remote start --cpus 2 --nodes 2",
    "small": SMALL,
    "graph": "%remote graph",
    "go": "Path('go').touch()\ngnomon.get(reports)\nPath('go').unlink()",
    "objects-of": OBJECTS,
    "objects": "%remote objects",
    "actors-of": ACTORS,
    "actors": "%remote actors",
    "train": TRAIN,
    "nodes": "%remote nodes",
    "error": "cleaned = clean.remote([21.5, 19.0, 18.2], part=3)\ngnomon.get(cleaned)",
    "stop": "%remote stop",
    "start": "%remote start --cpus 2",
    "folded-of": FOLDED,
    "folded": "%remote graph",
    "pause": "%remote pause\nPath('go').touch()",
}


def view(name: str) -> str:
    """The element that shows a view in a cell's output."""
    return f".jp-gnomon-only-{name}"


@pytest.fixture
def page(browser: Browser, server: LabServer) -> Iterator[LabPage]:
    with lab_page(browser, server, width=1180, height=1400) as page:
        yield page


def take(lab: LabPage, name: str, cell: str, selector: str) -> None:
    """The picture of what a cell shows; and in the dark, for whoever looks."""
    folder = Path(os.environ["GNOMON_PICTURES"])
    folder.mkdir(parents=True, exist_ok=True)
    shown = lab.page.locator(f".jp-Notebook [data-picture='{cell}'] {selector}").first
    lab.page.evaluate(MARK, cell)
    lab.show(cell)
    settled(lab)
    shown.screenshot(path=folder / f"{name}.png")
    if dark := os.environ.get("GNOMON_LOOK"):
        theme(lab, "JupyterLab Dark")
        shown.screenshot(path=Path(dark) / f"{name}-dark.png")
        theme(lab, "JupyterLab Light")


MARK = """id => {
  const cell = window.jupyterapp.shell.currentWidget.content.widgets.find(cell => cell.model.id === id);
  cell.node.dataset.picture = id;
}"""


def settled(lab: LabPage) -> None:
    """Let what glides come to rest: a picture in between shows neither."""
    lab.page.emulate_media(reduced_motion="reduce")
    frames = "() => new Promise(done => { let n = 90; const f = () => n-- ? requestAnimationFrame(f) : done(); f(); })"
    lab.page.evaluate(frames)


def theme(lab: LabPage, name: str) -> None:
    lab.page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
    marked = f"document.querySelector('.jp-gnomon-root')?.dataset.theme === '{name.split()[-1].lower()}'"
    lab.page.wait_for_function(marked, timeout=WAIT_S * 1000)
    settled(lab)


@pytest.mark.skipif(
    "GNOMON_PICTURES" not in os.environ, reason="takes the documentation's pictures: make pictures"
)
def test_take_the_pictures(server: LabServer, page: LabPage) -> None:
    lab = page
    write_notebook(server.folder, "weather.ipynb", CELLS)
    lab.open("weather.ipynb")
    execute(lab, "application:toggle-left-area")
    run_all(lab, "setup", "batch", "timeline")
    lab.wait_for_label(f"{view('timeline')} canvas", " 0 running", WAIT_S)
    take(lab, "timeline", "timeline", view("timeline"))
    run_all(lab, "end", "again", "small", "graph")
    lab.show("graph")
    lab.wait_for_label(f"{view('graph')} canvas", "2 running, 13 done, 1 failed", WAIT_S)
    take(lab, "graph", "graph", view("graph"))
    canvas = lab.page.locator(f"{view('graph')} canvas")
    canvas.focus()
    for _ in range(8):
        canvas.press("n")
    take(lab, "task", "graph", view("graph"))
    run_all(lab, "go", "objects-of", "objects")
    lab.wait_for_label(f"{view('objects')} [aria-label^='objects:']", "MB in store", WAIT_S)
    lab.page.locator(f"{view('objects')} .jp-gnomon-object-name").first.click()
    says(lab, f"{view('objects')} .jp-gnomon-object-card", "model")
    take(lab, "objects", "objects", view("objects"))
    run_all(lab, "actors-of", "actors")
    lab.start("train")
    lab.show("actors")
    lab.wait_until_finished("train")
    run_all(lab, "nodes")
    lab.show("actors")
    lab.wait_for_label(f"{view('actors')} [aria-label^='actors:']", "2 alive, 0 restarting, 1 dead", WAIT_S)
    lab.page.locator(f"{view('actors')} .jp-gnomon-method.jp-gnomon-busy").wait_for(timeout=WAIT_S * 1000)
    take(lab, "actors", "actors", view("actors"))
    lab.page.locator(view("nodes")).first.evaluate("root => root.style.height = '400px'")
    take(lab, "nodes", "nodes", view("nodes"))
    lab.run("error")
    take(lab, "error", "error", ".jp-gnomon-error")
    run_all(lab, "stop", "start")
    (server.folder / "go").unlink(missing_ok=True)
    run_all(lab, "folded-of", "folded")
    lab.show("folded")
    says(lab, "[data-picture=folded] .jp-gnomon-root, .jp-gnomon-only-graph", "550 tasks")
    take(lab, "graph-folded", "folded", view("graph"))
    run_all(lab, "pause")
    lab.show("folded")
    says(lab, ".jp-gnomon-tempo-told", "paused · ")
    take(lab, "controls", "folded", ".jp-gnomon-header")


def test_the_page_shows_every_picture() -> None:
    text = (ROOT / "docs" / "views.md").read_text(encoding="utf-8")
    named = re.findall(r"!\[[^\]]+\]\(pictures/([\w-]+\.png)\)", text)
    there = {path.name for path in PICTURES.iterdir()}
    assert set(named) == there
    assert len(named) == len(set(named))
    assert {
        path.name: path.stat().st_size for path in PICTURES.iterdir() if path.stat().st_size > BYTES_MAX
    } == {}
