"""The views' budget in a real kernel that is flooded: how often they are told, how much, and when nothing at all."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from gnomon.observe import MESSAGES_PER_SECOND_MAX
from kernel.feed_kernel import FeedKernel, feed_kernel
from observe.feed_reader import FeedReader

DEADLINE_S = 60.0
MESSAGE_BYTES_MAX = 64 * 1024
CLOCK_SLACK_S = 0.01
"""Messages are dated by the clock on the wall, and kept apart by one that nobody sets."""

FLOOD = """
def flood(count):
    for number in range(count):
        row = engineer.submit(f"step {number % 7}", deps=(number - 1,) if 0 < number < 9_000 else (), cell="a")
        engineer.start(row, worker=number % 4)
        ledger.object_changed(f"{number:040x}", number % 1_000, "memory", "step", 1, 0, "n1")
        ledger.totals["count"] += 1
        engineer.finish(row, error="" if number % 50 else "ValueError: the reason at some length")
        if number >= 3_000:
            ledger.object_gone(f"{number - 3_000:040x}")
        ledger.actor_changed(f"{number % 50}", state="alive", cell=0, watched={"step": number})
"""


class Panels:
    """Several panels on one kernel, and what each has been told."""

    def __init__(self, kernel: FeedKernel, count: int) -> None:
        self._kernel = kernel
        self.readers = {f"gnomon-{uuid.uuid4().hex}": FeedReader() for _ in range(count)}
        self.times: dict[str, list[float]] = {identity: [] for identity in self.readers}
        for identity in self.readers:
            content = {"comm_id": identity, "target_name": "gnomon.panel", "data": {}}
            kernel.send("control", "comm_open", content)
        self.tell(kind="subscribe")

    def tell(self, **data: object) -> None:
        for identity in self.readers:
            self._kernel.send("control", "comm_msg", {"comm_id": identity, "data": data})

    def until(self, condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < limit, "the views were not told"
            self.next()

    def next(self) -> dict[str, Any]:
        """The next message to any of them."""
        message = self._kernel.wait_for(
            lambda message: (
                message["header"]["msg_type"] == "comm_msg" and message["content"]["comm_id"] in self.readers
            )
        )
        identity, data = message["content"]["comm_id"], message["content"]["data"]
        if data["kind"] in ("snapshot", "delta", "idle"):
            self.readers[identity].read((data, bytes(message["buffers"][0]) if message["buffers"] else b""))
            self.times[identity].append(data["time"])
        return dict(data)

    def close(self) -> None:
        for identity in self.readers:
            self._kernel.send("control", "comm_close", {"comm_id": identity, "data": {}})
        self._kernel.comms("gnomon.hub")  # answered after what was sent before it


@pytest.fixture(scope="module")
def kernel():
    with feed_kernel() as kernel:
        kernel.run(FLOOD + "panel.register(get_ipython())")
        kernel.run("def looked_at(count):\n    while ledger.readers != count: time.sleep(0.01)")
        yield kernel


@pytest.fixture
def panels(kernel: FeedKernel):
    panels = Panels(kernel, 3)
    yield panels
    panels.close()


def counted(reader: FeedReader) -> int:
    return sum(map(sum, reader.groups.values()))


def test_a_flood_is_told_within_the_budget_and_told_whole(kernel, panels):
    panels.until(lambda: all(reader.snapshots for reader in panels.readers.values()))
    kernel.run("flood(12_000)")
    panels.until(lambda: all(counted(reader) == 12_000 for reader in panels.readers.values()))
    last = {str(number % 50): number for number in range(12_000)}
    panels.until(
        lambda: all(
            {key: row["watched"]["step"] for key, row in reader.actors.items()} == last
            and len(reader.tasks) == 10_000
            and set(reader.states()) == {3, 4}
            for reader in panels.readers.values()
        )
    )
    for identity, reader in panels.readers.items():
        assert reader.snapshots == 1, "a flood is no reason to start anew"
        assert max(reader.sizes) <= MESSAGE_BYTES_MAX
        gaps = [later - earlier for earlier, later in itertools.pairwise(panels.times[identity])]
        assert len(gaps) >= 5
        assert min(gaps) >= 1 / MESSAGES_PER_SECOND_MAX - CLOCK_SLACK_S


def test_a_view_opened_late_gets_one_snapshot_in_messages_that_fit(kernel, panels):
    kernel.run("flood(10_000)")
    panels.until(lambda: all(len(reader.tasks) == 10_000 for reader in panels.readers.values()))
    for reader in panels.readers.values():
        assert reader.snapshots == 1
        assert len(reader.sizes) > 3
        assert max(reader.sizes) <= MESSAGE_BYTES_MAX


def test_hidden_views_are_told_nothing_and_cost_nothing(kernel, panels):
    panels.until(lambda: all(reader.snapshots for reader in panels.readers.values()))
    panels.tell(kind="hidden")
    kernel.run("looked_at(0)")
    hidden_at = time.time()
    kernel.run("flood(1_000)\nassert not ledger.changed_tasks and not ledger.changed_objects")
    panels.tell(kind="detail", id=0)  # the answer comes after whatever was sent before it
    answered = 0
    while answered < len(panels.readers):
        answered += panels.next()["kind"] == "detail"
    assert all(moment < hidden_at for times in panels.times.values() for moment in times)
    panels.tell(kind="visible")
    panels.until(lambda: all(reader.snapshots == 2 for reader in panels.readers.values()))
