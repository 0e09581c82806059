"""The cluster: its nodes, what they have, and what happened on them."""

from __future__ import annotations

import json
from typing import Any

from gnomon._api import session
from gnomon.resources import to_amounts


def nodes() -> list[dict[str, Any]]:
    """One dict per node, dead ones included: NodeID, Alive, NodeManagerAddress, Resources, Labels, ..."""
    return session.engine().nodes()


def cluster_resources() -> dict[str, float]:
    """All resources of the cluster by name: CPU, GPU, memory and object_store_memory in bytes, your own."""
    engine = session.engine()
    amounts = to_amounts(engine.cluster_resources())
    amounts["object_store_memory"] = float(engine.store_bytes()[0])
    return amounts


def available_resources() -> dict[str, float]:
    """What of them nobody holds now."""
    engine = session.engine()
    amounts = to_amounts({name: units for name, units in engine.available_resources().items() if units})
    capacity, used = engine.store_bytes()
    amounts["object_store_memory"] = float(
        max(0, capacity - used)
    )  # a little room beside it may be used, too
    return amounts


def timeline(filename: str | None = None) -> list[dict[str, Any]] | None:
    """What ran when and where, as Chrome trace events (open them in chrome://tracing or Perfetto).

    Args:
        filename: write them to this file as JSON instead of returning them.
    """
    from gnomon.observe.timeline import chrome_trace

    events = chrome_trace(session.engine().ledger)
    if filename is None:
        return events
    with open(filename, "w", encoding="utf-8") as file:
        json.dump(events, file)
    return None
