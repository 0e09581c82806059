from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gnomon._wire import object_ref, pickling
from gnomon.ids import ObjectID, WorkerID, object_id, task_id


@pytest.fixture(autouse=True)
def live_references() -> Iterator[None]:
    """References that pickle as an engine's do."""
    object_ref.install(object_ref.Hooks(lambda _identity: None, pickling.reduce_ref, _no_future))
    yield
    pickling.set_out_of_band(None, None)
    object_ref.install(None)


@pytest.fixture
def identity() -> Any:
    def make(number: int) -> ObjectID:
        return object_id(task_id(WorkerID(b"testtest"), number), 1)

    return make


def _no_future(_ref: Any) -> Any:
    raise AssertionError("nobody waits in these tests")
