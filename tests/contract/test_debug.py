"""``debug``: a failed task runs again in the process that asks, with its own arguments."""

import os
import sys

import pytest

import gnomon
from gnomon.observe import debug


@gnomon.remote
def divide(x, y):
    here = {"x": x, "y": y}
    return here["x"] / y


@gnomon.remote
def again(x):
    return x


@gnomon.remote
def fails_elsewhere(pid):
    if os.getpid() != pid:
        raise ValueError("elsewhere")
    return "here"


@gnomon.remote
def first_of(refs, array):
    value = gnomon.get(refs[0])
    raise RuntimeError(f"{value} {len(array)}")


def failed(ref, kind=ZeroDivisionError):
    with pytest.raises(kind):
        gnomon.get(ref)
    return ref


def locals_where_raised(error):
    traceback = error.__traceback__
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback.tb_frame.f_locals


def test_its_frames_are_here():
    ref = failed(divide.remote(1, 0))
    with pytest.raises(ZeroDivisionError) as caught:
        debug(ref)
    assert type(caught.value) is ZeroDivisionError
    assert locals_where_raised(caught.value)["here"] == {"x": 1, "y": 0}


def test_references_among_its_arguments():
    zero, refs = gnomon.put(0), [gnomon.put("first")]
    ref = failed(divide.remote(1, zero))
    del zero
    with pytest.raises(ZeroDivisionError):
        debug(ref)
    ref = failed(first_of.remote(refs, "abc"), RuntimeError)
    with pytest.raises(RuntimeError, match="first 3"):
        debug(ref)
    with pytest.raises(RuntimeError, match="first 3"):
        debug(ref.hex())


def test_it_may_not_fail_here(parallel):
    ref = failed(fails_elsewhere.remote(os.getpid()), ValueError)
    assert debug(ref) == "here"


def test_of_a_chain_the_one_that_raised_runs():
    ref = failed(again.remote(again.remote(divide.remote(1, 0))))
    with pytest.raises(ZeroDivisionError) as caught:
        debug(ref)
    assert caught.traceback[-1].name == "divide"


def test_a_breakpoint_is_hit(monkeypatch):
    hits = []
    monkeypatch.setattr(sys, "breakpointhook", lambda: hits.append(os.getpid()))

    @gnomon.remote
    def stop(pid):
        if os.getpid() == pid:
            breakpoint()  # noqa: T100
        raise KeyError(pid)

    pid = os.getpid()
    ref = failed(stop.remote(pid), KeyError)
    hits.clear()
    with pytest.raises(KeyError):
        debug(ref)
    assert hits == [pid]


def test_what_has_not_failed_is_refused():
    ref = divide.remote(1, 1)
    gnomon.get(ref)
    with pytest.raises(ValueError, match="has not failed"):
        debug(ref)
    with pytest.raises(TypeError, match=r"debug\(\) takes a reference"):
        debug(3)


def test_actors_and_their_calls_are_refused():
    @gnomon.remote
    class Broken:
        def fail(self):
            raise KeyError("state")

    actor = Broken.remote()
    with pytest.raises(ValueError, match="not actors"):
        debug(actor)
    ref = failed(actor.fail.remote(), KeyError)
    with pytest.raises(ValueError, match="a call of an actor"):
        debug(ref)


def test_what_is_too_long_ago_is_refused():
    ref = failed(divide.remote(1, 0))
    for _ in range(20):
        failed(divide.remote(1, 0))
    with pytest.raises(ValueError, match="many others have failed since"):
        debug(ref)


@gnomon.remote
def middle(x):
    here = gnomon.get(divide.remote(x, 0))
    return here + 1


@gnomon.remote
def upper(x):
    return gnomon.get(again.remote(middle.remote(x)))


def test_of_tasks_in_tasks_the_one_that_raised_runs():
    ref = failed(upper.remote(3))
    with pytest.raises(ZeroDivisionError) as caught:
        debug(ref)
    assert caught.traceback[-1].name == "divide"
    assert locals_where_raised(caught.value)["here"] == {"x": 3, "y": 0}
    assert not hasattr(caught.value, "__notes__")


def test_of_what_a_method_has_called_the_task_that_raised_runs():
    @gnomon.remote
    class Asks:
        def ask(self):
            return gnomon.get(divide.remote(4, 0))

    actor = Asks.remote()
    ref = failed(actor.ask.remote())
    with pytest.raises(ZeroDivisionError) as caught:
        debug(ref)
    assert locals_where_raised(caught.value)["here"] == {"x": 4, "y": 0}


def test_where_the_one_that_raised_can_not_run_the_nearest_does():
    @gnomon.remote
    class Broken:
        def fail(self):
            raise KeyError("state")

    @gnomon.remote
    def asks(actor):
        return gnomon.get(actor.fail.remote())

    @gnomon.remote
    def asks_that(actor):
        return gnomon.get(asks.remote(actor))

    actor = Broken.remote()
    ref = failed(asks_that.remote(actor), KeyError)
    with pytest.raises(KeyError) as caught:
        debug(ref)
    assert "asks" in [entry.name for entry in caught.traceback]
    assert "asks_that" not in [entry.name for entry in caught.traceback]
    (note,) = caught.value.__notes__
    assert note == (
        "Broken.fail raised this, but can not be run again here: it is a call of an actor, or the process that called it "
        "has ended or forgotten it. asks was run, which led to it."
    )


def test_an_argument_that_only_the_caller_had_is_gone_with_it(parallel):
    @gnomon.remote
    def puts(x):
        return gnomon.get(divide.remote(gnomon.put(x), 0))

    ref = failed(puts.remote(5))
    with pytest.raises(ZeroDivisionError) as caught:
        debug(ref)
    names = [entry.name for entry in caught.traceback]
    if names[-1] == "divide":  # before its caller has let go of the argument
        assert not hasattr(caught.value, "__notes__")
    else:
        assert "puts" in names
        assert caught.value.__notes__[0].startswith(
            "divide raised this, but can not be run again here: an argument"
        )
