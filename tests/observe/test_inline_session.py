"""The feed and the rows over a real session, on the inline engine."""

from __future__ import annotations

import pytest

import gnomon
from gnomon import observe
from gnomon.observe import hooks
from observe.feed_reader import FeedReader


@pytest.fixture
def session():
    gnomon.init(engine="inline")
    yield
    gnomon.shutdown()
    hooks.set_origin(None)


def test_a_session_from_start_to_end(session):
    @gnomon.remote
    def square(x):
        return x * x

    @gnomon.remote
    def total(*values):
        return sum(values)

    @gnomon.remote
    class Counter:
        def add(self):
            return 1

    reader = FeedReader()
    subscription = observe.feed().subscribe()
    try:
        reader.read(subscription.poll())
        hooks.set_origin(hooks.Origin("cell-1", "In [1]"))
        parts = [square.remote(number) for number in range(3)]
        result = total.remote(*parts)
        counter = Counter.remote()
        assert gnomon.get(result) == 5
        assert gnomon.get(counter.add.remote()) == 1
        while (message := subscription.poll()) is not None:
            reader.read(message)
        assert reader.tasks[3]["deps"] == [0, 1, 2]
        assert reader.cells[reader.tasks[3]["cell"]] == {"id": "cell-1", "label": "In [1]"}
        assert set(reader.states()) == {3}
        assert sum(counts[3] for counts in reader.groups.values()) == len(reader.tasks)
        assert [row["state"] for row in reader.actors.values()] == ["alive"]
        assert [row["alive"] for row in reader.nodes.values()] == [True]
        assert observe.summary()["tasks"]["done"] == len(observe.tasks())
        assert [row["cell"] for row in observe.tasks()] == ["In [1]"] * len(observe.tasks())
        gnomon.shutdown()
        while (message := subscription.poll()) is not None:
            reader.read(message)
        assert reader.idle == 1
    finally:
        subscription.close()


def test_a_task_that_raises_is_told_with_its_error(session):
    @gnomon.remote
    def broken():
        raise KeyError("x")

    reference = broken.remote()
    with pytest.raises(KeyError):
        gnomon.get(reference)
    reader = FeedReader()
    subscription = observe.feed().subscribe()
    try:
        reader.read(subscription.poll())
    finally:
        subscription.close()
    assert reader.states() == [4]
    assert "x" in reader.errors[0]
