"""``why`` on every engine: values, errors, cancelled and freed ones, actors."""

import pytest

import gnomon
from gnomon.observe import Explanation


@gnomon.remote
def divide(x, y):
    return x / y


@gnomon.remote
def again(x):
    return x


@gnomon.remote
def outer():
    return gnomon.get(divide.remote(1, 0))


@gnomon.remote
class Counter:
    def __init__(self, value=0):
        if value < 0:
            raise ValueError("too small")
        self.value = value

    def add(self):
        self.value += 1
        return self.value


def failed(ref):
    with pytest.raises(ZeroDivisionError):
        gnomon.get(ref)
    return gnomon.why(ref)


def test_a_value_that_is_there():
    ref = divide.remote(4, 2)
    assert gnomon.get(ref) == 2
    found = gnomon.why(ref)
    assert isinstance(found, Explanation)
    assert (found.state, found.next_step) == ("ready", "")
    assert found.sentence.startswith("the value of divide is there: ")
    assert found.details[0].startswith("took ")
    assert gnomon.why(ref.hex()).state == gnomon.why(ref.task_id().hex()).state == "ready"


def test_what_was_put():
    ref = gnomon.put([1, 2])
    assert gnomon.why(ref).sentence.startswith("the value that put stored is there: ")


def test_who_raised_what():
    ref = divide.remote(1, 0)
    found = failed(ref)
    assert (found.state, found.sentence) == (
        "failed",
        "divide failed: it raised ZeroDivisionError: division by zero.",
    )


def test_whose_argument_failed():
    found = failed(again.remote(divide.remote(1, 0)))
    assert found.sentence == (
        "again failed: its argument failed: divide raised ZeroDivisionError: division by zero."
    )


def test_who_called_whom():
    found = failed(outer.remote())
    assert found.sentence == "outer failed: outer called divide, which failed."
    assert found.details == ("divide raised ZeroDivisionError: division by zero",)


def test_a_value_that_was_freed():
    ref = divide.remote(4, 2)
    gnomon.get(ref)
    identity = ref.hex()
    del ref
    assert gnomon.why(identity).state == "unknown"


def test_a_call_waits_behind_others_and_can_be_cancelled(gate, until, parallel):
    first = gate.enter.remote()
    until(lambda: gnomon.why(first).state == "running")
    assert "Gate.enter has been running for " in gnomon.why(first).sentence
    waiting = again.remote(first)
    found = gnomon.why(waiting)
    assert found.state == "pending"
    assert found.sentence.startswith("again waits for an argument: the value of Gate.enter, which ")
    assert first.hex() in found.next_step
    gnomon.cancel(waiting)
    with pytest.raises(gnomon.exceptions.TaskCancelledError):
        gnomon.get(waiting)
    assert gnomon.why(waiting).state == "cancelled"
    gnomon.get(gate.open.remote())
    gnomon.get(first)


def test_an_actor_lives_and_dies(until):
    counter = Counter.remote()
    assert gnomon.get(counter.add.remote()) == 1
    found = gnomon.why(counter)
    assert found.state == "alive"
    assert found.sentence.startswith("Counter lives in worker ")
    gnomon.kill(counter)
    until(lambda: gnomon.why(counter).state == "dead")
    assert "it was killed by gnomon.kill" in gnomon.why(counter).sentence
    assert gnomon.why(counter).next_step == "Create a new one."
    call = counter.add.remote()
    with pytest.raises(gnomon.exceptions.ActorDiedError):
        gnomon.get(call)
    assert gnomon.why(call).sentence.startswith("Counter.add failed: ActorDiedError: Actor Counter (")


def test_a_constructor_that_raised(until):
    counter = Counter.remote(-1)
    until(lambda: gnomon.why(counter).state == "dead")
    assert "its constructor raised ValueError: too small" in gnomon.why(counter).sentence


def test_a_generator_that_has_ended():
    @gnomon.remote
    def count(n):
        yield from range(n)

    items = count.remote(2)
    assert [gnomon.get(ref) for ref in items] == [0, 1]
    found = gnomon.why(items)
    assert found.state == "ready"
    assert found.sentence.startswith("the generator count has ended")


@pytest.mark.parametrize("given", [3, None, divide, [1], {}])
def test_what_has_no_reason_is_refused(given):
    with pytest.raises(
        TypeError, match=r"why\(\) takes a reference, a generator, the handle of an actor or an id"
    ):
        gnomon.why(given)


@pytest.mark.parametrize("given", ["", "abc", "00", "x" * 40])
def test_what_is_no_id_is_refused(given):
    with pytest.raises(ValueError, match="hexadecimal digits"):
        gnomon.why(given)
