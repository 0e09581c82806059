"""Who holds what, by name: on both engines, over a real session."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import gnomon
from gnomon import observe
from gnomon._engine import local_memory
from gnomon.observe import hooks
from gnomon.observe.memory_report import MemoryReport, MemoryRow, ObjectHolder, memory_text

LIMIT_S = 20.0


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for holders takes as long as it takes on a loaded machine; but for a test that gives it no time."""
    monkeypatch.setattr(local_memory, "SEARCH_MAX_S", 20.0)


@pytest.fixture(params=["inline", "local"])
def session(request: pytest.FixtureRequest) -> Iterator[str]:
    gnomon.init(engine=request.param, num_cpus=2, object_store_memory=64_000_000)
    yield request.param
    gnomon.shutdown()
    hooks.set_origin(None)
    hooks.set_names(None)


@pytest.fixture
def local_session() -> Iterator[None]:
    gnomon.init(num_cpus=2, object_store_memory=64_000_000)
    yield
    gnomon.shutdown()
    hooks.set_origin(None)


def holders(ref: Any) -> list[str]:
    """Everything that holds an object but the tests' own frames."""
    (row,) = observe.memory(ref).rows
    return [str(holder) for holder in row.holders if " in the running " not in holder.name]


def until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what}"
        gc.collect()
        threading.Event().wait(0.01)


def test_without_a_session_there_is_nothing():
    assert observe.memory() == MemoryReport()


def test_a_row_says_what_an_object_is(session):
    @gnomon.remote
    def make(size: int) -> bytes:
        return b"1" * size

    hooks.set_origin(hooks.Origin("cell-7", "In [7]"))
    large = make.remote(1_000_000)
    line = sys._getframe().f_lineno - 1
    gnomon.wait([large])
    small = gnomon.put("small")
    report = observe.memory(timeout_s=LIMIT_S)
    assert [row.object_id for row in report.rows] == [large.hex(), small.hex()]
    row = report.rows[0]
    assert 1_000_000 < (row.size_bytes or 0) < 1_001_000
    assert (row.state, row.producer, row.call_site) == ("store", "make", f"In [7]:{line}")
    assert (row.owner, row.task_id) == ("driver", large.task_id().hex())
    assert report.rows[1].producer == "put"
    assert (report.silent, report.left_out, report.complete) == (0, 0, True)
    assert report.store_used_bytes >= 1_000_000
    assert report.store_capacity_bytes == 64_000_000


def test_results_of_which_one_can_not_be_stored_leave_no_room_taken(local_session):
    @gnomon.remote(num_returns=2)
    def make():
        return b"1" * 5_000_000, threading.Lock()

    first, second = make.remote()
    with pytest.raises(gnomon.exceptions.SerializationError, match="result of make"):
        gnomon.get(second)
    with pytest.raises(gnomon.exceptions.SerializationError):
        gnomon.get(first)
    until(lambda: observe.memory().store_used_bytes < 1_000_000, "the first result's room to be free")


@gnomon.remote
class Gate:
    """Its first call lasts until the second."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()

    async def wait(self, _given: bytes) -> None:
        await self.opened.wait()

    async def open(self) -> None:
        self.opened.set()


def test_a_large_argument_says_where_it_was_passed(local_session):
    @gnomon.remote
    def use(_gate: None, given: bytes) -> int:
        return len(given)

    def largest() -> str:
        return observe.memory(timeout_s=LIMIT_S).rows[0].call_site

    hooks.set_origin(hooks.Origin("cell-7", "In [7]"))
    gate = Gate.remote()
    passed, line = gate.wait.remote(b"1" * 1_000_000), sys._getframe().f_lineno
    assert largest() == f"In [7]:{line}"
    result, line = use.remote(passed, b"1" * 2_000_000), sys._getframe().f_lineno
    assert largest() == f"In [7]:{line}"
    gnomon.get(gate.open.remote(), timeout=LIMIT_S)
    assert gnomon.get(result, timeout=LIMIT_S) == 2_000_000


@pytest.mark.parametrize("engine", ["inline", "local"])
def test_files_and_lines_are_noted_on_request(engine):
    gnomon.init(engine=engine, num_cpus=1, _system_config={"record_call_sites": True})
    try:

        @gnomon.remote
        def make() -> int:
            return 1

        result, line = make.remote(), sys._getframe().f_lineno
        assert observe.memory(result).rows[0].call_site == f"test_memory.py:{line}"
        stored = gnomon.put(1)
        assert observe.memory(stored).rows[0].call_site.startswith("test_memory.py")
        assert hooks.current_origin() is not None
        del result, stored
    finally:
        gnomon.shutdown()
    assert hooks.current_origin() is None


def test_variables_are_told_with_the_path_to_the_reference(session):
    class Config:
        def __init__(self) -> None:
            self.data = {"train": [gnomon.put(1), gnomon.put(2)]}

    config = Config()
    hooks.set_names(lambda: [("variable", "config", config)])
    first, second = (observe.memory(ref).rows[0].holders for ref in config.data["train"])
    assert ObjectHolder("variable", "config.data['train'][0]") in first
    assert ObjectHolder("variable", "config.data['train'][1]") in second


def test_a_running_function_is_named_and_left_as_it_was(session):
    def inner() -> MemoryRow:
        mine = gnomon.put("mine")
        return observe.memory(mine).rows[0]

    row = inner()
    assert [holder.kind for holder in row.holders] == ["local"]
    assert row.holders[0].name.startswith("mine in the running ")
    assert row.holders[0].name.endswith("inner()")
    until(lambda: observe.memory(row.object_id).rows == (), "the look to leave nothing behind")


def test_a_closure_is_named(session):
    def make() -> Any:
        hidden = gnomon.put("hidden")
        return (lambda: hidden), hidden.hex()

    function, identity = make()
    hooks.set_names(lambda: [("variable", "function", function)])
    assert [name for name in holders(identity) if "in the closure of" in name]


def test_what_a_remote_function_has_captured_is_named(session):
    captured = gnomon.put("captured")

    @gnomon.remote
    def look() -> int:
        return len(repr(captured))

    gnomon.get(look.remote())
    identity = captured.hex()
    hooks.set_names(lambda: [("variable", "look", look)])
    assert any("captured" in name for name in holders(identity))


def test_the_last_error_is_named(session, monkeypatch):
    def fail() -> None:
        caught = gnomon.put("caught")
        raise ValueError(caught.hex())

    try:
        fail()
    except ValueError as error:
        identity = str(error)
        monkeypatch.setattr(sys, "last_value", error, raising=False)
    (row,) = observe.memory(identity).rows
    assert {(holder.kind, holder.name.split(" ")[0]) for holder in row.holders} == {("traceback", "caught")}
    monkeypatch.undo()


def test_an_actor_is_named_with_the_field(session):
    @gnomon.remote
    class Keeper:
        def keep(self, refs: list[Any]) -> None:
            self.kept = {"first": refs}

    keeper = Keeper.remote()
    gnomon.get(keeper.keep.remote([ref := gnomon.put("kept")]))
    names = holders(ref)
    assert any(name.startswith("Keeper.self.kept['first'][0]") for name in names), names


def test_a_container_is_named(session):
    inner = gnomon.put("inner")
    outer = gnomon.put([inner])
    assert f"inside ObjectRef({outer.hex()}) of put" in holders(inner)
    identity = inner.hex()
    del inner
    assert holders(identity) == [f"inside ObjectRef({outer.hex()}) of put"]


def test_a_running_task_is_named(local_session):
    numpy = pytest.importorskip("numpy")

    @gnomon.remote
    class Gate:
        def __init__(self) -> None:
            self.open = False

        def let_pass(self) -> None:
            self.open = True

        def is_open(self) -> bool:
            return self.open

    @gnomon.remote
    def use(value: Any, gate: Any) -> None:
        while not gnomon.get(gate.is_open.remote()):
            pass

    gate = Gate.remote()
    gnomon.get(gate.is_open.remote())
    argument = gnomon.put(numpy.zeros(200_000))
    running = use.remote(argument, gate)
    until(lambda: "argument of use (running)" in holders(argument), "the task to run")
    until(
        lambda: any("value in the running" in str(h) for h in observe.memory(argument).rows[0].holders),
        "its frame",
    )
    (pending,) = observe.memory(running).rows
    assert (pending.state, pending.size_bytes) == ("pending", None)
    gnomon.get(gate.let_pass.remote())
    gnomon.get(running)
    until(lambda: not any("use" in name for name in holders(argument)), "the task to let go")


def test_items_that_nobody_has_taken_are_named(local_session):
    @gnomon.remote(num_returns="streaming")
    def count() -> Iterator[int]:
        yield from range(3)

    items = count.remote()
    first = next(items)
    gnomon.get(items.completed())
    rows = {row.object_id: row for row in observe.memory().rows}
    waiting = [row for identity, row in rows.items() if identity != first.hex()]
    assert [row.holders[0].kind for row in waiting] == ["generator", "generator"]
    assert waiting[0].holders[0].name == "not taken yet from the generator count"


def test_an_array_over_the_store_holds_its_object(local_session):
    numpy = pytest.importorskip("numpy")
    ref = gnomon.put(numpy.zeros(200_000))
    shown = {"part": gnomon.get(ref)[10:20]}
    identity = ref.hex()
    hooks.set_names(lambda: [("variable", "shown", shown)])
    del ref
    try:
        assert holders(identity) == ["shown['part']"]
    finally:
        hooks.set_names(None)
    shown.clear()
    until(lambda: observe.memory(identity).rows == (), "the array to be gone")


def test_objects_of_tasks_are_owned_by_their_worker(local_session):
    @gnomon.remote
    def nested() -> list[Any]:
        return [gnomon.put("inner")]

    outer = nested.remote()
    (inner,) = gnomon.get(outer)
    (row,) = observe.memory(inner).rows
    assert row.owner == "worker"
    assert row.owner_pid > 0
    assert (row.state, row.producer) == ("memory", "put")


def test_only_what_was_asked_for(session):
    refs = [gnomon.put(number) for number in range(5)]
    report = observe.memory([refs[1], refs[3].hex()])
    assert {row.object_id for row in report.rows} == {refs[1].hex(), refs[3].hex()}
    assert observe.memory([]).rows == ()
    with pytest.raises(ValueError, match="40 hexadecimal digits"):
        observe.memory("abc")


def test_a_search_that_runs_out_of_time_says_so(session):
    refs = [gnomon.put(1)]
    many = [[number] for number in range(100_000)]
    hooks.set_names(lambda: [("variable", "many", many)])
    report = observe.memory(refs, timeout_s=0.0)
    assert not report.complete
    assert [holder.kind for holder in report.rows[0].holders] == ["handle"]
    assert "ran out of time" in memory_text(report)


# -- the table ----------------------------------------------------------------------------------------------------


def row(number: int, **changes: Any) -> MemoryRow:
    fields: dict[str, Any] = {
        "object_id": f"{number:040x}",
        "task_id": f"{number:032x}",
        "size_bytes": 1_000 * number,
        "state": "store",
        "producer": "make",
        "call_site": "In [3]:2",
        "owner": "driver",
        "owner_pid": 100 - number,
        "nodes": ("000001",),
        "handles": 1,
        "holders": (ObjectHolder("variable", f"x{number}"),),
        **changes,
    }
    return MemoryRow(**fields)


REPORT = MemoryReport(
    (
        row(3),
        row(2, nodes=("000002", "000001")),
        row(1, state="pending", size_bytes=None, nodes=(), call_site=""),
    ),
    store_used_bytes=5_000,
    store_capacity_bytes=10_000,
)


def test_the_table_groups_by_node():
    lines = memory_text(REPORT, units="KB").splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == [
        "node 1: 1 object, 3.000 KB",
        "node 2: 1 object, 2.000 KB",
        "with their owners, in no store: 1 object, 0.000 KB",
        "3 objects; object stores: 5.000 KB of 10.000 KB used",
    ]
    assert any(
        "store, 2 copies" in line and "  x2  " in line and line.endswith(f"{2:040x}") for line in lines
    )


def test_sizes_are_told_as_people_read_them():
    lines = memory_text(REPORT, units="auto").splitlines()
    assert [line.partition(": ")[2] for line in lines if line and not line.startswith(" ")] == [
        "1 object, 3 kB",
        "1 object, 2 kB",
        "1 object, 0 B",
        "5 kB of 10 kB used",
    ]
    large = MemoryReport(store_used_bytes=999_600, store_capacity_bytes=7_582_949_000)
    assert memory_text(large, units="auto") == "0 objects; object stores: 1.0 MB of 7.6 GB used"


def test_an_owner_of_all_is_told_once():
    text = memory_text(MemoryReport((row(3), row(2, owner_pid=97))), units="auto")
    first, head, *_rest = text.splitlines()
    assert first.endswith(": 2 objects, 5 kB, owner driver (pid 97)")
    assert "owner" not in head
    other = memory_text(MemoryReport((row(3), row(2))), units="auto").splitlines()
    assert other[0].endswith(": 2 objects, 5 kB")
    assert "owner" in other[1]


def test_one_long_name_does_not_widen_all_rows():
    long = row(2, holders=(ObjectHolder("variable", "a" * 300),))
    lines = memory_text(MemoryReport((row(3), long))).splitlines()
    assert "a" * 300 in "".join(lines)
    assert max(len(line) for line in lines if "aaa" not in line) < 160


def test_the_table_groups_by_call_site_and_sorts():
    text = memory_text(REPORT, group_by="STACK_TRACE", sort_by="PID")
    assert "call site In [3]:2 (make): 2 objects, 5,000 B" in text
    assert text.index("x3") < text.index("x2")
    assert "call site not known (make): 1 object, 0 B" in text


def test_the_table_can_be_short():
    assert memory_text(REPORT, stats_only=True) == "3 objects; object stores: 5,000 B of 10,000 B used"
    spilled = MemoryReport(store_used_bytes=5_000, store_capacity_bytes=10_000, store_spilled_bytes=7_000)
    told = "0 objects; object stores: 5.000 KB of 10.000 KB used, 7.000 KB on disk"
    assert memory_text(spilled, units="KB") == told
    assert "... and 1 more" in memory_text(REPORT, group_by="STACK_TRACE", limit=1)


@pytest.mark.parametrize(
    ("option", "allowed"),
    [
        ("group_by", "NODE_ADDRESS, STACK_TRACE"),
        ("sort_by", "PID, OBJECT_SIZE"),
        ("units", "B, KB, MB, GB, auto"),
    ],
)
def test_an_unknown_word_is_refused(option, allowed):
    with pytest.raises(ValueError, match=f"{option} of .* must be one of {allowed}"):
        memory_text(REPORT, **{option: "x"})


def test_reference_types_are_those_of_ray():
    task = (ObjectHolder("task", "argument of f (running)"),)
    inside = (ObjectHolder("container", "inside ObjectRef(1) of f"),)
    assert row(1).reference_types == ("LOCAL_REFERENCE",)
    assert row(1, holders=task, handles=0).reference_types == ("PINNED_IN_MEMORY", "USED_BY_PENDING_TASK")
    assert row(1, holders=inside, state="memory").reference_types == ("CAPTURED_IN_OBJECT",)
    assert row(1, holders=(), state="memory").reference_types == ("UNKNOWN",)
