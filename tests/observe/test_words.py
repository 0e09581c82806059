"""One word for one thing: the runtime, the magics and the views in the browser say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gnomon.ids import first_process, node_name, process_id
from gnomon.observe import words
from gnomon.resources import size_words

ROOT = Path(__file__).parents[2]
STATES = (ROOT / "labextension/src/views/model/states.ts").read_text(encoding="utf-8")
SIZES = (ROOT / "tests/frontend/text.test.ts").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["TASK_STATES", "OBJECT_STATES", "ACTOR_STATES"])
def test_the_views_have_the_same_states_in_the_same_order(kind: str) -> None:
    (listed,) = re.findall(rf"export const {kind} = \[([^]]*)\] as const;", STATES)
    assert tuple(re.findall(r"'(\w+)'", listed)) == getattr(words, kind)


def test_each_state_is_explained_where_views_and_magics_are_described() -> None:
    page = (ROOT / "docs/views.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(\w+)`", page.partition("## Words")[2]))
    states = {*words.TASK_STATES, *words.OBJECT_STATES, *words.ACTOR_STATES, *words.NODE_STATES}
    assert states <= told


def test_the_views_tell_sizes_by_the_same_rule() -> None:
    cases = re.findall(r"formatBytes\(([\d_]+)\), '([^']+)'", SIZES)
    assert len(cases) >= 5
    for size, text in cases:
        assert size_words(int(size)) == text


def test_a_node_has_one_name_whoever_of_it_is_asked() -> None:
    node = first_process(12, b"\xff" * 8)
    assert node_name(node) == node_name(node.hex()) == node_name(process_id(node, b"\x01" * 8)) == "node 12"
    assert node_name("no id") == "node no id"
