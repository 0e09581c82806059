"""Serializers of the user's, on every engine: in values, arguments, captured variables and results."""

import threading
from collections.abc import Iterator

import pytest

import gnomon
from gnomon.exceptions import SerializationError
from gnomon.util import deregister_serializer, register_serializer


class Locked:
    def __init__(self, x):
        self.x = x
        self.lock = threading.Lock()


class Inheriting(Locked):
    pass


@pytest.fixture
def registered() -> Iterator[None]:
    register_serializer(Locked, serializer=lambda one: one.x, deserializer=Locked)
    yield
    deregister_serializer(Locked)


@pytest.mark.usefixtures("registered")
def test_values_and_arguments():
    @gnomon.remote
    def take(one):
        return one.x

    assert gnomon.get(gnomon.put([Locked(1)]))[0].x == 1
    assert gnomon.get(take.remote(Locked(2))) == 2


@pytest.mark.usefixtures("registered")
def test_results_and_captured_variables():
    captured = Locked(3)

    @gnomon.remote
    def echo(one):
        return [one, Locked(captured.x)]

    assert [one.x for one in gnomon.get(echo.remote(Locked(4)))] == [4, 3]

    @gnomon.remote
    class Maker:
        def make(self, x):
            return Locked(x)

    assert gnomon.get(Maker.remote().make.remote(5)).x == 5


@pytest.mark.usefixtures("registered")
def test_exceptions_items_and_actors():
    class Jammed(Exception):
        def __init__(self, one):
            super().__init__("jammed")
            self.one = one

    @gnomon.remote
    def fail():
        raise Jammed(Locked(6))

    with pytest.raises(Jammed) as caught:
        gnomon.get(fail.remote())
    assert caught.value.one.x == 6

    @gnomon.remote(num_returns="streaming")
    def several():
        yield Locked(7)
        yield {"deep": [Locked(8)]}

    first, second = several.remote()
    assert gnomon.get(first).x == 7
    assert gnomon.get(second)["deep"][0].x == 8

    @gnomon.remote
    class Keeper:
        def __init__(self, one):
            self.one = one

        def take(self, one):
            return [self.one, one]

    assert [one.x for one in gnomon.get(Keeper.remote(Locked(9)).take.remote(Locked(10)))] == [9, 10]


def test_a_function_that_was_called_before():
    @gnomon.remote
    def make():
        return Locked(6)

    with pytest.raises(SerializationError, match="lock"):
        gnomon.get(make.remote())
    register_serializer(Locked, serializer=lambda one: one.x, deserializer=Locked)
    assert gnomon.get(make.remote()).x == 6
    deregister_serializer(Locked)
    with pytest.raises(SerializationError, match="lock"):
        gnomon.get(make.remote())


@pytest.mark.usefixtures("registered")
def test_nested_tasks():
    @gnomon.remote
    def inner():
        return Locked(7)

    @gnomon.remote
    def outer():
        return gnomon.get(inner.remote())

    assert gnomon.get(outer.remote()).x == 7


@pytest.mark.usefixtures("registered")
def test_references_inside_are_kept():
    register_serializer(Locked, serializer=lambda one: [one.x], deserializer=lambda x: Locked(x[0]))
    ref = gnomon.put(Locked(gnomon.put(8)))
    assert gnomon.get(gnomon.get(ref).x) == 8


@pytest.mark.usefixtures("registered")
def test_the_exact_class_counts():
    with pytest.raises(SerializationError, match="lock"):
        gnomon.put(Inheriting(1))


def test_wrong_registrations():
    with pytest.raises(TypeError, match=r"register_serializer\(\) takes a class, not 3 \(int\)"):
        register_serializer(3, serializer=str, deserializer=str)
    with pytest.raises(TypeError, match="deserializer of .* must be a function of one argument, not 3"):
        register_serializer(Locked, serializer=str, deserializer=3)
    with pytest.raises(TypeError, match="takes a class"):
        deregister_serializer("Locked")
    deregister_serializer(Locked)  # nothing was registered: nothing happens
