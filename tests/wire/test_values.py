from __future__ import annotations

import array
import gc
import pickle
import subprocess
import sys
import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon._wire.pickling_frames import BUFFER_ALIGNMENT
from gnomon.exceptions import SerializationError


def round_trip(value: Any) -> Any:
    return pickling.deserialize(pickling.to_bytes(pickling.serialize(value)), [])


def in_memory(value: Any) -> memoryview:
    serialized = pickling.serialize(value)
    memory = bytearray(serialized.total_bytes)
    pickling.write_into(serialized, memoryview(memory))
    assert bytes(memory) == pickling.to_bytes(serialized)
    return memoryview(memory).toreadonly()


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(plain)
def test_plain_values_come_back_equal_and_of_the_same_type(value: Any) -> None:
    back = round_trip(value)
    assert back == value
    assert type(back) is type(value)
    assert pickling.deserialize(in_memory(value), []) == value


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 1_000_001])
@pytest.mark.parametrize("make", [bytes, bytearray, lambda size: "x" * size, lambda size: [bytes(size)]])
def test_sizes_around_every_limit(make: Any, size: int) -> None:
    value = make(size)
    back = pickling.deserialize(in_memory(value), [])
    assert back == value
    assert type(back) is type(value)


def test_large_bytes_are_not_copied_before_they_are_written() -> None:
    value = bytes(100_000)
    serialized = pickling.serialize(value)
    assert serialized.inband == b""
    assert serialized.buffers[0].obj is value


def test_arrays_are_read_only_aligned_views_of_the_blob() -> None:
    value = {"a": np.arange(1_001, dtype=np.int64), "b": np.ones((3, 5), order="F"), "c": np.array([], "f4")}
    blob = in_memory(value)
    back = pickling.deserialize(blob, [])
    start = np.frombuffer(blob, dtype=np.uint8).__array_interface__["data"][0]
    for name, original in value.items():
        found = back[name]
        np.testing.assert_array_equal(found, original)
        assert not found.flags.writeable
        if original.size:
            address = found.__array_interface__["data"][0]
            assert start <= address < start + blob.nbytes
            assert (address - start) % BUFFER_ALIGNMENT == 0


def test_a_view_of_an_array_that_is_not_contiguous_comes_back() -> None:
    value = np.arange(10_000).reshape(100, 100)[::3, ::7]
    np.testing.assert_array_equal(round_trip(value), value)


def test_data_frames_and_object_arrays() -> None:
    frame = pd.DataFrame({"a": np.arange(5_000.0), "b": [str(i) for i in range(5_000)]})
    pd.testing.assert_frame_equal(pickling.deserialize(in_memory(frame), []), frame)
    values = np.array([{"a": 1}, None, "x"], dtype=object)
    assert round_trip(values).tolist() == values.tolist()


@pytest.mark.parametrize("wrap", [lambda array: array, lambda array: [array, lambda: 1]])
def test_arrays_of_times_are_buffers(wrap: Any) -> None:
    value = np.arange(20_000).astype("M8[s]")
    serialized = pickling.serialize(wrap(value))
    assert len(serialized.inband) < 5_000
    assert [buffer.nbytes for buffer in serialized.buffers] == [value.nbytes]
    back = pickling.deserialize(pickling.to_bytes(serialized), [])
    found = back[0] if isinstance(back, list) else back
    np.testing.assert_array_equal(found, value)
    assert found.dtype == value.dtype
    assert not found.flags.writeable


def test_references_beside_arrays_of_times_are_collected_once(identity: Any) -> None:
    value = [ObjectRef[Any](identity(1)), np.arange(20_000).astype("M8[s]"), ObjectRef[Any](identity(2))]
    assert pickling.serialize(value).contained == [identity(1), identity(2)]


def test_an_array_module_array_comes_back() -> None:
    assert round_trip(array.array("d", range(100))) == array.array("d", range(100))


def test_the_blob_lives_as_long_as_an_array_over_it() -> None:
    class Memory(bytearray):
        pass

    serialized = pickling.serialize(np.arange(100_000))
    memory = Memory(serialized.total_bytes)
    alive = weakref.ref(memory)
    pickling.write_into(serialized, memoryview(memory))
    slice_ = pickling.deserialize(memoryview(memory).toreadonly(), [])[10:20]
    del memory
    gc.collect()
    assert alive() is not None
    assert slice_.sum() == sum(range(10, 20))
    del slice_
    gc.collect()
    assert alive() is None


def test_lambdas_and_local_classes_travel_by_value() -> None:
    factor = 3

    class Local:
        def __init__(self, number: int) -> None:
            self.number = number

    assert round_trip(lambda x: factor * x)(2) == 6
    assert round_trip(Local(7)).number == 7


def test_what_main_defines_travels_by_value(tmp_path: Any) -> None:
    blob = tmp_path / "blob"
    define = (
        "import sys\n"
        "from gnomon._wire import pickling\n"
        "class Point:\n"
        "    def __init__(self, x): self.x = x\n"
        "    def double(self): return 2 * self.x\n"
        "open(sys.argv[1], 'wb').write(pickling.to_bytes(pickling.serialize([Point(21)])))\n"
    )
    subprocess.run([sys.executable, "-c", define, str(blob)], check=True, env=_environment())
    [point] = pickling.deserialize(blob.read_bytes(), [])
    assert point.double() == 42


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(path for path in sys.path if path)}


@dataclass
class Holder:
    name: str
    ref: Any


def test_references_inside_are_collected_once_in_order(identity: Any) -> None:
    first, second, third = (ObjectRef[Any](identity(number)) for number in (1, 2, 3))
    again = ObjectRef[Any](identity(1))
    serialized = pickling.serialize({"a": [second, first, again], "b": Holder("x", third), "c": {second}})
    assert serialized.contained == [identity(2), identity(1), identity(3)]
    arrived: list[ObjectRef[Any]] = []
    back = pickling.deserialize(pickling.to_bytes(serialized), arrived)
    assert back["b"].ref == third
    assert sorted(ref.binary() for ref in arrived) == [identity(1), identity(1), identity(2), identity(3)]
    assert any(back["b"].ref is ref for ref in arrived)


def test_references_are_collected_when_cloudpickle_has_to_do_it(identity: Any) -> None:
    ref = ObjectRef[Any](identity(1))
    serialized = pickling.serialize([ref, lambda: ref])
    assert serialized.contained == [identity(1)]


def test_serializing_may_nest(identity: Any) -> None:
    inner_found: list[Any] = []

    class Nosy:
        def __reduce__(self) -> Any:
            inner_found.append(pickling.serialize([ObjectRef[Any](identity(9))]).contained)
            return str, ("x",)

    outer = ObjectRef[Any](identity(1))
    assert pickling.serialize([Nosy(), outer]).contained == [identity(1)]
    assert inner_found[0] == [identity(9)]


def test_the_user_may_pickle_references_himself(identity: Any) -> None:
    dumped: list[Any] = []
    loaded: list[Any] = []
    pickling.set_out_of_band(dumped.append, loaded.append)
    ref = ObjectRef[Any](identity(1))
    back = pickle.loads(pickle.dumps(ref))
    assert back == ref
    assert dumped == [identity(1)]
    assert loaded == [back]
    pickling.serialize([ref])
    assert len(dumped) == 1, "inside serialize() it is not out of band"


def test_references_rebuilt_before_a_failure_are_told(identity: Any) -> None:
    blob = pickling.to_bytes(pickling.serialize([ObjectRef[Any](identity(1)), FailsToLoad()]))
    arrived: list[ObjectRef[Any]] = []
    with pytest.raises(SerializationError, match="can not be rebuilt: RuntimeError: no"):
        pickling.deserialize(blob, arrived)
    assert [ref.binary() for ref in arrived] == [identity(1)]


class FailsToLoad:
    def __reduce__(self) -> Any:
        return _fail, ()


def _fail() -> None:
    raise RuntimeError("no")


def test_a_missing_module_is_named() -> None:
    blob = b"\x00" + pickle.dumps(Holder("x", 1), 5).replace(
        Holder.__module__.encode(), b"z" * len(Holder.__module__)
    )
    with pytest.raises(SerializationError, match=r"Install z+ here"):
        pickling.deserialize(blob, [])


def test_a_blob_that_was_cut_short_is_an_error() -> None:
    blob = pickling.to_bytes(pickling.serialize(np.arange(10_000)))
    with pytest.raises(SerializationError, match="cut short"):
        pickling.deserialize(blob[:-100], [])


def test_a_target_that_is_too_small_is_refused() -> None:
    serialized = pickling.serialize(np.arange(10))
    with pytest.raises(ValueError, match="do not fit"):
        pickling.write_into(serialized, memoryview(bytearray(serialized.total_bytes - 1)))
