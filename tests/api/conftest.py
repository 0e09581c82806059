"""A session of its own per test, on the inline engine."""

from collections.abc import Iterator

import pytest

import gnomon
from gnomon._api import init_options, session


@pytest.fixture
def inline() -> Iterator[None]:
    """A running session."""
    gnomon.init(engine="inline", num_cpus=2)
    yield
    gnomon.shutdown()


@pytest.fixture
def unstarted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a fresh process: no session was ever started, and the first use starts an inline one."""
    gnomon.shutdown()
    monkeypatch.setattr(session._session, "ended", False)
    monkeypatch.setenv(init_options.ENGINE_VARIABLE, "inline")
    yield
    gnomon.shutdown()
