"""Backlog: what one reader has been told of a ledger, and what it lacks. It writes the reader's next message.

The first message is a snapshot, the others are numbered deltas. Each fits ``MESSAGE_BYTES_MAX``; what does
not fit stays in the backlog, so a big snapshot is a snapshot followed by deltas. The one rule for a changer:
the engine keeps writing meanwhile, so rows are read before the lists of names that they point into.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from gnomon._core.ledger import Ledger, Names, PastAttempt, TaskRow, TaskState
from gnomon.ids import NODE_TAG_BYTES
from gnomon.observe.columns import (
    CHANGED_ROW_BYTES,
    DEPENDENCIES_SHOWN_MAX,
    DEPENDENCY_BYTES,
    GONE_ROW_BYTES,
    NEW_ROW_BYTES,
    ColumnWriter,
    wall_time,
    write_changed,
    write_gone,
    write_new,
)
from gnomon.observe.largest import LargestObjects
from gnomon.observe.state import object_totals

Message = tuple[dict[str, Any], bytes]
"""A header that JSON can hold, and one buffer of columns."""

PARTS = frozenset({"tasks", "objects", "actors"})
"""What a reader may do without; names, counts and nodes are told to all."""

MESSAGE_BYTES_MAX = 64 * 1024

_ENVELOPE_BYTES = 4_000
"""Left free: fixed fields, column specs, padding, and what grows while the message is written."""

_LISTS_BYTES = 16_000
"""For names, cells, workers; likewise for each of groups, nodes and actors."""

_SPANS_BYTES = 8_000
"""For what took time and is no task."""

_ATTEMPTS_BYTES = 4_000
"""For attempts that others have followed."""

_OBJECTS_BYTES = 12_000
"""Kept for objects, so that a storm of tasks does not hide them."""

_BRIEF_BYTES = 12_000
"""For rows of tasks and objects in a brief message."""

_TEXT_CHARACTERS_MAX = 200
_FIELD_CHARACTERS_MAX = 2_000

_ROW_BYTES_MAX = 8_000
"""For one actor or node. What is longer is cut further: a message has room for it even when all else is full."""

_ENTRIES_MAX = 50
"""Of a list or a table in a row that was too long."""

_NODE_TAG_DIGITS = 2 * NODE_TAG_BYTES
"""A worker's id in hex begins with its node's tag, as does the id of the node's own process."""

_UNLIMITED = 1 << 40


@dataclass(slots=True)
class Source:
    """What backlogs read from: one engine's ledger and what is derived from it.

    Attributes:
        offset_s: unix time minus monotonic time.
    """

    ledger: Ledger
    engine: str
    largest: LargestObjects
    offset_s: float


def shortened(text: str) -> str:
    """One line that is short enough for a view."""
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_CHARACTERS_MAX else line[: _TEXT_CHARACTERS_MAX - 1] + "…"


class Backlog:
    """One reader's position in a ledger.

    Args:
        parts: what the reader shows, of :data:`PARTS`; rows of anything else are neither noted nor told.
    """

    def __init__(self, parts: frozenset[str] = PARTS) -> None:
        self._parts = parts
        self.restart()

    def restart(self) -> None:
        """Forget what the reader knows; the next message is a snapshot."""
        self._sequence = -1
        self._idle_told = False
        self._names_told = 0
        self._cells_told = 0
        self._workers_told = 0
        self._tasks_told = 0  # as are all rows with a lower number
        self._groups_told: list[list[int]] = []
        self._group_next = 0
        self._objects_told: set[str] = set()
        self._totals_told: dict[str, int] = {}
        self._tempo_told: dict[str, Any] = {}
        self._spans_told = 0
        self._attempts_told = 0
        self._tasks: dict[int, TaskRow] = {}
        self._tasks_gone: list[int] = []
        self._objects: dict[str, None] = {}
        self._actors: dict[str, None] = {}
        self._nodes: dict[str, None] = {}

    def tasks_changed(self, rows: Mapping[int, TaskRow]) -> None:
        """Note changed tasks, by number; those not told of yet will be read when they are."""
        told, tasks = self._tasks_told, self._tasks
        for number, row in rows.items():
            if number < told:
                tasks[number] = row

    def tasks_gone(self, numbers: Iterable[int]) -> None:
        """Note tasks that have left the list; of those not told of yet nothing will be."""
        told = self._tasks_told
        self._tasks_gone.extend(number for number in numbers if number < told)

    def objects_changed(self, keys: Iterable[str]) -> None:
        """Note objects whose row changed, or which left the list."""
        if "objects" in self._parts:
            self._objects.update(dict.fromkeys(keys))

    def actors_changed(self, keys: Iterable[str]) -> None:
        """Note changed actors."""
        if "actors" in self._parts:
            self._actors.update(dict.fromkeys(keys))

    def nodes_changed(self, keys: Iterable[str]) -> None:
        """Note changed nodes."""
        self._nodes.update(dict.fromkeys(keys))

    def take(self, source: Source, brief: bool = False, probe: bool = False) -> Message | None:
        """The next message, or None when the reader knows everything; a brief one leaves most rows for later, a probe comes
        though there is nothing new.
        """
        snapshot = self._sequence < 0
        if snapshot:
            self.objects_changed(source.largest.sizes)
            self.actors_changed(source.ledger.actors.copy())
            self.nodes_changed(source.ledger.nodes.copy())
        body: dict[str, Any] = {}
        buffer = self._fill(body, source, brief)
        if not body and not snapshot and not probe:
            return None
        self._sequence += 1
        ledger = source.ledger
        header = {
            "kind": "snapshot" if snapshot else "delta",
            "seq": self._sequence,
            "time": time.time(),
            "engine": source.engine,
            "session": ledger.session,
            **body,
            "limits": {"tasks_listed": len(ledger.tasks), "tasks_total": ledger.tasks_total},
        }
        return header, buffer

    def take_idle(self) -> Message | None:
        """Say once that there is no session."""
        if self._idle_told:
            return None
        self._idle_told = True
        return {"kind": "idle", "time": time.time()}, b""

    def _fill(self, body: dict[str, Any], source: Source, brief: bool) -> bytes:
        ledger = source.ledger
        room = MESSAGE_BYTES_MAX - _ENVELOPE_BYTES
        used = self._fill_lists(body, ledger, _LISTS_BYTES)
        room -= used
        tempo = ledger.tempo
        if tempo != self._tempo_told:
            self._tempo_told = tempo
            body["tempo"] = tempo
        writer = ColumnWriter()
        if used < _LISTS_BYTES:  # else rows could point at names that come with the next message
            room -= self._fill_groups(body, ledger, min(room, _LISTS_BYTES))
            room -= _fill_rows(body, "nodes", self._nodes, ledger.nodes, min(room, _LISTS_BYTES))
            room -= _fill_rows(body, "actors", self._actors, ledger.actors, min(room, _LISTS_BYTES))
            room = min(room, _BRIEF_BYTES) if brief else room
            if "tasks" in self._parts:
                reserved = min(_OBJECTS_BYTES, room // 2, len(self._objects) * 200)
                room -= self._fill_tasks(body, source, writer, max(0, room - reserved))
                room -= self._fill_spans(body, source, min(room, _SPANS_BYTES))
                room -= self._fill_attempts(body, source, min(room, _ATTEMPTS_BYTES))
            if "objects" in self._parts:
                self._fill_objects(body, source, room)
            self._fill_lists(body, ledger, _UNLIMITED)
        return writer.buffer()

    def _fill_lists(self, body: dict[str, Any], ledger: Ledger, room: int) -> int:
        """Append what is new in the three lists of names; returns the bytes used."""
        names, used = _taken(ledger.names, self._names_told, room, shortened)
        self._names_told += len(names)
        cells, more = _taken(ledger.cells, self._cells_told, room - used, _cell_entry)
        self._cells_told += len(cells)
        used += more
        workers, more = _taken(ledger.workers, self._workers_told, room - used, _worker_entry)
        self._workers_told += len(workers)
        for key, entries in (("names", names), ("cells", cells), ("workers", workers)):
            if entries:
                body.setdefault(key, []).extend(entries)
        return used + more

    def _fill_groups(self, body: dict[str, Any], ledger: Ledger, room: int) -> int:
        """Counts that the reader does not know, going on where the last message had no room left."""
        told, used = self._groups_told, 0
        told.extend([] for _ in range(self._names_told - len(told)))
        rows: list[list[int]] = []
        size = min(len(told), len(ledger.counts))
        for number in (*range(self._group_next, size), *range(self._group_next)):
            if told[number] == ledger.counts[number]:
                continue
            if used >= room:
                self._group_next = number
                break
            told[number] = list(ledger.counts[number])
            rows.append([number, *told[number]])
            used += wire_bytes(rows[-1])
        if rows:
            body["groups"] = rows
        return used

    def _fill_tasks(self, body: dict[str, Any], source: Source, writer: ColumnWriter, room: int) -> int:
        """New tasks and changed ones, as columns; returns the bytes used."""
        gone, changed, used = self._take_gone(room)
        listed = source.ledger.rows_from(self._tasks_told)
        others, more = self._take_changed((room - used) // 2 if listed else room - used)
        used += more
        new, more = self._take_new(listed, room - used)
        changed += [*others, *(row for row in new if row.state)]
        if new:
            body["new"] = write_new(writer, new, source.offset_s)
        if changed:
            body["changed"] = write_changed(writer, changed, source.offset_s)
            failed = [row for row in changed if row.error and row.state == TaskState.FAILED]
            if failed:
                body["errors"] = {str(row.index): shortened(row.error) for row in failed}
        if gone:
            body["gone"] = write_gone(writer, gone)
        return used + more

    def _take_gone(self, room: int) -> tuple[list[int], list[TaskRow], int]:
        """Tasks that have left the list, and of those whose end was not told their rows: with them it is."""
        gone: list[int] = []
        ended: list[TaskRow] = []
        used = 0
        for number in self._tasks_gone:
            row = self._tasks.get(number)
            used += GONE_ROW_BYTES + (_changed_bytes(row) if row else 0)
            if used > room:
                break
            gone.append(number)
            if row:
                ended.append(self._tasks.pop(number))
        del self._tasks_gone[: len(gone)]
        return gone, ended, min(used, room)

    def _take_changed(self, room: int) -> tuple[list[TaskRow], int]:
        rows: list[TaskRow] = []
        used = 0
        for row in islice(self._tasks.values(), room // CHANGED_ROW_BYTES):
            if used >= room:
                break
            rows.append(row)
            used += _changed_bytes(row)
        for row in rows:
            del self._tasks[row.index]
        return rows, used

    def _take_new(self, listed: list[TaskRow], room: int) -> tuple[list[TaskRow], int]:
        rows: list[TaskRow] = []
        used = 0
        for row in listed:
            edges = min(len(row.deps), DEPENDENCIES_SHOWN_MAX)
            used += NEW_ROW_BYTES + DEPENDENCY_BYTES * edges + _changed_bytes(row)
            if used > room:
                break
            rows.append(row)
        if rows:
            self._tasks_told = rows[-1].index + 1
        return rows, min(used, room)

    def _fill_objects(self, body: dict[str, Any], source: Source, room: int) -> None:
        rows, gone = self._take_objects(source, room)
        totals = object_totals(source.ledger)
        if rows or gone or totals != self._totals_told:
            self._totals_told = totals
            body["objects"] = {"rows": rows, "gone": gone, **totals}

    def _fill_spans(self, body: dict[str, Any], source: Source, room: int) -> int:
        """What took time and is no task; of more than are kept the latest ones. Returns the bytes used."""
        if source.ledger.spans_total == self._spans_told:
            return 0
        used, rows = 0, []
        for number, span in source.ledger.spans.copy():
            if used >= room:
                break
            if number >= self._spans_told:
                begin, end = wall_time(span.start, source.offset_s), wall_time(span.end, source.offset_s)
                rows.append([span.kind, span.process.hex(), begin, end, span.size, shortened(span.about)])
                used += wire_bytes(rows[-1])
                self._spans_told = number + 1
        if rows:
            body["spans"] = rows
        return used

    def _fill_attempts(self, body: dict[str, Any], source: Source, room: int) -> int:
        """Attempts at listed tasks that others have followed; of more than are kept the latest ones. Returns the bytes used."""
        if source.ledger.attempts_total == self._attempts_told:
            return 0
        used, rows = 0, []
        for number, past in source.ledger.attempts.copy():
            if used >= room:
                break
            if number >= self._attempts_told:
                known = 0 <= past.row.index < self._tasks_told
                if not known and source.ledger.row(past.row.index) is not None:
                    break  # its row is told of first
                self._attempts_told = number + 1
                if known:
                    rows.append(_attempt_entry(past, source.offset_s))
                    used += wire_bytes(rows[-1])
        if rows:
            body["attempts"] = rows
        return used

    def _take_objects(self, source: Source, room: int) -> tuple[list[list[Any]], list[str]]:
        listed, objects, told = source.largest.sizes, source.ledger.objects, self._objects_told
        rows: list[list[Any]] = []
        gone: list[str] = []
        used = 0
        done = 0
        for key in self._objects:
            if used >= room:
                break
            done += 1
            row = objects.get(key) if key in listed else None
            if row is not None:
                size_bytes, state, producer, *others = row
                rows.append([key, size_bytes, state, shortened(producer), *others])
                told.add(key)
                used += wire_bytes(rows[-1])
            elif key in told:
                gone.append(key)
                told.discard(key)
                used += len(key) + 4
        for key in list(islice(self._objects, done)):
            del self._objects[key]
        return rows, gone


def wire_bytes(value: Any) -> int:
    """Size of a value in a header, never too low."""
    return len(json.dumps(value)) + 2


def _fitted(row: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """A row of an actor or a node that is not too long for a message, and its size there."""
    fitted = {name: _cut(value, _FIELD_CHARACTERS_MAX) for name, value in row.items()}
    size = wire_bytes(fitted)
    if size > _ROW_BYTES_MAX:
        fitted = {name: _cut(value, _TEXT_CHARACTERS_MAX) for name, value in fitted.items()}
        size = wire_bytes(fitted)
    characters, entries = _TEXT_CHARACTERS_MAX, _ENTRIES_MAX
    while size > _ROW_BYTES_MAX:
        fitted = {name: _cut(value, characters, entries) for name, value in fitted.items()}
        size = wire_bytes(fitted)
        characters, entries = characters // 2, entries // 2
    return fitted, size


def _cut(value: Any, characters: int, entries: int | None = None) -> Any:
    """A field with texts, and with lists and tables if ``entries`` is given, that are no longer than that."""
    if isinstance(value, str):
        return value[:characters]
    if entries is None:
        return value
    if isinstance(value, dict):
        return {key[:characters]: _cut(value[key], characters, entries) for key in islice(value, entries)}
    if isinstance(value, (list, tuple)):
        return [_cut(each, characters, entries) for each in value[:entries]]
    return value


def _changed_bytes(row: TaskRow) -> int:
    """Size of a change: the columns, and the error's text (at most 6 bytes a character in JSON)."""
    if not row.error:
        return CHANGED_ROW_BYTES
    return CHANGED_ROW_BYTES + wire_bytes(shortened(row.error)) + 12


def _attempt_entry(past: PastAttempt, offset_s: float) -> list[Any]:
    begin, end = wall_time(past.started, offset_s), wall_time(past.finished, offset_s)
    return [past.row.index, past.number, past.worker, begin, end, past.state, shortened(past.reason)]


def _cell_entry(entry: tuple[str, str]) -> dict[str, Any]:
    return {"id": entry[0], "label": shortened(entry[1])}


def _worker_entry(entry: tuple[str, int, str]) -> dict[str, Any]:
    return {
        "id": entry[0],
        "pid": entry[1],
        "label": shortened(entry[2]),
        "node": entry[0][:_NODE_TAG_DIGITS],
    }


def _taken(names: Names, start: int, room: int, entry: Callable[[Any], Any]) -> tuple[list[Any], int]:
    """Entries from ``start`` on that fit into ``room`` bytes, and the bytes used."""
    taken: list[Any] = []
    used = 0
    for known in islice(names.entries, start, len(names.entries)):
        if used >= room:
            break
        taken.append(entry(known))
        used += wire_bytes(taken[-1])
    return taken, used


def _fill_rows(
    body: dict[str, Any], key: str, pending: dict[str, None], table: dict[str, dict[str, Any]], room: int
) -> int:
    """Move pending rows of actors or nodes into the message; returns the bytes used."""
    rows: list[dict[str, Any]] = []
    used = 0
    for identity in list(pending):
        row = table.get(identity)
        if row is not None:
            fitted, size = _fitted(row.copy())
            if used + size > room:
                break
            rows.append(fitted)
            used += size
        del pending[identity]
    if rows:
        body[key] = rows
    return used
