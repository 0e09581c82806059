"""What this machine has: the defaults of ``init`` where the user gives none."""

from __future__ import annotations

import glob
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def cpu_count() -> int:
    """CPUs that this process may use: its affinity, and its control group's quota if there is one."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota, _, period = _first_line(_CGROUP / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        count = min(count, -(-int(quota) // int(period)))
    return max(1, count)


def gpu_ids() -> list[str]:
    """GPUs that this process may use: those of ``CUDA_VISIBLE_DEVICES``, else all that the driver lists."""
    visible = visible_gpus()
    if visible is not None:
        return visible
    return [str(number) for number in range(len(glob.glob("/proc/driver/nvidia/gpus/*")))]


def visible_gpus() -> list[str] | None:
    """Those that ``CUDA_VISIBLE_DEVICES`` names; None when it is not set."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return None
    return [each.strip() for each in visible.split(",") if each.strip() and each.strip() != "-1"]


def memory_bytes() -> int:
    """Main memory in bytes, or the control group's limit if that is less."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _first_line(_CGROUP / "memory.max")
    return min(total, int(limit)) if limit.isdigit() else total


def _first_line(path: Path) -> str:
    try:
        return path.read_text().split("\n", 1)[0]
    except OSError:  # no control groups here
        return ""
