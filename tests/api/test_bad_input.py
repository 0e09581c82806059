"""What users get wrong, and the texts they are told (golden). Nothing is lost by any of it."""

import pytest

import gnomon
from gnomon.exceptions import NotInitializedError, ObjectStoreFullError, SessionMismatchError

pytestmark = pytest.mark.usefixtures("inline")


@gnomon.remote
def f(x, y=1):
    return x


@gnomon.remote
class Counter:
    def __init__(self, start):
        self.value = start

    def add(self, amount=1):
        self.value += amount
        return self.value


def case(call, kind, text):
    return pytest.param(call, kind, text, id=text[:40])


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        case(
            lambda: f(1),
            TypeError,
            "f is a remote function: call f.remote(...), or f.__wrapped__(...) to run it here.",
        ),
        case(
            lambda: Counter(1),
            TypeError,
            "Counter is an actor class: create an actor with Counter.remote(...), or an ordinary object with "
            "Counter.__wrapped__(...).",
        ),
        case(
            lambda: Counter.remote(1).add(),
            TypeError,
            "add is a method of an actor: call handle.add.remote(...).",
        ),
        case(lambda: f.remote(), TypeError, "f.remote() misses 'x'; call it as f.remote(x, y=1)."),
        case(
            lambda: f.remote(1, 2, 3),
            TypeError,
            "f.remote() got 3 positional arguments; call it as f.remote(x, y=1).",
        ),
        case(
            lambda: f.remote(1, z=2),
            TypeError,
            "f.remote() got an unexpected argument 'z'; call it as f.remote(x, y=1).",
        ),
        case(
            lambda: f.remote(1, x=2),
            TypeError,
            "f.remote() got two values for 'x'; call it as f.remote(x, y=1).",
        ),
        case(
            lambda: Counter.remote(),
            TypeError,
            "Counter.remote() misses 'start'; call it as Counter.remote(start).",
        ),
        case(
            lambda: Counter.remote(1).add.remote(1, 2),
            TypeError,
            "Counter.add.remote() got 2 positional arguments; call it as Counter.add.remote(amount=1).",
        ),
        case(
            lambda: Counter.remote(1).ad,
            AttributeError,
            "The actor class Counter has no method 'ad'. Did you mean 'add'? It has: add. Fields of an actor "
            "can only be read through a method.",
        ),
        case(
            lambda: gnomon.get(3),
            ValueError,
            "get() takes a reference or a list of references, not 3 (int).",
        ),
        case(
            lambda: gnomon.get(f),
            ValueError,
            "get() takes a reference or a list of references, not RemoteFunction(f), which was not called: "
            "add .remote(...).",
        ),
        case(
            lambda: gnomon.get((f.remote(1),)),
            ValueError,
            "get() takes a reference or a list of references, not a tuple: make it a list with list(...).",
        ),
        case(
            lambda: gnomon.get([f.remote(1), 3]),
            TypeError,
            "get() takes a list of references, but element 1 is 3 (int).",
        ),
        case(
            lambda: gnomon.get(f.remote(1), timeout=-1),
            ValueError,
            "the timeout of get() must be >= 0 seconds, not -1; None waits without a limit.",
        ),
        case(
            lambda: gnomon.get(f.remote(1), timeout="1"),
            TypeError,
            "the timeout of get() must be a number of seconds or None, not '1' (str).",
        ),
        case(
            lambda: gnomon.put(f.remote(1)),
            TypeError,
            "put() takes a value, not an ObjectRef: pass the reference itself, or put([ref]).",
        ),
        case(
            lambda: gnomon.wait(f.remote(1)),
            TypeError,
            "wait() takes a list of references, not a single reference: put it into a list.",
        ),
        case(
            lambda: gnomon.wait([f.remote(1), None]),
            TypeError,
            "wait() takes a list of references, but element 1 is None (NoneType).",
        ),
        case(
            lambda: gnomon.wait([f.remote(1)] * 2),
            ValueError,
            "wait() takes each reference once: list(dict.fromkeys(refs)) drops the doubles.",
        ),
        case(
            lambda: gnomon.wait([f.remote(1)], num_returns=0),
            ValueError,
            "num_returns of wait() must be >= 1, not 0.",
        ),
        case(
            lambda: gnomon.wait([f.remote(1)], num_returns=2),
            ValueError,
            "num_returns of wait() is 2, but there are only 1 references.",
        ),
        case(
            lambda: gnomon.cancel(Counter.remote(1)),
            TypeError,
            "cancel() takes one reference or generator, not Actor(Counter, ",
        ),
        case(
            lambda: gnomon.kill(f.remote(1)),
            ValueError,
            "kill() takes the handle of an actor, not ObjectRef(",
        ),
        case(
            lambda: gnomon.get_actor("nobody"),
            ValueError,
            "There is no living actor named 'nobody' in the namespace ",
        ),
        case(lambda: gnomon.get_actor(""), ValueError, "get_actor() needs the name of an actor."),
    ],
)
def test_wrong_calls(call, kind, text):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(text)
    assert gnomon.get(f.remote("still works")) == "still works"


def test_a_reference_from_another_session():
    ref, counter = f.remote(1), Counter.remote(1)
    add = counter.add
    gnomon.shutdown()
    with pytest.raises(NotInitializedError, match="The session was shut down"):
        gnomon.get(ref)
    gnomon.init(engine="inline")
    for use in (lambda: gnomon.get(ref), lambda: gnomon.wait([ref]), lambda: f.remote(ref)):
        with pytest.raises(SessionMismatchError, match=r"ObjectRef\(.*\) belongs to another session"):
            use()
    for use in (add.remote, lambda: counter.add.remote(), lambda: gnomon.kill(counter)):
        with pytest.raises(SessionMismatchError, match="The actor .* belongs to another session"):
            use()
    assert gnomon.get(f.remote(2)) == 2


def test_a_task_after_shutdown():
    gnomon.shutdown()
    with pytest.raises(NotInitializedError) as caught:
        f.remote(1)
    assert str(caught.value) == (
        "The session was shut down. Call gnomon.init() first, and make references and actors anew."
    )
    with pytest.raises(NotInitializedError):
        gnomon.put(1)


def test_a_full_store():
    gnomon.shutdown()
    gnomon.init(engine="inline", object_store_memory=1_000_000)
    kept = gnomon.put(b"x" * 600_000)
    with pytest.raises(ObjectStoreFullError) as caught:
        gnomon.put(b"y" * 600_000)
    assert "does not fit into the store of 1,000,000 bytes" in str(caught.value)
    assert "bytes made by put" in str(caught.value)

    @gnomon.remote
    def large():
        return b"z" * 600_000

    with pytest.raises(ObjectStoreFullError):
        gnomon.get(large.remote())
    assert len(gnomon.get(kept)) == 600_000
    del kept
    assert len(gnomon.get(gnomon.put(b"y" * 600_000))) == 600_000
