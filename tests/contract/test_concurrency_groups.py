"""Concurrency groups of threaded and async actors."""

import asyncio
import threading

import pytest

import gnomon


@gnomon.remote(concurrency_groups={"io": 2, "one": 1})
class Threaded:
    """Calls of the group ``io`` meet: both must be inside before one gets out."""

    def __init__(self):
        self.barrier = threading.Barrier(2)
        self.seen = []

    @gnomon.method(concurrency_group="io")
    def meet(self):
        self.barrier.wait(30)
        return threading.current_thread().name

    @gnomon.method(concurrency_group="one")
    def note(self, item):
        self.seen.append(item)
        return threading.current_thread().name

    def default(self):
        return threading.current_thread().name

    def read(self):
        return self.seen


@gnomon.remote(concurrency_groups={"io": 2}, max_concurrency=1)
class Awaiting:
    """Calls wait in it until they are let go; it knows how many of each group are inside."""

    def __init__(self):
        self.inside = {"io": 0, "": 0}
        self.most = {"io": 0, "": 0}
        self.go = asyncio.Event()

    async def _stay(self, group):
        self.inside[group] += 1
        self.most[group] = max(self.most[group], self.inside[group])
        await self.go.wait()
        self.inside[group] -= 1

    @gnomon.method(concurrency_group="io")
    async def io(self):
        await self._stay("io")

    async def stay(self):
        await self._stay("")

    @gnomon.method(concurrency_group="io")
    async def open(self):
        self.go.set()
        return dict(self.inside)

    async def counts(self):
        return dict(self.most)


def test_calls_of_a_group_run_at_the_same_time():
    actor = Threaded.remote()
    names = gnomon.get([actor.meet.remote() for _ in range(6)], timeout=30)
    assert len(set(names)) == 2


def test_a_group_of_one_is_serial_and_in_order():
    actor = Threaded.remote()
    names = gnomon.get([actor.note.remote(item) for item in range(200)], timeout=30)
    assert len(set(names)) == 1
    assert gnomon.get(actor.read.remote()) == list(range(200))


def test_a_busy_group_does_not_hold_up_another():
    actor = Threaded.remote()
    waiting = actor.meet.remote()
    assert gnomon.get([actor.note.remote(1), actor.default.remote()], timeout=30)
    assert gnomon.wait([waiting], timeout=0) == ([], [waiting])
    gnomon.get([waiting, actor.meet.remote()], timeout=30)


def test_the_group_of_a_single_call():
    actor = Threaded.remote()
    here = gnomon.get(actor.default.remote())
    there = gnomon.get(actor.default.options(concurrency_group="one").remote())
    assert there == gnomon.get(actor.note.remote(1))
    assert here != there


def test_handles_that_travel_know_the_groups():
    @gnomon.remote
    def use(handle):
        return gnomon.get(handle.default.options(concurrency_group="one").remote())

    actor = Threaded.remote()
    assert gnomon.get(use.remote(actor), timeout=30) == gnomon.get(actor.note.remote(1))


def test_an_async_actor_limits_each_group(until):
    actor = Awaiting.remote()
    first = actor.io.remote()
    others = [actor.stay.remote() for _ in range(5)]
    assert gnomon.get(actor.open.remote(), timeout=30)["io"] == 1
    gnomon.get([first, *others], timeout=30)
    assert gnomon.get(actor.counts.remote()) == {"io": 1, "": 1}


def test_a_method_of_a_group_that_does_not_exist():
    with pytest.raises(
        ValueError, match=r"'ios', which the class does not have. Did you mean 'io'\?.*are: io"
    ) as caught:

        @gnomon.remote(concurrency_groups={"io": 2})
        class _Wrong:
            @gnomon.method(concurrency_group="ios")
            def call(self):
                return None

    assert "_Wrong.call" in str(caught.value)
    with pytest.raises(ValueError, match=r"declare them with @remote\(concurrency_groups="):

        @gnomon.remote
        class _None:
            @gnomon.method(concurrency_group="io")
            def call(self):
                return None

    with pytest.raises(ValueError, match="which the class does not have. Its groups are: other"):
        Threaded.options(concurrency_groups={"other": 1})


def test_a_call_in_a_group_that_does_not_exist():
    actor = Threaded.remote()
    with pytest.raises(ValueError, match="'disk', which the class does not have. Its groups are: io, one"):
        actor.default.options(concurrency_group="disk")


@pytest.mark.parametrize(
    ("groups", "error", "match"),
    [
        ({"io": 0}, ValueError, "the group 'io' in concurrency_groups of .* must be >= 1, not 0"),
        ({"io": "2"}, TypeError, "must be an integer"),
        ({"io": True}, TypeError, "must be an integer"),
        ({"io": None}, TypeError, "must be an integer, not None"),
        ({"": 1}, ValueError, "names of the groups in concurrency_groups .* may not be empty"),
        ({1: 1}, TypeError, "names of the groups in concurrency_groups .* must be strings"),
        ([("io", 1)], TypeError, "must be a dict"),
    ],
)
def test_wrong_groups(groups, error, match):
    with pytest.raises(error, match=match):
        Threaded.options(concurrency_groups=groups)
