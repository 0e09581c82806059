"""A real IPython kernel, driven the way a notebook front end does it."""

import os
import queue
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60.0


def environment() -> dict[str, str]:
    """Variables of a process that imports the project as it stands here."""
    paths = [str(ROOT / "runtime"), str(ROOT / "kernel_ext"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@dataclass
class RunningCell:
    """One run of one cell, with everything the kernel has published under it so far."""

    msg_id: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    idle: bool = False

    def contents(self, kind: str) -> list[dict[str, Any]]:
        return [m["content"] for m in self.messages if m["header"]["msg_type"] == kind]

    def text(self, stream: str = "stdout") -> str:
        return "".join(c["text"] for c in self.contents("stream") if c["name"] == stream)

    def result(self) -> str:
        return "".join(c["data"]["text/plain"] for c in self.contents("execute_result"))

    def error(self) -> str:
        return "\n".join(line for c in self.contents("error") for line in c["traceback"])

    def displays(self) -> dict[str, dict[str, str]]:
        """Display id -> the MIME bundle as it was shown last."""
        shown = {}
        for message in self.messages:
            if message["header"]["msg_type"] in {"display_data", "update_display_data"}:
                content = message["content"]
                shown[content["transient"].get("display_id", "")] = content["data"]
        return shown

    def check(self) -> Self:
        assert not self.contents("error"), self.error()
        return self


class LiveKernel:
    """A kernel process; leaves nothing behind."""

    def __init__(self) -> None:
        self.manager = KernelManager(kernel_name="python3", transport="ipc")
        self.manager.start_kernel(env=environment())
        self.client: BlockingKernelClient = self.manager.client()
        self.client.start_channels()
        self.cells: dict[str, RunningCell] = {}
        self.strays: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        self.client.wait_for_ready(timeout=DEADLINE_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def forget(self) -> None:
        """End the session and let go of all names, so that another test may use this kernel."""
        self.run("%load_ext gnomon\n%remote stop\n%reset_selective -f .", cell="forget").check()
        self.cells.clear()
        self.strays.clear()

    def restart(self) -> None:
        """Another process, with the extension loaded."""
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(timeout=DEADLINE_S)
        self.run("%load_ext gnomon", cell="load").check()

    def start(self, code: str, cell: str | None = None) -> RunningCell:
        """Send a cell, as a front end does, and do not wait."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        metadata = {"cellId": cell or uuid.uuid4().hex}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        running = self.cells[message["header"]["msg_id"]] = RunningCell(message["header"]["msg_id"])
        self.client.shell_channel.send(message)
        return running

    def run(self, code: str, cell: str | None = None) -> RunningCell:
        """Run a cell to its end."""
        running = self.start(code, cell)
        self.until(lambda: running.idle, f"the end of:\n{code}")
        return running

    def until(self, condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
        """Take in messages until a condition holds."""
        end = time.monotonic() + deadline_s
        while not condition():
            left = end - time.monotonic()
            assert left > 0, f"waited {deadline_s} s for {what}; got {self._story()}"
            try:
                self._take(self.client.get_iopub_msg(timeout=min(left, 1.0)))
            except queue.Empty:
                continue

    def interrupt(self) -> None:
        """What the stop button does."""
        self.manager.interrupt_kernel()

    def complete(self, code: str) -> list[str]:
        """What the kernel offers at the end of ``code``."""
        reply = self.client.complete(code, len(code), reply=True, timeout=DEADLINE_S)
        return list(reply["content"]["matches"])

    def _story(self) -> list[Any]:
        cells = [m for cell in self.cells.values() for m in cell.messages]
        return [(m["header"]["msg_type"], m["content"]) for m in (*cells, *self.strays)]

    def _take(self, message: dict[str, Any]) -> None:
        cell = self.cells.get(message["parent_header"].get("msg_id", ""))
        if cell is None:
            self.strays.append(message)
            return
        cell.messages.append(message)
        if message["header"]["msg_type"] == "status":
            cell.idle = message["content"]["execution_state"] == "idle"
