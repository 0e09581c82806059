"""A ledger that tests fill as an engine would."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from gnomon._core.ledger import Ledger
from observe.engineer import Engineer


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("session-1")


@pytest.fixture
def engineer(ledger: Ledger) -> Engineer:
    return Engineer(ledger)


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[object], None]]:
    """Makes an engine the current one, without starting a session."""
    session = SimpleNamespace(current_engine=lambda: None)
    monkeypatch.setitem(sys.modules, "gnomon._api.session", session)

    def use(engine: object) -> None:
        session.current_engine = lambda: engine

    return use
