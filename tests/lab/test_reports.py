"""A report in a browser without a network: its slider, its counts, its themes; and a live view that looks back."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from lab.lab_driver import LabPage, LabServer, lab_page
from lab.pages import AXE, WAIT_S, axe_faults, run_all, write_notebook

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

GRAPH = 'canvas[aria-label^="task graph:"]'
LIVE = f".jp-OutputArea {GRAPH}"
SLIDER = ".jp-gnomon-time-slider"
TASKS = 40

CELLS = {
    "setup": """
%load_ext gnomon
%remote start --cpus 2
import gnomon, time

@gnomon.remote
def load(size):
    time.sleep(0.03)
    return bytes(size)

@gnomon.remote
def count(data):
    return len(data)

@gnomon.remote
def inside():
    return sum(gnomon.get([count.remote(load.remote(10)) for _ in range(3)]))

@gnomon.remote
class Tally:
    watch = ("total",)
    def __init__(self): self.total = 0
    def add(self, number): self.total += number
""",
    "view": "%remote dashboard",
    "work": """
blocks = [load.remote(300_000) for _ in range(10)]
counts = [count.remote(block) for block in blocks]
tally = Tally.remote()
gnomon.get([tally.add.remote(number) for number in counts])
gnomon.get([inside.remote()] + [count.remote(b"") for _ in range(3)])[0]
""",
    "report": "%remote report run.html",
}
MOVE = """([selector, part]) => {
  const slider = document.querySelector(selector);
  slider.value = String(part);
  slider.dispatchEvent(new Event('input', { bubbles: true }));
}"""


def run(lab: LabPage, name: str) -> None:
    """Run a notebook of that name up to its work, and wait until the view shows all of it."""
    write_notebook(lab.server.folder, name, CELLS)
    lab.open(name)
    run_all(lab, "setup", "view", "work")
    lab.show("view")
    lab.wait_for_label(LIVE, f" {TASKS} done", WAIT_S)


def counts_of(label: str) -> dict[str, int]:
    return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", label)}


def label_of(page: Page, prefix: str) -> str:
    return page.locator(f'[aria-label^="{prefix}"]').first.get_attribute("aria-label") or ""


def move(page: Page, part: float, scope: str = "") -> None:
    """Move the slider, and return when the views have followed."""
    page.evaluate(MOVE, [f"{scope}{SLIDER}", part])
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.fixture(scope="module")
def file(browser: Browser, server: LabServer) -> Path:
    """The report that a notebook has written."""
    with lab_page(browser, server) as lab:
        run(lab, "report.ipynb")
        lab.run("report")
        assert lab.failures("report") == []
    return server.folder / "run.html"


@pytest.fixture
def report(file: Path, browser: Browser) -> Iterator[tuple[Page, list[str]]]:
    """The page of a report, in a browser that is offline; and its errors and requests."""
    context = browser.new_context(offline=True, viewport={"width": 1500, "height": 950})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: message.type == "error" and faults.append(message.text))
    page.on("request", lambda request: not is_own(request.url) and faults.append(request.url))
    page.goto(file.as_uri())
    page.locator(GRAPH).wait_for()
    yield page, faults
    context.close()


def is_own(address: str) -> bool:
    return address.startswith(("file:", "data:", "blob:"))


def test_a_report_shows_every_moment_without_a_network(report: tuple[Page, list[str]]) -> None:
    page, faults = report
    at_end = counts_of(label_of(page, "task graph:"))
    assert at_end == dict.fromkeys(["waiting", "ready", "running", "failed", "cancelled"], 0) | {
        "done": TASKS
    }
    assert "0 running" in label_of(page, "timeline:")
    assert label_of(page, "actors:").startswith("actors: 1 alive")
    assert page.locator(".jp-gnomon-status").inner_text() == "recording"
    assert not page.locator(".jp-gnomon-tempo").is_visible()

    seen: list[dict[str, int]] = []
    begun: list[int] = []
    for step in range(51):
        move(page, step / 50)
        seen.append(counts_of(label_of(page, "task graph:")))
        begun.append(counts_of(label_of(page, "timeline:")).get("spans", 1))
    assert seen[0]["done"] == 0
    assert seen[-1] == at_end
    assert [moment["done"] for moment in seen] == sorted(moment["done"] for moment in seen)
    assert (begun[0], begun[-1]) == (0, TASKS)
    assert begun == sorted(begun)
    totals = [sum(moment.values()) for moment in seen]
    assert totals == sorted(totals)
    for step in (40, 3, 25, 0):
        move(page, step / 50)
        assert counts_of(label_of(page, "task graph:")) == seen[step]
    assert page.locator(".jp-gnomon-status").inner_text() == "the past"

    page.locator(SLIDER).press("ArrowRight")
    assert 0 < float(page.locator(SLIDER).input_value()) < 0.01
    page.locator(SLIDER).press("PageUp")
    assert 0.04 < float(page.locator(SLIDER).input_value()) < 0.07
    page.locator(SLIDER).press("End")
    page.locator(".jp-gnomon-status", has_text="recording").wait_for()
    page.locator(".jp-gnomon-time-speed").select_option("500")
    page.locator(".jp-gnomon-time-button", has_text="Play").click()
    # the button says "Stop" until it has played to the end
    page.locator(".jp-gnomon-time-button", has_text="Play").wait_for()
    page.locator(".jp-gnomon-status", has_text="recording").wait_for()
    assert counts_of(label_of(page, "task graph:")) == at_end
    picture(page, "end")
    # there is no notebook that a link could lead to
    place = page.locator(".jp-gnomon-actors .jp-gnomon-cell-name")
    assert re.fullmatch(r"In \[\d+\], line \d+", place.inner_text())
    assert page.locator(".jp-gnomon-cell-link, [title='Go to this cell']").count() == 0
    assert faults == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
def test_axe_finds_no_fault_in_a_report(report: tuple[Page, list[str]]) -> None:
    page, faults = report
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(
            "theme => document.querySelector('.jp-gnomon-root').dataset.theme === theme", arg=theme
        )
        for part in (0.5, 1):
            move(page, part)
            assert axe_faults(page) == [], f"in {theme}"
        move(page, 0.5)
        picture(page, theme)
    assert faults == []


def test_a_live_view_looks_back_and_comes_back_to_now(lab: LabPage) -> None:
    run(lab, "back.ipynb")
    view = lab.page.locator(".jp-OutputArea .jp-gnomon-time")
    assert not view.locator(SLIDER).is_visible()
    view.locator("button", has_text="Look back").click()
    move(lab.page, 0, ".jp-OutputArea ")
    lab.wait_for_label(LIVE, " 0 done", WAIT_S)
    paused = lab.page.locator(".jp-OutputArea .jp-gnomon-tempo-button", has_text="Pause")
    assert paused.get_attribute("aria-disabled") == "true"
    # what goes on meanwhile is not shown, and known when one is back
    lab.run("work")
    assert counts_of(lab.label(LIVE))["done"] == 0
    lab.show("view")
    view.locator("button", has_text="Back to now").click()
    lab.wait_for_label(LIVE, f" {2 * TASKS} done", WAIT_S)
    assert lab.page.locator(".jp-OutputArea .jp-gnomon-status").inner_text() == "live"


CROWDED = """([selector, width]) => new Promise(done => {
  const root = document.querySelector(selector);
  root.style.width = `${width}px`;
  requestAnimationFrame(() => requestAnimationFrame(() => {
    const header = root.querySelector('.jp-gnomon-header');
    const parts = [...header.querySelectorAll(
      'button:not(.jp-gnomon-time-mark), select, input, .jp-gnomon-chip, .jp-gnomon-time-where, ' +
      '.jp-gnomon-time-told, .jp-gnomon-status'
    )].map(part => [part.textContent.slice(0, 20) || part.type, part.getBoundingClientRect(), part])
      .filter(([, box]) => box.width > 0);
    const around = root.getBoundingClientRect();
    const faults = [];
    parts.forEach(([name, box, part], i) => {
      if (box.left < around.left || box.right > around.right + 0.5) faults.push(`${name} is cut`);
      if (part.scrollWidth > part.clientWidth + 1 && part.tagName === 'BUTTON') faults.push(`${name} has no room`);
      for (const [other, second] of parts.slice(i + 1)) {
        if (box.left < second.right - 1 && second.left < box.right - 1 &&
            box.top < second.bottom - 1 && second.top < box.bottom - 1) faults.push(`${name} lies on ${other}`);
      }
    });
    done({ faults, height: header.getBoundingClientRect().height });
  }));
})"""


def test_a_header_has_room_for_all_its_controls_at_each_width(lab: LabPage) -> None:
    run(lab, "widths.ipynb")
    root = ".jp-OutputArea .jp-gnomon-root"
    heights: dict[int, float] = {}
    for width in (1600, 970, 640, 400, 300, 250):
        found = lab.page.evaluate(CROWDED, [root, width])
        assert found["faults"] == [], f"at {width} px"
        heights[width] = found["height"]
    assert max(heights[250], heights[300]) <= heights[970], "what is not needed is folded"
    view = lab.page.locator(root)
    assert not view.locator(".jp-gnomon-tempo-slider").is_visible()
    view.get_by_role("button", name="more controls").click()
    assert view.locator(".jp-gnomon-tempo-slider").is_visible()
    assert view.locator(".jp-gnomon-filter").is_visible()
    view.locator("button", has_text="Look back").click()
    move(lab.page, 0.4, ".jp-OutputArea ")
    for width in (250, 300, 400, 640, 970, 1600):
        found = lab.page.evaluate(CROWDED, [root, width])
        assert found["faults"] == [], f"looking back at {width} px"
        track = view.locator(".jp-gnomon-time-track").bounding_box()
        assert (track or {"width": 0})["width"] >= 200, f"the slider at {width} px"


def picture(page: Page, name: str) -> None:
    """Take a picture when ``GNOMON_REPORT_PICTURES`` names a folder."""
    if folder := os.environ.get("GNOMON_REPORT_PICTURES"):
        page.screenshot(path=Path(folder) / f"report-{name}.png")
