"""Who holds what, in a real kernel: by the names of the notebook, and what IPython remembers lets go."""

import re
import time

import pytest

from kernel.live_kernel import LiveKernel

LIMIT_S = 20.0
LOOK = """
def rows():
    return {row.object_id: row for row in observe.memory().rows}
def names(ref):
    return sorted({holder.name for row in observe.memory(ref).rows for holder in row.holders})
"""


@pytest.fixture(params=["inline", "local"])
def session(request: pytest.FixtureRequest, shared_kernel: LiveKernel) -> LiveKernel:
    """A kernel with a session, on each engine; the cells that start it show nothing."""
    shared_kernel.run(f"%remote start --engine {request.param} --cpus 2 --memory 300MB").check()
    shared_kernel.run(f"import gnomon\nfrom gnomon import observe\n{LOOK}").check()
    return shared_kernel


def number_of(kernel: LiveKernel) -> int:
    """The number of the cell that ran last."""
    said = kernel.run("print(len(In) - 2)").check()
    return int(said.text())


def expect_freed(kernel: LiveKernel, identity: str) -> None:
    deadline = time.monotonic() + LIMIT_S
    while kernel.run(f"print({identity!r} in rows())").check().text() != "False\n":
        assert time.monotonic() < deadline, kernel.run(f"print(names({identity!r}))").text()


def test_a_large_reference_as_last_line_is_not_pinned(session: LiveKernel) -> None:
    shown = session.run("x = gnomon.put(b'1' * 100_000_000)\nx").check()
    (identity,) = re.findall(r"ObjectRef\((\w+)\)", shown.result())
    assert session.run(f"print(names({identity!r}))").check().text() == "['x']\n"
    session.run("del x").check()
    expect_freed(session, identity)
    deadline = time.monotonic() + LIMIT_S  # the node tells of its store when it next tells of itself
    while (used := session.run("print(observe.summary()['objects']['store_used_bytes'])").text()) != "0\n":
        assert time.monotonic() < deadline, used


def test_an_output_works_while_something_else_holds_it(session: LiveKernel) -> None:
    session.run("x = gnomon.put('value')\nx").check()
    number = number_of(session)
    assert session.run(f"gnomon.get(Out[{number}])").check().result() == "'value'"
    assert session.run(f"gnomon.get(_{number})").check().result() == "'value'"
    assert session.run(f"print(Out[{number}] is x)").check().text() == "True\n"
    session.run("kept = [x]\ndel x").check()
    assert session.run(f"gnomon.get(Out[{number}])").check().result() == "'value'"
    session.run("kept.clear()").check()
    said = session.run(f"gnomon.get(Out[{number}])").error()
    assert f"<Out[{number}] was let go: assign it to a name to keep it>" in said


def test_the_newest_output_is_kept_until_the_next(session: LiveKernel) -> None:
    shown = session.run("gnomon.put('bare')").check()
    (identity,) = re.findall(r"ObjectRef\((\w+)\)", shown.result())
    assert session.run(f"print(names({identity!r}))").check().text() == "['_']\n"
    assert session.run("print(gnomon.get(_))").check().text() == "bare\n"
    assert session.run("gnomon.get(_)").check().result() == "'bare'"
    expect_freed(session, identity)
    assert session.run("_").check().result() == "'bare'"


def test_lists_of_references_are_remembered_weakly_too(session: LiveKernel) -> None:
    shown = session.run("refs = [gnomon.put(n) for n in range(3)]\nrefs").check()
    number = number_of(session)
    identities = re.findall(r"ObjectRef\((\w+)\)", shown.result())
    assert session.run(f"print(gnomon.get(Out[{number}]))").check().text() == "[0, 1, 2]\n"
    session.run("del refs[0]").check()
    expect_freed(session, identities[0])
    said = session.run(f"Out[{number}]").check().result()
    assert f"<Out[{number}] was in part let go" in said


def test_other_outputs_hold_and_are_unpinned_with_a_receipt(session: LiveKernel) -> None:
    session.run("{'a': gnomon.put(b'1' * 1_000_000)}").check()
    number = number_of(session)
    session.run("y = gnomon.put(b'1' * 2_000_000)\n{'b': y}").check()
    identity = session.run("print(*rows())").check().text().split()
    names = session.run("print([holder.name for row in rows().values() for holder in row.holders])").text()
    assert f"Out[{number}]['a']" in names
    assert "'y'" in names
    said = session.run(f"%remote unpin {number}").check().text()
    assert said == f"gnomon unpinned Out[{number}]: 1 object freed, 1.0 MB\n"
    said = session.run("%remote unpin").check().text()
    assert re.search(
        r"unpinned Out\[\d+\]: 0 objects freed, 0 B\n  still there: 2.0 MB of put, held by y\n", said
    ), said
    session.run("del y").check()
    for each in identity:
        expect_freed(session, each)
    said = session.run("%remote unpin all").check().text()
    assert said == "gnomon nothing to unpin: outputs and the last error hold no object\n"


def test_a_traceback_holds_and_is_unpinned(session: LiveKernel) -> None:
    said = session.run(
        "def fail():\n    inside = gnomon.put(b'1' * 1_000_000)\n    raise ValueError(inside.hex())\nfail()"
    ).error()
    identity = re.findall(r"[0-9a-f]{40}", said)[-1]
    assert session.run(f"print(names({identity!r}))").check().text() == "['inside in fail()']\n"
    said = session.run("%remote unpin tracebacks").check().text()
    assert said == "gnomon unpinned the last error: 1 object freed, 1.0 MB\n"
    expect_freed(session, identity)


def test_ipythons_own_frames_are_no_holders(session: LiveKernel) -> None:
    session.run("x = gnomon.put(b'1' * 1_000_000)\ndef fail(ref): raise ValueError").check()
    assert "ValueError" in session.run("fail(x)").error()
    assert session.run("print(names(x.hex()))").check().text() == "['ref in fail()', 'x']\n"


def test_memory_names_cells_and_variables(session: LiveKernel) -> None:
    session.run(
        "@gnomon.remote\n"
        "def make(n):\n"
        "    return b'1' * n\n"
        "results = {'big': make.remote(2_000_000)}\n"
        "gnomon.get(results['big'])[:1]"
    ).check()
    number = number_of(session)
    bundle = session.run("%remote memory --units KB").check().displays()[""]
    told = bundle["text/plain"]
    (line,) = [line for line in told.splitlines() if "2,000" in line and "make" in line and "In [" in line]
    assert f"In [{number}]:4" in line
    assert "  results['big']  " in line
    identity = line.split()[-1]
    assert re.fullmatch("[0-9a-f]{40}", identity)
    table = bundle["text/html"]
    assert f'title="{identity}"' in table
    assert f">{identity}</code>" in table, "it can be copied"
    assert re.search(rf'<gnomon-cell data-cell="[^"]+" data-line="4">In \[{number}\]:4</gnomon-cell>', table)
    assert "results[&#x27;big&#x27;]" in table
    one = session.run("%remote memory results['big']").check().displays()[""]
    assert "results['big']" in one["text/plain"]
    assert session.run(f"%remote memory {identity}").check().displays()[""].keys() == one.keys()
    said = session.run("%remote memory nothing").text("stderr")
    assert "'nothing' raised NameError" in said
    assert "is a dict" in session.run("%remote memory results").text("stderr")
    assert "expected the number of an output" in session.run("%remote unpin some").text("stderr")


def test_after_unloading_outputs_are_ipythons_own(session: LiveKernel) -> None:
    session.run("%unload_ext gnomon").check()
    session.run("x = gnomon.put('value')\nx").check()
    assert session.run("print(_ is x)").check().text() == "True\n"
    session.run("%load_ext gnomon").check()
    session.run("del x").check()
    assert session.run("print(gnomon.get(_))").check().text() == "value\n"
