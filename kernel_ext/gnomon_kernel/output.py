"""What tasks print goes to the cell that submitted them, however late it comes.

Engines call :meth:`OutputRouter.accept` in their own threads, with the cell that each line belongs to. The
router looks up the message which that cell's output must answer (its *parent*, kept by
:mod:`gnomon_kernel.origins`) and publishes under it on the kernel's own IOPub channel, so that nothing
depends on what ``sys.stdout`` thinks is the current cell: that differs between versions of ipykernel. What
to show of a flood is decided in :mod:`gnomon_kernel.output_fold`.

The one rule for a changer: at most ``MESSAGES_PER_S_MAX`` a second for each cell, or the server drops output.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from gnomon.observe import hooks
from gnomon_kernel.cell_task import CELL_TASK_NAME
from gnomon_kernel.origins import CELLS_REMEMBERED_MAX, CellRun, Origins
from gnomon_kernel.output_fold import Batch, OutputFold

MESSAGES_PER_S_MAX = 5
"""For each cell; notebook servers cut off a kernel that sends too many."""


class Publisher(Protocol):
    """Sends output to the front ends, from any thread."""

    def stream(self, parent: Mapping[str, Any], stream: str, text: str) -> None:
        """Append ``text`` to ``stdout`` or ``stderr`` of the cell that ``parent`` runs."""
        ...

    def show(self, parent: Mapping[str, Any], display_id: str, text: str, update: bool) -> None:
        """Show a text that can be rewritten in place; ``update`` says that it is shown already."""
        ...


class KernelPublisher:
    """Publishes on the IOPub channel of an ipykernel (6 and 7), whose socket may be used by any thread."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel

    def stream(self, parent: Mapping[str, Any], stream: str, text: str) -> None:
        """Append ``text`` to a stream of the cell that ``parent`` runs."""
        self._send("stream", {"name": stream, "text": text}, parent, f"stream.{stream}")

    def show(self, parent: Mapping[str, Any], display_id: str, text: str, update: bool) -> None:
        """Show or rewrite a text."""
        content = {"data": {"text/plain": text}, "metadata": {}, "transient": {"display_id": display_id}}
        self._send("update_display_data" if update else "display_data", content, parent, "display_data")

    def _send(self, kind: str, content: dict[str, Any], parent: Mapping[str, Any], topic: str) -> None:
        self._kernel.session.send(
            self._kernel.iopub_socket, kind, content, parent=dict(parent), ident=topic.encode()
        )


class _CellOutput:
    """One run of a cell with its output; ``next_s`` is when it may send again (monotonic seconds)."""

    def __init__(self, run: CellRun | None) -> None:
        self.run = run
        self.fold = OutputFold()
        self.bars = hooks.Bars()
        self.bars_changed = False
        self.next_s = 0.0
        self._tail_id = ""
        self._bars_id = ""

    def take_bars(self) -> list[str] | None:
        """The lines of the progress bars; None when they have not changed."""
        changed, self.bars_changed = self.bars_changed, False
        return self.bars.lines() if changed else None

    def publish(self, batch: Batch, bars: list[str] | None, publisher: Publisher) -> int:
        """Send a batch, and the progress bars if there are any; returns the number of messages that took."""
        parent: Mapping[str, Any] = self.run.parent if self.run is not None else {}
        for stream, text in batch.streams:
            publisher.stream(parent, stream, text)
        messages = len(batch.streams)
        if batch.tail is not None:
            update = bool(self._tail_id)
            self._tail_id = self._tail_id or f"gnomon-output-{uuid.uuid4().hex}"
            publisher.show(parent, self._tail_id, batch.tail, update)
            messages += 1
        if bars is not None:
            update = bool(self._bars_id)
            self._bars_id = self._bars_id or f"gnomon-bars-{uuid.uuid4().hex}"
            publisher.show(parent, self._bars_id, "\n".join(bars), update)
            messages += 1
        return messages


class OutputRouter:
    """Takes the output of tasks and publishes it, bounded, in the cells that it belongs to."""

    def __init__(
        self, origins: Origins, publisher: Publisher, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._origins = origins
        self._publisher = publisher
        self._clock = clock
        self._cells: dict[str, _CellOutput] = {}
        self._dirty: dict[str, _CellOutput] = {}
        self._changed = threading.Condition()
        self._sending = threading.Lock()  # keeps the order of batches; taken before _changed, never after
        self._thread: threading.Thread | None = None
        self._closed = False

    def accept(self, lines: hooks.OutputLines) -> None:
        """Take what a task printed; any thread, returns at once."""
        with self._changed:
            if self._closed:
                return
            output = self._output_of(lines.cell)
            if lines.stream == hooks.PROGRESS_STREAM:
                output.bars.update(lines.text)
                output.bars_changed = True
            else:
                self._add_lines(output, lines)
            if lines.cell not in self._dirty:
                self._dirty[lines.cell] = output
                self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="gnomon-output", daemon=True)
                self._thread.start()

    def _add_lines(self, output: _CellOutput, lines: hooks.OutputLines) -> None:
        labelled = lines.task_name != CELL_TASK_NAME  # that stands in its own cell
        name, worker = (lines.task_name, lines.worker_label) if labelled else ("", "")
        output.fold.add(lines.stream, name, worker, lines.text)

    def flush(self, cell: str) -> None:
        """Publish now what a cell has pending: called when it ends, before its front end stops listening."""
        with self._sending:
            self._publish(cell)

    def close(self) -> None:
        """Publish everything that is pending and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()
        for cell in list(self._dirty):
            self.flush(cell)

    def _output_of(self, cell: str) -> _CellOutput:
        run = self._origins.find(cell) or self._origins.latest()
        output = self._cells.get(cell)
        if output is None or output.run is not run:
            fresh = _CellOutput(run)
            if output is not None and output.fold.dirty:
                fresh.fold = output.fold  # not shown yet: only the new run's output can still be seen
            self._cells[cell] = output = fresh
            self._dirty.pop(cell, None)
            while len(self._cells) > CELLS_REMEMBERED_MAX:
                self._cells.pop(next(iter(self._cells)))
        return output

    def _loop(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                now = self._clock()
                due = [cell for cell, output in self._dirty.items() if output.next_s <= now]
                if not due:
                    earliest = min((output.next_s for output in self._dirty.values()), default=None)
                    self._changed.wait(None if earliest is None else earliest - now)
                    continue
            with self._sending:
                for cell in due:
                    self._publish(cell)

    def _publish(self, cell: str) -> None:
        with self._changed:
            output = self._dirty.pop(cell, None)
            if output is None:
                return
            batch = output.fold.take()
            bars = output.take_bars()
        messages = output.publish(batch, bars, self._publisher)
        output.next_s = self._clock() + messages / MESSAGES_PER_S_MAX
