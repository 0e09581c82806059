"""Settings of the runtime: their defaults, units and reasons.

``init(_system_config={...})`` overrides them by name, and so does the environment, where it does not: ``GNOMON_`` and the
name in capitals, for example ``GNOMON_MEMORY_USAGE_THRESHOLD=0.9``. A setting is never read from a decision inside the
core: it is passed in when a machine is built.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Settings", "check_settings", "from_environment", "spill_directories"]

VARIABLE_PREFIX = "GNOMON_"
"""What names of environment variables begin with that are settings."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be tuned.

    Attributes:
        inline_result_max_bytes: results, arguments and puts up to this size travel inside messages and lie in
            their owner's memory; larger ones go to the shared-memory store. 100 KiB, as in Ray.
        large_capture_bytes: a function or class that is larger when pickled is warned of, with the variables that
            make it so: 1 MiB, since it goes to every worker, and again whenever it is defined anew.
        lineage_max_bytes: submissions of finished tasks that a process keeps, so that their large results can be
            made again when they are lost; beyond, the oldest are forgotten. 1 GiB, as in Ray.
        tasks_listed_max: tasks that have a row of their own in the views; when there are so many, new ones take the places
            of the oldest that are done, which then are in the counts only.
        object_store_fraction: share of the machine's memory that the object store may take when
            ``object_store_memory`` is not given. 30 %, as in Ray.
        record_call_sites: outside notebooks, note the file and line of each submission and ``put`` in the driver,
            for `gnomon memory`; in notebooks cells and lines always are. Off, as in Ray: it costs every task a
            little.
        object_store_default_max_bytes: and never more than this unless asked for.
        min_spilling_size: values are moved to disk so many bytes at a time, and this many share a file. 100 MiB, as
            in Ray.
        object_spilling_config: where to: ``{"type": "filesystem", "params": {"directory_path": one or a list}}``, or
            that as JSON; "" is the session's own directory.
        memory_monitor_refresh_ms: a node looks so often at its memory; 0 is never. 250, as in Ray.
        memory_usage_threshold: share of the memory above which a node ends workers, before the kernel ends whatever
            it chooses. 0.95, as in Ray.
        task_oom_retries: how often a task that was ended so is tried again, beside its ``max_retries``; -1 is without
            end, as in Ray. A task with ``max_retries=0`` is not, nor one that was the only one of its caller there.
    """

    inline_result_max_bytes: int = 102_400
    lineage_max_bytes: int = 2**30
    large_capture_bytes: int = 2**20
    tasks_listed_max: int = 10_000
    object_store_fraction: float = 0.3
    record_call_sites: bool = False
    object_store_default_max_bytes: int = 8 * 2**30
    min_spilling_size: int = 100 * 2**20
    object_spilling_config: str = ""
    memory_monitor_refresh_ms: int = 250
    memory_usage_threshold: float = 0.95
    task_oom_retries: int = -1


def check_settings(given: Mapping[str, Any]) -> None:
    """Check the settings that the user has given; other names are none of ours.

    Raises:
        ValueError: one has a value that it can not have.
    """
    spill_directories(given.get("object_spilling_config"))
    _check_whole(given, "min_spilling_size", 0, "a number of bytes")
    _check_whole(given, "memory_monitor_refresh_ms", 0, "a number of milliseconds, 0 for never")
    _check_whole(given, "task_oom_retries", -1, "a number of retries, -1 for any number")
    share = given.get("memory_usage_threshold", 0.95)
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError(f"memory_usage_threshold is {share!r}, not a share of the memory (0.0 to 1.0).")


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The settings that the environment gives.

    Raises:
        ValueError: one has a value that it can not have.
    """
    found = {}
    for name, field in Settings.__dataclass_fields__.items():
        text = environment.get(f"{VARIABLE_PREFIX}{name.upper()}")
        if text is not None:
            found[name] = _parsed(name, text, type(field.default))
    check_settings(found)
    return found


def _parsed(name: str, text: str, kind: type) -> Any:
    try:
        return bool(int(text)) if kind is bool else kind(text)
    except ValueError:
        what = "a whole number" if kind is int else "a number" if kind is float else "0 or 1"
        variable = f"{VARIABLE_PREFIX}{name.upper()}"
        raise ValueError(f"The environment variable {variable} is {text!r}, not {what}.") from None


def _check_whole(given: Mapping[str, Any], name: str, least: int, what: str) -> None:
    value = given.get(name, least)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} is {value!r}, not {what} (an int of at least {least}).")


def spill_directories(config: str | Mapping[str, Any] | None) -> list[str]:
    """The directories that an ``object_spilling_config`` names; none for the session's own.

    Raises:
        ValueError: it is not such a thing, or names another type than "filesystem".
    """
    if not config:
        return []
    import json  # only here, start-up need not pay for it

    shape = '{"type": "filesystem", "params": {"directory_path": "/path" or ["/path", ...]}}'
    problem = f"object_spilling_config is {config!r}, not {shape} (a dict, or a str of JSON)."
    try:
        given = json.loads(config) if isinstance(config, str) else config
        kind, paths = given["type"], given["params"]["directory_path"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(problem) from None
    if kind != "filesystem":
        raise ValueError(
            f"object_spilling_config has the type {kind!r}: gnomon spills to 'filesystem' alone."
        )
    paths = [paths] if isinstance(paths, str) else paths
    if (
        not isinstance(paths, list | tuple)
        or not paths
        or not all(isinstance(each, str) and each for each in paths)
    ):
        raise ValueError(problem)
    return [os.path.abspath(each) for each in paths]
