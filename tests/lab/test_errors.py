"""A failed cell in JupyterLab: one card, and its text as an error output that is there but not shown a second time."""

from __future__ import annotations

import pytest

from lab.lab_driver import LabPage, LabServer
from lab.pages import write_notebook

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

NOTEBOOK = "errors.ipynb"
CELLS = {
    "start": "%load_ext gnomon\nimport gnomon\ngnomon.init(engine='inline')\nf = gnomon.remote(lambda: 1 / 0)",
    "fails": "gnomon.get(f.remote())",
    "plain": "1 / 0",
}


def test_a_failed_cell_shows_one_card(server: LabServer, lab: LabPage) -> None:
    write_notebook(server.folder, NOTEBOOK, CELLS)
    lab.open(NOTEBOOK)
    lab.run("start")
    lab.run("fails")
    card = lab.page.locator(".jp-gnomon-error")
    card.wait_for()
    assert lab.failures("fails") == ["TaskError(ZeroDivisionError): division by zero"]
    twin = lab.page.locator(".jp-OutputArea-child:has(.jp-gnomon-error) + .jp-OutputArea-child")
    assert "What to do:" in (twin.text_content() or "")
    twin.wait_for(state="hidden")
    lab.run("plain")
    shown = lab.page.locator('.jp-OutputArea-child [data-mime-type="application/vnd.jupyter.stderr"]:visible')
    shown.wait_for()
    assert (shown.text_content() or "").count("ZeroDivisionError") > 0
