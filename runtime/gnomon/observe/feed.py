"""The feed of the live views: what happens in an engine, as a snapshot and numbered deltas.

    ledger --(changed rows)--> Feed --+--> Subscription: backlog --> poll() --> message
       ^ engine's thread              +--> Subscription: backlog --> poll() --> message

A feed has no thread of its own: whoever polls drains the ledger for all subscribers, under one lock. While no
subscription is open and visible, ``ledger.readers`` is 0 and the engine notes nothing for us. The one rule
for a changer: the deques of a ledger have exactly one feed that empties them.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from gnomon._core.ledger import Ledger, TaskRow, TaskState
from gnomon.observe.backlog import PARTS, Backlog, Message, Source
from gnomon.observe.columns import wall_time
from gnomon.observe.controls import cancel_task, kill_actor, why_unlisted
from gnomon.observe.largest import LargestObjects
from gnomon.observe.memory_report import memory
from gnomon.observe.timeline import worker_name

MESSAGES_PER_SECOND_MAX = 5
"""What a sender must keep to for each subscription; a poll itself is never refused."""

OBJECT_DETAIL_S = 2.0
"""How long a view waits for the names of an object's holders."""

Follow = Callable[[], tuple[Ledger, str] | None]
"""Tells which ledger to show and its engine's name; None while there is no session."""

_T = TypeVar("_T")


class Feed:
    """What happens in one engine, or in whichever engine is the current one.

    Args:
        ledger: the ledger to show.
        engine: name of its engine.
        follow: instead of ``ledger``: asked at every poll, so that a new session is noticed.
    """

    def __init__(
        self, ledger: Ledger | None = None, engine: str = "local", follow: Follow | None = None
    ) -> None:
        self._follow = follow or (lambda: None if ledger is None else (ledger, engine))
        self._source: Source | None = None
        self._ended: Source | None = None
        self._lock = threading.Lock()
        self._open: dict[Subscription, Backlog] = {}

    def subscribe(self, parts: Iterable[str] = PARTS) -> Subscription:
        """Open a subscription; its first message is a snapshot.

        Args:
            parts: which rows the reader shows: "tasks", "objects", "actors"; all by default. Counts, names and
                nodes are told in any case.

        Raises:
            ValueError: there is no such part.
        """
        chosen = frozenset(parts)
        for part in sorted(chosen - PARTS):
            raise ValueError(f"The feed has no part {part!r}. Use some of: {', '.join(sorted(PARTS))}.")
        subscription = Subscription(self, chosen)
        self._show(subscription)
        return subscription

    def detail(self, index: int) -> dict[str, Any]:
        """All that is known of one listed task: a message of kind "detail"."""
        followed = self._follow()
        ledger = None if followed is None else followed[0]
        row = None if ledger is None else ledger.row(index)
        if ledger is None or row is None:
            return {"kind": "detail", "id": index, "text": why_unlisted(index, ledger)}
        return task_detail(ledger, row, time.time() - time.monotonic())

    def object_detail(self, identity: str) -> dict[str, Any]:
        """Who holds an object, and where it comes from: a message of kind "object". Waits for other processes.

        Raises:
            ValueError: no such id can be.
        """
        report = memory(identity, timeout_s=OBJECT_DETAIL_S)
        found: dict[str, Any] = {"kind": "object", "id": identity, "there": bool(report.rows)}
        for row in report.rows:
            found |= {
                "call_site": row.call_site,
                "owner": f"{row.owner} (pid {row.owner_pid})" if row.owner_pid else row.owner,
                "copies": len(row.nodes),
                "holders": [str(holder) for holder in row.holders],
                "complete": report.complete and not report.silent,
            }
        return found

    def cancel(self, index: int) -> dict[str, Any]:
        """Cancel a listed task; a message of kind "note" that says what became of the wish."""
        return {"kind": "note", "about": f"task {index}", "text": cancel_task(index, self._shown_ledger())}

    def kill(self, identity: str, restart: bool = False) -> dict[str, Any]:
        """Kill an actor, given by its id in hex; with ``restart`` it may be restarted. A message of kind "note"."""
        text = kill_actor(identity, restart, self._shown_ledger())
        return {"kind": "note", "about": f"actor {identity}", "text": text}

    def _shown_ledger(self) -> Ledger | None:
        followed = self._follow()
        return None if followed is None else followed[0]

    def _show(self, subscription: Subscription) -> None:
        with self._lock:
            if not subscription.closed:
                self._open[subscription] = Backlog(subscription.parts)
                self._count_readers()

    def _hide(self, subscription: Subscription, for_good: bool = False) -> None:
        with self._lock:
            subscription.closed |= for_good
            self._open.pop(subscription, None)
            self._count_readers()

    def _poll(self, subscription: Subscription, brief: bool, probe: bool) -> Message | None:
        with self._lock:
            backlog = self._open.get(subscription)
            if backlog is None:
                return None
            source = self._current_source()
            if source is None:
                return self._take_last(backlog)
            self._drain(source)
            return backlog.take(source, brief, probe)

    def _take_last(self, backlog: Backlog) -> Message | None:
        """How the session ended, told once more as a whole, since its last changes were noted for nobody; then "idle".

        The engine may still be at its end then: what that changes comes after "idle", and must not look like work.
        """
        last = None if self._ended is None else backlog.take(self._ended)
        if last is None:
            return backlog.take_idle()
        last[0]["ended"] = True
        return last

    def _current_source(self) -> Source | None:
        """Follow the current session; on a change every reader starts anew."""
        followed = self._follow()
        known = self._source
        if (None if followed is None else followed[0]) is (None if known is None else known.ledger):
            return known
        if known is not None:
            known.ledger.stop_noting()
            self._ended = known
        self._source = None
        if followed is not None:
            self._ended = None
            ledger, engine = followed
            self._source = Source(ledger, engine, LargestObjects(), time.time() - time.monotonic())
        for backlog in self._open.values():
            backlog.restart()
        self._count_readers()
        return self._source

    def _count_readers(self) -> None:
        """Tell the engine whether anybody reads. Before a first snapshot, so that no change falls between."""
        source = self._source
        if source is None:
            return
        ledger = source.ledger
        if not self._open:
            ledger.stop_noting()
        elif not ledger.readers:
            ledger.readers = len(self._open)
            source.largest.search(ledger.objects.copy())
        else:
            ledger.readers = len(self._open)

    def _drain(self, source: Source) -> None:
        """Move what the engine has noted into every reader's backlog."""
        ledger, backlogs = source.ledger, self._open.values()
        if ledger.changed_tasks:
            changed = {row.index: row for row in _popped(ledger.changed_tasks)}
            for backlog in backlogs:
                backlog.tasks_changed(changed)
        if ledger.gone_tasks:
            gone = _popped(ledger.gone_tasks)
            for backlog in backlogs:
                backlog.tasks_gone(gone)
        told = source.largest.update(dict.fromkeys(_popped(ledger.changed_objects)), ledger.objects)
        if source.largest.is_thin(ledger.objects):
            told |= source.largest.search(ledger.objects.copy())
        actors = dict.fromkeys(_popped(ledger.changed_actors))
        nodes = dict.fromkeys(_popped(ledger.changed_nodes))
        for backlog in backlogs:
            backlog.objects_changed(told)
            backlog.actors_changed(actors)
            backlog.nodes_changed(nodes)


class Subscription:
    """One reader of a feed. Its methods may be called from any thread.

    Attributes:
        parts: which rows it is told of.
        closed: nothing opens it again; read it, change it through :meth:`close` alone.
    """

    def __init__(self, feed: Feed, parts: frozenset[str] = PARTS) -> None:
        self._feed = feed
        self.parts = parts
        self.closed = False

    def poll(self, brief: bool = False, probe: bool = False) -> Message | None:
        """The next message, or None when there is nothing new or the reader is hidden.

        Args:
            brief: of tasks and objects tell the counts, but only some rows: the work that they show needs the
                processor now. The others come with later messages.
            probe: in a session, also when there is nothing new: by its number a reader notices that the message before
                it was lost.

        Returns:
            A header for JSON and a buffer of columns, together at most 64 KB. Without a session the header
            is ``{"kind": "idle", ...}``, once. Headers of a session that has ended say ``"ended": True``.
        """
        return self._feed._poll(self, brief, probe)

    def resync(self) -> None:
        """Make the next message a snapshot; a hidden reader is shown again, a closed one stays closed."""
        self._feed._show(self)

    def hide(self) -> None:
        """Stop reading: nothing is noted or computed for this reader until :meth:`resync`."""
        self._feed._hide(self)

    def close(self) -> None:
        """End the subscription; idempotent."""
        self._feed._hide(self, for_good=True)


def task_detail(ledger: Ledger, row: TaskRow, offset_s: float) -> dict[str, Any]:
    """All fields of one task, times in unix seconds (0.0 is "not yet"), and a text for people."""
    cell, label = ledger.cells.entries[row.cell]
    worker = ledger.workers.entries[row.worker] if row.worker >= 0 else None
    now = time.monotonic()
    waited_s = (row.started or row.finished or now) - row.created
    ran_s = (row.finished or now) - row.started if row.started else 0.0
    fields: dict[str, Any] = {
        "kind": "detail",
        "id": row.index,
        "task": row.task.hex(),
        "name": ledger.names.entries[row.group],
        "state": TaskState(row.state).name.lower(),
        "cell": cell,
        "cell_label": label,
        "line": row.line,
        "parent": row.parent,
        "deps": [number for number in row.deps if number >= 0][:_DEPENDENCIES_IN_DETAIL_MAX],
        "deps_count": len(row.deps),
        "worker": "" if worker is None else worker[2],
        "pid": 0 if worker is None else worker[1],
        "created": wall_time(row.created, offset_s),
        "start": wall_time(row.started, offset_s),
        "end": wall_time(row.finished, offset_s),
        "waited_s": waited_s,
        "ran_s": ran_s,
        "attempt": row.attempt,
        "error": row.error[:_ERROR_CHARACTERS_MAX],
    }
    fields["text"] = _detail_text(fields)
    return fields


_DEPENDENCIES_IN_DETAIL_MAX = 1_000
_ERROR_CHARACTERS_MAX = 4_000


def _detail_text(fields: dict[str, Any]) -> str:
    lines = [f"{fields['name']} (task {fields['id']}): {fields['state']}"]
    if fields["cell_label"]:
        line = f", line {fields['line']}" if fields["line"] else ""
        lines.append(f"submitted in {fields['cell_label']}{line}")
    if fields["deps_count"]:
        lines.append(f"takes the results of {fields['deps_count']} task(s)")
    ran = f", ran {fields['ran_s']:.3f} s" if fields["start"] else ""
    lines.append(f"waited {fields['waited_s']:.3f} s{ran}")
    if fields["worker"]:
        lines.append(f"on {worker_name(fields['worker'], fields['pid'])}")
    if fields["attempt"]:
        lines.append(f"attempt {fields['attempt'] + 1}")
    if fields["error"]:
        lines.append(fields["error"])
    return "\n".join(lines)


def _popped(changed: deque[_T]) -> list[_T]:
    """Empty a deque that another thread appends to; what comes meanwhile is left for the next time."""
    return [changed.popleft() for _ in range(len(changed))]
