"""Every error that a user can make, as he reads it: each names the thing, what is allowed and what to do next.

The files in ``golden`` hold what is typed and the error that comes. To add a case, write its ``>>>`` lines (more
lines of one case begin with ``...``) and run with ``GNOMON_UPDATE_GOLDEN=1``; then read what was written as a
student would. The first line of a file names the engine of its session, or ``none``.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import gnomon
from gnomon._api import session
from goldens import cases, check

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(path.name for path in GOLDEN.glob("*.txt"))

# what differs from run to run
VARYING = [
    (re.compile(r"\b0x[0-9a-f]+"), "0x..."),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{16,40}\b"), "<id>"),
    (re.compile(r"\b(process|pid) \d+"), r"\1 <pid>"),
    (re.compile(r'File "[^"]*/([^/"]+)", line \d+'), r'File ".../\1", line <n>'),
    (re.compile(r"\n[ ~^]+(?=\n)"), ""),  # where in a line: versions of Python differ
    (re.compile(r"\b\d+\.\d+ s\b"), "<time> s"),
]


def outcome(code: str, names: dict[str, object]) -> str:
    """What a person who types ``code`` is told."""
    try:
        exec(code, names)
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
    else:
        told = "nothing is raised"
    for pattern, instead in VARYING:
        told = pattern.sub(instead, told)
    return "\n".join(line.rstrip() for line in told.splitlines())


def render(first: str, text: str) -> str:
    """The file as it has to be."""
    import golden_program

    names = {**vars(golden_program), "gnomon": gnomon}
    shown = []
    for code in cases(text):
        typed = code.replace("\n", "\n... ")
        shown.append(f">>> {typed}\n{outcome(code, names)}\n")
    return "\n".join([first + "\n", *shown])


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No session was ever started."""
    gnomon.shutdown()
    monkeypatch.setattr(session._session, "ended", False)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield
    gnomon.shutdown()
    gnomon.exceptions.set_in_notebook(False)


@pytest.mark.usefixtures("fresh_process")
@pytest.mark.parametrize("name", FILES)
def test_golden(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = GOLDEN / name
    text = path.read_text(encoding="utf-8")
    first = text.split("\n", 1)[0]
    engine = first.removeprefix("# engine: ")
    monkeypatch.delenv("GNOMON_ADDRESS", raising=False)
    if engine == "none":
        monkeypatch.setenv("TMPDIR", str(tmp_path))  # no cluster of anybody's is found
    else:
        gnomon.init(engine=engine, num_cpus=2, namespace="school", object_store_memory=2**26)
    found = render(first, text)
    check(path, found, cases_min=5)


def test_the_check_sees_another_text() -> None:
    told = outcome("gnomon.nothing", {"gnomon": gnomon})
    assert told == "AttributeError: module 'gnomon' has no attribute 'nothing'"
    assert list(cases(">>> a\n... b\nTypeError: no\n\n>>> c\n")) == ["a\nb", "c"]
