from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.ids import ObjectID


def through(args: tuple[Any, ...], kwargs: dict[str, Any], values: dict[bytes, Any]) -> Any:
    packed = pickling.pack_args(args, kwargs)
    blob = pickling.to_bytes(packed.serialized)
    return pickling.unpack_args(blob, [values[identity] for identity in packed.dependencies], [])


simple = st.integers() | st.text() | st.none() | st.lists(st.integers())
with_refs = simple | st.integers(0, 3).map(lambda number: ("ref", number))


@given(st.lists(with_refs), st.dictionaries(st.sampled_from("abcdef"), with_refs))
def test_arguments_come_back_with_values_in_place_of_references(args: Any, kwargs: Any) -> None:
    def sent(argument: Any) -> Any:
        return ObjectRef(ObjectID(bytes([argument[1]]) * 20)) if isinstance(argument, tuple) else argument

    def expected(argument: Any) -> Any:
        return f"value {argument[1]}" if isinstance(argument, tuple) else argument

    values = {bytes([number]) * 20: f"value {number}" for number in range(4)}
    positional, named = through(
        tuple(sent(each) for each in args), {name: sent(each) for name, each in kwargs.items()}, values
    )
    assert positional == tuple(expected(each) for each in args)
    assert named == {name: expected(each) for name, each in kwargs.items()}
    assert list(named) == list(kwargs)


def test_no_arguments_are_one_constant() -> None:
    first, second = pickling.pack_args((), {}), pickling.pack_args((), {})
    assert first.serialized is second.serialized
    assert pickling.unpack_args(pickling.to_bytes(first.serialized), (), []) == ((), {})
    assert len(pickling.to_bytes(first.serialized)) == 1


def test_a_reference_at_the_top_is_a_dependency_once_and_deeper_it_is_contained(identity: Any) -> None:
    top, deep = ObjectRef[Any](identity(1)), ObjectRef[Any](identity(2))
    packed = pickling.pack_args((top, [deep], top), {"again": top, "both": {"x": deep}})
    assert packed.dependencies == [identity(1)]
    assert packed.contained == [identity(2)]
    arrived: list[ObjectRef[Any]] = []
    args, kwargs = pickling.unpack_args(pickling.to_bytes(packed.serialized), ["value"], arrived)
    assert args == ("value", [deep], "value")
    assert kwargs == {"again": "value", "both": {"x": deep}}
    assert {ref.binary() for ref in arrived} == {identity(2)}


def test_a_tuple_as_the_only_argument_is_not_mistaken() -> None:
    for args in [((),), ((1, 2),), (([], {}, []),)]:
        assert through(args, {}, {}) == (args, {})


def test_large_arrays_in_arguments_are_not_copied() -> None:
    array = np.arange(100_000)
    packed = pickling.pack_args((1, array), {"scale": 2})
    assert np.shares_memory(np.frombuffer(packed.serialized.buffers[0], dtype=array.dtype), array)
    (one, back), kwargs = pickling.unpack_args(pickling.to_bytes(packed.serialized), (), [])
    assert (one, kwargs) == (1, {"scale": 2})
    np.testing.assert_array_equal(back, array)


def test_a_value_is_no_argument_blob_and_the_reverse() -> None:
    with pytest.raises(ValueError, match="not hold arguments"):
        pickling.unpack_args(pickling.to_bytes(pickling.serialize([1])), (), [])
    with pytest.raises(ValueError, match="not a value"):
        pickling.deserialize(pickling.to_bytes(pickling.pack_args((1,), {}).serialized), [])
