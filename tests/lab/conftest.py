"""What the browser tests share: one JupyterLab for all of them, a browser a module, and a fresh page for each."""

import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lab.lab_driver import ROOT, LabPage, LabServer, lab_page, lab_server, open_browser


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that has failed tells what its page shows, while it is still there."""
    report = yield
    if report.failed and call.when == "call":
        for made in getattr(item, "funcargs", {}).values():
            if isinstance(made, LabPage):
                report.sections.append(("the page", made.story()))
    return report


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """JupyterLab on a copy of the course, so that saving changes nothing here."""
    folder: Path = tmp_path_factory.mktemp("lab") / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder)
    with lab_server(tmp_path_factory.mktemp("jupyter"), folder) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for all modules: while Playwright runs, no test of another part could run an asyncio loop."""
    with open_browser() as opened:
        yield opened


@pytest.fixture
def lab(browser: Browser, server: LabServer) -> Iterator[LabPage]:
    """A page; the test fails when it has written an error to the console."""
    with lab_page(browser, server) as page:
        yield page
        assert page.errors == []
