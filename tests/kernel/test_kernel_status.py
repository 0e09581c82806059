"""While a cell runs the kernel says that it is busy, whatever views ask of it meanwhile; afterwards that it is idle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kernel.live_kernel import LiveKernel

BLOCK = """
import os, threading
print("it runs")
while not os.path.exists({path!r}):
    threading.Event().wait(0.02)
"""


def states(kernel: LiveKernel) -> list[tuple[str, str]]:
    """What the kernel has said of itself, in this order: the state, and the kind of message that it was about."""
    return [
        (message["content"]["execution_state"], message["parent_header"].get("msg_type", ""))
        for message in kernel.heard
        if message["header"]["msg_type"] == "status"
    ]


@pytest.fixture
def kernel(live_kernel: LiveKernel, monkeypatch: pytest.MonkeyPatch) -> LiveKernel:
    """One that remembers the order in which messages came, of whatever cell."""
    live_kernel.heard = []
    take = live_kernel._take

    def note(message: dict[str, Any]) -> None:
        live_kernel.heard.append(message)
        take(message)

    monkeypatch.setattr(live_kernel, "_take", note)
    return live_kernel


def ask(kernel: LiveKernel, kind: str, content: dict[str, Any]) -> None:
    kernel.client.control_channel.send(kernel.client.session.msg(kind, content))


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("comm_open", {"comm_id": "one", "target_name": "gnomon.panel", "data": {}}),
        ("comm_info_request", {"target_name": "gnomon.hub"}),
    ],
)
def test_busy_while_a_cell_runs(
    kernel: LiveKernel, tmp_path: Path, kind: str, content: dict[str, Any]
) -> None:
    release = tmp_path / "release"
    cell = kernel.start(BLOCK.format(path=str(release)))
    kernel.until(
        lambda: "it runs" in cell.text(), "the cell's first line"
    )  # it is announced a moment before it runs
    ask(kernel, kind, content)
    kernel.until(lambda: ("idle", kind) in states(kernel), "the end of what was asked")
    kernel.until(lambda: states(kernel)[-1] == ("busy", "execute_request"), "that the cell still runs")
    release.touch()
    kernel.until(lambda: cell.idle, "the cell's end")
    assert states(kernel)[-1] == ("idle", "execute_request")


def test_idle_when_no_cell_runs(kernel: LiveKernel) -> None:
    kernel.run("1 + 1")
    ask(kernel, "comm_info_request", {})
    kernel.until(lambda: ("idle", "comm_info_request") in states(kernel), "the end of what was asked")
    # what would be said again comes before anything that is asked later on the same channel
    ask(kernel, "kernel_info_request", {})
    kernel.until(lambda: ("idle", "kernel_info_request") in states(kernel), "the end of the next thing")
    about = states(kernel)[states(kernel).index(("idle", "comm_info_request")) :]
    assert ("busy", "execute_request") not in about
