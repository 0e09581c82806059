"""The panel's comm in a real kernel: served on the control channel while a cell runs."""

from __future__ import annotations

import uuid

import pytest

from kernel.feed_kernel import FeedKernel, FeedView, feed_kernel


@pytest.fixture(scope="module")
def kernel():
    with feed_kernel() as kernel:
        yield kernel


def open_panel(kernel: FeedKernel) -> FeedView:
    identity = f"gnomon-{uuid.uuid4().hex}"
    kernel.send("control", "comm_open", {"comm_id": identity, "target_name": "gnomon.panel", "data": {}})
    return FeedView(kernel, identity)


def tell(view: FeedView, **data: object) -> None:
    view.kernel.send("control", "comm_msg", {"comm_id": view.identity, "data": data})


def close_panel(view: FeedView) -> None:
    view.kernel.send("control", "comm_close", {"comm_id": view.identity, "data": {}})


@pytest.fixture
def registered(kernel: FeedKernel):
    kernel.run("panel.register(get_ipython())")
    yield
    kernel.run("panel.unregister(get_ipython())")


def test_the_hub_tells_whether_the_extension_is_loaded(kernel):
    assert kernel.comms("gnomon.hub") == {}
    kernel.run("panel.register(get_ipython()); panel.register(get_ipython())")
    hello = kernel.wait_for(lambda message: message["header"]["msg_type"] == "comm_msg")
    assert hello["content"]["data"] == {"kind": "hello", "version": 1}
    assert len(kernel.comms("gnomon.hub")) == 1
    kernel.run("panel.unregister(get_ipython()); panel.unregister(get_ipython())")
    assert kernel.comms("gnomon.hub") == {}
    kernel.run("assert 'comm_open' not in get_ipython().kernel.control_handlers")


def test_live_while_a_cell_blocks(kernel, registered, tmp_path):
    stop, release = tmp_path / "stop", tmp_path / "release"
    kernel.run(f"work_until({str(stop)!r}, 'job')")
    cell = kernel.start(f"block_until({str(release)!r})")
    kernel.wait_for(lambda message: message["header"]["msg_type"] == "execute_input")
    view = open_panel(kernel)
    tell(view, kind="subscribe")
    view.until(lambda: bool(view.reader.tasks))
    seen = len(view.reader.tasks)
    view.until(lambda: len(view.reader.tasks) > seen and 3 in view.reader.states())
    tell(view, kind="detail", id=0)
    detail = view.next()
    while detail["kind"] != "detail":
        detail = view.next()
    assert (detail["id"], detail["name"]) == (0, "job")
    tell(view, kind="hidden")
    tell(view, kind="visible")
    snapshots = view.reader.snapshots
    view.until(lambda: view.reader.snapshots > snapshots)
    stop.touch()
    assert not kernel.is_idle_after(cell)
    release.touch()
    kernel.wait_for_reply(cell)
    close_panel(view)
    # a message on the control channel is answered after those sent before it on the same channel
    kernel.comms("gnomon.hub")
    kernel.run("from gnomon_kernel.feed import sender\nassert not sender()._links")


def test_a_session_that_ends_and_a_new_one(kernel, registered):
    view = open_panel(kernel)
    tell(view, kind="subscribe")
    view.until(lambda: view.reader.session == "session-1")
    kernel.run("session.current_engine = lambda: None")
    view.until(lambda: view.reader.idle == 1)
    kernel.run("second = SimpleNamespace(ledger=Ledger('session-2'), name='inline')")
    kernel.run("session.current_engine = lambda: second")
    view.until(lambda: view.reader.session == "session-2")
    assert view.reader.tasks == []
    kernel.run("session.current_engine = lambda: engine")
    close_panel(view)


def test_a_status_bar_is_told_what_has_changed_and_nothing_else(kernel, registered, tmp_path):
    bar = open_panel(kernel)
    tell(bar, kind="summarise")
    first = bar.next()
    assert (first["kind"], first["session"], first["busy"]) == ("summary", "session-1", 0)
    assert 0 < first["memory_used_bytes"] <= first["memory_total_bytes"]
    view = open_panel(kernel)  # looks at the same kernel, and is told of tasks
    tell(view, kind="subscribe")
    kernel.run("job = engineer.submit('job'); engineer.submit('job')")
    view.until(lambda: view.reader.states()[-1:] == [0])
    while bar.next()["queued"] != first["queued"] + 2:
        pass
    kernel.run("ledger.node_changed('aa', alive=True, workers=3); engineer.start(job)")
    while (told := bar.next())["workers"] != 3:
        pass
    assert (told["busy"], told["queued"]) == (1, first["queued"] + 1)
    close_panel(bar)
    close_panel(view)
    kernel.run("engineer.finish(job); ledger.nodes.clear()")
