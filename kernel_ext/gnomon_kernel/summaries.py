"""The session in a few numbers, for JupyterLab's status bar: told when they have changed.

Jupyter servers take any message of a kernel for a sign that somebody uses it, and do not cull it: so a session in
which nothing happens must say nothing, though the memory of its machine is never quite still.
"""

from __future__ import annotations

from typing import Any

from gnomon import observe

SUMMARY_PERIOD_S = 1.0
"""How often it is looked at, and told at most."""

_MEMORY_STEP = 0.05
"""Part of the machine's memory that must have come into use, or gone out of it, to be told by itself."""


class Summaries:
    """What one status bar has been told, and what it lacks."""

    def __init__(self) -> None:
        self._told: dict[str, Any] = {}
        self._memory_told = 0

    def next(self) -> dict[str, Any] | None:
        """A message of kind "summary"; None when there is nothing new."""
        fields = _read()
        used, total = observe.machine_memory()
        moved = abs(used - self._memory_told) > _MEMORY_STEP * total
        if fields == self._told and not moved:
            return None
        self._told, self._memory_told = fields, used
        return {"kind": "summary", **fields, "memory_used_bytes": used, "memory_total_bytes": total}


def _read() -> dict[str, Any]:
    """The counts; the session is "" where there is none."""
    counts = observe.summary()
    tasks = counts["tasks"]
    nodes = [node for node in observe.nodes() if node["alive"]]
    workers = sum(node.get("workers", 0) for node in nodes)
    running = observe.tasks(state="running") if tasks["running"] else []
    busy = len({row["worker"] for row in running if row["worker"]})
    total, free, idle = (
        sum(node.get(part, {}).get("CPU", 0.0) for node in nodes)
        for part in ("resources", "available", "idle")
    )
    return {
        "session": counts["session"],
        "cpus_used": round(max(0.0, total - free - idle), 3),
        "cpus_total": total,
        "busy": min(busy, workers),
        "workers": workers,
        "queued": tasks["waiting"] + tasks["ready"],
        "store_used_bytes": counts["objects"].get("store_used_bytes", 0),
        "store_capacity_bytes": counts["objects"].get("store_capacity_bytes", 0),
    }
