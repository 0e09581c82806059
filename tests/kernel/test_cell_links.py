"""Cells that error cards and hints name are links where a front end knows what that is, and plain text elsewhere."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from gnomon_kernel.cell_links import linked, no_cell
from gnomon_kernel.error_cards import CodePlace, ErrorCard
from kernel.live_kernel import LiveKernel

CELLS = {2: "cell-two", 3: 'odd "id"'}


def cell_of(number: int) -> str:
    return CELLS.get(number, "")


class Links(HTMLParser):
    """The links in a piece of HTML: cell, line and text; and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self.text = ""
        self._open: dict[str, str | None] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = dict(attrs) if tag == "gnomon-cell" else None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open is not None:
            self.found.append((self._open["data-cell"] or "", self._open["data-line"] or "", data))
            self._open = None


def test_known_cells_are_links_and_the_text_stays() -> None:
    text = "f(x='<b>') of In [2], line 4, and Cell In[3], line 1, in <lambda>; In [9], line 1"
    links = Links(linked(text, cell_of))
    assert links.found == [
        ("cell-two", "4", "In [2], line 4"),
        ('odd "id"', "1", "In[3], line 1"),
    ]
    assert links.text == text
    assert Links(linked("in In [2]", cell_of)).found == [("cell-two", "0", "In [2]")]
    assert linked("In [2]", no_cell) == "In [2]"


@pytest.mark.parametrize("part", ["title", "facts", "places", "asked", "more", "advice"])
def test_each_part_of_a_card_leads_to_its_cells(part: str) -> None:
    named = "In [2], line 7"
    value = {
        "facts": (named,), "places": (CodePlace(named),), "asked": CodePlace(named), "more": (named,),
    }.get(part, named)  # fmt: skip
    card = ErrorCard(**{"title": "ValueError: no", part: value})  # type: ignore[arg-type]
    assert Links(card.html(cell_of)).found == [("cell-two", "7", "In [2], line 7")]
    assert "gnomon-cell" not in card.html()
    assert "gnomon-cell" not in card.text()


def test_what_the_task_printed_is_no_link() -> None:
    assert not Links(ErrorCard("E: e", output=("In [2]",)).html(cell_of)).found


FAILS = """
import gnomon
gnomon.init(engine="inline")
@gnomon.remote
def fails():
    raise ValueError("no")
"""


def test_a_card_leads_to_the_cells_of_its_notebook(live_kernel: LiveKernel) -> None:
    live_kernel.run(FAILS, cell="defines").check()
    live_kernel.run("None", cell="asks")
    asked = live_kernel.run("x = 1\ngnomon.get(fails.remote())", cell="asks")
    card = next(shown["data"]["text/html"] for shown in asked.contents("display_data"))
    found = {(cell, line) for cell, line, _text in Links(card).found}
    assert found == {("defines", "5"), ("asks", "2")}
    # cells that ran again since are found by the numbers they had
    live_kernel.run("None", cell="defines")
    again = live_kernel.run("gnomon.get(fails.remote())", cell="other")
    card = next(shown["data"]["text/html"] for shown in again.contents("display_data"))
    assert "defines" in {cell for cell, _line, _text in Links(card).found}
    assert re.search(r">In \[2\], line 5<", card)
