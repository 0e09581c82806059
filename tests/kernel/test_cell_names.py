"""Which names a ``%%remote`` cell takes along."""

import textwrap

import pytest

from gnomon_kernel.cell_names import analyse


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("a + b", {"a", "b"}),
        ("a = 1\na + b", {"b"}),
        ("x = x + 1", {"x"}),
        ("x += 1", {"x"}),
        ("x: int = y", {"int", "y"}),
        ("x: int\nx", {"int", "x"}),
        ("for i in data:\n    total = i", {"data"}),
        ("for i in data:\n    pass\ni", {"data", "i"}),  # the loop may not run
        ("if flag:\n    x = 1\nx", {"flag", "x"}),
        ("if flag:\n    x = 1\nelse:\n    x = 2\nx", {"flag"}),
        ("while n:\n    n = n - 1", {"n"}),
        ("with open(p) as f:\n    f.read()", {"open", "p"}),
        ("try:\n    x = f()\nexcept E as e:\n    print(e)\nx", {"f", "E", "print", "x"}),
        ("try:\n    pass\nfinally:\n    x = 1\nx", set()),
        ("import numpy as np\nnp.ones(n)", {"n"}),
        ("import os.path\nos.getcwd()", set()),
        ("from m import a as b\nb(a)", {"a"}),
        ("[x * k for x in xs if x > low]", {"xs", "k", "low"}),
        ("{k: v for k, v in d.items()}", {"d"}),
        ("[y for x in xs for y in x]", {"xs"}),
        ("(n := 3)\nn", set()),
        ("ok and (m := 1)\nm", {"ok", "m"}),
        ("lambda a, b=c: a + b + d", {"c", "d"}),
        ("def f(a, b=c):\n    return a + b + d\nf(1)", {"c", "d"}),
        ("def f():\n    return g()\ndef g():\n    return 1\nf()", set()),
        ("k = 1\ndef f():\n    return k\nf()", set()),
        ("def f():\n    return k\nf()\nk = 1", {"k"}),  # k is read before the cell binds it
        ("def outer():\n    x = 1\n    def inner():\n        return x + y\n    return inner", {"y"}),
        (
            "class A(Base):\n    size = n\n    def m(self):\n        return helper(self.size)",
            {"Base", "n", "helper"},
        ),
        ("@deco\ndef f(x: T) -> R:\n    return x", {"deco", "T", "R"}),
        ("del x\nx", {"x"}),
        ("match p:\n    case {'a': a, **rest}:\n        a, rest\n    case [b, *c]:\n        b, c", {"p"}),
        ("a, *b = c", {"c"}),
        ("obj.field = v", {"obj", "v"}),
        ("d[k] = v", {"d", "k", "v"}),
        ("await ref", {"ref"}),
        ("f'{x} and {y!r:>{w}}'", {"x", "y", "w"}),
    ],
)
def test_reads(code: str, reads: set[str]) -> None:
    assert set(analyse(code).reads) == reads


@pytest.mark.parametrize(
    ("code", "binds"),
    [
        ("a = b = 1\nc, (d, e) = x", {"a", "b", "c", "d", "e"}),
        ("for i in x:\n    j = i", {"i", "j"}),
        ("import os, sys as s\nfrom m import n", {"os", "s", "n"}),
        ("def f(): pass\nclass C: pass", {"f", "C"}),
        ("def f():\n    global g\n    g = 1", {"f", "g"}),
        ("[y := x for x in xs]", {"y"}),
        ("with a as b: pass", {"b"}),
        ("x.y = 1\nx[0] = 1", set()),
    ],
)
def test_binds(code: str, binds: set[str]) -> None:
    assert analyse(code).binds == binds


def test_order_is_that_of_first_use() -> None:
    assert analyse("c\nb\na\nb").reads == ("c", "b", "a")


def test_what_python_would_miss_is_a_subset_of_what_is_captured() -> None:
    """Whatever the analysis says is not needed, the code must run without."""
    code = textwrap.dedent(
        """
        total = 0
        def add(n):
            return total + n * factor
        squares = [add(i) for i in range(count)]
        if squares:
            last = squares[-1]
        else:
            last = None
        result = {"last": last, **{str(i): i for i in squares}}
        """
    )
    space = {"factor": 2, "count": 3}
    assert set(analyse(code).reads) - {"range", "str"} == set(space)
    exec(code, space)
    assert space["result"] == {"last": 4, "0": 0, "2": 2, "4": 4}
