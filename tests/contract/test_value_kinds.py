"""Every kind of array, table and buffer on every engine: through ``put``, as an argument and as a result."""

from __future__ import annotations

import datetime
import decimal
import pickle
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

import gnomon
from gnomon.exceptions import SerializationError

ROWS = 30_000
"""Enough for the store, also of one byte each with some company."""


@gnomon.remote
def echo(x):
    return x


class Labelled(np.ndarray):
    """A subclass with an attribute, as NumPy's documentation has it."""

    def __new__(cls, values, label=None):
        array = np.asarray(values).view(cls)
        array.label = label
        return array

    def __array_finalize__(self, source):
        self.label = getattr(source, "label", None)

    def __reduce__(self):
        function, args, state = super().__reduce__()
        return function, args, (state, self.label)

    def __setstate__(self, state):
        super().__setstate__(state[0])
        self.label = state[1]


def rows(dtype):
    return np.arange(ROWS).astype(dtype)


ARRAYS = {
    "float64": lambda: rows("f8"),
    "float16": lambda: rows("f2"),
    "complex": lambda: rows("c16") * 1j,
    "bool": lambda: rows("i8") % 3 == 0,
    "big-endian": lambda: rows(">i4"),
    "timedelta, Fortran": lambda: np.asfortranarray(rows("m8[ms]").reshape(100, -1)),
    "big-endian datetime": lambda: rows(">M8[s]"),
    "dates beside others": lambda: {"t": rows("M8[D]"), "x": rows("f8"), "small": np.array("2026", "M8[Y]")},
    "strided dates": lambda: [rows("M8[D]"), rows("M8[D]")[::2]],
    "datetime": lambda: np.datetime64("2026-01-01", "s") + rows("i8").astype("m8[s]"),
    "text": lambda: rows("U12"),
    "bytes": lambda: rows("S12"),
    "objects": lambda: np.array([{"a": 1}, None, "x", 2.5] * 1_000, dtype=object),
    "structured": lambda: np.array([(1, 2.0, "x")] * ROWS, dtype=[("a", "i4"), ("b", "f8"), ("c", "U3")]),
    "structured with objects": lambda: np.array([(1, "x")] * 100, dtype=[("a", "i4"), ("b", "O")]),
    "0-d": lambda: np.array(7.0),
    "scalar": lambda: np.float32(1.5),
    "empty": lambda: np.zeros((0, 3)),
    "Fortran": lambda: np.asfortranarray(rows("f8").reshape(100, -1)),
    "strided": lambda: rows("f8")[::3],
    "reversed": lambda: rows("f8")[::-1],
    "transposed 3-d": lambda: rows("f8").reshape(10, 30, -1).transpose(2, 0, 1),
    "broadcast": lambda: np.broadcast_to(np.arange(10.0), (ROWS // 10, 10)),
    "masked": lambda: np.ma.masked_array(rows("f8"), rows("i8") % 2 == 0),
    "record": lambda: np.rec.fromarrays([rows("i4"), rows("f8")], names="a,b"),
    "subclass": lambda: Labelled(rows("f8"), "metres"),
    "matrix of a list": lambda: [rows("f8").reshape(-1, 2), {"deep": (rows("i2"),)}],
}


def same(found, expected):
    """Equal in value, class, type of elements and shape."""
    assert type(found) is type(expected)
    if isinstance(expected, np.ma.MaskedArray):
        np.testing.assert_array_equal(found.mask, expected.mask)
        found, expected = found.filled(0), expected.filled(0)
    if isinstance(expected, np.ndarray):
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert getattr(found, "label", None) == getattr(expected, "label", None)
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        same(list(found.values()), list(expected.values()))
    elif isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected)
    elif isinstance(expected, pd.Series):
        pd.testing.assert_series_equal(found, expected)
    elif isinstance(expected, pd.Index):
        pd.testing.assert_index_equal(found, expected, exact=True)
    else:
        assert found == expected


def everywhere(value):
    """What becomes of a value that is put, and of one that is an argument and a result."""
    return [
        gnomon.get(gnomon.put(value)),
        gnomon.get(echo.remote(value)),
        gnomon.get(echo.remote([value]))[0],
    ]


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_arrive_as_they_were(engine, kind):
    value = ARRAYS[kind]()
    for found in everywhere(value):
        same(found, value)


@pytest.mark.parametrize("kind", ["float64", "structured", "Fortran", "big-endian", "text", "datetime"])
def test_arrays_are_aligned_read_only_views(engine, kind):
    ref = gnomon.put(ARRAYS[kind]())
    found = gnomon.get(ref)
    assert not found.flags.writeable
    assert not found.flags.owndata
    if engine != "inline":
        assert found.__array_interface__["data"][0] % 64 == 0
        again = gnomon.get(ref)
        assert np.shares_memory(found, again), "two readers see the same bytes"


FRAMES = {
    "numbers": lambda: pd.DataFrame({"a": rows("f8"), "b": rows("i4"), "c": rows("f4")}),
    "text": lambda: pd.DataFrame({"a": rows("i8"), "b": [f"row {i}" for i in range(ROWS)]}),
    "objects": lambda: pd.DataFrame({"a": pd.Series([{"x": i} for i in range(1_000)], dtype=object)}),
    "nullable": lambda: pd.DataFrame({"a": pd.array([1, None] * 5_000, dtype="Int64")}),
    "categorical": lambda: pd.DataFrame({"a": pd.Categorical(["x", "y", "z"] * 5_000, ordered=True)}),
    "time zones": lambda: pd.DataFrame(
        {"a": pd.date_range("2026", periods=5_000, freq="h", tz="Europe/Zurich")}
    ),
    "intervals": lambda: pd.DataFrame({"a": pd.interval_range(0, 5_000)}),
    "multi-index": lambda: pd.DataFrame(
        {"v": rows("f8")},
        index=pd.MultiIndex.from_product([range(100), range(ROWS // 100)], names=["a", "b"]),
    ),
    "sparse": lambda: pd.DataFrame({"a": pd.arrays.SparseArray((rows("i8") % 100 == 0) * 1.0)}),
    "empty": lambda: pd.DataFrame({"a": []}),
    "series": lambda: pd.Series(rows("f8"), name="s"),
    "index": lambda: pd.RangeIndex(ROWS),
    "timedelta": lambda: pd.Series(pd.to_timedelta(rows("i8"), unit="s")),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_arrive_as_they_were(engine, kind):
    value = FRAMES[kind]()
    for found in everywhere(value):
        same(found, value)


def test_the_numbers_of_a_frame_are_not_copied(engine):
    found = gnomon.get(gnomon.put(FRAMES["numbers"]()))
    column = found["a"].to_numpy()
    assert not column.flags.owndata
    changed = found.copy()
    changed.loc[0, "a"] = -1.0
    assert found.loc[0, "a"] == 0.0
    assert found["a"].sum() == rows("f8").sum()


def test_dates_of_a_frame_are_not_copied(engine):
    frame = pd.DataFrame({"t": pd.date_range("2026", periods=ROWS, freq="s"), "x": rows("f8")})
    found = gnomon.get(gnomon.put(frame))
    same(found, frame)
    assert not found["t"].to_numpy().flags.owndata

    class Tagged(pd.DataFrame):  # which travels by value
        pass

    found = gnomon.get(gnomon.put([Tagged(frame)]))[0]
    assert type(found).__name__ == "Tagged"
    assert not found["t"].to_numpy().flags.owndata


def arrow_values():
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"n": rows("f8"), "s": [f"row {i}" for i in range(ROWS)], "m": [None, 1] * (ROWS // 2)})
    return {
        "table": table,
        "array": table["n"].chunk(0),
        "slice": table["n"].chunk(0).slice(100, 1_000),
        "chunked": table["s"],
        "batch": table.to_batches()[0],
        "dictionary": pa.array(["x", "y"] * 10_000).dictionary_encode(),
        "buffer": pa.py_buffer(bytes(ROWS * 8)),
        "schema": table.schema,
    }


@pytest.mark.parametrize(
    "kind", ["table", "array", "slice", "chunked", "batch", "dictionary", "buffer", "schema"]
)
def test_arrow_arrives_as_it_was(engine, kind):
    value = arrow_values()[kind]
    for found in everywhere(value):
        assert type(found) is type(value)
        assert found.equals(value)


def test_arrow_is_read_without_a_copy(engine):
    pa = pytest.importorskip("pyarrow")
    ref = gnomon.put(pa.table({"n": rows("f8")}))
    before = pa.total_allocated_bytes()
    found = gnomon.get(ref)
    assert found["n"].chunk(0).buffers()[1].address % (16 if engine == "inline" else 64) == 0
    assert pa.total_allocated_bytes() == before


@pytest.mark.parametrize("dtype", ["string[pyarrow]", "double[pyarrow]", "int64[pyarrow]"])
def test_frames_backed_by_arrow(engine, dtype):
    pytest.importorskip("pyarrow")
    value = pd.DataFrame({"a": pd.Series([str(i) for i in range(ROWS)]).astype(dtype)})
    for found in everywhere(value):
        same(found, value)


def test_sparse_matrices(engine):
    sparse = pytest.importorskip("scipy.sparse")
    value = sparse.random(1_000, 1_000, density=0.02, format="csr", random_state=1)
    for found in everywhere(value):
        assert type(found) is type(value)
        assert (found != value).nnz == 0
        assert (found @ np.ones(1_000)).shape == (1_000,)


@pytest.mark.parametrize("size", [0, 10, 100_000, 300_000])
@pytest.mark.parametrize("make", [bytes, bytearray])
def test_bytes_of_every_size(engine, make, size):
    value = make(bytes(range(250)) * (size // 250))
    for found in everywhere(value):
        assert type(found) is make
        assert found == value
    if make is bytearray:
        found.append(1)  # its own: neither the store's nor another reader's
        assert gnomon.get(gnomon.put(value)) == value


def test_a_memoryview_arrives_as_bytes(engine):
    assert gnomon.get(gnomon.put(memoryview(bytearray(b"abc" * 50_000)))) == b"abc" * 50_000


def test_views_can_be_pickled_stored_and_passed_on(engine):
    view = gnomon.get(gnomon.put(rows("f8")))
    same(pickle.loads(pickle.dumps(view[5:10])), rows("f8")[5:10])
    same(gnomon.get(gnomon.put(view)), rows("f8"))
    same(gnomon.get(echo.remote(view[::2])), rows("f8")[::2])


def test_a_slice_outlives_its_reference(engine, until, objects_alive):
    ref = gnomon.put(rows("f8"))
    identity = ref.hex()
    part = gnomon.get(ref)[10:20].reshape(2, 5)
    del ref
    for _ in range(5):
        gnomon.put(np.zeros(ROWS))
    np.testing.assert_array_equal(part.ravel(), np.arange(10.0, 20.0))
    del part
    until(lambda: identity not in objects_alive())


@dataclass
class Point:
    x: float
    tags: list[str] = field(default_factory=list)
    when: datetime.date = datetime.date(2026, 1, 1)


def test_plain_python_of_all_kinds(engine):
    value = {
        "date": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "decimal": decimal.Decimal("1.10"),
        "point": Point(1.5, ["a"]),
        "set": {1, frozenset({2})},
        "range": range(10),
        (1, 2): ...,
        "large": 10**1000,
        "surrogate": "\ud800",
    }
    for found in everywhere(value):
        assert found == value


def test_cyclic_and_shared_structures(engine):
    shared = [1]
    value = {"a": shared, "b": shared}
    value["self"] = value
    for found in everywhere(value):
        assert found["self"] is found
        assert found["a"] is found["b"]


def test_deep_structures_arrive_or_say_that_they_are_too_deep(engine):
    def nested(depth):
        value = None
        for _ in range(depth):
            value = [value]
        return value

    found = gnomon.get(gnomon.put(nested(200)))
    for _ in range(200):
        [found] = found
    assert found is None
    with pytest.raises(SerializationError, match="nested too deeply"):
        gnomon.put(nested(200_000))
    assert gnomon.get(echo.remote(1)) == 1


def test_a_reduce_that_raises_names_the_path(engine):
    class Bad:
        def __reduce__(self):
            raise RuntimeError("not today")

    with pytest.raises(SerializationError, match=r"the value -> \['a'\] -> \[1\]: RuntimeError: not today"):
        gnomon.put({"a": [1, Bad()]})

    @gnomon.remote
    def make():
        return {"b": Bad()}

    with pytest.raises(SerializationError, match=r"the result of make -> \['b'\]: RuntimeError: not today"):
        gnomon.get(make.remote())
