"""Classes that inherit from actor classes, with and without a decorator of their own."""

import pytest

import gnomon


@gnomon.remote
class Counter:
    def __init__(self, value=0):
        self.value = value

    def read(self):
        return self.value


@gnomon.remote
class Named:
    def name(self):
        return type(self).__name__


class Both(Counter, Named):
    pass


class Again(Both):
    def read(self):
        return -super().read()


@pytest.mark.parametrize("name", ["remote", "options", "bind"])
def test_without_a_decorator_it_says_so(name):
    with pytest.raises(AttributeError, match=rf"Both.{name} is not there.*Put @gnomon.remote before it"):
        getattr(Both, name)
    assert not hasattr(Again(), name)


def test_it_is_an_ordinary_class():
    assert (Both(3).read(), Both().name(), Again(3).read()) == (3, "Both", -3)


def test_with_a_decorator_it_is_an_actor_class():
    gnomon.init(engine="inline", num_cpus=1)
    try:
        again = gnomon.remote(Again).remote(2)
        assert gnomon.get([again.read.remote(), again.name.remote()]) == [-2, "Again"]
        with pytest.raises(AttributeError, match="Again has no method 'remote'"):
            again.remote  # noqa: B018
    finally:
        gnomon.shutdown()
