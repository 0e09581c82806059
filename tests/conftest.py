"""The zero check: after every test no thread, file, process or reference more than before it. And a watch over the whole
suite: no head and no node unpickles anything.
"""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import zero_check

# parts of the suite in which threads and files outlive a test
KEEP_THREADS_AND_FILES = {
    "contract": "a session serves a whole module, and is checked when it ends",
    "kernel": "jupyter_client keeps an event loop per thread",
    "notebooks": "nbclient does so too",
    "lab": "Playwright keeps a driver process and its pipes",
}


def pytest_collection_finish() -> None:
    """Spare the garbage collector the tests themselves: some 400,000 objects, through which thousands of collections
    would go in vain, those of the tests, of the zero check and of IPython.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    part = request.path.relative_to(Path(__file__).parent).parts[0]
    watched = zero_check.ALL
    if part in KEEP_THREADS_AND_FILES:
        watched = {"processes": zero_check.children, "session": zero_check.held}
    with zero_check.nothing_is_left(watched):
        yield
        # pytest would keep the values of torn-down fixtures a little longer; None when its set-up was stopped
        (request.node.funcargs or {}).clear()


@pytest.fixture(autouse=True, scope="session")
def unpickling_notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the heads and nodes of all tests note what they unpickle (``gnomon._shell.no_unpickling``)."""
    folder = tmp_path_factory.mktemp("unpickling")
    os.environ["GNOMON_UNPICKLING_NOTES"] = str(folder)
    yield folder
    del os.environ["GNOMON_UNPICKLING_NOTES"]
    unpickled = {note.name: note.read_text() for note in folder.iterdir() if note.stat().st_size}
    assert not unpickled, f"{len(unpickled)} heads or nodes have unpickled: {unpickled}"
