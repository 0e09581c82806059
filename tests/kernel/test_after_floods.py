"""After more tasks than the views list, the next ones have rows, and what is told of them leads to their cells."""

from __future__ import annotations

import uuid
from typing import Any

from gnomon._core.ledger import TaskState
from kernel.live_kernel import LiveKernel
from observe.feed_reader import FeedReader

FLOOD = 12_000
WORK = """@gnomon.remote
def work(number):
    assert number != 7, "seven"
    return number
refs = [work.remote(number) for number in range(50)]
ready, _ = gnomon.wait(refs, num_returns=50)
gnomon.get(refs)"""


class Panel:
    """A panel in which somebody looks at the views from the beginning."""

    def __init__(self, kernel: LiveKernel) -> None:
        self.kernel = kernel
        self.reader = FeedReader()
        self.answers: dict[int, dict[str, Any]] = {}
        self._identity = f"gnomon-{uuid.uuid4().hex}"
        self._read: set[str] = set()
        self._send("comm_open", target_name="gnomon.panel", data={})
        self.tell(kind="subscribe")

    def tell(self, **data: Any) -> None:
        self._send("comm_msg", data=data)

    def _send(self, kind: str, **content: Any) -> None:
        message = self.kernel.client.session.msg(kind, {"comm_id": self._identity, **content})
        self.kernel.client.control_channel.send(message)

    def listed(self, name: str) -> dict[int, dict[str, Any]]:
        """What it has been told of a function's tasks so far, by their numbers."""
        self._take_in()
        reader = self.reader
        return {
            number: row for number, row in reader.numbered.items() if reader.names[row["func"]].endswith(name)
        }

    def _take_in(self) -> None:
        cells = [message for cell in self.kernel.cells.values() for message in cell.messages]
        told = [
            message
            for message in (*self.kernel.strays, *cells)
            if message["content"].get("comm_id") == self._identity and message["msg_id"] not in self._read
        ]
        self._read.update(message["msg_id"] for message in told)
        for message in sorted(told, key=lambda each: each["content"]["data"].get("seq", 0)):
            data = message["content"]["data"]
            if data["kind"] in ("snapshot", "delta", "idle"):
                self.reader.read((data, bytes(message["buffers"][0]) if message["buffers"] else b""))
            else:
                self.answers[data["id"]] = data


def test_tasks_that_come_after_a_flood_have_rows_cards_and_links(live_kernel: LiveKernel) -> None:
    kernel = live_kernel
    kernel.run("%remote start --engine local --cpus 2\nimport gnomon", cell="start").check()
    panel = Panel(kernel)
    kernel.run(
        f"nothing = gnomon.remote(lambda: None)\ndone = gnomon.get([nothing.remote() for _ in range({FLOOD})])",
        cell="flood",
    ).check()
    cell = kernel.run(WORK, cell="work")
    kernel.until(
        lambda: sum(row["state"] >= TaskState.DONE for row in panel.listed("work").values()) == 50,
        "all tasks of the last cell have rows",
    )
    rows = panel.listed("work")
    (failed,) = [number for number, row in rows.items() if row["state"] == TaskState.FAILED]
    assert [row["line"] for row in rows.values()] == [5] * 50
    assert {panel.reader.cells[row["cell"]]["id"] for row in rows.values()} == {"work"}
    assert "seven" in panel.reader.errors[failed]
    assert len(panel.reader.tasks) <= 10_000
    assert panel.reader.limits["tasks_total"] == FLOOD + 50
    assert sum(map(sum, panel.reader.groups.values())) == FLOOD + 50
    panel.tell(kind="detail", id=failed)
    panel.tell(kind="detail", id=0)
    kernel.until(lambda: panel.listed("work") and len(panel.answers) == 2, "what is known of two tasks")
    assert panel.answers[failed]["error"].startswith("AssertionError")
    assert "left the list" in panel.answers[0]["text"]
    cards = [
        data["text/html"]
        for data in cell.displays().values()
        if "jp-gnomon-error" in data.get("text/html", "")
    ]
    assert len(cards) == 1
    assert '<gnomon-cell data-cell="work" data-line="5">' in cards[0]
    kernel.run("%remote stop", cell="stop").check()
