"""What only the inline engine does, and what it writes for the views."""

import asyncio
import threading

import pytest

import gnomon
from gnomon._api import session
from gnomon._core.ledger import TaskState
from gnomon._engine.base import Origin
from gnomon.observe import hooks

pytestmark = pytest.mark.usefixtures("inline")


@gnomon.remote
def f(x=0):
    return x


@gnomon.remote
class Gate:
    """Who enters stays."""

    async def enter(self):
        await asyncio.Event().wait()

    async def ping(self):
        return 1


def rows():
    return session.current.ledger.tasks


def test_a_task_runs_in_the_calling_thread():
    seen = []

    class Probe:
        def __reduce__(self):
            return threading.get_ident, ()

    @gnomon.remote
    def where(_probe):
        return threading.get_ident()

    seen.append(gnomon.get(where.remote(Probe())))
    assert seen == [threading.get_ident()]


def test_prints_just_print(capsys):
    @gnomon.remote
    def speak():
        print("from a task")

    speak.remote()
    assert capsys.readouterr().out == "from a task\n"


def test_rows_of_tasks():
    @gnomon.remote
    def outer():
        return gnomon.get(f.remote(1))

    hooks.set_origin(Origin("cell-1", "In [1]"))
    try:
        first = outer.remote()
    finally:
        hooks.set_origin(None)
    f.remote(first)
    with pytest.raises(ZeroDivisionError):
        gnomon.get(gnomon.remote(lambda: 1 / 0).remote())
    ledger = session.current.ledger
    names = [ledger.names.entries[row.group] for row in rows()]
    assert names == ["outer", "f", "f", "<lambda>"]
    assert [row.state for row in rows()] == [TaskState.DONE] * 3 + [TaskState.FAILED]
    assert [row.parent for row in rows()] == [-1, 0, -1, -1]
    assert [row.deps for row in rows()] == [(), (), (0,), ()]
    assert [ledger.cells.entries[row.cell][1] for row in rows()] == ["In [1]", "In [1]", "", ""]
    assert all(0 < row.created <= row.started <= row.finished for row in rows())
    assert rows()[0].line == test_rows_of_tasks.__code__.co_firstlineno + 7
    assert "ZeroDivisionError" in rows()[3].error
    assert ledger.counts[ledger.group("f")][TaskState.DONE] == 2


def test_rows_of_objects_and_totals():
    ledger = session.current.ledger
    small, large = gnomon.put("x"), f.remote(b"y" * 200_000)
    assert ledger.objects[small.hex()][1:3] == ["memory", "put"]
    assert ledger.objects[large.hex()][1:3] == ["store", "f"]
    assert ledger.totals["count"] == 2
    assert ledger.totals["store_used_bytes"] > 200_000
    del small, large
    assert (ledger.totals["count"], ledger.totals["store_used_bytes"], ledger.objects) == (0, 0, {})


def test_rows_of_actors_and_the_node():
    ledger = session.current.ledger

    @gnomon.remote
    class Thing:
        def method(self):
            return dict(row())

    def row():
        return next(iter(ledger.actors.values()))

    thing = Thing.options(name="t").remote()
    assert (row()["class"], row()["name"], row()["state"]) == ("Thing", "t", "alive")
    gnomon.kill(thing)
    assert row()["state"] == "dead"
    assert "kill" in row()["cause"]
    (node,) = ledger.nodes.values()
    assert node["alive"]
    assert node["resources"]["CPU"] == 2.0


def test_cancel_cell_meets_the_unfinished_calls():
    gate = Gate.remote()
    hooks.set_origin(Origin("cell-1", "In [1]"))
    try:
        refs = [gate.enter.remote() for _ in range(3)]
    finally:
        hooks.set_origin(None)
    gnomon.get(gate.ping.remote())
    receipt = hooks.cancel_cell("cell-1")
    assert (receipt.cancelled, receipt.running) == (3, 3)
    for ref in refs:
        with pytest.raises(gnomon.exceptions.TaskCancelledError):
            gnomon.get(ref, timeout=30)
    assert hooks.cancel_cell("cell-1").cancelled == 0


def test_an_interrupt_inside_a_task_reaches_the_caller():
    @gnomon.remote
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted.remote()
    assert rows()[-1].state == TaskState.CANCELLED


def test_waits_nest_deeply():
    @gnomon.remote
    def deep(n):
        return 0 if n == 0 else 1 + gnomon.get(deep.remote(n - 1))

    assert gnomon.get(deep.remote(1000)) == 1000


def test_threads_share_a_session():
    total = []

    def work():
        total.append(sum(gnomon.get([f.remote(i) for i in range(100)])))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == [4950] * 4
    assert session.current.ledger.totals["count"] == 0


def test_shutdown_while_calls_are_pending():
    gate = Gate.remote()
    pending = gate.enter.remote()
    gnomon.get(gate.ping.remote())
    gnomon.shutdown()
    assert not gnomon.is_initialized()
    del pending
