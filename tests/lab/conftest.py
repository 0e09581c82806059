"""What the browser tests share: one JupyterLab for all of them, a fresh browser for each."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.lab_driver import ROOT, LabPage, LabServer, lab_page, lab_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab on a copy of the course, so that saving changes nothing here."""
    folder: Path = tmp_path_factory.mktemp("lab") / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    with lab_server(tmp_path_factory.mktemp("jupyter"), folder) as running:
        yield running


@pytest.fixture
def lab(server: LabServer) -> Iterator[LabPage]:
    """A page; the test fails when it has written an error to the console."""
    with lab_page(server) as page:
        yield page
        assert page.errors == []
