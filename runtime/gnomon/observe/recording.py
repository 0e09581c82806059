"""Recording: what a session has been through, so that a report can show it as it was at any moment.

Nothing is noted while it happens. What became of a task, and when, stands in its row for as long as it is listed: the
rows *are* the history of tasks, exact, and free of charge. Only what no listed row keeps is recorded:

    tasks that are not listed      their rows, once they have ended   ledger.unlisted --+
    objects, actors, nodes, tempo  what has changed since the last look ----------------+--> HistoryFile --> Run

A thread looks five times a second, more rarely where a look takes long or much has changed already. What begins and
ends between two looks (a value that is freed at once) is therefore not seen. Of a task that was tried several times
the row tells of the last attempt; the latest of the others are in the ledger. The one rule for a changer: a look never
costs more than ``_SHARE`` of the time.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from gnomon._core.ledger import Ledger, TaskRow
from gnomon._engine import notebook_hooks
from gnomon.observe.history import HistoryFile
from gnomon.observe.largest import OBJECTS_LISTED_MAX

if TYPE_CHECKING:
    from gnomon._engine.base import Engine

PERIOD_S = 0.2
"""As often as a live view is told what is new."""

_BYTES_PER_PERIOD = 4_000_000
"""Changes that fill so much of the file make the time between two looks longer by ``PERIOD_S``: what changes without end
does not soon fill all of it."""

_SHARE = 0.01
"""Of one core, at most, goes into looking."""

_UNLISTED_MAX = 100_000
"""Ended tasks that wait for the next look; a session that ends more between two looks loses the oldest."""

_ERROR_CHARACTERS_MAX = 200

_CHANGES, _TASKS = b"c", b"t"
_ROWS_IN_FRAME = 2_000
_ROWS = msgspec.msgpack.Decoder(list[TaskRow])

_log = logging.getLogger("gnomon.recording")

Follow = Callable[[], "Engine | None"]
"""Tells which session to record; None while there is none."""


@dataclass(slots=True)
class Run:
    """What is known of one session's past.

    Attributes:
        ledger: how it stands, or stood at its end.
        engine: name of its engine.
        offset_s: unix time minus monotonic time.
        changes: what changed when, in parts of the feed's messages: "time" in unix seconds, "actors", "nodes",
            "objects", "tempo". The oldest first; the first one is the whole.
        listed: the rows that the ledger listed when it was looked at for the last time.
        unlisted: rows of ended tasks that it had not listed then, or no longer listed.
        ended: unix time of its end, 0.0 while it goes on.
        trouble: why the history has a gap, a sentence; "" if it has none.
    """

    ledger: Ledger
    engine: str
    offset_s: float
    changes: list[dict[str, Any]] = field(default_factory=list)
    listed: list[TaskRow] = field(default_factory=list)
    unlisted: list[TaskRow] = field(default_factory=list)
    ended: float = 0.0
    trouble: str = ""


class Recording:
    """Records the session of this process, and the next one after it.

    Args:
        follow: which session.
    """

    def __init__(self, follow: Follow) -> None:
        self._follow = follow
        self._lock = threading.Lock()
        self._tape: _Tape | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look at the session from now on, in a thread of its own; idempotent.

        A session that runs already, and that no notebook has started, tells of tasks that tasks submit, and of nodes, only
        while somebody looks at a view: start before the session.
        """
        with self._lock:
            if self._thread is None:
                self._stop.clear()
                notebook_hooks.recorded = True
                notebook_hooks.before_shutdown = self.look
                self._thread = threading.Thread(target=self._run, name="gnomon-recording", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Record no more and forget what was recorded; idempotent."""
        with self._lock:
            thread, self._thread = self._thread, None
            notebook_hooks.recorded = False
            notebook_hooks.before_shutdown = None
        self._stop.set()
        if thread is not None:
            thread.join()
        with self._lock:
            self._forget()

    def look(self) -> None:
        """Note what has changed, if it is on; called by the thread, and by who is about to end the session."""
        with self._lock:
            if self._thread is not None:
                self._look()

    def run(self) -> Run | None:
        """What is known of this session's past, or of that of the one before if none runs now; else None.

        Where nothing is recorded, that is how things stand now, and all listed tasks with their times.
        """
        with self._lock:
            self._look()
            tape = self._tape
            if tape is None:
                return None
            run = tape.read()
            if self._thread is None:
                self._forget()
            return run

    def _look(self) -> None:
        engine = self._follow()
        tape = self._tape
        if tape is not None and (engine is None or engine.ledger is not tape.ledger) and not tape.ended:
            tape.end()
        if engine is not None and (tape is None or engine.ledger is not tape.ledger):
            self._forget()
            tape = self._tape = _Tape(engine)
        if tape is not None and not tape.ended:
            tape.look()

    def _forget(self) -> None:
        if self._tape is not None:
            self._tape.close()
            self._tape = None

    def _run(self) -> None:
        pause_s = PERIOD_S
        while not self._stop.wait(pause_s):
            begun = time.perf_counter()
            try:
                self.look()
            except Exception:
                _log.exception("The session is not recorded any more: %remote report lacks what follows.")
                return
            pause_s = max(self._period_s(), (time.perf_counter() - begun) / _SHARE)

    def _period_s(self) -> float:
        tape = self._tape
        return PERIOD_S if tape is None else PERIOD_S * (1 + tape.changes_bytes / _BYTES_PER_PERIOD)


class _Tape:
    """The recording of one session."""

    def __init__(self, engine: Engine) -> None:
        self.ledger = engine.ledger
        self.ended = 0.0
        self.changes_bytes = 0
        self._engine = engine.name
        self._offset_s = time.time() - time.monotonic()
        self._file = HistoryFile(engine.info.directory)
        self._listed: list[TaskRow] = []
        self._unlisted: deque[TaskRow] = deque(maxlen=_UNLISTED_MAX)
        self._actors: dict[str, dict[str, Any]] = {}
        self._nodes: dict[str, dict[str, Any]] = {}
        self._objects: dict[str, list[Any]] = {}
        self._totals: dict[str, int] = {}
        self._tempo: dict[str, Any] = {}
        self.ledger.unlisted = self._unlisted

    def look(self) -> None:
        """Keep what has changed since the last look."""
        ledger = self.ledger
        self._listed = (
            ledger.tasks
        )  # before those that have left are read: one that leaves meanwhile is in one of the two
        changes: dict[str, Any] = {}
        if actors := _changed(self._actors, ledger.actors.copy()):
            changes["actors"] = actors
        if nodes := _changed(self._nodes, ledger.nodes.copy()):
            changes["nodes"] = nodes
        if objects := self._changed_objects():
            changes["objects"] = objects
        tempo = ledger.tempo
        if tempo != self._tempo:
            self._tempo = changes["tempo"] = tempo
        if changes:
            data = msgspec.msgpack.encode({"time": time.time(), **changes})
            self._file.append(_CHANGES, data)
            self.changes_bytes += len(data)
        ended = self._unlisted
        while ended:
            # few at a time: other threads run in between
            rows = [ended.popleft() for _ in range(min(len(ended), _ROWS_IN_FRAME))]
            self._file.append(_TASKS, msgspec.msgpack.encode([_shortened(row) for row in rows]))

    def end(self) -> None:
        """Its session has ended: look for the last time."""
        self.look()
        self.ended = time.time()
        self.ledger.unlisted = None

    def close(self) -> None:
        """Keep nothing any more."""
        self.ledger.unlisted = None
        self._file.close()

    def read(self) -> Run:
        """All that is known."""
        run = Run(self.ledger, self._engine, self._offset_s, ended=self.ended, trouble=self._file.trouble)
        run.listed = list(self._listed)
        rows: dict[bytes, TaskRow] = {}
        for kind, payload in self._file.frames():
            if kind == _CHANGES:
                run.changes.append(msgspec.msgpack.decode(payload))
            else:
                rows |= {row.task: row for row in _ROWS.decode(payload)}
        run.unlisted = sorted(rows.values(), key=lambda row: row.created)
        return run

    def _changed_objects(self) -> dict[str, Any] | None:
        """The part of a message on objects: the largest ones, as the views list them, and the totals."""
        now = self.ledger.objects.copy()
        if len(now) > OBJECTS_LISTED_MAX:
            now = dict(heapq.nlargest(OBJECTS_LISTED_MAX, now.items(), key=lambda item: item[1][0]))
        rows = [[key, *row] for key, row in now.items() if self._objects.get(key) != row]
        gone = [key for key in self._objects if key not in now]
        totals = dict(self.ledger.totals)
        if not rows and not gone and totals == self._totals:
            return None
        self._objects = {key: list(row) for key, row in now.items()}
        self._totals = totals
        return {"rows": rows, "gone": gone, **totals}


def _changed(known: dict[str, dict[str, Any]], now: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that are other ones than they were, which are known then. The engine writes into them meanwhile."""
    changed = []
    for key, row in now.items():
        copy = row.copy()
        if known.get(key) != copy:
            known[key] = copy
            changed.append(copy)
    return changed


def _shortened(row: TaskRow) -> TaskRow:
    if len(row.error) <= _ERROR_CHARACTERS_MAX:
        return row
    return msgspec.structs.replace(row, error=row.error[:_ERROR_CHARACTERS_MAX])
