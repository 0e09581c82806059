"""A real kernel with a ledger in it, and the messages of a front end."""

from __future__ import annotations

import os
import queue
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from observe.feed_reader import FeedReader

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60.0

SETUP = """
import os, sys, threading, time
from types import SimpleNamespace
from gnomon import observe
from gnomon._core.ledger import Ledger
from observe.engineer import Engineer
import gnomon_kernel.panel as panel
ledger = Ledger("session-1")
engineer = Engineer(ledger)
engine = SimpleNamespace(ledger=ledger, name="local", memory=lambda *_: observe.MemoryReport())
session = SimpleNamespace(current_engine=lambda: engine)
sys.modules["gnomon._api.session"] = session

def work_until(path, name):
    def work():
        while not os.path.exists(path):
            row = engineer.submit(name)
            engineer.start(row)
            engineer.finish(row)
            time.sleep(0.005)
    threading.Thread(target=work, daemon=True).start()

def block_until(path):
    limit = time.monotonic() + 60
    while not os.path.exists(path) and time.monotonic() < limit:
        time.sleep(0.01)
"""


# a view's script, which need not be built
SCRIPT = "export default { render({ el }) { el.textContent = 'view'; } };"
LET_DRAW = """
from pathlib import Path
from gnomon_kernel.widgets import script
script.PATH = Path({path!r})
from gnomon_kernel import widgets
"""


class FeedKernel:
    """Drives one kernel: cells, and comm messages on any channel."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.iopub: list[dict[str, Any]] = []

    def run(self, code: str) -> None:
        """Run a cell to its end; an error in it fails the test."""
        self.wait_for_reply(self.start(code))

    def let_draw(self, folder: Path) -> None:
        """Have it show views as widgets, and import ``widgets``."""
        path = folder / "widget.js"
        path.write_text(SCRIPT)
        path.with_suffix(".txt").write_text("")
        self.run(LET_DRAW.format(path=str(path)))

    def start(self, code: str) -> str:
        return self.client.execute(code)

    def wait_for_reply(self, identity: str) -> None:
        limit = time.monotonic() + DEADLINE_S
        while time.monotonic() < limit:
            reply = self.client.get_shell_msg(timeout=DEADLINE_S)
            if reply["parent_header"].get("msg_id") == identity:
                assert reply["content"]["status"] == "ok", reply["content"].get("traceback")
                return
        raise AssertionError("the cell did not end")

    def is_idle_after(self, identity: str) -> bool:
        """Whether the kernel has said, so far as we have read, that this cell has ended."""
        return any(
            message["header"]["msg_type"] == "status"
            and message["content"]["execution_state"] == "idle"
            and message["parent_header"].get("msg_id") == identity
            for message in self.iopub
        )

    def send(self, channel: str, kind: str, content: dict[str, Any], **header: Any) -> dict[str, Any]:
        message = self.client.session.msg(kind, content)
        message["header"].update(header)
        getattr(self.client, f"{channel}_channel").send(message)
        return message

    def ask_control(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        """Send a request on the control channel and wait for its reply."""
        sent = self.send("control", kind, content)
        limit = time.monotonic() + DEADLINE_S
        while time.monotonic() < limit:
            reply = self.client.get_control_msg(timeout=DEADLINE_S)
            if reply["parent_header"].get("msg_id") == sent["header"]["msg_id"]:
                return dict(reply["content"])
        raise AssertionError(f"no reply to {kind}")

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next IOPub message that is wanted; all are kept in ``iopub``."""
        limit = time.monotonic() + DEADLINE_S
        while time.monotonic() < limit:
            try:
                message = self.client.get_iopub_msg(timeout=1.0)
            except queue.Empty:
                continue
            self.iopub.append(message)
            if wanted(message):
                return dict(message)
        raise AssertionError("the message did not come")

    def comms(self, target: str) -> dict[str, Any]:
        return dict(self.ask_control("comm_info_request", {"target_name": target})["comms"])


class FeedView:
    """A front end's end of one comm: reads the feed from the first snapshot on that it sees."""

    def __init__(self, kernel: FeedKernel, identity: str, custom: bool = False) -> None:
        self.kernel = kernel
        self.identity = identity
        self.reader = FeedReader()
        self._custom = custom

    def next(self) -> dict[str, Any]:
        """The next message of this comm, applied if it belongs to the feed."""
        message = self.kernel.wait_for(self._is_mine)
        content = message["content"]["data"]
        content = content["content"] if self._custom else content
        missed = content["kind"] == "delta" and not self.reader.snapshots
        if content["kind"] in ("snapshot", "delta", "idle") and not missed:
            buffers = message["buffers"]
            self.reader.read((content, bytes(buffers[0]) if buffers else b""))
        return dict(content)

    def until(self, condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < limit, "the feed did not get there"
            self.next()

    def _is_mine(self, message: dict[str, Any]) -> bool:
        content = message["content"]
        return (
            message["header"]["msg_type"] == "comm_msg"
            and content["comm_id"] == self.identity
            and (not self._custom or content["data"].get("method") == "custom")
        )


@contextmanager
def feed_kernel() -> Iterator[FeedKernel]:
    """A kernel of this environment, ready with ``SETUP``; ended when the test is over."""
    paths = [str(ROOT / name) for name in ("runtime", "kernel_ext", "tests")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(paths), PYTHONWARNINGS="ignore")
    with tempfile.TemporaryDirectory() as sockets:
        manager = KernelManager(transport="ipc", ip=f"{sockets}/k")
        manager.kernel_spec.argv[0] = sys.executable
        manager.start_kernel(env=environment)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=DEADLINE_S)
            kernel = FeedKernel(client)
            kernel.run(SETUP)
            yield kernel
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()
