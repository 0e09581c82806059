"""What views may do to what they show, on every engine: cancel a task, kill an actor, lead to the cell."""

import inspect
import threading

import pytest

import gnomon
from gnomon import observe
from gnomon.exceptions import ActorDiedError, TaskCancelledError
from observe.feed_reader import FeedReader

WITHIN_S = 30.0


@pytest.fixture
def feed(engine):
    if engine == "ray":
        pytest.skip("looks into gnomon's ledger")
    return observe.feed()


@gnomon.remote
def wait_for(path):
    while not path.exists():
        threading.Event().wait(0.01)


@gnomon.remote
class Keeper:
    def __init__(self, kept=0):
        self.kept = kept

    def keep(self):
        self.kept += 1
        return self.kept


def rows_of(name):
    return observe.tasks(name=name)


def row_of(actor):
    return next((row for row in observe.actors() if row["id"] == actor._actor_id.hex()), {})


def test_cancel_a_running_task(engine, feed, until, tmp_path):
    if engine == "inline":
        pytest.skip("a task has ended when its call returns")
    ref = wait_for.remote(tmp_path / "never")
    until(lambda: [row["state"] for row in rows_of("wait_for")] == ["running"], WITHIN_S)
    index = rows_of("wait_for")[-1]["index"]
    answer = feed.cancel(index)
    assert answer == {
        "kind": "note",
        "about": f"task {index}",
        "text": "wait_for is being interrupted.",
    }
    with pytest.raises(TaskCancelledError):
        gnomon.get(ref, timeout=WITHIN_S)
    assert feed.cancel(index)["text"] == "wait_for has ended already."


def test_kill_an_actor(feed, until):
    keeper = Keeper.remote()
    gnomon.get(keeper.keep.remote())
    identity = keeper._actor_id.hex()
    assert feed.kill(identity)["text"] == "Keeper is being killed."
    with pytest.raises(ActorDiedError):
        gnomon.get(keeper.keep.remote(), timeout=WITHIN_S)
    until(lambda: feed.kill(identity)["text"] == "Keeper is dead already.", WITHIN_S)


def test_an_actor_knows_the_cell_and_the_line_that_made_it(feed, until):
    subscription = feed.subscribe()
    observe.hooks.set_origin(observe.hooks.Origin("cell-1", "In [1]"))
    reader = FeedReader()

    def reads() -> bool:
        message = subscription.poll()
        if message is not None:
            reader.read(message)
        return keeper._actor_id.hex() in reader.actors

    try:
        line = inspect.currentframe().f_lineno + 1
        keeper = Keeper.remote()
        gnomon.get(keeper.keep.remote())
        assert (row_of(keeper)["cell"], row_of(keeper)["line"]) == ("In [1]", line)
        # views have a number of their list of cells, as of tasks and objects
        until(reads, WITHIN_S)
        row = reader.actors[keeper._actor_id.hex()]
        assert reader.cells[row["cell"]] == {"id": "cell-1", "label": "In [1]"}
        assert row["line"] == line
    finally:
        observe.hooks.set_origin(None)
        subscription.close()


def test_restart_an_actor(feed, until):
    keeper = Keeper.options(max_restarts=1, max_task_retries=-1).remote(10)
    assert gnomon.get([keeper.keep.remote() for _ in range(2)]) == [11, 12]
    identity = keeper._actor_id.hex()
    text = feed.kill(identity, restart=True)["text"]
    assert text == "Keeper is being killed, and restarted if it may be."
    until(lambda: row_of(keeper).get("restarts") == 1, WITHIN_S)
    assert gnomon.get(keeper.keep.remote(), timeout=WITHIN_S) == 11


def test_what_is_not_there_is_said_to_be_gone(feed):
    assert "has ended" in feed.cancel(10**9)["text"]
    assert "has ended" in feed.cancel(-1)["text"]
    assert "has ended" in feed.kill("ab" * 16)["text"]
