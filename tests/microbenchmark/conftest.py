import sys
from pathlib import Path

import pytest

from gnomon.testing.microbenchmark.systems import System

SYSTEMS = Path(__file__).parent / "systems"


@pytest.fixture
def system():
    """Makes a system under test out of a module of ``systems/``."""

    def make(module, name="gnomon"):
        return System(name, module, path=(str(SYSTEMS),))

    return make


@pytest.fixture
def serial(monkeypatch):
    """The serial system, imported here, its counters at zero."""
    monkeypatch.syspath_prepend(str(SYSTEMS))
    import serial_system

    serial_system.counts.clear()
    yield serial_system
    sys.modules.pop("serial_system")
