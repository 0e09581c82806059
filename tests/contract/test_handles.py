"""Handles of actors: passed on, compared, found by name, dropped; on every engine."""

import pickle

import pytest

import gnomon
from gnomon.exceptions import ActorDiedError
from gnomon.util import list_named_actors


@gnomon.remote
class Tally:
    def __init__(self, start=0):
        self.total = start

    def add(self, x=1):
        self.total += x
        return self.total

    def give(self):
        return gnomon.get_runtime_context().current_actor


@gnomon.remote
def add(handle, x):
    return gnomon.get(handle.add.remote(x))


def test_a_handle_in_any_place():
    tally = Tally.remote()

    @gnomon.remote
    def use(boxed):
        handle = boxed["deep"][0]["handle"]
        return gnomon.get(handle.add.remote())

    assert gnomon.get(add.remote(tally, 1)) == 1
    assert gnomon.get(use.remote({"deep": [{"handle": tally}]})) == 2
    assert gnomon.get(add.remote(gnomon.put(tally), 1)) == 3
    ref = gnomon.put([tally])
    (handle,) = gnomon.get(ref)
    assert gnomon.get(handle.add.remote()) == 4


def test_a_handle_in_a_closure():
    tally = Tally.remote()

    @gnomon.remote
    def use():
        return gnomon.get(tally.add.remote(5))

    assert gnomon.get(use.remote()) == 5


def test_handles_compare_and_hash():
    one, other = Tally.remote(), Tally.remote()
    (same,) = gnomon.get(gnomon.put([one]))
    assert same == one
    assert one != other
    assert len({one, other, same}) == 2


def test_a_method_travels_with_its_handle():
    tally = Tally.remote()

    @gnomon.remote
    def use(method):
        return gnomon.get(method.remote(2))

    bound = tally.add
    assert gnomon.get(bound.remote()) == 1
    assert gnomon.get(add.remote(tally, 2)) == 3


def test_many_callers_lose_nothing():
    tally = Tally.remote()
    gnomon.get([add.remote(tally, 1) for _ in range(40)])
    assert gnomon.get(tally.add.remote(0)) == 40


def test_the_actors_own_handle():
    tally = Tally.remote(1)
    itself = gnomon.get(tally.give.remote())
    assert itself == tally
    assert gnomon.get(add.remote(itself, 1)) == 2


def test_current_actor_outside_of_one():
    with pytest.raises(RuntimeError):
        gnomon.get_runtime_context().current_actor  # noqa: B018


def test_in_one_line():
    assert gnomon.get(Tally.remote(1).add.remote(2)) == 3
    assert gnomon.get([Tally.remote(i).add.remote() for i in range(5)]) == [1, 2, 3, 4, 5]


def test_calls_outlive_the_last_handle():
    tally = Tally.remote()
    refs = [tally.add.remote() for _ in range(20)]
    del tally
    assert gnomon.get(refs, timeout=30) == list(range(1, 21))


def test_a_handle_inside_a_value_keeps_the_actor():
    boxed = gnomon.put({"tally": Tally.remote(3)})
    assert gnomon.get(gnomon.get(boxed)["tally"].add.remote(), timeout=30) == 4


def test_an_actor_keeps_another_alive():
    @gnomon.remote
    class Keeper:
        def __init__(self, handle):
            self.handle = handle

        def use(self):
            return gnomon.get(self.handle.add.remote())

    tally = Tally.remote(7)
    keeper = Keeper.remote(tally)
    gnomon.get(keeper.use.remote())
    del tally
    assert gnomon.get(keeper.use.remote(), timeout=30) == 9


def test_a_dead_actor_is_dead_for_every_handle():
    tally = Tally.remote()
    gnomon.get(tally.add.remote())
    (other,) = gnomon.get(gnomon.put([tally]))
    gnomon.kill(tally)
    with pytest.raises(ActorDiedError):
        gnomon.get(other.add.remote(), timeout=30)
    with pytest.raises(ActorDiedError):
        gnomon.get(add.remote(tally, 1), timeout=30)


def test_a_handle_can_be_pickled_by_the_user():
    tally = Tally.options(name="pickled").remote(1)
    gnomon.get(tally.add.remote())
    again = pickle.loads(pickle.dumps(gnomon.get_actor("pickled")))
    assert gnomon.get(again.add.remote()) == 3
    gnomon.kill(tally)


# -- names ------------------------------------------------------------------------------------------------------------


def test_a_name_is_found_from_everywhere():
    tally = Tally.options(name="everywhere").remote()

    @gnomon.remote
    def by_name():
        return gnomon.get(gnomon.get_actor("everywhere").add.remote(2))

    @gnomon.remote
    class Finder:
        def find(self):
            return gnomon.get(gnomon.get_actor("everywhere").add.remote(3))

    assert gnomon.get(by_name.remote()) == 2
    assert gnomon.get(Finder.remote().find.remote()) == 5
    assert gnomon.get(tally.add.remote(0)) == 5


def test_get_if_exists():
    first = Tally.options(name="single", get_if_exists=True).remote(1)
    second = Tally.options(name="single", get_if_exists=True).remote(100)
    assert first == second
    assert gnomon.get(second.add.remote()) == 2


def test_a_taken_name():
    keep = Tally.options(name="mine").remote()
    gnomon.get(keep.add.remote())
    with pytest.raises(ValueError):
        Tally.options(name="mine").remote()


@pytest.mark.parametrize("wrong", ["", None, 3])
def test_wrong_names(wrong):
    with pytest.raises((ValueError, TypeError)):
        gnomon.get_actor(wrong)


def test_names_that_nobody_has():
    with pytest.raises(ValueError):
        gnomon.get_actor("nobody")
    with pytest.raises(ValueError):
        gnomon.get_actor("nobody", namespace="elsewhere")


def test_a_name_ends_with_its_actor(until):
    tally = Tally.options(name="ends").remote()
    gnomon.get(tally.add.remote())
    assert "ends" in list_named_actors()
    del tally
    until(lambda: "ends" not in list_named_actors())


def test_a_name_is_free_after_a_kill(until):
    for start in range(3):
        tally = Tally.options(name="again").remote(start)
        assert gnomon.get(tally.add.remote()) == start + 1
        gnomon.kill(tally)
        until(lambda: "again" not in list_named_actors())


def test_detached_actors_need_no_handle(until):
    Tally.options(name="detached", lifetime="detached").remote(5)
    assert gnomon.get(gnomon.get_actor("detached").add.remote(), timeout=30) == 6
    assert gnomon.get(gnomon.get_actor("detached").add.remote(), timeout=30) == 7
    gnomon.kill(gnomon.get_actor("detached"))
    until(lambda: "detached" not in list_named_actors())


def test_namespaces_keep_names_apart():
    red = Tally.options(name="n", namespace="red").remote(1)
    blue = Tally.options(name="n", namespace="blue").remote(2)
    assert gnomon.get(gnomon.get_actor("n", namespace="red").add.remote()) == 2
    assert gnomon.get(gnomon.get_actor("n", namespace="blue").add.remote()) == 3
    with pytest.raises(ValueError):
        gnomon.get_actor("n")
    assert red != blue
