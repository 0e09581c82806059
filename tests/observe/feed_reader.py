"""A reader of the feed, as a view has one: decodes messages strictly and folds them into rows."""

from __future__ import annotations

import json
import struct
from typing import Any

_SIZES = {"u1": ("B", 1), "u2": ("H", 2), "u4": ("I", 4), "i2": ("h", 2), "i4": ("i", 4), "f8": ("d", 8)}

NEW = ["id", "func", "cell", "line", "parent", "created", "ndeps", "deps"]
CHANGED = ["id", "state", "attempt", "worker", "start", "end"]


def decode(spec: list[list[Any]], buffer: bytes, offset: int) -> tuple[dict[str, tuple[Any, ...]], int]:
    """Columns of one spec, and where they end."""
    columns = {}
    for name, dtype, length in spec:
        code, size = _SIZES[dtype]
        columns[name] = struct.unpack_from(f"<{length}{code}", buffer, offset)
        offset += -(-length * size // 8) * 8
    return columns, offset


class FeedReader:
    """What a view knows after the messages so far."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.idle = 0
        self.snapshots = 0
        self.session = ""
        self.sequence = -1
        self._forget()

    def _forget(self) -> None:
        self.names: list[str] = []
        self.cells: list[dict[str, str]] = []
        self.workers: list[dict[str, Any]] = []
        self.groups: dict[int, list[int]] = {}
        self.numbered: dict[int, dict[str, Any]] = {}
        self.latest = -1
        self.errors: dict[int, str] = {}
        self.objects: dict[str, list[Any]] = {}
        self.totals: dict[str, int] = {}
        self.actors: dict[str, dict[str, Any]] = {}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.limits: dict[str, int] = {}
        self.tempo: dict[str, Any] = {}

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """The listed tasks, in the order of their numbers."""
        return list(self.numbered.values())

    def states(self) -> list[int]:
        return [task["state"] for task in self.tasks]

    def read(self, message: tuple[dict[str, Any], bytes]) -> None:
        header, buffer = message
        text = json.dumps(header, allow_nan=False)
        self.sizes.append(len(text.encode()) + len(buffer))
        header = json.loads(text)
        if header["kind"] == "idle":
            self.idle += 1
            return
        if header["kind"] == "snapshot":
            self._forget()
            self.snapshots += 1
            assert header["seq"] == 0
        else:
            assert header["kind"] == "delta"
            assert header["seq"] == self.sequence + 1
            assert header["session"] == self.session
        self.session, self.sequence = header["session"], header["seq"]
        self.names += header.get("names", [])
        self.cells += header.get("cells", [])
        self.workers += header.get("workers", [])
        self._read_columns(header, buffer)
        self._read_rows(header)

    def _read_columns(self, header: dict[str, Any], buffer: bytes) -> None:
        new, end = decode(header.get("new", []), buffer, 0)
        changed, end = decode(header.get("changed", []), buffer, end)
        gone, end = decode(header.get("gone", []), buffer, end)
        assert end == len(buffer)
        for number in gone.get("id", ()):
            self.numbered.pop(number, None)
        if new:
            assert list(new) == NEW
            taken = 0
            for row in zip(*(new[name] for name in NEW[:-1]), strict=True):
                task = dict(zip(NEW, row, strict=False))
                task["deps"] = list(new["deps"][taken : taken + task["ndeps"]])
                taken += task["ndeps"]
                assert task["func"] < len(self.names)
                assert task["cell"] < len(self.cells)
                number = task.pop("id")
                assert number > self.latest
                self.latest = number
                self.numbered[number] = {**task, "state": 0, "worker": -1, "start": 0.0, "end": 0.0}
            assert taken == len(new["deps"])
        if changed:
            assert list(changed) == CHANGED
            for row in zip(*(changed[name] for name in CHANGED), strict=True):
                task = dict(zip(CHANGED, row, strict=True))
                assert task["worker"] < len(self.workers)
                number = task.pop("id")
                assert number <= self.latest
                self.numbered.get(number, {}).update(task)

    def _read_rows(self, header: dict[str, Any]) -> None:
        for number, *counts in header.get("groups", []):
            assert number < len(self.names)
            self.groups[number] = counts
        self.errors.update({int(index): text for index, text in header.get("errors", {}).items()})
        part = dict(header.get("objects", {}))
        for key, *row in part.pop("rows", []):
            self.objects[key] = row
        for key in part.pop("gone", []):
            del self.objects[key]
        self.totals.update(part)
        self.actors.update({row["id"]: row for row in header.get("actors", [])})
        self.nodes.update({row["id"]: row for row in header.get("nodes", [])})
        self.limits = header["limits"]
        self.tempo = header.get("tempo", self.tempo)
