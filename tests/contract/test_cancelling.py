"""Cancelling: what waits, what runs, what has ended; tasks, calls and those below them, on every engine."""

import asyncio

import pytest

import gnomon
from gnomon.exceptions import TaskCancelledError


@gnomon.remote
def echo(x):
    return x


@gnomon.remote
def use(x, marks):
    marks[0].mark.remote(x)
    return x


@gnomon.remote
class Marks:
    def __init__(self):
        self.seen = []

    def mark(self, x):
        self.seen.append(x)

    def read(self):
        return self.seen


def cancelled(ref):
    with pytest.raises(TaskCancelledError):
        gnomon.get(ref, timeout=60)


def test_a_task_that_waits_for_its_argument(gate):
    marks = Marks.remote()
    ref = use.remote(gate.enter.remote("late"), [marks])
    gnomon.cancel(ref)
    cancelled(ref)
    gnomon.get(gate.open.remote())
    assert gnomon.get(marks.read.remote()) == []


def test_what_depends_on_it_is_cancelled_with_it(gate):
    first = echo.remote(gate.enter.remote())
    second = echo.remote(first)
    gnomon.cancel(first)
    cancelled(first)
    cancelled(second)
    gnomon.get(gate.open.remote())


def test_what_has_ended_keeps_its_value():
    ref = echo.remote(1)
    assert gnomon.get(ref) == 1
    gnomon.cancel(ref)
    gnomon.cancel(ref)
    assert gnomon.get(ref) == 1


def test_every_result_is_cancelled(gate):
    @gnomon.remote(num_returns=2)
    def pair(x):
        return x, x

    refs = pair.remote(gate.enter.remote())
    gnomon.cancel(refs[1])
    for ref in refs:
        cancelled(ref)
    gnomon.get(gate.open.remote())


def test_twice(gate):
    ref = echo.remote(gate.enter.remote())
    for _ in range(3):
        gnomon.cancel(ref)
    cancelled(ref)
    gnomon.get(gate.open.remote())


def test_a_call_that_runs_in_an_async_actor(gate, until):
    ref = gate.enter.remote()
    until(lambda: gnomon.get(gate.count.remote()) == 1)
    gnomon.cancel(ref)
    cancelled(ref)
    until(lambda: gnomon.get(gate.cancellations.remote()) == 1)
    assert gnomon.get(gate.plain.remote()) == "plain"


def test_only_that_call_is_cancelled(gate, until):
    refs = [gate.enter.remote(i) for i in range(5)]
    until(lambda: gnomon.get(gate.count.remote()) == 5)
    gnomon.cancel(refs[2])
    cancelled(refs[2])
    gnomon.get(gate.open.remote())
    assert gnomon.get(refs[:2] + refs[3:], timeout=30) == [0, 1, 3, 4]


def test_a_call_that_cleans_up():
    @gnomon.remote
    class Tidy:
        def __init__(self):
            self.log = []

        async def work(self):
            try:
                self.log.append("begun")
                await asyncio.sleep(600)
            finally:
                self.log.append("cleaned")

        async def read(self):
            return self.log

    tidy = Tidy.remote()
    ref = tidy.work.remote()
    while gnomon.get(tidy.read.remote()) != ["begun"]:
        continue
    gnomon.cancel(ref)
    cancelled(ref)
    assert gnomon.get(tidy.read.remote()) == ["begun", "cleaned"]


def test_a_cancelled_call_is_not_tried_again(gate, until):
    ref = gate.enter.options(max_task_retries=5, retry_exceptions=True).remote()
    until(lambda: gnomon.get(gate.count.remote()) == 1)
    gnomon.cancel(ref)
    cancelled(ref)
    assert gnomon.get(gate.count.remote()) == 1


def test_a_running_task(parallel, gate):
    @gnomon.remote
    def waits(boxed):
        return gnomon.get(boxed[0].enter.remote())

    ref = waits.remote([gate])
    while gnomon.get(gate.count.remote()) == 0:
        continue
    gnomon.cancel(ref)
    cancelled(ref)
    gnomon.get(gate.open.remote())


def test_those_below_it_too(parallel, gate, until):
    @gnomon.remote
    def below(boxed):
        return gnomon.get(boxed[0].enter.remote())

    @gnomon.remote
    def above(boxed):
        return gnomon.get([below.remote(boxed) for _ in range(2)])

    ref = above.remote([gate])
    while gnomon.get(gate.count.remote()) == 0:
        continue
    gnomon.cancel(ref, recursive=True)
    cancelled(ref)
    gnomon.get(gate.open.remote())


@pytest.mark.parametrize("wrong", [1, "x", None, [], echo])
def test_what_can_not_be_cancelled(wrong):
    with pytest.raises(TypeError):
        gnomon.cancel(wrong)


def test_an_actor_is_killed_and_not_cancelled(gate):
    with pytest.raises(TypeError):
        gnomon.cancel(gate)


def test_awaiting_callers_hear_of_it(gate):
    @gnomon.remote
    class Asks:
        async def ask(self, boxed):
            try:
                return await boxed[0]
            except TaskCancelledError:
                return "heard"

    ref = gate.enter.remote()
    asked = Asks.remote().ask.remote([ref])
    gnomon.cancel(ref)
    assert gnomon.get(asked, timeout=30) == "heard"
