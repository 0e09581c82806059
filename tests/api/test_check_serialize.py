"""``inspect_serializability``: what is named as the culprit, and the tree."""

import io
import threading

import pytest

from gnomon.util import inspect_serializability
from gnomon.util.check_serialize import FailureTuple

lock = threading.Lock()


def guarded():
    return lock


class Holder:
    def __init__(self):
        self.inner = {"k": [threading.Lock()]}
        self.fine = 3


def look(value, **options):
    out = io.StringIO()
    good, failures = inspect_serializability(value, print_file=out, **options)
    return good, failures, out.getvalue()


def test_what_can_be_pickled():
    assert look(3, name="three") == (True, set(), "three can be pickled.\n")
    assert look(lambda: 1)[0]


def test_a_function_that_captures_a_lock():
    captured = threading.Lock()

    def local():
        return captured

    good, failures, text = look(local, name="local")
    (failure,) = failures
    assert not good
    assert isinstance(failure, FailureTuple)
    assert (failure.obj, failure.name, failure.parent) == (captured, "variable 'captured'", local)
    assert text.startswith("local can not be pickled: cannot pickle '_thread.lock' object.\n")
    assert "+- variable 'captured': cannot pickle '_thread.lock' object  <- here\n" in text
    assert "inside the task" in text


def test_a_path_into_a_value():
    good, failures, text = look(Holder(), depth=5)
    assert not good
    assert [failure.name for failure in failures] == ["[0]"]
    assert text.splitlines()[1:4] == [
        "+- .inner: cannot pickle '_thread.lock' object",
        "   +- ['k']: cannot pickle '_thread.lock' object",
        "      +- [0]: cannot pickle '_thread.lock' object  <- here",
    ]


def test_the_depth_ends_the_search():
    _, failures, _ = look(Holder(), depth=1)
    assert [failure.name for failure in failures] == [".inner"]
    with pytest.raises(ValueError, match="must be >= 1, not 0"):
        look(Holder(), depth=0)


def test_all_culprits_and_a_cycle():
    loop = [threading.Lock(), {"again": threading.Lock()}]
    loop.append(loop)
    _, failures, text = look(loop)
    assert sorted(failure.name for failure in failures) == ["['again']", "[0]"]
    assert "|  +- ['again']" not in text  # the last branch has no line beside it
    assert "   +- ['again']" in text


def test_an_object_whose_repr_fails():
    class Mute:
        def __init__(self):
            self.lock = threading.Lock()

        def __repr__(self):
            raise RuntimeError("no")

    _, failures, text = look(Mute())
    assert text.startswith("a Mute can not be pickled")
    assert [failure.name for failure in failures] == [".lock"]


def test_where_it_prints(capsys):
    inspect_serializability(3, name="three")
    assert capsys.readouterr().out == "three can be pickled.\n"
