"""How much memory this machine has and uses: the limits of our control groups, of version 1 or 2, and the machine's own.

Pages of files that the kernel can drop do not count; those of the object store do, being shared memory. Where there
are several limits (a container on a small machine, groups within groups) the one that is nearest counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PROC = "/proc"
CGROUPS = "/sys/fs/cgroup"

_NO_LIMIT = 1 << 60
"""Version 1 says "none" by a number near the largest that there is."""


class Reading(NamedTuple):
    """What is used of one limit, in bytes; ``kind`` says in words what limit that is."""

    used: int
    limit: int
    kind: str


class MemoryUsage:
    """Reads it.

    Args:
        proc, cgroups: where the kernel tells of it.
    """

    def __init__(self, proc: str = PROC, cgroups: str = CGROUPS) -> None:
        self._proc = proc
        self._cgroups = cgroups

    def read(self) -> Reading | None:
        """The limit that is nearest to be reached; None where nothing can be read."""
        found = [*self._groups(), *self._machine()]
        return max(found, key=lambda each: each.used / each.limit, default=None)

    def own_bytes(self, pids: Iterable[int]) -> dict[int, int]:
        """What each process has for itself: it would be free without it. 0 for one that is gone."""
        return {pid: self._own(pid) for pid in pids}

    def _own(self, pid: int) -> int:
        folder = os.path.join(self._proc, str(pid))
        anonymous = field(os.path.join(folder, "smaps_rollup"), "Pss_Anon:")  # what is shared counts in parts
        if anonymous is None:
            anonymous = field(os.path.join(folder, "status"), "RssAnon:")
        return (anonymous or 0) * 1024

    def _machine(self) -> Iterator[Reading]:
        path = os.path.join(self._proc, "meminfo")
        total, available = field(path, "MemTotal:"), field(path, "MemAvailable:")
        if total and available is not None:
            yield Reading((total - available) * 1024, total * 1024, "the machine has")

    def _groups(self) -> Iterator[Reading]:
        names = group_names(self._proc)
        version_2 = (self._cgroups, names.get("", ""), "memory.max", "memory.current", "")
        version_1 = (
            os.path.join(self._cgroups, "memory"),
            names.get("memory", ""),
            "memory.limit_in_bytes",
            "memory.usage_in_bytes",
            "total_",
        )
        for root, name, limit_file, usage_file, prefix in (version_2, version_1):
            for folder in _upwards(root, name):
                limit = _number(os.path.join(folder, limit_file))
                usage = _number(os.path.join(folder, usage_file))
                if limit and limit < _NO_LIMIT and usage is not None:
                    statistics = os.path.join(folder, "memory.stat")
                    files = [
                        field(statistics, f"{prefix}{kind}_file") or 0 for kind in ("active", "inactive")
                    ]
                    yield Reading(max(0, usage - sum(files)), limit, "its control group may have")


def anonymous_bytes(pids: Iterable[int], proc: str = PROC) -> int:
    """What these processes have together, shared memory aside; quick, and what forks share counts several times."""
    return 1024 * sum(field(os.path.join(proc, str(pid), "status"), "RssAnon:") or 0 for pid in pids)


def _upwards(root: str, name: str) -> Iterator[str]:
    """The folders of a control group and of those that it is in. Within a container only the root may be there."""
    parts = [part for part in name.split("/") if part not in ("", "..")]
    while parts:
        yield os.path.join(root, *parts)
        parts.pop()
    yield root


def group_names(proc: str = PROC) -> dict[str, str]:
    """The control group of this process by controller; that of version 2 under ""."""
    try:
        with open(os.path.join(proc, "self", "cgroup")) as file:
            lines = [line.strip().split(":", 2) for line in file]
    except OSError:
        return {}
    names = {}
    for line in lines:
        if len(line) == 3:
            names.update(dict.fromkeys(line[1].split(","), line[2].lstrip("/")))
    return names


def field(path: str, name: str) -> int | None:
    """The number behind ``name`` in a file of lines "name number"."""
    try:
        with open(path) as file:
            rows = [line.split() for line in file]
        return next((int(row[1]) for row in rows if len(row) > 1 and row[0] == name), None)
    except (OSError, ValueError):
        return None


def _number(path: str) -> int | None:
    """The one number in a file; None for "max", or if there is none."""
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):
        return None
