"""Fields that a class names in ``watch``: what the views show of them, on every engine."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import gnomon
from gnomon import observe

WITHIN_S = 30.0


@pytest.fixture
def watched(engine: str) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The watched fields of all actors of a class ``Trainer`` that live, while somebody looks."""
    if engine == "ray":
        pytest.skip("Ray has no watched fields")
    subscription = observe.feed().subscribe()

    def now() -> list[dict[str, Any]]:
        subscription.poll()
        return [row.get("watched", {}) for row in observe.actors() if row["state"] != "dead"]

    yield now
    subscription.close()


@gnomon.remote
class Trainer:
    watch = ("step", "loss", "note", "later", "hidden")

    def __init__(self):
        self.step = 0
        self.loss = float("nan")
        self.note = "x" * 1_000

    @property
    def hidden(self):
        raise AssertionError("views call nothing of the user's")

    def train(self, steps):
        for _ in range(steps):
            self.step += 1
            self.loss = 1 / self.step
        return self.step

    def train_until(self, path):
        self.step = 1_000
        while not path.exists():
            threading.Event().wait(0.01)

    def learn(self):
        self.later = [1, 2]


@gnomon.remote
class Watch:
    """Its ``watch`` is something else: views leave it alone."""

    def watch(self):
        return "tick"


def test_the_last_value_is_shown_exactly(watched, until):
    trainers = [Trainer.remote() for _ in range(3)]
    gnomon.get([trainer.train.remote(7) for trainer in trainers for _ in range(20)])
    until(lambda: [row.get("step") for row in watched()] == [140] * 3, WITHIN_S)
    assert {row["loss"] for row in watched()} == {1 / 140}


def test_fields_are_bounded_and_nothing_is_called(watched, until):
    trainer = Trainer.remote()
    gnomon.get(trainer.train.remote(0))
    until(lambda: watched() == [{"step": 0, "loss": "nan", "note": "x" * 79 + "…"}], WITHIN_S)
    gnomon.get(trainer.learn.remote())
    until(lambda: watched()[0].get("later") == "list of 2", WITHIN_S)


def test_fields_are_shown_while_a_method_runs(engine, watched, until, tmp_path):
    if engine == "inline":
        pytest.skip("nobody can look while a method runs")
    trainer = Trainer.remote()
    call = trainer.train_until.remote(tmp_path / "stop")
    until(lambda: [row.get("step") for row in watched()] == [1_000], WITHIN_S)
    (tmp_path / "stop").touch()
    gnomon.get(call)


def test_a_class_that_means_something_else_by_watch(watched, until):
    watch = Watch.remote()
    assert gnomon.get(watch.watch.remote()) == "tick"
    until(lambda: [row["done"] for row in observe.actors() if row["state"] == "alive"] == [1], WITHIN_S)
    assert watched() == [{}]
