"""Views as people use them: the timeline by keyboard, cancel while a cell blocks, a session's end, two notebooks."""

import pytest

from lab.lab_driver import LabPage
from lab.pages import SETUP, WAIT_S, bring_to_front, open_another, run_all, write_notebook

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

CELL_GRAPH = '.jp-OutputArea canvas[aria-label^="task graph:"]'
CELL_TIMELINE = '.jp-OutputArea canvas[aria-label^="timeline:"]'
PANEL_GRAPH = '#gnomon-panel [aria-label^="task graph:"]'
PANEL_ACTORS = '#gnomon-panel [aria-label^="actors:"]'

TRAINER = """
@gnomon.remote
class Trainer:
    watch = ("step",)
    def __init__(self): self.step = 0
    def train(self): self.step += 1
"""
BLOCK = """
try:
    gnomon.get(until.remote("stop"))
except gnomon.exceptions.TaskCancelledError:
    print("was cancelled")
"""
ACTOR = "trainer = Trainer.remote()\ngnomon.get([trainer.train.remote() for _ in range(1234)])[-1]"
CELLS = {
    "setup": SETUP + TRAINER,
    "quick": "gnomon.get([quick.remote(i) for i in range(3)])",
    "timeline": "%remote timeline",
    "block": BLOCK,
    "actor": ACTOR,
    "stop": "%remote stop",
}


def test_cancel_by_keyboard_while_the_cell_blocks(lab: LabPage) -> None:
    write_notebook(lab.server.folder, "views.ipynb", CELLS)
    lab.open("views.ipynb")
    run_all(lab, "setup", "quick", "timeline")
    lab.wait_for_label(CELL_TIMELINE, r"[1-9]\d* workers?, 3 spans, 0 running", WAIT_S)
    lab.start("block")
    lab.show("timeline")
    lab.wait_for_label(CELL_TIMELINE, "4 spans, 1 running", WAIT_S)
    canvas = lab.page.locator(CELL_TIMELINE)
    canvas.focus()
    cancel = lab.page.locator(".jp-OutputArea .jp-gnomon-detail button", has_text="cancel")
    for _ in range(4):  # through the spans, until the one that runs
        canvas.press("n")
        if cancel.count():
            break
    cancel.click()
    lab.wait_until_finished("block", WAIT_S)
    lab.wait_for_text("block", "was cancelled")
    lab.show("timeline")
    lab.wait_for_label(CELL_TIMELINE, "4 spans, 0 running", WAIT_S)


def test_the_panel_follows_the_notebook_and_tells_of_a_session_that_ended(lab: LabPage) -> None:
    write_notebook(lab.server.folder, "first.ipynb", CELLS)
    write_notebook(lab.server.folder, "second.ipynb", CELLS)
    lab.open("first.ipynb")
    lab.command("gnomon:open-panel")
    run_all(lab, "setup", "quick", "actor")
    lab.wait_for_label(PANEL_GRAPH, "0 running, 1237 done", WAIT_S)
    lab.show_in_panel("Actors")
    lab.wait_for_label(PANEL_ACTORS, "1 alive", WAIT_S)
    # the last value of a watched field, exactly
    step = "document.querySelector('#gnomon-panel .jp-gnomon-watched-value')?.title === '1234'"
    lab.page.wait_for_function(step, timeout=WAIT_S * 1000)

    open_another(lab, "second.ipynb")
    run_all(lab, "setup", "quick")
    lab.show_in_panel("Graph")
    lab.wait_for_label(PANEL_GRAPH, " 3 done", WAIT_S)
    bring_to_front(lab, "first.ipynb")
    lab.wait_for_label(PANEL_GRAPH, "1237 done", WAIT_S)

    run_all(lab, "stop")
    lab.wait_for_label(PANEL_GRAPH, "0 running, 1237 done", WAIT_S)
    lab.show_in_panel("Actors")
    lab.wait_for_label(PANEL_ACTORS, "0 alive, 0 restarting, 1 dead", WAIT_S)
    # how it ended is told first, that it has ended after it
    ended = lab.page.locator("#gnomon-panel .jp-gnomon-status", has_text="session ended")
    ended.wait_for(timeout=WAIT_S * 1000)


FLOOD = 12_000
"""More tasks than the views list."""
LATE = """
@gnomon.remote
def late(number):
    assert number != 7, "seven"
gnomon.wait([late.remote(number) for number in range(30)], num_returns=30);
"""

DRAW_AND_SHOW_AGAIN = """async () => {
  const tell = state => {
    Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  };
  const frames = async count => {
    for (let frame = 0; frame < count; frame++) {
      // whatever happens, every canvas is drawn in every frame
      for (const canvas of document.querySelectorAll('.jp-gnomon-root canvas')) {
        canvas.dispatchEvent(new PointerEvent('pointermove', { clientX: frame, clientY: frame }));
      }
      await new Promise(requestAnimationFrame);
    }
  };
  tell('hidden');
  await frames(5);
  tell('visible');
  await frames(60);
  delete document.visibilityState;
}"""


def test_views_that_are_seen_again_are_told_anew_piece_by_piece_while_they_are_drawn(lab: LabPage) -> None:
    many = f"gnomon.get([quick.remote(i) for i in range({FLOOD})]);"
    cells = CELLS | {"many": many, "late": LATE, "graph": "%remote graph"}
    write_notebook(lab.server.folder, "again.ipynb", cells)
    lab.open("again.ipynb")
    run_all(lab, "setup", "many", "timeline", "graph")
    # one after the other: both may not be in sight at once, and what is not is told nothing
    lab.show("timeline")
    lab.wait_for_label(CELL_TIMELINE, " 10000 spans, 0 running", WAIT_S)
    lab.show("graph")
    lab.wait_for_label(CELL_GRAPH, f" {FLOOD} done", WAIT_S)
    lab.page.locator(".jp-OutputArea").get_by_role("button", name="tasks", exact=True).click()
    # the list is full: what comes now takes the places of others
    run_all(lab, "late")
    lab.show("graph")
    lab.wait_for_label(CELL_GRAPH, f" {FLOOD + 29} done, 1 failed", WAIT_S)
    note = lab.page.locator(
        ".jp-OutputArea .jp-gnomon-timeline .jp-gnomon-note", has_text=" tasks not listed"
    )
    note.wait_for(state="attached", timeout=WAIT_S * 1000)
    lab.page.locator(".jp-OutputArea").get_by_label("show one function").last.select_option(label="late")
    look_at_the_one_that_failed(lab)
    for _ in range(2):
        lab.page.evaluate(DRAW_AND_SHOW_AGAIN)
    lab.wait_for_label(CELL_GRAPH, " 29 done, 1 failed", WAIT_S)
    look_at_the_one_that_failed(lab)


def look_at_the_one_that_failed(lab: LabPage) -> None:
    lab.wait_for_label(CELL_GRAPH, " 29 done, 1 failed", WAIT_S)
    canvas = lab.page.locator(CELL_GRAPH)
    canvas.focus()
    canvas.press("Escape")
    for _ in range(8):
        canvas.press("n")
    card = lab.page.locator(".jp-OutputArea .jp-gnomon-graph .jp-gnomon-detail")
    card.filter(has_text="AssertionError: seven").wait_for(timeout=WAIT_S * 1000)
    assert card.locator(".jp-gnomon-cell-link").inner_text().endswith(", line 4")
