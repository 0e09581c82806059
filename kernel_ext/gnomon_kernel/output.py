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
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from gnomon.observe import hooks
from gnomon_kernel.cell_log import CellLog, open_log
from gnomon_kernel.cell_task import CELL_TASK_NAME
from gnomon_kernel.displays import Displays, Shown, joined
from gnomon_kernel.origins import CELLS_REMEMBERED_MAX, CellRun, Origins
from gnomon_kernel.output_fold import OutputFold
from gnomon_kernel.rewritten import RewrittenLines

MESSAGES_PER_S_MAX = 5
"""For each cell; notebook servers cut off a kernel that sends too many."""


class Publisher(Protocol):
    """Sends output to the front ends, from any thread."""

    def stream(self, parent: Mapping[str, Any], stream: str, text: str) -> None:
        """Append ``text`` to ``stdout`` or ``stderr`` of the cell that ``parent`` runs."""
        ...

    def show(self, parent: Mapping[str, Any], shown: Shown) -> None:
        """Show a MIME bundle, or rewrite one in place."""
        ...


class KernelPublisher:
    """Publishes on the IOPub channel of an ipykernel (6 and 7), whose socket may be used by any thread."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel

    def stream(self, parent: Mapping[str, Any], stream: str, text: str) -> None:
        """Append ``text`` to a stream of the cell that ``parent`` runs."""
        self._send("stream", {"name": stream, "text": text}, parent, f"stream.{stream}")

    def show(self, parent: Mapping[str, Any], shown: Shown) -> None:
        """Show or rewrite a MIME bundle."""
        transient = {"display_id": shown.display_id} if shown.display_id else {}
        content = {"data": shown.data, "metadata": shown.metadata, "transient": transient}
        kind = "update_display_data" if shown.update else "display_data"
        self._send(kind, content, parent, "display_data")

    def _send(self, kind: str, content: dict[str, Any], parent: Mapping[str, Any], topic: str) -> None:
        self._kernel.session.send(
            self._kernel.iopub_socket, kind, content, parent=dict(parent), ident=topic.encode()
        )


Outgoing = tuple[str, str] | Shown
"""A message: (stream, text), or a MIME bundle."""


class _CellOutput:
    """One run of a cell with its output; ``next_s`` is when it may send again (monotonic seconds).

    Its methods are called under the router's lock; ``log`` is written without it. What is shown and what is
    printed keep their order: ``_queue`` holds what was there before a display.
    """

    def __init__(self, run: CellRun | None) -> None:
        self.run = run
        self.fold = OutputFold()
        self.next_s = 0.0
        self.log: CellLog | None = None
        self._unlogged: list[str] = []
        self._queue: deque[Outgoing] = deque()
        self._displays = Displays()
        self._bars = hooks.Bars()
        self._rewritten = RewrittenLines()
        self._bars_changed = False
        self._tail_id = ""
        self._bars_id = ""

    @property
    def pending(self) -> bool:
        """There is something to send."""
        return bool(self._queue) or self.fold.dirty or self._bars_changed

    def inherit(self, older: _CellOutput) -> None:
        """Take over what an older run has not shown yet: only the new run's output can still be seen."""
        self._queue = older._queue
        if older.fold.dirty:
            self.fold, self.log, self._unlogged = older.fold, older.log, older._unlogged

    def accept(self, lines: hooks.OutputLines) -> None:
        """Take what a task printed or showed."""
        if lines.stream == hooks.PROGRESS_STREAM:
            self._bars.update(lines.text)
            self._bars_changed = True
        elif lines.stream == hooks.DISPLAY_STREAM:
            for shown in self._displays.read(lines.text):
                if not joined(list(self._queue), shown):
                    self._queue_text()
                    self._queue.append(shown)
            self._bars_changed |= bool(self._displays.notice())
        else:
            self._print(lines)

    def _print(self, lines: hooks.OutputLines) -> None:
        own = self.run.own_task if self.run is not None else ""
        labelled = lines.task_name not in (CELL_TASK_NAME, own)  # that stands in its own cell
        key = (lines.stream, *((lines.task_name, lines.worker_label) if labelled else ("", "")))
        plain = self._rewritten.take(key, lines.text)
        if plain:
            self.fold.add(*key, plain)
        if plain != lines.text:
            self._bars_changed = True
            for old, row in self._rewritten.overflow():
                self.fold.add(*old, row)

    def take(self, messages_max: int | None) -> list[Outgoing]:
        """At most so many messages, in order; None takes all. The bars come last, when nothing else waits."""
        if messages_max is None or len(self._queue) < messages_max:
            self._queue_text()
        count = len(self._queue) if messages_max is None else min(messages_max, len(self._queue))
        messages = [self._queue.popleft() for _ in range(count)]
        if self._bars_changed and not self._queue:
            self._bars_changed = False
            lines = [*self._bars.lines(), *self._rewritten.lines(), *self._displays.notice()]
            update = bool(self._bars_id)
            self._bars_id = self._bars_id or f"gnomon-bars-{uuid.uuid4().hex}"
            messages.append(_text("\n".join(lines), self._bars_id, update))
        return messages

    def _queue_text(self) -> None:
        if not self.fold.dirty:
            return
        if self.fold.folded:
            self._note_log()
        batch = self.fold.take()
        self._queue.extend(batch.streams)
        if batch.tail is None:
            return
        tail = _text(batch.tail, self._tail_id or f"gnomon-output-{uuid.uuid4().hex}", bool(self._tail_id))
        self._tail_id = tail.display_id
        if not joined(list(self._queue), tail):
            self._queue.append(tail)

    def _note_log(self) -> None:
        if self.log is None and not self.fold.log_path:
            self.log = open_log(self.run.label if self.run is not None else "")
            self.fold.log_path = self.log.path if self.log is not None else ""
        text = self.fold.take_log()
        if self.log is not None:
            self._unlogged.append(text)

    def take_log(self) -> str:
        """What is to be written to ``log`` now."""
        texts, self._unlogged = self._unlogged, []
        return "".join(texts)


def _text(text: str, display_id: str, update: bool) -> Shown:
    return Shown({"text/plain": text}, {}, display_id, update)


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
            output.accept(lines)
            if lines.cell not in self._dirty:
                self._dirty[lines.cell] = output
                self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="gnomon-output", daemon=True)
                self._thread.start()

    def flush(self, cell: str) -> None:
        """Publish now what a cell has pending: called when it ends, before its front end stops listening."""
        with self._sending:
            self._publish(cell, None)

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
            if output is not None:
                fresh.inherit(output)
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
                    self._publish(cell, MESSAGES_PER_S_MAX)

    def _publish(self, cell: str, messages_max: int | None) -> None:
        with self._changed:
            output = self._dirty.pop(cell, None)
            if output is None:
                return
            messages = output.take(messages_max)
            if output.pending:
                self._dirty[cell] = output
            log, text = output.log, output.take_log()
            output.next_s = self._clock() + len(messages) / MESSAGES_PER_S_MAX
        if log is not None and text:
            log.write(text)  # without the lock: a disk may be slow, and accept() is called by an engine
        parent: Mapping[str, Any] = output.run.parent if output.run is not None else {}
        for message in messages:
            if isinstance(message, Shown):
                self._publisher.show(parent, message)
            else:
                self._publisher.stream(parent, *message)
