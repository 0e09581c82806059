"""Whether the kernel kills for want of memory: what a SIGKILL that nobody of ours has sent is told with.

The kernel counts its kills (``oom_kill``): in the control group that this process is in, which is what counts
in a container; else for the whole machine. Where it counts nothing that can be read, a machine whose memory
is nearly full is taken for the sign.
"""

from __future__ import annotations

import os

from gnomon._shell.memory_usage import CGROUPS, PROC, field, group_names

NEARLY_FULL = 0.05
"""Share of the memory still available below which a kill is put down to the want of it."""


class MemoryPressure:
    """What has happened since it was asked last."""

    def __init__(self, proc: str = PROC, cgroups: str = CGROUPS) -> None:
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
            os.path.join(self._cgroups, group_names(self._proc).get("", ""), "memory.events"),
            os.path.join(self._cgroups, "memory", "memory.oom_control"),  # version 1, as a container sees it
            os.path.join(self._proc, "vmstat"),
        ]
        for path in counters:
            found = field(path, "oom_kill")
            if found is not None:
                return found
        return None

    def _nearly_full(self) -> bool:
        path = os.path.join(self._proc, "meminfo")
        total, available = field(path, "MemTotal:"), field(path, "MemAvailable:")
        return total is not None and available is not None and available < NEARLY_FULL * total
