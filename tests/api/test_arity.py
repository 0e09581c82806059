"""The check of arguments agrees with Python's own, over many signatures and calls."""

import inspect
import itertools

import pytest

from gnomon._engine.arity import arity_of
from gnomon._engine.methods import is_async_class, method_templates

SIGNATURES = [
    lambda: 0,
    lambda a: 0,
    lambda a, b=1: 0,
    lambda *rest: 0,
    lambda a, *rest, k: 0,
    lambda a, *, k, m=2: 0,
    lambda a, b=1, **more: 0,
    lambda *rest, **more: 0,
    eval("lambda a, b, /, c=1: 0"),
    eval("lambda a, /, **more: 0"),
]
CALLS = [
    (args, dict.fromkeys(names, 0))
    for args in [(), (0,), (0, 0), (0, 0, 0), (0,) * 4]
    for size in range(3)
    for names in itertools.combinations("abckmz", size)
]


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: str(inspect.signature(function)))
def test_it_agrees_with_python(function):
    arity = arity_of(function)
    signature = inspect.signature(function)
    for args, kwargs in CALLS:
        try:
            signature.bind(*args, **kwargs)
        except TypeError:
            fits = False
        else:
            fits = True
        try:
            if kwargs or not arity.least <= len(args) <= arity.most:
                arity.check("f", args, kwargs)
        except TypeError:
            assert not fits, (args, kwargs)
        else:
            assert fits, (args, kwargs)


def test_callables_that_do_not_tell():
    assert arity_of(dict.fromkeys) is not None
    assert arity_of(type("Hidden", (), {"__call__": None, "__signature__": 3})()) is None


def test_methods_of_a_class():
    class Base:
        def inherited(self, a):
            pass

    class Thing(Base):
        field = 3

        def __init__(self):
            pass

        def own(self, a, b=1):
            pass

        @staticmethod
        def static(a):
            pass

        @classmethod
        def of_class(cls, a):
            pass

        @property
        def prop(self):
            return 1

        def _private(self):
            pass

        def __len__(self):
            return 1

    methods = method_templates(Thing)
    assert set(methods) == {"inherited", "own", "static", "of_class", "_private", "__len__"}
    assert methods["own"].arity.text == "(a, b=1)"
    assert methods["static"].arity.text == methods["of_class"].arity.text == "(a)"
    assert not is_async_class(Thing)

    class Later(Thing):
        async def own(self, a, b=1):
            pass

    assert is_async_class(Later)
