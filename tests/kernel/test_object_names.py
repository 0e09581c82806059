"""What to type for an object: the notebook's own name for it, variables before elements, or the id as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import gnomon
from gnomon_kernel.object_names import is_id, name_of, with_names


@pytest.fixture(autouse=True)
def session() -> Iterator[None]:
    gnomon.init(engine="inline")
    yield
    gnomon.shutdown()


def test_a_variable_comes_before_an_element_and_what_is_hidden_does_not_count() -> None:
    ref, other = gnomon.put(1), gnomon.put(2)
    space = {"_": ref, "every": [other, ref], "ref": ref, "text": "ref", "number": 3}
    assert name_of(ref.hex(), space) == "ref"
    assert name_of(other.hex(), space) == "every[0]"
    assert name_of(ref.hex(), {"_hidden": ref}) == ""
    assert name_of(ref.hex(), {"byname": {"a b": ref, (1, 2): ref}}) == "byname['a b']"
    assert name_of(ref.hex(), {"bykey": {(1, 2): ref}, "pair": (other, ref)}) == "pair[1]"


def test_an_id_in_a_text_becomes_a_name_if_there_is_one() -> None:
    ref, unnamed = gnomon.put(1), gnomon.put(2)
    text = f"Ask gnomon.why('{ref.hex()}') or gnomon.why('{unnamed.hex()}')."
    assert with_names(text, {"ref": ref}) == f"Ask gnomon.why(ref) or gnomon.why('{unnamed.hex()}')."
    assert with_names("", {}) == ""


def test_which_words_are_ids() -> None:
    assert is_id("0a1b2c3d4e5f60718293a4b5c6d7e8f900112233")
    assert not any(map(is_id, ("ref", "abc", "refs[3]", "")))
