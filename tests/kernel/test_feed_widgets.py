"""Views in a cell's output: the live one in a real kernel, and the static twins."""

from __future__ import annotations

import base64
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from gnomon import observe
from gnomon._core.ledger import Ledger
from gnomon._messages.cluster import ReportedSpan
from gnomon.ids import WorkerID
from gnomon_kernel import widgets
from gnomon_kernel.widgets import static
from kernel.feed_kernel import FeedKernel, FeedView, feed_kernel
from observe.engineer import Engineer

HELD = "results['big'] of a long variable name that goes on and on"
WIDGET = "application/vnd.jupyter.widget-view+json"
TWIN_BYTES_MAX = 100_000


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory):
    with feed_kernel() as kernel:
        kernel.let_draw(tmp_path_factory.mktemp("script"))
        kernel.run("from gnomon.observe import hooks")
        yield kernel


@pytest.fixture
def released(kernel: FeedKernel):
    yield
    kernel.run("hooks.set_origin(None)\nwidgets.close_all()\nassert not widgets._shown")


def shown(kernel: FeedKernel) -> tuple[str, dict[str, object], dict[str, object]]:
    """The widget's model id, and the two bundles that ``show`` publishes."""
    live = kernel.wait_for(lambda message: WIDGET in message["content"].get("data", {}))
    twin = kernel.wait_for(lambda message: "text/html" in message["content"].get("data", {}))
    return live["content"]["data"][WIDGET]["model_id"], live["content"]["data"], twin["content"]


def test_live_while_the_cell_that_shows_it_blocks(kernel, released, tmp_path):
    stop, release = tmp_path / "stop", tmp_path / "release"
    kernel.run(f"work_until({str(stop)!r}, 'job')")
    cell = kernel.start(f"widgets.show('graph')\nblock_until({str(release)!r})")
    opened = kernel.wait_for(lambda message: "_view" in message["content"].get("data", {}).get("state", {}))
    assert opened["content"]["data"]["state"]["_view"] == "graph"
    model, _live, _twin = shown(kernel)
    assert model == opened["content"]["comm_id"]
    view = FeedView(kernel, model, custom=True)
    # the view has said nothing yet: in some hosts it can not while the kernel is busy
    view.until(lambda: 3 in view.reader.states())
    subshell = kernel.ask_control("create_subshell_request", {})["subshell_id"]
    question = {"method": "custom", "content": {"kind": "detail", "id": 0}}
    kernel.send("shell", "comm_msg", {"comm_id": model, "data": question}, subshell_id=subshell)
    while view.next()["kind"] != "detail":
        pass
    stop.touch()
    assert not kernel.is_idle_after(cell)
    release.touch()
    kernel.wait_for_reply(cell)
    kernel.ask_control("delete_subshell_request", {"subshell_id": subshell})


def test_what_a_blocked_cell_held_up_does_not_leave_a_view_in_the_dark(kernel, released, tmp_path):
    """JupyterLab sends a widget's messages to the main shell until the kernel has told it of a subshell."""
    release = tmp_path / "release"
    cell = kernel.start(f"widgets.show('graph')\nblock_until({str(release)!r})")
    model, _live, _twin = shown(kernel)
    view = FeedView(kernel, model, custom=True)

    def say(kind: str, **header: str) -> None:
        data = {"method": "custom", "content": {"kind": kind}}
        kernel.send("shell", "comm_msg", {"comm_id": model, "data": data}, **header)

    say("hidden")
    subshell = kernel.ask_control("create_subshell_request", {})["subshell_id"]
    say("visible", subshell_id=subshell)
    view.until(lambda: view.reader.snapshots > 0)
    release.touch()
    kernel.wait_for_reply(cell)
    while view.next()["kind"] != "hidden":
        pass
    say("resync", subshell_id=subshell)
    before = view.reader.snapshots
    view.until(lambda: view.reader.snapshots > before)
    kernel.ask_control("delete_subshell_request", {"subshell_id": subshell})


def test_the_twin_is_brought_up_to_date_by_later_cells(kernel, released):
    kernel.run("widgets.show('dashboard')")
    _model, live, twin = shown(kernel)
    assert live["text/plain"] == "gnomon: live dashboard"
    place = twin["transient"]["display_id"]
    kernel.run("engineer.submit('late_function')")
    update = kernel.wait_for(
        lambda message: "late_function" in message["content"].get("data", {}).get("text/html", "")
    )
    assert update["header"]["msg_type"] == "update_display_data"
    assert update["content"]["transient"]["display_id"] == place
    assert "late_function: 1 waiting" in update["content"]["data"]["text/plain"]


def test_a_cell_that_runs_again_closes_its_earlier_view(kernel, released):
    kernel.run("hooks.set_origin(hooks.Origin('cell-1', 'In [1]'))\nwidgets.show('objects')")
    first, *_ = shown(kernel)
    kernel.run("widgets.show('objects')")
    closed = kernel.wait_for(lambda message: message["header"]["msg_type"] == "comm_close")
    assert closed["content"]["comm_id"] == first
    kernel.run("widgets.show('actors'); widgets.show('graph'); assert len(widgets._shown) == 2")
    kernel.run("hooks.set_origin(hooks.Origin('cell-2', 'In [2]'))\nwidgets.show('graph')")
    kernel.run("assert len(widgets._shown) == 3")


def test_a_view_that_is_closed_leaves_no_comm_open(kernel, released):
    """A widget's layout is a widget of its own: what is left open is kept by the kernel and by the page, for good."""
    kernel.run("print('begun')")
    kernel.wait_for(lambda message: message["content"].get("text") == "begun\n")
    begun = len(kernel.iopub)
    kernel.run("widgets.show('nodes'); widgets.show('graph')")
    kernel.run("widgets.close_all(); print('closed')")
    kernel.wait_for(lambda message: message["content"].get("text") == "closed\n")
    comms = {
        kind: {
            message["content"]["comm_id"]
            for message in kernel.iopub[begun:]
            if message["header"]["msg_type"] == kind
        }
        for kind in ("comm_open", "comm_close")
    }
    assert len(comms["comm_open"]) >= 4
    assert comms["comm_open"] == comms["comm_close"]


def holders(identities, _timeout_s, everywhere):
    """What an engine says of the first object."""
    assert not everywhere, "twins wait for nobody"
    named = tuple(observe.ObjectHolder("variable", name) for name in (HELD, "x", "y"))
    row = observe.MemoryRow(identities[0].hex(), "", 1, "store", "load", "", "driver", 1, (), 3, named)
    return observe.MemoryReport((row,))


@pytest.fixture
def picture(monkeypatch: pytest.MonkeyPatch):
    """Reads the picture of a session that a test has filled."""
    ledger = Ledger("session-1")
    session = SimpleNamespace(
        current_engine=lambda: SimpleNamespace(ledger=ledger, name="local", memory=holders)
    )
    monkeypatch.setitem(sys.modules, "gnomon._api.session", session)
    return Engineer(ledger)


def fill(engineer: Engineer, tasks: int) -> None:
    loads = [engineer.submit("load") for _ in range(tasks)]
    for number, row in enumerate(loads):
        engineer.start(row, worker=number % 50)
        engineer.finish(row, error="KeyError: <b>" if row.index == 1 else "")
        engineer.start(engineer.submit("module.<parse>", deps=(row.index,)))
    engineer.submit("total", deps=tuple(range(tasks, 2 * tasks)))
    for number in range(tasks):
        engineer.ledger.object_changed(f"{number:040x}", 10**number % 10**9, "store", "load", 1, 0, "")
        engineer.ledger.actor_changed(
            f"{number}",
            state="alive" if number else "dead",
            name="a&b",
            watched={"step": number},
            **{"class": "C"},
        )
    for number in range(tasks // 3):
        engineer.ledger.node_changed(
            f"{number:08x}", label=f"node <{number}>", alive=number != 1, workers=3, store_used_bytes=3_400_000,
            store_capacity_bytes=10**8, resources={"CPU": 4.0}, available={"CPU": 1.0},
        )  # fmt: skip
    engineer.ledger.totals.update(count=tasks, store_used_bytes=3_400_000, store_capacity_bytes=10**8)


SVG = "{http://www.w3.org/2000/svg}"


def images(twin: static.Twin) -> list[ElementTree.Element]:
    """The elements of its drawings, from what a page is given: it is well-formed."""
    return list(ElementTree.fromstring(widgets._twin_data(twin)["text/html"]).iter("img"))


def drawings(twin: static.Twin) -> list[ElementTree.Element]:
    """What these hold."""
    kind = "data:image/svg+xml;base64,"
    sources = [image.get("src", "") for image in images(twin)]
    assert all(source.startswith(kind) for source in sources)
    return [ElementTree.fromstring(base64.b64decode(source[len(kind) :])) for source in sources]


@pytest.mark.parametrize("tasks", [0, 3, 12, 800])
@pytest.mark.parametrize("view", list(widgets.VIEWS))
def test_twins_are_small_and_well_formed(picture, view, tasks):
    fill(picture, tasks)
    twin = widgets.VIEWS[view](static.read_picture())
    data = widgets._twin_data(twin)
    assert sum(len(text.encode()) for text in data.values()) < TWIN_BYTES_MAX
    assert all(image.get("alt") for image in images(twin))
    assert all(drawing.tag == f"{SVG}svg" for drawing in drawings(twin))
    assert "<parse>" not in twin.html


def test_twins_tell_the_story_in_words(picture):
    fill(picture, 4)
    picture_now = static.read_picture()
    graph, objects, actors = (
        widgets.VIEWS[name](picture_now).text for name in ("graph", "objects", "actors")
    )
    assert graph.splitlines() == [
        "task graph: 1 waiting, 0 ready, 4 running, 3 done, 1 failed, 0 cancelled",
        "  load: 3 done, 1 failed",
        "  module.<parse>: 4 running",
        "  total: 1 waiting",
    ]
    assert objects.splitlines()[0] == "objects: 4 objects, 3.4 MB in store"
    assert objects.splitlines()[1].endswith(f"load {'':<25} held by {HELD[:39]}…, x and 1 more")
    assert "held by" not in objects.splitlines()[2]
    timeline, nodes = (widgets.VIEWS[name](picture_now).text for name in ("timeline", "nodes"))
    assert timeline.splitlines()[0] == "timeline: 4 workers, 8 spans, 4 running"
    assert timeline.splitlines()[2].startswith("  worker 1: 1 task, busy 0.0 s (")
    assert nodes.splitlines() == [
        "nodes: 1 alive, 0 dead, 3 workers",
        "  node <0>: alive, 3 of 4 CPUs in use, 3 workers, store 3.4 MB of 100 MB",
    ]
    assert actors.splitlines()[2] == "  C 'a&b': alive, step = 1"
    assert actors.splitlines()[0] == "actors: 3 alive, 0 restarting, 1 dead"
    dashboard = widgets.VIEWS["dashboard"](picture_now).text
    assert all(text.splitlines()[0] in dashboard for text in (graph, objects, actors, timeline))
    assert "nodes:" not in dashboard  # one node alone has nothing of its own to tell


def test_the_twin_of_the_timeline_has_what_took_time_besides_tasks(picture):
    fill(picture, 3)
    ledger = picture.ledger
    worker = WorkerID(bytes.fromhex(ledger.workers.entries[0][0]))
    row = ledger.tasks[0]
    ledger.tried(row, row.finished, "its worker died")
    picture.start(row)
    picture.finish(row)
    node = WorkerID(b"nodepro1")
    ledger.node_changed("n1", label="node <7>", process=node.hex())
    ledger.spans_noted(
        ReportedSpan(kind, place, row.created, row.finished, 10, "load")
        for kind, place in (("read", worker), ("write", worker), ("spill", node))
    )
    twin = widgets.VIEWS["timeline"](static.read_picture())
    (drawing,) = drawings(twin)
    texts = [each.text for each in drawing.iter(f"{SVG}text")]
    assert {"arguments read", "result written", "spilled to disk", "tried again"} <= set(texts)
    assert any(text.startswith("node <7>") for text in texts)
    assert "copied from another node" not in texts


def test_the_twin_of_a_long_timeline_keeps_every_failure(picture):
    tasks = [picture.submit("step") for _ in range(3_000)]
    for number, row in enumerate(tasks):
        row.worker = picture.ledger.workers.number((f"{number % 4:016x}", number % 4, f"worker {number % 4}"))
        row.started, row.finished = 100.0 + number, 100.9 + number
        row.state = 4 if number == 1_777 else 3
    twin = widgets.VIEWS["timeline"](static.read_picture())
    (drawing,) = drawings(twin)
    colours = [each.get("fill") for each in drawing.iter(f"{SVG}rect")]
    assert colours.count(static.STATE_COLOURS["failed"]) == 1
    assert len(colours) < 600
    assert "worker 3: 750 tasks, busy 675.0 s (23%)" in twin.text


def test_single_tasks_while_they_are_few_then_boxes(picture):
    fill(picture, 3)
    (few,) = drawings(widgets.VIEWS["graph"](static.read_picture()))
    assert len(list(few.iter(f"{SVG}circle"))) == 7
    fill(picture, 100)
    (many,) = drawings(widgets.VIEWS["graph"](static.read_picture()))
    assert not list(many.iter(f"{SVG}circle"))
    assert "102 of 103 done, 1 failed" in [each.text for each in many.iter(f"{SVG}text")]


def test_functions_that_feed_each_other_are_drawn(picture):
    for number in range(100):
        picture.submit("train" if number % 2 else "judge", deps=(number - 1,) if number else ())
    (drawing,) = drawings(widgets.VIEWS["graph"](static.read_picture()))
    assert "judge" in [each.text for each in drawing.iter(f"{SVG}text")]


def test_an_unknown_view_is_an_error_that_lists_the_views():
    with pytest.raises(ValueError, match="dashboard, graph, objects, actors, timeline, nodes"):
        widgets.show("grph")


def test_unloading_closes_the_views(kernel):
    kernel.run("panel.register(get_ipython()); widgets.show('graph')")
    kernel.run("panel.unregister(get_ipython()); assert not widgets._shown")
    kernel.run("names = [thread.name for thread in threading.enumerate()]\nassert 'gnomon-feed' not in names")
