"""Settings of the runtime: their defaults, units and reasons.

``init(_system_config={...})`` overrides them by name. A setting is never read from a decision inside the
core: it is passed in when a machine is built.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be tuned.

    Attributes:
        inline_result_max_bytes: results, arguments and puts up to this size travel inside messages and lie in
            their owner's memory; larger ones go to the shared-memory store. 100 KiB, as in Ray.
        large_capture_bytes: a function or class that is larger when pickled is warned of, with the variables that
            make it so: 1 MiB, since it goes to every worker, and again whenever it is defined anew.
        tasks_listed_max: tasks that have a row of their own in the views; beyond, only the counts grow.
        object_store_fraction: share of the machine's memory that the object store may take when
            ``object_store_memory`` is not given. 30 %, as in Ray.
        record_call_sites: outside notebooks, note the file and line of each submission and ``put`` in the driver,
            for `gnomon memory`; in notebooks cells and lines always are. Off, as in Ray: it costs every task a
            little.
        object_store_default_max_bytes: and never more than this unless asked for.
    """

    inline_result_max_bytes: int = 102_400
    large_capture_bytes: int = 2**20
    tasks_listed_max: int = 10_000
    object_store_fraction: float = 0.3
    record_call_sites: bool = False
    object_store_default_max_bytes: int = 8 * 2**30
