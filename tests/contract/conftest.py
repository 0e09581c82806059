"""One suite, each engine: what every engine must do alike. A session serves a whole module of tests."""

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import gnomon
import zero_check

ENGINES = os.environ.get("GNOMON_CONTRACT_ENGINES", "inline local").split()
CPUS = 2
GPUS = 2
SETTLE_S = 20.0


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """The engine's name, with a session running on it."""
    if request.param == "ray":  # see against_ray.py
        if not gnomon.is_initialized():  # one cluster for all modules: it takes seconds to start
            gnomon.init(
                num_cpus=CPUS,
                num_gpus=GPUS,
                resources={"gadget": 2},
                log_to_driver=False,
                include_dashboard=False,
            )
        yield request.param
        return
    with zero_check.nothing_is_left():
        gnomon.init(engine=request.param, num_cpus=CPUS, num_gpus=GPUS, resources={"gadget": 2})
        yield request.param
        gnomon.shutdown()


@pytest.fixture(autouse=True)
def _no_reference_is_left(engine: str, request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test the store is empty and no actor is alive."""
    yield
    (request.node.funcargs or {}).clear()  # pytest would keep handles that fixtures made
    if engine == "ray":
        return
    ledger = _ledger()
    deadline = time.monotonic() + SETTLE_S

    def left() -> list[str]:
        alive = [row["class"] for row in list(ledger.actors.values()) if row["state"] != "dead"]
        return [*list(ledger.objects), *alive]

    while left() and time.monotonic() < deadline:
        gc.collect()  # a caught exception holds its frames, and those the references
        threading.Event().wait(0.01)
    assert left() == []


def _ledger() -> Any:
    from gnomon._api import session

    return session.engine().ledger


@pytest.fixture
def objects_alive(engine: str) -> Callable[[], set[str]]:
    """What the store holds now: ``objects_alive()`` are the ids, in hexadecimal."""
    if engine == "ray":
        pytest.skip("looks into gnomon's ledger")
    return lambda: set(_ledger().objects)


@pytest.fixture
def until():
    """Wait for a named condition: ``until(lambda: ...)``; fails when it has not come true in time."""

    def wait(condition, within_s=SETTLE_S):
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true"
            gc.collect()
            threading.Event().wait(0.01)

    return wait


@pytest.fixture
def gate(engine):
    """An async actor whose calls wait until it is opened (see ``gates.Gate``)."""
    from contract.gates import Gate

    return Gate.remote()


@pytest.fixture
def parallel(engine):
    """For tests that need a task to run beside the caller: not on the inline engine."""
    if engine == "inline":
        pytest.skip("the inline engine runs one task at a time, in the caller's thread")
