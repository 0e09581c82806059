"""What a page keeps of views that are gone: counted, not weighed. A class runs its cells again and again."""

import time

import pytest

from lab.lab_driver import LabPage
from lab.pages import SETUP, run_all, write_notebook

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

WAIT_S = 60
VIEWS = "%remote graph\n%remote timeline"
CELLS = {
    "setup": SETUP,
    "views": VIEWS,
    "work": "_ = gnomon.get([quick.remote(i) for i in range(20)])",
}
KINDS = {
    "canvases": "CanvasRenderingContext2D",
    "canvas elements": "HTMLCanvasElement",
    "style sheets": "HTMLStyleElement",
}
COMMS = "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel._comms.size"
"""Lines to the kernel: each that is open keeps the widget at its end."""


def alive(lab: LabPage) -> dict[str, int]:
    """How many objects there are of each kind, in the page or not, after a collection."""
    session = lab.page.context.new_cdp_session(lab.page)
    counts = {}
    for name, kind in KINDS.items():
        prototype = session.send("Runtime.evaluate", {"expression": f"{kind}.prototype"})["result"]
        found = session.send("Runtime.queryObjects", {"prototypeObjectId": prototype["objectId"]})["objects"]
        length = {"functionDeclaration": "function () { return this.length; }", "objectId": found["objectId"]}
        counts[name] = session.send("Runtime.callFunctionOn", length)["result"]["value"]
    session.detach()
    return counts | {"comms": lab.page.evaluate(COMMS)}


def test_a_cell_with_views_that_runs_again_leaves_nothing_behind(lab: LabPage) -> None:
    write_notebook(lab.server.folder, "again.ipynb", CELLS)
    lab.open("again.ipynb")
    run_all(lab, "setup")

    def run_again() -> None:
        run_all(lab, "views", "work")
        for view in ("task graph", "timeline"):
            lab.wait_for_label(f'.jp-OutputArea canvas[aria-label^="{view}:"]', "20|[2-9][0-9]", WAIT_S)

    run_again()
    run_again()
    settled = alive(lab)
    assert settled["canvases"] >= 2
    assert settled["comms"] >= 4, "a view and its layout have one each"
    for _ in range(2):
        run_again()
    limit = time.monotonic() + WAIT_S
    while any(count > settled[name] for name, count in alive(lab).items()):
        # whoever shows widgets holds them a little longer than they are shown
        assert time.monotonic() < limit, f"{alive(lab)} are alive; after two runs it was {settled}"
        lab.page.wait_for_timeout(200)
