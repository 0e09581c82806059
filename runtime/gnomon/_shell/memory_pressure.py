"""Whether the kernel kills for want of memory: what a SIGKILL that nobody of ours has sent is told with.

The kernel counts its kills (``oom_kill``): in the control group that this process is in, which is what counts
in a container; else for the whole machine. Where it counts nothing that can be read, a machine whose memory
is nearly full is taken for the sign.
"""

from __future__ import annotations

import os

NEARLY_FULL = 0.05
"""Share of the memory still available below which a kill is put down to the want of it."""

_PROC = "/proc"
_CGROUPS = "/sys/fs/cgroup"


class MemoryPressure:
    """What has happened since it was asked last."""

    def __init__(self, proc: str = _PROC, cgroups: str = _CGROUPS) -> None:
        self._proc = proc
        self._cgroups = cgroups
        self._kills = self._count()

    def has_killed(self) -> bool:
        """Whether a process was likely killed for want of memory since the last call."""
        before, self._kills = self._kills, self._count()
        if before is None or self._kills is None:
            return self._nearly_full()
        return self._kills > before

    def _count(self) -> int | None:
        """The kernel's kills so far; None where they are not counted."""
        counters = [
            os.path.join(self._cgroups, self._group(), "memory.events"),
            os.path.join(self._cgroups, "memory", "memory.oom_control"),  # version 1, as a container sees it
            os.path.join(self._proc, "vmstat"),
        ]
        for path in counters:
            found = _field(path, "oom_kill")
            if found is not None:
                return found
        return None

    def _group(self) -> str:
        try:
            with open(os.path.join(self._proc, "self", "cgroup")) as file:
                lines = [line.strip().split(":", 2) for line in file]
        except OSError:
            return ""
        return next((line[2].lstrip("/") for line in lines if line[:2] == ["0", ""]), "")

    def _nearly_full(self) -> bool:
        path = os.path.join(self._proc, "meminfo")
        total, available = _field(path, "MemTotal:"), _field(path, "MemAvailable:")
        return total is not None and available is not None and available < NEARLY_FULL * total


def _field(path: str, name: str) -> int | None:
    """The number behind ``name`` in a file of lines "name number"."""
    try:
        with open(path) as file:
            rows = [line.split() for line in file]
        return next((int(row[1]) for row in rows if len(row) > 1 and row[0] == name), None)
    except (OSError, ValueError):
        return None
